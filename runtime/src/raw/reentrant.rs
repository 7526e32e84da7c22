//! A mutex that its owner may lock again: a [`Lock`], and how often its owner has it.
//!
//! | step | what if the actor dies right after it |
//! |---|---|
//! | the lock is taken for the first time | as there; `depth` has no meaning yet, or is what a dead owner left |
//! | `depth` is set to 1 | likewise: the next owner does as much |
//! | `depth` is raised or lowered | likewise, as long as the lock is taken |
//! | the lock is given back | as there |
//!
//! Only the owner finds itself in the lock, whatever the dead leave: see [`Owner`](super::owner).

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::holders::Holders;
use super::lock::Lock;
use super::machine::Machine;
use super::poison::Poison;
use crate::sys::atomic::{AtomicU32, step};

#[derive(Debug)]
#[repr(C)]
pub(crate) struct ReentrantLock {
    lock: Lock,
    /// How often the owner has it. Only the owner reads and writes it.
    depth: AtomicU32,
}

#[expect(unsafe_code, reason = "machines are made in place")]
// SAFETY: atomic integers.
unsafe impl Machine for ReentrantLock {
    fn init(&self) {
        self.lock.init();
    }

    /// As for the lock in it.
    fn wipe(&self, _: &dyn Holders, _: u32) {}
}

impl ReentrantLock {
    #[inline]
    pub(crate) fn poison(&self) -> &Poison {
        self.lock.poison()
    }

    /// Waits for the lock until `deadline`; false when time is up.
    #[inline]
    pub(crate) fn lock_until(&self, holders: &dyn Holders, deadline: Option<Instant>) -> bool {
        self.lock_again() || self.lock.lock_until(holders, deadline) && self.begin()
    }

    #[inline]
    pub(crate) fn try_lock(&self, holders: &dyn Holders) -> bool {
        self.lock_again() || self.lock.try_lock(holders) && self.begin()
    }

    /// Counts once more if the calling thread has the lock already.
    #[inline]
    fn lock_again(&self) -> bool {
        let is_mine = self.lock.is_mine();
        if is_mine {
            let depth = self.depth.load(Ordering::Relaxed);
            let depth = depth.checked_add(1).expect("a lock taken too often");
            self.depth.store(depth, Ordering::Relaxed);
        }
        is_mine
    }

    #[inline]
    fn begin(&self) -> bool {
        self.depth.store(1, Ordering::Relaxed);
        step();
        true
    }

    /// Gives back what was locked last. Only the thread that has the lock does.
    #[inline]
    pub(crate) fn unlock(&self) {
        // 0 if something wrote over it: then this is as good as any other time.
        let depth = self.depth.load(Ordering::Relaxed).saturating_sub(1);
        self.depth.store(depth, Ordering::Relaxed);
        step();
        if depth == 0 {
            self.lock.unlock();
        }
    }
}
