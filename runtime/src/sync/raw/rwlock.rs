//! Many readers or one writer.
//!
//! A writer holds `writer`, a robust mutex, from before it announces itself until it is done.
//! Readers count themselves under their process's number, each process in a word of its own, so
//! that the locks of a dead process can be told from those of the living.
//!
//! | who | step | what if the actor dies right after it |
//! |---|---|---|
//! | reader | raises `fresh` above its number, the first time | nothing |
//! | reader | raises `readers[me]` | a writer that waits asks whether `me` lives, every so often |
//! | reader | finds no writer: it has the lock | likewise |
//! | reader | finds a writer, lowers `readers[me]` again | nothing is held |
//! | reader | waits for `writer` | nothing is held |
//! | reader | has `writer`, raises `readers[me]` | the mutex is marked, but there was no writer to poison: `announced` is not set |
//! | reader | unlocks `writer`: it has the lock | as above |
//! | writer | has `writer` | the mutex is marked; `announced` is not set: not poisoned |
//! | writer | sets `announced` | the next to have `writer` finds it set: poisoned, though nothing was written; better once too often |
//! | writer | sees that no reader is left: it has the lock | likewise, rightly |
//! | writer | clears `announced` | the mutex is marked, nothing else |
//! | writer | unlocks `writer` | nothing is held |
//!
//! A reader raises its count and then looks at `announced`; a writer sets `announced` and then
//! looks at the counts. All four are sequentially consistent, so not both miss the other. A
//! reader that comes while a writer is announced queues behind it, so writers do not starve.

#![expect(unsafe_code, reason = "a mutex in shared memory is made and unlocked")]

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::poison::{Poison, Writer};
use super::{HOLDERS, Holders, Kind, Machine, Patience, step};
use crate::sys::atomic::{AtomicU32, AtomicU64};
use crate::sys::futex;
use crate::sys::robust::{Relock, WouldWaitForItself};

#[derive(Debug)]
#[repr(C)]
pub(crate) struct RwLock {
    /// Its own flag is not used: a reader may die with this mutex.
    writer: Writer,
    poison: Poison,
    /// Whether a writer has the lock or waits for readers to leave.
    announced: AtomicU32,
    /// Changes when a reader leaves that a writer may wait for.
    departures: AtomicU32,
    /// Holders from here on have never read.
    fresh: AtomicU32,
    /// By holder: how many locks it has, in the lower half. The upper half changes when they are
    /// taken back from the dead, so that this cannot happen to the next holder of the number.
    readers: [AtomicU64; HOLDERS as usize],
}

/// The number of locks in a word of `readers`.
fn count(word: u64) -> u64 {
    word & u64::from(u32::MAX)
}

/// The word without locks that comes after this one.
fn emptied(word: u64) -> u64 {
    (word >> 32).wrapping_add(1) << 32
}

// SAFETY: zeros are no readers and no writer; `init` makes the mutex.
unsafe impl Machine for RwLock {
    const KIND: Kind = Kind::RwLock;

    unsafe fn init(place: *mut RwLock) {
        // SAFETY: in bounds of the place that the caller promises.
        let writer = unsafe { &raw mut (*place).writer };
        // SAFETY: the caller's promise.
        unsafe { Writer::init(writer, Relock::Refused) };
    }
}

impl RwLock {
    pub(crate) fn poison(&self) -> &Poison {
        &self.poison
    }

    /// Takes the lock for reading; false when time is up.
    pub(crate) fn read_until(
        &self,
        holders: &dyn Holders,
        deadline: Option<Instant>,
    ) -> Result<bool, WouldWaitForItself> {
        if self.enter(holders) {
            return Ok(true);
        }
        if !self.writer.lock_until(deadline)? {
            return Ok(false);
        }
        self.pass(holders);
        Ok(true)
    }

    /// Takes the lock for reading if there is no writer.
    pub(crate) fn try_read(&self, holders: &dyn Holders) -> bool {
        if self.enter(holders) {
            return true;
        }
        // The writer may be dead.
        if !self.writer.try_lock() {
            return false;
        }
        self.pass(holders);
        true
    }

    fn enter(&self, holders: &dyn Holders) -> bool {
        self.raise(holders.me());
        step();
        if self.announced.load(Ordering::SeqCst) == 0 {
            return true;
        }
        step();
        self.leave(holders);
        false
    }

