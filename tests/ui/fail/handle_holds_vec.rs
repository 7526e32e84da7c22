use multiproc::sync::{Mutex, RwLock};
use multiproc::worker;

#[worker]
fn push(list: Mutex<Vec<u8>>) {
    let _ = list;
}

#[worker]
fn push_to_reference(list: &Mutex<Vec<u8>>) {
    let _ = list;
}

#[worker]
fn names() -> Option<RwLock<String>> {
    None
}

fn main() {
    let _ = push::call;
    let _ = push_to_reference::call;
    let _ = names::run().unwrap();
}
