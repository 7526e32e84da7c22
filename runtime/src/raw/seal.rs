//! Whether memory is what it was made as, or something has written over it.

use std::sync::atomic::Ordering;

use crate::sys::atomic::AtomicU32;

/// A word that is written once, when a machine is made.
///
/// A process can write where it should not. What goes over a machine from end to end goes over
/// this, too; so a machine whose other words have no values that could not be looks here before it
/// waits for something that may never come.
#[derive(Debug)]
#[repr(transparent)]
pub(super) struct Seal(AtomicU32);

/// What memory does not hold by chance, and zeros are not.
const WHOLE: u32 = 0x9b05_688c;

impl Seal {
    pub(super) fn set(&self) {
        self.0.store(WHOLE, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn is_whole(&self) -> bool {
        self.0.load(Ordering::Relaxed) == WHOLE
    }
}
