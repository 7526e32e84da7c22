//! What is in a message: values of many parts, handed to a worker that is already there. What is
//! timed is the whole way, from values here to values there; of the formats beside it, into bytes and
//! back, without any way.

use std::collections::HashMap;
use std::hint::black_box;

use multiproc::{Pool, Shareable, worker};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::POOL;
use crate::bench::{Bench, Race};
use crate::measure::{Contestant, Failable};
use crate::report::Aim;

const POSTCARD: &str = "postcard, to_allocvec and from_bytes";
const JSON: &str = "serde_json, to_vec and from_slice";
const COPY: &str = "memcpy, into a new Vec";

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Point {
    x: f32,
    y: f32,
    z: f32,
}

/// Of this the library knows that its memory is its value.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, Shareable)]
struct Sample {
    x: f32,
    y: f32,
    z: f32,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Record {
    id: u64,
    name: String,
    score: f64,
    tags: Vec<String>,
    note: Option<String>,
    place: (i32, i32),
}

type Table = HashMap<String, Vec<f64>>;

pub(crate) fn run(bench: &mut Bench) -> Failable {
    let pool = Pool::builder().workers(1).build()?;
    let part = if bench.quick { 4 } else { 1 };
    numbers(bench, &pool, part);
    mixed(bench, &pool, part);
    Ok(())
}

/// What is nothing but numbers.
fn numbers(bench: &mut Bench, pool: &Pool, part: i32) {
    let points: Vec<Point> = (0..1_000_000 / part)
        .map(|at| [at as f32, at as f32 / 2.0, -(at as f32)])
        .map(|[x, y, z]| Point { x, y, z })
        .collect();
    bench.race(Race {
        title: format!("{} structs of three f32", points.len()),
        base_line: POSTCARD,
        contestants: vec![
            Contestant::timed(POOL, 1, || {
                let count = pool.submit(take_points::call(&points)).wait()?;
                check(count, points.len())
            }),
            postcard(&points),
            memcpy(&points),
        ],
        aims: vec![aim(POSTCARD, 1.2)],
    });

    let samples: Vec<Sample> = points
        .iter()
        .map(|&Point { x, y, z }| Sample { x, y, z })
        .collect();
    bench.race(Race {
        title: format!("{} Shareable structs of three f32", samples.len()),
        base_line: COPY,
        contestants: vec![
            Contestant::timed(POOL, 1, || {
                let count = pool.submit(take_samples::call(&samples)).wait()?;
                check(count, samples.len())
            }),
            postcard(&samples),
            memcpy(&samples),
        ],
        aims: vec![aim(COPY, 3.0)],
    });

    let pairs: Vec<(f64, u32)> = (0..1_000_000 / part)
        .map(|at| (f64::from(at), at.unsigned_abs()))
        .collect();
    bench.race(Race {
        title: format!("{} tuples of f64 and u32", pairs.len()),
        base_line: COPY,
        contestants: vec![
            Contestant::timed(POOL, 1, || {
                let count = pool.submit(take_pairs::call(&pairs)).wait()?;
                check(count, pairs.len())
            }),
            postcard(&pairs),
            memcpy(&pairs),
        ],
        aims: vec![aim(COPY, 3.0)],
    });

    let arrays: Vec<[f32; 3]> = points.iter().map(|it| [it.x, it.y, it.z]).collect();
    bench.race(Race {
        title: format!("{} arrays of three f32", arrays.len()),
        base_line: COPY,
        contestants: vec![
            Contestant::timed(POOL, 1, || {
                let count = pool.submit(take_arrays::call(&arrays)).wait()?;
                check(count, arrays.len())
            }),
            postcard(&arrays),
            memcpy(&arrays),
        ],
        aims: vec![aim(COPY, 3.0)],
    });
}

/// Texts, too, and what is there or not.
fn mixed(bench: &mut Bench, pool: &Pool, part: i32) {
    let records: Vec<Record> = (0..100_000 / part).map(record).collect();
    bench.race(Race {
        title: format!("{} records of six fields", records.len()),
        base_line: POSTCARD,
        contestants: vec![
            Contestant::timed(POOL, 1, || {
                let count = pool.submit(take_records::call(&records)).wait()?;
                check(count, records.len())
            }),
            postcard(&records),
        ],
        aims: vec![aim(POSTCARD, 1.1)],
    });

    let texts: Vec<String> = (0..300_000 / part).map(|at| format!("text {at}")).collect();
    bench.race(Race {
        title: format!("{} short strings", texts.len()),
        base_line: POSTCARD,
        contestants: vec![
            Contestant::timed(POOL, 1, || {
                let count = pool.submit(take_texts::call(&texts)).wait()?;
                check(count, texts.len())
            }),
            postcard(&texts),
        ],
        aims: vec![aim(POSTCARD, 1.0)],
    });

    let table: Table = (0..20_000 / part)
        .map(|row| {
            let numbers = (0..50).map(|at| f64::from(row * at)).collect();
            (format!("row {row}"), numbers)
        })
        .collect();
    bench.race(Race {
        title: format!("a map of {} names and 50 f64 each", table.len()),
        base_line: POSTCARD,
        contestants: vec![
            Contestant::timed(POOL, 1, || {
                let count = pool.submit(take_table::call(&table)).wait()?;
                check(count, table.len())
            }),
            postcard(&table),
        ],
        aims: vec![aim(POSTCARD, 1.0)],
    });

    let objects: Vec<Value> = (0..50_000 / part).map(object).collect();
    bench.race(Race {
        title: format!("serde_json's Value of {} objects", objects.len()),
        base_line: JSON,
        contestants: vec![
            Contestant::timed(POOL, 1, || {
                let count = pool.submit(take_objects::call(&objects)).wait()?;
                check(count, objects.len())
            }),
            Contestant::timed(JSON, 1, || {
                let bytes = serde_json::to_vec(&objects)?;
                black_box(serde_json::from_slice::<Vec<Value>>(&bytes)?);
                Ok(())
            }),
        ],
        aims: vec![aim(JSON, 0.8)],
    });
}

fn aim(against: &'static str, at_most: f64) -> Aim {
    Aim {
        of: POOL,
        against,
        at_most,
    }
}

fn postcard<T: Serialize + DeserializeOwned>(values: &T) -> Contestant<'_> {
    Contestant::timed(POSTCARD, 1, move || {
        let bytes = postcard::to_allocvec(values)?;
        black_box(postcard::from_bytes::<T>(&bytes)?);
        Ok(())
    })
}

