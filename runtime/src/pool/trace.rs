//! A file that shows what a pool did when, in Chrome's trace-event format.
//!
//! It is an array of events, one a line. The format lets the closing bracket be missing, so a
//! trace can be looked at while it grows, and after a crash.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

/// The file being written.
#[derive(Debug)]
pub(super) struct Trace {
    /// Gone after an error: the pool goes on without.
    file: Option<io::BufWriter<File>>,
    begin: Instant,
    flushed: Instant,
}

/// How long events may wait to be written.
const PATIENCE: Duration = Duration::from_millis(500);

impl Trace {
    pub(super) fn create(path: &Path) -> io::Result<Trace> {
        let mut file = io::BufWriter::new(File::create(path)?);
        let process = std::process::id();
        write!(
            file,
            "[\n{{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":{process},\"args\":{{\"name\":\"pool\"}}}}"
        )?;
        file.flush()?;
        let now = Instant::now();
        Ok(Trace {
            file: Some(file),
            begin: now,
            flushed: now,
        })
    }

    /// A worker process is there.
    pub(super) fn started(&mut self, worker: u32) {
        let process = std::process::id();
        self.write(&format!(
            "{{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":{process},\"tid\":{worker},\"args\":{{\"name\":\"worker {worker}\"}}}}"
        ));
        self.instant("started", worker, "");
    }

    /// A worker has just done some tasks, which took this long.
    pub(super) fn worked(&mut self, worker: u32, name: &str, job: u64, count: u32, time: Duration) {
        let process = std::process::id();
        let end = self.begin.elapsed();
        let start = micros(end.saturating_sub(time));
        let name = escape(name);
        let times = if count > 1 {
            format!(" × {count}")
        } else {
            String::new()
        };
        self.write(&format!(
            "{{\"name\":\"{name}{times}\",\"cat\":\"task\",\"ph\":\"X\",\"ts\":{start},\"dur\":{},\"pid\":{process},\"tid\":{worker},\"args\":{{\"job\":{job},\"tasks\":{count}}}}}",
            micros(time)
        ));
    }

    /// A worker process has ended, in a task or not.
    pub(super) fn ended(&mut self, worker: u32, how: &str, task: Option<&str>, expected: bool) {
        let how = escape(how);
        let text = match task {
            Some(task) => format!("died in {}: {how}", escape(task)),
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
            // Nobody is told: a trace is an aid.
            let _ = file.write_all(b"\n]\n");
            let _ = file.flush();
        }
    }

    fn instant(&mut self, text: &str, worker: u32, how: &str) {
        let process = std::process::id();
        let at = micros(self.begin.elapsed());
        self.write(&format!(
            "{{\"name\":\"{text}\",\"cat\":\"process\",\"ph\":\"i\",\"s\":\"t\",\"ts\":{at},\"pid\":{process},\"tid\":{worker},\"args\":{{\"status\":\"{how}\"}}}}"
        ));
    }

    fn write(&mut self, event: &str) {
        let Some(file) = &mut self.file else { return };
        let mut written = write!(file, ",\n{event}");
        if written.is_ok() && self.flushed.elapsed() >= PATIENCE {
            self.flushed = Instant::now();
            written = file.flush();
        }
        if written.is_err() {
            self.file = None;
        }
    }
}

/// Microseconds, with what is left of them.
fn micros(time: Duration) -> String {
    format!("{}.{:03}", time.as_micros(), time.subsec_nanos() % 1000)
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
