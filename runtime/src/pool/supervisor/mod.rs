//! The effects of a pool: sending, receiving, killing, replacing.
//!
//! # Who does what
//!
//! The pool's state is one mutex's, and nobody waits for anything while holding it. A thread per
//! pool, the supervisor, waits for all that can happen (replies, ends of processes, room to send,
//! deadlines), takes it in and acts on it. `submit` acts on the state itself, so that a task for
//! an idle worker is on its way without a detour. Starting a process takes a while and has a
//! thread of its own for that while. What takes time or runs user code is an [`Effect`](delivery::Effect),
//! done when the mutex is free again: results are given out and wakers called; what an initializer
//! returned is looked at, on a thread of its own. Callbacks have a thread of their own, too.
//!
//! A copy of the program made by `fork` has the pool's memory and none of its threads: every public
//! function asks where it is ([`Shared::is_here`]) before it takes a lock.
//!
//! | file | |
//! |---|---|
//! | [`core`] | the state, and what users do to it |
//! | [`crew`] | one member |
//! | [`life`] | how members come and go |
//! | [`intake`] | what members say |
//! | [`listen`] | hearing it without a detour |
//! | [`delivery`] | what is done when the lock is free |
//! | [`deadlines`] | what happens because time passes |
//!
//! # What if a process dies
//!
//! | a worker dies | seen as | then |
//! |---|---|---|
//! | before it is ready | its pidfd, while launching | replaced, ever later; in the end an error of the pool ([the rule](super::scheduler)) |
//! | idle | its pidfd | replaced |
//! | with tasks it has not begun | the [ledger](super::ledger) says so | they return to the queue |
//! | while it receives a long task | a broken pipe in the outbox, which is dropped | as above; it is lost if one after another dies of it |
//! | in a task | the ledger says which | that one is lost, or tried again |
//! | with results it has not sent | they are on the board | they count |
//! | while it sends a long result | the annex ends early, and its pidfd within a moment | as in the task |
//! | after its result | the result is received before the end is looked at | as idle |
//! | of the pool's own signal | the [`Purpose`](crew::Purpose) it was ended for, if that is how it ended | that explains what it had begun and not answered; if that is nothing, as idle. It says nothing of the pool |
//!
//! | a worker lives | seen as | then |
//! |---|---|---|
//! | and breaks off a message | no end of it within a moment | it is killed, its task has a `Decode` error |
//! | and has overwritten its board | claims that cannot be | likewise, for all of its batch that is not answered |
//! | and answers what it was not asked | a reply without a claim | likewise |
//!
//! The program dies: its workers see their lifelines end, and end themselves.

mod core;
mod crew;
mod deadlines;
mod delivery;
mod intake;
mod life;
mod listen;

use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use self::core::Core;
use super::builder::{Initializer, Settings};
use super::callbacks::Callbacks;
use super::job::Job;
use super::pause::Pause;
use super::scheduler::{Action, JobId, MemberId, Scheduler};
use super::slot::Callback;
use super::stats::Counters;
use super::task::Outcome;
use super::trace::Trace;
use crate::error::{Error, ErrorKind, Result};
use crate::foreign::forget_panic;
use crate::sys::copy::Home;
use crate::sys::poller::Poller;
use crate::sys::refused::Naming as _;

/// What others and the supervisor share.
pub(super) struct Shared {
    core: Mutex<Core>,
    /// Told when the pool is over.
    over: Condvar,
    poller: Poller,
    settings: Settings,
    /// Until the pool is over: its arguments may hold something open.
    initializer: Mutex<Option<Arc<Initializer>>>,
    callbacks: Callbacks,
    /// Of threads that listen to a worker.
    pause: Pause,
    /// How many threads give results out, or do what else has to be done, just now.
    delivering: AtomicUsize,
    /// No more jobs are taken.
    closing: AtomicBool,
    /// The process whose pool it is.
    home: Home,
}

/// Which of a member's sources something has happened to.
const PIDFD: u64 = 0;
const CONNECTION: u64 = 1;
const ASSEMBLY: u64 = 2;
const OUTBOX: u64 = 3;

