//! Waiting for a task by reading what the worker says that runs it.
//!
//! The supervisor would hear the result first and wake the waiting thread then; a switch from
//! thread to thread costs more than all else that a short call does. So the thread that waits reads
//! itself, takes in what it hears as the supervisor would, and lets the supervisor read again if
//! there is more to come. A worker that has nothing to do needs no reader.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use super::core::PoolState;
use super::worker_state::{Reader, WorkerSource, WorkerStage};
use crate::pool::ledger::Ledger;
use crate::pool::pause::Pause;
use crate::pool::scheduler::{JobId, WorkerId};
use crate::pool::slot::Slot;
use crate::sys::fd::{AsFd, OwnedFd};
use crate::sys::notify_fd::NotifyFd;
use crate::sys::poll;

/// A thread that waits for a task and reads what the worker says.
pub(super) struct DirectWait {
    pub(super) worker: WorkerId,
    connection: Arc<OwnedFd>,
    /// Readable when another thread has finished the task.
    notify_fd: NotifyFd,
    ledger: Arc<Ledger>,
    round: u16,
}

impl DirectWait {
    /// Waits until there is something to read, the task is finished, or the limit has come.
    pub(super) fn wait(&self, slot: &Slot, pause: &Pause, limit: Option<Instant>) {
        if slot.notify_when_finished(self.notify_fd.clone()) {
            // What has come need not be waited for. Should the worker only say so, the supervisor reads on.
            let come = Cell::new(false);
            let has_come = || {
                come.set(self.ledger.is_answered(self.round));
                come.get()
            };
            let sleep = || {
                if !come.get() {
                    self.poll(limit);
                }
            };
            pause.wait(has_come, sleep);
            // What this thread is about to hear it need not be told.
            slot.do_not_notify();
        }
    }

    fn poll(&self, limit: Option<Instant>) {
        let sources = [self.connection.as_fd(), self.notify_fd.as_fd()];
        if poll::wait_any(sources, limit).is_ok_and(|[_, is_notified]| is_notified) {
            self.notify_fd.clear();
        }
    }
}

impl PoolState {
    /// Lets a thread read what the worker says that runs a task. `None`: there is none, or another
    /// thread reads already.
    pub(super) fn begin_direct_wait(&mut self, task: JobId) -> Option<DirectWait> {
        let (job, place) = self.jobs.find(task)?;
        let id = self.scheduler.worker_with(job, place)?;
        let worker = self.workers.get_mut(&id)?;
        let is_read = worker.reader == Reader::Waiter;
        if is_read
            || worker.stage != WorkerStage::Working
            || worker.closed
            || worker.killed.is_some()
        {
            return None;
        }
        // Without one the supervisor goes on reading.
        let notify_fd = worker.notify_fd()?;
        worker.set_reader(&self.env.poller, id, Reader::Waiter);
        Some(DirectWait {
            worker: id,
            connection: worker.process.connection(),
            notify_fd,
            ledger: Arc::clone(&worker.ledger),
            round: worker.round,
        })
    }

    /// Takes in what the worker has said; if it has more to say, the supervisor will hear it.
    pub(super) fn end_direct_wait(&mut self, id: WorkerId) {
        let Some(worker) = self.workers.get_mut(&id) else {
            return;
        };
        worker.set_reader(&self.env.poller, id, Reader::Idle);
        self.unheard.waited(Instant::now());
        self.look_after(id, WorkerSource::Connection);
        let is_busy = self.scheduler.part(id).is_some();
        if let Some(worker) = self.workers.get_mut(&id)
            && is_busy
        {
            worker.set_reader(&self.env.poller, id, Reader::Supervisor);
        }
    }
}
