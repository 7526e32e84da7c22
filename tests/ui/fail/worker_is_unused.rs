#![deny(dead_code)]

use multiproc::worker;

#[worker]
fn largest<T: Ord>(values: Vec<T>) -> Option<T> {
    values.into_iter().max()
}

#[worker]
#[allow(dead_code)]
fn smallest<T: Ord>(values: Vec<T>) -> Option<T> {
    values.into_iter().min()
}

#[worker]
#[expect(dead_code)]
fn first<T>(values: Vec<T>) -> Option<T> {
    values.into_iter().next()
}

#[worker]
fn add(a: u32, b: u32) -> u32 {
    a + b
}

#[worker]
#[expect(dead_code)]
fn subtract(a: u32, b: u32) -> u32 {
    a - b
}

#[worker]
fn double(x: u32) -> u32 {
    x * 2
}

fn main() {
    double::run(2).unwrap();
}
