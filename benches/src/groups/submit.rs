//! Tasks that do nothing, submitted one by one: what each costs, and the memory of each that waits.

use std::fs;

use multiproc::{Pool, Task, is_cancelled, worker};

use super::POOL;
use crate::bench::{Bench, Race};
use crate::measure::{Contestant, Failable};
use crate::report::Aim;

const RAYON: &str = "rayon, spawn, and a crossbeam channel";
const PYTHON_EXECUTOR: &str = "CPython, ProcessPoolExecutor.submit";
const PYTHON_POOL: &str = "CPython, Pool.map, chunksize=1";

pub(crate) fn run(bench: &mut Bench) -> Failable {
    let workers = std::thread::available_parallelism()?.get();
    let pool = Pool::builder().workers(workers).build_and_wait()?;
    submit(bench, &pool);
    map_one_by_one(bench, &pool);
    for count in [1000, 100_000, 1_000_000] {
        weigh(bench, count);
    }
    Ok(())
}

/// All are submitted, and then all are waited for.
fn submit(bench: &mut Bench, pool: &Pool) {
    let count = if bench.quick { 20_000 } else { 100_000 };
    let contestants = vec![
        Contestant::timed(POOL, count, move || {
            let tasks: Vec<Task<usize>> = (0..count)
                .map(|number| pool.submit(same::call(number)))
                .collect();
            for task in tasks {
                task.wait()?;
            }
            Ok(())
        }),
        Contestant::timed(RAYON, count, move || {
            let (sender, receiver) = crossbeam_channel::unbounded();
            for number in 0..count {
                let sender = sender.clone();
                rayon::spawn(move || {
                    // It is there until all have been received.
                    let _ = sender.send(same(number));
                });
            }
            for _ in 0..count {
                receiver.recv()?;
            }
            Ok(())
        }),
        bench.python(PYTHON_EXECUTOR, "executor_submit", count, 0),
    ];
    bench.race(Race {
        title: format!("each of {count}, submitted and waited for"),
        base_line: PYTHON_EXECUTOR,
        contestants,
        aims: vec![Aim {
            of: POOL,
            against: PYTHON_EXECUTOR,
            at_most: 0.1,
        }],
    });
}

/// A map whose groups are of one task.
fn map_one_by_one(bench: &mut Bench, pool: &Pool) {
    let count = if bench.quick { 10_000 } else { 50_000 };
    let contestants = vec![
        Contestant::timed("multiproc, Pool, chunk_size(1)", count, move || {
            let results = pool.map(same::call, 0..count).chunk_size(1);
            results.collect::<multiproc::Result<Vec<_>>>()?;
            Ok(())
        }),
        bench.python(PYTHON_POOL, "pool_one_by_one", count, 0),
    ];
    bench.race(Race {
        title: format!("each of {count} of a map, one by one"),
        base_line: PYTHON_POOL,
        contestants,
        aims: vec![Aim {
            of: "multiproc, Pool, chunk_size(1)",
            against: PYTHON_POOL,
            at_most: 0.2,
        }],
    });
}

/// How much the resident memory grows for each task that waits, its handle and its argument included.
fn weigh(bench: &mut Bench, count: usize) {
    const ROUNDS: usize = 5;

    let contestant = Contestant::sampled(POOL, || Ok(growth::run(count)??));
    bench.weigh(
        Race {
            title: format!("memory of each of {count} that wait"),
            base_line: POOL,
            contestants: vec![contestant],
            aims: vec![],
        },
        ROUNDS,
    );
}

/// Has so many tasks wait. In a process of its own, in which no memory lies about that was used before.
#[worker]
fn growth(count: usize) -> Result<f64, String> {
    let measure = || -> Failable<f64> {
        let pool = Pool::builder().workers(1).build_and_wait()?;
        pool.submit(same::call(0)).wait()?;
        let busy = pool.submit(hold::call());
        while pool.active() == 0 {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let before = resident_memory()?;
        let tasks: Vec<Task<usize>> = (0..count)
            .map(|number| pool.submit(same::call(number)))
            .collect();
        let after = resident_memory()?;
        pool.cancel_queued();
        drop((tasks, busy));
        #[expect(clippy::cast_precision_loss, reason = "it is rounded anyway")]
        Ok(after.saturating_sub(before) as f64 / count as f64)
    };
    measure().map_err(|error| error.to_string())
}

fn resident_memory() -> Failable<usize> {
    let status = fs::read_to_string("/proc/self/status")?;
    let kib = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:")?.strip_suffix("kB"));
    let kib: usize = kib.ok_or("status has no VmRSS")?.trim().parse()?;
    Ok(kib * 1024)
}

#[worker]
fn same(number: usize) -> usize {
    number
}

/// Runs until it is asked to stop.
#[worker]
fn hold() {
    while !is_cancelled() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}
