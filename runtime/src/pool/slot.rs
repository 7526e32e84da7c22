//! Where the result of a task arrives.

use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::task::Waker;
use std::time::Instant;

use super::callbacks::{Callback, Callbacks};
use super::outcome::Outcome;
use super::polled::{self, Polled};
use super::ran::Ran;
use crate::completion::Ending;
use crate::error::{Error, ErrorKind};
use crate::foreign;
use crate::lock::{lock, wait_until};
use crate::sys::notify_fd::NotifyFd;

/// Where a result arrives.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    inner: Mutex<SlotState>,
    changed: Condvar,
}

/// A task that waits has one of these, and there may be a million of them: so it is small as long as no one
/// waits for the task.
#[derive(Default)]
struct SlotState {
    finished: bool,
    /// How many threads sleep until it is finished.
    sleepers: u32,
    /// Empty before, and when it has been taken.
    outcome: Option<Box<Outcome>>,
    /// The task that awaits it.
    waker: Option<Waker>,
    others: Option<Box<Others>>,
}

/// Who else is told of the outcome.
#[derive(Default)]
struct Others {
    /// Who only wants to know that it is there.
    listeners: Vec<Waker>,
    callbacks: Vec<Callback>,
    /// What wakes a thread that reads what the worker says.
    notify_fd: Option<NotifyFd>,
}

impl SlotState {
    fn others(&mut self) -> &mut Others {
        self.others.get_or_insert_default()
    }
}

impl Slot {
    pub(crate) fn finished(outcome: Outcome) -> Slot {
        let inner = SlotState {
            finished: true,
            outcome: Some(Box::new(outcome)),
            ..SlotState::default()
        };
        Slot {
            inner: Mutex::new(inner),
            ..Slot::default()
        }
    }

    /// Takes in the outcome, the first one only, hands over the callbacks that are to be called
    /// with it, and tells who waits.
    pub(crate) fn finish(&self, outcome: Outcome, callbacks: &Callbacks) {
        let mut inner = self.lock();
        if inner.finished {
            return;
        }
        inner.finished = true;
        // Before the outcome can be known to a thread, which may have the next callback called.
        let others = inner.others.take().map_or_else(Others::default, |it| *it);
        let left: Vec<_> = others
            .callbacks
            .into_iter()
            .filter_map(|callback| callbacks.run(callback, outcome.duplicate()).err())
            .collect();
        inner.outcome = Some(Box::new(outcome));
        let waker = inner.waker.take();
        let sleepers = inner.sleepers;
        drop(inner);
        for left in left {
            foreign::call(|| drop(left));
        }
        // A wake-up call would be a system call even if no thread sleeps.
        if sleepers > 0 {
            self.changed.notify_all();
        }
        if let Some(notify_fd) = others.notify_fd {
            notify_fd.notify();
        }
        for waker in others.listeners.into_iter().chain(waker) {
            foreign::call(|| waker.wake());
        }
    }

    /// Sleeps until it is finished; false if the limit came first.
    pub(crate) fn wait(&self, limit: Option<Instant>) -> bool {
        let mut inner = self.lock();
        inner.sleepers += 1;
        while !inner.finished {
            let (guard, in_time) = wait_until(&self.changed, inner, limit);
            inner = guard;
            if !in_time {
                break;
            }
        }
        inner.sleepers -= 1;
        inner.finished
    }

    /// Has `notify_fd` notified when it is finished; false if it is.
    pub(crate) fn notify_when_finished(&self, notify_fd: NotifyFd) -> bool {
        let mut inner = self.lock();
        if !inner.finished {
            inner.others().notify_fd = Some(notify_fd);
        }
        !inner.finished
    }

    /// Takes that back.
    pub(crate) fn do_not_notify(&self) {
        if let Some(others) = &mut self.lock().others {
            others.notify_fd = None;
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.lock().finished
    }

    /// Where and when the task ran, if it was answered and the outcome is still here.
    pub(super) fn ran(&self) -> Option<Ran> {
        self.lock().outcome.as_ref()?.ran()
    }

    pub(crate) fn take(&self) -> Option<Outcome> {
        self.lock().outcome.take().map(|outcome| *outcome)
    }

    /// Whether it is finished; if not, `waker` is woken when it is.
    pub(crate) fn poll(&self, waker: &Waker) -> bool {
        polled::poll(&self.inner, waker)
    }

    #[cfg(test)]
    pub(crate) fn listeners(&self) -> usize {
        self.lock().others().listeners.len()
    }

    /// Keeps a callback for later, or gives it back with what to call it with.
    pub(crate) fn call_back(&self, callback: Callback) -> Option<(Callback, Outcome)> {
        let mut inner = self.lock();
        if !inner.finished {
            inner.others().callbacks.push(callback);
            return None;
        }
        let outcome = match &inner.outcome {
            Some(outcome) => outcome.duplicate(),
            None => {
                let text = "the result was already taken";
                Outcome::Failed(Error::new(ErrorKind::Closed, text))
            }
        };
        Some((callback, outcome))
    }

    fn lock(&self) -> MutexGuard<'_, SlotState> {
        lock(&self.inner)
    }
}

impl Ending for Slot {
    fn listen(&self, listener: Waker) {
        let mut inner = self.lock();
        if inner.finished {
            drop(inner);
            listener.wake();
        } else {
            inner.others().listeners.push(listener);
        }
    }

    fn forget(&self, listener: &Waker) {
        let mut inner = self.lock();
        let mut forgotten = Vec::new();
        if let Some(others) = &mut inner.others {
            let listeners = &mut others.listeners;
            forgotten.extend(listeners.extract_if(.., |known| known.will_wake(listener)));
        }
        drop(inner);
        drop(forgotten);
    }
}

impl Polled for SlotState {
    fn is_there(&self) -> bool {
        self.finished
    }

    fn waker(&mut self) -> &mut Option<Waker> {
        &mut self.waker
    }
}

impl fmt::Debug for SlotState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlotState")
            .field("finished", &self.finished)
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}
