//! Starting a process that does nothing, and waiting until it is reaped.

use std::hint::black_box;
use std::process::Command;
use std::thread;
use std::time::Duration;

use multiproc::{Process, StartMethod, worker};
use rustix::time::{ClockId, clock_gettime};

use super::bare_fork::BareForkServer;
use super::{BARE_FORK, COMMAND, FORK_SERVER, PROCSPAWN, SPAWN, THREAD, one_cpu};
use crate::bench::{Bench, Race};
use crate::measure::{Contestant, Failable, nanoseconds};
use crate::report::Aim;

/// Started at once in the case that has several.
const BURST: usize = 16;

pub(crate) fn run(bench: &mut Bench) -> Failable {
    let crowd = if bench.quick { 200 } else { 1000 };
    let mut contestants = one_by_one()?;
    contestants.push(bench.python("CPython, fork", "spawn_fork", 1, 0));
    contestants.push(bench.python("CPython, fork server", "spawn_forkserver", 1, 0));
    let of_command = (COMMAND, 0.5);
    race(
        bench,
        "to reaped",
        contestants,
        &[(PROCSPAWN, 0.25), of_command],
    );
    let place = one_cpu::place()?;
    race(
        bench,
        "to reaped, everything on one CPU",
        one_cpu::contestants(&place),
        &[(SPAWN, 0.3), (COMMAND, 0.6)],
    );
    place.shutdown()?;
    race(
        bench,
        "from call to the worker's first line",
        to_the_worker(),
        &[of_command],
    );
    race(
        bench,
        &format!("to reaped, each of {BURST} at once"),
        at_once()?,
        &[of_command],
    );

    let children = live_children(crowd)?;
    race(
        bench,
        &format!("to reaped, beside {crowd} live children"),
        one_by_one()?,
        &[of_command],
    );

    let ballast = black_box(vec![1_u8; 1 << 30]);
    race(
        bench,
        &format!("to reaped, beside {crowd} live children, from a parent of 1 GiB"),
        one_by_one()?,
        &[of_command],
    );
    end(children);
    race(
        bench,
        "to reaped, from a parent of 1 GiB",
        one_by_one()?,
        &[of_command],
    );
    drop(black_box(ballast));
    Ok(())
}

/// The fork server is to take so many times as long as others, at most.
fn race(
    bench: &mut Bench,
    title: &str,
    contestants: Vec<Contestant<'_>>,
    at_most: &[(&'static str, f64)],
) {
    let aims = at_most.iter().map(|(against, at_most)| Aim {
        of: FORK_SERVER,
        against,
        at_most: *at_most,
    });
    bench.race(Race {
        title: title.to_owned(),
        base_line: COMMAND,
        contestants,
        aims: aims.collect(),
    });
}

#[worker]
pub(super) fn nothing() {}

pub(super) fn no_arguments((): ()) {}

fn one_by_one() -> Failable<Vec<Contestant<'static>>> {
    let mut bare = BareForkServer::start()?;
    let ours = |name, start_method| {
        Contestant::timed(name, 1, move || {
            nothing::call().start_method(start_method).run()?;
            Ok(())
        })
    };
    Ok(vec![
        ours(FORK_SERVER, StartMethod::ForkServer),
        ours(SPAWN, StartMethod::Spawn),
        Contestant::timed(PROCSPAWN, 1, || {
            procspawn::spawn((), no_arguments).join()?;
            Ok(())
        }),
        Contestant::timed(COMMAND, 1, || {
            Command::new("true").status()?;
            Ok(())
        }),
        Contestant::timed(BARE_FORK, 1, move || bare.run(1)),
        Contestant::timed(THREAD, 1, || {
            thread::spawn(nothing).join().map_err(|_| "panicked")?;
            Ok(())
        }),
    ])
}

/// The time now, by a clock that all processes share.
#[worker]
fn now() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    Duration::new(
        now.tv_sec.try_into().unwrap_or_default(),
        now.tv_nsec.try_into().unwrap_or_default(),
    )
}

fn now_without_arguments((): ()) -> Duration {
    now()
}

fn to_the_worker() -> Vec<Contestant<'static>> {
    let ours = |name, start_method| {
        Contestant::sampled(name, move || {
            let start = now();
            let arrival = now::call().start_method(start_method).run()?;
            Ok(nanoseconds(arrival.saturating_sub(start)))
        })
    };
    vec![
        ours(FORK_SERVER, StartMethod::ForkServer),
        ours(SPAWN, StartMethod::Spawn),
        Contestant::sampled(PROCSPAWN, || {
            let start = now();
            let arrival = procspawn::spawn((), now_without_arguments).join()?;
            Ok(nanoseconds(arrival.saturating_sub(start)))
        }),
        // It cannot tell when it is there: to reaped, for comparison.
        Contestant::timed(COMMAND, 1, || {
            Command::new("true").status()?;
            Ok(())
        }),
        Contestant::sampled(THREAD, || {
            let start = now();
            let arrival = thread::spawn(now).join().map_err(|_| "panicked")?;
            Ok(nanoseconds(arrival.saturating_sub(start)))
        }),
    ]
}

fn at_once() -> Failable<Vec<Contestant<'static>>> {
    let mut bare = BareForkServer::start()?;
    let ours = |name, start_method| {
        Contestant::timed(name, BURST, move || {
            let processes = (0..BURST).map(|_| nothing::call().start_method(start_method).spawn());
            let processes = processes.collect::<multiproc::Result<Vec<_>>>()?;
            for process in processes {
                process.join()?;
            }
            Ok(())
        })
    };
    Ok(vec![
        ours(FORK_SERVER, StartMethod::ForkServer),
        ours(SPAWN, StartMethod::Spawn),
        Contestant::timed(PROCSPAWN, BURST, || {
            let processes: Vec<_> = (0..BURST)
                .map(|_| procspawn::spawn((), no_arguments))
                .collect();
            for process in processes {
                process.join()?;
            }
            Ok(())
        }),
        Contestant::timed(COMMAND, BURST, || {
            let processes = (0..BURST).map(|_| Command::new("true").spawn());
            for mut process in processes.collect::<std::io::Result<Vec<_>>>()? {
                process.wait()?;
            }
            Ok(())
        }),
        Contestant::timed(BARE_FORK, BURST, move || bare.run(BURST)),
        Contestant::timed(THREAD, BURST, || {
            let threads: Vec<_> = (0..BURST).map(|_| thread::spawn(nothing)).collect();
            for thread in threads {
                thread.join().map_err(|_| "panicked")?;
            }
            Ok(())
        }),
    ])
}

#[worker]
fn idle() {
    loop {
        thread::park();
    }
}

fn live_children(count: usize) -> multiproc::Result<Vec<Process<()>>> {
    (0..count).map(|_| idle::spawn()).collect()
}

fn end(children: Vec<Process<()>>) {
    children.iter().for_each(Process::kill);
    for child in children {
        // It was killed, and says so.
        let _ = child.join();
    }
}
