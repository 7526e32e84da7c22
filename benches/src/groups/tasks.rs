//! Many tasks, on as many workers as there are cores.

use std::time::{Duration, Instant};

use multiproc::{Call, Pool, worker};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::{POOL, PROCSPAWN_POOL};
use crate::bench::{Bench, Race};
use crate::measure::{Contestant, Failable};
use crate::report::Aim;

const ONE_THREAD: &str = "a loop on one thread";
const RAYON: &str = "rayon";
const PYTHON_POOL: &str = "CPython, Pool.map";

/// A kind of task, as everybody knows it.
struct Task {
    title: &'static str,
    count: usize,
    function: fn(usize) -> usize,
    bind: fn(usize) -> Call<'static, usize>,
    python_pool: &'static str,
    python_executor: &'static str,
    aims: Vec<Aim>,
}

pub(crate) fn run(bench: &mut Bench) -> Failable {
    let workers = std::thread::available_parallelism()?.get();
    let pool = Pool::builder().workers(workers).build()?;
    let theirs = procspawn::Pool::new(workers)?;
    let scale = if bench.quick { 4 } else { 1 };
    let tasks = [
        Task {
            title: "tiny",
            count: 4000 / scale,
            function: tiny,
            bind: tiny::call,
            python_pool: "pool_tiny",
            python_executor: "executor_tiny",
            aims: vec![Aim {
                of: POOL,
                against: PYTHON_POOL,
                at_most: 1.0,
            }],
        },
        Task {
            title: "of 1 ms",
            count: 128 / scale,
            function: of_1ms,
            bind: of_1ms::call,
            python_pool: "pool_1ms",
            python_executor: "executor_1ms",
            // 95 % of its throughput.
            aims: vec![Aim {
                of: POOL,
                against: RAYON,
                at_most: 1.05,
            }],
        },
        Task {
            title: "uneven (one in 16 of 4 ms, the others of 0.1 ms)",
            count: 128 / scale,
            function: uneven,
            bind: uneven::call,
            python_pool: "pool_uneven",
            python_executor: "executor_uneven",
            aims: vec![],
        },
    ];
    for task in tasks {
        compare(bench, task, &pool, &theirs);
    }
    theirs.shutdown();
    compare_many(bench, &pool);
    Ok(())
}

/// So many that what each costs is all that counts; those who send them one by one are left out.
fn compare_many(bench: &mut Bench, pool: &Pool) {
    let count = if bench.quick { 250_000 } else { 1_000_000 };
    let contestants = vec![
        Contestant::timed(POOL, count, move || {
            pool.map(tiny::call, 0..count)
                .collect::<multiproc::Result<Vec<_>>>()?;
            Ok(())
        }),
        Contestant::timed(RAYON, count, move || {
            (0..count).into_par_iter().map(tiny).collect::<Vec<_>>();
            Ok(())
        }),
        bench.python(PYTHON_POOL, "pool_tiny", count, 0),
    ];
    bench.race(Race {
        title: format!("tiny, for each of {count}"),
        base_line: PYTHON_POOL,
        contestants,
        aims: vec![Aim {
            of: POOL,
            against: PYTHON_POOL,
            at_most: 0.4,
        }],
    });
}

fn compare(bench: &mut Bench, task: Task, pool: &Pool, theirs: &procspawn::Pool) {
    let Task {
        title,
        count,
        function,
        bind,
        python_pool,
        python_executor,
        aims,
    } = task;
    let contestants = vec![
        Contestant::timed(POOL, count, move || {
            pool.map(bind, 0..count)
                .collect::<multiproc::Result<Vec<_>>>()?;
            Ok(())
        }),
        Contestant::timed(PROCSPAWN_POOL, count, move || {
            let tasks: Vec<_> = (0..count)
                .map(|number| theirs.spawn(number, function))
                .collect();
            for task in tasks {
                task.join()?;
            }
            Ok(())
        }),
        Contestant::timed(RAYON, count, move || {
            (0..count).into_par_iter().map(function).collect::<Vec<_>>();
            Ok(())
        }),
        Contestant::timed(ONE_THREAD, count, move || {
            (0..count).map(function).for_each(|number| {
                std::hint::black_box(number);
            });
            Ok(())
        }),
        bench.python(PYTHON_POOL, python_pool, count, 0),
        bench.python(
            "CPython, ProcessPoolExecutor.map",
            python_executor,
            count,
            0,
        ),
    ];
    bench.race(Race {
        title: format!("{title}, for each of {count}"),
        base_line: ONE_THREAD,
        contestants,
        aims,
    });
}

#[worker]
fn tiny(number: usize) -> usize {
    number
}

#[worker]
fn of_1ms(number: usize) -> usize {
    spin(Duration::from_millis(1));
    number
}

#[worker]
fn uneven(number: usize) -> usize {
    spin(Duration::from_micros(if number.is_multiple_of(16) {
        4000
    } else {
        100
    }));
    number
}

/// Busy for as long by the clock, so that every language does the same.
fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}
