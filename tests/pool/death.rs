//! How tasks end whose workers die.

use std::path::Path;
use std::time::{Duration, Instant};

use multiproc::{ErrorKind, Pool, TaskState, worker};

use crate::{check, die_by, doze, eventually, identify, is_alive, kill, leave, panic_with, square};

#[test]
fn a_task_that_dies_fails_with_how_and_no_other_does() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let good: Vec<_> = (0..20).map(|x| pool.submit(square::call(x))).collect();
        let killed = pool.submit(die_by::call(9));
        let crashed = pool.submit(die_by::call(11));
        let exited = pool.submit(leave::call(3));
        let ended = pool.submit(leave::call(0));
        let panicked = pool.submit(panic_with::call("boom"));
        let more: Vec<_> = (20..40).map(|x| pool.submit(square::call(x))).collect();

        let error = killed.wait().unwrap_err();
        assert_eq!(
            (error.kind(), error.signal()),
            (ErrorKind::Signaled, Some(9))
        );
        assert!(
            error
                .to_string()
                .starts_with("worker `die_by` was killed by SIGKILL (pid "),
            "{error}"
        );
        let error = crashed.wait().unwrap_err();
        assert_eq!(
            (error.kind(), error.signal()),
            (ErrorKind::Signaled, Some(11))
        );
        let error = exited.wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exited);
        assert_eq!(error.exit_status().unwrap().code(), Some(3));
        assert_eq!(ended.wait().unwrap_err().kind(), ErrorKind::Exited);
        let error = panicked.wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panicked);
        assert_eq!(error.panic().unwrap().message(), "boom");
        for (x, task) in (0..).zip(good.into_iter().chain(more)) {
            assert_eq!(task.wait().unwrap(), x * x);
        }
    });
}

#[test]
fn a_panic_costs_no_worker() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let before = pool.submit(identify::call()).wait().unwrap();
        for _ in 0..5 {
            let error = pool.submit(panic_with::call("again")).wait().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Panicked);
        }
        assert_eq!(pool.submit(identify::call()).wait().unwrap(), before);
        assert_eq!(pool.stats().restarts(), 0);
    });
}

#[test]
fn an_idle_worker_that_is_killed_harms_no_task() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        for round in 0..25 {
            // Ready workers, and then dead ones.
            pool.map(doze::call, [1; 4]).for_each(|result| {
                result.unwrap();
            });
            pool.worker_ids().into_iter().for_each(kill);
            assert_eq!(
                pool.submit(square::call(round)).wait().unwrap(),
                round * round
            );
        }
    });
}

#[test]
fn a_timeout_kills_the_task_and_nothing_else() {
    check(|pool| {
        let pool = pool()
            .workers(2)
            .task_timeout(Duration::from_secs(2))
            .build()
            .unwrap();
        let begin = Instant::now();
        let slow = pool.submit(doze::call(60_000));
        // Its time does not begin while it waits: the last ones', for a worker. Each may take ten times
        // as long as it wants to.
        let waiting: Vec<_> = (0..14).map(|_| pool.submit(doze::call(200))).collect();
        let error = slow.wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(begin.elapsed() >= Duration::from_secs(2));
        assert!(begin.elapsed() < Duration::from_secs(20));
        for task in waiting {
            assert_eq!(task.wait().unwrap(), 200);
        }
        // A call's own counts more than the pool's.
        let patient = doze::call(2500).timeout(Duration::from_secs(30));
        assert_eq!(pool.submit(patient).wait().unwrap(), 2500);
    });
}

#[test]
fn a_queued_task_that_is_cancelled_never_starts() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let first = pool.submit(doze::call(300));
        let second = pool.submit(leave::call(1));
        let third = pool.submit(square::call(3));
        assert_eq!(second.state(), TaskState::Queued);
        assert!(second.cancel());
        assert_eq!(second.state(), TaskState::Finished);
        assert_eq!(second.wait().unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(first.wait().unwrap(), 300);
        assert_eq!(third.wait().unwrap(), 9);
        assert_eq!(pool.stats().restarts(), 0);
    });
}

#[test]
fn a_running_task_that_is_cancelled_takes_its_worker_along() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let id = pool.submit(identify::call()).wait().unwrap();
        let task = pool.submit(doze::call(60_000));
        let next = pool.submit(identify::call());
        eventually("the task runs", || task.state() == TaskState::Running);
        assert_eq!(next.state(), TaskState::Queued);
        assert!(task.cancel());
        assert!(!task.cancel());
        assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Cancelled);
        assert_ne!(next.wait().unwrap(), id);
        assert!(!is_alive(id));
        let done = pool.submit(square::call(1));
        assert!(
            done.wait_timeout(Duration::from_secs(10))
                .unwrap()
                .is_some()
        );
        assert!(!done.cancel());
    });
}

