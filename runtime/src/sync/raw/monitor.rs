//! A short critical section that repairs what a dead predecessor left half done.

#![expect(unsafe_code, reason = "a mutex in shared memory is made and unlocked")]

use std::time::Instant;

use crate::sys::robust::{Acquired, RobustMutex};

/// The mutex around a machine's words. No user code runs while it is held.
///
/// Whoever dies inside leaves the words between two steps. Each machine says which of its words
/// are the truth; the next to enter computes the others from them.
#[derive(Debug)]
#[repr(transparent)]
pub(super) struct Monitor(RobustMutex);

/// The right to change the words, until it is dropped.
pub(super) struct Inside<'a>(&'a RobustMutex);

impl Monitor {
    /// # Safety
    ///
    /// As [`RobustMutex::init`].
    pub(super) unsafe fn init(place: *mut Monitor) {
        // SAFETY: `Monitor` is transparent; the rest is the caller's promise.
        unsafe { RobustMutex::init(place.cast()) };
    }

    /// Enters, however long the others take.
    pub(super) fn enter(&self, repair: impl FnOnce()) -> Inside<'_> {
        self.enter_until(None, repair)
            .expect("without a deadline there is no timeout")
    }

    /// Enters by `deadline`; `None` when time is up.
    pub(super) fn enter_until(
        &self,
        deadline: Option<Instant>,
        repair: impl FnOnce(),
    ) -> Option<Inside<'_>> {
        let acquired = self
            .0
            .lock_until(deadline)
            .expect("a monitor is not entered from inside")?;
        let inside = Inside(&self.0);
        if acquired == Acquired::OwnerDied {
            repair();
        }
        Some(inside)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        // SAFETY: locked by `enter_until` on this thread, which `Inside` does not leave: it
        // never outlives a call of ours.
        unsafe { self.0.unlock() };
    }
}
