//! Waiting until a time.

use std::time::{Duration, Instant};

use rustix::time::Timespec;

/// The time at which a wait that begins now is over; `None` if that is further away than time can
/// be told.
pub(crate) fn after(timeout: Duration) -> Option<Instant> {
    now().checked_add(timeout)
}

/// How long to sleep if that is to be `longest` at most; `None` when time is up.
pub(crate) fn left(deadline: Option<Instant>, longest: Duration) -> Option<Duration> {
    let Some(deadline) = deadline else {
        return Some(longest);
    };
    let left = deadline.saturating_duration_since(now());
    (!left.is_zero()).then(|| left.min(longest))
}

/// The time left until `deadline`, as the kernel takes it; zero when time is up.
pub(crate) fn until(deadline: Instant) -> Timespec {
    let left = deadline.saturating_duration_since(now());
    // Rounded up, so that the deadline has come when the wait is over.
    let round = Duration::from_nanos(u64::from(!left.is_zero()));
    Timespec::try_from(left.saturating_add(round)).unwrap_or(Timespec {
        tv_sec: i64::MAX,
        tv_nsec: 0,
    })
}

/// The time, as the tests see it.
#[cfg(not(test))]
fn now() -> Instant {
    Instant::now()
}
#[cfg(test)]
use crate::probe::now;
