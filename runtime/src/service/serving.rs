//! What a thread of a service knows of the request that it runs.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::graph::Seat;
use crate::sys::clock;

thread_local! {
    static SERVING: RefCell<Option<Serving>> = const { RefCell::new(None) };
}

/// The request that a thread runs.
#[derive(Debug, Clone)]
pub(super) struct Serving {
    /// The service's seat among those that may wait for each other, if it runs one request at a time.
    pub(super) seat: Option<Arc<Seat>>,
    /// By when it is to be answered.
    pub(super) deadline: Option<Instant>,
}

impl Serving {
    /// Runs a method on this thread.
    pub(super) fn during<R>(self, run: impl FnOnce() -> R) -> R {
        struct Restore(Option<Serving>);

        impl Drop for Restore {
            fn drop(&mut self) {
                SERVING.set(self.0.take());
            }
        }

        let _restore = Restore(SERVING.replace(Some(self)));
        run()
    }
}

/// The request that this thread runs, if it is one of a service.
pub(super) fn current() -> Option<Serving> {
    // Destructors of thread-locals may ask, too.
    SERVING
        .try_with(|serving| serving.borrow().clone())
        .ok()
        .flatten()
}

/// A deadline on the clock that all processes share; 0 if there is none.
pub(super) fn to_shared(deadline: Option<Instant>) -> u64 {
    let Some(deadline) = deadline else {
        return 0;
    };
    let left = deadline.saturating_duration_since(Instant::now());
    let left = u64::try_from(left.as_nanos()).unwrap_or(u64::MAX);
    clock::nanoseconds().saturating_add(left).max(1)
}

/// The deadline that this is on the clock of all processes.
pub(super) fn from_shared(deadline: u64) -> Option<Instant> {
    let left = deadline.saturating_sub(clock::nanoseconds());
    (deadline > 0).then(|| Instant::now() + Duration::from_nanos(left))
}
