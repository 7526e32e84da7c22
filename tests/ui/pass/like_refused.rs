//! Types that are called like those of one process, or hold them where processes share them.

use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};

use multiproc::shm::Shared;
use multiproc::{Fd, worker};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
struct Mutex<T>(T);

#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
struct Instant(u64);

#[derive(Serialize, Deserialize)]
struct Counter<T: multiproc::Shareable + Sync>(Shared<T>);

#[worker]
fn unwrap(mutex: Mutex<u64>, instant: &Instant) -> Option<Mutex<Instant>> {
    assert_eq!(mutex, Mutex(1));
    Some(Mutex(*instant))
}

#[worker]
fn count(counters: Vec<Shared<AtomicU64>>, counter: Counter<AtomicU64>, _files: Option<Fd<File>>) {
    counters[0].fetch_add(1, Ordering::Relaxed);
    counter.0.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn it_runs() {
    assert_eq!(
        unwrap::run(Mutex(1), &Instant(2)).unwrap(),
        Some(Mutex(Instant(2)))
    );
    let counter = Shared::new(AtomicU64::new(0)).unwrap();
    count::run(vec![counter.clone()], Counter(counter.clone()), None).unwrap();
    assert_eq!(counter.load(Ordering::Relaxed), 2);
}
