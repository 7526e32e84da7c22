//! A process among those that share a file in memory.
//!
//! Each gets a *mark*, a number that no other has or had, and keeps the lock on the byte of that
//! number ([`ofd_lock`]) through an opening of the file of its own. The kernel lets go of it
//! when the process is dead, so every process can ask whether the one with a mark is alive.
//!
//! | step | what if the process dies right after it |
//! |---|---|
//! | the count of marks is raised | no process has that mark |
//! | its byte is locked | it is unlocked |

use std::io;
use std::sync::atomic::Ordering;

use super::holders::Holders;
use crate::sys::atomic::AtomicU32;
use crate::sys::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::sys::{memory, ofd_lock};

/// Marks have 31 bits, of which the highest is set: none is a small number, such as memory is full
/// of, and which something may write over a word. After so many openings they repeat.
const MARKS: u32 = 1 << 30;

/// How many marks in a row are tried. They are taken only where they repeat, or where something
/// wrote over the count.
const ATTEMPTS: u32 = 10_000;

/// This process as one that has the file.
#[derive(Debug)]
pub(crate) struct Participant {
    /// Our own opening of the file, with the lock on our mark.
    file: OwnedFd,
    mark: u32,
}

impl Participant {
    /// Becomes one of those that have this file, in which they count their marks.
    pub(crate) fn enter(file: BorrowedFd<'_>, marks: &AtomicU32) -> io::Result<Participant> {
        let file = memory::reopen(file)?;
        for _ in 0..ATTEMPTS {
            let mark = MARKS | (marks.fetch_add(1, Ordering::Relaxed) % MARKS);
            if ofd_lock::try_hold(file.as_fd(), mark)? {
                return Ok(Participant { file, mark });
            }
        }
        Err(io::Error::other("too many processes share the memory"))
    }
}

/// A process has its mark alone: there are no tables by number.
impl Holders for Participant {
    fn me(&self) -> u32 {
        self.mark
    }

    fn is_alive(&self, holder: u32) -> bool {
        // Where the kernel does not answer, no process is declared dead.
        holder == self.mark || ofd_lock::is_held(self.file.as_fd(), holder).unwrap_or(true)
    }

    fn mark(&self) -> u32 {
        self.mark
    }

    fn is_mark_alive(&self, mark: u32) -> bool {
        self.is_alive(mark)
    }

    fn number(&self, mark: u32) -> u32 {
        mark
    }
}
