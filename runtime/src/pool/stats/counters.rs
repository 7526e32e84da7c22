//! What is counted while a pool is at work.

use std::collections::BTreeMap;
use std::time::Duration;

use super::distribution::Distribution;
use super::slow_task::{SlowTask, SlowestTasks};
use crate::pool::scheduler::WorkerId;

/// The numbers as they are counted.
#[derive(Debug, Clone, Default)]
pub(in crate::pool) struct Counters {
    pub(in crate::pool) submitted: u64,
    pub(in crate::pool) finished: u64,
    pub(in crate::pool) failed: u64,
    pub(in crate::pool) retried: u64,
    pub(super) restarts: u64,
    pub(super) wait: Distribution,
    pub(super) run: Distribution,
    pub(super) startup: Distribution,
    pub(super) slowest: SlowestTasks,
    pub(in crate::pool) workers: BTreeMap<WorkerId, WorkerCounters>,
}

/// Those of a worker.
#[derive(Debug, Clone, Default)]
pub(in crate::pool) struct WorkerCounters {
    pub(super) id: u32,
    pub(super) tasks: u64,
    pub(super) busy: Duration,
    /// When it was started, and when it was ready, by the clock of the ledger.
    started: u64,
    pub(super) ready: Option<u64>,
}

/// Tasks that a worker has done one after the other.
#[derive(Debug, Clone, Copy)]
pub(in crate::pool) struct Work {
    pub(in crate::pool) function: &'static str,
    pub(in crate::pool) count: u32,
    /// When they were submitted, if that is still known.
    pub(in crate::pool) submitted: Option<u64>,
    pub(in crate::pool) since: u64,
    pub(in crate::pool) until: u64,
}

impl Counters {
    pub(in crate::pool) fn launched(
        &mut self,
        worker: WorkerId,
        id: u32,
        started: u64,
        replaces: bool,
    ) {
        self.restarts += u64::from(replaces);
        let counters = WorkerCounters {
            id,
            started,
            ..WorkerCounters::default()
        };
        self.workers.insert(worker, counters);
    }

    pub(in crate::pool) fn ready(&mut self, worker: WorkerId, now: u64) {
        if let Some(counters) = self.workers.get_mut(&worker) {
            counters.ready = Some(now);
            self.startup.add(between(counters.started, now), 1);
        }
    }

    pub(in crate::pool) fn worked(&mut self, worker: WorkerId, work: Work) {
        let time = between(work.since, work.until);
        if let Some(submitted) = work.submitted {
            self.wait.add(between(submitted, work.since), work.count);
        }
        if let Some(each) = time.checked_div(work.count) {
            self.run.add(each, work.count);
        }
        let Some(counters) = self.workers.get_mut(&worker) else {
            return;
        };
        counters.tasks += u64::from(work.count);
        counters.busy += time;
        if work.count == 1 {
            self.slowest.add(SlowTask {
                worker: work.function,
                process: counters.id,
                time,
            });
        }
    }

    /// A task waited from when it was submitted until it began.
    pub(in crate::pool) fn waited(&mut self, submitted: u64, since: u64) {
        self.wait.add(between(submitted, since), 1);
    }

    pub(in crate::pool) fn ended(&mut self, worker: WorkerId) {
        self.workers.remove(&worker);
    }
}

/// The time from one moment to another one, by the clock of the ledger.
pub(super) fn between(since: u64, until: u64) -> Duration {
    Duration::from_nanos(until.saturating_sub(since))
}
