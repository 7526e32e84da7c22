//! What a pool has done.

use std::collections::BTreeMap;
use std::time::Duration;

use super::scheduler::WorkerId;

/// Statistics of what a [`Pool`](super::Pool) has done so far. Returned by
/// [`Pool::stats`](super::Pool::stats).
///
/// # Examples
///
/// ```
/// # use multiproc::{Pool, worker};
/// # #[worker]
/// # fn square(x: u64) -> u64 {
/// #     x * x
/// # }
/// # fn main() -> multiproc::Result<()> {
/// # let pool = Pool::builder().workers(2).build()?;
/// pool.submit(square::call(3)).wait()?;
/// let stats = pool.stats();
/// assert_eq!((stats.submitted(), stats.finished(), stats.failed()), (1, 1, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolStats {
    submitted: u64,
    finished: u64,
    failed: u64,
    retried: u64,
    restarts: u64,
    workers: Vec<WorkerStats>,
}

/// Statistics of one worker process of a pool. Returned by [`PoolStats::workers`].
///
/// # Examples
///
/// ```
/// let pool = multiproc::Pool::builder().workers(2).build()?;
/// for worker in pool.stats().workers() {
///     println!("{}: {} tasks in {:?}", worker.id(), worker.tasks(), worker.busy());
/// }
/// # Ok::<(), multiproc::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerStats {
    id: u32,
    tasks: u64,
    busy: Duration,
}

impl PoolStats {
    pub(super) fn new(counters: &Counters) -> PoolStats {
        PoolStats {
            submitted: counters.submitted,
            finished: counters.finished,
            failed: counters.failed,
            retried: counters.retried,
            restarts: counters.restarts,
            workers: counters.workers.values().cloned().collect(),
        }
    }

    /// Returns the number of submitted tasks, including those of maps.
    #[must_use]
    pub fn submitted(&self) -> u64 {
        self.submitted
    }

    /// Returns the number of tasks that have a result, which may be an error.
    #[must_use]
    pub fn finished(&self) -> u64 {
        self.finished
    }

    /// Returns the number of finished tasks whose result is an error.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// Returns how often a task was tried again.
    #[must_use]
    pub fn retried(&self) -> u64 {
        self.retried
    }

    /// Returns the number of processes that were started in the place of others: of crashed or
    /// killed ones, of those that had done their share of tasks, and of those that were ended when
    /// they were idle.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// Returns the statistics of the present worker processes, oldest first.
    #[must_use]
    pub fn workers(&self) -> &[WorkerStats] {
        &self.workers
    }
}

impl WorkerStats {
    /// Returns the process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Returns the number of tasks that the worker has done.
    #[must_use]
    pub fn tasks(&self) -> u64 {
        self.tasks
    }

    /// Returns the time that the worker has spent on its tasks.
    #[must_use]
    pub fn busy(&self) -> Duration {
        self.busy
    }
}

/// The numbers as they are counted.
#[derive(Debug, Clone, Default)]
pub(super) struct Counters {
    pub(super) submitted: u64,
    pub(super) finished: u64,
    pub(super) failed: u64,
    pub(super) retried: u64,
    restarts: u64,
    workers: BTreeMap<WorkerId, WorkerStats>,
}

impl Counters {
    pub(super) fn launched(&mut self, worker: WorkerId, id: u32, replaces: bool) {
        self.restarts += u64::from(replaces);
        let stats = WorkerStats {
            id,
            tasks: 0,
            busy: Duration::ZERO,
        };
        self.workers.insert(worker, stats);
    }

    pub(super) fn worked(&mut self, worker: WorkerId, count: u32, time: Duration) {
        if let Some(stats) = self.workers.get_mut(&worker) {
            stats.tasks += u64::from(count);
            stats.busy += time;
        }
    }

    pub(super) fn ended(&mut self, worker: WorkerId) {
        self.workers.remove(&worker);
    }
}
