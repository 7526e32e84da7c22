//! Waiting until a time.

use std::time::{Duration, Instant};

/// The time at which a wait that begins now is over; `None` if that is further away than time can
/// be told.
pub(crate) fn after(timeout: Duration) -> Option<Instant> {
    now().checked_add(timeout)
}

/// Whether time is up.
pub(crate) fn is_past(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| deadline <= now())
}

/// How long to sleep if that is to be `longest` at most; `None` when time is up.
pub(crate) fn left(deadline: Option<Instant>, longest: Duration) -> Option<Duration> {
    let Some(deadline) = deadline else {
        return Some(longest);
    };
    let left = deadline.saturating_duration_since(now());
    (!left.is_zero()).then(|| left.min(longest))
}

/// The time left until `deadline`; zero when time is up.
pub(crate) fn time_left(deadline: Instant) -> Duration {
    let left = deadline.saturating_duration_since(now());
    // Rounded up to what the kernel counts in, so that the deadline has come when the wait is over.
    left.saturating_add(Duration::from_nanos(u64::from(!left.is_zero())))
}

/// The time, as the tests see it.
#[cfg(not(test))]
fn now() -> Instant {
    Instant::now()
}
#[cfg(test)]
use crate::probe::now;
