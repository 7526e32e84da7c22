//! Something that ends once, and who waits for that: threads and futures.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Condvar, Mutex};
use std::task::Waker;
use std::time::Instant;

use crate::foreign;
use crate::lock::{lock, wait_until};

/// Whether it has ended, and who is to be told.
#[derive(Default)]
pub(super) struct Ending {
    state: Mutex<EndingState>,
    changed: Condvar,
}

#[derive(Default)]
struct EndingState {
    ended: bool,
    wakers: BTreeMap<u64, Waker>,
}

/// Who polls an [`Ending`], of which it is to keep one waker only.
#[derive(Debug)]
pub(super) struct Listener(u64);

impl Listener {
    pub(super) fn new() -> Listener {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Listener(NEXT.fetch_add(1, Relaxed))
    }
}

impl Ending {
    /// It has ended. Wakes all who wait.
    pub(super) fn end(&self) {
        let mut state = lock(&self.state);
        state.ended = true;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.changed.notify_all();
        for waker in wakers.into_values() {
            foreign::call(|| waker.wake());
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        lock(&self.state).ended
    }

    /// Waits until it has ended; false if the limit came first.
    pub(super) fn wait(&self, limit: Option<Instant>) -> bool {
        let mut state = lock(&self.state);
        while !state.ended {
            let in_time;
            (state, in_time) = wait_until(&self.changed, state, limit);
            if !in_time {
                return state.ended;
            }
        }
        true
    }

    /// Whether it has ended; if not, `waker` is woken when it has.
    pub(super) fn poll(&self, listener: &Listener, waker: &Waker) -> bool {
        // Wakers are cloned and dropped by user code: not under the lock.
        let waker = waker.clone();
        let mut state = lock(&self.state);
        let ended = state.ended;
        let not_needed = if ended {
            Some(waker)
        } else {
            state.wakers.insert(listener.0, waker)
        };
        drop(state);
        drop(not_needed);
        ended
    }

    /// Wakes a listener no more.
    pub(super) fn forget(&self, listener: &Listener) {
        let forgotten = lock(&self.state).wakers.remove(&listener.0);
        drop(forgotten);
    }
}

impl fmt::Debug for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ending")
            .field("ended", &self.has_ended())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;
    use std::time::Duration;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn each_listener_is_woken_once_and_one_that_is_forgotten_never() {
        let (ending, count) = (Ending::default(), Arc::<Count>::default());
        let waker = Waker::from(Arc::clone(&count));
        let listeners = [(); 3].map(|()| Listener::new());
        for listener in listeners.iter().chain(&listeners) {
            assert!(!ending.poll(listener, &waker));
        }
        ending.forget(&listeners[0]);
        assert!(!ending.wait(Some(Instant::now())));
        ending.end();
        assert_eq!(count.0.load(Relaxed), 2);
        assert!(ending.has_ended() && ending.wait(None));
        assert!(ending.poll(&listeners[1], &waker));
        ending.end();
        assert_eq!(count.0.load(Relaxed), 2);
        drop(waker);
        assert_eq!(Arc::strong_count(&count), 1);
    }

    #[test]
    fn a_thread_that_waits_is_woken() {
        let ending = Ending::default();
        let limit = Instant::now() + Duration::from_secs(60);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| ending.wait(Some(limit)));
            ending.end();
            assert!(waiting.join().unwrap());
        });
    }
}
