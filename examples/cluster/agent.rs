//! An agent that is told to stop as programs are: by Ctrl-C, or by the signal that Slurm, Kubernetes and `kill` send.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use multiproc::{PoolBuilder, Result};
use multiproc_cluster::Agent;

use super::server::server;

/// The exit code that shells give a program which Ctrl-C has ended: 128 and the signal's number.
const INTERRUPTED: i32 = 130;

/// Runs tasks until it is told to stop, and then finishes those that it has begun. Told again, it stops at once.
pub(crate) fn run(url: &str, pool: PoolBuilder) -> Result<()> {
    // A terminal sends Ctrl-C to the workers, too: it is the agent that decides.
    let agent = Agent::connect(server(url))?.pool(pool.ignore_interrupts());
    let stopper = agent.stopper();
    let is_stopping = AtomicBool::new(false);
    ctrlc::set_handler(move || {
        if is_stopping.swap(true, Ordering::Relaxed) {
            process::exit(INTERRUPTED);
        }
        stopper.stop();
    })
    .expect("there is no other handler");
    agent.show_status().run()
}
