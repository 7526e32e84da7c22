use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use multiproc::worker;

#[worker]
fn count(counter: AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

#[worker]
fn stop(counters: [AtomicBool; 2]) {
    counters[0].store(true, Ordering::Relaxed);
}

#[worker]
fn set(cell: Cell<u8>) {
    cell.set(1);
}

#[worker]
fn push(list: Option<Rc<RefCell<Vec<u8>>>>) {
    list.unwrap().borrow_mut().push(1);
}

#[worker]
fn fill(once: OnceCell<u8>, _also: OnceLock<u8>) {
    once.set(1).unwrap();
}

fn main() {
    count::run(AtomicU64::new(0)).unwrap();
    stop::run([AtomicBool::new(false), AtomicBool::new(false)]).unwrap();
    set::run(Cell::new(0)).unwrap();
    push::run(None).unwrap();
    fill::run(OnceCell::new(), OnceLock::new()).unwrap();
}