/// The key under which the supervisor hears of a member's source.
fn key(id: MemberId, source: u64) -> u64 {
    id << 2 | source
}

impl Shared {
    /// Starts the workers and the supervisor.
    pub(super) fn start(
        settings: Settings,
        initializer: Option<Initializer>,
        trace: Option<Trace>,
    ) -> Result<(Arc<Shared>, JoinHandle<()>)> {
        let failed = |error| Error::not_started("cannot start a pool", error);
        let poller = Poller::new().map_err(failed)?;
        let mut scheduler = Scheduler::new(settings.policy);
        let first = scheduler.actions();
        let shared = Arc::new(Shared {
            core: Mutex::new(Core {
                scheduler,
                members: HashMap::new(),
                jobs: HashMap::new(),
                next_job: 0,
                launching: 0,
                postponed: BTreeSet::new(),
                effects: Vec::new(),
                refusal: None,
                trouble: None,
                sleeping_until: None,
                counters: Counters::default(),
                trace,
                over: false,
                supervisor: None,
            }),
            over: Condvar::new(),
            poller,
            settings,
            initializer: Mutex::new(initializer.map(Arc::new)),
            callbacks: Callbacks::default(),
            pause: Pause::new(),
            delivering: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
            home: Home::here(),
        });
        let mut started = Ok(());
        for action in first {
            if let Action::Launch(id, _) = action {
                let launched = match &started {
                    Ok(()) => shared.launch(id),
                    Err(_) => Err(Error::new(ErrorKind::Spawn, "not tried")),
                };
                shared.lock().launching += 1;
                let error = launched.as_ref().err().map(Error::duplicate);
                shared.with(|core| core.launched(&shared, id, launched));
                if let (Some(error), Ok(())) = (error, &started) {
                    started = Err(error);
                    shared.with(|core| core.abort(&shared, None));
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
    pub(super) fn submit(self: &Arc<Self>, job: Job) -> JobId {
        self.with(|core| core.submit(self, job))
    }

    /// Whether a worker has begun a job.
    pub(super) fn is_running(&self, job: JobId) -> bool {
        let core = self.lock();
        core.scheduler.members_with(job).iter().any(|id| {
            core.members
                .get(id)
                .is_some_and(|crew| crew.ledger.claimed() != Some(0))
        })
    }

    /// Gives a job up. False if it is finished.
    pub(super) fn cancel(self: &Arc<Self>, job: JobId) -> bool {
        self.with(|core| core.cancel(self, job))
    }

    /// Cancels all that is not begun, and says how many tasks that is.
    pub(super) fn cancel_queued(self: &Arc<Self>) -> usize {
        self.with(|core| core.cancel_queued(self))
    }

    /// Lets a job's tasks that are not begun be forgotten.
    pub(super) fn abandon(self: &Arc<Self>, jobs: &[JobId]) {
        self.with(|core| jobs.iter().for_each(|job| core.abandon(self, *job)));
    }

    /// No more jobs: those that are there are done, then the workers leave.
    pub(super) fn drain(self: &Arc<Self>) {
        self.with(|core| {
            core.refuse(self);
            core.scheduler.drain();
            core.act(self);
        });
        self.wake();
    }

    /// Cancels what is queued and kills what runs.
    pub(super) fn close(self: &Arc<Self>) {
        self.with(|core| core.abort(self, None));
        self.wake();
    }

    /// Waits until the last worker is gone. Not possible on the supervisor's own thread.
    pub(super) fn wait_over(&self) {
        let mut core = self.lock();
        if core.supervisor == Some(thread::current().id()) {
            return;
        }
        while !core.over {
            core = self.over.wait(core).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The error that ended the pool, if one did.
    pub(super) fn failure(&self) -> Option<Error> {
        let core = self.lock();
        let refusal = core.refusal.as_ref();
        refusal
            .filter(|error| error.kind() != ErrorKind::Closed)
            .map(Error::duplicate)
    }

    pub(super) fn worker_ids(&self) -> Vec<u32> {
        let core = self.lock();
        let mut members: Vec<_> = core.members.iter().collect();
        members.sort_by_key(|(id, _)| **id);
        members.iter().map(|(_, crew)| crew.member.id()).collect()
    }

    /// How many tasks wait, and how many run.
    pub(super) fn load(&self) -> (usize, usize) {
        let core = self.lock();
        let mut queued = core.scheduler.queued();
        let mut active = 0;
        for (id, crew) in &core.members {
            if let Some((part, answered)) = core.scheduler.part(*id) {
                let claimed = crew.ledger.claimed().unwrap_or(part.count);
                let begun = claimed.clamp(answered, part.count);
                queued += (part.count - begun) as usize;
                active += usize::from(begun > answered);
            }
        }
        (queued, active)
    }

    pub(super) fn counters(&self) -> Counters {
        let core = self.lock();
        let mut counters = core.counters.clone();
        counters.retried = core.scheduler.retried;
        counters
    }

    /// What each worker runs first, while there is a pool.
    fn initializer(&self) -> Option<Arc<Initializer>> {
        lock(&self.initializer).clone()
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Calls a callback, on the thread for that.
    pub(super) fn run_callback(&self, callback: Callback, outcome: Outcome) {
        drop(self.callbacks.run(callback, outcome));
    }

    /// Waits until all callbacks have been called, unless this is one of them.
    pub(super) fn finish_callbacks(&self) {
        self.callbacks.finish();
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        lock(&self.core)
    }

    fn wake(&self) {
        self.poller.wake();
    }

    /// Works on the state and then does what must not be done under its lock.
    fn with<T>(self: &Arc<Self>, work: impl FnOnce(&mut Core) -> T) -> T {
        let mut core = self.lock();
        let result = work(&mut core);
        let effects = std::mem::take(&mut core.effects);
        let has_effects = !effects.is_empty();
        if has_effects {
            self.delivering.fetch_add(1, SeqCst);
        }
        let deadline = core.deadline(&self.settings);
        let wake = core
            .supervisor
            .is_some_and(|id| id != thread::current().id())
            && match (deadline, core.sleeping_until) {
                (Some(deadline), Some(until)) => deadline < until,
                (deadline, until) => deadline.is_some() && until.is_none(),
            };
        drop(core);
        if wake {
            self.wake();
        }
        if has_effects {
            self.perform(effects);
            let was_last = self.delivering.fetch_sub(1, SeqCst) == 1;
            // The supervisor may wait for that only.
            if was_last && self.closing.load(SeqCst) {
                self.wake();
            }
        }
        result
    }

    /// The life of the supervisor.
    fn supervise(self: &Arc<Self>) {
        loop {
            let round = catch_unwind(AssertUnwindSafe(|| self.watch()));
            match round {
                Ok(false) => {}
                Ok(true) => break,
                // A fault in here shall not have anybody wait for ever.
                Err(payload) => {
                    forget_panic(Err(payload));
                    let text = "the pool's supervisor panicked, which is a fault of the library";
                    let error = Error::new(ErrorKind::Spawn, text);
                    let abort =
                        AssertUnwindSafe(|| self.with(|core| core.abort(self, Some(&error))));
                    if catch_unwind(abort).is_err() {
                        break;
                    }
                }
            }
        }
        // What it holds may be what others wait for.
        let initializer = lock(&self.initializer).take();
        drop(initializer);
        let mut core = self.lock();
        core.over = true;
        if let Some(trace) = &mut core.trace {
            trace.finish();
        }
        drop(core);
        self.over.notify_all();
    }

    /// Does what is due, and waits for what happens next and takes it in. True when the pool is
    /// over.
    fn watch(self: &Arc<Self>) -> bool {
        if self.with(|core| core.tick(self)) {
            return true;
        }
        let deadline = {
            let mut core = self.lock();
            core.sleeping_until = core.deadline(&self.settings);
            core.sleeping_until
        };
        let keys = self.poller.wait(deadline);
        self.with(|core| {
            for key in keys {
                core.look_after(self, key >> 2, key & 3);
            }
        });
        false
    }
}

/// No user code runs under these locks, so a poisoned one is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
