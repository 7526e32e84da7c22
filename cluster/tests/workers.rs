//! What is run.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use multiproc::worker;

#[worker]
pub fn square(x: u64) -> u64 {
    x * x
}

#[worker]
pub fn doze(pause: Duration) -> u32 {
    std::thread::sleep(pause);
    std::process::id()
}

/// Takes as long as this file is not there.
#[worker]
pub fn wait_for(file: &Path) {
    while !file.exists() {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Notes that it runs, takes a while, and gives its number.
#[worker]
pub fn noted(notes: &Path, number: u64, pause: Duration) -> u64 {
    let mut notes = OpenOptions::new()
        .create(true)
        .append(true)
        .open(notes)
        .unwrap();
    // One write of a short line is not mixed with others.
    notes.write_all(format!("{number}\n").as_bytes()).unwrap();
    let begin = Instant::now();
    while begin.elapsed() < pause {
        std::thread::sleep(pause - begin.elapsed().min(pause));
    }
    number
}

/// The same with a long argument, and a short while.
#[worker]
pub fn padded(notes: &Path, number: u64, _padding: &[u8]) -> u64 {
    noted(notes, number, Duration::from_millis(1))
}

/// Dies the first time, if it notes that it runs for the first time.
#[worker]
pub fn dies_once(notes: &Path, number: u64) -> u64 {
    let times = runs(notes).iter().filter(|it| **it == number).count();
    noted(notes, number, Duration::ZERO);
    if times == 0 {
        std::process::abort();
    }
    number
}

#[worker]
pub fn fail() -> u32 {
    panic!("it fails");
}

#[worker]
pub fn crash() -> u32 {
    std::process::abort();
}

#[worker]
pub fn length(bytes: Vec<u8>) -> usize {
    bytes.len()
}

#[worker]
pub fn bytes(length: usize) -> Vec<u8> {
    vec![7; length]
}

/// The numbers that were noted.
pub fn runs(notes: &Path) -> Vec<u64> {
    let text = std::fs::read_to_string(notes).unwrap_or_default();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

/// How many numbers were noted more than so often.
pub fn run_more_often(notes: &Path, times: usize) -> usize {
    let mut counts = std::collections::HashMap::<u64, usize>::new();
    for number in runs(notes) {
        *counts.entry(number).or_default() += 1;
    }
    counts.values().filter(|count| **count > times).count()
}
