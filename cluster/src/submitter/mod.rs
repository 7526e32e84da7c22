//! What a submitter does on its thread: puts tasks, takes in what becomes of them, and sees that each ends.
//!
//! A task is *open* from its submission to its end, which is one of these, and the first that comes:
//!
//! * its result is noted, by the agent that ran it, or by one that found out that it cannot be known;
//! * it is cancelled here;
//! * the server has not been there for its time ([`watch`]);
//! * no agent of this build has been there for its time, or the one that had begun the task has not;
//! * the engine has neither the task nor a result ([`reconcile`]);
//! * the agent that it was handed to is gone ([`hand`]).

mod hand;
mod intake;
mod open;
mod outgo;
mod reconcile;
mod watch;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use multiproc::__private::cluster;
use multiproc::{Error, ErrorKind};
use tokio::runtime::Handle;
use tokio::sync::Notify;

use self::open::{Key, Open, OpenTask};
use crate::engine::{Engine, Topic, Which};
use crate::id::{RunId, TaskId};
use crate::sink::{Ended, Sink};
use crate::stats::Counters;
use crate::trace::Trace;
use crate::wire::{self, Cancelled, Status};

/// After which times an error is given.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// For how long the server may be away.
    pub(crate) server: Duration,
    /// For how long there may be no agent.
    pub(crate) agent: Duration,
    /// How many calls may be open, of those that are submitted one by one.
    pub(crate) queue: Option<usize>,
}

pub(crate) struct Submitter<E> {
    engine: E,
    handle: Handle,
    run: RunId,
    limits: Limits,
    open: Mutex<Open>,
    agents: Mutex<Agents>,
    /// What was cancelled and may still run: said again for a while.
    cancelling: Mutex<HashMap<Key, Instant>>,
    next: AtomicU64,
    is_closed: AtomicBool,
    nearest: Mutex<hand::Nearest>,
    /// That a task was handed to an agent.
    has_handed: Notify,
    /// That all open tasks are to be looked up.
    doubt: Notify,
    /// Those who wait for room.
    room: std::sync::Condvar,
    pub(crate) counters: Counters,
    trace: Option<Trace>,
}

/// The agents that have been heard, and when.
#[derive(Debug)]
struct Agents {
    known: HashMap<String, (Status, Instant)>,
    /// Those that are silent, or about to end, some time ago at most.
    lost: HashMap<String, LostAgent>,
    last_heard: Instant,
}

/// An agent that is not there any more.
#[derive(Debug, Clone, Copy)]
struct LostAgent {
    /// When it was heard for the last time.
    heard: Instant,
    /// Whether it has said that it runs nothing more, and begins nothing more.
    has_ended: bool,
}

impl Agents {
    /// Whether one is silent, or has ended, that had been heard.
    fn is_one_lost(&self) -> bool {
        let is_silent = |heard: &Instant| heard.elapsed() > SILENCE;
        !self.lost.is_empty() || self.known.values().any(|(_, heard)| is_silent(heard))
    }

    fn forget_silent(&mut self) {
        let silent = self
            .known
            .extract_if(|_, (_, heard)| heard.elapsed() > SILENCE);
        let has_ended = false;
        self.lost
            .extend(silent.map(|(agent, (_, heard))| (agent, LostAgent { heard, has_ended })));
        self.lost
            .retain(|_, it| it.heard.elapsed() < Duration::from_hours(1));
    }
}

/// How long an agent has to answer whether it runs a task.
const ANSWER: Duration = Duration::from_secs(2);

/// For how long an agent may be silent and counts as there.
const SILENCE: Duration = Duration::from_secs(8);

/// What was submitted together.
pub(crate) struct Message {
    pub(crate) job: u64,
    pub(crate) calls: Vec<Vec<u8>>,
    pub(crate) retries: u32,
    /// The name of the worker, for errors.
    pub(crate) worker: &'static str,
    pub(crate) sink: Arc<dyn Sink>,
}

