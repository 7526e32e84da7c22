//! Numbers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::sink::Ended;

/// The work of a [`Cluster`](crate::Cluster), from its submitter's view. Returned by
/// [`Cluster::stats`](crate::Cluster::stats).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClusterStats {
    /// Calls that were submitted, those of maps included.
    pub submitted: u64,
    /// Calls that have a result, be it an error of theirs.
    pub finished: u64,
    /// Calls that were not run to their end: cancelled, lost, or refused.
    pub failed: u64,
    /// Calls that have not ended.
    pub open: u64,
    /// Messages that took the calls: several calls of a map go in one.
    pub messages: u64,
    /// The time that the finished calls took together, as agents say.
    pub busy: Duration,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    submitted: AtomicU64,
    finished: AtomicU64,
    failed: AtomicU64,
    messages: AtomicU64,
    busy_nanos: AtomicU64,
}

impl Counters {
    pub(crate) fn submitted(&self, calls: usize) {
        self.submitted.fetch_add(calls as u64, Ordering::Relaxed);
        self.messages.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn ended(&self, calls: usize, ended: &Ended) {
        match ended {
            Ended::Each(_, ran) => {
                self.finished.fetch_add(calls as u64, Ordering::Relaxed);
                let nanos = u64::try_from(ran.as_nanos()).unwrap_or(u64::MAX);
                self.busy_nanos.fetch_add(nanos, Ordering::Relaxed);
            }
            Ended::All(_) => {
                self.failed.fetch_add(calls as u64, Ordering::Relaxed);
            }
        }
    }

    pub(crate) fn read(&self) -> ClusterStats {
        let finished = self.finished.load(Ordering::Relaxed);
        let failed = self.failed.load(Ordering::Relaxed);
        let submitted = self.submitted.load(Ordering::Relaxed);
        ClusterStats {
            submitted,
            finished,
            failed,
            open: submitted.saturating_sub(finished + failed),
            messages: self.messages.load(Ordering::Relaxed),
            busy: Duration::from_nanos(self.busy_nanos.load(Ordering::Relaxed)),
        }
    }
}
