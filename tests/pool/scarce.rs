//! A pool for which there are no processes to be had for a while.

use std::time::{Duration, Instant};

use multiproc::sync::Event;
use multiproc::{ErrorKind, Pool, StartMethod, worker};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{eventually, identify, kill, square, within};

/// How many descriptors this process may have; the most that there may be, if it is not said.
fn limit_descriptors(number: Option<u64>) {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: number.or(maximum),
        maximum,
    };
    setrlimit(Resource::Nofile, limit).unwrap();
}

/// Lets the pool have no more processes than it has.
fn allow_no_more() {
    // Those that are open stay so; fewer than two cannot be waited for any more.
    limit_descriptors(Some(4));
}

/// Does without processes for a while, in a process of its own, whose limits are nobody else's.
#[worker]
fn run_short(spawn: bool) {
    let method = if spawn {
        StartMethod::Spawn
    } else {
        StartMethod::ForkServer
    };
    let pool = Pool::builder().workers(2).start_method(method);
    let pool = pool.build().unwrap();
    let long = Duration::from_secs(60);
    assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
    for round in 0..3 {
        allow_no_more();
        for id in pool.worker_ids() {
            kill(id);
        }
        eventually("the workers are gone", || pool.worker_ids().is_empty());
        // What is submitted meanwhile fails, in a while.
        let tasks: Vec<_> = (0..5).map(|x| pool.submit(square::call(x))).collect();
        for task in tasks {
            let error = task.wait_timeout(long).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Spawn, "{error}");
            let text = format!("{error:?}");
            assert!(text.contains("no process can be started"), "{text}");
            assert!(text.contains("Too many open files"), "{text}");
        }
        if round == 1 {
            // As often as one likes.
            let error = pool.submit(square::call(3)).wait_timeout(long).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Spawn, "{error}");
            for result in pool.broadcast(|| square::call(3)) {
                assert_eq!(result.unwrap_err().kind(), ErrorKind::Spawn);
            }
        }
        limit_descriptors(None);
        let task = pool.submit(square::call(4));
        assert_eq!(task.wait_timeout(long).unwrap(), Some(16));
        eventually("both are there again", || pool.worker_ids().len() == 2);
    }
    // Others go on while one cannot be started.
    allow_no_more();
    let ids = pool.worker_ids();
    kill(ids[0]);
    eventually("it is gone", || pool.worker_ids().len() == 1);
    let begin = Instant::now();
    let results = pool.broadcast(identify::call);
    assert!(begin.elapsed() < long);
    let (good, bad): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((good.len(), bad.len()), (1, 1));
    assert_eq!(bad[0].as_ref().unwrap_err().kind(), ErrorKind::Spawn);
    assert_eq!(pool.submit(square::call(5)).wait().unwrap(), 25);
    limit_descriptors(None);
    pool.shutdown().unwrap();
}

#[test]
fn a_pool_works_again_when_there_are_clones_again() {
    within(Duration::from_mins(5), || run_short::run(false).unwrap());
}

#[test]
fn a_pool_works_again_when_programs_can_be_executed_again() {
    within(Duration::from_mins(5), || run_short::run(true).unwrap());
}

#[test]
fn a_pool_without_processes_can_be_shut_down_and_dropped() {
    #[worker]
    fn end_without(shut_down: bool) {
        let pool = Pool::builder().workers(1).build().unwrap();
        allow_no_more();
        pool.worker_ids().into_iter().for_each(kill);
        eventually("it is gone", || pool.worker_ids().is_empty());
        let task = pool.submit(square::call(3));
        if shut_down {
            assert!(task.wait().is_err());
            pool.shutdown().unwrap();
        } else {
            drop(pool);
            assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Cancelled);
        }
    }
    within(Duration::from_mins(2), || {
        end_without::run(true).unwrap();
        end_without::run(false).unwrap();
    });
}

#[test]
fn who_waits_for_a_pool_learns_that_there_are_no_processes() {
    #[worker]
    fn crash_when(begun: &Event, go: &Event) {
        begun.set();
        go.wait();
        std::process::abort();
    }
    /// Has none any more when the first worker dies.
    #[worker]
    fn build_without() {
        let (begun, go) = (Event::new().unwrap(), Event::new().unwrap());
        let initializer = crash_when::call(&begun, &go);
        let pool = Pool::builder().workers(1).initializer(initializer);
        let waiting = std::thread::spawn(|| pool.build_and_wait().map(drop));
        begun.wait();
        allow_no_more();
        go.set();
        let error = waiting.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Spawn, "{error}");
        assert!(format!("{error:?}").contains("Too many open files"));
    }
    within(Duration::from_mins(2), || build_without::run().unwrap());
}
