//! Many tasks while workers are killed all the time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use multiproc::{ErrorKind, Pool, StartMethod};

use crate::{eventually, kill, square, within};

/// How many tasks: as many as fit some seconds, or what `MULTIPROC_SOAK` says.
fn tasks() -> u64 {
    std::env::var("MULTIPROC_SOAK").map_or(10_000, |count| count.parse().unwrap())
}

/// Runs the tasks while a worker is killed every 20 ms, if the pool has come on since the last
/// time, and gives how many were lost.
fn soak(pool: &Pool, tasks: u64, map: bool) -> u64 {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut turn = 0;
            let mut before = 0;
            while !done.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(20));
                // Where processes take longer than this to start, all would be killed before they
                // do anything, and the pool would rightly give up.
                let now = pool.stats().finished();
                if std::mem::replace(&mut before, now) == now {
                    continue;
                }
                let ids = pool.worker_ids();
                if let Some(id) = ids.get(turn % ids.len().max(1)) {
                    kill(*id);
                }
                turn += 1;
            }
        });
        let mut lost = 0;
        let mut judge = |x: u64, result: multiproc::Result<u64>| match result {
            Ok(value) => assert_eq!(value, x * x),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Signaled, "{error}");
                assert_eq!(error.signal(), Some(9));
                lost += 1;
            }
        };
        let mut count = 0;
        if map {
            for (x, result) in (0..).zip(pool.map(square::call, 0..tasks)) {
                judge(x, result);
                count += 1;
            }
        } else {
            for start in (0..tasks).step_by(1000) {
                let end = tasks.min(start + 1000);
                let tasks: Vec<_> = (start..end).map(|x| pool.submit(square::call(x))).collect();
                for (x, task) in (start..).zip(tasks) {
                    judge(x, task.wait());
                    count += 1;
                }
            }
        }
        done.store(true, Ordering::Relaxed);
        assert_eq!(count, tasks);
        lost
    })
}

fn count(directory: &str) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}

/// Soaks in a process of its own, whose descriptors and threads are nobody else's.
#[multiproc::worker]
fn soak_alone(spawn: bool, tasks: u64, map: bool) {
    let method = if spawn {
        StartMethod::Spawn
    } else {
        StartMethod::ForkServer
    };
    let builder = || Pool::builder().workers(4).start_method(method);
    // What is made once is made.
    soak(&builder().build().unwrap(), 100, false);
    let resources = || (count("/proc/self/fd"), count("/proc/self/task"));
    let before = resources();

    let pool = builder().build().unwrap();
    let lost = soak(&pool, tasks, map);
    assert_eq!(pool.stats().finished(), tasks);
    assert_eq!(pool.stats().failed(), lost);
    drop(pool);

    let pool = builder().retries(50).build().unwrap();
    assert_eq!(soak(&pool, tasks, map), 0);
    assert_eq!(pool.stats().failed(), 0);
    let retried = pool.stats().retried();
    drop(pool);

    assert!(multiproc::active_children().is_empty());
    eventually("nothing is left of the pools", || {
        let after = resources();
        after.0 <= before.0 + 2 && after.1 <= before.1
    });
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    #[expect(clippy::print_stdout, reason = "numbers for who soaks by hand")]
    {
        println!("{tasks} tasks, spawn {spawn}, map {map}: {lost} lost, {retried} retried, {peak}");
    }
}

#[test]
fn submitted_tasks_survive_by_clones() {
    within(Duration::from_mins(10), || {
        soak_alone::run(false, tasks(), false).unwrap();
    });
}

#[test]
fn submitted_tasks_survive_by_execution() {
    within(Duration::from_mins(10), || {
        soak_alone::run(true, tasks(), false).unwrap();
    });
}

#[test]
fn mapped_tasks_survive() {
    within(Duration::from_mins(10), || {
        soak_alone::run(false, tasks() * 20, true).unwrap();
    });
}
