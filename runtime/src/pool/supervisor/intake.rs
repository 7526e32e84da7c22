//! What workers say.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::core::{Effect, PoolState};
use super::worker_state::{Purpose, STANDSTILL, WorkerSource, WorkerStage, WorkerState};
use crate::codec::Message;
use crate::error::{Error, ErrorKind};
use crate::pool::ledger::now;
use crate::pool::mailbox::Many;
use crate::pool::outcome::Outcome;
use crate::pool::ran::Ran;
use crate::pool::scheduler::{Part, WorkerId};
use crate::pool::stats::Work;
use crate::pool::wire::{ResultsHeader, split};
use crate::process::Subject;
use crate::protocol::Reply;
use crate::sys::deadline;
use crate::sys::poller::Interest;
use crate::trace::Span;
use crate::transport::{Received, is_nonsense};

/// How long a process may take to end after it has broken off a message.
const MOMENT: Duration = Duration::from_millis(500);

impl PoolState {
    /// Sends more of a long message to a worker that has room for it.
    pub(super) fn send_more(&mut self, id: WorkerId) {
        let Some(worker) = self.workers.get_mut(&id) else {
            return;
        };
        let Some(outbox) = &mut worker.outbox else {
            return;
        };
        worker.heard = Instant::now();
        match outbox.advance() {
            Ok(false) => {}
            Ok(true) => worker.outbox = None,
            // It is gone, as the pidfd will tell soon; or it is there and has lost what it was sent.
            Err(_) => {
                worker.outbox = None;
                worker.leave = deadline::after(MOMENT);
            }
        }
    }

    /// Takes in one thing that a worker says; false if there is nothing more just now. More is
    /// an event of its own.
    pub(super) fn receive(&mut self, id: WorkerId) -> bool {
        let Some(worker) = self.workers.get_mut(&id) else {
            return false;
        };
        if worker.closed {
            return false;
        }
        match worker.process.receive() {
            Ok(Received::Message(message)) => {
                worker.heard = Instant::now();
                self.hear(id, message);
                self.act();
                true
            }
            Ok(Received::Nothing) => {
                if let (_, Some(annex)) = worker.process.sources() {
                    let key = WorkerSource::Annex.key(id);
                    if let Err(error) = self.env.poller.add(annex, key, Interest::READABLE) {
                        worker.broken = Some(error);
                        self.kill(id, Purpose::Nonsense);
                    }
                }
                false
            }
            Ok(Received::Closed) => {
                worker.close(&self.env.poller);
                false
            }
            Err(error) if is_nonsense(&error) => {
                worker.broken = Some(error);
                worker.close(&self.env.poller);
                self.kill(id, Purpose::Nonsense);
                false
            }
            Err(error) => {
                // It may be that it has just died: then that is what happened, and the pidfd will
                // tell.
                worker.broken = Some(error);
                worker.close(&self.env.poller);
                self.scheduler.retire_when_idle(id);
                self.act();
                if let Some(worker) = self.workers.get_mut(&id) {
                    worker.leave = deadline::after(MOMENT);
                }
                false
            }
        }
    }