impl<E: Engine> Submitter<E> {
    /// Starts what it does on its thread.
    pub(crate) async fn start(
        engine: E,
        run: RunId,
        limits: Limits,
        trace: Option<Trace>,
    ) -> crate::engine::Result<Arc<Submitter<E>>> {
        let submitter = Arc::new(Submitter {
            engine: engine.clone(),
            handle: Handle::current(),
            run: run.clone(),
            limits,
            open: Mutex::default(),
            agents: Mutex::new(Agents {
                known: HashMap::new(),
                lost: HashMap::new(),
                last_heard: Instant::now(),
            }),
            cancelling: Mutex::default(),
            next: AtomicU64::new(1),
            is_closed: AtomicBool::new(false),
            nearest: Mutex::default(),
            has_handed: Notify::new(),
            doubt: Notify::new(),
            room: std::sync::Condvar::new(),
            counters: Counters::default(),
            trace,
        });
        let records = engine.records(&run).await?;
        let agents = engine.listen(&Topic::Agent(None)).await?;
        let questions = engine.listen(&Topic::ToSubmitter(&run)).await?;
        let not_taken = engine.listen(&Topic::NotTaken).await?;
        tokio::spawn(Arc::clone(&submitter).take_records(records));
        tokio::spawn(Arc::clone(&submitter).hear_agents(agents));
        tokio::spawn(Arc::clone(&submitter).answer(questions));
        tokio::spawn(Arc::clone(&submitter).hear_not_taken(not_taken));
        tokio::spawn(Arc::clone(&submitter).mind_handed());
        tokio::spawn(Arc::clone(&submitter).watch());
        tokio::spawn(Arc::clone(&submitter).reconcile_in_doubt());
        submitter.say_hello().await;
        Ok(submitter)
    }

