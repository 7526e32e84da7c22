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

fn main() {}
