//! Tasks that wait: the memory that each takes, over its arguments.

use std::fs;

use multiproc::sync::Event;
use multiproc::{Pool, RemoteError, worker};

use crate::bench::{Bench, Race};
use crate::measure::Contestant;

const KEPT: &str = "multiproc, Pool, handles kept";
const DROPPED: &str = "multiproc, Pool, handles dropped";

pub(super) fn run(bench: &mut Bench) {
    let counts: &[usize] = if bench.quick {
        &[1_000, 10_000]
    } else {
        &[1, 100, 10_000, 100_000, 1_000_000]
    };
    for count in counts {
        // In a process of its own, whose memory has not been used before.
        let weigh = |keeps| move || Ok(weigh_queued::run(*count, keeps)??);
        let contestants = vec![
            Contestant::sampled(KEPT, weigh(true)),
            Contestant::sampled(DROPPED, weigh(false)),
        ];
        bench.weigh_step(
            "memory of a task that waits, among so many",
            *count,
            Race {
                title: format!("a task that waits, among {count}"),
                base_line: KEPT,
                contestants,
                aims: vec![],
            },
            3,
        );
    }
}

/// Bytes for each of so many tasks.
#[worker]
fn weigh_queued(count: usize, keeps: bool) -> Result<f64, RemoteError> {
    let pool = Pool::builder().workers(1).build_and_wait()?;
    let (begun, end) = (Event::new()?, Event::new()?);
    let first = pool.submit(wait::call(begun.clone(), end.clone()));
    begun.wait();
    let before = memory()?;
    let mut kept = Vec::new();
    for number in 0..count {
        let task = pool.submit(tiny::call(number));
        if keeps {
            kept.push(task);
        }
    }
    let taken = memory()?.saturating_sub(before);
    drop(kept);
    end.set();
    first.wait()?;
    Ok(taken as f64 / count as f64)
}

#[worker]
fn wait(begun: Event, end: Event) {
    begun.set();
    end.wait();
}

#[worker]
fn tiny(number: usize) -> usize {
    number
}

/// What this process has of memory that is no file.
fn memory() -> Result<u64, RemoteError> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kibibytes.ok_or("it is not told")?.parse::<u64>()? << 10)
}
