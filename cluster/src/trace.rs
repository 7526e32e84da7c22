//! A file that shows which worker of which agent ran which task when, in Chrome's trace-event format.
//!
//! It is an array of events, one a line, as that of a [pool](multiproc::PoolBuilder::trace). What the format calls
//! a process is an agent here, or the submitter; and a thread is a worker.
//!
//! # Whose clock
//!
//! An agent says by a clock of its own machine when tasks ran. How that differs from the submitter's is not known;
//! but each message of an agent says what time it was there when it was sent. Of all of them, the one with the
//! smallest difference to the time of its arrival was under way for the shortest time, and that difference is
//! taken. So what an agent did is shown too late, by the time that its fastest message was under way: half a round
//! trip. The clocks drift meanwhile: a few milliseconds in an hour. Whatever it is, nothing is shown before its task
//! was submitted, or after its result had arrived.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Mutex;

use multiproc::__private::cluster as core;

use crate::submitter::lock;
use crate::wire::{Stretch, Work};

/// A trace that is being written.
#[derive(Debug)]
pub(crate) struct Trace(Mutex<Events>);

#[derive(Debug)]
struct Events {
    /// Gone after an error: the cluster goes on without.
    file: Option<File>,
    /// What is not in the file yet. No writer that writes when it is dropped: a copy of the process has it, too.
    buffer: String,
    /// When time begins.
    begin: u64,
    /// The messages that have not ended.
    open: HashMap<u64, Sent>,
    /// When the last of them was submitted, as it is shown.
    last_sent: u64,
    agents: HashMap<String, Agent>,
    arrows: u64,
}

/// A message that was submitted.
#[derive(Debug)]
struct Sent {
    worker: &'static str,
    /// As it is shown.
    at: u64,
    /// Whether it is shown where it ran. The same result may come twice.
    is_shown: bool,
}

#[derive(Debug)]
struct Agent {
    /// Its number in the file.
    number: usize,
    /// What is to be added to its time to have that of the submitter.
    difference: i64,
    /// Until when something is shown of each worker: what is shown of one never overlaps, because viewers cannot
    /// draw that.
    workers: HashMap<u32, u64>,
}

/// The number of the submitter in the file, and its only row.
const SUBMITTER: usize = 1;

/// How long the slice is from which an arrow begins, in nanoseconds: it must be seen.
const VISIBLE: u64 = 1000;

/// How much may wait to be written, in bytes.
const BUFFER: usize = 64 << 10;

impl Trace {
    pub(crate) fn create(path: &Path) -> io::Result<Trace> {
        let mut events = Events {
            file: Some(File::create(path)?),
            buffer: "[\n".to_owned(),
            begin: core::clock(),
            open: HashMap::new(),
            last_sent: 0,
            agents: HashMap::new(),
            arrows: 0,
        };
        let name = format!("submitter {}", std::process::id());
        let named = names("process_name", SUBMITTER, 0, &name);
        events.buffer.push_str(&named);
        events.write(&names("thread_name", SUBMITTER, 1, "submits"));
        events.flush();
        Ok(Trace(Mutex::new(events)))
    }

    /// A message was submitted.
    pub(crate) fn submitted(&self, message: u64, worker: &'static str, calls: usize) {
        let mut events = lock(&self.0);
        let at = core::clock().max(events.last_sent);
        events.last_sent = at + VISIBLE;
        let name = format!("submit {}", several(worker, calls));
        events.slice(&name, "submit", (SUBMITTER, 1), (at, at + VISIBLE), calls);
        let sent = Sent {
            worker,
            at,
            is_shown: false,
        };
        events.open.insert(message, sent);
    }

    /// An agent was heard, which has said what time it is there.
    pub(crate) fn heard(&self, agent: &str, now_there: u64) {
        lock(&self.0).hear(agent, now_there, core::clock());
    }

    /// The result of a message came, with where and when its calls ran.
    pub(crate) fn worked(&self, message: u64, agent: &str, work: &Work) {
        let now = core::clock();
        let mut events = lock(&self.0);
        events.hear(agent, work.now, now);
        let Some(sent) = events.open.get_mut(&message) else {
            return;
        };
        if std::mem::replace(&mut sent.is_shown, true) {
            return;
        }
        let (worker, sent) = (sent.worker, sent.at);
        for stretch in &work.stretches {
            events.work(worker, agent, *stretch, (sent, now));
        }
    }

