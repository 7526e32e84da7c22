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
//! A child that crashes, or is asked where it is before it is killed, sends [`Reply::Event`] and
//! [`Reply::Places`], at any time.
//!
//! The end of the connection says the rest: to the child, that its parent is gone; to the
//! parent, that no reply will come.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::codec::wire_enum;
use crate::descriptor::Fd;
use crate::limits::Limits;
use crate::records::Invitation;
use crate::sys::fd::OwnedFd;
use crate::sys::function::Function;
use crate::sys::inheritance::Differences;
use crate::sys::lineage::Lineage;

wire_enum! {
    /// The kinds of messages to a child.
    pub(crate) enum Request {
        /// A [`Header`], a [`Callee`](crate::dispatch::Callee) and the arguments: run this worker.
        Call = 1,
        /// A [`Header`], the name of a role and what that has to know: serve.
        Serve = 2,
        /// The round in two bytes, the length of a [`Callee`](crate::dispatch::Callee) in four, the
        /// callee, arguments: run this worker.
        Task = 3,
        /// The same, but for several sets of arguments, each after its length in four bytes: run this
        /// worker on each.
        Batch = 4,
        /// Nothing more: end.
        Retire = 5,
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
    /// Its number among the workers of its pool.
    pub(crate) worker_index: Option<usize>,
    /// The sign of its descendants, if they are to end with it.
    pub(crate) lineage: Option<Lineage>,
    /// Whether Ctrl-C is for its parent only.
    pub(crate) ignore_interrupts: bool,
    /// What to log with, if the parent has a logger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) logs: Option<Invitation>,
    /// The memory that its family shares, if there are services in the program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) family: Option<Fd<Arc<OwnedFd>>>,
}

wire_enum! {
    /// The kinds of messages from a child.
    pub(crate) enum Reply {
        /// Nothing more: the child is there.
        Hello = 1,
        /// The value that the worker returned.
        Returned = 2,
        /// A `PanicInfo`.
        Panicked = 3,
        /// Why the arguments could not be read, a `String`.
        NotDecoded = 4,
        /// Why the result could not be written, a `String`.
        NotEncoded = 5,
        /// Why the request makes no sense to this child, a `String`.
        Refused = 6,
        /// Nothing more: the child waits for tasks.
        Ready = 7,
        /// How long they took in nanoseconds, eight bytes; the round, two bytes; the number of the
        /// first in the round, four bytes; and replies, each after its length in four bytes.
        Results = 8,
        /// What has happened to a child, a crash or an inquiry, for
        /// [`CrashReport::add_event`](crate::crash::CrashReport::add_event). It says where in another
        /// message, and ends.
        Event = 9,
        /// Where, for [`CrashReport::add_places`](crate::crash::CrashReport::add_places).
        Places = 10,
    }
}
