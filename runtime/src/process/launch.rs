//! What every way of starting a child is given and gives back.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::call::StartMethod;
use super::environment::Changes;
use super::monitor::Child;
use super::stdio::{ParentEnds, Streams};
use super::{fork_server, spawn};
use crate::transport::{self, Sender};

/// The surroundings of a child, as its call asks for them.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    pub(super) environment: Changes,
    pub(super) current_dir: Option<PathBuf>,
    pub(super) streams: Streams,
    /// When to kill the child.
    pub(super) timeout: Option<Instant>,
}

/// A child that waits for its request, and is minded.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) child: Arc<Child>,
    pub(super) sender: Sender,
    pub(super) streams: ParentEnds,
    /// How it was started in the end.
    pub(super) start_method: StartMethod,
}

/// Starts a child in these surroundings.
pub(super) fn launch(
    start_method: StartMethod,
    surroundings: Surroundings,
) -> io::Result<Launched> {
    surroundings.environment.check()?;
    transport::warm_up()?;
    match start_method {
        // What cannot be looked into cannot be handed over either.
        StartMethod::ForkServer if !surroundings.streams.are_opaque() => {
            fork_server::launch(surroundings)
        }
        StartMethod::ForkServer | StartMethod::Spawn => spawn::launch(surroundings),
    }
}
