//! Where the results of a [`map`](super::Pool::map) arrive.

use std::sync::{Condvar, Mutex};
use std::task::Waker;
use std::time::Duration;

use super::outcome::Outcome;
#[cfg(feature = "stream")]
use super::polled;
use super::ran::Ran;
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
    One(OneMail),
    Many(Many),
}

/// The outcome of one task.
#[derive(Debug)]
pub(super) struct OneMail {
    pub(super) number: u64,
    pub(super) worker: &'static str,
    pub(super) outcome: Outcome,
    /// How long the task took.
    pub(super) time: Option<Duration>,
}

/// The replies of tasks one after another, each behind its length in four bytes.
#[derive(Debug)]
pub(super) struct Many {
    pub(super) first: u64,
    pub(super) worker: &'static str,
    pub(super) count: u32,
    pub(super) replies: Vec<u8>,
    /// How long the longest of them is.
    pub(super) longest: usize,
    /// How long they took together; zero if that is not known.
    pub(super) time: Duration,
    pub(super) process: u32,
    /// When the last one ended, by the clock that all processes share.
    pub(super) until: u64,
}

impl Many {
    /// Where and when the one with this index ran: all have the same share of the time.
    pub(super) fn ran(&self, index: u32) -> Ran {
        let time = u64::try_from(self.time.as_nanos()).unwrap_or(u64::MAX);
        let begin = self.until.saturating_sub(time);
        let count = u64::from(self.count.max(1));
        let at = |index: u32| begin + time / count * u64::from(index);
        Ran {
            process: self.process,
            since: at(index),
            until: at(index + 1),
        }
    }
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
        polled::poll(&self.state, waker)
    }
}

#[cfg(feature = "stream")]
impl polled::Polled for MailboxState {
    fn is_there(&self) -> bool {
        !self.mail.is_empty()
    }

    fn waker(&mut self) -> &mut Option<Waker> {
        &mut self.waker
    }
}
