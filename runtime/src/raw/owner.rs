//! Which thread has a lock: for that thread alone.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::sys::thread;

/// The [number](thread::number) of the thread that has a lock; 0 if none has.
///
/// The thread that has taken the lock writes its number, and 0 before it gives the lock back. So a thread
/// finds its own number only if it has the lock: no other thread ever writes that, also not in memory
/// that a dead process left. What else a thread finds says nothing.
///
/// It is not one of the words that the explorer sees: no thread changes what another looks for.
#[derive(Debug)]
#[repr(transparent)]
pub(super) struct Owner(AtomicU64);

impl Owner {
    #[inline]
    pub(super) fn is_caller(&self) -> bool {
        self.0.load(Ordering::Relaxed) == thread::number()
    }

    #[inline]
    pub(super) fn enter(&self) {
        self.0.store(thread::number(), Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn leave(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}
