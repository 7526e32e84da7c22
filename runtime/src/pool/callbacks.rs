//! Calling what users want called when a task is done.

use std::sync::Mutex;
use std::sync::mpsc::{self, SendError};
use std::thread::{self, JoinHandle};

use super::outcome::Outcome;
use crate::foreign;
use crate::lock::lock;

/// What is called with the outcome of a task.
pub(super) type Callback = Box<dyn FnOnce(Outcome) + Send>;

/// The thread that calls callbacks, started when there is one, and the way to it.
///
/// It does nothing else: a callback that takes its time holds up other callbacks only.
#[derive(Debug, Default)]
pub(super) struct Callbacks(Mutex<Running>);

#[derive(Debug, Default)]
struct Running {
    sender: Option<mpsc::Sender<(Callback, Outcome)>>,
    thread: Option<JoinHandle<()>>,
}

impl Callbacks {
    /// Has a callback called. If there can be no thread for it, gives it back, to be left out:
    /// there is no parent to tell.
    pub(super) fn run(&self, callback: Callback, outcome: Outcome) -> Result<(), Callback> {
        let mut running = lock(&self.0);
        if running.sender.is_none() {
            let (sender, receiver) = mpsc::channel::<(Callback, Outcome)>();
            let thread = thread::Builder::new().name("multiproc-callbacks".to_owned());
            let run = move || {
                for (callback, outcome) in receiver {
                    foreign::call(|| callback(outcome));
                }
            };
            if let Ok(thread) = thread.spawn(run) {
                *running = Running {
                    sender: Some(sender),
                    thread: Some(thread),
                };
            }
        }
        match &running.sender {
            Some(sender) => sender
                .send((callback, outcome))
                .map_err(|SendError((callback, _))| callback),
            None => Err(callback),
        }
    }

    /// Waits until all have been called, unless this is one of them.
    pub(super) fn finish(&self) {
        let mut running = lock(&self.0);
        let Running { sender, thread } = std::mem::take(&mut *running);
        drop(running);
        drop(sender);
        if let Some(thread) = thread
            && thread.thread().id() != thread::current().id()
        {
            let _ = thread.join();
        }
    }
}
