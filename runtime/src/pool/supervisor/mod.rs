//! The effects of a pool: sending, receiving, killing, replacing.
//!
//! # Who does what
//!
//! The pool's state is one mutex's, and no thread waits for anything while holding it. A thread per
//! pool, the supervisor, waits for all that can happen (replies, ends of processes, room to send,
//! deadlines), takes it in and acts on it. `submit` acts on the state itself, so that a task for
//! an idle worker is on its way without a detour. Starting a process takes a while and has a
//! thread of its own for that while. What takes time or runs user code is done when the mutex is
//! free again: results are given out and wakers called ([`Delivery`](jobs::Delivery)); workers are
//! started, and what an initializer returned is looked at, on threads of their own
//! ([`Effect`](core::Effect)). Callbacks have a thread of their own, too.
//!
//! A copy of the program made by `fork` has the pool's memory and none of its threads: every public
//! function asks where it is ([`SharedPool::is_here`]) before it takes a lock.
//!
//! Each file uses those below it only:
//!
//! | file | |
//! |---|---|
//! | here | the lock, the supervisor's thread, and what is done beside the lock |
//! | [`listen`] | hearing a result without a detour |
//! | [`deadlines`] | what happens because time passes |
//! | [`cancel`] | tasks that are given up |
//! | [`life`] | how workers come and go |
//! | [`intake`] | what workers say |
//! | [`core`] | the state, and what users and the scheduler do to it |
//! | [`entrance`] | who may submit, where the number of waiting tasks is limited |
//! | [`jobs`] | jobs that have tasks without an outcome, and outcomes on their way |
//! | [`unheard`] | who need not be heard because a thread is about to |
//! | [`launch`] | starting a worker |
//! | [`worker_state`] | what is known of one worker |
//! | [`env`] | what all have in common |
//! | [`deliveries`] | the threads that do something beside the lock |
//!
//! # What if a process dies
//!
//! | a worker dies | seen as | then |
//! |---|---|---|
//! | before it is ready | its pidfd, while launching | replaced, ever later; in the end an error of the pool ([the rule](super::scheduler)) |
//! | and none can be started in its place | an error of the launch | tried again, ever later; in the end the tasks that wait have that error, and the next task is tried with a new start ([the rule](super::scheduler)) |
//! | idle | its pidfd | replaced |
//! | with tasks it has not begun, such as were sent ahead of time | the [ledger](super::ledger) says so | they return to their place in the queue, and it does not count as a try |
//! | while it receives a long task | a broken pipe in the outbox, which is dropped | as above; it is lost if one after another dies of it |
//! | in a task | the ledger says which | that one is lost, or tried again |
//! | with results it has not sent | they are on the board | they count |
//! | while it sends a long result | the annex ends early, and its pidfd within a moment | as in the task |
//! | after its result | the result is received before the end is looked at | as idle |
//! | in a task whose time is over, which is asked where it is | as in a task | it was ended for its time, unless it ended in another way than by that ([`inquiry`](crate::process::Inquiry)) |
//! | in a task that was asked to stop | as in a task | it is not tried again: its result is why it was asked |
//! | of the pool's own signal | the [`Purpose`](worker_state::Purpose) it was ended for, if that is how it ended | that explains what it had begun and not answered; if that is nothing, as idle. It says nothing of the pool |
//!
//! | a worker lives | seen as | then |
//! |---|---|---|
//! | and is in a task that takes longer than those before it | nothing is heard of it for a moment | what was sent it ahead of time, of a series, is taken back, and has its place in the queue again; what it has of another job, if others are idle |
//! | and does not take in tasks that were cancelled before it began them, until there is no room for the next | it cannot be sent | it is ended, and what it was to run returns to its place in the queue |
//! | and breaks off a message | no end of it within a moment | it is killed, its task has a `Decode` error |
//! | and has overwritten its board | claims that cannot be | likewise, for all of its batch that is not answered |
//! | and answers what it was not asked | a reply without a claim | likewise |
//!
//! What a worker has started is killed when it has ended, if that is wanted
//! ([what of it](crate::Call::kill_descendants)): on a thread of its own, for which the end of the pool
//! waits.
//!
//! The program dies: its workers see their lifelines end, and end themselves.

mod cancel;
mod core;
mod deadlines;
mod deliveries;
mod entrance;
mod env;
mod intake;
mod jobs;
mod launch;
mod life;
mod listen;
mod unheard;
mod worker_state;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::task::Context;
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

