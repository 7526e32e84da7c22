//! Where the results of a [`map`](super::Pool::map) arrive.

use std::sync::{Condvar, Mutex};
use std::task::Waker;
use std::time::Duration;

use super::outcome::Outcome;
use crate::foreign;
use crate::lock::{lock, wait};

/// The results of numbered tasks.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    state: Mutex<MailboxState>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct MailboxState {
    mail: Vec<Mail>,
    /// The task that polls the stream of these results.
    waker: Option<Waker>,
}

#[derive(Debug)]
pub(super) enum Mail {
    One {
        number: u64,
        worker: &'static str,
        outcome: Outcome,
        /// How long the task took.
        time: Option<Duration>,
    },
    Many(Many),
}

/// The replies of tasks one after another, each behind its length in four bytes.
#[derive(Debug)]
pub(super) struct Many {
    pub(super) first: u64,
    pub(super) worker: &'static str,
    pub(super) count: u32,
    pub(super) replies: Vec<u8>,
    /// How long they took together; zero if that is not known.
    pub(super) time: Duration,
    pub(super) process: u32,
}

impl Mailbox {
    pub(super) fn put(&self, mail: Mail) {
        let mut state = lock(&self.state);
        state.mail.push(mail);
        let waker = state.waker.take();
        drop(state);
        self.arrived.notify_one();
        // Wakers are user code.
        if let Some(waker) = waker {
            foreign::call(|| waker.wake());
        }
    }

    /// All that is there.
    pub(super) fn take(&self) -> Vec<Mail> {
        std::mem::take(&mut lock(&self.state).mail)
    }

    /// Waits for something to be there.
    pub(super) fn wait(&self) {
        let mut state = lock(&self.state);
        while state.mail.is_empty() {
            state = wait(&self.arrived, state);
        }
    }

    /// Whether something is there; if not, `waker` is woken when it is.
    #[cfg(feature = "stream")]
    pub(super) fn poll(&self, waker: &Waker) -> bool {
        let state = lock(&self.state);
        let is_known = |known: &Waker| known.will_wake(waker);
        if !state.mail.is_empty() || state.waker.as_ref().is_some_and(is_known) {
            return !state.mail.is_empty();
        }
        // Wakers are cloned and dropped by user code.
        drop(state);
        let waker = waker.clone();
        let mut state = lock(&self.state);
        let is_there = !state.mail.is_empty();
        let not_needed = if is_there {
            Some(waker)
        } else {
            state.waker.replace(waker)
        };
        drop(state);
        drop(not_needed);
        is_there
    }
}
