//! What members say.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::core::Core;
use super::crew::{Purpose, Stage};
use super::deadlines::STANDSTILL;
use super::delivery::Effect;
use super::{ASSEMBLY, OUTBOX, PIDFD, Shared, key};
use crate::codec::Message;
use crate::error::{Error, ErrorKind};
use crate::pool::ledger::now;
use crate::pool::mailbox::Many;
use crate::pool::scheduler::{JobId, MemberId, Part};
use crate::pool::task::Outcome;
use crate::pool::trace::Span;
use crate::pool::worker::{Header, split};
use crate::protocol::Reply;
use crate::sys::poller::Interest;
use crate::transport::{Received, is_nonsense};

/// How long a process may take to end after it has broken off a message.
const MOMENT: Duration = Duration::from_millis(500);

impl Core {
    /// Looks at a member of which something was heard.
    pub(super) fn look_after(&mut self, shared: &Arc<Shared>, id: MemberId, what: u64) {
        if what == OUTBOX {
            if let Some(crew) = self.members.get_mut(&id)
                && let Some(outbox) = &mut crew.outbox
            {
                crew.heard = Instant::now();
                match outbox.advance() {
                    Ok(false) => {}
                    Ok(true) => crew.outbox = None,
                    // It is gone, as the pidfd will tell soon; or it is there and has lost what
                    // it was sent.
                    Err(_) => {
                        crew.outbox = None;
                        crew.leave = Instant::now().checked_add(MOMENT);
                    }
                }
            }
            return;
        }
        self.receive(shared, id);
        if what == PIDFD {
            while self.receive(shared, id) {}
            self.bury(shared, id);
        }
        self.act(shared);
    }

    /// Takes in one thing that a member says; false if there is nothing more just now. More is
    /// an event of its own.
    pub(super) fn receive(&mut self, shared: &Arc<Shared>, id: MemberId) -> bool {
        let Some(crew) = self.members.get_mut(&id) else {
            return false;
        };
        if crew.closed {
            return false;
        }
        match crew.member.receive() {
            Ok(Received::Message(message)) => {
                crew.heard = Instant::now();
                self.hear(shared, id, message);
                self.act(shared);
                true
            }
            Ok(Received::Nothing) => {
                if let (_, Some(assembly)) = crew.member.sources() {
                    let key = key(id, ASSEMBLY);
                    if let Err(error) = shared.poller.add(assembly, key, Interest::READABLE) {
                        crew.broken = Some(error);
                        self.kill(id, Purpose::Nonsense);
                    }
                }
                false
            }
            Ok(Received::Closed) => {
                crew.close(shared);
                false
            }
            Err(error) if is_nonsense(&error) => {
                crew.broken = Some(error);
                crew.close(shared);
                self.kill(id, Purpose::Nonsense);
                false
            }
            Err(error) => {
                // It may be that it has just died: then that is what happened, and the pidfd will
                // tell.
                crew.broken = Some(error);
                crew.close(shared);
                self.scheduler.doom(id);
                self.act(shared);
                if let Some(crew) = self.members.get_mut(&id) {
                    crew.leave = Instant::now().checked_add(MOMENT);
                }
                false
            }
        }
    }

    pub(super) fn hear(&mut self, shared: &Arc<Shared>, id: MemberId, message: Message) {
        let Some(crew) = self.members.get_mut(&id) else {
            return;
        };
        crew.member.handshake = None;
        // It has done in time, or nearly, what it would have been ended for not doing.
        if crew.killed == Some(Purpose::Handshake) {
            crew.killed = Some(Purpose::Leaving);
        }
        let kind = message.kind().and_then(Reply::from_wire);
        match (crew.stage, kind) {
            (_, Some(Reply::Hello)) => {}
            (Stage::Preparing, Some(Reply::Ready)) => match shared.initializer() {
                Some(initializer) => {
                    crew.stage = Stage::Initializing;
                    let timeout = initializer.timeout;
                    crew.check = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
                    let parcel = initializer.parcel(crew.round.wrapping_add(1));
                    let sent = crew.send(parcel, 1);
                    if let Err(error) = sent.and_then(|()| crew.register_outbox(shared, id)) {
                        crew.broken = Some(error);
                        self.kill(id, Purpose::Nonsense);
                    }
                }
                None => self.ready(id),
            },
            (Stage::Preparing, _) => {
                let outcome = Outcome::Reply(message, crew.member.id());
                let codec = crate::dispatch::result::<()>();
                let error = match outcome.resolve("", &codec) {
                    Ok(()) => Error::new(ErrorKind::Spawn, "its reply makes no sense"),
                    Err(error) => error,
                };
                let text = "a process of the pool could not prepare itself";
                let error = Error::new(error.kind(), text).with_source(error);
                self.abort(shared, Some(&error));
            }
            (Stage::Initializing, _) => {
                crew.check = None;
                if crew.killed == Some(Purpose::Initializer) {
                    crew.killed = Some(Purpose::Leaving);
                }
                crew.stage = Stage::Judged;
                let outcome = Outcome::Reply(message, crew.member.id());
                let span = crew.ran(0, 1);
                if let Some(initializer) = shared.initializer() {
                    let judge = Arc::clone(&initializer.judge);
                    self.effects.push(Effect::Judge(id, judge, outcome, span));
                }
            }
            // It was asked nothing.
            (Stage::Judged, _) => self.kill(id, Purpose::Nonsense),
            (Stage::Working, Some(Reply::Results)) => {
                // They may have been taken from the board, and the round be over therefore.
                if let Some((header, replies)) = Header::read(&message.head)
                    && header.round == crew.round
                {
                    self.take_results(shared, id, header.first, replies, Some(header.time));
                }
            }
            (Stage::Working, _) => {
                let Some((part, answered)) = self.scheduler.part(id) else {
                    return;
                };
                if part.count > 1 {
                    self.take_board(shared, id);
                }
                let Some(crew) = self.members.get_mut(&id) else {
                    return;
                };
                let answered = self.scheduler.part(id).map_or(answered, |(_, it)| it);
                // A task is claimed before it is answered.
                if crew.ledger.claimed().is_some_and(|begun| begun <= answered) {
                    return self.kill(id, Purpose::Nonsense);
                }
                let process = crew.member.id();
                let span = crew.ran(answered, 1);
                let time = self.note(id, part.job, 1, span);
                let outcome = Outcome::Reply(message, process);
                self.deliver(part.job, part.first + answered, outcome, Some(time));
                self.answered(shared, id, 1);
            }
        }
    }

