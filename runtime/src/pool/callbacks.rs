//! Calling what users want called when a task is done.

use std::sync::{Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};

use super::slot::Callback;
use super::task::Outcome;

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
    /// Has a callback called.
    pub(super) fn run(&self, callback: Callback, outcome: Outcome) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if running.sender.is_none() {
            let (sender, receiver) = mpsc::channel::<(Callback, Outcome)>();
            let thread = thread::Builder::new().name("multiproc-callbacks".to_owned());
            let run = move || {
                for (callback, outcome) in receiver {
                    let call = std::panic::AssertUnwindSafe(|| callback(outcome));
                    if let Err(payload) = std::panic::catch_unwind(call) {
                        // It has been printed, and a payload may panic when dropped.
                        let _ = std::mem::ManuallyDrop::new(payload);
                    }
                }
            };
            // Without a thread the callback has to be left out: there is nobody to tell.
            if let Ok(thread) = thread.spawn(run) {
                *running = Running {
                    sender: Some(sender),
                    thread: Some(thread),
                };
            }
        }
        if let Some(sender) = &running.sender {
            let _ = sender.send((callback, outcome));
        }
    }

    /// Waits until all have been called, unless this is one of them.
    pub(super) fn finish(&self) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
