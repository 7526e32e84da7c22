//! What a pool has done.

use std::collections::BTreeMap;
use std::time::Duration;

use super::scheduler::MemberId;

/// What a [`Pool`](super::Pool) has done so far. From [`Pool::stats`](super::Pool::stats).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolStats {
    submitted: u64,
    finished: u64,
    failed: u64,
    retried: u64,
    restarts: u64,
    workers: Vec<WorkerStats>,
}

/// What one worker process of a pool has done so far.
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

    /// Tasks that were submitted, those of maps too.
    #[must_use]
    pub fn submitted(&self) -> u64 {
        self.submitted
    }

    /// Tasks that have a result, be it an error.
    #[must_use]
    pub fn finished(&self) -> u64 {
        self.finished
    }

    /// Those of them whose result is an error.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.failed
    }

    /// How often a task was tried again.
    #[must_use]
    pub fn retried(&self) -> u64 {
        self.retried
    }

    /// Processes that were started in the place of others: of crashed or killed ones, of those that
    /// had done their share, and of those that had left because there was nothing to do.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// The worker processes there are, oldest first.
    #[must_use]
    pub fn workers(&self) -> &[WorkerStats] {
        &self.workers
    }
}

impl WorkerStats {
    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Tasks that it has done.
    #[must_use]
    pub fn tasks(&self) -> u64 {
        self.tasks
    }

    /// How long it took for them.
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
    workers: BTreeMap<MemberId, WorkerStats>,
}

impl Counters {
    pub(super) fn launched(&mut self, member: MemberId, id: u32, replaces: bool) {
        self.restarts += u64::from(replaces);
        let stats = WorkerStats {
            id,
            tasks: 0,
            busy: Duration::ZERO,
        };
        self.workers.insert(member, stats);
    }

    pub(super) fn worked(&mut self, member: MemberId, count: u32, time: Duration) {
        if let Some(worker) = self.workers.get_mut(&member) {
            worker.tasks += u64::from(count);
            worker.busy += time;
        }
    }

    pub(super) fn ended(&mut self, member: MemberId) {
        self.workers.remove(&member);
    }
}