    fn hear(&mut self, id: WorkerId, message: Message) {
        let Some(worker) = self.workers.get_mut(&id) else {
            return;
        };
        worker.process.handshake = None;
        // It has done in time, or nearly, what it would have been ended for not doing.
        if worker.killed == Some(Purpose::Handshake) {
            worker.killed = Some(Purpose::Leaving);
        }
        let kind = message.kind().and_then(Reply::from_wire);
        match (worker.stage, kind) {
            (_, Some(Reply::Hello)) => {}
            (_, Some(Reply::Event)) => worker.crash.add_event(&message.head[1..]),
            (_, Some(Reply::Places)) => {
                worker.crash.add_places(&message.head[1..]);
                if worker.crash.has_answered() {
                    let purpose = worker.killed.unwrap_or(Purpose::Nonsense);
                    self.kill(id, purpose);
                }
            }
            (WorkerStage::Preparing, Some(Reply::Ready)) => match worker.initializer.clone() {
                Some(initializer) => {
                    worker.stage = WorkerStage::Initializing;
                    let timeout = initializer.timeout;
                    worker.check = timeout.and_then(deadline::after);
                    let sent = worker.send(1, |round, lent| initializer.message(round, lent));
                    if let Err(error) =
                        sent.and_then(|()| worker.watch_outbox(&self.env.poller, id))
                    {
                        worker.broken = Some(error);
                        self.kill(id, Purpose::Nonsense);
                    }
                }
                None => self.ready(id),
            },
            (WorkerStage::Preparing, _) => {
                let outcome = Outcome::Reply(message, Ran::in_process(worker.process.id()));
                let codec = crate::dispatch::result::<()>();
                let error = match outcome.resolve(Subject::Other("it"), &codec) {
                    Ok(()) => Error::new(ErrorKind::Spawn, "unexpected reply"),
                    Err(error) => error,
                };
                let text = "a process of the pool could not prepare itself";
                let error = Error::new(error.kind(), text).with_source(error);
                self.abort(Some(&error));
            }
            (WorkerStage::Initializing, _) => {
                worker.check = None;
                if worker.killed == Some(Purpose::Initializer) {
                    worker.killed = Some(Purpose::Leaving);
                }
                worker.stage = WorkerStage::Judged;
                let outcome = Outcome::Reply(message, Ran::in_process(worker.process.id()));
                let span = worker.ran(0, 1);
                if let Some(initializer) = &worker.initializer {
                    let judge = Arc::clone(&initializer.judge);
                    self.effects.push(Effect::Judge(id, judge, outcome, span));
                }
            }
            // It was asked nothing.
            (WorkerStage::Judged, _) => self.kill(id, Purpose::Nonsense),
            (WorkerStage::Working, Some(Reply::Results)) => {
                // They may have been taken from the board, and the round be over therefore.
                if let Some((header, replies)) = ResultsHeader::read(&message.head)
                    && header.round == worker.round
                {
                    self.take_results(id, header.first, replies, Some(header.time));
                }
            }
            (WorkerStage::Working, _) => {
                let Some((part, answered)) = self.scheduler.part(id) else {
                    return;
                };
                if part.count > 1 {
                    self.take_board(id);
                }
                let Some(worker) = self.workers.get_mut(&id) else {
                    return;
                };
                let answered = self.scheduler.part(id).map_or(answered, |(_, it)| it);
                // A task is claimed before it is answered.
                if worker
                    .ledger
                    .claimed()
                    .is_some_and(|begun| begun <= answered)
                {
                    return self.kill(id, Purpose::Nonsense);
                }
                let process = worker.process.id();
                let span = worker.ran(answered, 1);
                let time = self.note(id, part, answered, 1, span);
                let outcome = Outcome::Reply(message, ran(process, span, time));
                let outcome = match self.workers.get(&id).and_then(|it| it.why_asked(answered)) {
                    Some(why) => Outcome::Asked(Box::new(outcome), why),
                    None => outcome,
                };
                self.jobs
                    .deliver(part.job, part.first + answered, outcome, Some(time));
                self.answered(id, 1);
            }
        }
    }

    /// Takes in the results of several tasks, as far as they are not known.
    fn take_results(&mut self, id: WorkerId, first: u32, mut replies: &[u8], time: Option<u64>) {
        let (Some(worker), Some((part, answered))) =
            (self.workers.get(&id), self.scheduler.part(id))
        else {
            return;
        };
        // Those before the ones on the board may still be under way.
        let Some(known) = answered.checked_sub(first) else {
            return;
        };
        for _ in 0..known {
            let Some((_, others)) = split(replies) else {
                break;
            };
            replies = others;
        }
        let process = worker.process.id();
        // No more can be answered than are begun.
        let begun = worker.ledger.claimed().unwrap_or(part.count);
        let most = begun.min(part.count).saturating_sub(answered);
        let is_value = |reply: &[u8]| reply.first() == Some(&(Reply::Returned as u8));
        let mut count = 0;
        let mut failed = 0;
        let mut longest = 0;
        let mut rest = replies;
        let mut last = (replies, &[][..]);
        while let Some((reply, others)) = split(rest) {
            count += 1;
            failed += u64::from(!is_value(reply));
            longest = reply.len().max(longest);
            last = (rest, reply);
            rest = others;
        }
        if count > most {
            return self.kill(id, Purpose::Nonsense);
        }
        // One that was asked to stop is the last one begun. What it came to, if not a value, has that
        // as its reason.
        if count > 0
            && let Some(why) = worker.why_asked(answered + count - 1)
            && !is_value(last.1)
        {
            let (before, reply) = (&replies[..replies.len() - last.0.len()], last.1);
            let message = Message {
                head: reply.to_vec(),
                ..Message::default()
            };
            let span = worker.ran(answered + count - 1, 1);
            self.take_results(id, answered, before, time);
            let time = self.note(id, part, answered + count - 1, 1, span);
            let reply = Outcome::Reply(message, ran(process, span, time));
            let outcome = Outcome::Asked(Box::new(reply), why);
            let task = part.first + answered + count - 1;
            self.jobs.deliver(part.job, task, outcome, Some(time));
            return self.answered(id, 1);
        }
        if count > 0 {
            let (since, mut until) = worker.ran(answered, count);
            if let Some(time) = time {
                // It may have waited for a message since, or for this to be looked at.
                until = until.min(since.saturating_add(time));
            }
            let time = self.note(id, part, answered, count, (since, until));
            let mail = Many {
                first: u64::from(part.first + answered),
                worker: "",
                count,
                replies: replies.to_vec(),
                longest,
                time,
                process,
                until,
            };
            self.jobs.deliver_many(part.job, mail, failed);
            self.answered(id, count);
        }
    }

