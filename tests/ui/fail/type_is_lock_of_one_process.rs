use std::sync::{Arc, Mutex, RwLock};

use multiproc::worker;

type Total = Mutex<u64>;

#[worker]
fn add(total: Mutex<u64>, number: u64) {
    *total.lock().unwrap() += number;
}

#[worker]
fn add_to_clone(total: Arc<Mutex<u64>>, number: u64) {
    *total.lock().unwrap() += number;
}

#[worker]
fn add_to_one_of(totals: Vec<(String, Mutex<u64>)>, number: u64) {
    *totals[0].1.lock().unwrap() += number;
}

#[worker]
fn add_to_alias(total: Total, number: u64) {
    *total.lock().unwrap() += number;
}

#[worker]
fn borrow(total: &Mutex<u64>) -> u64 {
    *total.lock().unwrap()
}

#[worker]
fn give() -> RwLock<u64> {
    RwLock::new(0)
}

fn main() {
    add::run(Mutex::new(0), 1).unwrap();
    add_to_clone::run(Arc::new(Mutex::new(0)), 1).unwrap();
    add_to_one_of::run(vec![], 1).unwrap();
    add_to_alias::run(Mutex::new(0), 1).unwrap();
    let _: u64 = borrow::run(&Mutex::new(0)).unwrap();
    let _: RwLock<u64> = give::run().unwrap();
}
