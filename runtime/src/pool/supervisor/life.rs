//! How workers come and go.

use std::time::{Duration, Instant};

use super::core::{Effect, PoolState};
use super::worker_state::{Purpose, WorkerSource, WorkerStage, WorkerState};
use crate::error::{Error, Result};
use crate::pool::outcome::{Loss, Outcome};
use crate::pool::scheduler::{Cause, Death, WorkerId};
use crate::process::{Killed, Status, Subject, is_killed, unheard};
use crate::trace::Span;
use crate::transport::is_nonsense;

impl PoolState {
    /// A worker has been started, or could not be.
    pub(super) fn launched(&mut self, id: WorkerId, launched: Result<WorkerState>) {
        self.launching -= 1;
        match launched {
            Ok(worker) => {
                let replaces = self.scheduler.replaces(id);
                let process = worker.process.id();
                let counters = &mut self.jobs.counters;
                counters.launched(id, process, worker.started, replaces);
                if let Some(trace) = &self.trace {
                    trace.file().started(process);
                }
                self.workers.insert(id, worker);
                if self.refusal.is_some() && self.scheduler.queued() == 0 {
                    self.kill(id, Purpose::Leaving);
                }
            }
            Err(error) => {
                self.trouble = Some(error);
                self.troubled = Some(Instant::now());
                self.scheduler.not_started(id);
            }
        }
        self.act();
    }

    /// Whether the initializer has succeeded in a worker.
    pub(super) fn judged(&mut self, id: WorkerId, judged: Result<()>, span: Span) {
        match judged {
            Ok(()) => {
                if let Some(worker) = self.workers.get_mut(&id)
                    && let Some(initializer) = worker.initializer.take()
                    && let Some(trace) = &self.trace
                {
                    let mut file = trace.file();
                    file.initialized(worker.process.id(), initializer.worker, span);
                }
                self.ready(id);
                self.act();
            }
            Err(error) => self.abort(Some(&error)),
        }
    }

    /// Looks at a worker of which something was heard.
    pub(super) fn look_after(&mut self, id: WorkerId, source: WorkerSource) {
        if source == WorkerSource::Outbox {
            return self.send_more(id);
        }
        self.receive(id);
        if source == WorkerSource::Pidfd {
            while self.receive(id) {}
            self.reap(id);
        }
        self.act();
    }

    /// Reaps a worker that has ended, and deals with what it leaves.
    pub(super) fn reap(&mut self, id: WorkerId) {
        let Some(status) = self
            .workers
            .get_mut(&id)
            .and_then(|worker| worker.process.reap())
        else {
            return;
        };
        // It said all that it will ever say before it ended.
        while self.receive(id) {}
        self.take_board(id);
        // If it was done with its part, it may have been given another one: as if it had been sent
        // that, which it has not begun then.
        self.act();
        let part = self.scheduler.part(id);
        let Some(worker) = self.workers.remove(&id) else {
            return;
        };
        if let Some(stderr_tail) = worker.process.stderr_tail() {
            self.effects.push(Effect::PassOn(stderr_tail.clone()));
        }
        if let Some(lineage) = worker.process.lineage() {
            self.leaving_descendants += 1;
            self.effects.push(Effect::EndDescendants(lineage));
        }
        let claimed = worker.ledger.claimed();
        let in_part = part.map_or(0, |(part, answered)| {
            let begun = claimed.unwrap_or(part.count);
            // It may have written to the ledger as well. Were its task not taken for begun, one
            // worker after the other would begin it.
            let is_sick = worker.broken.as_ref().is_some_and(is_nonsense);
            if is_sick {
                begun.max(answered + 1)
            } else {
                begun
            }
        });
        let in_task = part.is_some_and(|(_, answered)| in_part > answered);
        // A worker that ended in another way did so before the pool's signal reached it.
        let killed = worker
            .killed
            .filter(|purpose| is_killed(status, purpose.is_inquired(), &worker.crash));
        let expected = self.scheduler.is_leaving(id) || self.refusal.is_some();
        self.jobs.counters.ended(id);
        if let Some(trace) = &self.trace {
            let lost = part.filter(|_| in_task).map(|(part, answered)| {
                let function = self.jobs.function(part.job).unwrap_or("cancelled task");
                let from = self.jobs.submitted(part.job);
                (function, part.job, worker.ran(answered, 1), from)
            });
            let how = match killed {
                Some(Purpose::Cancelled) => "its task was cancelled".to_owned(),
                Some(Purpose::Timeout(_) | Purpose::Initializer) => {
                    "it exceeded its timeout".to_owned()
                }
                _ => describe(status),
            };
            let mut file = trace.file();
            file.ended(worker.process.id(), &how, lost, expected);
        }
        let cause = killed.map_or(Cause::Itself, Purpose::cause);
        if !in_task && !expected && cause != Cause::Pool {
            self.trouble = trouble(&worker, killed, status);
            self.troubled = Some(Instant::now());
        }
        let is_wanted = part.is_some_and(|(part, answered)| {
            let (job, next) = (part.job, part.first + answered);
            // What is next in a part that was not begun does not matter.
            self.jobs.is_open(job, next) || (!in_task && self.jobs.get(job).is_some())
        });
        let death = Death {
            cause,
            begun: in_part,
            // Its reply may have been on its way, which it does not know.
            retry: killed.is_none()
                && worker.asked.is_none()
                && is_wanted
                && !is_cut_off(&worker, status),
            lived: worker.ready.map_or(Duration::ZERO, |ready| ready.elapsed()),
        };
        let lost = self.scheduler.died(id, death);
        if let (Some(lost), Some((part, _))) = (lost, part) {
            for task in lost.first..lost.first + lost.count {
                let function = self.jobs.function(lost.job).unwrap_or_default();
                let limit = self.jobs.memory_limit(lost.job);
                let memory_limit = worker.met_memory_limit(limit);
                let task_of_part = task - part.first;
                let outcome = loss(
                    &worker,
                    killed,
                    status,
                    task_of_part,
                    function,
                    memory_limit,
                );
                let outcome = match worker.why_asked(task_of_part) {
                    Some(why) => Outcome::Asked(Box::new(outcome), why),
                    None => outcome,
                };
                self.jobs.deliver(lost.job, task, outcome, None);
            }
        }
        self.act();
    }
}

