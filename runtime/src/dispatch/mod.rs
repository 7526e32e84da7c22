//! From a worker's name and arguments to a call of the function, and back with its result.
//!
//! Nothing here starts a process or opens a descriptor: a call can make the whole round within
//! one process, which is how the unit tests run it.

#![expect(
    clippy::missing_errors_doc,
    reason = "what is public here is so for generated code, and hidden"
)]

mod alias;
mod callee;
mod job;
mod panic;
mod registry;
mod reply;
mod run;
mod site;
#[cfg(test)]
#[allow(clippy::pedantic, reason = "tests may be blunt")]
mod tests;
mod witness;

pub use job::Job;
pub use registry::{Entry, STARTUPS, Startup};
pub use reply::Failure;
pub use witness::{
    Argument, Arguments, BorrowedCodec, Lent, OwnedCodec, Parameter, ResultCodec, borrowed, never,
    owned, result,
};

pub(crate) use alias::named_after;
pub(crate) use callee::{Callee, PortableCallee};
pub(crate) use panic::{catch, install as install_panic_hook};
pub(crate) use registry::{Defaults, EntryId, has_services};
pub(crate) use reply::{Outlet, ReplyBuffer, message};
pub(crate) use run::{Ended, run, run_method};
pub(crate) use witness::ArgumentList;
