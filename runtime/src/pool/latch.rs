//! Something that happens once, and who waits for that: threads and futures.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Condvar, Mutex};
use std::task::Waker;
use std::time::Instant;

use crate::foreign;
use crate::lock::{lock, wait_until};

/// Whether it has happened, and who is to be told.
#[derive(Default)]
pub(super) struct Latch {
    state: Mutex<LatchState>,
    changed: Condvar,
}

#[derive(Default)]
struct LatchState {
    set: bool,
    wakers: BTreeMap<u64, Waker>,
}

/// Who polls a [`Latch`], of which it is to keep one waker only.
#[derive(Debug)]
pub(super) struct Listener(u64);

impl Listener {
    pub(super) fn new() -> Listener {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Listener(NEXT.fetch_add(1, Relaxed))
    }
}

impl Latch {
    /// It has happened. Wakes all who wait.
    pub(super) fn set(&self) {
        let mut state = lock(&self.state);
        state.set = true;
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.changed.notify_all();
        for waker in wakers.into_values() {
            foreign::call(|| waker.wake());
        }
    }

    pub(super) fn is_set(&self) -> bool {
        lock(&self.state).set
    }

    /// Waits until it has happened; false if the limit came first.
    pub(super) fn wait(&self, limit: Option<Instant>) -> bool {
        let mut state = lock(&self.state);
        while !state.set {
            let in_time;
            (state, in_time) = wait_until(&self.changed, state, limit);
            if !in_time {
                return state.set;
            }
        }
        true
    }

    /// Whether it has happened; if not, `waker` is woken when it has.
    pub(super) fn poll(&self, listener: &Listener, waker: &Waker) -> bool {
        // Wakers are cloned and dropped by user code: not under the lock.
        let waker = waker.clone();
        let mut state = lock(&self.state);
        let set = state.set;
        let not_needed = if set {
            Some(waker)
        } else {
            state.wakers.insert(listener.0, waker)
        };
        drop(state);
        drop(not_needed);
        set
    }

    /// Wakes a listener no more.
    pub(super) fn forget(&self, listener: &Listener) {
        let forgotten = lock(&self.state).wakers.remove(&listener.0);
        drop(forgotten);
    }
}

impl fmt::Debug for Latch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latch")
            .field("set", &self.is_set())
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
        let (latch, count) = (Latch::default(), Arc::<Count>::default());
        let waker = Waker::from(Arc::clone(&count));
        let listeners = [(); 3].map(|()| Listener::new());
        for listener in listeners.iter().chain(&listeners) {
            assert!(!latch.poll(listener, &waker));
        }
        latch.forget(&listeners[0]);
        assert!(!latch.wait(Some(Instant::now())));
        latch.set();
        assert_eq!(count.0.load(Relaxed), 2);
        assert!(latch.is_set() && latch.wait(None));
        assert!(latch.poll(&listeners[1], &waker));
        latch.set();
        assert_eq!(count.0.load(Relaxed), 2);
        drop(waker);
        assert_eq!(Arc::strong_count(&count), 1);
    }

    #[test]
    fn the_last_waker_of_a_listener_is_woken_once() {
        let (latch, listener) = (Latch::default(), Listener::new());
        let counts = [(); 2].map(|()| Arc::<Count>::default());
        for count in &counts {
            assert!(!latch.poll(&listener, &Waker::from(Arc::clone(count))));
        }
        latch.set();
        assert!(latch.poll(&listener, Waker::noop()));
        latch.set();
        assert!(latch.wait(None));
        assert_eq!(counts.map(|count| count.0.load(Relaxed)), [0, 1]);
    }

    #[test]
    fn a_thread_that_waits_is_woken() {
        let latch = Latch::default();
        let limit = Instant::now() + Duration::from_secs(60);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| latch.wait(Some(limit)));
            latch.set();
            assert!(waiting.join().unwrap());
        });
    }
}
