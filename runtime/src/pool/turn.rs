//! A submitter's turn.

use std::sync::{Condvar, Mutex};
use std::task::Waker;

use crate::lock::{lock, wait};

/// What a submitter waits for: to be let in.
#[derive(Debug, Default)]
pub(super) struct Turn {
    state: Mutex<TurnState>,
    has_come: Condvar,
}

#[derive(Debug, Default)]
struct TurnState {
    has_come: bool,
    /// The task that awaits it.
    waker: Option<Waker>,
}

impl Turn {
    /// Lets the submitter in. User code runs: a waker.
    pub(super) fn let_in(&self) {
        let mut state = lock(&self.state);
        state.has_come = true;
        let waker = state.waker.take();
        drop(state);
        self.has_come.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Sleeps until the submitter is let in.
    pub(super) fn wait(&self) {
        let mut state = lock(&self.state);
        while !state.has_come {
            state = wait(&self.has_come, state);
        }
    }

    /// Whether the submitter is let in; if not, `waker` is woken when it is.
    pub(super) fn poll(&self, waker: &Waker) -> bool {
        // Wakers are cloned and dropped by user code: not under the lock.
        let mut waker = Some(waker.clone());
        let mut state = lock(&self.state);
        if !state.has_come {
            std::mem::swap(&mut state.waker, &mut waker);
        }
        state.has_come
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicU32);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }

    #[test]
    fn the_last_waker_is_woken_once() {
        let (turn, counts) = (Turn::default(), [(); 2].map(|()| Arc::<Count>::default()));
        for count in &counts {
            assert!(!turn.poll(&Waker::from(Arc::clone(count))));
        }
        turn.let_in();
        assert!(turn.poll(Waker::noop()));
        turn.let_in();
        turn.wait();
        assert_eq!(counts.map(|count| count.0.load(SeqCst)), [0, 1]);
    }

    #[test]
    fn a_sleeper_is_woken() {
        let turn = Turn::default();
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| turn.wait());
            turn.let_in();
            sleeper.join().unwrap();
        });
    }
}
