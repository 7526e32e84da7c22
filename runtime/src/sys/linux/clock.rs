//! A clock that all processes share.

use rustix::time::{ClockId, clock_gettime};

/// The monotonic clock in nanoseconds, the same in all processes.
pub(crate) fn nanoseconds() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}
