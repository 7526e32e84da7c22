//! A mutex that its owner may lock again: a [`Lock`], and how often its owner has it.
//!
//! | step | what if the actor dies right after it |
//! |---|---|
//! | the lock is taken for the first time | as there; `owner` and `depth` are nobody's, or what a dead owner left |
//! | `depth` is set to 1, `owner` to us | likewise: the next owner does as much |
//! | `depth` is raised or lowered | likewise, as long as the lock is taken |
//! | `owner` is set to nobody | likewise |
//! | the lock is given back | as there |
//!
//! No two threads ever have the same `owner` here: it is a mark and a number, neither of which is
//! given out twice. So only the owner finds itself in it, whatever the dead leave.

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::poison::Poison;
use super::{Holders, Kind, Lock, Machine, step};
use crate::sys::atomic::{AtomicU32, AtomicU64};

#[derive(Debug)]
#[repr(C)]
pub(crate) struct ReentrantLock {
    lock: Lock,
    /// The mark of a process and the number of its thread. Only the owner writes it.
    owner: AtomicU64,
    /// How often the owner has it. Only the owner reads and writes it.
    depth: AtomicU32,
}

#[expect(unsafe_code, reason = "machines are made in place")]
// SAFETY: zeros are a lock without an owner.
unsafe impl Machine for ReentrantLock {
    const KIND: Kind = Kind::ReentrantLock;
}

impl ReentrantLock {
    #[inline]
    pub(crate) fn poison(&self) -> &Poison {
        self.lock.poison()
    }

    /// Waits for the lock until `deadline`; false when time is up.
    #[inline]
    pub(crate) fn lock_until(&self, holders: &dyn Holders, deadline: Option<Instant>) -> bool {
        self.lock_again(holders) || self.lock.lock_until(holders, deadline) && self.begin(holders)
    }

    #[inline]
    pub(crate) fn try_lock(&self, holders: &dyn Holders) -> bool {
        self.lock_again(holders) || self.lock.try_lock(holders) && self.begin(holders)
    }

    /// Counts once more if the calling thread has the lock already.
    #[inline]
    fn lock_again(&self, holders: &dyn Holders) -> bool {
        let is_mine = self.owner.load(Ordering::Relaxed) == caller(holders);
        if is_mine {
            let depth = self.depth.load(Ordering::Relaxed);
            let depth = depth.checked_add(1).expect("a lock taken too often");
            self.depth.store(depth, Ordering::Relaxed);
        }
        is_mine
    }

    #[inline]
    fn begin(&self, holders: &dyn Holders) -> bool {
        self.lock.note();
        self.depth.store(1, Ordering::Relaxed);
        self.owner.store(caller(holders), Ordering::Relaxed);
        step();
        true
    }

    pub(super) fn lock(&self) -> &Lock {
        &self.lock
    }

    /// Gives back what was locked last. Only the thread that has the lock does.
    #[inline]
    pub(crate) fn unlock(&self) {
        let depth = self.depth.load(Ordering::Relaxed) - 1;
        self.depth.store(depth, Ordering::Relaxed);
        step();
        if depth == 0 {
            self.owner.store(NOBODY, Ordering::Relaxed);
            step();
            self.lock.unlock();
        }
    }
}

const NOBODY: u64 = 0;

fn caller(holders: &dyn Holders) -> u64 {
    u64::from(holders.mark()) << 32 | u64::from(thread_number())
}

/// A number that no other thread of this process has; after billions of threads they repeat.
fn thread_number() -> u32 {
    static LAST: AtomicU32 = AtomicU32::new(0);
    thread_local! {
        static OURS: Cell<u32> = const { Cell::new(0) };
    }
    if OURS.get() == 0 {
        OURS.set(LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1));
    }
    OURS.get()
}
