//! The pool's state, and what happens to it.
//!
//! Nothing in here waits, and no user code runs: what takes a while is an [`Effect`], and outcomes
//! are kept ([`Jobs::take_ready`]) until the pool's lock is free.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::entrance::{Entrance, SubmitterId};
use super::env::Env;
use super::jobs::Jobs;
use super::unheard::Unheard;
use super::worker_state::{Asked, Purpose, Reader, WorkerStage, WorkerState};
use crate::error::{Error, ErrorKind, Result};
use crate::pool::job::PoolJob;
use crate::pool::latch::Latch;
use crate::pool::load::Load;
use crate::pool::outcome::Outcome;
use crate::pool::pace::Paces;
use crate::pool::scheduler::{Action, Cause, Hopeless, JobId, Part, Scheduler, Terms, WorkerId};
use crate::pool::settings::{Judge, floor};
use crate::process::Relayed;
use crate::protocol::Request;
use crate::sys::clock::nanoseconds as now;
use crate::sys::deadline;
use crate::sys::lineage::Lineage;
use crate::sys::thread;
use crate::trace::{Span, Trace};
use crate::transport::EncodedMessage;

/// How long a worker may take to leave before it is killed.
const FAREWELL: Duration = Duration::from_secs(2);

/// The wait after the first futile start; each further one is four times as long, up to ten
/// seconds.
const BACK_OFF: Duration = Duration::from_millis(10);

/// What stands under the pool's lock.
pub(super) struct PoolState {
    pub(super) env: Arc<Env>,
    pub(super) scheduler: Scheduler,
    pub(super) workers: HashMap<WorkerId, WorkerState>,
    pub(super) jobs: Jobs,
    pub(super) paces: Paces,
    pub(super) unheard: Unheard,
    pub(super) entrance: Entrance,
    /// How many workers are being started.
    pub(super) launching: usize,
    /// Of how many workers that have ended the descendants are being killed.
    pub(super) leaving_descendants: usize,
    /// Workers that are to be started later.
    pub(super) postponed: BTreeSet<(Instant, WorkerId)>,
    /// When lost tasks have waited that are to be tried again.
    pub(super) held: BTreeSet<(Instant, JobId, u32)>,
    /// What to do when the lock is free.
    pub(super) effects: Vec<Effect>,
    /// Why the pool takes no more tasks.
    pub(super) refusal: Option<Error>,
    /// Why the last worker could not be started, or how it ended.
    pub(super) trouble: Option<Error>,
    /// When that was.
    pub(super) troubled: Option<Instant>,
    pub(super) trace: Option<Trace>,
}

/// What takes a while, or runs user code, and ends in a call of the core.
pub(super) enum Effect {
    /// Start a worker, which has this index.
    Launch(WorkerId, usize),
    /// Look at what the initializer returned in a worker, which ran from when to when.
    Judge(WorkerId, Judge, Outcome, Span),
    /// Tell a submitter that it is let in.
    LetIn(Arc<Latch>),
    /// Kill what a worker has started that has ended.
    EndDescendants(Lineage),
    /// Wait until what a worker wrote to its standard error, which has ended, has arrived.
    PassOn(Relayed),
}

impl PoolState {
    /// A pool whose first workers are to be started.
    pub(super) fn new(env: Arc<Env>, trace: Option<Trace>) -> PoolState {
        let scheduler = Scheduler::new(env.settings.policy);
        let entrance = Entrance::new(env.settings.queue_limits);
        PoolState {
            env,
            scheduler,
            workers: HashMap::new(),
            jobs: Jobs::default(),
            paces: Paces::default(),
            unheard: Unheard::default(),
            entrance,
            launching: 0,
            leaving_descendants: 0,
            postponed: BTreeSet::new(),
            held: BTreeSet::new(),
            effects: Vec::new(),
            refusal: None,
            trouble: None,
            troubled: None,
            trace,
        }
    }

    pub(super) fn submit(&mut self, job: PoolJob) -> JobId {
        match self.append(&job) {
            Some(id) => {
                self.act();
                id
            }
            None => self.submit_to(None, job),
        }
    }

    /// Makes a task one more of the series that was submitted last, if it belongs to that. What then is to
    /// be done, if anything, the scheduler knows.
    pub(super) fn append(&mut self, task: &PoolJob) -> Option<JobId> {
        self.hear_all();
        if self.refusal.is_some() || self.scheduler.has_idle() || !task.can_be_in_series() {
            return None;
        }
        let (series, place) = self.jobs.append(task)?;
        let terms = self.terms(task, None, true);
        self.scheduler.extended(series, place, terms);
        Some(series + JobId::from(place))
    }

