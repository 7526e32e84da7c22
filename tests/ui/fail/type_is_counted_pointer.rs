use std::rc::Rc;
use std::sync::Arc;

use multiproc::worker;

#[worker]
fn shared(name: Arc<str>) -> usize {
    name.len()
}

#[worker]
fn inside(names: Vec<Rc<String>>) -> Option<Arc<String>> {
    let _ = names;
    None
}

fn main() {
    let _: usize = shared::run("name".into()).unwrap();
    let _ = inside::run(vec![]).unwrap();
}