    /// A message has ended, in whatever way.
    pub(crate) fn ended(&self, message: u64) {
        lock(&self.0).open.remove(&message);
    }

    /// Writes to the file what is not there yet.
    pub(crate) fn flush(&self) {
        lock(&self.0).flush();
    }

    /// Nothing more will come.
    pub(crate) fn finish(&self) {
        let mut events = lock(&self.0);
        events.buffer.push_str("\n]\n");
        events.flush();
        events.file = None;
    }
}

impl Events {
    fn hear(&mut self, agent: &str, there: u64, here: u64) {
        let difference = here.wrapping_sub(there).cast_signed();
        if let Some(agent) = self.agents.get_mut(agent) {
            agent.difference = agent.difference.min(difference);
            return;
        }
        let number = SUBMITTER + 1 + self.agents.len();
        let new = Agent {
            number,
            difference,
            workers: HashMap::new(),
        };
        self.agents.insert(agent.to_owned(), new);
        self.write(&names("process_name", number, 0, agent));
    }

    /// Shows what a worker did, between two times before and after which it was not.
    fn work(&mut self, name: &str, agent: &str, stretch: Stretch, (after, before): (u64, u64)) {
        let Some(agent) = self.agents.get_mut(agent) else {
            return;
        };
        let here = |there: u64| there.wrapping_add_signed(agent.difference);
        let number = agent.number;
        let is_new = !agent.workers.contains_key(&stretch.process);
        let row = agent.workers.len() + 1;
        let last = agent.workers.get(&stretch.process).copied();
        let since = here(stretch.since).max(after).max(last.unwrap_or(0));
        let until = here(stretch.until).min(before).max(since);
        agent.workers.insert(stretch.process, until);
        if is_new {
            let row = format!("worker {row}");
            self.write(&names("thread_name", number, stretch.process, &row));
        }
        let calls = usize::try_from(stretch.calls).unwrap_or(usize::MAX);
        let place = (number, stretch.process);
        self.slice(&several(name, calls), "task", place, (since, until), calls);
        self.arrows += 1;
        let ends = [
            ("s", (SUBMITTER, 1), after),
            ("f\",\"bp\":\"e", place, since),
        ];
        for (phase, (process, row), at) in ends {
            let (arrow, at) = (self.arrows, self.micros(at));
            self.write(&format!(
                "{{\"name\":\"task\",\"cat\":\"task\",\"ph\":\"{phase}\",\"id\":{arrow},\"ts\":{at},\"pid\":{process},\"tid\":{row}}}"
            ));
        }
    }

    fn slice(
        &mut self,
        name: &str,
        category: &str,
        (process, row): (usize, u32),
        (since, until): (u64, u64),
        calls: usize,
    ) {
        let start = self.micros(since);
        let duration = micros(until.saturating_sub(since));
        self.write(&format!(
            "{{\"name\":\"{name}\",\"cat\":\"{category}\",\"ph\":\"X\",\"ts\":{start},\"dur\":{duration},\"pid\":{process},\"tid\":{row},\"args\":{{\"tasks\":{calls}}}}}"
        ));
    }

    /// A moment, in microseconds since time began.
    fn micros(&self, moment: u64) -> String {
        micros(moment.saturating_sub(self.begin))
    }

    fn write(&mut self, event: &str) {
        if self.file.is_none() {
            return;
        }
        self.buffer.push_str(",\n");
        self.buffer.push_str(event);
        if self.buffer.len() >= BUFFER {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if let Some(file) = &mut self.file
            && !self.buffer.is_empty()
        {
            let written = file.write_all(self.buffer.as_bytes());
            self.buffer.clear();
            if written.is_err() {
                self.file = None;
            }
        }
    }
}

/// An event that gives something its name.
fn names(what: &str, process: usize, row: u32, name: &str) -> String {
    let name = escape(name);
    format!(
        "{{\"name\":\"{what}\",\"ph\":\"M\",\"pid\":{process},\"tid\":{row},\"args\":{{\"name\":\"{name}\"}}}}"
    )
}

/// The name of a call, and how many there are.
fn several(name: &str, calls: usize) -> String {
    let mut name = escape(name);
    if calls > 1 {
        // Writing to a string cannot fail.
        let _ = write!(name, " × {calls}");
    }
    name
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
