//! Workers that misuse the descriptors of their pool.

use std::io::{PipeWriter, Read, pipe};
use std::time::Duration;

use multiproc::{ErrorKind, Fd, worker};
use multiproc_tests::sick::{texts, truncate_everything, write_everywhere};

use crate::{check, doze, square};

#[worker]
fn writes(text: Vec<u8>) {
    write_everywhere(&text);
    loop {
        std::thread::park();
    }
}

/// Writes when the task may be over, and then lets go of the pipe.
#[worker]
fn writes_later(text: Vec<u8>, over: Fd<PipeWriter>) {
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        write_everywhere(&text);
        drop(over);
    });
}

#[worker]
fn truncates(x: u64) -> u64 {
    truncate_everything();
    x
}

#[worker]
fn truncates_and_aborts(x: u64) -> u64 {
    if x == 50 {
        truncate_everything();
        std::process::abort();
    }
    x
}

#[test]
fn a_worker_that_writes_to_its_connection_fails_its_task_and_no_other() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        for text in texts() {
            let before: Vec<_> = (0..10).map(|x| pool.submit(square::call(x))).collect();
            let sick = pool.submit(writes::call(text));
            let after: Vec<_> = (10..20).map(|x| pool.submit(square::call(x))).collect();
            let error = sick.wait().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
            let expected = "worker `writes` wrote unexpected bytes to its connection (pid ";
            assert!(error.to_string().starts_with(expected), "{error}");
            for (x, task) in (0..).zip(before.into_iter().chain(after)) {
                assert_eq!(task.wait().unwrap(), x * x);
            }
        }
    });
}

#[test]
fn a_worker_that_writes_while_it_is_idle_does_not_end_the_pool() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        for text in texts() {
            let (mut over, writer) = pipe().unwrap();
            // The result may come later than what is written.
            let written = pool
                .submit(writes_later::call(text, Fd::new(writer)))
                .wait();
            over.read_to_end(&mut Vec::new()).unwrap();
            let next = pool.submit(doze::call(1)).wait();
            let errors: Vec<_> = [written.err(), next.err()].into_iter().flatten().collect();
            for error in &errors {
                assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
            }
            assert!(errors.len() < 2, "it has one task at a time: {errors:?}");
            assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
        }
    });
}

#[test]
fn a_worker_that_truncates_its_files_harms_nobody() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        for x in 0..3 {
            assert_eq!(pool.submit(truncates::call(x)).wait().unwrap(), x);
        }
        let doubled = pool.map(truncates::call, 0..100);
        assert!(doubled.map(Result::unwrap).eq(0..100));
        let results: Vec<_> = pool.map(truncates_and_aborts::call, 0..100).collect();
        for (x, result) in (0..).zip(results) {
            match result {
                Ok(value) => assert_eq!(value, x),
                Err(error) => assert_eq!((x, error.kind()), (50, ErrorKind::Signaled)),
            }
        }
    });
}