pub(super) use self::entrance::SubmitterId;

use self::core::{Effect, PoolState};
use self::env::Env;
use self::jobs::Delivery;
use self::worker_state::WorkerSource;
use super::callbacks::{Callback, Callbacks};
use super::job::PoolJob;
use super::latch::{Latch, Listener};
use super::load::Load;
use super::name::{Name, NameCache};
use super::outcome::Outcome;
use super::pause::Pause;
use super::recipe::Recipe;
use super::scheduler::{Action, JobId, WorkerId};
use super::settings::{Judge, Settings};
use super::slot::Slot;
use super::stats::{Observed, PoolStats};
use crate::dispatch::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::foreign::{self, forget_panic};
use crate::lock::{lock, wait};
use crate::process::TaskLimits;
use crate::records;
use crate::sys::clock::nanoseconds as now;
use crate::sys::copy::Home;
use crate::sys::lineage::Lineage;
use crate::sys::poller::Poller;
use crate::sys::refused::Naming as _;
use crate::sys::usage_so_far::usage_so_far;
use crate::trace::{Span, Trace};

/// A pool, as its supervisor and all who hold something of it share it.
pub(super) struct SharedPool {
    state: Mutex<Guarded>,
    /// Set when the pool is over.
    over: Latch,
    /// Told when something has happened, if a thread waits for workers to be ready.
    readiness: Condvar,
    env: Arc<Env>,
    names: NameCache,
    callbacks: Callbacks,
    /// Of threads that read what a worker says.
    pause: Pause,
    /// The process whose pool it is.
    home: Home,
}

/// What stands under the pool's lock.
struct Guarded {
    core: PoolState,
    supervisor: Option<ThreadId>,
    /// Until when the supervisor sleeps if nothing happens.
    sleeping_until: Option<Instant>,
    /// Whether a thread waits for workers to be ready.
    awaits_ready: bool,
}

impl SharedPool {
    /// Starts the workers and the supervisor.
    pub(super) fn start(
        settings: Settings,
        recipe: Recipe,
        trace: Option<Trace>,
    ) -> Result<(Arc<SharedPool>, JoinHandle<()>)> {
        let failed = |error| Error::not_started("cannot start a pool", error);
        let poller = Poller::new().map_err(failed)?;
        let env = Env::new(poller, settings, recipe);
        let mut core = PoolState::new(Arc::clone(&env), trace);
        let first = core.scheduler.actions();
        let shared = Arc::new(SharedPool {
            state: Mutex::new(Guarded {
                core,
                supervisor: None,
                sleeping_until: None,
                awaits_ready: false,
            }),
            over: Latch::default(),
            readiness: Condvar::new(),
            env,
            names: NameCache::default(),
            callbacks: Callbacks::default(),
            pause: Pause::new(),
            home: Home::here(),
        });
        let mut started = Ok(());
        for action in first {
            if let Action::Launch(id, _) = action {
                let launched = match &started {
                    Ok(()) => {
                        let index = shared.with(|core| core.scheduler.index(id));
                        launch::launch(&shared.env, id, index)
                    }
                    Err(_) => Err(Error::new(ErrorKind::Spawn, "not tried")),
                };
                let error = launched.as_ref().err().map(Error::duplicate);
                shared.with(|core| {
                    core.launching += 1;
                    core.launched(id, launched);
                });
                if let (Some(error), Ok(())) = (error, &started) {
                    started = Err(error);
                    shared.with(|core| core.abort(None));
                }
            }
        }
        let thread = thread::Builder::new().name("multiproc-pool".to_owned());
        let theirs = Arc::clone(&shared);
        let supervisor = thread
            .spawn(move || theirs.supervise())
            .naming("clone")
            .map_err(failed)?;
        shared.lock().supervisor = Some(supervisor.thread().id());
        match started {
            Ok(()) => Ok((shared, supervisor)),
            Err(error) => {
                let _ = supervisor.join();
                Err(error)
            }
        }
    }

    /// Whether this process is the one whose pool it is. In a copy of that nothing works, and a lock
    /// may be held for ever.
    pub(super) fn is_here(&self) -> bool {
        self.home.is_here()
    }

    /// Why nothing works in a copy.
    pub(super) fn check_here(&self) -> Result<()> {
        if self.is_here() {
            return Ok(());
        }
        let text = "the pool belongs to another process: this one is a copy of it, made by `fork`, and needs a pool of its own, in a program that it executes";
        Err(Error::new(ErrorKind::Unsupported, text))
    }

