//! What an idle worker takes: its share of the memory it is in (`Pss` of `smaps_rollup`).

use std::fs;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use multiproc::{Pool, Process, StartMethod, worker};

use super::{COMMAND, FORK_SERVER, POOL, PROCSPAWN, SPAWN};
use crate::bench::{Bench, Race};
use crate::measure::{Contestant, Failable};

/// For those that have just been started. Ours let go after a tenth of a second of what they do not use,
/// and again later.
const TO_SETTLE: Duration = Duration::from_millis(500);

pub(crate) fn run(bench: &mut Bench) -> Failable {
    for count in [1, 32] {
        compare(bench, count)?;
    }
    Ok(())
}

fn compare(bench: &mut Bench, count: usize) -> Failable {
    let ours = |start_method| -> multiproc::Result<Vec<Process<()>>> {
        (0..count)
            .map(|_| idle::call().start_method(start_method).spawn())
            .collect()
    };
    let fork_server = ours(StartMethod::ForkServer)?;
    let spawn = ours(StartMethod::Spawn)?;
    let mut theirs: Vec<_> = (0..count)
        .map(|_| procspawn::spawn((), idle_without_arguments))
        .collect();
    let mut commands = Commands(
        (0..count)
            .map(|_| sleep())
            .collect::<std::io::Result<_>>()?,
    );
    let pool = Pool::builder().workers(count).build_and_wait()?;
    thread::sleep(TO_SETTLE);

    let pids = |processes: &[Process<()>]| processes.iter().map(Process::id).collect();
    let contestants = vec![
        weigh(FORK_SERVER, pids(&fork_server)),
        weigh(SPAWN, pids(&spawn)),
        weigh(POOL, pool.worker_ids()),
        weigh(
            PROCSPAWN,
            theirs
                .iter()
                .filter_map(procspawn::JoinHandle::pid)
                .collect(),
        ),
        weigh(COMMAND, commands.0.iter().map(Child::id).collect()),
        bench.python("CPython, fork", "memory_fork", count, 0),
        bench.python("CPython, fork server", "memory_forkserver", count, 0),
    ];
    bench.weigh(
        Race {
            title: format!("proportional set size of each of {count}"),
            base_line: COMMAND,
            contestants,
            aims: vec![],
        },
        count,
    );
    pool.shutdown()?;
    for process in fork_server.into_iter().chain(spawn) {
        process.kill();
        // It was killed, and says so.
        let _ = process.join();
    }
    for process in &mut theirs {
        process.kill()?;
    }
    commands.end()
}

#[worker]
fn idle() {
    loop {
        thread::park();
    }
}

fn idle_without_arguments((): ()) {
    idle();
}

fn sleep() -> std::io::Result<Child> {
    Command::new("sleep").arg("1000").spawn()
}

/// Each sample is the next process's.
fn weigh(name: &'static str, pids: Vec<u32>) -> Contestant<'static> {
    let mut next = 0;
    Contestant::sampled(name, move || {
        let pid = pids
            .get(next % pids.len().max(1))
            .ok_or("none was started")?;
        next += 1;
        proportional_set_size(*pid)
    })
}

fn proportional_set_size(pid: u32) -> Failable<f64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let kib: f64 = rollup
        .lines()
        .find_map(|line| line.strip_prefix("Pss:")?.strip_suffix("kB"))
        .ok_or("smaps_rollup has no Pss")?
        .trim()
        .parse()?;
    Ok(kib * 1024.0)
}

struct Commands(Vec<Child>);

impl Commands {
    fn end(&mut self) -> Failable {
        for command in &mut self.0 {
            command.kill()?;
            command.wait()?;
        }
        Ok(())
    }
}
