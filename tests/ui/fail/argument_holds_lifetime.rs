use std::borrow::Cow;

use multiproc::worker;

#[worker]
fn greet(name: Cow<'_, str>) -> usize {
    name.len()
}

fn main() {
    let _: usize = greet::run(Cow::Borrowed("Alice")).unwrap();
}