/// What became of a task that a worker had begun, or could not begin.
fn loss(
    worker: &WorkerState,
    killed: Option<Purpose>,
    status: Status,
    task: u32,
    function: &'static str,
    memory_limit: Option<u64>,
) -> Outcome {
    let id = worker.process.id();
    let lost = |killed| {
        Outcome::Lost(Loss {
            status,
            killed,
            id,
            memory_limit,
            is_out_of_memory: worker.process.pidfd().is_out_of_memory(),
            crash: worker.crash.clone(),
            stderr_tail: worker.stderr_tail(),
        })
    };
    let is_board_nonsense = worker.ledger.claimed().is_none();
    match (killed, &worker.broken) {
        (Some(Purpose::Timeout(late)), _) if late == task => lost(Some(Killed::TimedOut)),
        (Some(Purpose::Cancelled), _) => lost(Some(Killed::Cancelled)),
        (Some(Purpose::Standstill), _) => lost(Some(Killed::NotBegun)),
        (Some(Purpose::Nonsense) | None, Some(error))
            if killed.is_some() || is_cut_off(worker, status) =>
        {
            let error = unheard(Subject::Worker(function), id, error);
            let error = error.with_exit_status(status.known());
            Outcome::Failed(error.with_stderr_tail(worker.stderr_tail()))
        }
        (Some(_), _) if is_board_nonsense => lost(Some(Killed::OverwroteMemory)),
        (Some(Purpose::Nonsense), None) => lost(Some(Killed::UnexpectedReply)),
        _ => lost(None),
    }
}

/// Why a worker was of no use.
fn trouble(worker: &WorkerState, killed: Option<Purpose>, status: Status) -> Option<Error> {
    let subject = match worker.stage {
        WorkerStage::Initializing | WorkerStage::Judged => "the initializer",
        WorkerStage::Preparing | WorkerStage::Working => "a worker of the pool",
    };
    let loss = Loss {
        status,
        killed: match killed {
            Some(Purpose::Handshake) => Some(Killed::NoHandshake),
            Some(Purpose::Initializer) => Some(Killed::TimedOut),
            _ => None,
        },
        id: worker.process.id(),
        memory_limit: worker.met_memory_limit(None),
        is_out_of_memory: worker.process.pidfd().is_out_of_memory(),
        crash: worker.crash.clone(),
        stderr_tail: worker.stderr_tail(),
    };
    let codec = crate::dispatch::result::<()>();
    Outcome::Lost(loss)
        .resolve(Subject::Other(subject), &codec)
        .err()
}

/// Whether a worker has ended as if all were well, though a message of its broke off.
fn is_cut_off(worker: &WorkerState, status: Status) -> bool {
    worker.broken.is_some() && status.known().is_none_or(|status| status.success())
}

/// The end of a process in a few words.
fn describe(status: Status) -> String {
    match status {
        Status::Known(status) => status.to_string(),
        Status::Lost => "ended".to_owned(),
    }
}
