//! A mutex that its owner may lock again: a [`RobustMutex`] that counts, and its count for us to see.
//!
//! | step | what if the actor dies right after it |
//! |---|---|
//! | the mutex is locked for the first time | it is marked; `depth` is 0, or what a dead owner left |
//! | `depth` is written | it is marked; the next owner is told, and counts from 1 |
//! | `depth` is lowered | likewise, as long as the mutex is held |
//! | the mutex is unlocked | still held if it was locked more than once: marked |

#![expect(unsafe_code, reason = "a mutex in shared memory is made and unlocked")]

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::poison::Poison;
use super::{Kind, Machine};
use crate::sys::atomic::AtomicU32;
use crate::sys::robust::{Acquired, Relock, RobustMutex};

#[derive(Debug)]
#[repr(C)]
pub(crate) struct ReentrantLock {
    mutex: RobustMutex,
    poison: Poison,
    /// How often the owner has it. Only the owner reads and writes it.
    depth: AtomicU32,
}

// SAFETY: zeros are a lock without an owner; `init` makes the mutex.
unsafe impl Machine for ReentrantLock {
    const KIND: Kind = Kind::ReentrantLock;

    unsafe fn init(place: *mut ReentrantLock) {
        // SAFETY: in bounds of the place that the caller promises.
        let mutex = unsafe { &raw mut (*place).mutex };
        // SAFETY: the caller's promise.
        unsafe { RobustMutex::init(mutex, Relock::Counted) };
    }
}

impl ReentrantLock {
    pub(crate) fn poison(&self) -> &Poison {
        &self.poison
    }

    /// Waits for the lock until `deadline`; false when time is up.
    pub(crate) fn lock_until(&self, deadline: Option<Instant>) -> bool {
        let acquired = self
            .mutex
            .lock_until(deadline)
            .expect("a counting mutex does not refuse");
        acquired.inspect(|acquired| self.note(*acquired)).is_some()
    }

    pub(crate) fn try_lock(&self) -> bool {
        let acquired = self.mutex.try_lock();
        acquired.inspect(|acquired| self.note(*acquired)).is_some()
    }

    fn note(&self, acquired: Acquired) {
        let depth = match acquired {
            Acquired::Clean => self.depth.load(Ordering::Relaxed) + 1,
            Acquired::OwnerDied => {
                self.poison.set();
                1
            }
        };
        self.depth.store(depth, Ordering::Relaxed);
    }

    /// Gives back what was locked last; `before` is called if that is all.
    ///
    /// # Safety
    ///
    /// The calling thread holds the lock.
    pub(crate) unsafe fn unlock(&self, before: impl FnOnce()) {
        let depth = self.depth.load(Ordering::Relaxed) - 1;
        self.depth.store(depth, Ordering::Relaxed);
        if depth == 0 {
            before();
        }
        // SAFETY: the caller's promise; a process has one mapping of a region.
        unsafe { self.mutex.unlock() };
    }
}