    /// Whether a task can be the first of a series: if it has to wait. Who looks at a trace looks at each
    /// task by itself.
    fn can_begin_series(&self, job: &PoolJob) -> bool {
        self.trace.is_none() && !self.scheduler.has_idle() && job.can_be_in_series()
    }

    fn terms(&mut self, job: &PoolJob, only: Option<u32>, is_series: bool) -> Terms {
        Terms {
            priority: job.options.priority.unwrap_or_default(),
            retries: job.options.retries,
            only,
            kind: is_series.then(|| self.paces.kind(job.worker)),
        }
    }

    /// Takes a job in, for the worker with this index alone if there is one.
    pub(super) fn submit_to(&mut self, only: Option<u32>, mut job: PoolJob) -> JobId {
        if let Some(refusal) = &self.refusal {
            return self.jobs.refuse(&job, refusal);
        }
        self.hear_all();
        let is_series = only.is_none() && self.can_begin_series(&job);
        let terms = self.terms(&job, only, is_series);
        if is_series {
            job.begin_series();
        }
        let (function, from) = (job.worker, &mut job.submitted);
        from.thread = self.trace.as_ref().map_or(0, |_| thread::id());
        let from = *from;
        let (id, count) = self.jobs.add(job);
        if let Some(trace) = &self.trace {
            trace.file().submitted(function, id, count, from);
        }
        self.scheduler.submitted_with(id, count, terms);
        self.act();
        self.trace_load();
        id
    }

    /// Traces how many tasks wait, and the memory of the workers.
    pub(super) fn trace_load(&self) {
        let Some(trace) = &self.trace else { return };
        let mut file = trace.file();
        file.queue(self.waiting().tasks);
        for worker in self.workers.values() {
            let process = worker.process.id();
            if file.wants_memory(process)
                && let Some(bytes) = worker.memory()
            {
                file.memory(process, bytes);
            }
        }
    }

    /// Has the pool have this many workers.
    pub(super) fn resize(&mut self, workers: usize) -> Result<()> {
        if let Some(refusal) = &self.refusal {
            return Err(match refusal.kind() {
                ErrorKind::Closed => {
                    let text = "a pool that was shut down cannot be resized";
                    Error::new(ErrorKind::Closed, text)
                }
                _ => refusal.duplicate(),
            });
        }
        self.env.set_workers(workers);
        let floor = floor(workers, self.env.settings.staying);
        self.scheduler.resize(workers, floor);
        self.act();
        Ok(())
    }

    /// The tasks that no worker has been given, and those of a series that were sent ahead of time: all but
    /// the next one, which a worker begins without saying so.
    pub(super) fn waiting(&self) -> Load {
        let given = self.workers.iter().filter_map(|(id, worker)| {
            let (part, answered) = self.scheduler.part(*id)?;
            let last = match part.kind {
                Some(_) => {
                    let begun = worker.ledger.claimed().unwrap_or(part.count);
                    part.count.min(begun.max(answered + 1))
                }
                None => part.count,
            };
            let (first, count) = (part.first + answered, last.saturating_sub(answered));
            Some(self.jobs.load_of(part.job, first, count))
        });
        given.fold(self.jobs.load(), |waiting, given| waiting - given)
    }

    /// Lets a submitter in, if there is room now and no other is before it.
    pub(super) fn enter(&mut self, load: Load) -> Option<SubmitterId> {
        let (waiting, is_closed) = (self.waiting(), self.refusal.is_some());
        self.entrance.enter(load, waiting, is_closed)
    }

    /// Lets submitters in, as far as there is room now.
    pub(super) fn admit(&mut self) {
        if !self.entrance.has_line() {
            return;
        }
        let (waiting, is_closed) = (self.waiting(), self.refusal.is_some());
        while let Some(turn) = self.entrance.admit(waiting, is_closed) {
            self.effects.push(Effect::LetIn(turn));
        }
    }

    /// No more jobs: those that are there are done, then the workers leave.
    pub(super) fn drain(&mut self) {
        self.refuse();
        self.scheduler.drain();
        self.act();
    }

    /// Lets other workers have what one has not begun.
    pub(super) fn recall(&mut self, id: WorkerId) {
        let (Some(worker), Some((_, answered))) = (self.workers.get(&id), self.scheduler.part(id))
        else {
            return;
        };
        let Some(begun) = worker.ledger.recall() else {
            return self.kill(id, Purpose::Nonsense);
        };
        if worker.outbox.is_some() && begun <= answered {
            // What it has of a long message is of no use.
            self.kill(id, Purpose::Leaving);
        }
        self.scheduler.recalled(id, begun, true);
    }