    fn raise(&self, me: u32) {
        if self.fresh.load(Ordering::Relaxed) <= me {
            self.fresh.fetch_max(me + 1, Ordering::SeqCst);
            step();
        }
        self.readers[me as usize].fetch_add(1, Ordering::SeqCst);
    }

    /// Becomes a reader while no writer can come, because we have the mutex.
    fn pass(&self, holders: &dyn Holders) {
        self.bury();
        step();
        self.raise(holders.me());
        step();
        #[cfg(test)]
        if crate::probe::is_dead() {
            return;
        }
        // SAFETY: the callers have just locked it.
        unsafe { self.writer.unlock() };
    }

    /// Whoever has the mutex finds `announced` set only if the writer before it died.
    fn bury(&self) {
        if self.announced.load(Ordering::SeqCst) != 0 {
            self.poison.set();
            step();
            self.announced.store(0, Ordering::SeqCst);
        }
    }

    /// Gives a lock for reading back.
    pub(crate) fn leave(&self, holders: &dyn Holders) {
        let before = self.readers[holders.me() as usize].fetch_sub(1, Ordering::SeqCst);
        step();
        if count(before) == 1 && self.announced.load(Ordering::SeqCst) != 0 {
            self.departures.fetch_add(1, Ordering::SeqCst);
            step();
            futex::wake_all(&self.departures);
        }
    }

    /// Takes the lock for writing; false when time is up.
    pub(crate) fn write_until(
        &self,
        holders: &dyn Holders,
        deadline: Option<Instant>,
    ) -> Result<bool, WouldWaitForItself> {
        if !self.writer.lock_until(deadline)? {
            return Ok(false);
        }
        self.announce();
        let mut look_for_dead = false;
        let mut patience = Patience::new();
        loop {
            let seen = self.departures.load(Ordering::SeqCst);
            if !self.has_readers(holders, look_for_dead) {
                return Ok(true);
            }
            let Some(nap) = patience.nap(deadline) else {
                // SAFETY: locked above.
                unsafe { self.finish() };
                return Ok(false);
            };
            step();
            futex::wait(&self.departures, seen, nap);
            look_for_dead = self.departures.load(Ordering::SeqCst) == seen;
        }
    }

    /// Takes the lock for writing if nobody has it.
    pub(crate) fn try_write(&self, holders: &dyn Holders) -> bool {
        if !self.writer.try_lock() {
            return false;
        }
        self.announce();
        if self.has_readers(holders, true) {
            // SAFETY: locked above.
            unsafe { self.finish() };
            return false;
        }
        true
    }

    fn announce(&self) {
        step();
        self.bury();
        step();
        self.announced.store(1, Ordering::SeqCst);
        step();
    }

    /// Gives the lock for writing back.
    ///
    /// # Safety
    ///
    /// The calling thread has it.
    pub(crate) unsafe fn finish(&self) {
        #[cfg(test)]
        if crate::probe::is_dead() {
            return;
        }
        self.announced.store(0, Ordering::SeqCst);
        step();
        #[cfg(test)]
        if crate::probe::is_dead() {
            return;
        }
        // SAFETY: the caller's promise.
        unsafe { self.writer.unlock() };
    }

    fn has_readers(&self, holders: &dyn Holders, look_for_dead: bool) -> bool {
        // A reader writes `fresh` before its word, so who is not seen here has not raised a word
        // that is older than `announced`.
        let fresh = self.fresh.load(Ordering::SeqCst);
        (0..fresh).zip(&self.readers).any(|(holder, readers)| {
            let word = readers.load(Ordering::SeqCst);
            if count(word) == 0 {
                return false;
            }
            if look_for_dead && !holders.is_alive(holder) {
                // Unless somebody has the number by now: then it has wiped the word already, and
                // behind us it waits for the lock.
                let _ = readers.compare_exchange(
                    word,
                    emptied(word),
                    Ordering::SeqCst,
                    Ordering::SeqCst,
                );
                return false;
            }
            true
        })
    }

    /// Takes back what a holder has that is gone.
    pub(super) fn wipe(&self, holder: u32) {
        let readers = &self.readers[holder as usize];
        let word = readers.load(Ordering::SeqCst);
        // If this fails, a writer has just done it.
        let _ = readers.compare_exchange(word, emptied(word), Ordering::SeqCst, Ordering::SeqCst);
        step();
        self.departures.fetch_add(1, Ordering::SeqCst);
        step();
        futex::wake_all(&self.departures);
    }
}
