//! Starting a child, one way or the other.

use std::io;

use super::fork_server::Woken;
use super::{fork_server, spawn};
use crate::limits::Limits;
use crate::process::launched::{LaunchOptions, Launched};
use crate::process::start_method::StartMethod;
use crate::sys::inheritance::Differences;
use crate::transport;

/// A child that is about to be started.
#[derive(Debug)]
pub(in crate::process) enum Launching {
    /// A clone that wakes up to its launch options. It ends when this is dropped.
    Clone(Woken),
    /// The program is still to be executed.
    Execution(LaunchOptions),
}

impl Launching {
    /// Begins to start a child with these options, which will be given these limits. This process
    /// is one that can [start others](super::spawn_refusal()).
    ///
    /// A clone takes its time to wake up: the parent writes the request meanwhile.
    pub(in crate::process) fn begin(
        start_method: StartMethod,
        options: LaunchOptions,
        limits: &Limits,
    ) -> io::Result<Launching> {
        options.environment.check()?;
        limits.check()?;
        transport::warm_up()?;
        match start_method {
            // What cannot be looked into cannot be handed over either.
            StartMethod::ForkServer if !options.streams.are_opaque() => {
                match fork_server::take_spare()? {
                    Some(spare) => Ok(Launching::Clone(spare.wake(options)?)),
                    None => Ok(Launching::Execution(options)),
                }
            }
            StartMethod::ForkServer | StartMethod::Spawn => Ok(Launching::Execution(options)),
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
            Launching::Execution(options) => spawn::launch(options),
        }
    }
}