    /// Takes in the results that are on the board.
    pub(super) fn take_board(&mut self, id: WorkerId) {
        let results = self
            .workers
            .get(&id)
            .and_then(|worker| worker.ledger.results());
        if let Some((first, replies)) = results {
            self.take_results(id, first, &replies, None);
        }
    }

    /// Looks at the board of a worker that was not heard of for a while: it may be in a task that
    /// takes longer than those before it, whose results have not arrived yet.
    pub(super) fn look_at_board(&mut self, id: WorkerId) {
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.look = None;
        }
        self.take_board(id);
        self.act();
        let (Some(worker), Some((part, answered))) =
            (self.workers.get_mut(&id), self.scheduler.part(id))
        else {
            return;
        };
        let Some(claimed) = worker.ledger.claimed() else {
            // It will not claim the others either, and wait for ever.
            self.kill(id, Purpose::Nonsense);
            return self.act();
        };
        // If there was something, the next look has a time already.
        if worker.look.is_some() || part.count == 1 {
            return;
        }
        // When a task ends that has taken so long already, its result is sent at once. In this
        // order: a task is claimed after it is noted when.
        let runs = claimed == answered + 1;
        let ran = Duration::from_nanos(now().saturating_sub(worker.ledger.started()));
        let will_be_told = runs && ran >= STANDSTILL;
        let wait = worker.heard.elapsed().max(STANDSTILL);
        worker.look = (!will_be_told).then(|| Instant::now() + wait);
    }

    /// Counts and traces what a worker has done of its part from a task on, and says how long it took.
    ///
    /// What is noted of a worker never overlaps: viewers of traces cannot draw that.
    fn note(
        &mut self,
        id: WorkerId,
        part: Part,
        first: u32,
        count: u32,
        (since, until): Span,
    ) -> Duration {
        let job = part.job;
        let Some(worker) = self.workers.get_mut(&id) else {
            return Duration::ZERO;
        };
        let since = since.max(worker.noted);
        let until = until.max(since);
        worker.noted = until;
        let time = Duration::from_nanos(until - since);
        let function = self.jobs.function(job).unwrap_or("cancelled task");
        let from = self.jobs.submitted(job);
        if let Some((kind, together)) = self.paces.note(function, count, time) {
            self.scheduler.paced(kind, together);
        }
        // Those of a series were not submitted all at once.
        let is_series = self
            .jobs
            .note_waits(job, part.first + first, count, (since, until));
        let work = Work {
            function,
            count,
            submitted: from.filter(|_| !is_series).map(|from| from.at),
            since,
            until,
        };
        self.jobs.counters.worked(id, work);
        if let Some(trace) = &self.trace {
            let mut file = trace.file();
            let (process, span) = (worker.process.id(), (since, until));
            file.worked(process, function, job, count, span, from);
        }
        self.trace_load();
        time
    }

    /// A worker has answered this many tasks.
    fn answered(&mut self, id: WorkerId, count: u32) {
        let is_leaving = |worker: &WorkerState| worker.ledger.is_leaving();
        if self.workers.get(&id).is_some_and(is_leaving) {
            self.scheduler.retire_when_idle(id);
            self.recall(id);
        }
        let done = |(part, answered): (Part, u32)| answered + count >= part.count;
        let is_done = self.scheduler.part(id).is_some_and(done);
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.look = None;
            if is_done {
                worker.check = None;
                worker.asked = None;
                let limit = self.env.settings.max_memory;
                if limit.is_some_and(|limit| worker.memory().is_some_and(|memory| memory > limit)) {
                    self.scheduler.retire_when_idle(id);
                }
            } else if let Some((part, _)) = self.scheduler.part(id) {
                let timeout = self.jobs.timeout(part.job);
                let now = Instant::now();
                worker.check = timeout.and_then(|timeout| now.checked_add(timeout));
                worker.look = Some(now + STANDSTILL);
            }
        }
        self.scheduler.answered(id, count);
    }
}

/// Where and when a task ran that has taken so long.
fn ran(process: u32, (_, until): Span, time: Duration) -> Ran {
    let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    Ran {
        process,
        since: until.saturating_sub(time),
        until,
    }
}
