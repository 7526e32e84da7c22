//! The effects of a pool: sending, receiving, killing, replacing.
//!
//! # Who does what
//!
//! The pool's state is one mutex's, and nobody waits for anything while holding it. A thread per
//! pool, the supervisor, waits for all that can happen (replies, ends of processes, room to send,
//! deadlines), takes it in and acts on it. `submit` acts on the state itself, so that a task for
//! an idle worker is on its way without a detour. Starting a process takes a while and has a
//! thread of its own for that while. Results are given out, and other people's wakers called,
//! when the mutex is free again; callbacks have a thread of their own.
//!
//! # What if a process dies
//!
//! | a worker dies | seen as | then |
//! |---|---|---|
//! | before it is ready | its pidfd, while launching | replaced, ever later; in the end an error of the pool |
//! | idle | its pidfd | replaced |
//! | with tasks it has not begun | the [ledger](super::ledger) says so | they return to the queue |
//! | while it receives a long task | a broken pipe in the outbox, which is dropped | as above |
//! | in a task | the ledger says which | that one is lost, or tried again |
//! | with results it has not sent | they are on the board | they count |
//! | while it sends a long result | the annex ends early, then its pidfd | as in the task |
//! | after its result | the result is received before the end is looked at | as idle |
//!
//! The program dies: its workers see their lifelines end, and end themselves.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::mpsc;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};

use super::builder::{Initializer, Settings};
use super::job::{Job, Recipient};
use super::ledger::{Ledger, now};
use super::mailbox::{Mail, Mailbox, Many};
use super::scheduler::{Action, JobId, MemberId, Part, Scheduler};
use super::stats::Counters;
use super::task::{Callback, Loss, Outcome, Slot};
use super::trace::Trace;
use super::worker::split;
use crate::codec::Message;
use crate::error::{Error, ErrorKind, Result};
use crate::process::{Killed, Member, Status, until};
use crate::protocol::{Reply, Request};
use crate::transport::{Outbox, Parcel, Received};

/// How long a part of several tasks may stand still while others are idle, before what is not
/// begun of it is given to them.
const STANDSTILL: Duration = Duration::from_millis(10);

/// How long a worker may take to leave before it is killed.
const FAREWELL: Duration = Duration::from_secs(2);

/// The first wait before a worker is replaced that died for nothing; each further one is twice
/// as long.
const BACK_OFF: Duration = Duration::from_millis(10);

/// What others and the supervisor share.
pub(super) struct Shared {
    core: Mutex<Core>,
    /// Told when the pool is over.
    over: Condvar,
    epoll: OwnedFd,
    wake: OwnedFd,
    settings: Settings,
    initializer: Option<Initializer>,
    callbacks: Mutex<Callbacks>,
}

#[derive(Default)]
struct Callbacks {
    sender: Option<mpsc::Sender<(Callback, Outcome)>>,
    thread: Option<JoinHandle<()>>,
}

struct Core {
    scheduler: Scheduler,
    members: HashMap<MemberId, Crew>,
    jobs: HashMap<JobId, Job>,
    next_job: JobId,
    /// Members that are being started.
    launching: usize,
    /// Members that are to be started later.
    postponed: BTreeSet<(Instant, MemberId)>,
    /// Results to give out when the lock is free.
    deliveries: Vec<Delivery>,
    /// Why the pool takes no more tasks.
    refusal: Option<Error>,
    /// Why the last member could not be started, or how it ended.
    trouble: Option<Error>,
    sleeping_until: Option<Instant>,
    counters: Counters,
    trace: Option<Trace>,
    over: bool,
    supervisor: Option<ThreadId>,
}

enum Delivery {
    Slot(Arc<Slot>, Outcome),
    Mail(Arc<Mailbox>, Mail),
}

