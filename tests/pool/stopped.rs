//! Workers that are stopped (`SIGSTOP`), which are not dead.

use std::time::Duration;

use multiproc::{ErrorKind, TaskState};
use rustix::process::Signal;

use crate::{check, doze, eventually, identify, length, signal, square};

/// Stops a process, and waits until it is.
fn stop(id: u32) {
    signal(id, Signal::STOP);
    eventually("the process is stopped", || {
        std::fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|it| it.contains(") T "))
    });
}

#[test]
fn a_task_that_has_a_timeout_does_not_wait_for_a_stopped_worker_to_begin_it() {
    check(|pool| {
        let pool = pool()
            .workers(1)
            .task_timeout(Duration::from_millis(100))
            .build()
            .unwrap();
        let stopped = pool.submit(identify::call()).wait().unwrap();
        stop(stopped);
        // It is no fault of the task's: another worker begins it.
        assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
        assert_ne!(pool.submit(identify::call()).wait().unwrap(), stopped);
        // Nor does one whose arguments do not fit into the connection.
        let stopped = pool.submit(identify::call()).wait().unwrap();
        stop(stopped);
        let long = pool.submit(length::call(vec![7; 4 << 20]));
        assert_eq!(long.wait().unwrap(), 4 << 20);
        assert_eq!(pool.stats().failed(), 0);
    });
}

#[test]
fn the_time_of_a_task_goes_on_while_its_worker_is_stopped() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let stopped = pool.submit(identify::call()).wait().unwrap();
        let task = pool.submit(doze::call(60_000).timeout(Duration::from_millis(200)));
        eventually("the task runs", || task.state() == TaskState::Running);
        stop(stopped);
        assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
    });
}

#[test]
fn what_a_stopped_worker_has_not_begun_others_do() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let stopped = pool.submit(identify::call()).wait().unwrap();
        stop(stopped);
        for x in 0..10 {
            assert_eq!(pool.submit(square::call(x)).wait().unwrap(), x * x);
        }
        let squares: u64 = pool.map(square::call, 0..1000).map(Result::unwrap).sum();
        assert_eq!(squares, 332_833_500);
        // It goes on where it was, and finds that there is nothing left for it.
        signal(stopped, Signal::CONT);
        let ids = (0..100).map(|_| pool.submit(identify::call()).wait().unwrap());
        assert!(ids.into_iter().count() == 100);
        assert_eq!(pool.stats().restarts(), 0);
        assert_eq!(pool.stats().failed(), 0);
    });
}

#[test]
fn a_cancelled_task_whose_arguments_are_under_way_harms_no_other() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let stopped = pool.submit(identify::call()).wait().unwrap();
        stop(stopped);
        let long = pool.submit(length::call(vec![7; 4 << 20]));
        let next: Vec<_> = (0..4).map(|x| pool.submit(square::call(x))).collect();
        assert_eq!(long.state(), TaskState::Queued);
        assert!(long.cancel());
        assert_eq!(long.wait().unwrap_err().kind(), ErrorKind::Cancelled);
        signal(stopped, Signal::CONT);
        for (x, task) in (0..).zip(next) {
            assert_eq!(task.wait().unwrap(), x * x);
        }
        // Of a map that is given up, likewise.
        let mut results = pool.map(length::call, [vec![7; 4 << 20], vec![7; 4 << 20]]);
        assert_eq!(results.next().unwrap().unwrap(), 4 << 20);
        drop(results);
        assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
    });
}

#[test]
fn what_a_stopped_worker_has_not_taken_in_of_cancelled_tasks_harms_no_other() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let stopped = pool.submit(identify::call()).wait().unwrap();
        stop(stopped);
        // Together they are more than its connection has room for.
        for _ in 0..200 {
            let task = pool.submit(length::call(vec![7; 8 << 10]));
            assert!(task.cancel());
            let error = task.wait().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Cancelled, "{error}");
        }
        let task = pool.submit(length::call(vec![7; 8 << 10]));
        signal(stopped, Signal::CONT);
        assert_eq!(task.wait().unwrap(), 8 << 10);
    });
}
