//! Whether a holder ended in the middle of its work.
//!
//! Only whoever has the lock sets it, before anybody else can have the lock; so if that one dies
//! first, the next finds it dead and sets it.

use std::sync::atomic::Ordering;

use crate::sys::atomic::AtomicU32;

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
