//! Helpers, processes or threads, that work in rounds: a gate opens, they do their part, and meet
//! at the gate again.

use std::thread;

use multiproc::Process;
use multiproc::sync::Barrier;

use crate::measure::{Failable, time};

/// Sent home when it is dropped.
pub(super) struct Team {
    gate: Barrier,
    processes: Vec<Process<()>>,
}

/// A helper's life: `work`, round after round, until the team is dropped.
pub(super) fn in_rounds(gate: &Barrier, mut work: impl FnMut()) {
    while gate.wait().is_ok() {
        work();
        if gate.wait().is_err() {
            return;
        }
    }
}

impl Team {
    /// Of one helper, who may take what cannot be cloned.
    pub(super) fn of_a_process(
        start: impl FnOnce(Barrier) -> multiproc::Result<Process<()>>,
    ) -> Failable<Team> {
        let gate = Barrier::new(2)?;
        let process = start(gate.clone())?;
        Ok(Team {
            gate,
            processes: vec![process],
        })
    }

    pub(super) fn of_processes(
        count: usize,
        start: impl Fn(Barrier) -> multiproc::Result<Process<()>>,
    ) -> Failable<Team> {
        let gate = Barrier::new(count + 1)?;
        let mut team = Team {
            gate: gate.clone(),
            processes: Vec::new(),
        };
        for _ in 0..count {
            team.processes.push(start(gate.clone())?);
        }
        Ok(team)
    }

    pub(super) fn of_threads(
        count: usize,
        work: impl FnOnce(Barrier) + Clone + Send + 'static,
    ) -> Failable<Team> {
        let gate = Barrier::new(count + 1)?;
        for _ in 0..count {
            let (work, gate) = (work.clone(), gate.clone());
            thread::spawn(move || work(gate));
        }
        Ok(Team {
            gate,
            processes: Vec::new(),
        })
    }

    /// Times a round in which all do `items` items together, this thread its own part of them;
    /// from before the gate opens, because a helper may be through it first.
    pub(super) fn time(&self, items: usize, work: impl FnOnce() -> Failable) -> Failable<f64> {
        time(items, || {
            self.gate.wait()?;
            work()?;
            self.gate.wait()?;
            Ok(())
        })
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.gate.abort();
        for process in self.processes.drain(..) {
            process.kill();
            // It was killed, or went home just before.
            let _ = process.join();
        }
    }
}
