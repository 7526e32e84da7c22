//! One large argument of many tasks: sent with each, or frozen once.

use std::collections::HashMap;

use multiproc::shm::Frozen;
use multiproc::{Pool, worker};

use crate::bench::{Bench, Race};
use crate::measure::{Contestant, Failable};
use crate::report::Aim;

const TINY: &str = "multiproc, no argument";
const FROZEN: &str = "multiproc, by Frozen";
const EACH_TIME: &str = "multiproc, by reference";

const TASKS: usize = 100;

/// Some 8 MiB, that take a while to decode.
type Table = HashMap<String, Vec<f64>>;

/// Races for each of the tasks, in a pool that is there already.
pub(super) fn run(bench: &mut Bench) -> Failable {
    let rows = if bench.quick { 2_000 } else { 20_000 };
    let row = |number: usize| (format!("row {number}"), vec![number as f64; 50]);
    let table: Table = (0..rows).map(row).collect();
    let frozen = Frozen::new(&table)?;
    let pool = Pool::builder().workers(1).build_and_wait()?;
    let (pool, table, frozen) = (&pool, &table, &frozen);
    let contestants = vec![
        Contestant::timed(TINY, TASKS, || collect(pool.map(tiny::call, 0..TASKS))),
        Contestant::timed(FROZEN, TASKS, || {
            collect(pool.map(|number| look_up_frozen::call(frozen, number), 0..TASKS))
        }),
        Contestant::timed("multiproc, by Frozen, made anew", TASKS, || {
            let frozen = Frozen::new(table)?;
            collect(pool.map(|number| look_up_frozen::call(&frozen, number), 0..TASKS))
        }),
        Contestant::timed(EACH_TIME, TASKS, || {
            collect(pool.map(|number| look_up::call(table, number), 0..TASKS))
        }),
    ];
    bench.race(Race {
        title: format!("a table of {rows} × 50 numbers, used by each of {TASKS} tasks"),
        base_line: TINY,
        contestants,
        aims: vec![Aim {
            of: FROZEN,
            against: TINY,
            at_most: 1.2,
        }],
    });
    Ok(())
}

fn collect(results: impl Iterator<Item = multiproc::Result<f64>>) -> Failable {
    for result in results {
        result?;
    }
    Ok(())
}

#[worker]
fn tiny(number: usize) -> f64 {
    number as f64
}

#[worker]
fn look_up(table: &HashMap<String, Vec<f64>>, number: usize) -> f64 {
    sum(table, number)
}

#[worker]
fn look_up_frozen(table: &Frozen<Table>, number: usize) -> f64 {
    sum(table, number)
}

fn sum(table: &Table, number: usize) -> f64 {
    table[&format!("row {number}")].iter().sum()
}
