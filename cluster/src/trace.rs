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
//!
//! # In which order
//!
//! Results do not arrive in the order in which their calls ran, and what a worker did is written in the order of its
//! time, because viewers cannot draw slices that overlap. So the [last few](LATE) of each worker wait, each for
//! [`WAIT`] at most. What comes later than that is shown where there is place, and without length if there is none.

use std::collections::{BTreeMap, HashMap};
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
    /// By the ids of their processes.
    workers: HashMap<u32, Worker>,
}

#[derive(Debug, Default)]
struct Worker {
    /// Until when something is shown of it.
    shown: u64,
    /// What is not shown yet, by when it was there.
    waiting: BTreeMap<Span, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    worker: &'static str,
    stretch: Stretch,
    /// When its message was submitted, and when the result came: it was between them.
    within: Span,
}

/// How much of each worker waits for what came before it.
const LATE: usize = 16;

/// How long it waits, in nanoseconds.
const WAIT: u64 = 1_000_000_000;

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
        let span = (at, at + VISIBLE);
        slice(&mut events.file, &name, "submit", SUBMITTER, span, calls);
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
            let waiting = Waiting {
                worker,
                stretch: *stretch,
                within: (sent, now),
            };
            events.work(agent, waiting);
        }
    }

    /// A message has ended, in whatever way.
    pub(crate) fn ended(&self, message: u64) {
        lock(&self.0).open.remove(&message);
    }

    /// Writes to the file what is not there yet and need not wait.
    pub(crate) fn flush(&self) {
        let mut events = lock(&self.0);
        events.show(core::clock().saturating_sub(WAIT));
        events.file.flush();
    }

    /// Nothing more will come.
    pub(crate) fn finish(&self) {
        let mut events = lock(&self.0);
        events.show(u64::MAX);
        events.file.finish();
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

    /// A worker of an agent that was heard did something.
    fn work(&mut self, agent: &str, waiting: Waiting) {
        let Some(agent) = self.agents.get_mut(agent) else {
            return;
        };
        let others = agent.workers.len();
        let row = (agent.number, waiting.stretch.process);
        let worker = agent.workers.entry(row.1).or_insert_with(|| {
            self.file.row(row, &format!("worker {}", others + 1));
            Worker::default()
        });
        let Stretch { since, until, .. } = waiting.stretch;
        worker.waiting.insert((since, until), waiting);
        if worker.waiting.len() > LATE {
            worker.show_first(row, agent.difference, &mut self.file);
        }
    }

    /// Shows what has arrived until then, and what was before it.
    fn show(&mut self, until: u64) {
        for agent in self.agents.values_mut() {
            for (process, worker) in &mut agent.workers {
                while worker.waiting.values().any(|it| it.within.1 <= until) {
                    let row = (agent.number, *process);
                    worker.show_first(row, agent.difference, &mut self.file);
                }
            }
        }
    }
}

impl Worker {
    /// Shows the first of what waits.
    fn show_first(&mut self, row: Row, difference: i64, file: &mut EventFile) {
        let Some((_, first)) = self.waiting.pop_first() else {
            return;
        };
        let (submitted, arrived) = first.within;
        let here = |there: u64| there.wrapping_add_signed(difference);
        let since = here(first.stretch.since).max(submitted).max(self.shown);
        let until = here(first.stretch.until).min(arrived).max(since);
        self.shown = until;
        let calls = first.stretch.calls;
        let name = several(first.worker, calls);
        slice(file, &name, "task", row, (since, until), calls);
        file.arrow((SUBMITTER, submitted), (row, since));
    }
}

fn slice(file: &mut EventFile, name: &str, category: &str, row: Row, span: Span, calls: u32) {
    file.slice(name, category, row, span, &format!("\"tasks\":{calls}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_arrives_late_is_shown_where_it_was() {
        let name = format!("multiproc-cluster-trace-{}.json", std::process::id());
        let path = std::env::temp_dir().join(name);
        let trace = Trace::create(&path).unwrap();
        for message in 0..3 {
            trace.submitted(message, "worker", 1);
        }
        let begin = core::clock();
        let at = |milliseconds: u64| begin + milliseconds * 1_000_000;
        std::thread::sleep(std::time::Duration::from_millis(10));
        for (message, since, until) in [(2, 6, 9), (0, 1, 3), (1, 3, 6)] {
            let stretch = Stretch {
                process: 7,
                calls: 1,
                since: at(since),
                until: at(until),
            };
            let work = Work {
                stretches: vec![stretch],
                now: core::clock(),
            };
            trace.worked(message, "agent", &work);
            trace.ended(message);
        }
        trace.finish();
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let lengths: Vec<_> = text
            .lines()
            .filter(|line| line.contains("\"cat\":\"task\",\"ph\":\"X\""))
            .map(|line| {
                let (_, rest) = line.split_once("\"dur\":").unwrap();
                rest.split_once(',').unwrap().0
            })
            .collect();
        assert_eq!(lengths, ["2000.000", "3000.000", "3000.000"], "{text}");
    }
}
