//! Calling what users want called when a task is done.

use std::sync::mpsc::{self, SendError};
use std::sync::{Arc, Mutex};
use std::task::Context;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::latch::{Latch, Listener};
use super::outcome::Outcome;
use crate::foreign;
use crate::lock::lock;

/// What is called with the outcome of a task.
pub(crate) type Callback = Box<dyn FnOnce(Outcome) + Send>;

/// The thread that calls callbacks, started when there is one, and the way to it.
///
/// It does nothing else: a callback that takes its time holds up other callbacks only.
#[derive(Debug, Default)]
pub(crate) struct Callbacks(Mutex<Running>);

#[derive(Debug, Default)]
struct Running {
    /// To the latest of the threads, unless that is to finish.
    sender: Option<mpsc::Sender<(Callback, Outcome)>>,
    /// Those that may not have called all yet.
    threads: Vec<CallbackThread>,
}

#[derive(Debug)]
struct CallbackThread {
    thread: JoinHandle<()>,
    /// Set when it has called all.
    has_finished: Arc<Latch>,
}

impl Callbacks {
    /// Has a callback called. If there can be no thread for it, gives it back, to be left out:
    /// there is no parent to tell.
    pub(super) fn run(&self, callback: Callback, outcome: Outcome) -> Result<(), Callback> {
        let mut running = lock(&self.0);
        if running.sender.is_none() {
            let (sender, receiver) = mpsc::channel::<(Callback, Outcome)>();
            let thread = thread::Builder::new().name("multiproc-callbacks".to_owned());
            let has_finished = Arc::<Latch>::default();
            let theirs = Arc::clone(&has_finished);
            let run = move || {
                for (callback, outcome) in receiver {
                    foreign::call(|| callback(outcome));
                }
                theirs.set();
            };
            if let Ok(thread) = thread.spawn(run) {
                running.threads.push(CallbackThread {
                    thread,
                    has_finished,
                });
                running.sender = Some(sender);
            }
        }
        match &running.sender {
            Some(sender) => sender
                .send((callback, outcome))
                .map_err(|SendError((callback, _))| callback),
            None => Err(callback),
        }
    }

    /// Waits until all have been called, unless this is one of them; false if the limit came first.
    pub(super) fn finish(&self, limit: Option<Instant>) -> bool {
        let has_finished = self.finishing().iter().all(|latch| latch.wait(limit));
        let mut running = lock(&self.0);
        let ended = running
            .threads
            .extract_if(.., |it| it.has_finished.is_set());
        let ended: Vec<_> = ended.collect();
        drop(running);
        for ended in ended {
            let _ = ended.thread.join();
        }
        has_finished
    }

    /// Whether all have been called, unless this is one of them; if not, `context` is woken when that may
    /// be so.
    pub(super) fn poll_finish(&self, listener: &Listener, context: &Context<'_>) -> bool {
        self.finishing()
            .iter()
            .all(|latch| latch.poll(listener, context.waker()))
    }

    /// Wakes a listener no more.
    pub(super) fn forget(&self, listener: &Listener) {
        for latch in self.latches() {
            latch.forget(listener);
        }
    }

    /// The latches of the threads, which are to call all that there is and no more.
    fn finishing(&self) -> Vec<Arc<Latch>> {
        drop(lock(&self.0).sender.take());
        self.latches()
    }

    /// The latches of all threads but this one.
    fn latches(&self) -> Vec<Arc<Latch>> {
        let running = lock(&self.0);
        let own = thread::current().id();
        let is_other = |it: &&CallbackThread| it.thread.thread().id() != own;
        let others = running.threads.iter().filter(is_other);
        others.map(|it| Arc::clone(&it.has_finished)).collect()
    }
}
