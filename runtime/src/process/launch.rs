//! What every way of starting a child is given and gives back.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::call::StartMethod;
use super::hook::MARKER;
use super::monitor::Child;
use super::stdio::{ParentEnds, Streams};
use super::{fork_server, spawn};
use crate::transport::{self, Sender};

/// The surroundings of a child, as its call asks for them.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    pub(super) environment: Vec<EnvironmentChange>,
    pub(super) current_dir: Option<PathBuf>,
    pub(super) streams: Streams,
    /// When to kill the child.
    pub(super) timeout: Option<Instant>,
}

/// A change to the environment that the child inherits, in the order they were asked for.
#[derive(Debug, Clone)]
pub(crate) enum EnvironmentChange {
    Set(OsString, OsString),
    Remove(OsString),
    Clear,
}

impl Surroundings {
    /// Refuses what no process can have in its environment.
    fn check(&self) -> io::Result<()> {
        let mut set = BTreeMap::new();
        for change in &self.environment {
            match change {
                EnvironmentChange::Set(key, value) => {
                    set.insert(key, value);
                }
                EnvironmentChange::Remove(key) => {
                    set.remove(key);
                }
                EnvironmentChange::Clear => set.clear(),
            }
        }
        let wrong = set
            .into_iter()
            .find(|(key, value)| !is_variable(key) || value.as_bytes().contains(&0));
        match wrong {
            None => Ok(()),
            Some((key, _)) => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "the environment cannot have the variable `{}`: names are not empty and without `=`, neither names nor values contain a zero byte",
                    key.display()
                ),
            )),
        }
    }

    /// The whole environment of the child.
    pub(super) fn environment(&self) -> BTreeMap<OsString, OsString> {
        let mut environment: BTreeMap<_, _> = std::env::vars_os().collect();
        for change in &self.environment {
            match change {
                EnvironmentChange::Set(key, value) => {
                    environment.insert(key.clone(), value.clone());
                }
                EnvironmentChange::Remove(key) => {
                    environment.remove(key);
                }
                EnvironmentChange::Clear => environment.clear(),
            }
        }
        // The programs that the child starts must not find it.
        environment.remove(OsStr::new(MARKER));
        environment
    }
}

/// Whether this can be the name of a variable.
pub(super) fn is_variable(key: &OsStr) -> bool {
    !key.is_empty() && !key.as_bytes().iter().any(|byte| matches!(byte, b'=' | 0))
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
    surroundings.check()?;
    transport::warm_up()?;
    match start_method {
        // What cannot be looked into cannot be handed over either.
        StartMethod::ForkServer if !surroundings.streams.are_opaque() => {
            fork_server::launch(surroundings)
        }
        StartMethod::ForkServer | StartMethod::Spawn => spawn::launch(surroundings),
    }
}