/// A member and what the supervisor knows of it.
struct Crew {
    member: Member,
    ledger: Ledger,
    outbox: Option<Outbox>,
    round: u16,
    stage: Stage,
    /// When it was last heard of.
    heard: Instant,
    /// When to look whether its task takes too long.
    check: Option<Instant>,
    /// When it is to have left.
    leave: Option<Instant>,
    killed: Option<Killed>,
    /// Why its last message could not be taken.
    broken: Option<io::Error>,
    /// Nothing more is to be heard.
    closed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Preparing,
    Initializing,
    Working,
}

const WAKE: u64 = u64::MAX;
const PIDFD: u64 = 0;
const CONNECTION: u64 = 1;
const ASSEMBLY: u64 = 2;
const OUTBOX: u64 = 3;

impl Shared {
    /// Starts the workers and the supervisor.
    pub(super) fn start(
        settings: Settings,
        initializer: Option<Initializer>,
        trace: Option<Trace>,
    ) -> Result<(Arc<Shared>, JoinHandle<()>)> {
        let failed = |error: io::Error| {
            let text = "cannot start a pool";
            Error::new(ErrorKind::Spawn, text).with_source(error)
        };
        let epoll = epoll::create(CreateFlags::CLOEXEC).map_err(|error| failed(error.into()))?;
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)
            .map_err(|error| failed(error.into()))?;
        epoll::add(&epoll, &wake, EventData::new_u64(WAKE), EventFlags::IN)
            .map_err(|error| failed(error.into()))?;
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
                deliveries: Vec::new(),
                refusal: None,
                trouble: None,
                sleeping_until: None,
                counters: Counters::default(),
                trace,
                over: false,
                supervisor: None,
            }),
            over: Condvar::new(),
            epoll,
            wake,
            settings,
            initializer,
            callbacks: Mutex::default(),
        });
        let mut started = Ok(());
        for action in first {
            if let Action::Launch(id, _) = action {
                let launched = match &started {
                    Ok(()) => shared.launch(),
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
        let supervisor = thread.spawn(move || theirs.supervise()).map_err(failed)?;
        shared.lock().supervisor = Some(supervisor.thread().id());
        match started {
            Ok(()) => Ok((shared, supervisor)),
            Err(error) => {
                let _ = supervisor.join();
                Err(error)
            }
        }
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
                .is_some_and(|crew| crew.ledger.claimed() > 0)
        })
    }

    /// Gives a job up. False if it is finished.
    pub(super) fn cancel(self: &Arc<Self>, job: JobId) -> bool {
        self.with(|core| core.cancel(self, job))
    }

    /// Lets a job's tasks that are not begun be forgotten.
    pub(super) fn abandon(self: &Arc<Self>, jobs: &[JobId]) {
        self.with(|core| jobs.iter().for_each(|job| core.abandon(self, *job)));
    }

    /// No more jobs: those that are there are done, then the workers leave.
    pub(super) fn drain(self: &Arc<Self>) {
        self.with(|core| {
            core.refuse();
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
                let begun = crew.ledger.claimed().clamp(answered, part.count);
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

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Calls a callback, on the thread for that.
    pub(super) fn run_callback(&self, callback: Callback, outcome: Outcome) {
        let mut callbacks = lock(&self.callbacks);
        if callbacks.sender.is_none() {
            let (sender, receiver) = mpsc::channel::<(Callback, Outcome)>();
            let thread = thread::Builder::new().name("multiproc-callbacks".to_owned());
            let run = move || {
                for (callback, outcome) in receiver {
                    let call = std::panic::AssertUnwindSafe(|| callback(outcome));
                    if let Err(payload) = std::panic::catch_unwind(call) {
                        // It has been printed, and a payload may panic when dropped.
                        let _ = std::mem::ManuallyDrop::new(payload);
                    }
                }
            };
            // Without a thread the callback has to be left out: there is nobody to tell.
            if let Ok(thread) = thread.spawn(run) {
                *callbacks = Callbacks {
                    sender: Some(sender),
                    thread: Some(thread),
                };
            }
        }
        if let Some(sender) = &callbacks.sender {
            let _ = sender.send((callback, outcome));
        }
    }

    /// Waits until all callbacks have been called, unless this is one of them.
    pub(super) fn finish_callbacks(&self) {
        let Callbacks { sender, thread } = std::mem::take(&mut *lock(&self.callbacks));
        drop(sender);
        if let Some(thread) = thread
            && thread.thread().id() != thread::current().id()
        {
            let _ = thread.join();
        }
    }

    fn launch(&self) -> Result<(Member, Ledger)> {
        let ledger = Ledger::new().map_err(|error| {
            let text = "cannot start a process for the pool";
            Error::new(ErrorKind::Spawn, text).with_source(error)
        })?;
        let member = Member::launch(&self.settings.setup, ledger.descriptor())?;
        Ok((member, ledger))
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        lock(&self.core)
    }

    fn wake(&self) {
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    /// Works on the state and then does what must not be done under its lock.
    fn with<T>(&self, work: impl FnOnce(&mut Core) -> T) -> T {
        let mut core = self.lock();
        let result = work(&mut core);
        let deliveries = std::mem::take(&mut core.deliveries);
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
        for delivery in deliveries {
            match delivery {
                Delivery::Slot(slot, outcome) => {
                    for (callback, outcome) in slot.finish(outcome) {
                        self.run_callback(callback, outcome);
                    }
                }
                Delivery::Mail(mailbox, mail) => mailbox.put(mail),
            }
        }
        result
    }

    /// The life of the supervisor.
    fn supervise(self: &Arc<Self>) {
        let mut events: [MaybeUninit<Event>; 64] = [MaybeUninit::uninit(); 64];
        while !self.with(|core| core.tick(self)) {
            let timeout = {
                let mut core = self.lock();
                core.sleeping_until = core.deadline(&self.settings);
                core.sleeping_until.map(until)
            };
            let happened: Vec<u64> = match epoll::wait(&self.epoll, &mut events, timeout.as_ref()) {
                Ok((happened, _)) => happened.iter().map(|event| event.data.u64()).collect(),
                Err(_) => Vec::new(),
            };
            self.with(|core| {
                for key in happened {
                    if key == WAKE {
                        let _ = rustix::io::read(&self.wake, &mut [0; 8]);
                    } else {
                        core.look_after(self, key >> 2, key & 3);
                    }
                }
            });
        }
        let mut core = self.lock();
        core.over = true;
        if let Some(trace) = &mut core.trace {
            trace.finish();
        }
        drop(core);
        self.over.notify_all();
    }
}

impl Core {
    fn submit(&mut self, shared: &Arc<Shared>, job: Job) -> JobId {
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

    fn cancel(&mut self, shared: &Arc<Shared>, job: JobId) -> bool {
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
                crew.member.kill();
                ran_in = Some(crew.member.id());
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

    fn abandon(&mut self, shared: &Arc<Shared>, job: JobId) {
        self.scheduler.withdraw(job);
        for id in self.scheduler.members_with(job) {
            if let Some(crew) = self.members.get_mut(&id) {
                let begun = crew.ledger.recall();
                self.scheduler.recalled(id, begun, false);
            }
        }
        self.jobs.remove(&job);
        self.act(shared);
    }

    fn refuse(&mut self) {
        self.refusal.get_or_insert_with(|| {
            let text = "the pool was shut down before this task was submitted";
            Error::new(ErrorKind::Closed, text)
        });
    }

    /// Gives everything up: because of an error, or because nobody wants it any more.
    fn abort(&mut self, shared: &Arc<Shared>, error: Option<&Error>) {
        if let (Some(error), None) = (error, &self.refusal) {
            self.refusal = Some(error.duplicate());
        }
        self.refuse();
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
    fn act(&mut self, shared: &Arc<Shared>) {
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

    fn begin_launch(&mut self, shared: &Arc<Shared>, id: MemberId) {
        self.launching += 1;
        let theirs = Arc::clone(shared);
        let thread = thread::Builder::new().name("multiproc-launch".to_owned());
        let launch = move || {
            let launched = theirs.launch();
            theirs.with(|core| core.launched(&theirs, id, launched));
            // It may be the last thing the supervisor waits for.
            theirs.wake();
        };
        if let Err(error) = thread.spawn(launch) {
            let text = "cannot start a process for the pool";
            let error = Error::new(ErrorKind::Spawn, text).with_source(error);
            self.launched(shared, id, Err(error));
        }
    }

    fn launched(&mut self, shared: &Arc<Shared>, id: MemberId, launched: Result<(Member, Ledger)>) {
        self.launching -= 1;
        match launched {
            Ok((member, ledger)) => {
                self.counters.launched(id, member.id());
                if let Some(trace) = &mut self.trace {
                    trace.started(member.id());
                }
                let crew = Crew {
                    member,
                    ledger,
                    outbox: None,
                    round: 0,
                    stage: Stage::Preparing,
                    heard: Instant::now(),
                    check: None,
                    leave: None,
                    killed: None,
                    broken: None,
                    closed: false,
                };
                if self.refusal.is_some() && !self.scheduler.has_queue() {
                    crew.member.kill();
                }
                let added = epoll::add(
                    &shared.epoll,
                    crew.member.pidfd(),
                    EventData::new_u64(id << 2 | PIDFD),
                    EventFlags::IN,
                )
                .and_then(|()| {
                    epoll::add(
                        &shared.epoll,
                        crew.member.sources().0,
                        EventData::new_u64(id << 2 | CONNECTION),
                        EventFlags::IN,
                    )
                });
                if added.is_err() {
                    crew.member.kill();
                }
                self.members.insert(id, crew);
            }
            Err(error) => {
                self.trouble = Some(error);
                self.scheduler.died(id, 0, false);
            }
        }
        self.act(shared);
    }

    fn send(&mut self, shared: &Arc<Shared>, id: MemberId, part: Part) {
        let (Some(crew), Some(job)) = (self.members.get_mut(&id), self.jobs.get(&part.job)) else {
            // Nobody wants it any more.
            self.scheduler.answered(id, part.count);
            return;
        };
        let timeout = job.timeout;
        let sent = crew.send(job.parcel(part, crew.round.wrapping_add(1)), part.count);
        crew.check = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        match sent {
            Ok(()) => crew.register_outbox(shared, id),
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

    fn retire(&mut self, id: MemberId) {
        let Some(crew) = self.members.get_mut(&id) else {
            return;
        };
        crew.check = None;
        crew.leave = Instant::now().checked_add(FAREWELL);
        let farewell = Parcel {
            head: vec![Request::Retire as u8],
            ..Parcel::default()
        };
        if crew.member.send(farewell).is_err() {
            crew.member.kill();
        }
    }

    /// Looks at a member of which something was heard.
    fn look_after(&mut self, shared: &Arc<Shared>, id: MemberId, what: u64) {
        if what == OUTBOX {
            if let Some(crew) = self.members.get_mut(&id)
                && let Some(outbox) = &mut crew.outbox
            {
                match outbox.advance() {
                    Ok(false) => {}
                    // Done, or the member is gone: the pidfd tells.
                    Ok(true) | Err(_) => crew.outbox = None,
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
    fn receive(&mut self, shared: &Arc<Shared>, id: MemberId) -> bool {
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
                    // Fails if it is registered already.
                    let data = EventData::new_u64(id << 2 | ASSEMBLY);
                    let _ = epoll::add(&shared.epoll, assembly, data, EventFlags::IN);
                }
                false
            }
            Ok(Received::Closed) => {
                crew.close(shared);
                false
            }
            Err(error) => {
                // Of one that has died, the pidfd will tell.
                crew.broken = Some(error);
                crew.close(shared);
                crew.member.kill();
                false
            }
        }
    }

    fn hear(&mut self, shared: &Arc<Shared>, id: MemberId, message: Message) {
        let Some(crew) = self.members.get_mut(&id) else {
            return;
        };
        crew.member.handshake = None;
        let kind = message.kind().and_then(Reply::from_wire);
        match (crew.stage, kind) {
            (_, Some(Reply::Hello)) => {}
            (Stage::Preparing, Some(Reply::Ready)) => match &shared.initializer {
                Some(initializer) => {
                    crew.stage = Stage::Initializing;
                    let timeout = initializer.timeout;
                    crew.check = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
                    let parcel = initializer.parcel(crew.round.wrapping_add(1));
                    if crew.send(parcel, 1).is_err() {
                        crew.member.kill();
                    }
                    crew.register_outbox(shared, id);
                }
                None => {
                    crew.stage = Stage::Working;
                    self.scheduler.ready(id);
                }
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
                let outcome = Outcome::Reply(message, crew.member.id());
                let judged = match &shared.initializer {
                    Some(initializer) => initializer.judge(outcome),
                    None => Ok(()),
                };
                match judged {
                    Ok(()) => {
                        crew.stage = Stage::Working;
                        self.scheduler.ready(id);
                    }
                    Err(error) => self.abort(shared, Some(&error)),
                }
            }
            (Stage::Working, Some(Reply::Results)) => {
                let replies = message.head.get(9..).unwrap_or_default().to_vec();
                let time = message.head.get(1..9).and_then(|it| it.try_into().ok());
                let time = Duration::from_nanos(u64::from_ne_bytes(time.unwrap_or_default()));
                self.take_results(shared, id, replies, Some(time));
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
                let time = Duration::from_nanos(now().saturating_sub(crew.ledger.started()));
                let process = crew.member.id();
                let answered = self.scheduler.part(id).map_or(answered, |(_, it)| it);
                self.note(id, part.job, 1, time);
                let outcome = Outcome::Reply(message, process);
                self.deliver(part.job, part.first + answered, outcome, Some(time));
                self.answered(shared, id, 1);
            }
        }
    }

    /// Takes in the results of several tasks.
    fn take_results(
        &mut self,
        shared: &Arc<Shared>,
        id: MemberId,
        replies: Vec<u8>,
        time: Option<Duration>,
    ) {
        let Some((part, answered)) = self.scheduler.part(id) else {
            return;
        };
        let mut count = 0;
        let mut failed = 0;
        let mut rest = replies.as_slice();
        while let Some((reply, others)) = split(rest) {
            count += 1;
            failed += u64::from(reply.first() != Some(&(Reply::Returned as u8)));
            rest = others;
        }
        let time = time.unwrap_or_default();
        self.note(id, part.job, count, time);
        let first = part.first + answered;
        if let Some(crew) = self.members.get(&id) {
            let process = crew.member.id();
            let mail = Many {
                first: u64::from(first),
                worker: "",
                count,
                replies,
                time,
                process,
            };
            self.deliver_many(part.job, mail, failed);
        }
        self.answered(shared, id, count);
    }

    /// Takes in the results that are on the board and were not sent.
    fn take_board(&mut self, shared: &Arc<Shared>, id: MemberId) {
        let (Some(crew), Some((_, answered))) = (self.members.get(&id), self.scheduler.part(id))
        else {
            return;
        };
        let (first, mut replies) = crew.ledger.results();
        let Some(mut known) = answered.checked_sub(first) else {
            return;
        };
        while known > 0 {
            let Some((_, rest)) = split(&replies) else {
                return;
            };
            replies = rest.to_vec();
            known -= 1;
        }
        if !replies.is_empty() {
            self.take_results(shared, id, replies, None);
        }
    }

    /// Counts and traces what a member has done.
    fn note(&mut self, id: MemberId, job: JobId, count: u32, time: Duration) {
        self.counters.worked(id, count, time);
        if let (Some(trace), Some(crew)) = (&mut self.trace, self.members.get(&id)) {
            let worker = self.jobs.get(&job).map_or("cancelled", |job| job.worker);
            trace.worked(crew.member.id(), worker, job, count, time);
        }
    }

    /// A member has answered this many tasks.
    fn answered(&mut self, shared: &Arc<Shared>, id: MemberId, count: u32) {
        let done = |(part, answered): (Part, u32)| answered + count >= part.count;
        let is_done = self.scheduler.part(id).is_some_and(done);
        if let Some(crew) = self.members.get_mut(&id) {
            if is_done {
                crew.check = None;
                let limit = shared.settings.max_memory;
                if limit.is_some_and(|limit| crew.memory().is_some_and(|memory| memory > limit)) {
                    self.scheduler.doom(id);
                }
            } else if let Some((part, _)) = self.scheduler.part(id) {
                let timeout = self.jobs.get(&part.job).and_then(|job| job.timeout);
                crew.check = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
            }
        }
        self.scheduler.answered(id, count);
    }

    /// Reaps a member that has ended, and deals with what it leaves.
    fn bury(&mut self, shared: &Arc<Shared>, id: MemberId) {
        let Some(status) = self.members.get(&id).and_then(|crew| crew.member.reap()) else {
            return;
        };
        // It said all that it will ever say before it ended.
        while self.receive(shared, id) {}
        self.take_board(shared, id);
        let part = self.scheduler.part(id);
        let Some(crew) = self.members.remove(&id) else {
            return;
        };
        let begun = crew.ledger.claimed();
        let loss = Loss {
            status,
            killed: crew.killed,
            id: crew.member.id(),
            memory_limit: crew.member.memory_limit(),
        };
        let in_task = part.is_some_and(|(_, answered)| begun > answered);
        let expected = self.scheduler.is_leaving(id);
        self.counters.ended(id);
        if let Some(trace) = &mut self.trace {
            let worker = part
                .filter(|_| in_task)
                .and_then(|(part, _)| self.jobs.get(&part.job))
                .map(|job| job.worker);
            let how = match crew.killed {
                Some(Killed::Cancelled) => "its task was cancelled".to_owned(),
                Some(Killed::TimedOut) => "its time was over".to_owned(),
                Some(Killed::NoHandshake) | None => describe(status),
            };
            trace.ended(loss.id, &how, worker, expected);
        }
        if !in_task && !expected {
            let text = match crew.stage {
                Stage::Initializing => "the initializer",
                Stage::Preparing | Stage::Working => "a worker of the pool",
            };
            let codec = crate::dispatch::result::<()>();
            let error = Outcome::Lost(loss).resolve("", &codec).err();
            let error = error.map(|error| {
                let reason = error.to_string().replace("worker `` ", "");
                Error::new(error.kind(), format!("{text} {reason}"))
                    .with_exit_status(error.exit_status())
            });
            if let (Some(_), Some(error)) = (crew.killed, &error) {
                self.abort(shared, Some(error));
            } else {
                self.trouble = error;
            }
        }
        let retry = crew.killed.is_none() && crew.broken.is_none();
        if let Some((job, task)) = self.scheduler.died(id, begun, retry) {
            let worker = self.jobs.get(&job).map_or("", |job| job.worker);
            let outcome = match crew.broken {
                Some(error) if crew.killed.is_none() => {
                    let text = format!("the reply of worker `{worker}` could not be received");
                    let error = Error::new(ErrorKind::Decode, text).with_source(error);
                    Outcome::Failed(error.with_worker(worker))
                }
                _ => Outcome::Lost(loss),
            };
            self.deliver(job, task, outcome, None);
        }
        self.act(shared);
    }

    /// Deals with deadlines. True when the pool is over.
    fn tick(&mut self, shared: &Arc<Shared>) -> bool {
        let now = Instant::now();
        while let Some((at, id)) = self.postponed.first().copied()
            && at <= now
        {
            self.postponed.remove(&(at, id));
            self.begin_launch(shared, id);
        }
        let ids: Vec<MemberId> = self.members.keys().copied().collect();
        let idle_before = shared.settings.idle_timeout;
        let mut spare = ids.len().saturating_sub(shared.settings.policy.floor);
        for id in ids {
            let part = self.scheduler.part(id);
            let leaving = self.scheduler.is_leaving(id);
            let Some(crew) = self.members.get_mut(&id) else {
                continue;
            };
            if crew.member.handshake.is_some_and(|at| at <= now) {
                crew.member.handshake = None;
                crew.killed.get_or_insert(Killed::NoHandshake);
                crew.member.kill();
            }
            if crew.leave.is_some_and(|at| at <= now) {
                crew.leave = None;
                crew.member.kill();
            }
            if crew.check.is_some_and(|at| at <= now) {
                let timeout = match crew.stage {
                    Stage::Working => part
                        .and_then(|(part, _)| self.jobs.get(&part.job))
                        .and_then(|job| job.timeout),
                    _ => shared.initializer.as_ref().and_then(|it| it.timeout),
                };
                crew.check_time(timeout, part.map_or(0, |(_, answered)| answered));
            }
            if let (Some((part, answered)), true) = (part, self.scheduler.has_idle())
                && part.count - answered > 1
                && !self.scheduler.has_queue()
                && crew.heard + STANDSTILL <= now
            {
                let begun = crew.ledger.recall();
                self.scheduler.recalled(id, begun, true);
            }
            if let (Some(timeout), None) = (idle_before, part)
                && !leaving
                && crew.stage == Stage::Working
                && spare > 0
                && crew.heard + timeout <= now
            {
                spare -= 1;
                self.scheduler.doom(id);
            }
        }
        self.act(shared);
        self.scheduler.is_over() && self.launching == 0 && self.members.is_empty()
    }

    /// When to look at the deadlines again.
    fn deadline(&self, settings: &Settings) -> Option<Instant> {
        let mut deadline = self.postponed.first().map(|(at, _)| *at);
        let mut earlier = |at: Instant| {
            deadline = Some(deadline.map_or(at, |deadline| deadline.min(at)));
        };
        let shares = self.scheduler.has_idle() && !self.scheduler.has_queue();
        let spare = self.members.len() > settings.policy.floor;
        for (id, crew) in &self.members {
            [crew.member.handshake, crew.check, crew.leave]
                .into_iter()
                .flatten()
                .for_each(&mut earlier);
            let part = self.scheduler.part(*id);
            match part {
                Some((part, answered)) if shares && part.count - answered > 1 => {
                    earlier(crew.heard + STANDSTILL);
                }
                None if spare && crew.stage == Stage::Working => {
                    if let Some(timeout) = settings.idle_timeout
                        && !self.scheduler.is_leaving(*id)
                    {
                        earlier(crew.heard + timeout);
                    }
                }
                _ => {}
            }
        }
        deadline
    }

    /// Gives out the outcome of a task.
    fn deliver(&mut self, job: JobId, task: u32, outcome: Outcome, time: Option<Duration>) {
        let Some(known) = self.jobs.get_mut(&job) else {
            return;
        };
        self.counters.finished += 1;
        self.counters.failed += u64::from(!outcome.is_value());
        match &known.recipient {
            Recipient::Slot(slot) => {
                self.deliveries
                    .push(Delivery::Slot(Arc::clone(slot), outcome));
            }
            Recipient::Mailbox(mailbox, first) => {
                let mail = Mail::One {
                    number: first + u64::from(task),
                    worker: known.worker,
                    outcome,
                    time,
                };
                self.deliveries
                    .push(Delivery::Mail(Arc::clone(mailbox), mail));
            }
        }
        known.note_done(task, 1);
        if known.remaining == 0 {
            self.jobs.remove(&job);
        }
    }

    /// Gives out the results of tasks one after another.
    fn deliver_many(&mut self, job: JobId, many: Many, failed: u64) {
        let Some(known) = self.jobs.get_mut(&job) else {
            return;
        };
        let count = many.count;
        let first = u32::try_from(many.first).unwrap_or(u32::MAX);
        self.counters.finished += u64::from(count);
        self.counters.failed += failed;
        if let Recipient::Mailbox(mailbox, start) = &known.recipient {
            let mail = Mail::Many(Many {
                first: start + many.first,
                worker: known.worker,
                ..many
            });
            self.deliveries
                .push(Delivery::Mail(Arc::clone(mailbox), mail));
            known.note_done(first, count);
            if known.remaining == 0 {
                self.jobs.remove(&job);
            }
        }
    }

    /// Fails what is left of a job that the pool does not know (any more).
    fn fail_rest(&mut self, job: &Job, error: &Error) {
        self.counters.finished += u64::from(job.remaining);
        self.counters.failed += u64::from(job.remaining);
        match &job.recipient {
            Recipient::Slot(slot) => {
                let outcome = Outcome::Failed(error.duplicate());
                self.deliveries
                    .push(Delivery::Slot(Arc::clone(slot), outcome));
            }
            Recipient::Mailbox(mailbox, start) => {
                for task in job.not_done() {
                    let mail = Mail::One {
                        number: start + u64::from(task),
                        worker: job.worker,
                        outcome: Outcome::Failed(error.duplicate()),
                        time: None,
                    };
                    self.deliveries
                        .push(Delivery::Mail(Arc::clone(mailbox), mail));
                }
            }
        }
    }
}

impl Crew {
    /// Sends tasks, which may be claimed from now on.
    fn send(&mut self, parcel: Parcel, count: u32) -> io::Result<()> {
        self.round = self.round.wrapping_add(1);
        self.ledger.offer(self.round, count);
        self.heard = Instant::now();
        self.outbox = self.member.send(parcel)?;
        Ok(())
    }

    fn register_outbox(&self, shared: &Shared, id: MemberId) {
        if let Some(outbox) = &self.outbox {
            let data = EventData::new_u64(id << 2 | OUTBOX);
            let _ = epoll::add(&shared.epoll, outbox.socket(), data, EventFlags::OUT);
        }
    }

    /// Listens no more. The connection stays: to the member, its end would be the parent's.
    fn close(&mut self, shared: &Shared) {
        self.closed = true;
        let (connection, assembly) = self.member.sources();
        for source in [connection].into_iter().chain(assembly) {
            let _ = epoll::delete(&shared.epoll, source);
        }
    }

    /// Kills it if its task has run for longer than this.
    fn check_time(&mut self, timeout: Option<Duration>, answered: u32) {
        let Some(timeout) = timeout else {
            self.check = None;
            return;
        };
        let left = if self.ledger.claimed() > answered {
            let ran = Duration::from_nanos(now().saturating_sub(self.ledger.started()));
            timeout.saturating_sub(ran)
        } else {
            timeout
        };
        if left.is_zero() {
            self.check = None;
            self.killed.get_or_insert(Killed::TimedOut);
            self.member.kill();
        } else {
            self.check = Instant::now().checked_add(left);
        }
    }

    /// Its resident memory in bytes.
    fn memory(&self) -> Option<u64> {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.member.id())).ok()?;
        let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
        Some(pages * rustix::param::page_size() as u64)
    }
}

/// The end of a process in a few words.
fn describe(status: Status) -> String {
    match status {
        Status::Known(status) => status.to_string(),
        Status::Lost => "ended".to_owned(),
    }
}

/// No code of the user's runs under these locks, so a poisoned one is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
