//! Many readers or one writer.
//!
//! A writer takes `writer`, a [`Lock`], waits until no reader is left, and has it until it is done.
//! Readers count themselves under their process's number, each process in a word of its own, so
//! that the locks of a dead process can be told from those of the living.
//!
//! | who | step | what if the actor dies right after it |
//! |---|---|---|
//! | reader | raises `fresh` above its number, the first time | nothing |
//! | reader | puts its mark into `readers[me]`, the first time | nothing |
//! | reader | raises `readers[me]` | a writer that waits asks whether that mark lives, every so often |
//! | reader | finds no writer: it has the lock | likewise |
//! | reader | finds a writer, lowers `readers[me]` again | nothing is held |
//! | reader | says that it sleeps | a needless call |
//! | reader | has slept long, and takes `writer` over from a writer that is dead | the next does; poisoned, and rightly |
//! | reader | raises `readers[me]`, gives `writer` back: it has the lock | as above |
//! | writer | has `writer` | a waiter takes it over: poisoned, though nothing was written; better once too often |
//! | writer | says that it sleeps | a needless call |
//! | writer | sees that no reader is left: it has the lock | poisoned, and rightly |
//! | writer | gives `writer` back | nothing is held; readers that sleep find it when they next look |
//! | either | lowers what says that a thread sleeps | a sleeper finds what has changed when it next looks |
//!
//! A reader raises its count and then looks at `writer`; a writer takes `writer` and then looks at
//! the counts. All four are sequentially consistent, so not both miss the other. A reader that
//! comes while there is a writer waits for it, so writers do not starve.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::backoff::Backoff;
use super::holders::{HOLDERS, Holders};
use super::lock::Lock;
use super::machine::Machine;
use super::poison::Poison;
use super::sleepers::Sleepers;
use crate::spin::{Awaited, spin_until};
use crate::sys::atomic::{AtomicU32, AtomicU64, step};

/// The calling thread has the lock to write.
#[derive(Debug)]
pub(crate) struct WouldWaitForItself;

#[derive(Debug)]
#[repr(C)]
pub(crate) struct RwLock {
    /// Taken by a writer that has the lock or waits for readers to leave.
    writer: CacheLine<Lock>,
    /// For readers that wait for the writer.
    readable: Sleepers,
    /// For the writer that waits for readers.
    deserted: Sleepers,
    /// Holders from here on have never read.
    fresh: AtomicU32,
    /// By holder: how many locks it has, in the lower half, and its mark in the upper. Under the
    /// mark of one that is dead, or that never was, there are none.
    readers: [AtomicU64; HOLDERS as usize],
}

/// A cache line of its own. Writers take it from each other; what comes behind they only look at.
#[derive(Debug)]
#[repr(C, align(64))]
struct CacheLine<T>(T);

/// The number of locks in a word of `readers`.
fn count(word: u64) -> u64 {
    word & u64::from(u32::MAX)
}

/// Whose locks these are.
fn mark(word: u64) -> u32 {
    (word >> 32) as u32
}

/// A word with the mark of a process that has no locks.
fn without_locks(mark: u32) -> u64 {
    u64::from(mark) << 32
}

#[expect(unsafe_code, reason = "machines are made in place")]
// SAFETY: atomic integers.
unsafe impl Machine for RwLock {
    fn init(&self) {
        self.writer().init();
    }

    fn wipe(&self, _: &dyn Holders, holder: u32) {
        let readers = &self.readers[holder as usize];
        let word = readers.load(Ordering::SeqCst);
        // If this fails, a writer has just done it.
        let _ = readers.compare_exchange(word, 0, Ordering::SeqCst, Ordering::SeqCst);
        step();
        self.deserted.wake();
    }
}

impl RwLock {
    pub(crate) fn poison(&self) -> &Poison {
        self.writer().poison()
    }

    /// What a writer takes.
    #[inline]
    pub(crate) fn writer(&self) -> &Lock {
        &self.writer.0
    }

    /// Takes the lock for reading; false when time is up.
    #[inline]
    pub(crate) fn read_until(
        &self,
        holders: &dyn Holders,
        deadline: Option<Instant>,
    ) -> Result<bool, WouldWaitForItself> {
        if self.enter(holders) {
            return Ok(true);
        }
        self.wait_to_read(holders, deadline)
    }

    #[cold]
    fn wait_to_read(
        &self,
        holders: &dyn Holders,
        deadline: Option<Instant>,
    ) -> Result<bool, WouldWaitForItself> {
        if deadline.is_none() && self.writer().is_mine() {
            return Err(WouldWaitForItself);
        }
        let mut backoff = Backoff::new();
        loop {
            spin_until(Awaited::Lock, || !self.writer().is_taken());
            if self.enter(holders) {
                return Ok(true);
            }
            let Some(timeout) = backoff.timeout(deadline) else {
                return Ok(self.succeed_the_dead(holders));
            };
            let woken = self.readable.sleep(timeout, || self.writer().is_taken());
            if !woken && self.succeed_the_dead(holders) {
                return Ok(true);
            }
        }
    }

