//! Requests that are not wanted any more.
//!
//! A client that drops a request, or whose time is over, cannot take it out of the queue. It notes the
//! number of the item here, in memory that all processes of a service map, and the service passes over
//! it if it has not begun.
//!
//! There is a word for each place of the queue: the highest number of an item that was withdrawn there,
//! and one more. Numbers never repeat, so what is noted too late says nothing of the next item in that
//! place, and cannot hide that one's withdrawal, because only the higher of two numbers stays.
//!
//! | step | what if the process dies right after it |
//! |---|---|
//! | the client has raised the word | the service passes over the request, or has begun it |
//! | the service has looked | the request was popped: it is lost with the service in any case |

#![expect(unsafe_code, reason = "words in shared memory are referred to")]

use std::io;
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sys::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::sys::memory::{self, Mapping};

/// The notes, mapped into this process.
#[derive(Debug)]
pub(super) struct Withdrawals {
    memory: Mapping,
    file: OwnedFd,
}

impl Withdrawals {
    /// Fresh ones for a queue with so many places.
    pub(super) fn new(capacity: usize) -> io::Result<Withdrawals> {
        let length = capacity.max(1).saturating_mul(size_of::<AtomicU64>());
        Withdrawals::map(memory::create(length)?)
    }

    /// Those that another process has made.
    pub(super) fn map(file: OwnedFd) -> io::Result<Withdrawals> {
        let (_, length) = memory::inspect(file.as_fd())?;
        if length < size_of::<AtomicU64>() {
            return Err(io::Error::other("there is no room for withdrawn requests"));
        }
        let memory = Mapping::new(file.as_fd(), length)?;
        Ok(Withdrawals { memory, file })
    }

    pub(super) fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Has an item passed over, if it is not begun.
    pub(super) fn withdraw(&self, item: u64) {
        self.word(item).fetch_max(item + 1, Ordering::SeqCst);
    }

    /// Whether an item is to be passed over.
    pub(super) fn contains(&self, item: u64) -> bool {
        self.word(item).load(Ordering::SeqCst) == item + 1
    }

    fn word(&self, item: u64) -> &AtomicU64 {
        let words = self.memory.length() / size_of::<AtomicU64>();
        let base = self.memory.base().cast::<AtomicU64>();
        // SAFETY: the mapping is as long, begins at a page, and stays while `self` is there; any bytes are
        // an integer.
        let words = unsafe { slice::from_raw_parts(base.as_ptr(), words) };
        // Does not truncate: it is less than the number of words, of which there is one.
        let place = usize::try_from(item % words.len() as u64).unwrap_or(0);
        &words[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_serves_many_items() {
        let withdrawals = Withdrawals::new(4).unwrap();
        assert!(!withdrawals.contains(0));
        withdrawals.withdraw(0);
        withdrawals.withdraw(6);
        assert!(withdrawals.contains(0));
        assert!(!withdrawals.contains(4));
        withdrawals.withdraw(4);
        // Too late: that item was popped long ago.
        withdrawals.withdraw(0);
        assert!(withdrawals.contains(4));
        assert!(!withdrawals.contains(0));
        assert!(withdrawals.contains(6));
        assert!(!withdrawals.contains(10));
    }
}
