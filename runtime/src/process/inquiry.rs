//! Asking a child that is about to be killed where it is.
//!
//! A child whose time is over is asked by a signal, and killed when it has told, or after a moment if it
//! does not ([what it does](crate::sys::crash)). That moment is one more deadline of the thread that
//! watches the child: the thread never waits for an answer. Why the child is killed is decided before it
//! is asked, and what it tells changes nothing of that; but a result that has arrived by then counts, as
//! one does that arrives before a child is killed without being asked.
//!
//! | the child dies | then |
//! |---|---|
//! | before it is asked | its end is seen as ever |
//! | of the signal, since it does not handle it | as if it had been killed ([`is_killed`](super::is_killed)) |
//! | of a filter on system calls, which does not let it tell | likewise |
//! | by itself, after it was asked | how it ended is told, and not the reason for which it would have been killed |
//! | not: it never answers | it is killed when the moment is over |
//! | not: it answers later | likewise: the notes are taken in, if they are there when it is dead |
//! | not: it says what is no message | it is killed at once |

use std::time::{Duration, Instant};

use crate::sys::pidfd::Pidfd;

/// How long a child may take to tell where it is. It takes a millisecond on a machine with time to
/// spare.
const MOMENT: Duration = Duration::from_millis(100);

/// An inquiry that is under way.
#[derive(Debug)]
pub(crate) struct Inquiry {
    /// When the child is killed, if it has not told by then.
    pub(crate) until: Instant,
}

impl Inquiry {
    /// Asks a child where it is.
    pub(crate) fn begin(pidfd: &Pidfd) -> Inquiry {
        pidfd.inquire();
        Inquiry {
            until: Instant::now() + MOMENT,
        }
    }

    /// Whether the child has had its time.
    pub(crate) fn is_over(&self) -> bool {
        self.until <= Instant::now()
    }
}
