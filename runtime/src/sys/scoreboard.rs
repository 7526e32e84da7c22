//! A few words and bytes of memory that a pool and one of its workers share.
//!
//! Whatever becomes of the worker, the memory stays readable for the pool: what stood in it when
//! the worker died is what the worker had done. The file can neither shrink nor grow, so a worker
//! that truncates it by mistake gets an error, and does not take the memory from under the pool.

#![expect(unsafe_code, reason = "words in shared memory are referred to")]

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64};

use super::memory::{self, Mapping};

use crate::sys::fd::{AsFd, BorrowedFd, OwnedFd};

/// The words.
pub(crate) const WORDS: usize = 80;

/// The bytes behind them.
pub(crate) const BYTES: usize = (64 << 10) - WORDS * size_of::<u64>();

#[repr(C)]
struct ScoreboardLayout {
    words: [AtomicU64; WORDS],
    bytes: [AtomicU8; BYTES],
}

/// The memory, mapped into this process.
#[derive(Debug)]
pub(crate) struct Scoreboard {
    memory: Mapping,
    descriptor: Arc<OwnedFd>,
}

impl Scoreboard {
    /// Fresh memory, all zero.
    pub(crate) fn new() -> io::Result<Scoreboard> {
        Scoreboard::map(Arc::new(memory::create(size_of::<ScoreboardLayout>())?))
    }

    /// The memory behind a descriptor that [`Scoreboard::new`] made, here or in another process.
    pub(crate) fn map(descriptor: Arc<OwnedFd>) -> io::Result<Scoreboard> {
        let (_, length) = memory::inspect(descriptor.as_fd())?;
        if length != size_of::<ScoreboardLayout>() {
            return Err(io::Error::other("the memory is not a scoreboard"));
        }
        let memory = Mapping::new(descriptor.as_fd(), length)?;
        Ok(Scoreboard { memory, descriptor })
    }

    /// What the other process maps.
    pub(crate) fn descriptor(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }

    pub(crate) fn words(&self) -> &[AtomicU64; WORDS] {
        &self.layout().words
    }

    pub(crate) fn bytes(&self) -> &[AtomicU8; BYTES] {
        &self.layout().bytes
    }

    fn layout(&self) -> &ScoreboardLayout {
        // SAFETY: the mapping is as long as the layout, as is its file, for ever: it was made or
        // checked so. It is aligned to pages, made of atomics for which every bit pattern is
        // valid, and lives as long as `self`.
        unsafe { self.memory.base().cast::<ScoreboardLayout>().as_ref() }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};

    use super::*;

    #[test]
    fn a_scoreboard_stays_as_long_as_it_is() {
        let board = Scoreboard::new().unwrap();
        let theirs =
            Scoreboard::map(Arc::new(board.descriptor().try_clone_to_owned().unwrap())).unwrap();
        assert!(ftruncate(theirs.descriptor(), 0).is_err());
        assert!(ftruncate(theirs.descriptor(), 1 << 20).is_err());
        theirs.words()[WORDS - 1].store(7, Relaxed);
        theirs.bytes()[BYTES - 1].store(8, Relaxed);
        assert_eq!(board.words()[WORDS - 1].load(Relaxed), 7);
        assert_eq!(board.bytes()[BYTES - 1].load(Relaxed), 8);
    }

    #[test]
    fn a_file_that_can_shrink_is_no_scoreboard() {
        let file = memfd_create("test", MemfdFlags::CLOEXEC).unwrap();
        ftruncate(&file, size_of::<ScoreboardLayout>() as u64).unwrap();
        assert!(Scoreboard::map(Arc::new(file)).is_err());
        let short = memory::create(4096).unwrap();
        assert!(Scoreboard::map(Arc::new(short)).is_err());
    }
}
