//! Starting a child, one way or the other.

use std::io;

use super::launched::{Launched, Surroundings};
use super::start_method::StartMethod;
use super::{fork_server, spawn};
use crate::dispatch::Function;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::transport;

/// Starts a child in these surroundings, which will be given these limits. This process is one that
/// can [start others](super::origin::why_childless).
pub(super) fn launch(
    start_method: StartMethod,
    surroundings: Surroundings,
    limits: &Limits,
) -> io::Result<Launched> {
    surroundings.environment.check()?;
    limits.check()?;
    transport::warm_up()?;
    match start_method {
        // What cannot be looked into cannot be handed over either.
        StartMethod::ForkServer if !surroundings.streams.are_opaque() => {
            fork_server::launch(surroundings)
        }
        StartMethod::ForkServer | StartMethod::Spawn => spawn::launch(surroundings),
    }
}

/// A function of the program, to be called in the process.
pub(super) fn function(function: fn()) -> Result<Function> {
    Function::new(function).ok_or_else(|| {
        let text = "the function to run before the worker is part of a shared library";
        Error::new(ErrorKind::Unsupported, text)
    })
}
