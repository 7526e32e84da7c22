use std::borrow::Cow;
use std::sync::Mutex;
use std::sync::MutexGuard;

use multiproc::worker;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Name<'a>(&'a str);

#[worker]
fn greet(name: Name) -> usize {
    name.0.len()
}

#[worker]
fn lent(name: &Name) -> usize {
    name.0.len()
}

#[worker]
fn inside(names: Vec<Option<Name>>, times: u8) -> usize {
    names.len() * usize::from(times)
}

#[worker]
fn guard(guard: MutexGuard<u64>) -> u64 {
    *guard
}

#[worker]
fn result(text: &str) -> Cow<str> {
    text.trim().into()
}

#[worker]
fn result_inside(text: &str) -> Option<Name> {
    Some(Name(text))
}

fn main() {
    let _: usize = greet::run(Name("Alice")).unwrap();
    let _: usize = lent::run(&Name("Alice")).unwrap();
    let _: usize = inside::run(vec![None], 1).unwrap();
    let mutex = Mutex::new(1);
    let _: u64 = guard::spawn(mutex.lock().unwrap()).unwrap().join().unwrap();
    let _ = result::run("text").unwrap();
    let _ = result_inside::run("text").unwrap();
}