#[test]
fn only_the_task_that_had_begun_is_lost_of_a_group() {
    #[worker]
    fn fall_at(x: u32, where_: u32) -> u32 {
        if x == where_ {
            std::process::abort();
        }
        x
    }
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let results: Vec<_> = pool
            .map(|x| fall_at::call(x, 37), 0..100)
            .chunk_size(50)
            .collect();
        assert_eq!(results.len(), 100);
        for (x, result) in (0..).zip(results) {
            match result {
                Ok(value) => assert_eq!(value, x),
                Err(error) => {
                    assert_eq!((x, error.kind()), (37, ErrorKind::Signaled));
                    assert_eq!(error.signal(), Some(libc::SIGABRT));
                }
            }
        }
    });
}

#[test]
fn a_lost_task_is_tried_again_on_request() {
    #[worker]
    fn fail_first(directory: &Path, times: usize) -> usize {
        let tries = std::fs::read_dir(directory).unwrap().count();
        std::fs::write(directory.join(tries.to_string()), "").unwrap();
        if tries < times {
            std::process::abort();
        }
        tries
    }
    check(|pool| {
        let directory = std::env::temp_dir().join(format!(
            "multiproc-pool-retries-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir(&directory).unwrap();
        let pool = pool().workers(1).retries(3).build().unwrap();
        // A borrowed argument of a task has to live for ever.
        let directory: &'static Path = Box::leak(directory.into_boxed_path());
        let call = || fail_first::call(directory, 3);
        assert_eq!(pool.submit(call()).wait().unwrap(), 3);
        assert_eq!(pool.stats().retried(), 3);
        assert_eq!(
            pool.submit(die_by::call(9)).wait().unwrap_err().signal(),
            Some(9)
        );
        assert_eq!(pool.stats().retried(), 6);
        // A panic is a result.
        let error = pool.submit(panic_with::call("no")).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panicked);
        assert_eq!(pool.stats().retried(), 6);
        std::fs::remove_dir_all(directory).unwrap();
    });
}

#[test]
fn a_failing_initializer_is_an_error_of_the_pool() {
    #[worker]
    fn refuse() -> Result<(), String> {
        Err("no licence".to_owned())
    }
    check(|pool| {
        let one = pool()
            .workers(2)
            .initializer(refuse::call())
            .build()
            .unwrap();
        let error = one.submit(square::call(1)).wait().unwrap_err();
        assert!(error.to_string().contains("no licence"), "{error}");
        assert!(one.shutdown().is_err());

        let panicking = panic_with::call("no such file");
        let one = pool().workers(2).initializer(panicking).build().unwrap();
        let tasks: Vec<_> = (0..5).map(|x| one.submit(square::call(x))).collect();
        for task in tasks {
            let error = task.wait().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Panicked);
            assert!(error.to_string().contains("no such file"), "{error}");
        }
        assert!(one.map(square::call, 0..3).all(|result| result.is_err()));
        eventually("the workers are gone", || one.worker_ids().is_empty());
    });
}

#[test]
fn workers_that_die_for_nothing_end_in_an_error() {
    check(|pool| {
        let pool = pool()
            .workers(2)
            .initializer(die_by::call(11))
            .build()
            .unwrap();
        let error = pool.submit(square::call(1)).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Signaled, "{error}");
        assert!(error.to_string().contains("SIGSEGV"), "{error}");
        eventually("the workers are gone", || pool.worker_ids().is_empty());
    });
}

#[test]
fn a_stopped_worker_stalls_no_other() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let stopped = pool.submit(identify::call()).wait().unwrap();
        let stop = rustix::process::Signal::STOP;
        crate::signal(stopped, stop);
        // One of these meets the stopped worker, long arguments and all.
        let long = vec![7_u8; 4 << 20];
        let tasks: Vec<_> = (0..8)
            .map(|_| pool.submit(crate::length::call(long.clone())))
            .collect();
        eventually("all but one are finished", || {
            tasks.iter().filter(|task| task.is_finished()).count() >= 7
        });
        kill(stopped);
        for task in tasks {
            assert_eq!(task.wait().unwrap(), 4 << 20);
        }
    });
}

#[test]
fn a_dropped_pool_cancels_and_kills() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let tasks: Vec<_> = (0..6).map(|_| pool.submit(doze::call(60_000))).collect();
        eventually("two run", || pool.active() == 2);
        assert_eq!(pool.queued(), 4);
        let ids = pool.worker_ids();
        let begin = Instant::now();
        drop(pool);
        assert!(begin.elapsed() < Duration::from_secs(5));
        assert!(!ids.into_iter().any(is_alive));
        for task in tasks {
            assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Cancelled);
        }
    });
}

#[test]
fn a_task_may_have_a_pool_of_its_own() {
    #[worker]
    fn sum_of_squares(n: u64) -> u64 {
        let pool = Pool::builder().workers(2).build().unwrap();
        pool.map(square::call, 0..n).map(Result::unwrap).sum()
    }
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        assert_eq!(pool.submit(sum_of_squares::call(10)).wait().unwrap(), 285);
    });
}
