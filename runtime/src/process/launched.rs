//! What every way of starting a child is given and gives back.

use std::path::PathBuf;
use std::sync::Arc;

use super::environment::Changes;
use super::monitor::Child;
use super::start_method::StartMethod;
use super::stdio::{ParentEnds, Streams};
use super::watch::TimeLimit;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::function::{Distance, Function};
use crate::sys::lineage::Lineage;
use crate::transport::Sender;

/// How a child is to be started, as its call asks for it.
#[derive(Debug, Default)]
pub(super) struct LaunchOptions {
    pub(super) environment: Changes,
    pub(super) current_dir: Option<PathBuf>,
    pub(super) streams: Streams,
    pub(super) timeout: Option<TimeLimit>,
}

/// A child that waits for its request, and is watched.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) child: Arc<Child>,
    pub(super) sender: Sender,
    pub(super) streams: ParentEnds,
    /// How it was started in the end.
    pub(super) start_method: StartMethod,
}

/// A function of the program, to be called in the process.
pub(super) fn function(function: fn()) -> Result<Function> {
    Function::new(function).ok_or_else(of_a_library)
}

/// The same, for a process of the same build.
pub(super) fn distance(function: fn()) -> Result<Distance<fn()>> {
    Distance::of(function).ok_or_else(of_a_library)
}

fn of_a_library() -> Error {
    let text = "the function to run before the worker is part of a shared library";
    Error::new(ErrorKind::Unsupported, text)
}

/// A sign for the descendants of a child, which are to end with it.
pub(super) fn lineage() -> Result<Lineage> {
    Lineage::new().map_err(|error| {
        let text = "what the process starts could not be found, to be killed";
        Error::new(ErrorKind::Unsupported, text).with_source(error)
    })
}