    /// Takes the lock for reading if there is no writer.
    pub(crate) fn try_read(&self, holders: &dyn Holders) -> bool {
        self.enter(holders) || self.succeed_the_dead(holders)
    }

    #[inline]
    fn enter(&self, holders: &dyn Holders) -> bool {
        // Who looks first need not disturb a writer.
        if self.writer().is_taken() {
            return false;
        }
        self.raise(holders);
        step();
        if !self.writer().is_taken() {
            return true;
        }
        step();
        self.leave(holders);
        false
    }

    #[inline]
    fn raise(&self, holders: &dyn Holders) {
        let me = holders.me();
        if self.fresh.load(Ordering::Relaxed) <= me {
            self.fresh.fetch_max(me + 1, Ordering::SeqCst);
            step();
        }
        let readers = &self.readers[me as usize];
        let word = readers.load(Ordering::Relaxed);
        if mark(word) != holders.mark() {
            begin(readers, word, holders.mark());
        }
        readers.fetch_add(1, Ordering::SeqCst);
    }

    /// Becomes a reader behind a writer that is dead.
    #[cold]
    fn succeed_the_dead(&self, holders: &dyn Holders) -> bool {
        if !self.writer().take_over(holders) {
            return false;
        }
        self.raise(holders);
        step();
        self.finish();
        true
    }

    /// Gives a lock for reading back.
    #[inline]
    pub(crate) fn leave(&self, holders: &dyn Holders) {
        let before = self.readers[holders.me() as usize].fetch_sub(1, Ordering::SeqCst);
        step();
        if count(before) == 1 {
            self.deserted.wake();
        }
    }

    /// Takes the lock for writing; false when time is up.
    #[inline]
    pub(crate) fn write_until(
        &self,
        holders: &dyn Holders,
        deadline: Option<Instant>,
    ) -> Result<bool, WouldWaitForItself> {
        if !self.writer().try_lock_fast(holders) {
            if deadline.is_none() && self.writer().is_mine() {
                return Err(WouldWaitForItself);
            }
            if !self.writer().wait(holders, deadline) {
                return Ok(false);
            }
        }
        Ok(!self.has_readers(holders, false) || self.wait_to_write(holders, deadline))
    }

    /// Waits for readers to leave, with `writer` taken. It is given back when time is up.
    #[cold]
    fn wait_to_write(&self, holders: &dyn Holders, deadline: Option<Instant>) -> bool {
        let mut look_for_dead = false;
        let mut backoff = Backoff::new();
        loop {
            if spin_until(Awaited::Lock, || !self.has_readers(holders, false))
                || look_for_dead && !self.has_readers(holders, true)
            {
                return true;
            }
            let Some(timeout) = backoff.timeout(deadline) else {
                self.finish();
                return false;
            };
            let has_readers = || self.has_readers(holders, false);
            look_for_dead = !self.deserted.sleep(timeout, has_readers);
        }
    }

    /// Takes the lock for writing if it is free.
    pub(crate) fn try_write(&self, holders: &dyn Holders) -> bool {
        if !self.writer().try_lock(holders) {
            return false;
        }
        if self.has_readers(holders, true) {
            self.finish();
            return false;
        }
        true
    }

    /// Gives the lock for writing back. Only the thread that has it does.
    #[inline]
    pub(crate) fn finish(&self) {
        self.writer().unlock();
        step();
        self.readable.wake();
    }

    #[inline]
    fn has_readers(&self, holders: &dyn Holders, look_for_dead: bool) -> bool {
        // A reader writes `fresh` before its word, so who is not seen here has not raised a word
        // before `writer` was taken.
        let fresh = self.fresh.load(Ordering::SeqCst);
        (0..fresh).zip(&self.readers).any(|(holder, readers)| {
            let word = readers.load(Ordering::SeqCst);
            if count(word) == 0 {
                return false;
            }
            if look_for_dead && !has_locks(holders, holder, word) {
                // Unless another process has the number by now: then its mark stands here, and behind us
                // it waits for the lock.
                let _ = readers.compare_exchange(word, 0, Ordering::SeqCst, Ordering::SeqCst);
                return false;
            }
            true
        })
    }
}

/// Whether the locks in a holder's word are those of a process that lives.
fn has_locks(holders: &dyn Holders, holder: u32, word: u64) -> bool {
    holders.number(mark(word)) == holder && holders.is_mark_alive(mark(word))
}

/// Puts this process's mark in the place of another.
#[cold]
fn begin(readers: &AtomicU64, mut word: u64, ours: u32) {
    while mark(word) != ours {
        match readers.compare_exchange(
            word,
            without_locks(ours),
            Ordering::SeqCst,
            Ordering::Relaxed,
        ) {
            Ok(_) => break,
            // Another thread of this process was first, or another process has just taken the dead one's back.
            Err(other) => word = other,
        }
    }
    step();
}
