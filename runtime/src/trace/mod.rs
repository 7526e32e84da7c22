//! Files that show what a pool did when, and what else the program started meanwhile.
//!
//! A trace belongs to a pool, which writes to it under its own lock. The processes that calls start
//! have no pool: they are noted in all traces that are being written. So a trace has a lock of its
//! own, under which nothing else is locked.

mod event_file;
mod file;

use std::io;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

pub use event_file::{EventFile, Row, Span, escape, several};
pub(crate) use file::{Submitted, TraceFile};

use crate::lock::lock;

/// A trace that is being written.
#[derive(Debug)]
pub(crate) struct Trace(Arc<Mutex<TraceFile>>);

/// All that are.
static TRACES: Mutex<Vec<Weak<Mutex<TraceFile>>>> = Mutex::new(Vec::new());

/// How many there are: where there are none, a process costs no more than a look at this.
static COUNT: AtomicUsize = AtomicUsize::new(0);

impl Trace {
    pub(crate) fn create(path: &Path, pool: &str) -> io::Result<Trace> {
        let file = Arc::new(Mutex::new(TraceFile::create(path, pool)?));
        let mut traces = lock(&TRACES);
        traces.push(Arc::downgrade(&file));
        COUNT.store(traces.len(), Ordering::Relaxed);
        Ok(Trace(file))
    }

    pub(crate) fn file(&self) -> MutexGuard<'_, TraceFile> {
        lock(&self.0)
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        let mut traces = lock(&TRACES);
        traces.retain(|other| !std::ptr::eq(other.as_ptr(), Arc::as_ptr(&self.0)));
        COUNT.store(traces.len(), Ordering::Relaxed);
    }
}

/// A call has started a process.
pub(crate) fn process_started(id: u32, worker: &str) {
    note(|file| file.process_started(id, worker));
}

/// A process has ended: one that a call has started, or another one.
pub(crate) fn process_ended(id: u32, status: Option<ExitStatus>) {
    note(|file| file.process_ended(id, status));
}

fn note(note: impl Fn(&mut TraceFile)) {
    if COUNT.load(Ordering::Relaxed) == 0 {
        return;
    }
    for file in lock(&TRACES).iter().filter_map(Weak::upgrade) {
        note(&mut lock(&file));
    }
}
