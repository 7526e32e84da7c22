//! Those who sleep until something has changed, all of them together.
//!
//! Whoever wants to sleep says so, looks again whether it has to, and sleeps. Whoever changes what
//! is waited for looks afterwards whether anybody said so. All four are sequentially consistent,
//! so not both miss the other.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::step;
use crate::sys::futex;

/// A word that is 1 while somebody may sleep on it.
#[derive(Debug)]
#[repr(transparent)]
pub(super) struct Sleepers(AtomicU32);

impl Sleepers {
    /// Sleeps unless `has_to` is false by then; false if nobody has woken the caller.
    pub(super) fn sleep(&self, nap: Duration, has_to: impl FnOnce() -> bool) -> bool {
        self.0.store(1, Ordering::SeqCst);
        step();
        if has_to() {
            futex::wait(&self.0, 1, nap);
        }
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Wakes all that sleep, after what they wait for has changed.
    #[inline]
    pub(super) fn wake(&self) {
        if self.0.load(Ordering::SeqCst) != 0 {
            self.0.store(0, Ordering::SeqCst);
            step();
            futex::wake_all(&self.0);
        }
    }
}
