//! Frozen values as arguments of many tasks: they travel together, and what a worker has of them lasts as long
//! as it is of use.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};

use multiproc::shm::Frozen;
use multiproc::{ErrorKind, Fd, worker};
use serde::de::Deserializer;
use serde::{Deserialize, Serialize};

use crate::{check, eventually, kill};

// They count in workers: here, nothing is decoded.
static DECODED: AtomicUsize = AtomicUsize::new(0);
static ALIVE: AtomicUsize = AtomicUsize::new(0);

/// A value that counts how often it is decoded in a process, and how many there are.
#[derive(Serialize)]
struct Counted(u64);

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Counted, D::Error> {
        let value = u64::deserialize(deserializer)?;
        DECODED.fetch_add(1, Ordering::Relaxed);
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Ok(Counted(value))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

fn counted(value: u64) -> Frozen<Counted> {
    Frozen::new(&Counted(value)).unwrap()
}

#[worker]
fn add(value: &Frozen<Counted>, other: u64) -> (u64, usize) {
    (value.0 + other, DECODED.load(Ordering::Relaxed))
}

#[worker]
fn add_all(values: Vec<Frozen<Counted>>, other: u64) -> u64 {
    values.iter().map(|value| value.0).sum::<u64>() + other
}

#[worker]
fn alive() -> usize {
    ALIVE.load(Ordering::Relaxed)
}

#[worker]
fn double(number: u64) -> u64 {
    2 * number
}

fn made() -> Vec<Frozen<Counted>> {
    (0..40).map(|value| counted(1000 * value)).collect()
}

#[test]
fn tasks_that_use_the_same_value_decode_it_once_in_each_worker() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let value = counted(7);
        let results = pool.map(|other| add::call(&value, other), 0..5_000);
        for (number, result) in (0..).zip(results) {
            assert_eq!(result.unwrap(), (7 + number, 1));
        }
        let tasks: Vec<_> = (0..5_000)
            .map(|other| pool.submit(add::call(&value, other)))
            .collect();
        for (number, task) in (0..).zip(tasks) {
            assert_eq!(task.wait().unwrap(), (7 + number, 1));
        }
    });
}

#[test]
fn each_task_gets_the_values_that_it_was_given() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let values = made();
        // One, none, a few, and more than a message has in common with others.
        let of = |number: usize| -> Vec<Frozen<Counted>> {
            let count = [1, 0, 3, 12, 2][number % 5];
            let from = number * 7 % (values.len() - count);
            values[from..from + count].to_vec()
        };
        let expected =
            |number: usize| of(number).iter().map(|value| value.0).sum::<u64>() + number as u64;
        let call = |number: usize| add_all::call(of(number), number as u64);
        for (number, result) in pool.map(call, 0..1_000).enumerate() {
            assert_eq!(result.unwrap(), expected(number));
        }
        let tasks: Vec<_> = (0..500).map(|number| pool.submit(call(number))).collect();
        for (number, task) in tasks.into_iter().enumerate() {
            assert_eq!(task.wait().unwrap(), expected(number));
        }
    });
}

#[worker]
fn read_beside(value: Option<Frozen<Counted>>, file: Option<Fd<File>>, text: String) -> u64 {
    let mut read = String::new();
    if let Some(file) = file {
        file.into_inner().read_to_string(&mut read).unwrap();
    }
    value.map_or(0, |value| value.0) + (read.len() + text.len()) as u64
}

