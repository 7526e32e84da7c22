//! How long to wait for the receiver of a message.

use std::io;
use std::time::{Duration, Instant};

use crate::sys::deadline;
use crate::sys::fd::BorrowedFd;
use crate::sys::poll::{self, Writable};

/// How long to wait for the receiver of a message to make room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit<'a> {
    deadline: Option<Instant>,
    process: Option<BorrowedFd<'a>>,
}

impl<'a> Limit<'a> {
    /// As long as it takes.
    pub(super) const NONE: Limit<'static> = Limit {
        deadline: None,
        process: None,
    };

    /// Until this deadline, if there is one: "timed out" then.
    pub(crate) fn until(deadline: Option<Instant>) -> Limit<'a> {
        Limit {
            deadline,
            ..Limit::NONE
        }
    }

    /// Until the process with this pidfd has ended: a broken pipe then, also if another process
    /// could still receive the message.
    pub(crate) fn while_alive(self, process: BorrowedFd<'a>) -> Limit<'a> {
        Limit {
            process: Some(process),
            ..self
        }
    }

    pub(super) fn is_one(&self) -> bool {
        self.deadline.is_some() || self.process.is_some()
    }

    /// How long to wait for something that can be done without, and that is not worth more.
    pub(super) fn at_most(&self, patience: Duration) -> Duration {
        deadline::left(self.deadline, patience).unwrap_or_default()
    }

    /// Waits until something can be written.
    pub(super) fn wait_writable(&self, socket: BorrowedFd<'_>) -> io::Result<()> {
        match poll::wait_writable(socket, self.process, self.deadline) {
            Writable::Now => Ok(()),
            Writable::Never => Err(io::ErrorKind::BrokenPipe.into()),
            Writable::NotInTime => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}
