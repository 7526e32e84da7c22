//! What takes a while, or runs user code, before a worker can work. No lock is held meanwhile.

use std::sync::Arc;

use super::env::Env;
use super::worker_state::{WorkerSource, WorkerState};
use crate::error::{Error, ErrorKind, Result};
use crate::pool::ledger::Ledger;
use crate::pool::scheduler::WorkerId;
use crate::pool::worker::ROLE;
use crate::process::Member;
use crate::sys::clock::nanoseconds as now;
use crate::sys::fd::AsFd;
use crate::sys::poller::Interest;

/// Starts a worker, and has the supervisor read what it says. What it says before the pool knows it
/// is heard later.
pub(super) fn launch(env: &Env, id: WorkerId, index: usize) -> Result<WorkerState> {
    let failed = |error| Error::not_started("cannot start a process for the pool", error);
    let started = now();
    let ledger = Arc::new(Ledger::new().map_err(failed)?);
    let over = || Error::new(ErrorKind::Closed, "the pool is over");
    let recipe = env.recipe().ok_or_else(over)?;
    let (setup, initializer) = recipe.of(index)?;
    let gauge = Arc::clone(&ledger);
    let process = Member::launch(&setup, &ROLE, ledger.descriptor(), index, gauge)?;
    let (pidfd, connection) = (process.pidfd().as_fd(), process.sources().0);
    let watch = |fd, source: WorkerSource| env.poller.add(fd, source.key(id), Interest::READABLE);
    let watching = watch(pidfd, WorkerSource::Pidfd)
        .and_then(|()| watch(connection, WorkerSource::Connection));
    match watching {
        Ok(()) => Ok(WorkerState::new(process, ledger, initializer, started)),
        Err(error) => {
            // Its end would not be heard of.
            process.end();
            Err(failed(error))
        }
    }
}
