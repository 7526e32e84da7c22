//! What one task waits for, under a lock.

use std::sync::Mutex;
use std::task::Waker;

use crate::lock::lock;

/// State that keeps the waker of the task that polls it.
pub(crate) trait Polled {
    /// Whether there is what the task waits for.
    fn is_there(&self) -> bool;

    fn waker(&mut self) -> &mut Option<Waker>;
}

/// Whether there is what the task waits for; if not, `waker` is kept.
pub(crate) fn poll(polled: &Mutex<impl Polled>, waker: &Waker) -> bool {
    let mut state = lock(polled);
    let is_there = state.is_there();
    if is_there || state.waker().as_ref().is_some_and(|it| it.will_wake(waker)) {
        return is_there;
    }
    // Wakers are cloned and dropped by user code: not under the lock.
    drop(state);
    let waker = waker.clone();
    let mut state = lock(polled);
    let is_there = state.is_there();
    let not_needed = if is_there {
        Some(waker)
    } else {
        state.waker().replace(waker)
    };
    drop(state);
    drop(not_needed);
    is_there
}
