//! Functions as values: closures, and function pointers.
//!
//! A worker is known by its name. A function that is a value has none: another process finds it by its
//! distance in the image ([`sys::function`](crate::sys::function)), and in the [entry] for its types what to
//! do with it. In errors, it is named after the place in the source where it is called.

mod call;
mod entry;
mod refusal;
mod value;

pub use call::{call, run, spawn};
pub use value::Function;
