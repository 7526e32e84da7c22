//! A pool with more workers than cores.

use std::time::{Duration, Instant};

use multiproc::{Pool, worker};
use rayon::ThreadPoolBuilder;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use crate::bench::{Bench, Race};
use crate::measure::{Contestant, Failable};

const TINY: &str = "multiproc, Pool, tiny tasks";
const TASKS: usize = 2_000;
const LONGER: usize = 200;

pub(super) fn run(bench: &mut Bench) -> Failable {
    let counts: &[usize] = if bench.quick { &[1, 8] } else { &[1, 8, 64] };
    for &count in counts {
        let pool = Pool::builder().workers(count).build_and_wait()?;
        let threads = ThreadPoolBuilder::new().num_threads(count).build()?;
        let contestants = vec![
            Contestant::timed(TINY, TASKS, || {
                pool.map(tiny::call, 0..TASKS)
                    .try_for_each(|it| it.map(drop))?;
                Ok(())
            }),
            Contestant::timed("multiproc, Pool, one by one", TASKS, || {
                let tasks: Vec<_> = (0..TASKS).map(|n| pool.submit(tiny::call(n))).collect();
                tasks.into_iter().try_for_each(|it| it.wait().map(drop))?;
                Ok(())
            }),
            Contestant::timed("multiproc, Pool, tasks of 100 µs", LONGER, || {
                pool.map(longer::call, 0..LONGER)
                    .try_for_each(|it| it.map(drop))?;
                Ok(())
            }),
            Contestant::timed("rayon, tasks of 100 µs", LONGER, || {
                threads.install(|| {
                    (0..LONGER).into_par_iter().for_each(|n| {
                        longer(n);
                    });
                });
                Ok(())
            }),
        ];
        bench.step(
            "a task, with so many workers on the cores that there are",
            count,
            Race {
                title: format!("a task, workers: {count}"),
                base_line: TINY,
                contestants,
                aims: vec![],
            },
        );
    }
    Ok(())
}

#[worker]
fn tiny(number: usize) -> usize {
    number
}

#[worker]
fn longer(number: usize) -> usize {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_micros(100) {
        std::hint::spin_loop();
    }
    number
}
