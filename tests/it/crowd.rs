//! Many threads start, join and kill many processes at once.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use multiproc::ErrorKind::{Signaled, TimedOut};
use multiproc::{StartMethod, active_children, worker};

use crate::support::{cases, wait_for_ever};

cases! {
    threads_that_start_and_kill_at_random
    threads_that_begin_at_the_same_time
    many_children_at_once
}

#[worker]
fn echo(number: u64, bytes: Vec<u8>) -> (u64, Vec<u8>) {
    (number, bytes)
}

/// xorshift64*: the same sequence in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8) % limit
    }
}

fn threads_that_start_and_kill_at_random(method: StartMethod) {
    thread::scope(|scope| {
        for seed in 1..=8 {
            scope.spawn(move || {
                let mut random = Random(seed);
                for number in 0..25 {
                    one_of_many(method, number, &mut random);
                }
            });
        }
    });
    while !active_children().is_empty() {
        thread::yield_now();
    }
}

fn one_of_many(method: StartMethod, number: u64, random: &mut Random) {
    let length = [0, 100, 70_000, 300_000, 2_000_000][usize::try_from(random.below(5)).unwrap()];
    let bytes = vec![1; length];
    let call = echo::call(number, bytes.clone()).start_method(method);
    let mut process = call.spawn().unwrap();
    let returned = (number, bytes);
    match random.below(7) {
        0 => assert_eq!(process.join().unwrap(), returned),
        1 => {
            let result = process.join_timeout(Duration::from_secs(90)).unwrap();
            assert_eq!(result.unwrap(), returned);
        }
        2 => loop {
            match process.join_timeout(Duration::from_millis(1)).unwrap() {
                None => assert!(process.is_running() || process.exit_status().is_some()),
                Some(result) => break assert_eq!(result, returned),
            }
        },
        3 => {
            thread::sleep(Duration::from_micros(random.below(5000)));
            process.kill();
            match process.join() {
                Ok(result) => assert_eq!(result, returned),
                Err(error) => assert_eq!((error.kind(), error.signal()), (Signaled, Some(9))),
            }
        }
        4 => {
            process.kill();
            drop(process);
        }
        5 => drop(process),
        _ => {
            drop(process);
            let timeout = Duration::from_millis(random.below(20));
            let call = wait_for_ever::call().timeout(timeout);
            assert_eq!(
                call.start_method(method).run().unwrap_err().kind(),
                TimedOut
            );
        }
    }
}

/// Nothing has been set up yet when they begin.
fn threads_that_begin_at_the_same_time(method: StartMethod) {
    let start = Barrier::new(16);
    thread::scope(|scope| {
        for number in 0..16 {
            let start = &start;
            scope.spawn(move || {
                let call = echo::call(number, vec![1; 300_000]).start_method(method);
                start.wait();
                assert_eq!(call.run().unwrap().0, number);
            });
        }
    });
    assert!(active_children().is_empty());
}

fn many_children_at_once(method: StartMethod) {
    let processes: Vec<_> = (0..200)
        .map(|_| wait_for_ever::call().start_method(method).spawn().unwrap())
        .collect();
    assert_eq!(active_children().len(), 200);
    for process in &processes {
        process.terminate();
    }
    for process in processes {
        assert_eq!(process.join().unwrap_err().signal(), Some(libc::SIGTERM));
    }
    assert!(active_children().is_empty());
}
