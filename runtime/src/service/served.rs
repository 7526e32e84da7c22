//! What generated code says about a type that is served.

use std::fmt::Display;

use crate::dispatch::{Failure, Job};

/// A type whose object lives in a process of its own. Implemented by `#[service]`.
pub trait Served: Sized + 'static {
    /// Makes the object by the constructor of this number, whose arguments are the job's.
    ///
    /// # Errors
    ///
    /// The arguments cannot be read, or the constructor gives no object.
    fn construct(constructor: u16, job: &mut Job<'_>) -> Result<Self, Unbuilt>;

    /// The method of this number.
    fn method(number: u16) -> Option<Method<Self>>;
}

/// A method: how it takes the object, and what runs it on a request.
#[derive(Debug)]
pub enum Method<S> {
    /// `&self`.
    Shared(fn(&S, &mut Job<'_>) -> Result<(), Failure>),
    /// `&mut self`.
    Exclusive(fn(&mut S, &mut Job<'_>) -> Result<(), Failure>),
    /// `self`: there is no object after it.
    Last(fn(S, &mut Job<'_>) -> Result<(), Failure>),
}

/// Why there is no object.
#[derive(Debug)]
pub enum Unbuilt {
    /// The arguments of the constructor could not be read.
    Failed(Failure),
    /// What the constructor says.
    Refused(String),
}

impl From<Failure> for Unbuilt {
    fn from(failure: Failure) -> Unbuilt {
        Unbuilt::Failed(failure)
    }
}

/// What became of a constructor that has returned an error.
#[must_use]
pub fn constructor_failed(constructor: &'static str, error: &(impl Display + ?Sized)) -> Unbuilt {
    Unbuilt::Refused(format!(
        "its constructor `{constructor}` returned an error: {error:#}"
    ))
}

/// What became of a constructor that has returned `None`.
#[must_use]
pub fn constructor_gave_none(constructor: &'static str) -> Unbuilt {
    Unbuilt::Refused(format!("its constructor `{constructor}` returned `None`"))
}