    /// Takes in the results of several tasks, as far as they are not known.
    fn take_results(
        &mut self,
        shared: &Arc<Shared>,
        id: MemberId,
        first: u32,
        mut replies: &[u8],
        time: Option<u64>,
    ) {
        let (Some(crew), Some((part, answered))) = (self.members.get(&id), self.scheduler.part(id))
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
        let process = crew.member.id();
        // No more can be answered than are begun.
        let begun = crew.ledger.claimed().unwrap_or(part.count);
        let most = begun.min(part.count).saturating_sub(answered);
        let mut count = 0;
        let mut failed = 0;
        let mut rest = replies;
        while let Some((reply, others)) = split(rest) {
            count += 1;
            failed += u64::from(reply.first() != Some(&(Reply::Returned as u8)));
            rest = others;
        }
        if count > most {
            return self.kill(id, Purpose::Nonsense);
        }
        if count > 0 {
            let (since, mut until) = crew.ran(answered, count);
            if let Some(time) = time {
                // It may have waited for a message since, or for this to be looked at.
                until = until.min(since.saturating_add(time));
            }
            let time = self.note(id, part.job, count, (since, until));
            let mail = Many {
                first: u64::from(part.first + answered),
                worker: "",
                count,
                replies: replies.to_vec(),
                time,
                process,
            };
            self.deliver_many(part.job, mail, failed);
            self.answered(shared, id, count);
        }
    }

    /// Takes in the results that are on the board.
    pub(super) fn take_board(&mut self, shared: &Arc<Shared>, id: MemberId) {
        let results = self.members.get(&id).and_then(|crew| crew.ledger.results());
        if let Some((first, replies)) = results {
            self.take_results(shared, id, first, &replies, None);
        }
    }

    /// Looks at the board of a member that was not heard of for a while: it may be in a task that
    /// takes longer than those before it, whose results nobody has yet.
    pub(super) fn look_at_board(&mut self, shared: &Arc<Shared>, id: MemberId) {
        if let Some(crew) = self.members.get_mut(&id) {
            crew.look = None;
        }
        self.take_board(shared, id);
        self.act(shared);
        let (Some(crew), Some((part, answered))) =
            (self.members.get_mut(&id), self.scheduler.part(id))
        else {
            return;
        };
        let Some(claimed) = crew.ledger.claimed() else {
            // It will not claim the others either, and wait for ever.
            self.kill(id, Purpose::Nonsense);
            return self.act(shared);
        };
        // If there was something, the next look has a time already.
        if crew.look.is_some() || part.count == 1 {
            return;
        }
        // When a task ends that has taken so long already, its result is sent at once. In this
        // order: a task is claimed after it is noted when.
        let runs = claimed == answered + 1;
        let ran = Duration::from_nanos(now().saturating_sub(crew.ledger.started()));
        let will_be_told = runs && ran >= STANDSTILL;
        let wait = crew.heard.elapsed().max(STANDSTILL);
        crew.look = (!will_be_told).then(|| Instant::now() + wait);
    }

    /// Counts and traces what a member has done, and says how long it took.
    ///
    /// What is noted of a member never overlaps: viewers of traces cannot draw that.
    fn note(&mut self, id: MemberId, job: JobId, count: u32, (since, until): Span) -> Duration {
        let Some(crew) = self.members.get_mut(&id) else {
            return Duration::ZERO;
        };
        let since = since.max(crew.noted);
        let until = until.max(since);
        crew.noted = until;
        let time = Duration::from_nanos(until - since);
        self.counters.worked(id, count, time);
        if let Some(trace) = &mut self.trace {
            let worker = self
                .jobs
                .get(&job)
                .map_or("cancelled task", |job| job.worker);
            trace.worked(crew.member.id(), worker, job, count, (since, until));
        }
        time
    }

    /// A member has answered this many tasks.
    pub(super) fn answered(&mut self, shared: &Arc<Shared>, id: MemberId, count: u32) {
        let done = |(part, answered): (Part, u32)| answered + count >= part.count;
        let is_done = self.scheduler.part(id).is_some_and(done);
        if let Some(crew) = self.members.get_mut(&id) {
            crew.look = None;
            if is_done {
                crew.check = None;
                let limit = shared.settings.max_memory;
                if limit.is_some_and(|limit| crew.memory().is_some_and(|memory| memory > limit)) {
                    self.scheduler.doom(id);
                }
            } else if let Some((part, _)) = self.scheduler.part(id) {
                let timeout = self.jobs.get(&part.job).and_then(|job| job.timeout);
                let now = Instant::now();
                crew.check = timeout.and_then(|timeout| now.checked_add(timeout));
                crew.look = Some(now + STANDSTILL);
            }
        }
        self.scheduler.answered(id, count);
    }
}
