//! A file that shows what a pool did when, in Chrome's trace-event format.
//!
//! It is an array of events, one a line. The format lets the closing bracket be missing, so a
//! trace can be looked at while it grows, and after a crash.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use super::ledger::now;
use super::scheduler::JobId;

/// The file being written.
#[derive(Debug)]
pub(super) struct Trace {
    /// Gone after an error: the pool goes on without.
    file: Option<io::BufWriter<File>>,
    /// When time begins.
    begin: u64,
    flushed: Instant,
    /// How many workers there were.
    workers: u64,
}

/// From when to when, by the clock of the ledger.
pub(super) type Span = (u64, u64);

/// How long events may wait to be written.
const FLUSH_INTERVAL: Duration = Duration::from_millis(500);

impl Trace {
    pub(super) fn create(path: &Path, pool: &str) -> io::Result<Trace> {
        let mut file = io::BufWriter::new(File::create(path)?);
        let process = std::process::id();
        let pool = escape(pool);
        write!(
            file,
            "[\n{{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":{process},\"args\":{{\"name\":\"{pool}\"}}}}"
        )?;
        file.flush()?;
        Ok(Trace {
            file: Some(file),
            begin: now(),
            flushed: Instant::now(),
            workers: 0,
        })
    }

    /// A worker process is there.
    pub(super) fn started(&mut self, worker: u32) {
        let process = std::process::id();
        self.workers += 1;
        // Viewers put the id beside it.
        let number = self.workers;
        self.write(&format!(
            "{{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":{process},\"tid\":{worker},\"args\":{{\"name\":\"worker {number}\"}}}}"
        ));
        self.instant("started", worker, "");
    }

    /// A worker has run the pool's initializer.
    pub(super) fn initialized(&mut self, worker: u32, name: &str, span: Span) {
        self.slice(&escape(name), "initializer", worker, span, "");
    }

    /// A worker has done some tasks.
    pub(super) fn worked(&mut self, worker: u32, name: &str, job: JobId, count: u32, span: Span) {
        let mut name = escape(name);
        if count > 1 {
            let _ = write!(name, " × {count}");
        }
        let arguments = format!("\"job\":{job},\"tasks\":{count}");
        self.slice(&name, "task", worker, span, &arguments);
    }

    /// A worker process has ended, in a task or not.
    pub(super) fn ended(
        &mut self,
        worker: u32,
        how: &str,
        lost: Option<(&str, JobId, Span)>,
        expected: bool,
    ) {
        let how = escape(how);
        let text = match lost {
            Some((task, job, span)) => {
                let task = escape(task);
                let arguments = format!("\"job\":{job},\"tasks\":1,\"lost\":\"{how}\"");
                self.slice(&task, "task,lost", worker, span, &arguments);
                format!("died in {task}: {how}")
            }
            None if expected => "left".to_owned(),
            None => format!("died: {how}"),
        };
        self.instant(&text, worker, &how);
        if let Some(file) = &mut self.file {
            let _ = file.flush();
        }
    }

    /// Nothing more will come.
    pub(super) fn finish(&mut self) {
        if let Some(mut file) = self.file.take() {
            // No error: a trace is an aid.
            let _ = file.write_all(b"\n]\n");
            let _ = file.flush();
        }
    }

    fn slice(&mut self, name: &str, category: &str, worker: u32, span: Span, arguments: &str) {
        let process = std::process::id();
        let start = self.micros(span.0);
        let duration = micros(span.1.saturating_sub(span.0));
        self.write(&format!(
            "{{\"name\":\"{name}\",\"cat\":\"{category}\",\"ph\":\"X\",\"ts\":{start},\"dur\":{duration},\"pid\":{process},\"tid\":{worker},\"args\":{{{arguments}}}}}"
        ));
    }

    fn instant(&mut self, text: &str, worker: u32, how: &str) {
        let process = std::process::id();
        let at = self.micros(now());
        self.write(&format!(
            "{{\"name\":\"{text}\",\"cat\":\"process\",\"ph\":\"i\",\"s\":\"t\",\"ts\":{at},\"pid\":{process},\"tid\":{worker},\"args\":{{\"status\":\"{how}\"}}}}"
        ));
    }

    /// A moment, in microseconds since time began.
    fn micros(&self, moment: u64) -> String {
        micros(moment.saturating_sub(self.begin))
    }

    fn write(&mut self, event: &str) {
        let Some(file) = &mut self.file else { return };
        let mut written = write!(file, ",\n{event}");
        if written.is_ok() && self.flushed.elapsed() >= FLUSH_INTERVAL {
            self.flushed = Instant::now();
            written = file.flush();
        }
        if written.is_err() {
            self.file = None;
        }
    }
}

/// Nanoseconds as microseconds.
fn micros(nanos: u64) -> String {
    format!("{}.{:03}", nanos / 1000, nanos % 1000)
}

/// Text for the inside of a JSON string.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => escaped.extend(['\\', c]),
            c if c < ' ' => {
                let _ = write!(escaped, "\\u{:04x}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped
}