    /// Takes a job in. What is wrong with it or the pool comes as its result.
    pub(super) fn submit(self: &Arc<Self>, job: PoolJob) -> JobId {
        let appended = {
            let core = &mut self.lock().core;
            let id = core.append(&job);
            id.map(|id| (id, core.scheduler.has_actions()))
        };
        match appended {
            // Nothing follows from that, as a rule.
            Some((id, false)) => id,
            Some((id, true)) => {
                self.with(PoolState::act);
                id
            }
            None => self.with(|core| core.submit(job)),
        }
    }

    /// Takes a job in for the worker with this index alone.
    pub(super) fn submit_to(self: &Arc<Self>, index: u32, job: PoolJob) -> JobId {
        self.with(|core| core.submit_to(Some(index), job))
    }

    /// The most workers.
    pub(super) fn workers(&self) -> usize {
        self.env.workers()
    }

    /// Has the pool have this many workers.
    pub(super) fn resize(self: &Arc<Self>, workers: usize) -> Result<()> {
        self.with(|core| core.resize(workers))
    }

    /// Lets a submitter in, if there is room for so much and no other is before it.
    pub(super) fn enter(self: &Arc<Self>, load: Load) -> Option<SubmitterId> {
        self.with(|core| core.enter(load))
    }

    /// Lets a submitter in, or has it wait for its turn.
    pub(super) fn line_up(self: &Arc<Self>, load: Load) -> (SubmitterId, Option<Arc<Latch>>) {
        self.with(|core| match core.enter(load) {
            Some(id) => (id, None),
            None => {
                let (id, turn) = core.entrance.line_up(load);
                (id, Some(turn))
            }
        })
    }

    /// Lets a submitter leave that has nothing to hand in.
    pub(super) fn leave(self: &Arc<Self>, id: SubmitterId, load: Load) {
        self.with(|core| core.entrance.leave(id, load));
    }

    /// Takes in the job of a submitter that entered.
    pub(super) fn submit_from(
        self: &Arc<Self>,
        id: SubmitterId,
        load: Load,
        job: PoolJob,
    ) -> JobId {
        self.with(|core| {
            core.entrance.leave(id, load);
            core.submit(job)
        })
    }

    /// How much more may wait.
    pub(super) fn room(&self) -> Load {
        let limits = self.settings().queue_limits;
        if limits.are_none() {
            return limits.left(Load::default());
        }
        let core = &self.lock().core;
        core.entrance.room(core.waiting())
    }

    /// Whether no more may wait.
    pub(super) fn is_full(&self) -> bool {
        let room = self.room();
        room.tasks == 0 || room.bytes == 0
    }

    /// Whether this is the thread without which nothing happens.
    pub(super) fn is_supervisor(&self) -> bool {
        self.lock().supervisor == Some(thread::current().id())
    }

    /// How messages to the workers name a function whose tasks have these limits.
    pub(super) fn name_of(&self, entry: &'static Entry, limits: &TaskLimits) -> Result<Name> {
        self.names.of(entry, limits)
    }

    /// Waits until a task is finished; false if the limit came first.
    pub(super) fn wait(
        self: &Arc<Self>,
        job: Option<JobId>,
        slot: &Slot,
        limit: Option<Instant>,
    ) -> bool {
        if slot.is_finished() {
            return true;
        }
        let direct = job.and_then(|job| {
            self.with(|core| {
                let direct = core.begin_direct_wait(job);
                // If not by this thread, then by the supervisor.
                core.hear_all();
                direct
            })
        });
        if let Some(direct) = direct {
            direct.wait(slot, &self.pause, limit);
            self.with(|core| core.end_direct_wait(direct.worker));
        }
        slot.wait(limit)
    }

    /// Something else than a thread that waits wants to know of a task.
    pub(super) fn listen(self: &Arc<Self>) {
        if self.env.is_unheard() {
            self.with(PoolState::hear_all);
        }
    }

    /// Whether a worker has begun a task. One whose outcome is being given out just now counts.
    pub(super) fn is_running(&self, task: JobId) -> bool {
        let core = &self.lock().core;
        let found = core.jobs.find(task);
        if found.is_none() {
            return true;
        }
        let worker = found.and_then(|(job, place)| {
            let id = core.scheduler.worker_with(job, place)?;
            let (part, _) = core.scheduler.part(id)?;
            Some((core.workers.get(&id)?, place - part.first))
        });
        worker.is_some_and(|(worker, place)| {
            let claimed = worker.ledger.claimed();
            claimed.is_none_or(|claimed| claimed > place)
        })
    }

