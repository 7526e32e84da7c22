//! Workers that overwrite the memory that they share with their pool.

#![expect(unsafe_code, reason = "that is what such workers do")]

use std::fs;
use std::time::Duration;

use multiproc::{ErrorKind, worker};

use crate::{check, square};

/// Overwrites all that is shared, as a library gone wrong could.
fn scribble(pattern: &str) {
    let mut seed = u64::from(std::process::id()) << 7 | 1;
    for line in fs::read_to_string("/proc/self/maps").unwrap().lines() {
        if !line.contains("memfd:multiproc") || !line.contains("rw-s") {
            continue;
        }
        let (range, _) = line.split_once(' ').unwrap();
        let (begin, end) = range.split_once('-').unwrap();
        let number = |text| usize::from_str_radix(text, 16).unwrap();
        for at in (number(begin)..number(end)).step_by(8) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let word = match pattern {
                "zeros" => 0,
                "ones" => u64::MAX,
                "bytes" => 0x0101_0101_0101_0101,
                "small" => seed % 4,
                _ => seed,
            };
            let word = (word, std::ptr::with_exposed_provenance_mut::<u64>(at));
            // SAFETY: the memory is mapped for writing, and aligned. What others make of what
            // stands there is the question.
            unsafe { word.1.write_volatile(word.0) };
        }
    }
}

#[worker]
fn misbehave(number: u64, at: u64, pattern: String, then: String) -> u64 {
    if number == at {
        scribble(&pattern);
        match &*then {
            "abort" => std::process::abort(),
            "loop" => loop {
                std::thread::park();
            },
            _ => {}
        }
    }
    number
}

const PATTERNS: [&str; 5] = ["zeros", "ones", "bytes", "small", "random"];
const ENDS: [&str; 3] = ["abort", "return", "loop"];
const TIMEOUT: Duration = Duration::from_millis(300);

#[test]
fn a_worker_that_overwrites_its_board_costs_its_task() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        for (pattern, then) in PATTERNS.iter().flat_map(|it| ENDS.map(|end| (*it, end))) {
            let call = misbehave::call(1, 1, pattern.into(), then.into());
            let bad = pool.submit(call.timeout(TIMEOUT));
            let good: Vec<_> = (0..10).map(|n| pool.submit(square::call(n))).collect();
            match (bad.wait(), then) {
                (Ok(1), "return") => {}
                (Err(error), "abort") => assert_eq!(error.signal(), Some(libc::SIGABRT)),
                (Err(error), "loop") => assert_eq!(error.kind(), ErrorKind::TimedOut),
                (other, _) => panic!("{pattern}, {then}: {other:?}"),
            }
            for (n, task) in (0..).zip(good) {
                assert_eq!(task.wait().unwrap(), n * n, "{pattern}, {then}");
            }
        }
        pool.shutdown().unwrap();
    });
}

#[test]
fn a_worker_that_overwrites_its_board_costs_no_more_than_its_group() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        for (pattern, then) in PATTERNS.iter().flat_map(|it| ENDS.map(|end| (*it, end))) {
            let bind = |n| misbehave::call(n, 500, pattern.into(), then.into()).timeout(TIMEOUT);
            let results: Vec<_> = pool.map(bind, 0..1000).chunk_size(100).collect();
            assert_eq!(results.len(), 1000);
            // Where a group begins depends on how fast the inputs come.
            let (mut first, mut last) = (500, 500);
            for (n, result) in (0..).zip(results) {
                match result {
                    Ok(value) => assert_eq!(value, n, "{pattern}, {then}"),
                    Err(_) => (first, last) = (n.min(first), n.max(last)),
                }
            }
            assert!(last - first < 100, "{pattern}, {then}: {first} to {last}");
        }
        pool.shutdown().unwrap();
    });
}
