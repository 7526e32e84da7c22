//! Locks, signals and memory between processes, some of which are killed.

#![expect(
    clippy::needless_pass_by_value,
    clippy::mem_forget,
    clippy::print_stderr,
    reason = "workers own their arguments, some forget what they should not, and a test that hangs must say so"
)]

mod conversion;
mod death;
mod frozen;
mod guards;
mod handles;
mod shapes;
mod stray;
mod stress;
mod turns;

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use multiproc::StartMethod;
use rustix::process::{Pid, Signal, kill_process};

const METHODS: [StartMethod; 2] = [StartMethod::ForkServer, StartMethod::Spawn];

/// Runs a test that must be over by a deadline; else the children are killed and the tests end.
fn within(deadline: Duration, test: impl FnOnce()) {
    let (alive, watched) = mpsc::channel::<()>();
    let name = thread::current().name().unwrap_or("?").to_owned();
    thread::spawn(move || {
        if watched.recv_timeout(deadline) == Err(RecvTimeoutError::Timeout) {
            eprintln!("{name} has not come to its end within {deadline:?}");
            for child in multiproc::active_children() {
                kill(child.id());
            }
            std::process::exit(101);
        }
    });
    test();
    drop(alive);
}

fn kill(id: u32) {
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
    if let Some(pid) = pid {
        let _ = kill_process(pid, Signal::KILL);
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
