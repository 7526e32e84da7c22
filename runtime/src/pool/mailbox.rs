//! Where the results of a [`map`](super::Pool::map) arrive.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use super::outcome::Outcome;
use crate::lock::{lock, wait};

/// The results of numbered tasks.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    mail: Mutex<Vec<Mail>>,
    arrived: Condvar,
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
        lock(&self.mail).push(mail);
        self.arrived.notify_one();
    }

    /// All that is there.
    pub(super) fn take(&self) -> Vec<Mail> {
        std::mem::take(&mut *lock(&self.mail))
    }

    /// Waits for something to be there.
    pub(super) fn wait(&self) -> Vec<Mail> {
        let mut mail = lock(&self.mail);
        while mail.is_empty() {
            mail = wait(&self.arrived, mail);
        }
        std::mem::take(&mut *mail)
    }
}
