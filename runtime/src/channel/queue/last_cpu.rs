//! Whether it is of any use to wait awake for another process.

use std::sync::atomic::Ordering;

use crate::sys::atomic::AtomicU32;
use crate::sys::scheduling::current_cpu;

/// On which CPU a thread was that did something, in shared memory.
///
/// Who waits awake for the next time keeps that thread from running if both are on one CPU, and that is where
/// the kernel often has the two ends of a queue, since it likes a sleeper to run where it was woken. Whatever
/// is in the word, and however old it is, only the time of waiting awake depends on it.
#[derive(Debug)]
#[repr(transparent)]
pub(super) struct LastCpu(AtomicU32);

impl LastCpu {
    /// Notes that it was this thread.
    pub(super) fn note(&self) {
        let here = number_of_this();
        // Others look at what else is in the cache line.
        if self.0.load(Ordering::Relaxed) != here {
            self.0.store(here, Ordering::Relaxed);
        }
    }

    /// Whether it was on the CPU of this thread.
    pub(super) fn is_here(&self) -> bool {
        self.0.load(Ordering::Relaxed) == number_of_this()
    }
}

/// Not 0, which says nothing.
fn number_of_this() -> u32 {
    u32::try_from(current_cpu() + 1).unwrap_or(u32::MAX)
}
