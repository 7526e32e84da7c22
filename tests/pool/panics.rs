//! What the standard error says of a task that panics.

use std::io::Read;
use std::time::Duration;

use multiproc::{Pool, StartMethod, Stdio, worker};

use crate::{panic_with, within};

#[worker]
fn divide(a: u32, b: u32) -> u32 {
    a / b
}

/// The thread that panics is not the task's.
#[worker]
fn panic_elsewhere() -> bool {
    let thread = std::thread::Builder::new().name("helper".to_owned());
    let thread = thread.spawn(|| panic!("in a helper"));
    thread.unwrap().join().is_err()
}

/// A pool in a process of its own, whose standard error is that of its workers.
#[worker]
fn run_pool(executes: bool) {
    let method = match executes {
        true => StartMethod::Spawn,
        false => StartMethod::ForkServer,
    };
    let pool = Pool::builder()
        .workers(1)
        .name("parser")
        .start_method(method);
    let pool = pool.build().unwrap();
    pool.submit(panic_with::call("alone")).wait().unwrap_err();
    pool.submit(divide::call(1, 0)).wait().unwrap_err();
    let divide_all = pool.map(|b| divide::call(1, b), [1, 0, 1]).chunk_size(3);
    assert_eq!(divide_all.filter(Result::is_err).count(), 1);
    assert!(pool.submit(panic_elsewhere::call()).wait().unwrap());
    // On a thread of its own, because of its stack.
    let on_thread = panic_with::call("there").stack_size(1 << 20);
    pool.submit(on_thread).wait().unwrap_err();
    pool.shutdown().unwrap();
}

#[test]
fn a_panic_is_that_of_its_worker() {
    within(Duration::from_mins(1), || {
        for executes in [false, true] {
            let call = run_pool::call(executes).env("RUST_BACKTRACE", "0");
            let mut process = call.stderr(Stdio::piped()).spawn().unwrap();
            let mut text = String::new();
            let mut stderr = process.take_stderr().unwrap();
            stderr.read_to_string(&mut text).unwrap();
            process.join().unwrap();
            // The worker of the task, and what std says: the thread has the name of the process.
            let told: Vec<_> = text
                .lines()
                .filter(|line| line.starts_with("worker") || line.starts_with("thread"))
                .map(|line| line.split(['(', ':']).next().unwrap().trim_end())
                .collect();
            let expected = [
                "worker `panic_with`",
                "thread 'parser'",
                "worker `divide`",
                "thread 'parser'",
                "worker `divide`",
                "thread 'parser'",
                "thread 'helper'",
                "worker `panic_with`",
                "thread 'parser'",
            ];
            assert_eq!(told, expected, "{text}");
            assert!(text.contains(":\nalone\n"), "{text}");
            let zero = ":\nattempt to divide by zero\n";
            assert_eq!(text.matches(zero).count(), 2, "{text}");
        }
    });
}

/// A process of its own has a thread that is named after the worker, which is enough.
#[test]
fn a_panic_alone_is_told_once() {
    within(Duration::from_mins(1), || {
        let call = panic_with::call("here").stderr(Stdio::piped());
        let mut process = call.spawn().unwrap();
        let mut text = String::new();
        let mut stderr = process.take_stderr().unwrap();
        stderr.read_to_string(&mut text).unwrap();
        process.join().unwrap_err();
        assert!(text.contains("thread 'panic_with'"), "{text}");
        assert!(!text.contains("worker `panic_with`"), "{text}");
    });
}
