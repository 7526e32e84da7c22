//! Starting processes with everything on one CPU: what a start costs where the others have work to do.
//!
//! All contestants run in one process that has pinned itself before it started anything, so what it
//! starts, a fork server too, is there as well. This program sleeps meanwhile.

use std::error::Error;
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use multiproc::{Pool, RemoteError, StartMethod, worker};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};

use super::bare_fork::BareForkServer;
use super::spawn::{no_arguments, nothing};
use super::{BARE_FORK, COMMAND, FORK_SERVER, PROCSPAWN, SPAWN};
use crate::measure::{Contestant, Failable, nanoseconds};

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
enum Way {
    ForkServer,
    Spawn,
    Procspawn,
    Command,
    BareFork,
}

/// The process in which the contestants run.
pub(super) fn place() -> Failable<Pool> {
    Ok(Pool::builder().workers(1).build_and_wait()?)
}

pub(super) fn contestants(place: &Pool) -> Vec<Contestant<'_>> {
    let ways = [
        (FORK_SERVER, Way::ForkServer),
        (SPAWN, Way::Spawn),
        (PROCSPAWN, Way::Procspawn),
        (COMMAND, Way::Command),
        (BARE_FORK, Way::BareFork),
    ];
    let sample = |way| {
        let timed = place.submit(timed::call(way)).wait()?;
        Ok(timed.map_err(|error| error.to_string())?)
    };
    let contestant = |(name, way)| Contestant::sampled(name, move || sample(way));
    ways.map(contestant).into()
}

/// Starts a process and waits until it is reaped. Nanoseconds.
#[worker]
fn timed(way: Way) -> Result<f64, RemoteError> {
    static BARE: Mutex<Option<BareForkServer>> = Mutex::new(None);
    let told = |error: Box<dyn Error>| error.to_string();
    // Tasks come one at a time, and one that panics ends the race.
    let mut bare = BARE.lock().map_err(|error| error.to_string())?;
    let bare = match &mut *bare {
        Some(bare) => bare,
        none => {
            pin();
            procspawn::init();
            none.insert(BareForkServer::start().map_err(told)?)
        }
    };
    let start = Instant::now();
    match way {
        Way::ForkServer => run(StartMethod::ForkServer)?,
        Way::Spawn => run(StartMethod::Spawn)?,
        Way::Procspawn => procspawn::spawn((), no_arguments).join()?,
        Way::Command => {
            Command::new("true").status()?;
        }
        Way::BareFork => bare.run(1).map_err(told)?,
    }
    Ok(nanoseconds(start.elapsed()))
}

fn run(start_method: StartMethod) -> multiproc::Result<()> {
    nothing::call().start_method(start_method).run()
}

/// Has this thread, and those that it will start, run on one CPU only.
fn pin() {
    let Ok(usable) = sched_getaffinity(None) else {
        return;
    };
    if let Some(first) = (0..CpuSet::MAX_CPU).find(|cpu| usable.is_set(*cpu)) {
        let mut one = CpuSet::new();
        one.set(first);
        // Where that is not allowed, the figures are those of several CPUs.
        let _ = sched_setaffinity(None, &one);
    }
}
