//! Actors that end in the middle of what they do, for tests.
//!
//! A state machine in shared memory calls [`step`] after each change that others can see, and uses
//! [`atomic`] words. An actor that is to end there unwinds without giving anything back; the test
//! that made it says then that its process is dead. [`ends_after`] ends one actor while no other does
//! anything; the [`Explorer`] tries how the steps of several can follow each other.

pub(crate) mod atomic;
mod bounds;
mod copies;
mod explorer;
mod hooks;
mod run;
mod schedule;
mod state;
mod tests;
mod threads;
mod trace;
mod uses;
mod world;

pub(crate) use copies::{allow_copy, forbid_copies};
pub(crate) use explorer::Explorer;
pub(crate) use hooks::{ask, entered, leaves, now, pause, sleep, wake};
pub(crate) use world::{Dead, Part, World, bytes_of};

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use crate::spin;
use crate::sys;

thread_local! {
    static LEFT: Cell<Option<u32>> = const { Cell::new(None) };
    static DEAD: Cell<bool> = const { Cell::new(false) };
}

pub(crate) fn step() {
    match LEFT.get() {
        Some(0) => {
            LEFT.set(None);
            die();
        }
        left => LEFT.set(left.map(|left| left - 1)),
    }
}

/// The end of an actor.
fn die() -> ! {
    DEAD.set(true);
    resume_unwind(Box::new("ended by the test"));
}

/// Whether this actor has ended and only its stack is still unwinding.
pub(crate) fn is_dead() -> bool {
    DEAD.get()
}

/// Forgets what the library knows of the calling thread: from now on, it is another actor.
fn be_new() {
    DEAD.set(false);
    spin::forget();
    sys::thread::forget();
}

/// Runs `act` on a thread that ends after so many steps; false if it came to its end before.
pub(crate) fn ends_after(steps: u32, act: impl FnOnce() + Send) -> bool {
    thread::scope(|scope| {
        let actor = scope.spawn(|| {
            LEFT.set(Some(steps));
            let ended = catch_unwind(AssertUnwindSafe(act)).is_err();
            LEFT.set(None);
            assert_eq!(ended, DEAD.get(), "the actor panicked of its own accord");
            ended
        });
        actor.join().unwrap()
    })
}
