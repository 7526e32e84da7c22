//! Whether a holder died, and the mutex of a writer.
//!
//! | step | what if the actor dies right after it |
//! |---|---|
//! | the mutex is locked | the kernel marks it; the next owner is told and sets `poisoned` |
//! | the next owner wipes the mark | it holds the mutex: the mark comes back |
//! | `poisoned` is set | it stays set until somebody has looked at what was left, and clears it |
//! | the guard is dropped in a panic: `poisoned` is set | the mutex is still held: marked as well |
//! | the mutex is unlocked | nothing is held any more |

#![expect(unsafe_code, reason = "a mutex in shared memory is made and unlocked")]

use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::sys::atomic::AtomicU32;
use crate::sys::robust::{Acquired, Relock, RobustMutex, WouldWaitForItself};

/// Whether a holder ended in the middle of its work.
///
/// | word | |
/// |---|---|
/// | 0 | no |
/// | 1 | it did, and what it left is a value |
/// | 2 | it died, and nobody has looked at what it left |
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Poison(AtomicU32);

const CLEAN: u32 = 0;
const POISONED: u32 = 1;
const UNSEEN: u32 = 2;

impl Poison {
    #[inline]
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed) != CLEAN
    }

    /// A holder died, between any two instructions.
    pub(crate) fn set(&self) {
        self.0.store(UNSEEN, Ordering::Relaxed);
    }

    /// A holder panicked, between whole values.
    pub(crate) fn set_by_panic(&self) {
        self.replace(CLEAN, POISONED);
    }

    /// Whether there is a value: the first to have the lock after a death looks whether there
    /// `is` one.
    pub(crate) fn look(&self, is: impl FnOnce() -> bool) -> bool {
        let is = self.0.load(Ordering::Relaxed) != UNSEEN || is();
        if is {
            self.replace(UNSEEN, POISONED);
        }
        is
    }

    /// Nothing happens if nobody has looked at what the dead left.
    pub(crate) fn clear(&self) {
        self.replace(POISONED, CLEAN);
    }

    fn replace(&self, old: u32, new: u32) {
        // Whoever changes it otherwise meanwhile knows better.
        let _ = self
            .0
            .compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed);
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
