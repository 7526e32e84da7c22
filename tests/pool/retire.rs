//! Tasks that let their worker be replaced.

use std::collections::BTreeMap;
use std::time::Duration;

use multiproc::{ErrorKind, worker};

use crate::{check, eventually, identify};

/// Lets its process end, or not, and gives its id.
#[worker]
fn last(is_last: bool) -> u32 {
    if is_last {
        multiproc::retire();
    }
    std::process::id()
}

#[test]
fn a_worker_ends_after_the_task_that_says_so() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let first = pool.submit(last::call(false)).wait().unwrap();
        assert_eq!(pool.submit(last::call(true)).wait().unwrap(), first);
        let second = pool.submit(last::call(false)).wait().unwrap();
        assert_ne!(first, second);
        assert_eq!(pool.submit(identify::call()).wait().unwrap(), second);
        assert_eq!(pool.stats().restarts(), 1);
        assert_eq!(pool.stats().failed(), 0);
    });
}

#[test]
fn the_others_of_a_group_go_to_other_workers() {
    #[worker]
    fn step(x: u32) -> (u32, u32) {
        if x % 10 == 7 {
            multiproc::retire();
        }
        (x, std::process::id())
    }
    check(|pool| {
        for workers in [1, 3] {
            let pool = pool().workers(workers).build().unwrap();
            let mut tasks = BTreeMap::<u32, Vec<u32>>::new();
            let results = pool.map(step::call, 0..300).chunk_size(50);
            for (number, result) in (0..).zip(results) {
                let (x, process) = result.unwrap();
                assert_eq!(x, number);
                tasks.entry(process).or_default().push(x);
            }
            // Nothing comes after it in the same process.
            for tasks in tasks.values() {
                let lasts = tasks.iter().filter(|x| **x % 10 == 7).count();
                assert!(lasts <= 1, "{tasks:?}");
            }
            assert!(tasks.len() >= 30);
            assert_eq!(pool.stats().failed(), 0);
            pool.shutdown().unwrap();
        }
    });
}

#[test]
fn it_holds_whatever_becomes_of_the_task() {
    #[worker]
    fn panic_at_the_end() {
        multiproc::retire();
        panic!("the end");
    }
    #[worker]
    fn hang_at_the_end() {
        std::thread::spawn(multiproc::retire).join().unwrap();
        loop {
            std::thread::park();
        }
    }
    #[worker]
    fn say_much() -> Vec<u8> {
        multiproc::retire();
        vec![7; 4 << 20]
    }
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let mut process = pool.submit(identify::call()).wait().unwrap();
        let mut check_is_new = || {
            let next = pool.submit(identify::call()).wait().unwrap();
            assert_ne!(std::mem::replace(&mut process, next), next);
        };
        let error = pool.submit(panic_at_the_end::call()).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panicked);
        check_is_new();
        let hang = hang_at_the_end::call().timeout(Duration::from_millis(100));
        let error = pool.submit(hang).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        check_is_new();
        let bytes = pool.submit(say_much::call()).wait().unwrap();
        assert_eq!(bytes.len(), 4 << 20);
        check_is_new();
        // Also if results are sent one by one.
        let results = pool.map(|()| say_much::call(), [(); 4]).chunk_size(4);
        assert_eq!(results.filter(Result::is_ok).count(), 4);
        eventually("all are replaced", || pool.stats().restarts() == 3 + 4);
    });
}

#[test]
fn elsewhere_it_does_nothing() {
    /// Says so between two tasks.
    #[worker]
    fn later() -> u32 {
        std::thread::spawn(|| {
            std::thread::sleep(Duration::from_millis(100));
            multiproc::retire();
        });
        std::process::id()
    }
    #[worker]
    fn prepare() {
        multiproc::retire();
    }
    multiproc::retire();
    assert_ne!(last::run(true).unwrap(), std::process::id());
    check(|pool| {
        let pool = pool()
            .workers(1)
            .initializer(prepare::call())
            .build()
            .unwrap();
        let process = pool.submit(later::call()).wait().unwrap();
        std::thread::sleep(Duration::from_millis(300));
        for _ in 0..2 {
            assert_eq!(pool.submit(identify::call()).wait().unwrap(), process);
        }
        assert_eq!(pool.stats().restarts(), 0);
    });
}
