//! Tasks that are given up, by those who submitted them.
//!
//! What no worker has begun is taken back, which its [ledger](crate::pool::ledger) decides. One that is being run
//! ends with its worker, or is asked to stop before.

use std::time::Duration;

use super::core::PoolState;
use super::worker_state::Purpose;
use crate::error::{Error, ErrorKind};
use crate::pool::outcome::Outcome;
use crate::pool::scheduler::{JobId, Part, WorkerId};
use crate::process::{Subject, cancelled};

impl PoolState {
    /// Gives a task up. False if it is finished.
    pub(super) fn cancel(&mut self, task: JobId) -> bool {
        let Some((job, place)) = self.jobs.find(task) else {
            return false;
        };
        if self.jobs.is_series(job) {
            return self.cancel_in_series(job, place, Duration::ZERO);
        }
        let Some(function) = self.jobs.function(job) else {
            return false;
        };
        self.scheduler.withdraw(job);
        let mut ran_in = None;
        for id in self.scheduler.workers_with(job) {
            if let Some((_, process)) = self.take_back(id, true) {
                ran_in = process.or(ran_in);
            }
        }
        let error = match ran_in {
            Some(id) => cancelled(Subject::Worker(function), id),
            None => cancelled_before(function),
        };
        self.jobs.fail(job, &error);
        self.act();
        true
    }

    /// Gives a task up: asks its worker to stop, and kills it when this time is over. False if it is
    /// finished.
    pub(super) fn cancel_within(&mut self, task: JobId, grace: Duration) -> bool {
        if grace.is_zero() {
            return self.cancel(task);
        }
        let Some((job, place)) = self.jobs.find(task) else {
            return false;
        };
        if self.jobs.is_series(job) {
            return self.cancel_in_series(job, place, grace);
        }
        let Some(function) = self.jobs.function(job) else {
            return false;
        };
        self.scheduler.withdraw(job);
        let mut is_running = false;
        for id in self.scheduler.workers_with(job) {
            self.take_back(id, false);
            // What it has not begun, it has no more.
            if let Some((part, _)) = self.scheduler.part(id)
                && part.job == job
            {
                is_running = true;
                self.ask(id, part.count.saturating_sub(1), Purpose::Cancelled, grace);
            }
        }
        if !is_running {
            self.jobs.fail(job, &cancelled_before(function));
        }
        self.act();
        true
    }

    /// Gives one task of a series up, and lets the others be. If a worker has begun it, that is asked to
    /// stop, if there is time for it, and killed then. False if it is finished.
    fn cancel_in_series(&mut self, job: JobId, task: u32, grace: Duration) -> bool {
        let Some(function) = self.jobs.function(job) else {
            return false;
        };
        let mut error = cancelled_before(function);
        if !self.scheduler.withdraw_task(job, task)
            && let Some(id) = self.scheduler.worker_with(job, task)
        {
            // It may have ended, and a later one be running.
            self.take_in(id);
            if !self.jobs.is_open(job, task) {
                self.act();
                return false;
            }
            if let (Some(worker), Some((part, answered))) =
                (self.workers.get(&id), self.scheduler.part(id))
                && part.job == job
            {
                let process = worker.process.id();
                // Of one whose board makes no sense, nothing can be said not to have begun.
                let begun = worker.ledger.recall().unwrap_or(part.count).max(answered);
                let is_begun = !self.scheduler.recalled_without(id, begun, task);
                // Else its result is being sent, and a later one runs.
                let runs = is_begun && task + 1 == part.first + begun;
                if runs && !grace.is_zero() {
                    self.ask(id, task - part.first, Purpose::Cancelled, grace);
                    self.act();
                    return true;
                }
                if runs {
                    self.kill(id, Purpose::Cancelled);
                }
                if is_begun {
                    error = cancelled(Subject::Worker(function), process);
                }
            }
        }
        self.jobs.deliver(job, task, Outcome::Failed(error), None);
        self.act();
        true
    }

    /// Cancels all that no worker has begun, and says how many tasks that is.
    pub(super) fn cancel_queued(&mut self) -> usize {
        // Workers first: one that is idle then finds nothing in the queue either.
        let mut parts = self.scheduler.withdraw_all();
        let ids: Vec<_> = self.workers.keys().copied().collect();
        for id in ids {
            if let Some((rest, _)) = self.take_back(id, false) {
                parts.extend(rest);
            }
        }
        let mut count = 0;
        for part in parts {
            let Some(function) = self.jobs.function(part.job) else {
                continue;
            };
            for task in part.first..part.first + part.count {
                let outcome = Outcome::Failed(cancelled_before(function));
                self.jobs.deliver(part.job, task, outcome, None);
                count += 1;
            }
        }
        self.act();
        count
    }

    /// Lets a job's tasks that are not begun be forgotten.
    pub(super) fn abandon(&mut self, job: JobId) {
        self.scheduler.withdraw(job);
        for id in self.scheduler.workers_with(job) {
            self.take_back(id, false);
        }
        self.jobs.forget(job);
        self.act();
    }

    /// Takes in all that a worker has said and left on its board.
    fn take_in(&mut self, id: WorkerId) {
        while self.receive(id) {}
        self.take_board(id);
    }

    /// Takes back what a worker has not begun, for good; if `kill`, ends it for what it has.
    /// Returns what was taken back, and the process if it was ended.
    fn take_back(&mut self, id: WorkerId, kill: bool) -> Option<(Option<Part>, Option<u32>)> {
        let (part, answered) = self.scheduler.part(id)?;
        let worker = self.workers.get(&id)?;
        // Of one whose board makes no sense, nothing can be said not to have begun.
        let begun = worker.ledger.recall().unwrap_or(part.count).max(answered);
        let process = worker.process.id();
        let is_cut_short = worker.outbox.is_some();
        let runs = begun > answered;
        if kill && runs {
            self.kill(id, Purpose::Cancelled);
        } else if is_cut_short && !runs {
            // What it has of a long message is of no use.
            self.kill(id, Purpose::Leaving);
        }
        let rest = self.scheduler.recalled(id, begun, false);
        Some((rest, (kill && runs).then_some(process)))
    }
}

fn cancelled_before(function: &'static str) -> Error {
    let text = format!("the task of worker `{function}` was cancelled before it began");
    Error::new(ErrorKind::Cancelled, text).with_worker(function)
}
