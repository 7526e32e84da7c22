//! The atomic words in shared memory: std's.
//!
//! In the unit tests each access is also a step before which the explorer of `probe` may stop, or
//! end, the one who takes it. So a machine is explored as it is, whatever it does with its words.

#[cfg(not(test))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, fence};

#[cfg(test)]
pub(crate) use crate::probe::atomic::{AtomicU32, AtomicU64, fence};

/// The word as the kernel knows it.
#[cfg(not(test))]
pub(crate) fn plain(word: &AtomicU32) -> &AtomicU32 {
    word
}

#[cfg(test)]
pub(crate) fn plain(word: &AtomicU32) -> &std::sync::atomic::AtomicU32 {
    word.plain()
}

/// Where the tests can end an actor, after a change that others can see. Nothing otherwise.
#[cfg(not(test))]
#[inline]
pub(crate) fn step() {}

#[cfg(test)]
pub(crate) use crate::probe::step;
