//! Threads that end after a given step, for tests.
//!
//! The queue calls [`step`] after each change that others can see. A thread that is to end there
//! unwinds without giving anything back: to a robust lock that is a death like any other.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

thread_local! {
    static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    static DEAD: Cell<bool> = const { Cell::new(false) };
}

pub(super) fn step() {
    match LEFT.get() {
        Some(0) => {
            LEFT.set(None);
            DEAD.set(true);
            resume_unwind(Box::new("ended by the test"));
        }
        left => LEFT.set(left.map(|left| left - 1)),
    }
}

/// Whether this thread has ended and only its stack is still unwinding.
pub(super) fn is_dead() -> bool {
    DEAD.get()
}

/// Runs `act` on a thread that ends after so many steps; false if it came to its end before.
pub(super) fn ends_after(steps: u32, act: impl FnOnce() + Send) -> bool {
    thread::scope(|scope| {
        let actor = scope.spawn(|| {
            LEFT.set(Some(steps));
            let ended = catch_unwind(AssertUnwindSafe(act)).is_err();
            LEFT.set(None);
            assert_eq!(ended, DEAD.get(), "it panicked of its own accord");
            ended
        });
        actor.join().unwrap()
    })
}
