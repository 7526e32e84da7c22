//! A file in Chrome's trace-event format.
//!
//! It is an array of events, one a line. The format lets the closing bracket be missing, so a
//! trace can be looked at while it grows, and after a crash.
//!
//! Names and arguments are given as they stand inside JSON: see [`escape`].

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::sys::clock::nanoseconds as now;

/// From when to when, by the clock that all processes share.
pub type Span = (u64, u64);

/// Where something is shown: what the format calls a process, and a thread of it.
pub type Row = (u32, u32);

/// A file of events, which is being written.
#[derive(Debug)]
pub struct EventFile {
    /// Gone after an error: the program goes on without.
    file: Option<File>,
    /// What is not in the file yet. No writer that writes when it is dropped: a copy of the process has it, too.
    buffer: String,
    /// What comes before the next event.
    separator: &'static str,
    flushed: Instant,
    /// When time begins.
    begin: u64,
    /// How many arrows there were.
    arrows: u64,
}

/// How long events may wait to be written.
const FLUSH_INTERVAL: Duration = Duration::from_millis(500);

/// How much of them, in bytes.
const BUFFER: usize = 8 << 10;

impl EventFile {
    /// Creates the file. Time begins now.
    ///
    /// # Errors
    ///
    /// It cannot be created.
    pub fn create(path: &Path) -> io::Result<EventFile> {
        Ok(EventFile {
            file: Some(File::create(path)?),
            buffer: String::new(),
            separator: "[\n",
            flushed: Instant::now(),
            begin: now(),
            arrows: 0,
        })
    }

    /// Gives a process its name. The row is there because the format has one everywhere.
    pub fn process(&mut self, process: u32, name: &str) {
        self.write(&format!(
            "{{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":{process},\"tid\":0,\"args\":{{\"name\":\"{name}\"}}}}"
        ));
    }

    /// Gives a row its name.
    pub fn row(&mut self, (process, row): Row, name: &str) {
        self.write(&format!(
            "{{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":{process},\"tid\":{row},\"args\":{{\"name\":\"{name}\"}}}}"
        ));
    }

    /// Something that took time.
    pub fn slice(
        &mut self,
        name: &str,
        category: &str,
        (process, row): Row,
        (since, until): Span,
        arguments: &str,
    ) {
        let start = self.micros(since);
        let duration = micros(until.saturating_sub(since));
        self.write(&format!(
            "{{\"name\":\"{name}\",\"cat\":\"{category}\",\"ph\":\"X\",\"ts\":{start},\"dur\":{duration},\"pid\":{process},\"tid\":{row},\"args\":{{{arguments}}}}}"
        ));
    }

    /// An arrow from a moment of one row to one of another, at which slices are.
    pub fn arrow(&mut self, from: (Row, u64), to: (Row, u64)) {
        self.arrows += 1;
        for (phase, ((process, row), at)) in [("s", from), ("f\",\"bp\":\"e", to)] {
            let (number, at) = (self.arrows, self.micros(at));
            self.write(&format!(
                "{{\"name\":\"task\",\"cat\":\"task\",\"ph\":\"{phase}\",\"id\":{number},\"ts\":{at},\"pid\":{process},\"tid\":{row}}}"
            ));
        }
    }

    /// What a number is from a moment on.
    pub(super) fn counter(&mut self, name: &str, unit: &str, process: u32, at: u64, value: &str) {
        let at = self.micros(at);
        self.write(&format!(
            "{{\"name\":\"{name}\",\"ph\":\"C\",\"ts\":{at},\"pid\":{process},\"args\":{{\"{unit}\":{value}}}}}"
        ));
    }

    /// Something that happened to a process.
    pub(super) fn instant(&mut self, text: &str, (process, row): Row, at: u64, how: &str) {
        let at = self.micros(at);
        self.write(&format!(
            "{{\"name\":\"{text}\",\"cat\":\"process\",\"ph\":\"i\",\"s\":\"t\",\"ts\":{at},\"pid\":{process},\"tid\":{row},\"args\":{{\"status\":\"{how}\"}}}}"
        ));
    }

    /// Writes to the file what is not there yet. After an error nothing will be.
    pub fn flush(&mut self) {
        if self.try_flush().is_err() {
            self.file = None;
        }
    }

    pub(super) fn try_flush(&mut self) -> io::Result<()> {
        self.flushed = Instant::now();
        let written = match &mut self.file {
            Some(file) => file.write_all(self.buffer.as_bytes()),
            None => Ok(()),
        };
        self.buffer.clear();
        written
    }

    /// Nothing more will come.
    pub fn finish(&mut self) {
        self.buffer.push_str("\n]\n");
        self.flush();
        self.file = None;
    }

    /// A moment, in microseconds since time began.
    fn micros(&self, moment: u64) -> String {
        micros(moment.saturating_sub(self.begin))
    }

    fn write(&mut self, event: &str) {
        if self.file.is_none() {
            return;
        }
        self.buffer.push_str(self.separator);
        self.separator = ",\n";
        self.buffer.push_str(event);
        if self.buffer.len() >= BUFFER || self.flushed.elapsed() >= FLUSH_INTERVAL {
            self.flush();
        }
    }
}

/// The name of a task, and how many there are.
#[must_use]
pub fn several(name: &str, count: u32) -> String {
    let mut name = escape(name);
    if count > 1 {
        let _ = write!(name, " × {count}");
    }
    name
}

/// Nanoseconds as microseconds.
fn micros(nanos: u64) -> String {
    format!("{}.{:03}", nanos / 1000, nanos % 1000)
}

/// Text for the inside of a JSON string.
#[must_use]
pub fn escape(text: &str) -> String {
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
