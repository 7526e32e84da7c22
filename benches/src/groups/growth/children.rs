//! Starting a process beside many others.

use std::fs;
use std::process::Command;
use std::thread;

use multiproc::{Process, StartMethod, worker};

use crate::bench::{Bench, Race};
use crate::groups::{COMMAND, FORK_SERVER, SPAWN};
use crate::measure::Contestant;

/// Processes and threads that are left to the rest of the machine.
const RESERVE: usize = 8_000;

/// Threads of a child.
const THREADS: usize = 2;

pub(super) fn run(bench: &mut Bench) {
    let mut children = Vec::new();
    let counts: &[usize] = if bench.quick {
        &[0, 100]
    } else {
        &[0, 100, 1_000, 10_000]
    };
    for count in counts {
        let grown = check_room(*count).and_then(|()| grow(&mut children, *count));
        let contestants = match grown {
            Ok(()) => vec![
                ours(FORK_SERVER, StartMethod::ForkServer),
                ours(SPAWN, StartMethod::Spawn),
                Contestant::timed(COMMAND, 1, || {
                    Command::new("true").status()?;
                    Ok(())
                }),
            ],
            Err(reason) => vec![Contestant::absent(FORK_SERVER, reason)],
        };
        bench.step(
            "starting a process, beside so many live children",
            *count,
            Race {
                title: format!("a process, beside {count} live children"),
                base_line: COMMAND,
                contestants,
                aims: vec![],
            },
        );
    }
    children.iter().for_each(Process::kill);
    for child in children {
        // It was killed, and says so.
        let _ = child.join();
    }
}

fn ours(name: &'static str, method: StartMethod) -> Contestant<'static> {
    Contestant::timed(name, 1, move || {
        Ok(nothing::call().start_method(method).run()?)
    })
}

fn grow(children: &mut Vec<Process<()>>, count: usize) -> Result<(), String> {
    while children.len() < count {
        let child = idle::spawn().map_err(|error| {
            format!("{error}, after {} children that are alive", children.len())
        })?;
        children.push(child);
    }
    Ok(())
}

/// Whether the machine has so many process ids to spare.
fn check_room(count: usize) -> Result<(), String> {
    let number =
        |path: &str| -> Option<usize> { fs::read_to_string(path).ok()?.trim().parse().ok() };
    let most = number("/proc/sys/kernel/pid_max").unwrap_or(usize::MAX);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    // Running and all, behind the three averages.
    let all = load
        .split_whitespace()
        .nth(3)
        .and_then(|tasks| tasks.split_once('/'));
    let taken: usize = all.and_then(|(_, all)| all.parse().ok()).unwrap_or(0);
    if taken + count * THREADS + RESERVE > most {
        return Err(format!(
            "{most} processes and threads are possible on this machine, of which {taken} are there"
        ));
    }
    Ok(())
}

#[worker]
fn nothing() {}

#[worker]
fn idle() {
    loop {
        thread::park();
    }
}
