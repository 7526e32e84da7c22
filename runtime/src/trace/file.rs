//! The file of a pool.
//!
//! What a format of threads and processes calls a process is the program here, and a thread a row: of a
//! process, or of a thread that submits tasks.

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::Path;
use std::process::ExitStatus;

use super::event_file::{EventFile, Row, Span, escape, several};
use crate::sys::clock::nanoseconds as now;
use crate::sys::copy::Home;

/// The file being written.
#[derive(Debug)]
pub(crate) struct TraceFile {
    events: EventFile,
    /// A copy of the process has the file too, and must not write to it.
    home: Home,
    /// How many workers there were.
    workers: u64,
    /// The threads that have a row.
    threads: HashSet<u32>,
    /// What was started and has not ended: when that was, and the name of the worker.
    processes: HashMap<u32, (u64, String)>,
    /// When the queue was noted last, and how many tasks waited.
    queue: (u64, usize),
    /// When the memory of each worker was noted last.
    memory: HashMap<u32, u64>,
}

/// Where a task comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Submitted {
    /// The thread, if it is traced; else 0.
    pub(crate) thread: u32,
    /// When it was submitted, by the clock that all processes share.
    pub(crate) at: u64,
}

impl Submitted {
    pub(crate) fn now() -> Submitted {
        Submitted {
            thread: 0,
            at: now(),
        }
    }
}

/// How often the queue is noted at most, in nanoseconds.
const QUEUE_INTERVAL: u64 = 2_000_000;

/// How often the memory of a worker is noted at most, in nanoseconds.
const MEMORY_INTERVAL: u64 = 20_000_000;

impl TraceFile {
    pub(super) fn create(path: &Path, pool: &str) -> io::Result<TraceFile> {
        let mut events = EventFile::create(path)?;
        events.process(std::process::id(), &escape(pool));
        events.try_flush()?;
        Ok(TraceFile {
            events,
            home: Home::here(),
            workers: 0,
            threads: HashSet::new(),
            processes: HashMap::new(),
            queue: (0, 0),
            memory: HashMap::new(),
        })
    }

    /// A worker process is there.
    pub(crate) fn started(&mut self, worker: u32) {
        self.workers += 1;
        // Viewers put the id beside it.
        self.row(worker, &format!("worker {}", self.workers));
        self.instant("started", worker, "");
    }

    /// A worker has run the pool's initializer.
    pub(crate) fn initialized(&mut self, worker: u32, name: &str, span: Span) {
        self.slice(&escape(name), "initializer", worker, span, "");
    }

    /// A thread has submitted tasks.
    pub(crate) fn submitted(&mut self, name: &str, job: u64, count: u32, from: Submitted) {
        if self.threads.insert(from.thread) {
            let thread = std::thread::current();
            self.row(from.thread, thread.name().unwrap_or("thread"));
        }
        let name = several(name, count);
        let arguments = format!("\"job\":{job},\"tasks\":{count}");
        // An arrow begins in a slice that can be seen.
        let span = (from.at, now().max(from.at + 1000));
        self.slice(
            &format!("submit {name}"),
            "submit",
            from.thread,
            span,
            &arguments,
        );
    }

    /// A worker has done some tasks.
    pub(crate) fn worked(
        &mut self,
        worker: u32,
        name: &str,
        job: u64,
        count: u32,
        span: Span,
        from: Option<Submitted>,
    ) {
        let arguments = format!("\"job\":{job},\"tasks\":{count}");
        self.slice(&several(name, count), "task", worker, span, &arguments);
        self.arrow(worker, span.0, from);
    }

    /// So many tasks wait for a worker.
    pub(crate) fn queue(&mut self, waiting: usize) {
        let (noted, before) = self.queue;
        let now = now();
        // That there are none any more is always of interest.
        let is_due = now.saturating_sub(noted) >= QUEUE_INTERVAL || waiting == 0;
        if waiting != before && is_due {
            self.queue = (now, waiting);
            self.counter("waiting", "tasks", now, &waiting.to_string());
        }
    }

    /// Whether the memory of a worker was not noted for a while.
    pub(crate) fn wants_memory(&self, worker: u32) -> bool {
        let noted = self.memory.get(&worker).copied().unwrap_or(0);
        now().saturating_sub(noted) >= MEMORY_INTERVAL
    }

    /// A worker has so much resident memory, in bytes.
    pub(crate) fn memory(&mut self, worker: u32, bytes: u64) {
        let now = now();
        self.memory.insert(worker, now);
        let value = format!("{}.{}", bytes >> 20, (bytes >> 10 & 1023) * 10 / 1024);
        self.counter(&format!("memory of {worker}"), "MiB", now, &value);
    }

    /// A worker process has ended, in a task or not.
    pub(crate) fn ended(
        &mut self,
        worker: u32,
        how: &str,
        lost: Option<(&str, u64, Span, Option<Submitted>)>,
        expected: bool,
    ) {
        let how = escape(how);
        let text = match lost {
            Some((task, job, span, from)) => {
                let task = escape(task);
                let arguments = format!("\"job\":{job},\"tasks\":1,\"lost\":\"{how}\"");
                self.slice(&task, "task,lost", worker, span, &arguments);
                self.arrow(worker, span.0, from);
                format!("died in {task}: {how}")
            }
            None if expected => "left".to_owned(),
            None => format!("died: {how}"),
        };
        self.instant(&text, worker, &how);
        if self.memory.remove(&worker).is_some() {
            self.counter(&format!("memory of {worker}"), "MiB", now(), "0");
        }
        self.events.flush();
    }

    pub(super) fn process_started(&mut self, id: u32, worker: &str) {
        if self.home.is_here() {
            self.processes.insert(id, (now(), worker.to_owned()));
            self.row(id, "process");
        }
    }

    pub(super) fn process_ended(&mut self, id: u32, status: Option<ExitStatus>) {
        let Some((since, worker)) = self.processes.remove(&id) else {
            return;
        };
        if self.home.is_here() {
            let status = status.map_or("ended".to_owned(), |status| status.to_string());
            let arguments = format!("\"status\":\"{}\"", escape(&status));
            self.slice(&escape(&worker), "process", id, (since, now()), &arguments);
        }
    }

    /// Nothing more will come.
    pub(crate) fn finish(&mut self) {
        for (id, (since, worker)) in std::mem::take(&mut self.processes) {
            self.slice(
                &escape(&worker),
                "process",
                id,
                (since, now()),
                "\"status\":\"runs\"",
            );
        }
        // No error: a trace is an aid.
        self.events.finish();
    }

    fn row(&mut self, row: u32, name: &str) {
        self.events.row(place(row), &escape(name));
    }

    fn slice(&mut self, name: &str, category: &str, row: u32, span: Span, arguments: &str) {
        let row = place(row);
        self.events.slice(name, category, row, span, arguments);
    }

    /// An arrow from where a task was submitted to the slice that begins here.
    fn arrow(&mut self, row: u32, start: u64, from: Option<Submitted>) {
        let Some(from) = from else { return };
        let to = (place(row), start.max(from.at));
        self.events.arrow((place(from.thread), from.at), to);
    }

    fn counter(&mut self, name: &str, unit: &str, at: u64, value: &str) {
        let process = std::process::id();
        self.events.counter(name, unit, process, at, value);
    }

    fn instant(&mut self, text: &str, row: u32, how: &str) {
        self.events.instant(text, place(row), now(), how);
    }
}

/// A row of this program.
fn place(row: u32) -> Row {
    (std::process::id(), row)
}
