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
//! Where the time of a short call goes that is submitted and waited for alone, with everything on two CPUs, in µs:
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
//! What was tried, and is not here:
//!
//! * A word to the pool's worker, so that it waits awake while its task is being noted: 15 µs less if a CPU is idle,
//!   nothing otherwise, and 35 µs more of CPU time.
//! * The agent, or the submitter, waits awake for the server: no difference.
//! * Deliveries are answered with the next result, and not with the next note: the note is kept 20 µs sooner, but the
//!   round trip takes as long, 413 µs and not 417.

mod attempt;
mod presence;
mod work;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use multiproc::__private::cluster::Carried;
use multiproc::Pool;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::agent::OnStatus;
use crate::engine::{Answer, Arrival, Deliveries, Delivery, Engine, Topic};
use crate::id::{RunId, TaskId};
use crate::submitter::lock;

pub(crate) struct Runner<E: Engine> {
    engine: E,
    pool: Pool,
    name: String,
    host: String,
    submitter_timeout: Duration,
    running: Mutex<HashMap<TaskId, Running<E>>>,
    recent: Mutex<Recent>,
    /// What is done, and to be answered.
    unanswered: Mutex<Vec<E::Receipt>>,
    /// That there is something to be answered.
    has_unanswered: Notify,
    submitters: Mutex<HashMap<RunId, presence::Submitter>>,
    /// What was cancelled before it came, or not: when.
    cancelled: Mutex<HashMap<TaskId, Instant>>,
    done: AtomicU64,
    /// Whether the last task was a short call.
    was_short: AtomicBool,
    /// When the connection came back.
    reconnected: Mutex<Option<Instant>>,
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
struct Running<E: Engine> {
    receipt: E::Receipt,
    tasks: Vec<PoolTask>,
    is_cancelled: bool,
}

/// What has ended here, not long ago.
#[derive(Default)]
struct Recent {
    order: VecDeque<TaskId>,
    known: HashSet<TaskId>,
}

/// How long a delivery may be on its way when no more are asked for.
const LAST_ARRIVAL: Duration = Duration::from_secs(5);

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

/// What a task takes of this agent, until its calls have run. When it is dropped, another is asked for.
struct Seat(mpsc::UnboundedSender<()>);

impl Drop for Seat {
    fn drop(&mut self) {
        // The one that asks may have ended, with the agent.
        let _ = self.0.send(());
    }
}

/// What becomes of a delivery.
enum Settled {
    Done,
    Back(Duration),
    /// The same task is being run here already.
    Known,
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
            done: AtomicU64::new(0),
            was_short: AtomicBool::new(false),
            reconnected: Mutex::default(),
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
            );
            Ok::<_, crate::engine::EngineError>(subjects)
        };
        if let Ok((to_all, to_me, submitters, cancelled)) = listening.await {
            around.spawn(Arc::clone(&self).answer(to_all));
            around.spawn(Arc::clone(&self).answer(to_me));
            around.spawn(Arc::clone(&self).hear_submitters(submitters));
            around.spawn(Arc::clone(&self).hear_cancelled(cancelled));
        }
        let telling = tokio::spawn(Arc::clone(&self).tell_status(on_status));
        around.spawn(Arc::clone(&self).mind_submitters());
        around.spawn(Arc::clone(&self).mind_connection());
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
        self.take_tasks(&mut deliveries, &mut stopped).await;
        while !lock(&self.running).is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
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

    async fn take_tasks(
        self: &Arc<Self>,
        deliveries: &mut E::Deliveries,
        stopped: &mut watch::Receiver<bool>,
    ) {
        let (freed, mut freed_slots) = mpsc::unbounded_channel();
        let mut free = self.pool.workers();
        let mut is_stopping = false;
        loop {
            if *stopped.borrow() && !is_stopping {
                is_stopping = true;
                self.is_leaving.send_replace(true);
                deliveries.close().await;
            }
            if free > 0 && !is_stopping {
                if deliveries.request(free).await.is_ok() {
                    free = 0;
                } else {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            tokio::select! {
                arrival = deliveries.next() => match arrival {
                    Some(Arrival::Task(delivery)) if is_stopping => {
                        // It came too late: another agent gets it, at once.
                        let back = Answer::Back(Duration::ZERO);
                        let _ = self.engine.settle(&delivery.receipt, back).await;
                    }
                    Some(Arrival::Task(delivery)) => {
                        let runner = Arc::clone(self);
                        let seat = Seat(freed.clone());
                        tokio::spawn(async move {
                            runner.deal_with(delivery, seat).await;
                        });
                    }
                    Some(Arrival::Expired(count)) => free += count,
                    None => return,
                },
                Some(()) = freed_slots.recv() => free += 1,
                // A server that is away does not say that it has sent all.
                () = tokio::time::sleep(LAST_ARRIVAL), if is_stopping => return,
                changed = stopped.changed(), if !is_stopping => {
                    if changed.is_err() {
                        return;
                    }
                }
            }
        }
    }

    async fn deal_with(self: Arc<Self>, delivery: Delivery<E::Receipt>, seat: Seat) {
        let id = delivery.id.clone();
        let settled = {
            let mut running = lock(&self.running);
            if let Some(known) = running.get_mut(&id) {
                // Delivered again, because it was not heard that it runs: the new receipt counts.
                known.receipt = delivery.receipt.clone();
                Some(Settled::Known)
            } else {
                let taken = Running {
                    receipt: delivery.receipt.clone(),
                    tasks: Vec::new(),
                    is_cancelled: false,
                };
                running.insert(id.clone(), taken);
                None
            }
        };
        let settled = match settled {
            Some(settled) => settled,
            None => self.attempt(&delivery, seat).await,
        };
        let delay = match settled {
            Settled::Known => return,
            Settled::Done => {
                // Before it is not running any more: it is one of both at any time.
                lock(&self.recent).insert(id.clone());
                None
            }
            Settled::Back(delay) => Some(delay),
        };
        let receipt = {
            let mut running = lock(&self.running);
            let removed = running.remove(&id);
            let receipt = removed.map_or(delivery.receipt, |it| it.receipt);
            if delay.is_none() {
                // At once: when nothing runs any more, all is there that is to be answered.
                lock(&self.unanswered).push(receipt.clone());
                self.has_unanswered.notify_one();
            }
            receipt
        };
        if let Some(delay) = delay {
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
                running.values().map(|it| it.receipt.clone()).collect()
            };
            for receipt in receipts {
                let _ = self.engine.settle(&receipt, Answer::Working).await;
            }
        }
    }

    async fn mind_connection(self: Arc<Self>) {
        let mut connected = self.engine.connected();
        while connected.changed().await.is_ok() {
            if *connected.borrow_and_update() {
                *lock(&self.reconnected) = Some(Instant::now());
            }
        }
    }

    fn count_done(&self, calls: usize) {
        self.done.fetch_add(calls as u64, Ordering::Relaxed);
    }
}
