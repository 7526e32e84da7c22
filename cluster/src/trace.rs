//! A file that shows which worker of which agent ran which task when, in the format of that of a
//! [pool](multiproc::PoolBuilder::trace).
//!
//! What the format calls a process is an agent here, or the submitter; and a thread is a worker.
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
use std::io;
use std::path::Path;
use std::sync::Mutex;

use multiproc::__private::cluster::{self as core, EventFile, Row, Span, escape, several};

use crate::submitter::lock;
use crate::wire::{Stretch, Work};

/// A trace that is being written.
#[derive(Debug)]
pub(crate) struct Trace(Mutex<Events>);

#[derive(Debug)]
struct Events {
    file: EventFile,
    /// The messages that have not ended.
    open: HashMap<u64, Sent>,
    /// When the last of them was submitted, as it is shown.
    last_sent: u64,
    agents: HashMap<String, Agent>,
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
    number: u32,
    /// What is to be added to its time to have that of the submitter.
    difference: i64,
    /// Until when something is shown of each worker: what is shown of one never overlaps, because viewers cannot
    /// draw that.
    workers: HashMap<u32, u64>,
}

/// The number of the submitter in the file, and its only row.
const SUBMITTER: Row = (1, 1);

/// How long the slice is from which an arrow begins, in nanoseconds: it must be seen.
const VISIBLE: u64 = 1000;

impl Trace {
    pub(crate) fn create(path: &Path) -> io::Result<Trace> {
        let mut file = EventFile::create(path)?;
        let name = format!("submitter {}", std::process::id());
        file.process(SUBMITTER.0, &name);
        file.row(SUBMITTER, "submits");
        file.flush();
        let events = Events {
            file,
            open: HashMap::new(),
            last_sent: 0,
            agents: HashMap::new(),
        };
        Ok(Trace(Mutex::new(events)))
    }

    /// A message was submitted.
    pub(crate) fn submitted(&self, message: u64, worker: &'static str, calls: usize) {
        let mut events = lock(&self.0);
        let at = core::clock().max(events.last_sent);
        events.last_sent = at + VISIBLE;
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        let name = format!("submit {}", several(worker, calls));
        events.slice(&name, "submit", SUBMITTER, (at, at + VISIBLE), calls);
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
        lock(&self.0).file.flush();
    }

    /// Nothing more will come.
    pub(crate) fn finish(&self) {
        lock(&self.0).file.finish();
    }
}

impl Events {
    fn hear(&mut self, agent: &str, there: u64, here: u64) {
        let difference = here.wrapping_sub(there).cast_signed();
        if let Some(agent) = self.agents.get_mut(agent) {
            agent.difference = agent.difference.min(difference);
            return;
        }
        let others = u32::try_from(self.agents.len()).unwrap_or(u32::MAX);
        let number = others.saturating_add(SUBMITTER.0 + 1);
        let new = Agent {
            number,
            difference,
            workers: HashMap::new(),
        };
        self.agents.insert(agent.to_owned(), new);
        self.file.process(number, &escape(agent));
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
        let place = (number, stretch.process);
        if is_new {
            self.file.row(place, &format!("worker {row}"));
        }
        let calls = stretch.calls;
        self.slice(&several(name, calls), "task", place, (since, until), calls);
        self.file.arrow((SUBMITTER, after), (place, since));
    }

    fn slice(&mut self, name: &str, category: &str, row: Row, span: Span, calls: u32) {
        let arguments = format!("\"tasks\":{calls}");
        self.file.slice(name, category, row, span, &arguments);
    }
}
