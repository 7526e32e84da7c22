use std::time::{Duration, Instant};

use crate::sys::deadline;

/// How long a sleeper sleeps at most before it looks for what no process will tell it: that another
/// has died.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// How long a sleeper sleeps before it looks: short at first, because what it waits for is often
/// about to come or already dead, and then longer and longer.
#[derive(Debug)]
pub(crate) struct Backoff(Duration);

impl Backoff {
    pub(crate) fn new() -> Backoff {
        Backoff(Duration::from_millis(1))
    }

    /// How long to sleep next; `None` when time is up.
    pub(crate) fn timeout(&mut self, deadline: Option<Instant>) -> Option<Duration> {
        let timeout = self.0;
        self.0 = (timeout * 2).min(POLL_INTERVAL);
        deadline::left(deadline, timeout)
    }
}