    /// Gives a job up. False if it is finished.
    pub(super) fn cancel(self: &Arc<Self>, job: JobId) -> bool {
        self.with(|core| core.cancel(job))
    }

    /// Gives a job of one task up, which may end by itself within this time if a worker has begun it.
    /// False if it is finished.
    pub(super) fn cancel_within(self: &Arc<Self>, job: JobId, grace: Duration) -> bool {
        self.with(|core| core.cancel_within(job, grace))
    }

    /// Cancels all that is not begun, and says how many tasks that is.
    pub(super) fn cancel_queued(self: &Arc<Self>) -> usize {
        self.with(PoolState::cancel_queued)
    }

    /// Lets the tasks of jobs that are not begun be forgotten.
    pub(super) fn abandon(self: &Arc<Self>, jobs: &[JobId]) {
        self.with(|core| jobs.iter().for_each(|job| core.abandon(*job)));
    }

    /// No more jobs: those that are there are done, then the workers leave.
    pub(super) fn drain(self: &Arc<Self>) {
        self.with(PoolState::drain);
        self.env.poller.wake();
    }

    /// Cancels what is queued and kills what runs.
    pub(super) fn close(self: &Arc<Self>) {
        self.with(|core| core.abort(None));
        self.env.poller.wake();
    }

    /// Whether the pool takes no more jobs.
    pub(super) fn is_closing(&self) -> bool {
        self.env.is_closing()
    }

    /// Waits until the last worker is gone; false if the limit came first. Not possible on the
    /// supervisor's own thread.
    pub(super) fn wait_over(&self, limit: Option<Instant>) -> bool {
        if self.is_supervisor() {
            return self.over.is_set();
        }
        let is_over = self.env.deliveries.step_aside(|counted| {
            if counted {
                // The supervisor may wait for that only.
                self.env.poller.wake();
            }
            self.over.wait(limit)
        });
        if is_over {
            records::catch_up_with_ended();
        }
        is_over
    }

    /// Waits until the last worker is gone and all callbacks have been called, as far as that is
    /// possible on this thread; false if the limit came first.
    pub(super) fn finish(&self, limit: Option<Instant>) -> bool {
        let is_over = self.wait_over(limit);
        if !is_over && limit.is_some() {
            return false;
        }
        self.finish_callbacks(limit) && is_over
    }

    /// Whether all that is so; if not, `context` is woken when that may be so.
    pub(super) fn poll_finish(&self, listener: &Listener, context: &Context<'_>) -> bool {
        let is_over = self.over.poll(listener, context.waker())
            && self.callbacks.poll_finish(listener, context);
        if is_over {
            records::catch_up_with_ended();
        }
        is_over
    }

    /// Wakes a listener no more.
    pub(super) fn forget(&self, listener: &Listener) {
        self.over.forget(listener);
        self.callbacks.forget(listener);
    }

    /// What became of the pool.
    pub(super) fn outcome(&self) -> Result<()> {
        self.failure().map_or(Ok(()), Err)
    }

    /// Waits until as many workers are ready as are there when there is nothing to do, the pool is
    /// unusable, or there are no processes for it.
    pub(super) fn wait_ready(&self) -> Result<()> {
        let mut state = self.lock();
        state.awaits_ready = true;
        let is_decided = |core: &PoolState| {
            core.refusal.is_some() || core.is_ready() || core.scheduler.is_stalled()
        };
        while !is_decided(&state.core) {
            state = wait(&self.readiness, state);
        }
        state.awaits_ready = false;
        let trouble = match &state.core.trouble {
            Some(trouble) if state.core.scheduler.is_stalled() => Some(trouble.duplicate()),
            _ => None,
        };
        drop(state);
        self.failure().or(trouble).map_or(Ok(()), Err)
    }

    /// The error that ended the pool, if one did.
    fn failure(&self) -> Option<Error> {
        let core = &self.lock().core;
        let refusal = core.refusal.as_ref();
        refusal
            .filter(|error| error.kind() != ErrorKind::Closed)
            .map(Error::duplicate)
    }