    /// A number that no other map has.
    pub(crate) fn new_job(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Puts a message on its way, and gives its number.
    pub(crate) fn submit(self: &Arc<Self>, message: Message) -> u64 {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let key = (message.job, number);
        self.counters.submitted(message.calls.len());
        if self.is_closed.load(Ordering::Acquire) {
            let text = "the cluster was closed before the task was submitted".to_owned();
            let error = cluster::error(ErrorKind::Closed, Some(message.worker), text);
            message.sink.end(number, Ended::All(error));
            return number;
        }
        if let Some(trace) = &self.trace {
            trace.submitted(number, message.worker, message.calls.len());
        }
        let task = OpenTask::new(&message);
        self.open().insert(key, task);
        let submitter = Arc::clone(self);
        self.handle.spawn(async move {
            submitter.put(key, message).await;
        });
        number
    }

    /// Waits until fewer calls are open than may be.
    pub(crate) fn wait_for_room(&self) {
        let Some(limit) = self.limits.queue else {
            return;
        };
        let mut open = self.open();
        while open.calls() >= limit.max(1) && !self.is_closed.load(Ordering::Acquire) {
            let waited = self.room.wait(open);
            open = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Cancels a message. False if it has ended.
    pub(crate) fn cancel(self: &Arc<Self>, job: u64, number: u64) -> bool {
        let key = (job, number);
        let Some(task) = self.take(key) else {
            return false;
        };
        let error = cancelled(task.worker);
        self.finish(key, task, Ended::All(error));
        self.chase(key);
        true
    }

    /// Cancels all messages of a map.
    pub(crate) fn cancel_job(self: &Arc<Self>, job: u64) {
        let keys = self.open().keys_of(job);
        if keys.is_empty() {
            return;
        }
        for key in keys {
            if let Some(task) = self.take(key) {
                let error = cancelled(task.worker);
                self.cancelling().insert(key, Instant::now());
                self.finish(key, task, Ended::All(error));
            }
        }
        let submitter = Arc::clone(self);
        self.handle.spawn(async move {
            let which = Which::Job(submitter.run.clone(), job);
            let _ = submitter.engine.remove_tasks(&which).await;
            submitter.tell_cancelled(&Cancelled::Job(job)).await;
        });
    }

    /// Cancels all that is open, and takes nothing more.
    pub(crate) async fn close(self: Arc<Self>) {
        self.is_closed.store(true, Ordering::Release);
        self.room.notify_all();
        let keys = self.open().keys();
        let had_open = !keys.is_empty();
        for key in keys {
            if let Some(task) = self.take(key) {
                let error = cancelled(task.worker);
                self.finish(key, task, Ended::All(error));
            }
        }
        let tidy = async {
            if had_open || !self.cancelling().is_empty() {
                let which = Which::Run(self.run.clone());
                let _ = self.engine.remove_tasks(&which).await;
                self.tell_cancelled(&Cancelled::Run).await;
            } else {
                let _ = self.engine.forget(&self.run, None).await;
            }
            let _ = self.engine.flush().await;
        };
        // A server that does not answer is not waited for.
        let _ = tokio::time::timeout(Duration::from_secs(2), tidy).await;
        if let Some(trace) = &self.trace {
            trace.finish();
        }
    }

    /// Ends a task that is not open any more, as the one who took it.
    fn finish(&self, key: Key, task: OpenTask, ended: Ended) {
        let OpenTask { sink, calls, .. } = task;
        if let Some(trace) = &self.trace {
            trace.ended(key.1);
        }
        self.counters.ended(calls, &ended);
        self.room.notify_all();
        sink.end(key.1, ended);
    }

    /// Takes a task out of those that are open: the one who gets it ends it.
    fn take(&self, key: Key) -> Option<OpenTask> {
        self.open().remove(key)
    }

    /// Ends a task with an error, if it is open.
    fn fail(&self, key: Key, kind: ErrorKind, text: impl FnOnce(&str) -> String) -> bool {
        let Some(task) = self.take(key) else {
            return false;
        };
        let error = cluster::error(kind, Some(task.worker), text(task.worker));
        self.finish(key, task, Ended::All(error));
        true
    }

    /// Sees that a task which has ended here neither begins nor runs on.
    fn chase(self: &Arc<Self>, key: Key) {
        self.cancelling().insert(key, Instant::now());
        let submitter = Arc::clone(self);
        self.handle.spawn(async move {
            submitter.catch(key).await;
        });
    }

    async fn catch(&self, key: Key) {
        let id = self.id(key);
        let _ = self.engine.remove_tasks(&Which::Task(id.clone())).await;
        self.tell_cancelled(&Cancelled::Task(id.to_string())).await;
        let blob = id.blob("a");
        if self.open().had_blob(key) {
            let _ = self.engine.remove_blob(&self.run.owner, &blob).await;
        }
    }

    async fn tell_cancelled(&self, cancelled: &Cancelled) {
        let topic = Topic::Cancel(Some(&self.run));
        let _ = self.engine.tell(&topic, wire::write(cancelled)).await;
    }

    fn id(&self, (job, number): Key) -> TaskId {
        TaskId {
            run: self.run.clone(),
            job,
            number,
        }
    }

    /// The agents that are there.
    pub(crate) fn agents(&self) -> Vec<(Status, Instant)> {
        let agents = lock(&self.agents);
        let mut agents: Vec<_> = agents.known.values().cloned().collect();
        agents.sort_by(|one, other| one.0.agent.cmp(&other.0.agent));
        agents
    }

    /// How many workers the agents have together.
    pub(crate) fn workers(&self) -> usize {
        let agents = lock(&self.agents);
        let workers = agents.known.values().map(|(status, _)| status.workers);
        workers.sum()
    }

    pub(crate) fn message_limit(&self) -> usize {
        self.engine.message_limit()
    }

    pub(crate) fn is_running(&self, job: u64, number: u64) -> bool {
        self.open().is_running((job, number))
    }

    /// How many calls have been submitted and not ended.
    pub(crate) fn open_calls(&self) -> usize {
        self.open().calls()
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        lock(&self.open)
    }

    fn cancelling(&self) -> MutexGuard<'_, HashMap<Key, Instant>> {
        lock(&self.cancelling)
    }
}

fn cancelled(worker: &'static str) -> Error {
    let text = format!("worker `{worker}` was cancelled");
    cluster::error(ErrorKind::Cancelled, Some(worker), text)
}

/// A lock under which nothing panics that leaves a state half-way.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
