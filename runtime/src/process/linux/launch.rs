//! Starting a child, one way or the other.

use std::io;

use super::fork_server::Woken;
use super::{fork_server, spawn};
use crate::limits::Limits;
use crate::process::launched::{Launched, Surroundings};
use crate::process::start_method::StartMethod;
use crate::sys::inheritance::Differences;
use crate::transport;

/// A child that is about to be started.
#[derive(Debug)]
pub(in crate::process) enum Launching {
    /// A clone that wakes up to its surroundings. It ends when this is dropped.
    Clone(Woken),
    /// The program is still to be executed.
    Execution(Surroundings),
}

impl Launching {
    /// Begins to start a child in these surroundings, which will be given these limits. This process
    /// is one that can [start others](super::spawn_refusal()).
    ///
    /// A clone takes its time to wake up: the parent writes the request meanwhile.
    pub(in crate::process) fn begin(
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
                match fork_server::take_spare()? {
                    Some(spare) => Ok(Launching::Clone(spare.wake(surroundings)?)),
                    None => Ok(Launching::Execution(surroundings)),
                }
            }
            StartMethod::ForkServer | StartMethod::Spawn => Ok(Launching::Execution(surroundings)),
        }
    }

    /// What the child has not inherited from this thread, but is to have.
    pub(in crate::process) fn differences(&self) -> Option<Differences> {
        match self {
            Launching::Clone(woken) => woken.differences(),
            Launching::Execution(_) => None,
        }
    }

    /// Starts the child, which then waits for its request.
    pub(in crate::process) fn finish(self) -> io::Result<Launched> {
        match self {
            Launching::Clone(woken) => Ok(woken.launched()),
            Launching::Execution(surroundings) => spawn::launch(surroundings),
        }
    }
}
