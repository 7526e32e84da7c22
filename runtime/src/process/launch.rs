//! What every way of starting a child is given and gives back.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use rustix::process::Pid;

use super::stdio::{ParentEnds, Streams};

/// The surroundings of a child, as its call asks for them.
#[derive(Debug, Default)]
pub(super) struct Surroundings {
    pub(super) environment: Vec<EnvironmentChange>,
    pub(super) current_dir: Option<PathBuf>,
    pub(super) streams: Streams,
}

/// A change to the environment that the child inherits, in the order they were asked for.
#[derive(Debug)]
pub(super) enum EnvironmentChange {
    Set(OsString, OsString),
    Remove(OsString),
    Clear,
}

/// A child that holds the other end of the connection it was launched with.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) pid: Pid,
    pub(super) pidfd: OwnedFd,
    pub(super) streams: ParentEnds,
}
