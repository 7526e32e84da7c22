//! The roles that a child can have besides running one worker, and the way of its replies.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};

use linkme::distributed_slice;

use super::origin::EXIT_IO;
use crate::codec::{Input, Output};
use crate::records;
use crate::sys::memory::FileId;
use crate::transport::{self, Receiver, Sender};

/// What a child can do instead of running one worker.
///
/// It is named in a [`Request::Serve`](crate::protocol::Request::Serve), and its module puts it into
/// [`ROLES`]: what offers one knows this module, and not the other way round.
#[derive(Debug)]
pub(crate) struct Role {
    pub(crate) name: &'static str,
    /// Reads what stands in the request for this role.
    pub(crate) open: fn(&mut Input<'_>) -> Result<Box<Serve>, String>,
}

/// Serves its parent until there is nothing more to do, and gives the status to end with.
pub(crate) type Serve = dyn FnOnce(&Receiver, &Sender) -> i32 + Send;

/// Every role.
#[distributed_slice]
pub(crate) static ROLES: [Role];

/// The size of the stack that the thread of this process's worker has.
static STACK_SIZE: AtomicUsize = AtomicUsize::new(0);

pub(super) fn set_worker_stack_size(bytes: usize) {
    STACK_SIZE.store(bytes, Ordering::Relaxed);
}

/// The size of the stack that the worker's thread has, for others that run workers too.
pub(crate) fn worker_stack_size() -> usize {
    STACK_SIZE.load(Ordering::Relaxed)
}

/// The way of a process's replies, which knows whether the parent is left without any.
#[derive(Debug)]
pub(crate) struct Replies<'s> {
    sender: &'s Sender,
    /// What it sends into, as it was before any job.
    file: Option<FileId>,
    /// Why the last one could not be sent.
    trouble: Option<io::Error>,
}

impl<'s> Replies<'s> {
    pub(crate) fn new(sender: &'s Sender) -> Replies<'s> {
        Replies {
            sender,
            file: sender.file_id().ok(),
            trouble: None,
        }
    }

    pub(crate) fn send(&mut self, out: Output<'_>) -> io::Result<()> {
        records::settle();
        let sent = self.sender.send(out);
        self.trouble = match &sent {
            Err(error) if !transport::is_gone(error) => {
                Some(io::Error::new(error.kind(), error.to_string()))
            }
            _ => None,
        };
        sent
    }

    /// Whether the last one could not be sent, though there is a parent.
    pub(crate) fn is_stuck(&self) -> bool {
        self.trouble.is_some()
    }

    /// A job is done.
    ///
    /// # Errors
    ///
    /// There is a parent, but nothing can be said to it: the worker has closed the connection, as
    /// daemons close all that they have, or put another file in its place. Says so on the standard
    /// error, which is all that is left, and gives the status to end with, by which the parent knows.
    pub(crate) fn finish(&mut self, worker: &str) -> Result<(), i32> {
        let error = match self.trouble.take() {
            Some(error) => error,
            None if self.sender.file_id().ok() == self.file => return Ok(()),
            None => io::Error::other("its connection has been replaced"),
        };
        #[expect(clippy::print_stderr, reason = "there is no other way to tell")]
        {
            eprintln!("multiproc: the result of worker `{worker}` cannot be sent: {error}");
        }
        Err(EXIT_IO)
    }
}
