//! A mutex held while the user's code runs: one word.
//!
//! | word | |
//! |---|---|
//! | 0 | free |
//! | a [mark](Holders::mark) | a thread of that process has it |
//! | the highest bit | a thread may sleep |
//!
//! Taking and giving back are one atomic step each, as in std's mutex. Death is found by the thread that
//! waits. The list of robust mutexes that the kernel keeps would not do: it is in the memory that
//! is shared, where anything can write over its pointers, and it ends with a thread.
//!
//! | step | what if the actor dies right after it |
//! |---|---|
//! | the word is set to our number | its process is dead: a waiter asks, takes the word over and sets `poisoned`. If its thread alone ended, it stays locked, as std's does |
//! | a waiter sets the highest bit | a needless call when the mutex is given back |
//! | a waiter takes the word over from the dead | it has the mutex, and is dead like the one before; `poisoned` may be missing: the next sets it |
//! | `poisoned` is set | it stays set until it is cleared |
//! | the guard is dropped in a panic: `poisoned` is set | the mutex is still held: as above |
//! | the word is set to 0 | sleepers find it when they next look |
//! | a sleeper was woken, and dies | likewise |
//!
//! A mark is not given out twice, so what is taken over from a dead process cannot be anyone
//! else's by then. One that was never given out, because something wrote over the word, is taken
//! for a dead process's.
//!
//! `owner` is for the thread that has the lock, which asks before it waits for itself.
//!
//! Changes of the word are sequentially consistent for the sake of [`RwLock`](super::RwLock), whose
//! readers look at it. On x86-64 that costs nothing.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::backoff::Backoff;
use super::holders::Holders;
use super::machine::Machine;
use super::owner::Owner;
use super::poison::Poison;
use crate::spin::{Awaited, spin_until};
use crate::sys::atomic::{AtomicU32, step};
use crate::sys::futex;

const FREE: u32 = 0;
const WAITED: u32 = 1 << 31;

#[derive(Debug)]
#[repr(C)]
pub(crate) struct Lock {
    word: AtomicU32,
    poison: Poison,
    owner: Owner,
}

#[expect(unsafe_code, reason = "machines are made in place")]
// SAFETY: atomic integers.
unsafe impl Machine for Lock {
    fn init(&self) {
        self.poison.init();
    }

    /// Who waits finds a dead owner by its mark.
    fn wipe(&self, _: &dyn Holders, _: u32) {}
}

impl Lock {
    #[inline]
    pub(crate) fn poison(&self) -> &Poison {
        &self.poison
    }

    /// Takes the lock if it is free or its holder dead.
    #[inline]
    pub(crate) fn try_lock(&self, holders: &dyn Holders) -> bool {
        self.take(holders.mark()) || self.recover(holders)
    }

    /// Takes the lock if it is free.
    #[inline]
    pub(crate) fn try_lock_fast(&self, holders: &dyn Holders) -> bool {
        self.take(holders.mark())
    }

    /// Whether the lock is held, by the dead or the living.
    #[inline]
    pub(super) fn is_taken(&self) -> bool {
        self.word.load(Ordering::SeqCst) & !WAITED != FREE
    }

    /// Takes the lock by `deadline`; false when time is up. `None` waits for ever.
    #[inline]
    pub(crate) fn lock_until(&self, holders: &dyn Holders, deadline: Option<Instant>) -> bool {
        self.take(holders.mark()) || self.wait(holders, deadline)
    }

    #[inline]
    fn take(&self, mark: u32) -> bool {
        debug_assert_ne!(mark & !WAITED, FREE, "the caller has no mark yet");
        let taken = self
            .word
            .compare_exchange(FREE, mark, Ordering::SeqCst, Ordering::Relaxed)
            .is_ok();
        step();
        if taken {
            self.owner.enter();
        }
        taken
    }

    /// Whether the calling thread has the lock.
    #[inline]
    pub(crate) fn is_mine(&self) -> bool {
        self.owner.is_caller()
    }

    /// Waits for a lock that was found taken: awake for a while, because an attempt to take it
    /// disturbs its holder more than a look.
    #[cold]
    pub(crate) fn wait(&self, holders: &dyn Holders, deadline: Option<Instant>) -> bool {
        let mut ours = holders.mark();
        let mut backoff = Backoff::new();
        loop {
            if spin_until(Awaited::Lock, || {
                self.word.load(Ordering::Relaxed) == FREE && self.take(ours)
            }) {
                return true;
            }
            let Some(timeout) = backoff.timeout(deadline) else {
                return self.recover(holders);
            };
            let word = self.word.load(Ordering::Relaxed);
            let waited = word | WAITED;
            if word == FREE
                || word != waited
                    && self
                        .word
                        .compare_exchange(word, waited, Ordering::Relaxed, Ordering::Relaxed)
                        .is_err()
            {
                continue;
            }
            step();
            futex::wait(&self.word, waited, timeout);
            if self.word.load(Ordering::Relaxed) == waited && self.recover(holders) {
                return true;
            }
            // A thread that has slept does not know whether others do.
            ours = holders.mark() | WAITED;
        }
    }

    /// Takes the lock if it is free after all or its holder dead.
    #[cold]
    fn recover(&self, holders: &dyn Holders) -> bool {
        if self.is_taken() {
            self.take_over(holders)
        } else {
            self.take(holders.mark())
        }
    }

    /// Takes the lock over from a holder that is dead.
    #[cold]
    pub(super) fn take_over(&self, holders: &dyn Holders) -> bool {
        let word = self.word.load(Ordering::Relaxed);
        let mark = word & !WAITED;
        if mark == FREE || mark == holders.mark() || holders.is_mark_alive(mark) {
            return false;
        }
        let ours = holders.mark() | WAITED;
        let taken = self
            .word
            .compare_exchange(word, ours, Ordering::SeqCst, Ordering::Relaxed)
            .is_ok();
        step();
        if taken {
            self.owner.enter();
            self.poison.set();
            step();
        }
        taken
    }

    /// Gives the lock back. Only the thread that has it does.
    #[inline]
    pub(crate) fn unlock(&self) {
        self.owner.leave();
        let word = self.word.swap(FREE, Ordering::SeqCst);
        step();
        if word & WAITED != 0 {
            futex::wake(&self.word, 1);
        }
    }
}
