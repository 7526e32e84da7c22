//! Those who sleep until something has changed, all of them together.
//!
//! A thread that wants to sleep says so, looks again whether it has to, and sleeps. One that changes what
//! is waited for looks afterwards whether a thread said so. All four are sequentially consistent,
//! so not both miss the other.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::sys::atomic::{AtomicU32, step};
use crate::sys::futex;

/// A word that is odd while a thread may sleep on it, and greater after each wake-up call: one who
/// is about to sleep while others are woken and sleep again does not take their word for its own.
#[derive(Debug)]
#[repr(transparent)]
pub(super) struct Sleepers(AtomicU32);

impl Sleepers {
    /// Sleeps unless `has_to` is false by then; false if the caller was not woken.
    pub(super) fn sleep(&self, timeout: Duration, has_to: impl FnOnce() -> bool) -> bool {
        let word = self.0.fetch_or(1, Ordering::SeqCst) | 1;
        step();
        if has_to() {
            futex::wait(&self.0, word, timeout);
        }
        self.0.load(Ordering::Relaxed) != word
    }

    /// Wakes all that sleep, after what they wait for has changed.
    #[inline]
    pub(super) fn wake(&self) {
        let word = self.0.load(Ordering::SeqCst);
        if word & 1 != 0 {
            // If this fails, another thread has just woken them.
            let awake = word.wrapping_add(1);
            let _ = self
                .0
                .compare_exchange(word, awake, Ordering::SeqCst, Ordering::SeqCst);
            step();
            futex::wake_all(&self.0);
        }
    }
}
