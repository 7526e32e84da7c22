//! What parent and child say to each other.
//!
//! | sender | message | then |
//! |---|---|---|
//! | child | [`Reply::Hello`] | the parent knows that the child has reached its dispatch |
//! | parent | [`Request::Call`]: [`Header`], arguments | the child runs the worker |
//! | child | one of the other [`Reply`]s | the child ends |
//!
//! The end of the connection says the rest: to the child, that its parent is gone; to the
//! parent, that no reply will come.

use std::collections::BTreeMap;
use std::ffi::OsString;

use serde::{Deserialize, Serialize};

use crate::dispatch::{Function, Place};
use crate::limits::Limits;

/// The kinds of messages to a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Request {
    /// A [`Header`] and the arguments: run this worker.
    Call = 1,
}

/// What a child has to know besides the arguments.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    /// The worker, and its path to check it by.
    pub(crate) place: Place,
    pub(crate) worker: String,
    /// The name of the process.
    pub(crate) name: String,
    pub(crate) parent: u32,
    /// The whole environment, for a child that did not inherit the right one.
    pub(crate) environment: Option<BTreeMap<OsString, OsString>>,
    pub(crate) limits: Limits,
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
        ]
        .into_iter()
        .find(|reply| *reply as u8 == byte)
    }
}