    /// Fails tasks that no worker will run.
    fn give_up(&mut self, parts: &[Part], why: Hopeless) {
        for part in parts {
            let Some(function) = self.jobs.function(part.job) else {
                continue;
            };
            for task in part.first..part.first + part.count {
                let error = match (why, &self.trouble) {
                    (Hopeless::Resized, _) => not_there_any_more(function),
                    (Hopeless::NotStarted, Some(trouble)) => {
                        not_started(function, trouble.kind()).with_source(trouble.duplicate())
                    }
                    (Hopeless::NotStarted, None) => not_started(function, ErrorKind::Spawn),
                };
                let outcome = Outcome::Failed(error);
                self.jobs.deliver(part.job, task, outcome, None);
            }
        }
    }

    /// Asks a worker to stop a task of its part, which it has begun, and ends it for this purpose when
    /// the time is over.
    pub(super) fn ask(&mut self, id: WorkerId, task: u32, purpose: Purpose, grace: Duration) {
        if grace.is_zero() {
            return self.inquire(id, purpose);
        }
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.ask(Asked {
                task,
                purpose,
                until: deadline::after(grace),
            });
        }
    }

    /// Ends a worker that takes too long, after it was asked where it is. It gets nothing more to do.
    pub(super) fn inquire(&mut self, id: WorkerId, purpose: Purpose) {
        match self.workers.get_mut(&id) {
            Some(worker) if worker.killed.is_none() && !worker.closed => {
                worker.killed = Some(purpose);
                worker.inquiry = Some(worker.process.inquire());
                self.scheduler.retire_when_idle(id);
            }
            _ => self.kill(id, purpose),
        }
    }

    /// Ends a worker. It gets nothing more to do.
    pub(super) fn kill(&mut self, id: WorkerId, purpose: Purpose) {
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.killed.get_or_insert(purpose);
            worker.inquiry = None;
            worker.process.kill();
            self.scheduler.retire_when_idle(id);
        }
    }

    fn refuse(&mut self) {
        self.env.set_closing();
        self.refusal.get_or_insert_with(|| {
            let text = "the pool was shut down before this task was submitted";
            Error::new(ErrorKind::Closed, text)
        });
    }

    /// Gives everything up: because of an error, or because the pool was dropped.
    pub(super) fn abort(&mut self, error: Option<&Error>) {
        if let (Some(error), None) = (error, &self.refusal) {
            self.refusal = Some(error.duplicate());
        }
        self.refuse();
        self.scheduler.close();
        let ids: Vec<_> = self.workers.keys().copied().collect();
        for id in ids {
            let purpose = match self.scheduler.part(id) {
                Some(_) => Purpose::Cancelled,
                None => Purpose::Leaving,
            };
            self.kill(id, purpose);
        }
        self.jobs.fail_all(|job| match error {
            Some(error) => error.duplicate(),
            None => {
                let text = format!(
                    "the task of worker `{}` was cancelled: its pool was dropped",
                    job.worker
                );
                Error::new(ErrorKind::Cancelled, text).with_worker(job.worker)
            }
        });
        self.held.clear();
        for (_, id) in std::mem::take(&mut self.postponed) {
            self.scheduler.not_started(id);
        }
        self.act();
    }

    /// Does what the scheduler has decided.
    pub(super) fn act(&mut self) {
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
                        let since = self.troubled.unwrap_or_else(Instant::now);
                        self.postponed.insert((since + wait, id));
                    }
                    Action::Send(id, part) => self.send(id, part),
                    Action::Recall(id) => self.recall(id),
                    Action::Retire(id) => self.retire(id),
                    Action::Hold(job, task, times) => self.hold(job, task, times),
                    Action::GiveUp(parts, why) => self.give_up(&parts, why),
                    Action::Break(cause) => {
                        let text = "the pool gave up: workers keep exiting before their first task";
                        let error = match self.trouble.take() {
                            Some(trouble) if cause == Cause::Unready => trouble,
                            Some(trouble) => Error::new(trouble.kind(), text)
                                .with_exit_status(trouble.exit_status())
                                .with_stderr_tail(trouble.stderr_tail().map(Box::from))
                                .with_source(trouble),
                            None => Error::new(ErrorKind::Spawn, text),
                        };
                        self.abort(Some(&error));
                    }
                }
            }
        }
    }

    fn send(&mut self, id: WorkerId, part: Part) {
        let (Some(worker), Some(job)) = (self.workers.get_mut(&id), self.jobs.get(part.job)) else {
            // It was given up meanwhile.
            self.scheduler.answered(id, part.count);
            return;
        };
        let timeout = job.options.timeout;
        let sent = worker.send(part.count, |round, lent| job.message(part, round, lent));
        worker.check = timeout.and_then(deadline::after);
        match sent {
            Ok(()) => {
                if worker.watch_outbox(&self.env.poller, id).is_err() {
                    // It cannot be had the rest.
                    return self.kill(id, Purpose::Leaving);
                }
                if worker.reader == Reader::Idle {
                    let is_simple = worker.outbox.is_none() && timeout.is_none();
                    let may_be_unheard = is_simple && job.is_one_task();
                    if may_be_unheard && self.unheard.may_be(id) {
                        self.env.set_unheard(true);
                    } else {
                        worker.set_reader(&self.env.poller, id, Reader::Supervisor);
                    }
                }
            }
            // It has not taken in what it was sent and is not to run any more, and there is no room for more of
            // it. What it was to run it has not begun: another does.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.kill(id, Purpose::Leaving);
            }
            Err(error) => {
                let text = format!("the arguments of worker `{}` cannot be sent", job.worker);
                let error = Error::new(ErrorKind::Encode, text)
                    .with_worker(job.worker)
                    .with_source(error);
                // What it has of the message is of no use.
                self.kill(id, Purpose::Leaving);
                let outcome = Outcome::Failed(error);
                self.jobs.deliver(part.job, part.first, outcome, None);
                self.scheduler.answered(id, 1);
            }
        }
    }

    /// Has the supervisor read what a worker says that no one reads.
    pub(super) fn hear_all(&mut self) {
        if let Some(id) = self.unheard.take() {
            self.hear_again(id);
        }
    }

    /// Has it read what this one says, unless that has nothing to say or a thread reads it.
    pub(super) fn hear_again(&mut self, id: WorkerId) {
        self.env.set_unheard(self.unheard.is_any());
        let is_busy = self.scheduler.part(id).is_some();
        if let Some(worker) = self.workers.get_mut(&id)
            && is_busy
            && worker.reader == Reader::Idle
        {
            worker.set_reader(&self.env.poller, id, Reader::Supervisor);
        }
    }

    /// Has a task wait that was lost so often.
    fn hold(&mut self, job: JobId, task: u32, times: u32) {
        let delay = self.env.settings.retry_delay;
        let wait = delay.map_or(Duration::ZERO, |delay| delay.wait(times));
        // Otherwise, it is to wait longer than the clock runs.
        if let Some(at) = deadline::after(wait) {
            self.held.insert((at, job, task));
        }
    }

    pub(super) fn begin_launch(&mut self, id: WorkerId) {
        self.launching += 1;
        let index = self.scheduler.index(id);
        self.effects.push(Effect::Launch(id, index));
    }

    /// A worker can work.
    pub(super) fn ready(&mut self, id: WorkerId) {
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.stage = WorkerStage::Working;
            worker.ready = Some(Instant::now());
            worker.heard = Instant::now();
            self.scheduler.ready(id);
            self.jobs.counters.ready(id, now());
        }
    }

    /// Whether as many workers can work as are there when there is nothing to do.
    pub(super) fn is_ready(&self) -> bool {
        let workers = self.workers.values();
        let ready = workers.filter(|worker| worker.stage == WorkerStage::Working);
        ready.count() >= self.scheduler.floor()
    }

    fn retire(&mut self, id: WorkerId) {
        let Some(worker) = self.workers.get_mut(&id) else {
            return;
        };
        worker.check = None;
        worker.leave = deadline::after(FAREWELL);
        worker.process.expect_end();
        let farewell = EncodedMessage {
            head: vec![Request::Retire as u8],
            ..EncodedMessage::default()
        };
        if worker.process.send(farewell).is_err() {
            self.kill(id, Purpose::Leaving);
        }
    }
}

fn not_there_any_more(function: &'static str) -> Error {
    let text = format!(
        "the task of worker `{function}` was cancelled before it began: it was for one process of the pool, which the pool has no more since it was resized"
    );
    Error::new(ErrorKind::Cancelled, text).with_worker(function)
}

fn not_started(function: &'static str, kind: ErrorKind) -> Error {
    let text =
        format!("worker `{function}` cannot run: no process can be started for it in the pool");
    Error::new(kind, text).with_worker(function)
}
