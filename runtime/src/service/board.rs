//! What clients and the service tell each other without messages, in memory that all processes of a
//! service map.
//!
//! # Requests that are not wanted any more
//!
//! A client that drops a request, or whose time is over, cannot take it out of the queue. It notes the
//! number of the item here, and the service passes over it if it has not begun.
//!
//! There is a word for each place of the queue: the highest number of an item that was withdrawn there,
//! and one more. Numbers never repeat, so what is noted too late says nothing of the next item in that
//! place, and cannot hide that one's withdrawal, because only the higher of two numbers stays.
//!
//! | step | what if the process dies right after it |
//! |---|---|
//! | the client has raised the word | the service passes over the request, or has begun it |
//! | the service has looked | the request was popped: it is lost with the service in any case |
//!
//! # Replies that have come
//!
//! A client that stays awake for a reply would have to ask the kernel for each look at its socket, half a
//! microsecond each, and as often get nothing. So the service counts the replies that it has sent, in one of
//! [`COUNTS`] words, and the client looks at that. Several clients may have the same word, and a service that
//! dies may have sent what it has not counted. The count is a hint, therefore: it says when to look at the
//! socket, and a client that goes to sleep waits for the socket alone.

#![expect(unsafe_code, reason = "words in shared memory are referred to")]

use std::io;
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sys::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::sys::memory::{self, Mapping};

/// How many words count replies. Each has a cache line of its own.
const COUNTS: usize = 64;
const WORDS_OF_LINE: usize = 64 / size_of::<AtomicU64>();

/// Where the withdrawals begin.
const WITHDRAWALS: usize = COUNTS * WORDS_OF_LINE;

/// The words, mapped into this process.
#[derive(Debug)]
pub(super) struct Board {
    memory: Mapping,
    file: OwnedFd,
}

impl Board {
    /// A fresh one for a queue with so many places.
    pub(super) fn new(capacity: usize) -> io::Result<Board> {
        let words = capacity.max(1).saturating_add(WITHDRAWALS);
        Board::map(memory::create(
            words.saturating_mul(size_of::<AtomicU64>()),
        )?)
    }

    /// The one that another process has made.
    pub(super) fn map(file: OwnedFd) -> io::Result<Board> {
        let (_, length) = memory::inspect(file.as_fd())?;
        if length / size_of::<AtomicU64>() <= WITHDRAWALS {
            return Err(io::Error::other("there is no room for withdrawn requests"));
        }
        let memory = Mapping::new(file.as_fd(), length)?;
        Ok(Board { memory, file })
    }

    pub(super) fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Has an item passed over, if it is not begun.
    pub(super) fn withdraw(&self, item: u64) {
        self.withdrawal(item).fetch_max(item + 1, Ordering::SeqCst);
    }

    /// Whether an item is to be passed over.
    pub(super) fn is_withdrawn(&self, item: u64) -> bool {
        self.withdrawal(item).load(Ordering::SeqCst) == item + 1
    }

    /// Counts a reply that was sent to a client.
    pub(super) fn count_reply(&self, client: u32) {
        self.replies_of(client).fetch_add(1, Ordering::Relaxed);
    }

    /// How many replies were counted.
    pub(super) fn replies(&self, client: u32) -> u64 {
        self.replies_of(client).load(Ordering::Relaxed)
    }

    fn replies_of(&self, client: u32) -> &AtomicU64 {
        &self.words()[client as usize % COUNTS * WORDS_OF_LINE]
    }

    fn withdrawal(&self, item: u64) -> &AtomicU64 {
        let words = &self.words()[WITHDRAWALS..];
        // Does not truncate: it is less than the number of words, of which there is one.
        let place = usize::try_from(item % words.len() as u64).unwrap_or(0);
        &words[place]
    }

    fn words(&self) -> &[AtomicU64] {
        let words = self.memory.length() / size_of::<AtomicU64>();
        let base = self.memory.base().cast::<AtomicU64>();
        // SAFETY: the mapping is as long, begins at a page, and stays while `self` is there; any bytes are
        // an integer.
        unsafe { slice::from_raw_parts(base.as_ptr(), words) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_serves_many_items() {
        let board = Board::new(4).unwrap();
        assert!(!board.is_withdrawn(0));
        board.withdraw(0);
        board.withdraw(6);
        assert!(board.is_withdrawn(0));
        assert!(!board.is_withdrawn(4));
        board.withdraw(4);
        // Too late: that item was popped long ago.
        board.withdraw(0);
        assert!(board.is_withdrawn(4));
        assert!(!board.is_withdrawn(0));
        assert!(board.is_withdrawn(6));
        assert!(!board.is_withdrawn(10));
    }

    #[test]
    fn replies_are_counted_apart_from_withdrawals() {
        let board = Board::new(1).unwrap();
        board.count_reply(2);
        board.count_reply(2);
        board.count_reply(u32::MAX);
        assert_eq!([1, 2, 63].map(|client| board.replies(client)), [0, 2, 1]);
        assert!((0..9).all(|item| !board.is_withdrawn(item)));
    }
}
