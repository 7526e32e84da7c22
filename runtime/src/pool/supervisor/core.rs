//! The pool's state, and what users do to it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::thread::ThreadId;
use std::time::Instant;

use super::Shared;
use super::crew::{Crew, Ear, Purpose};
use super::delivery::Effect;
use super::life::BACK_OFF;
use crate::error::{Error, ErrorKind};
use crate::pool::job::Job;
use crate::pool::scheduler::{Action, Cause, JobId, MemberId, Part, Scheduler};
use crate::pool::stats::Counters;
use crate::pool::task::Outcome;
use crate::pool::trace::Trace;

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
    /// What to do when the lock is free.
    pub(super) effects: Vec<Effect>,
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
            if let Some((_, process)) = self.take_back(id, true) {
                ran_in = process.or(ran_in);
            }
        }
        let text = match ran_in {
            Some(id) => {
                format!("worker `{worker}` was killed because its task was cancelled (pid {id})")
            }
            None => return self.give_up(shared, job, &cancelled_before(worker)),
        };
        let error = Error::new(ErrorKind::Cancelled, text).with_worker(worker);
        self.give_up(shared, job, &error)
    }

    /// Ends a job, whose tasks no member has any more, with an error.
    fn give_up(&mut self, shared: &Arc<Shared>, job: JobId, error: &Error) -> bool {
        if let Some(job) = self.jobs.remove(&job) {
            self.fail_rest(&job, error);
        }
        self.act(shared);
        true
    }

    pub(super) fn abandon(&mut self, shared: &Arc<Shared>, job: JobId) {
        self.scheduler.withdraw(job);
        for id in self.scheduler.members_with(job) {
            self.take_back(id, false);
        }
        self.jobs.remove(&job);
        self.act(shared);
    }

    /// Cancels all that no worker has begun, and says how many tasks that is.
    pub(super) fn cancel_queued(&mut self, shared: &Arc<Shared>) -> usize {
        // Members first: one that is idle then finds nothing in the queue either.
        let mut parts = self.scheduler.withdraw_all();
        let ids: Vec<_> = self.members.keys().copied().collect();
        for id in ids {
            if let Some((rest, _)) = self.take_back(id, false) {
                parts.extend(rest);
            }
        }
        let mut count = 0;
        for part in parts {
            let Some(worker) = self.jobs.get(&part.job).map(|job| job.worker) else {
                continue;
            };
            for task in part.first..part.first + part.count {
                let error = cancelled_before(worker);
                self.deliver(part.job, task, Outcome::Failed(error), None);
                count += 1;
            }
        }
        self.act(shared);
        count
    }

    /// Takes back what a member has not begun, for good; if `kill`, ends it for what it has.
    /// Returns what was taken back, and the process if it was ended.
    fn take_back(&mut self, id: MemberId, kill: bool) -> Option<(Option<Part>, Option<u32>)> {
        let (part, answered) = self.scheduler.part(id)?;
        let crew = self.members.get(&id)?;
        // Of one whose board makes no sense, nothing can be said not to have begun.
        let begun = crew.ledger.recall().unwrap_or(part.count).max(answered);
        let process = crew.member.id();
        let is_cut_short = crew.outbox.is_some();
        let runs = begun > answered;
        if kill && runs {
            self.kill(id, Purpose::Cancelled);
        } else if is_cut_short && !runs {
            // What it has of a long message is of no use.
            self.kill(id, Purpose::Leaving);
        }
        let rest = self.scheduler.recalled(id, begun, false);
        Some((rest, (kill && runs).then_some(process)))
    }

    /// Ends a member. It gets nothing more to do.
    pub(super) fn kill(&mut self, id: MemberId, purpose: Purpose) {
        if let Some(crew) = self.members.get_mut(&id) {
            crew.killed.get_or_insert(purpose);
            crew.member.kill();
            self.scheduler.doom(id);
        }
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
        let ids: Vec<_> = self.members.keys().copied().collect();
        for id in ids {
            let purpose = match self.scheduler.part(id) {
                Some(_) => Purpose::Cancelled,
                None => Purpose::Leaving,
            };
            self.kill(id, purpose);
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
            self.scheduler.not_started(id);
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
                    Action::Launch(id, 0) => self.begin_launch(id),
                    Action::Launch(id, futile) => {
                        let wait = BACK_OFF * (1 << (2 * (futile - 1).min(5)));
                        self.postponed.insert((Instant::now() + wait, id));
                    }
                    Action::Send(id, part) => self.send(shared, id, part),
                    Action::Retire(id) => self.retire(id),
                    Action::Break(cause) => {
                        let text = "the pool gave up: workers keep exiting before their first task";
                        let error = match self.trouble.take() {
                            Some(trouble) if cause == Cause::Unready => trouble,
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
                if crew.register_outbox(shared, id).is_err() {
                    // It cannot be had the rest.
                    return self.kill(id, Purpose::Leaving);
                }
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
                self.kill(id, Purpose::Leaving);
                self.deliver(part.job, part.first, Outcome::Failed(error), None);
                self.scheduler.answered(id, 1);
            }
        }
    }
}

fn cancelled_before(worker: &'static str) -> Error {
    let text = format!("the task of worker `{worker}` was cancelled before it began");
    Error::new(ErrorKind::Cancelled, text).with_worker(worker)
}
