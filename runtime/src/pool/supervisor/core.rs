//! The pool's state, and what users do to it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::ThreadId;
use std::time::Instant;

use super::Shared;
use super::crew::{Crew, Ear};
use super::delivery::Delivery;
use super::life::BACK_OFF;
use crate::error::{Error, ErrorKind};
use crate::pool::job::Job;
use crate::pool::scheduler::{Action, JobId, MemberId, Part, Scheduler};
use crate::pool::stats::Counters;
use crate::pool::task::Outcome;
use crate::pool::trace::Trace;
use crate::process::Killed;

/// What stands under the pool's lock.
pub(super) struct Core {
    pub(super) scheduler: Scheduler,
    pub(super) members: HashMap<MemberId, Crew>,
    pub(super) jobs: HashMap<JobId, Job>,
    pub(super) next_job: JobId,
    /// Members that are being started.
    pub(super) launching: usize,
    /// Members that are to be started later.
    pub(super) postponed: BTreeSet<(Instant, MemberId)>,
    /// Results to give out when the lock is free.
    pub(super) deliveries: Vec<Delivery>,
    /// Why the pool takes no more tasks.
    pub(super) refusal: Option<Error>,
    /// Why the last member could not be started, or how it ended.
    pub(super) trouble: Option<Error>,
    pub(super) sleeping_until: Option<Instant>,
    pub(super) counters: Counters,
    pub(super) trace: Option<Trace>,
    pub(super) over: bool,
    pub(super) supervisor: Option<ThreadId>,
}

impl Core {
    pub(super) fn submit(&mut self, shared: &Arc<Shared>, job: Job) -> JobId {
        let id = self.next_job;
        self.next_job += 1;
        let count = job.payload.count();
        self.counters.submitted += u64::from(count);
        if let Some(refusal) = &self.refusal {
            let refusal = refusal.duplicate();
            self.fail_rest(&job, &refusal);
            return id;
        }
        self.jobs.insert(id, job);
        self.scheduler.submitted(id, count);
        self.act(shared);
        id
    }

    pub(super) fn cancel(&mut self, shared: &Arc<Shared>, job: JobId) -> bool {
        let Some(known) = self.jobs.get(&job) else {
            return false;
        };
        let worker = known.worker;
        self.scheduler.withdraw(job);
        let mut ran_in = None;
        for id in self.scheduler.members_with(job) {
            let Some(crew) = self.members.get_mut(&id) else {
                continue;
            };
            let begun = crew.ledger.recall();
            if begun > 0 {
                crew.killed.get_or_insert(Killed::Cancelled);
                ran_in = Some(crew.member.id());
            }
            // What it has of a long message that is cut short is of no use either.
            if begun > 0 || crew.outbox.is_some() {
                crew.member.kill();
                self.scheduler.doom(id);
            }
            self.scheduler.recalled(id, begun, false);
        }
        let text = match ran_in {
            Some(id) => {
                format!("worker `{worker}` was killed because its task was cancelled (pid {id})")
            }
            None => format!("the task of worker `{worker}` was cancelled before it began"),
        };
        let error = Error::new(ErrorKind::Cancelled, text).with_worker(worker);
        if let Some(job) = self.jobs.remove(&job) {
            self.fail_rest(&job, &error);
        }
        self.act(shared);
        true
    }

    pub(super) fn abandon(&mut self, shared: &Arc<Shared>, job: JobId) {
        self.scheduler.withdraw(job);
        for id in self.scheduler.members_with(job) {
            if let Some(crew) = self.members.get_mut(&id) {
                let begun = crew.ledger.recall();
                if crew.outbox.is_some() {
                    crew.member.kill();
                    self.scheduler.doom(id);
                }
                self.scheduler.recalled(id, begun, false);
            }
        }
        self.jobs.remove(&job);
        self.act(shared);
    }

    pub(super) fn refuse(&mut self, shared: &Shared) {
        shared.closing.store(true, SeqCst);
        self.refusal.get_or_insert_with(|| {
            let text = "the pool was shut down before this task was submitted";
            Error::new(ErrorKind::Closed, text)
        });
    }

    /// Gives everything up: because of an error, or because nobody wants it any more.
    pub(super) fn abort(&mut self, shared: &Arc<Shared>, error: Option<&Error>) {
        if let (Some(error), None) = (error, &self.refusal) {
            self.refusal = Some(error.duplicate());
        }
        self.refuse(shared);
        self.scheduler.close();
        for (id, crew) in &mut self.members {
            if self.scheduler.part(*id).is_some() {
                crew.killed.get_or_insert(Killed::Cancelled);
            }
            crew.member.kill();
        }
        for (_, job) in std::mem::take(&mut self.jobs) {
            let error = match error {
                Some(error) => error.duplicate(),
                None => {
                    let text = format!(
                        "the task of worker `{}` was cancelled: its pool was dropped",
                        job.worker
                    );
                    Error::new(ErrorKind::Cancelled, text).with_worker(job.worker)
                }
            };
            self.fail_rest(&job, &error);
        }
        for (_, id) in std::mem::take(&mut self.postponed) {
            self.scheduler.died(id, 0, false);
        }
        self.act(shared);
    }

    /// Does what the scheduler has decided.
    pub(super) fn act(&mut self, shared: &Arc<Shared>) {
        loop {
            let actions = self.scheduler.actions();
            if actions.is_empty() {
                return;
            }
            for action in actions {
                match action {
                    Action::Launch(id, 0) => self.begin_launch(shared, id),
                    Action::Launch(id, futile) => {
                        let wait = BACK_OFF * (1 << (futile - 1).min(10));
                        self.postponed.insert((Instant::now() + wait, id));
                    }
                    Action::Send(id, part) => self.send(shared, id, part),
                    Action::Retire(id) => self.retire(id),
                    Action::Break => {
                        let text = "the pool gave up: its workers die before they do anything";
                        let error = match self.trouble.take() {
                            Some(trouble) => Error::new(trouble.kind(), text)
                                .with_exit_status(trouble.exit_status())
                                .with_source(trouble),
                            None => Error::new(ErrorKind::Spawn, text),
                        };
                        self.abort(shared, Some(&error));
                    }
                }
            }
        }
    }

    pub(super) fn send(&mut self, shared: &Arc<Shared>, id: MemberId, part: Part) {
        let (Some(crew), Some(job)) = (self.members.get_mut(&id), self.jobs.get(&part.job)) else {
            // Nobody wants it any more.
            self.scheduler.answered(id, part.count);
            return;
        };
        let timeout = job.timeout;
        let sent = crew.send(job.parcel(part, crew.round.wrapping_add(1)), part.count);
        crew.check = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        match sent {
            Ok(()) => {
                crew.register_outbox(shared, id);
                if crew.ear == Ear::Nobody {
                    crew.turn(shared, id, Ear::Supervisor);
                }
            }
            Err(error) => {
                let text = format!("the arguments of worker `{}` cannot be sent", job.worker);
                let error = Error::new(ErrorKind::Encode, text)
                    .with_worker(job.worker)
                    .with_source(error);
                // What it has of the message is of no use.
                crew.member.kill();
                self.scheduler.doom(id);
                self.deliver(part.job, part.first, Outcome::Failed(error), None);
                self.scheduler.answered(id, 1);
            }
        }
    }
}
