//! The same call on each worker.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use multiproc::shm::Shared;
use multiproc::sync::Event;
use multiproc::{ErrorKind, TaskState, worker};

use crate::{check, die_by, doze, eventually, identify, kill};

#[worker]
fn index() -> usize {
    multiproc::current().unwrap().worker_index().unwrap()
}

#[worker]
fn wait_for(event: Event) -> usize {
    event.wait();
    multiproc::current().unwrap().worker_index().unwrap()
}

fn values<T>(results: Vec<multiproc::Result<T>>) -> Vec<T> {
    results.into_iter().map(multiproc::Result::unwrap).collect()
}

#[test]
fn it_runs_once_on_each_worker_in_order() {
    check(|pool| {
        let pool = pool().workers(3).build().unwrap();
        let mut calls = 0;
        let results = pool.broadcast(|| {
            calls += 1;
            index::call()
        });
        assert_eq!((values(results), calls), (vec![0, 1, 2], 3));
        let ids: BTreeSet<u32> = values(pool.broadcast(identify::call)).into_iter().collect();
        assert_eq!(ids, pool.worker_ids().into_iter().collect());
        // Beside other work, which it passes by.
        let others: Vec<_> = (0..60).map(|_| pool.submit(doze::call(5))).collect();
        assert_eq!(values(pool.broadcast(index::call)), [0, 1, 2]);
        assert!(others.iter().any(|task| !task.is_finished()));
        for task in others {
            task.wait().unwrap();
        }
    });
}

#[test]
fn workers_that_are_not_there_are_started_for_it() {
    check(|pool| {
        for least in [0, 1] {
            let pool = pool()
                .workers(3)
                .min_workers(least)
                .idle_timeout(Duration::from_millis(30))
                .build()
                .unwrap();
            eventually("few are there", || pool.worker_ids().len() == least);
            for _ in 0..3 {
                assert_eq!(values(pool.broadcast(index::call)), [0, 1, 2]);
            }
            eventually("few are left", || pool.worker_ids().len() == least);
            assert_eq!(values(pool.broadcast(index::call)), [0, 1, 2]);
        }
    });
}

#[test]
fn who_dies_before_is_replaced_and_who_dies_within_is_an_error() {
    /// The second to come dies.
    #[worker]
    fn die_second(count: Shared<AtomicU32>) -> usize {
        if count.fetch_add(1, Ordering::SeqCst) == 1 {
            std::process::abort();
        }
        index()
    }
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        // One does not even come to it.
        let go = Event::new().unwrap();
        let tasks = [(); 2].map(|()| pool.submit(wait_for::call(go.clone())));
        eventually("both run", || pool.active() == 2);
        std::thread::scope(|scope| {
            let results = scope.spawn(|| pool.broadcast(index::call));
            eventually("the calls wait", || pool.queued() == 2);
            pool.worker_ids().into_iter().for_each(kill);
            assert_eq!(values(results.join().unwrap()), [0, 1]);
        });
        for task in tasks {
            assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Signaled);
        }
        let count = || Shared::new(AtomicU32::new(0)).unwrap();
        let shared = count();
        let results = pool.broadcast(|| die_second::call(shared.clone()));
        let (good, bad): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!((good.len(), bad.len()), (1, 1));
        assert_eq!(bad[0].as_ref().unwrap_err().signal(), Some(libc::SIGABRT));
        // It may be tried again, on the worker of the same index.
        let shared = count();
        let results = pool.broadcast(|| die_second::call(shared.clone()).retries(1));
        assert_eq!(values(results), [0, 1]);
        let results = pool.broadcast(|| die_by::call(9));
        assert!(results.iter().all(Result::is_err));
    });
}

#[test]
fn a_pool_that_shrinks_meanwhile_gives_the_others_up() {
    check(|pool| {
        let pool = pool().workers(3).build().unwrap();
        let go = Event::new().unwrap();
        let tasks = [(); 3].map(|()| pool.submit(wait_for::call(go.clone())));
        eventually("all run", || pool.active() == 3);
        let results = std::thread::scope(|scope| {
            let results = scope.spawn(|| pool.broadcast(index::call));
            eventually("the calls wait", || pool.queued() == 3);
            pool.resize(1).unwrap();
            eventually("two are given up", || pool.queued() == 1);
            // One more does not run it.
            pool.resize(2).unwrap();
            go.set();
            results.join().unwrap()
        });
        let [first, others @ ..] = &results[..] else {
            panic!("{results:?}");
        };
        assert_eq!(*first.as_ref().unwrap(), 0);
        assert_eq!(others.len(), 2);
        for other in others {
            let error = other.as_ref().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Cancelled);
            assert!(error.to_string().contains("resized"), "{error}");
        }
        for task in tasks {
            task.wait().unwrap();
        }
        assert_eq!(values(pool.broadcast(index::call)), [0, 1]);
    });
}

#[test]
fn it_does_not_wait_for_ever_for_a_pool_that_ends() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let go = Event::new().unwrap();
        let wait = || {
            let tasks = [(); 2].map(|()| pool.submit(wait_for::call(go.clone())));
            eventually("both run", || pool.active() == 2);
            tasks
        };
        // What is queued is cancelled.
        let tasks = wait();
        let results = std::thread::scope(|scope| {
            let results = scope.spawn(|| pool.broadcast(index::call));
            eventually("the calls wait", || pool.queued() == 2);
            assert_eq!(pool.cancel_queued(), 2);
            results.join().unwrap()
        });
        for result in results {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Cancelled);
        }
        // What is there when it is shut down still runs.
        let results = std::thread::scope(|scope| {
            let results = scope.spawn(|| pool.broadcast(index::call));
            eventually("the calls wait", || pool.queued() == 2);
            let shutdown = scope.spawn(|| pool.shutdown());
            go.set();
            shutdown.join().unwrap().unwrap();
            results.join().unwrap()
        });
        assert_eq!(values(results), [0, 1]);
        for task in tasks {
            assert_eq!(task.state(), TaskState::Finished);
        }
        // And then nothing does.
        let results = pool.broadcast(index::call);
        assert_eq!(results.len(), 2);
        for result in results {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::Closed);
        }
    });
}

#[test]
fn a_pool_that_has_failed_gives_its_error() {
    #[worker]
    fn refuse() -> Result<(), String> {
        Err("no licence".to_owned())
    }
    check(|pool| {
        let pool = pool()
            .workers(2)
            .initializer(refuse::call())
            .build()
            .unwrap();
        let results = pool.broadcast(index::call);
        assert_eq!(results.len(), 2);
        for result in results {
            assert!(result.unwrap_err().to_string().contains("no licence"));
        }
    });
}

#[test]
fn a_panic_of_who_makes_the_calls_comes_through_and_nothing_runs() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let mut calls = 0;
        let panic = catch_unwind(AssertUnwindSafe(|| {
            pool.broadcast(|| {
                calls += 1;
                assert!(calls < 2, "no second one");
                index::call()
            })
        }));
        assert!(panic.is_err());
        assert_eq!(pool.stats().submitted(), 0);
        assert_eq!(values(pool.broadcast(index::call)), [0, 1]);
    });
}