fn memcpy<T: Copy>(values: &[T]) -> Contestant<'_> {
    Contestant::timed(COPY, 1, move || {
        black_box(black_box(values).to_vec());
        Ok(())
    })
}

fn check(arrived: usize, sent: usize) -> Failable {
    if arrived == sent {
        Ok(())
    } else {
        Err(format!("{arrived} of {sent} arrived").into())
    }
}

fn record(number: i32) -> Record {
    Record {
        id: u64::from(number.unsigned_abs()) * 7919,
        name: format!("name {number}"),
        score: f64::from(number) / 3.0,
        tags: (0..number % 4).map(|tag| format!("tag {tag}")).collect(),
        note: (number % 2 == 0).then(|| format!("note of {number}")),
        place: (number, -number),
    }
}

fn object(number: i32) -> Value {
    json!({
        "id": number,
        "name": format!("name {number}"),
        "score": f64::from(number) / 3.0,
        "is_even": number % 2 == 0,
        "tags": ["first", "second"],
        "note": null,
    })
}

#[worker]
fn take_points(points: &[Point]) -> usize {
    points.len()
}

#[worker]
fn take_samples(samples: &[Sample]) -> usize {
    samples.len()
}

#[worker]
fn take_pairs(pairs: &[(f64, u32)]) -> usize {
    pairs.len()
}

#[worker]
fn take_arrays(arrays: &[[f32; 3]]) -> usize {
    arrays.len()
}

#[worker]
fn take_records(records: &[Record]) -> usize {
    records.len()
}

#[worker]
fn take_texts(texts: &[String]) -> usize {
    texts.len()
}

#[worker]
fn take_table(table: &HashMap<String, Vec<f64>>) -> usize {
    table.len()
}

#[worker]
fn take_objects(objects: &[Value]) -> usize {
    objects.len()
}
