//! A clock that all processes share.

use rustix::time::{ClockId, clock_gettime};

/// The monotonic clock in nanoseconds, the same in all processes.
pub(crate) fn nanoseconds() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}

/// A number that changes every few milliseconds. To read the clock takes as long as many a task does, and this
/// a tenth of that.
pub(crate) fn tick() -> u64 {
    let now = clock_gettime(ClockId::MonotonicCoarse);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}
