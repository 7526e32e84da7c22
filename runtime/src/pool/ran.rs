//! Where and when a task ran.

use crate::sys::clock;

/// Where a task ran that was answered, and from when to when, by the clock that all processes of a machine share.
///
/// Of tasks that were answered together it is known when the first began and the last ended: each has its share of
/// that time.
#[derive(Debug, Clone, Copy)]
pub struct Ran {
    /// The process.
    pub process: u32,
    /// When it began, in nanoseconds.
    pub since: u64,
    /// When it ended.
    pub until: u64,
}

impl Ran {
    /// In this process, it is not known when.
    pub(crate) fn in_process(process: u32) -> Ran {
        Ran {
            process,
            since: 0,
            until: 0,
        }
    }
}

/// The time by that clock, in nanoseconds.
#[must_use]
pub fn clock() -> u64 {
    clock::nanoseconds()
}
