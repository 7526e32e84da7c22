//! Whether a holder died, and the mutex of a writer.
//!
//! | step | what if the actor dies right after it |
//! |---|---|
//! | the mutex is locked | the kernel marks it; the next owner is told and sets `poisoned` |
//! | the next owner wipes the mark | it holds the mutex: the mark comes back |
//! | `poisoned` is set | it stays set until somebody clears it |
//! | the guard is dropped in a panic: `poisoned` is set | the mutex is still held: marked as well |
//! | the mutex is unlocked | nothing is held any more |

#![expect(unsafe_code, reason = "a mutex in shared memory is made and unlocked")]

use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::sys::atomic::AtomicBool;
use crate::sys::robust::{Acquired, Relock, RobustMutex, WouldWaitForItself};

/// Whether a holder ended in the middle of its work.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Poison(AtomicBool);

impl Poison {
    #[inline]
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// A robust mutex that remembers that a holder died.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Writer {
    mutex: RobustMutex,
    poison: Poison,
}

impl Writer {
    /// # Safety
    ///
    /// As [`RobustMutex::init`].
    pub(crate) unsafe fn init(place: *mut Writer, relock: Relock) {
        // SAFETY: in bounds of the place that the caller promises.
        let mutex = unsafe { &raw mut (*place).mutex };
        // SAFETY: the caller's promise.
        unsafe { RobustMutex::init(mutex, relock) };
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> bool {
        let acquired = self.mutex.try_lock();
        acquired.inspect(|acquired| self.note(*acquired)).is_some()
    }

    /// False when time is up.
    pub(crate) fn lock_until(&self, deadline: Option<Instant>) -> Result<bool, WouldWaitForItself> {
        let acquired = self.mutex.lock_until(deadline)?;
        Ok(acquired.inspect(|acquired| self.note(*acquired)).is_some())
    }

    #[inline]
    fn note(&self, acquired: Acquired) {
        if acquired == Acquired::OwnerDied {
            self.poison.set();
        }
    }

    /// # Safety
    ///
    /// The calling thread holds the lock.
    #[inline]
    pub(crate) unsafe fn unlock(&self) {
        // SAFETY: the caller's promise; a process has one mapping of a region.
        unsafe { self.mutex.unlock() };
    }
}
