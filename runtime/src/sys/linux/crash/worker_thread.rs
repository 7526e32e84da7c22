//! The thread that runs the worker.

use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

use super::alternate_stack::AlternateStack;
use super::ids::thread;

/// Which thread it is; 0 if there is none.
static CURRENT: AtomicI32 = AtomicI32::new(0);

/// The thread that runs the worker.
pub(super) fn current() -> libc::pid_t {
    CURRENT.load(Relaxed)
}

/// The calling thread runs the worker, until this is dropped there: where it is, is where the process
/// is, and it has a stack for its signal handlers.
#[derive(Debug)]
pub(crate) struct WorkerThread {
    /// The thread that did before.
    before: libc::pid_t,
    _stack: Option<AlternateStack>,
}

impl WorkerThread {
    pub(crate) fn begin() -> WorkerThread {
        let stack = AlternateStack::install();
        WorkerThread {
            before: CURRENT.swap(thread(), Relaxed),
            _stack: stack,
        }
    }
}

impl Drop for WorkerThread {
    fn drop(&mut self) {
        CURRENT.store(self.before, Relaxed);
    }
}
