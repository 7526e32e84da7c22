//! What an agent does on its thread: takes tasks, runs them in its pool, notes their results.
//!
//! One delivery:
//!
//! 1. Its submitter must be there: nothing is run for one that is gone ([`presence`]).
//! 2. Its beginning is noted, which only one agent can, for each attempt ([`attempt`]).
//! 3. It is run in the pool ([`work`]). Meanwhile the engine is told that it is not forgotten.
//! 4. Its result is noted, if no other was.
//! 5. The delivery is answered, so that the engine forgets the task. Nothing waits for that, so it is done with the
//!    next note of a beginning, or soon.
//!
//! An agent that dies leaves a delivery without an answer. The engine delivers it again to another, which finds
//! the note of the beginning, and that of the result if it got so far.
//!
//! What its submitter has handed over, and the engine does not have, goes the same way but for 2 and 5 ([`handed`]).
//!
//! Where the time of a short call goes that is submitted and waited for alone through the queue, with everything on two
//! CPUs, in µs:
//!
//! | until | |
//! |---|---|
//! | the submitter has it on its way | 12 |
//! | the agent has it | 97 |
//! | it has its note on its way | 9 |
//! | the note is kept | 77 |
//! | the pool has run it | 50 |
//! | the submitter has the result | 101 |
//! | the thread that waits has it | 8 |
//!
//! One that is handed over takes 215 in all.
//!
//! What was tried, and is not here:
//!
//! * A word to the pool's worker, so that it waits awake while its task is being noted: 15 µs less if a CPU is idle,
//!   nothing otherwise, and 35 µs more of CPU time.
//! * The agent, or the submitter, waits awake for the server: no difference.
//! * Deliveries are answered with the next result, and not with the next note: the note is kept 20 µs sooner, but the
//!   round trip takes as long, 413 µs and not 417.

mod attempt;
mod handed;
mod permits;
mod presence;
mod take;
mod work;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use multiproc::__private::cluster::Carried;
use multiproc::Pool;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};

use self::handed::Handed;
use self::permits::Permit;
use crate::agent::OnStatus;
use crate::engine::{Answer, Deliveries, Engine, Topic};
use crate::id::{RunId, TaskId};
use crate::submitter::lock;

pub(crate) struct Runner<E: Engine> {
    engine: E,
    pool: Pool,
    name: String,
    host: String,
    submitter_timeout: Duration,
    running: Mutex<HashMap<TaskId, Running<E::Receipt>>>,
    recent: Mutex<Recent>,
    /// What is done, and to be answered.
    unanswered: Mutex<Vec<E::Receipt>>,
    /// That there is something to be answered.
    has_unanswered: Notify,
    submitters: Mutex<HashMap<RunId, presence::Submitter>>,
    /// What was cancelled before it came, or not: when.
    cancelled: Mutex<HashMap<TaskId, Instant>>,
    /// What was given back because this attempt of it was lost, and when.
    held_back: Mutex<HashMap<TaskId, (u32, Instant)>>,
    done: AtomicU64,
    /// Whether the last task was a short call.
    was_short: AtomicBool,
    /// Since when the engine does not keep what must be noted, although it is there.
    trouble: Mutex<Option<Instant>>,
    /// Why it gets no tasks.
    not_served: Mutex<Option<String>>,
    is_leaving: watch::Sender<bool>,
    has_ended: watch::Sender<bool>,
}

/// A call in the pool: waited for in one place, and cancelled in another.
type PoolTask = Arc<Mutex<multiproc::Task<Carried>>>;

/// A task that was taken and has not ended.
struct Running<R> {
    /// `None`: its submitter has handed it over, and nothing was delivered.
    receipt: Option<R>,
    tasks: Vec<PoolTask>,
    is_cancelled: bool,
}

impl<R> Running<R> {
    fn new(receipt: Option<R>) -> Running<R> {
        Running {
            receipt,
            tasks: Vec::new(),
            is_cancelled: false,
        }
    }
}

/// What has ended here, not long ago.
#[derive(Default)]
struct Recent {
    order: VecDeque<TaskId>,
    known: HashSet<TaskId>,
}

/// For how long what is done waits to be answered with something else.
const ANSWER_SOON: Duration = Duration::from_millis(3);

/// How many are remembered.
const REMEMBERED: usize = 1 << 14;

