//! Starting a child, one way or the other.

use std::io;

use super::fork_server::Woken;
use super::launched::{Launched, Surroundings};
use super::start_method::StartMethod;
use super::{fork_server, spawn};
use crate::error::{Error, ErrorKind, Result};
use crate::inheritance::Differences;
use crate::limits::Limits;
use crate::sys::function::Function;
use crate::transport;

/// A child that is about to be started.
#[derive(Debug)]
pub(super) enum Launching {
    /// A clone that wakes up to its surroundings. It ends when this is dropped.
    Clone(Woken),
    /// The program is still to be executed.
    Execution(Surroundings),
}

impl Launching {
    /// Begins to start a child in these surroundings, which will be given these limits. This process
    /// is one that can [start others](super::origin::why_childless).
    ///
    /// A clone takes its time to wake up: the parent writes the request meanwhile.
    pub(super) fn begin(
        start_method: StartMethod,
        surroundings: Surroundings,
        limits: &Limits,
    ) -> io::Result<Launching> {
        surroundings.environment.check()?;
        limits.check()?;
        transport::warm_up()?;
        match start_method {
            // What cannot be looked into cannot be handed over either.
            StartMethod::ForkServer if !surroundings.streams.are_opaque() => {
                fork_server::launch(surroundings)
            }
            StartMethod::ForkServer | StartMethod::Spawn => Ok(Launching::Execution(surroundings)),
        }
    }

    /// What the child has not inherited from this thread, but is to have.
    pub(super) fn differences(&self) -> Option<Differences> {
        match self {
            Launching::Clone(woken) => woken.differences(),
            Launching::Execution(_) => None,
        }
    }

    /// Starts the child, which then waits for its request.
    pub(super) fn finish(self) -> io::Result<Launched> {
        match self {
            Launching::Clone(woken) => Ok(woken.launched()),
            Launching::Execution(surroundings) => spawn::launch(surroundings),
        }
    }
}

/// A function of the program, to be called in the process.
pub(super) fn function(function: fn()) -> Result<Function> {
    Function::new(function).ok_or_else(|| {
        let text = "the function to run before the worker is part of a shared library";
        Error::new(ErrorKind::Unsupported, text)
    })
}
