//! Children that are dead and cannot be reaped.
//!
//! A process can be reaped when all its threads but the first are gone. One that is traced goes
//! when its tracer has waited for it, and until then the kernel says nothing of the end of the
//! process: its pidfd is silent.
//!
//! | the tracer | then |
//! |---|---|
//! | is this program: the worker has called `ptrace(PTRACE_TRACEME)`, as a library does that wants no debugger | it waits for the threads, and the process can be reaped |
//! | is another, a debugger | how the process ended stands in `/proc`; it is reaped when the other lets go of it |
//!
//! There is no event to wait for. So when a child should end, because it has said all that it can
//! say or was killed, it is looked at from time to time.

use std::time::{Duration, Instant};

use crate::sys::pidfd::{Pidfd, Status};
use crate::sys::traced;

/// The first pause between two looks; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(20);

/// The longest one.
const LONGEST: Duration = Duration::from_secs(1);

/// The looks at a child that should end.
#[derive(Debug)]
pub(super) struct EndPoll {
    next: Instant,
    pause: Duration,
    /// Whether it was dead and could not be reaped at the last look.
    held: bool,
}

impl Default for EndPoll {
    fn default() -> EndPoll {
        EndPoll {
            next: Instant::now() + FIRST,
            pause: FIRST,
            held: false,
        }
    }
}

impl EndPoll {
    /// When to look.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// How the child ended, if it has and the kernel does not tell. It may then still have to be
    /// [reaped](Pidfd::is_reaped).
    ///
    /// To be asked after [`Pidfd::reap`]: the child is not reaped, so its number is its own.
    pub(super) fn look(&mut self, pidfd: &Pidfd) -> Option<Status> {
        let now = Instant::now();
        if now < self.next {
            return None;
        }
        self.pause = (self.pause * 2).min(LONGEST);
        self.next = now + self.pause;
        let was_held = std::mem::replace(&mut self.held, false);
        if !traced::is_dead(pidfd) {
            return None;
        }
        if let Some(status) = pidfd.reap() {
            return Some(status);
        }
        // A thread that has just died is there for a moment without any tracer.
        self.held = true;
        if !was_held {
            return None;
        }
        let status = traced::exit_status(pidfd);
        Some(status.map_or(Status::Lost, Status::Known))
    }
}
