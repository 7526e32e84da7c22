//! What parent and child say to each other.
//!
//! | sender | message | then |
//! |---|---|---|
//! | child | [`Reply::Hello`] | the parent knows that the child has reached its dispatch |
//! | parent | [`Request::Call`]: [`Header`], arguments | the child runs the worker |
//! | child | one of the other [`Reply`]s | the child ends |
//!
//! A child of a pool goes on instead:
//!
//! | sender | message | then |
//! |---|---|---|
//! | parent | [`Request::Serve`]: [`Header`], "pool", a scoreboard | the child prepares itself |
//! | child | [`Reply::Ready`] | it waits for tasks |
//! | parent | [`Request::Task`] or [`Request::Batch`] | the child runs them, as far as the scoreboard lets it |
//! | child | a reply for each task; those of a batch together in [`Reply::Results`] | it waits again |
//! | parent | [`Request::Retire`] | the child ends |
//!
//! The end of the connection says the rest: to the child, that its parent is gone; to the
//! parent, that no reply will come.

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde::{Deserialize, Serialize};

use crate::descriptor::Fd;
use crate::limits::Limits;
use crate::sys::fd::OwnedFd;
use crate::sys::function::Function;
use crate::sys::inheritance::Differences;

/// The kinds of messages to a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Request {
    /// A [`Header`], a [`Callee`](crate::dispatch::Callee) and the arguments: run this worker.
    Call = 1,
    /// A [`Header`], the name of a service and what that has to know: serve.
    Serve,
    /// The round in two bytes, the length of a [`Callee`](crate::dispatch::Callee) in four, the callee, arguments: run this
    /// worker.
    Task,
    /// The same, but for several sets of arguments, each after its length in four bytes: run this
    /// worker on each.
    Batch,
    /// Nothing more: end.
    Retire,
}

impl Request {
    pub(crate) fn from_wire(byte: u8) -> Option<Request> {
        [
            Request::Call,
            Request::Serve,
            Request::Task,
            Request::Batch,
            Request::Retire,
        ]
        .into_iter()
        .find(|request| *request as u8 == byte)
    }
}

/// What a child has to know besides the arguments.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The name of the process.
    pub(crate) name: String,
    pub(crate) parent: u32,
    /// The whole environment, for a child that did not inherit the right one.
    pub(crate) environment: Option<BTreeMap<OsString, OsString>>,
    /// What it would have inherited, if it did not.
    pub(crate) inheritance: Option<Differences>,
    pub(crate) limits: Limits,
    /// Where the child notes that it was refused memory, if that is limited.
    pub(crate) exhaustion: Option<Fd<OwnedFd>>,
    /// What to run before the arguments are decoded, if not what the worker's option says.
    pub(crate) before_worker: Option<Function>,
}

/// The kinds of messages from a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Reply {
    /// Nothing more: the child is there.
    Hello = 1,
    /// The value that the worker returned.
    Returned,
    /// A `PanicInfo`.
    Panicked,
    /// Why the arguments could not be read, a `String`.
    NotDecoded,
    /// Why the result could not be written, a `String`.
    NotEncoded,
    /// Why the request makes no sense to this child, a `String`.
    Refused,
    /// Nothing more: the child waits for tasks.
    Ready,
    /// How long they took in nanoseconds, eight bytes; the round, two bytes; the number of the
    /// first in the round, four bytes; and replies, each after its length in four bytes.
    Results,
}

impl Reply {
    pub(crate) fn from_wire(byte: u8) -> Option<Reply> {
        [
            Reply::Hello,
            Reply::Returned,
            Reply::Panicked,
            Reply::NotDecoded,
            Reply::NotEncoded,
            Reply::Refused,
            Reply::Ready,
            Reply::Results,
        ]
        .into_iter()
        .find(|reply| *reply as u8 == byte)
    }
}
