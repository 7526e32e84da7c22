//! Whether a holder ended in the middle of its work.
//!
//! Only the holder of the lock sets it, before the lock can have another holder; so if the holder dies
//! first, the next finds it dead and sets it.

use std::sync::atomic::Ordering;

use crate::sys::atomic::AtomicU32;

/// Whether a holder ended in the middle of its work.
///
/// | word | |
/// |---|---|
/// | [`CLEAN`] | no |
/// | [`POISONED`] | it did, and what it left is a value |
/// | [`UNSEEN`] | it died, and what it left was not looked at yet |
/// | anything else | something wrote over this memory, and what is there was not looked at yet |
///
/// The first three are numbers that memory does not hold by chance, so that a process that writes
/// where it should not is found out here.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct Poison(AtomicU32);

const CLEAN: u32 = 0x6a09_e667;
const POISONED: u32 = 0xbb67_ae85;
const UNSEEN: u32 = 0x3c6e_f372;

/// What may be behind a lock that is poisoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Left {
    /// What was written with one instruction is whole.
    ByTheDead,
    /// Any bytes.
    ByStrayWrites,
}

impl Poison {
    /// No holder has ended. To be called before another has the lock, or by its holder.
    pub(super) fn init(&self) {
        self.0.store(CLEAN, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed) != CLEAN
    }

    /// A holder died, between any two instructions.
    pub(crate) fn set(&self) {
        self.replace(CLEAN, UNSEEN);
        self.replace(POISONED, UNSEEN);
    }

    /// A holder panicked, between whole values.
    pub(crate) fn set_by_panic(&self) {
        self.replace(CLEAN, POISONED);
    }

    /// Whether there is a value: the first to have the lock after a death looks whether there
    /// `is` one.
    pub(crate) fn look(&self, is: impl FnOnce(Left) -> bool) -> bool {
        let word = self.0.load(Ordering::Relaxed);
        let is = match word {
            CLEAN | POISONED => true,
            UNSEEN => is(Left::ByTheDead),
            _ => is(Left::ByStrayWrites),
        };
        if is && word != CLEAN {
            self.replace(word, POISONED);
        }
        is
    }

    /// Nothing happens if no thread has looked at what the dead left.
    pub(crate) fn clear(&self) {
        self.replace(POISONED, CLEAN);
    }

    fn replace(&self, old: u32, new: u32) {
        // A thread that changes it otherwise meanwhile knows better.
        let _ = self
            .0
            .compare_exchange(old, new, Ordering::Relaxed, Ordering::Relaxed);
    }
}