impl Recent {
    fn insert(&mut self, id: TaskId) {
        if self.known.insert(id.clone()) {
            self.order.push_back(id);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

/// What becomes of a delivery.
enum Settled {
    Done,
    /// It was not begun, and may be tried again after this time.
    Back(Duration),
}

impl<E: Engine> Runner<E> {
    pub(crate) fn new(
        engine: E,
        pool: Pool,
        name: String,
        host: String,
        submitter_timeout: Duration,
    ) -> Arc<Runner<E>> {
        Arc::new(Runner {
            engine,
            pool,
            name,
            host,
            submitter_timeout,
            running: Mutex::default(),
            recent: Mutex::default(),
            unanswered: Mutex::default(),
            has_unanswered: Notify::new(),
            submitters: Mutex::default(),
            cancelled: Mutex::default(),
            held_back: Mutex::default(),
            done: AtomicU64::new(0),
            was_short: AtomicBool::new(false),
            trouble: Mutex::default(),
            not_served: Mutex::default(),
            is_leaving: watch::Sender::new(false),
            has_ended: watch::Sender::new(false),
        })
    }

    /// Serves until it is stopped; then gives the pool back, unless something still holds it.
    pub(crate) async fn serve(
        self: Arc<Self>,
        mut stopped: watch::Receiver<bool>,
        on_status: Option<OnStatus>,
    ) -> Option<Pool> {
        let mut around = JoinSet::new();
        let listening = async {
            let subjects = (
                self.engine.listen(&Topic::ToAgent(None)).await?,
                self.engine
                    .listen(&Topic::ToAgent(Some(&self.name)))
                    .await?,
                self.engine.listen(&Topic::Submitter(None)).await?,
                self.engine.listen(&Topic::Cancel(None)).await?,
                self.engine.listen(&Topic::Handed(&self.name, None)).await?,
            );
            Ok::<_, crate::engine::EngineError>(subjects)
        };
        let mut handed = Handed::default();
        if let Ok((to_all, to_me, submitters, cancelled, to_be_run)) = listening.await {
            handed = Handed::new(to_be_run);
            around.spawn(Arc::clone(&self).answer(to_all));
            around.spawn(Arc::clone(&self).answer(to_me));
            around.spawn(Arc::clone(&self).hear_submitters(submitters));
            around.spawn(Arc::clone(&self).hear_cancelled(cancelled));
        }
        let telling = tokio::spawn(Arc::clone(&self).tell_status(on_status));
        around.spawn(Arc::clone(&self).mind_submitters());
        around.spawn(Arc::clone(&self).answer_soon());
        let mut deliveries = loop {
            match self.engine.deliveries().await {
                Ok(deliveries) => break deliveries,
                Err(_) if *stopped.borrow() => {
                    self.leave(around, telling).await;
                    return Arc::into_inner(self).map(|runner| runner.pool);
                }
                Err(error) => {
                    *lock(&self.not_served) = Some(error.to_string());
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            }
        };
        *lock(&self.not_served) = None;
        around.spawn(Arc::clone(&self).keep_alive(deliveries.answer_time() / 3));
        self.take_tasks(&mut deliveries, &mut handed, &mut stopped)
            .await;
        self.finish(&mut handed).await;
        self.answer_done().await;
        drop(deliveries);
        self.leave(around, telling).await;
        Arc::into_inner(self).map(|runner| runner.pool)
    }

    /// The last words.
    async fn leave(&self, mut around: JoinSet<()>, telling: JoinHandle<()>) {
        around.shutdown().await;
        self.is_leaving.send_replace(true);
        self.has_ended.send_replace(true);
        // What shows it is the user's, and may panic.
        let _ = telling.await;
        self.say_status().await;
        let _ = self.engine.flush().await;
    }

    async fn deal_with(self: Arc<Self>, id: TaskId, message: Bytes, permit: Permit) {
        let settled = self.attempt(&id, &message, permit).await;
        let is_done = matches!(settled, Settled::Done);
        if is_done {
            // Before it is not running any more: it is one of both at any time.
            lock(&self.recent).insert(id.clone());
        }
        let receipt = {
            let mut running = lock(&self.running);
            let receipt = running.remove(&id).and_then(|it| it.receipt);
            if is_done && let Some(receipt) = &receipt {
                // At once: when nothing runs any more, all is there that is to be answered.
                lock(&self.unanswered).push(receipt.clone());
                self.has_unanswered.notify_one();
            }
            receipt
        };
        // What was handed over is given back by answering its submitter that it is not here.
        if let (Settled::Back(delay), Some(receipt)) = (settled, receipt) {
            let _ = self.engine.settle(&receipt, Answer::Back(delay)).await;
        }
    }

    /// Answers what is done. An agent that ends before has others find the results.
    async fn answer_done(&self) {
        let receipts = std::mem::take(&mut *lock(&self.unanswered));
        for receipt in receipts {
            let _ = self.engine.settle(&receipt, Answer::Done).await;
        }
    }

    async fn answer_soon(self: Arc<Self>) {
        loop {
            self.has_unanswered.notified().await;
            tokio::time::sleep(ANSWER_SOON).await;
            self.answer_done().await;
        }
    }

    /// Tells the engine again and again what is not forgotten.
    async fn keep_alive(self: Arc<Self>, period: Duration) {
        let mut ticks = tokio::time::interval(period.max(Duration::from_millis(10)));
        loop {
            ticks.tick().await;
            let receipts: Vec<_> = {
                let running = lock(&self.running);
                let receipts = running.values().filter_map(|it| it.receipt.clone());
                receipts.collect()
            };
            for receipt in receipts {
                let _ = self.engine.settle(&receipt, Answer::Working).await;
            }
        }
    }

    fn count_done(&self, calls: usize) {
        self.done.fetch_add(calls as u64, Ordering::Relaxed);
    }
}
