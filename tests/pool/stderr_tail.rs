//! The last of what a worker of a pool writes to its standard error.

use std::io::{Read, Write, pipe, stderr};
use std::time::Duration;

use multiproc::{ErrorKind, Stdio, worker};

use crate::check;

#[worker]
fn say(number: u32, dies: bool) -> u32 {
    let _ = stderr().write_all(format!("task {number} begins\n").as_bytes());
    if dies {
        let _ = stderr().write_all(format!("task {number} dies\n").as_bytes());
        std::process::abort();
    }
    number
}

#[test]
fn a_task_has_its_own_last_words() {
    check(|pool| {
        let (mut reader, writer) = pipe().unwrap();
        let read = std::thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).map(|_| text)
        });
        let pool = pool()
            .workers(3)
            .stderr(writer)
            .stderr_tail(1000)
            .build()
            .unwrap();
        let dies = |number: u32| number % 37 == 36;
        let results: Vec<_> = pool
            .map(|number| say::call(number, dies(number)), 0..300)
            .collect();
        for (number, result) in (0..).zip(results) {
            match result {
                Ok(value) => assert_eq!(value, number),
                Err(error) => {
                    assert!(dies(number), "{error}");
                    let expected = format!("task {number} begins\ntask {number} dies\n");
                    assert_eq!(error.stderr_tail(), Some(&*expected), "{error}");
                }
            }
        }
        // Alone, too.
        assert_eq!(pool.submit(say::call(1000, false)).wait().unwrap(), 1000);
        let error = pool.submit(say::call(1001, true)).wait().unwrap_err();
        assert_eq!(
            error.stderr_tail(),
            Some("task 1001 begins\ntask 1001 dies\n")
        );
        pool.shutdown().unwrap();
        let text = read.join().unwrap().unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 300 + 8 + 3);
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), 300 + 8 + 3);
    });
}

#[worker]
fn say_much(bytes: usize) {
    let _ = stderr().write_all(&vec![b'x'; bytes]);
}

#[test]
fn what_was_written_before_is_not_the_tasks() {
    check(|pool| {
        let pool = pool()
            .workers(1)
            .stderr(Stdio::null())
            .stderr_tail(1 << 20)
            .build()
            .unwrap();
        for bytes in [0, 1, 100_000] {
            pool.submit(say_much::call(bytes)).wait().unwrap();
            let task = pool.submit(crate::die_by::call(libc::SIGKILL));
            assert_eq!(task.wait().unwrap_err().stderr_tail(), None);
        }
    });
}

#[worker]
fn prepare(dies: bool) {
    let _ = stderr().write_all(b"the initializer\n");
    if dies {
        std::process::exit(3);
    }
}

#[test]
fn initializers_have_their_own() {
    check(|pool| {
        let pool = || pool().workers(1).stderr(Stdio::null());
        // What its call says goes for the process.
        let good = pool()
            .initializer(prepare::call(false).stderr_tail(100))
            .build()
            .unwrap();
        let error = good.submit(say::call(1, true)).wait().unwrap_err();
        assert_eq!(error.stderr_tail(), Some("task 1 begins\ntask 1 dies\n"));
        let bad = pool()
            .stderr_tail(100)
            .initializer(prepare::call(true))
            .build()
            .unwrap();
        let error = bad.submit(say::call(1, true)).wait().unwrap_err();
        assert_eq!(error.stderr_tail(), Some("the initializer\n"), "{error}");
    });
}

#[test]
fn a_task_that_is_late_has_them() {
    #[worker]
    fn hang() {
        let _ = stderr().write_all(b"waiting\n");
        loop {
            std::thread::park();
        }
    }
    check(|pool| {
        let pool = pool()
            .workers(1)
            .stderr(Stdio::null())
            .stderr_tail(100)
            .build()
            .unwrap();
        pool.submit(say::call(1, false)).wait().unwrap();
        let error = pool
            .submit(hang::call().timeout(Duration::from_secs(2)))
            .wait()
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert_eq!(error.stderr_tail(), Some("waiting\n"));
    });
}

#[test]
fn nothing_is_kept_unasked() {
    check(|pool| {
        let pool = pool()
            .workers(1)
            .stderr(Stdio::null())
            .stderr_tail(0)
            .build()
            .unwrap();
        let error = pool.submit(say::call(1, true)).wait().unwrap_err();
        assert_eq!(error.stderr_tail(), None);
    });
}
