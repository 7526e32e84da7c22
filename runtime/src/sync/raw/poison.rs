//! Whether a holder ended in the middle of its work.
//!
//! Only whoever has the lock sets it, before anybody else can have the lock; so if that one dies
//! first, the next finds it dead and sets it.

use std::sync::atomic::{AtomicBool, Ordering};

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
