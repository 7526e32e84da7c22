//! Who is who in a region: numbers for processes and messages.
//!
//! A *holder* is a number below [`HOLDERS`]. It belongs to a process that has the region mapped,
//! or to a message on its way that carries handles into the region. The owner of the number keeps
//! the lock on the region's byte of that number ([`ofd_lock`]) through an opening of the file of
//! its own; the message carries its opening as a descriptor. The kernel unlocks the byte when the
//! process has died or the message was thrown away, so every process can ask whether a holder is alive,
//! and the number of a dead one can be claimed by the next.
//!
//! | step | why it is safe to die right after it |
//! |---|---|
//! | a number is claimed (its byte locked) | the byte is unlocked; the next claimant begins anew |
//! | the number's count of claims is raised | marks with the old count belong to no living holder, which is so |
//! | the number is marked used | the next claimant wipes what its predecessor left: nothing |
//! | leftovers of the predecessor are wiped from each cell | the next claimant wipes the rest |

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::cells::Cells;
use super::layout::{Layout, place};
use crate::raw::{HOLDERS, Holders};
use crate::sys::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::sys::{memory, ofd_lock};

/// Messages take their numbers from here on, so that many messages do not keep processes out.
const FIRST_FOR_MESSAGES: u32 = HOLDERS / 4;

/// This process as a holder.
#[derive(Debug)]
pub(super) struct Holder {
    pub(super) layout: Layout,
    /// Our own opening of the file, with the lock on our number.
    file: Arc<OwnedFd>,
    me: u32,
    /// Our number and how often it was given out.
    mark: u32,
    /// Which process that is.
    process: u32,
}

impl Holder {
    /// Becomes a holder in the region that a file is, through an opening of its own.
    pub(super) fn enter(file: OwnedFd, layout: Layout) -> io::Result<Holder> {
        let file = Arc::new(file);
        let mut holder = Holder {
            layout,
            file,
            me: HOLDERS,
            mark: 0,
            process: std::process::id(),
        };
        holder.me = holder
            .claim(holder.file.as_fd(), 0..HOLDERS)?
            .ok_or_else(|| {
                io::Error::other(format!(
                    "more than {HOLDERS} processes and messages share one region of memory"
                ))
            })?;
        holder.mark = mark(holder.me, holder.claims(holder.me));
        // Not before: what is wiped has locks, which are taken with the mark.
        holder.begin(holder.me);
        Ok(holder)
    }

    /// A number for a message, and the opening of the file that keeps it; `None` if all are
    /// taken.
    pub(super) fn for_message(&self) -> io::Result<Option<(Arc<OwnedFd>, u32)>> {
        let opening = self.opening()?;
        let cursor = self.layout.header().cursor.fetch_add(1, Ordering::Relaxed);
        let count = HOLDERS - FIRST_FOR_MESSAGES;
        let numbers = (0..count).map(|step| FIRST_FOR_MESSAGES + cursor.wrapping_add(step) % count);
        let number = self.claim(opening.as_fd(), numbers)?;
        if let Some(number) = number {
            self.begin(number);
        }
        Ok(number.map(|number| (opening, number)))
    }

    /// Another opening of the file, without a number.
    pub(super) fn opening(&self) -> io::Result<Arc<OwnedFd>> {
        Ok(Arc::new(memory::reopen(self.file.as_fd())?))
    }

    /// Whether this is another process, a copy made by `fork`, which has the number only because it
    /// has everything that its original has.
    pub(super) fn is_copied(&self) -> bool {
        std::process::id() != self.process
    }

    /// The region's cells, as this process takes them and gives them back.
    pub(super) fn cells(&self) -> Cells<'_> {
        Cells::new(&self.layout, self)
    }

    /// Our own opening.
    pub(super) fn file(&self) -> &Arc<OwnedFd> {
        &self.file
    }

    /// Claims a number for the owner of this opening of the file; `None` if all are taken. What an
    /// earlier holder left is still there.
    fn claim(
        &self,
        opening: BorrowedFd<'_>,
        mut numbers: impl Iterator<Item = u32>,
    ) -> io::Result<Option<u32>> {
        numbers
            .find_map(|number| match ofd_lock::try_hold(opening, number) {
                Ok(false) => None,
                Ok(true) => {
                    let claims = &self.layout.header().claims[number as usize];
                    claims.fetch_add(1, Ordering::SeqCst);
                    Some(Ok(number))
                }
                Err(error) => Some(Err(error)),
            })
            .transpose()
    }

    /// Wipes what an earlier holder of a number left. The number is ours now, so no other process
    /// sets its bits.
    fn begin(&self, number: u32) {
        let (word, bit) = place(number);
        let used = &self.layout.header().used[word];
        if !self.layout.is_whole() {
            // What its records say is not to be acted on.
            return;
        }
        if used.fetch_or(bit, Ordering::AcqRel) & bit != 0 {
            let cells = self.cells();
            (0..self.layout.cells()).for_each(|cell| cells.clear_after(cell, number));
        }
    }

    fn claims(&self, number: u32) -> u32 {
        self.layout.header().claims[number as usize].load(Ordering::SeqCst)
    }
}

impl Holders for Holder {
    fn me(&self) -> u32 {
        self.me
    }

    fn is_alive(&self, holder: u32) -> bool {
        // Where the kernel does not answer, no process is declared dead.
        holder == self.me || ofd_lock::is_held(self.file.as_fd(), holder).unwrap_or(true)
    }

    #[inline]
    fn mark(&self) -> u32 {
        self.mark
    }

    fn is_mark_alive(&self, known: u32) -> bool {
        if known == self.mark {
            return true;
        }
        let number = self.number(known);
        // Given out since, or damaged: the process that had that mark is gone.
        number < HOLDERS && mark(number, self.claims(number)) == known && self.is_alive(number)
    }

    fn number(&self, mark: u32) -> u32 {
        mark % MARKS
    }
}

/// More than there are numbers.
const MARKS: u32 = HOLDERS * 2;

/// Not 0, and within 31 bits. After millions of claims they repeat.
fn mark(number: u32, claims: u32) -> u32 {
    const MOST: u32 = (1 << 31) / MARKS - 1;
    (claims % MOST + 1) * MARKS + number
}