#[test]
fn values_travel_beside_what_has_to_travel_alone() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let values = made();
        let path = std::env::temp_dir().join(format!("multiproc-beside-{}", std::process::id()));
        File::create(&path).unwrap().write_all(b"12345").unwrap();
        let call = |number: usize| {
            let value = (!number.is_multiple_of(3)).then(|| values[number % 11].clone());
            let file = number
                .is_multiple_of(7)
                .then(|| Fd::new(File::open(&path).unwrap()));
            let length = if number.is_multiple_of(13) {
                100_000
            } else {
                number
            };
            read_beside::call(value, file, "x".repeat(length))
        };
        let expected = |number: usize| {
            let value = if !number.is_multiple_of(3) {
                1000 * (number % 11)
            } else {
                0
            };
            let file = if number.is_multiple_of(7) { 5 } else { 0 };
            let text = if number.is_multiple_of(13) {
                100_000
            } else {
                number
            };
            (value + file + text) as u64
        };
        for (number, result) in pool.map(call, 0..300).enumerate() {
            assert_eq!(result.unwrap(), expected(number), "{number}");
        }
        std::fs::remove_file(&path).unwrap();
    });
}

#[worker]
fn add_or_die(value: &Frozen<Counted>, other: u64) -> u64 {
    if other % 100 == 50 {
        kill(std::process::id());
    }
    value.0 + other
}

#[test]
fn a_worker_that_dies_costs_one_task_and_its_successor_gets_the_value_anew() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let value = counted(7);
        for (number, result) in
            (0..).zip(pool.map(|other| add_or_die::call(&value, other), 0..1_000))
        {
            match result {
                Ok(sum) => assert_eq!(sum, 7 + number),
                Err(error) => {
                    assert_eq!((error.kind(), number % 100), (ErrorKind::Signaled, 50));
                }
            }
        }
        let calls: Vec<_> = (0..300)
            .map(|other| pool.submit(add_or_die::call(&value, other)))
            .collect();
        for (number, task) in (0..).zip(calls) {
            assert_eq!(task.wait().is_ok(), number % 100 != 50, "{number}");
        }
    });
}

#[worker]
fn identity() -> u32 {
    std::process::id()
}

#[test]
fn a_worker_that_is_killed_at_any_time_harms_no_other_task() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let value = counted(7);
        for round in 0..20 {
            let victim = pool.submit(identity::call()).wait().unwrap();
            let results =
                pool.map_unordered(|other| add::call(&value, other).retries(20), 0..2_000);
            let killer = std::thread::spawn(move || {
                std::thread::sleep(std::time::Duration::from_micros(150 * round));
                kill(victim);
            });
            let sum: u64 = results.map(|result| result.unwrap().0).sum();
            assert_eq!(sum, (0..2_000).map(|other| 7 + other).sum::<u64>());
            killer.join().unwrap();
        }
    });
}

#[test]
fn a_worker_that_has_nothing_to_do_forgets_values_that_are_gone() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let values = made();
        let calls = |other: usize| add_all::call(vec![values[other % 3].clone()], 0);
        assert_eq!(pool.map(calls, 0..300).filter(Result::is_ok).count(), 300);
        assert!(pool.submit(alive::call()).wait().unwrap() > 0);
        drop(values);
        eventually("all values are given up", || {
            // So long that the worker is idle for a while between two looks.
            std::thread::sleep(std::time::Duration::from_millis(300));
            pool.submit(alive::call()).wait().unwrap() == 0
        });
    });
}

#[test]
fn a_worker_that_is_always_busy_forgets_values_that_are_gone() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let values = made();
        let calls = |other: usize| add_all::call(vec![values[other % 3].clone()], 0);
        assert_eq!(pool.map(calls, 0..300).filter(Result::is_ok).count(), 300);
        drop(values);
        eventually("all values are given up", || {
            let doubled = pool.map(double::call, 0..100).map(Result::unwrap);
            assert_eq!(doubled.sum::<u64>(), 9_900);
            pool.submit(alive::call()).wait().unwrap() == 0
        });
    });
}

#[test]
fn a_value_is_there_again_after_a_worker_has_forgotten_it() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let value = counted(7);
        for other in 0..4 {
            assert_eq!(
                pool.submit(add::call(&value, other)).wait().unwrap(),
                (7 + other, 1)
            );
            // Now it has no descriptor, but the program has a handle: the value stays.
            std::thread::sleep(std::time::Duration::from_millis(150));
        }
    });
}
