//! What a pool has done.

mod counters;
mod distribution;
mod slow_task;
mod table;

use std::collections::HashMap;
use std::time::Duration;

pub(super) use counters::{Counters, Work};
pub use distribution::Distribution;
pub use slow_task::SlowTask;

use self::counters::between;
use super::scheduler::WorkerId;
use crate::usage::Usage;

/// Statistics of what a [`Pool`](super::Pool) has done so far. Returned by
/// [`Pool::stats`](super::Pool::stats).
///
/// Displayed, it is a table of several lines, with a row for each worker.
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
/// println!("{stats}");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PoolStats {
    name: String,
    elapsed: Duration,
    submitted: u64,
    finished: u64,
    failed: u64,
    retried: u64,
    restarts: u64,
    wait: Distribution,
    run: Distribution,
    startup: Distribution,
    slowest: Vec<SlowTask>,
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
    idle: Duration,
    memory: Option<u64>,
    usage: Option<Usage>,
}

/// What the system tells of workers: resident memory in bytes, and what each has used.
pub(super) type Observed = HashMap<WorkerId, (u64, Usage)>;

impl PoolStats {
    /// Those of a pool that began, and is looked at, at these times.
    pub(super) fn new(
        name: &str,
        (begin, now): (u64, u64),
        counters: Counters,
        observed: &Observed,
    ) -> PoolStats {
        let workers = counters.workers.iter().map(|(worker, counters)| {
            let observed = observed.get(worker);
            let ready = counters.ready.unwrap_or(now);
            WorkerStats {
                id: counters.id,
                tasks: counters.tasks,
                busy: counters.busy,
                idle: between(ready, now).saturating_sub(counters.busy),
                memory: observed.map(|(memory, _)| *memory),
                usage: observed.map(|(_, usage)| *usage),
            }
        });
        PoolStats {
            name: name.to_owned(),
            elapsed: between(begin, now),
            submitted: counters.submitted,
            finished: counters.finished,
            failed: counters.failed,
            retried: counters.retried,
            restarts: counters.restarts,
            workers: workers.collect(),
            slowest: counters.slowest.get().to_vec(),
            wait: counters.wait,
            run: counters.run,
            startup: counters.startup,
        }
    }

    /// Returns the time since the pool was built.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.elapsed
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

    /// Returns how long tasks waited, from when they were submitted until they ran.
    ///
    /// All tasks that a [map](super::Pool::map) sends together count as submitted then. A task that
    /// is tried again waits from when it was submitted first.
    #[must_use]
    pub fn wait(&self) -> &Distribution {
        &self.wait
    }

    /// Returns how long tasks ran.
    ///
    /// Short tasks of a map, whose results arrive together, each count with their mean. Tasks that
    /// were lost with their process are not counted.
    #[must_use]
    pub fn run(&self) -> &Distribution {
        &self.run
    }

    /// Returns how long worker processes needed from their start until they were ready for tasks,
    /// the initializer included.
    #[must_use]
    pub fn startup(&self) -> &Distribution {
        &self.startup
    }

    /// Returns the tasks that ran longest, slowest first: five at most.
    ///
    /// Short tasks of a map, whose results arrive together, are not among them.
    #[must_use]
    pub fn slowest(&self) -> &[SlowTask] {
        &self.slowest
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

    /// Returns the time that the worker has spent on tasks that it has done.
    #[must_use]
    pub fn busy(&self) -> Duration {
        self.busy
    }

    /// Returns the rest of the time since the worker was ready. A task that still runs counts as
    /// idle time until it is done.
    #[must_use]
    pub fn idle(&self) -> Duration {
        self.idle
    }

    /// Returns the worker's resident memory in bytes, or `None` if the system does not tell.
    #[must_use]
    pub fn memory(&self) -> Option<u64> {
        self.memory
    }

    /// Returns the resources that the worker has used so far, or `None` if the system does not tell.
    ///
    /// Times are in steps of 10 ms on Linux, and do not include the processes that it has started.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }
}
