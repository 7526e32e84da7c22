//! What a child has started, by any means, and its end.
//!
//! A child whose descendants are to be killed gets a [`Lineage`], a sign that the kernel hands on to all
//! that it starts. When it has ended, and was [reaped](crate::sys::pidfd), all that have the sign are
//! killed: on a thread of its own, since it takes a look at each process that there is. The child counts
//! as ended when that is done, so that a program that joins it and ends leaves none behind.
//!
//! # What if a process dies
//!
//! | step | who dies right after it | then |
//! |---|---|---|
//! | the parent makes a sign | the child | it has started nothing |
//! | the child has the sign, before any user code runs | the child | its parent looks for descendants, and finds none |
//! | | the parent | the child's first thread makes a copy of the child that does what the parent would have done, beginning with the child: its other threads may go on to start others until it is dead |
//! | the child runs, and starts others | the child | its parent kills them |
//! | | the parent | as above. While start-up functions run on the child's first thread, a signal interrupts them, and its handler does it |
//! | | both at once | what the child has started stays |
//! | the child has ended, its descendants are being killed | the parent | those that have not been found stay |
//! | the parent has ended | the child, before it has made its copy | what it has started stays |
//! | | the copy, before it is done | those that have not been found stay |
//! | a descendant has been found | it | it is dead, as it should be |
//!
//! A child of the child's that has descendants of its own to kill has another sign. It learns of the
//! death of its parent as every child does, and kills them itself.

use std::thread;

use crate::sys::fd::{AsFd, BorrowedFd};
use crate::sys::lineage::Lineage;
use crate::sys::notify_fd::NotifyFd;
use crate::sys::poll;

/// The descendants of a child, which are to end with it.
#[derive(Debug)]
pub(super) enum Descendants {
    Living(Lineage),
    /// They are being killed; readable when that is done.
    Ending(NotifyFd),
    Ended,
}

impl Descendants {
    /// Begins to kill them.
    pub(super) fn end(&mut self) {
        if let Descendants::Living(lineage) = *self {
            *self = match end_beside(lineage) {
                Some(ended) => Descendants::Ending(ended),
                None => {
                    lineage.end();
                    Descendants::Ended
                }
            };
        }
    }

    /// Whether that is done.
    pub(super) fn have_ended(&mut self) -> bool {
        if let Descendants::Ending(ended) = self
            && poll::is_readable(ended.as_fd())
        {
            *self = Descendants::Ended;
        }
        matches!(self, Descendants::Ended)
    }

    /// Readable when that is done, while it is under way.
    pub(super) fn source(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Descendants::Ending(ended) => Some(ended.as_fd()),
            Descendants::Living(_) | Descendants::Ended => None,
        }
    }
}

/// Kills them on a thread of its own, and gives what is readable when that is done. `None` if descriptors
/// or threads have run out.
fn end_beside(lineage: Lineage) -> Option<NotifyFd> {
    let ended = NotifyFd::new().ok()?;
    let theirs = ended.clone();
    let thread = thread::Builder::new().name("multiproc-descendants".to_owned());
    let end = move || {
        lineage.end();
        theirs.notify();
    };
    thread.spawn(end).ok()?;
    Some(ended)
}