    pub(super) fn worker_ids(&self) -> Vec<u32> {
        let core = &self.lock().core;
        let mut workers: Vec<_> = core.workers.iter().collect();
        workers.sort_by_key(|(id, _)| **id);
        workers
            .iter()
            .map(|(_, worker)| worker.process.id())
            .collect()
    }

    /// How many tasks wait, and how many run.
    pub(super) fn load(&self) -> (usize, usize) {
        let core = &self.lock().core;
        let mut queued = core.scheduler.queued();
        let mut active = 0;
        for (id, worker) in &core.workers {
            if let Some((part, answered)) = core.scheduler.part(*id) {
                let claimed = worker.ledger.claimed().unwrap_or(part.count);
                let begun = claimed.clamp(answered, part.count);
                queued += (part.count - begun) as usize;
                active += usize::from(begun > answered);
            }
        }
        (queued, active)
    }

    pub(super) fn stats(&self) -> PoolStats {
        let ids: Vec<_> = {
            let core = &self.lock().core;
            let workers = core.workers.iter();
            workers
                .map(|(id, worker)| (*id, worker.process.id()))
                .collect()
        };
        // It takes a while, so not under the lock.
        let usages = ids
            .into_iter()
            .filter_map(|(id, process)| Some((id, usage_so_far(process)?)));
        let mut observed: Observed = usages.collect();
        let (counters, now) = {
            let core = &self.lock().core;
            // As long as a worker is there, its process is not reaped, and its id is its own.
            observed.retain(|id, _| core.workers.contains_key(id));
            let mut counters = core.jobs.counters.clone();
            counters.retried = core.scheduler.retried;
            (counters, now())
        };
        let env = &self.env;
        PoolStats::new(&env.settings.name, (env.began, now), counters, &observed)
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.env.settings
    }

    /// Calls a callback, on the thread for that.
    pub(super) fn run_callback(&self, callback: Callback, outcome: Outcome) {
        drop(self.callbacks.run(callback, outcome));
    }

    /// Waits until all callbacks have been called, unless this is one of them; false if the limit
    /// came first.
    pub(super) fn finish_callbacks(&self, limit: Option<Instant>) -> bool {
        self.callbacks.finish(limit)
    }

