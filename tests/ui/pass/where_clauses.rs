use std::fmt::Display;
use std::ops::Add;

use multiproc::{Payload, PayloadRef, worker};
use serde::Serialize;
use serde::de::DeserializeOwned;

#[worker]
#[allow(trivial_bounds)]
fn no_parameters(words: Vec<String>) -> usize
where
    String: Clone,
{
    words.len()
}

#[worker]
fn on_references<T>(left: T, right: T) -> T
where
    for<'a> &'a T: Add<&'a T, Output = T>,
{
    &left + &right
}

#[worker]
fn on_projections<I>(items: I) -> Vec<String>
where
    I: IntoIterator,
    I::Item: Display,
{
    items.into_iter().map(|item| item.to_string()).collect()
}

#[worker]
fn projection<I: IntoIterator>(items: I) -> Option<I::Item>
where
    I: Clone,
{
    items.into_iter().next()
}

// What it takes to be sent may be written, and need not be.
#[worker]
fn written<T>(values: &[T]) -> Option<T>
where
    T: Clone + Payload,
    [T]: PayloadRef,
{
    values.first().cloned()
}

#[worker]
fn with_serde<T: Serialize + DeserializeOwned + Clone + 'static>(values: &Vec<T>) -> Vec<T> {
    values.clone()
}

#[worker]
fn unsized_parameter<T>(value: &T) -> String
where
    T: ?Sized + Display,
{
    value.to_string()
}

fn through_generics<T>(value: T) -> T
where
    T: Serialize + DeserializeOwned + Clone + 'static,
{
    with_serde::run(&vec![value]).unwrap().remove(0)
}

#[test]
fn it_runs() {
    assert_eq!(no_parameters::run(Vec::new()).unwrap(), 0);
    assert_eq!(on_references::run(1, 2).unwrap(), 3);
    assert_eq!(on_projections::run(vec![1, 2]).unwrap(), ["1", "2"]);
    assert_eq!(on_projections::run(Some('x')).unwrap(), ["x"]);
    assert_eq!(projection::run(vec![1, 2]).unwrap(), Some(1));
    assert_eq!(written::run(&[1.5]).unwrap(), Some(1.5));
    assert_eq!(unsized_parameter::run("text").unwrap(), "text");
    assert_eq!(unsized_parameter::run(&5).unwrap(), "5");
    assert_eq!(through_generics(7), 7);
    assert_eq!(through_generics("seven".to_owned()), "seven");
}