    fn lock(&self) -> MutexGuard<'_, Guarded> {
        lock(&self.state)
    }

    /// Works on the state and then does what must not be done under its lock.
    fn with<T>(self: &Arc<Self>, work: impl FnOnce(&mut PoolState) -> T) -> T {
        let mut state = self.lock();
        let core = &mut state.core;
        let result = work(core);
        core.admit();
        let outcomes = core.jobs.take_ready();
        let effects = std::mem::take(&mut core.effects);
        let is_more = !outcomes.is_empty() || !effects.is_empty();
        if state.awaits_ready {
            self.readiness.notify_all();
        }
        let core = &mut state.core;
        if is_more {
            self.env.deliveries.announce();
        }
        let deadline = core.deadline();
        let is_another = |id| id != thread::current().id();
        let wake = state.supervisor.is_some_and(is_another)
            && match (deadline, state.sleeping_until) {
                (Some(deadline), Some(until)) => deadline < until,
                (deadline, until) => deadline.is_some() && until.is_none(),
            };
        drop(state);
        if wake {
            self.env.poller.wake();
        }
        if is_more {
            let perform = || self.perform(outcomes, effects);
            let was_last = self.env.deliveries.make(perform);
            // The supervisor may wait for that only.
            if was_last && self.env.is_closing() {
                self.env.poller.wake();
            }
        }
        result
    }

    /// Does what is to be done beside the lock. Whatever becomes of user code, this goes on.
    fn perform(self: &Arc<Self>, outcomes: Vec<Delivery>, effects: Vec<Effect>) {
        // Who hears of a death finds the last words of it where they belong.
        for effect in &effects {
            if let Effect::PassOn(stderr) = effect {
                stderr.settle();
            }
        }
        for outcome in outcomes {
            foreign::call(|| outcome.give(&self.callbacks));
        }
        for effect in effects {
            foreign::call(|| match effect {
                Effect::Launch(id, index) => self.launch(id, index),
                Effect::Judge(id, judge, outcome, span) => self.judge(id, judge, outcome, span),
                Effect::EndDescendants(lineage) => self.end_descendants(lineage),
                Effect::LetIn(turn) => turn.set(),
                Effect::PassOn(stderr) => drop(stderr),
            });
        }
    }

    /// Starts a worker.
    fn launch(self: &Arc<Self>, id: WorkerId, index: usize) {
        let env = Arc::clone(&self.env);
        let not_done = |reason| {
            let text = "cannot start a process for the pool";
            match reason {
                NotDone::NoThread(error) => Error::not_started(text, error),
                NotDone::Panicked => {
                    Error::new(ErrorKind::Spawn, format!("{text}: its thread panicked"))
                }
            }
        };
        self.aside(
            "multiproc-launch",
            move || launch::launch(&env, id, index),
            not_done,
            move |core, launched| core.launched(id, launched),
        );
    }

    /// Kills what a worker has started that has ended.
    fn end_descendants(self: &Arc<Self>, lineage: Lineage) {
        let theirs = Arc::clone(self);
        let end = move || {
            lineage.end();
            theirs.with(|core| core.leaving_descendants -= 1);
            // It may be the last thing the supervisor waits for.
            theirs.env.poller.wake();
        };
        let thread = thread::Builder::new().name("multiproc-descendants".to_owned());
        if thread.spawn(end.clone()).is_err() {
            end();
        }
    }

    /// Looks at what the initializer returned. User code runs.
    fn judge(self: &Arc<Self>, id: WorkerId, judge: Judge, outcome: Outcome, span: Span) {
        let not_done = |reason| match reason {
            NotDone::NoThread(error) => {
                let text =
                    "cannot check the result of the pool's initializer: no thread can be started";
                Error::new(ErrorKind::Spawn, text).with_source(error)
            }
            NotDone::Panicked => {
                let text = "the pool's initializer failed: checking its result panicked";
                Error::new(ErrorKind::Decode, text)
            }
        };
        self.aside(
            "multiproc-judge",
            move || judge(outcome),
            not_done,
            move |core, judged| core.judged(id, judged, span),
        );
    }

    /// Does some work on a thread of its own, and tells the core what came of it.
    fn aside<T: 'static>(
        self: &Arc<Self>,
        name: &str,
        work: impl FnOnce() -> Result<T> + Send + 'static,
        not_done: impl Fn(NotDone) -> Error + Send + Copy + 'static,
        tell: impl Fn(&mut PoolState, Result<T>) + Send + Copy + 'static,
    ) {
        let theirs = Arc::clone(self);
        let run = move || {
            let done = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
                forget_panic(Err(payload));
                Err(not_done(NotDone::Panicked))
            });
            theirs.with(|core| tell(core, done));
            // It may be the last thing the supervisor waits for.
            theirs.env.poller.wake();
        };
        let thread = thread::Builder::new().name(name.to_owned());
        if let Err(error) = thread.spawn(run).naming("clone") {
            let error = not_done(NotDone::NoThread(error));
            self.with(|core| tell(core, Err(error)));
        }
    }

    /// The life of the supervisor.
    fn supervise(self: &Arc<Self>) {
        loop {
            match catch_unwind(AssertUnwindSafe(|| self.watch())) {
                Ok(false) => {}
                Ok(true) => break,
                // A fault in here shall not have other threads wait for ever.
                Err(payload) => {
                    forget_panic(Err(payload));
                    let text = "the pool's supervisor panicked, which is a fault of the library";
                    let error = Error::new(ErrorKind::Spawn, text);
                    let abort = AssertUnwindSafe(|| self.with(|core| core.abort(Some(&error))));
                    if catch_unwind(abort).is_err() {
                        break;
                    }
                }
            }
        }
        // What it holds may be what others wait for.
        self.env.drop_recipe();
        let state = self.lock();
        if let Some(trace) = &state.core.trace {
            trace.file().finish();
        }
        drop(state);
        self.over.set();
    }

    /// Does what is due, and waits for what happens next and takes it in. True when the pool is
    /// over.
    fn watch(self: &Arc<Self>) -> bool {
        if self.with(PoolState::tick) {
            return true;
        }
        let deadline = {
            let mut state = self.lock();
            state.sleeping_until = state.core.deadline();
            state.sleeping_until
        };
        let keys = self.env.poller.wait(deadline);
        self.with(|core| {
            for key in keys {
                let (id, source) = WorkerSource::of(key);
                core.look_after(id, source);
            }
        });
        false
    }
}

/// Why there is no result of work that was to be done on a thread of its own.
enum NotDone {
    NoThread(io::Error),
    Panicked,
}
