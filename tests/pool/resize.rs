//! Pools that grow and shrink while they run.

use std::collections::BTreeSet;
use std::time::Duration;

use multiproc::sync::Event;
use multiproc::{ErrorKind, worker};

use crate::{check, eventually, identify, square};

#[worker]
fn index_when(event: Event) -> usize {
    event.wait();
    multiproc::current().unwrap().worker_index().unwrap()
}

#[worker]
fn index_after(millis: u64) -> usize {
    std::thread::sleep(Duration::from_millis(millis));
    multiproc::current().unwrap().worker_index().unwrap()
}

#[test]
fn more_workers_are_there_at_once() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        pool.resize(3).unwrap();
        assert_eq!(pool.workers(), 3);
        eventually("three are there", || pool.worker_ids().len() == 3);
        let go = Event::new().unwrap();
        let tasks: Vec<_> = (0..3)
            .map(|_| pool.submit(index_when::call(go.clone())))
            .collect();
        eventually("three run at once", || pool.active() == 3);
        go.set();
        let indices: BTreeSet<usize> = tasks.into_iter().map(|it| it.wait().unwrap()).collect();
        assert_eq!(indices, [0, 1, 2].into());
        assert_eq!(pool.stats().restarts(), 0);
    });
}

#[test]
fn idle_workers_leave_at_once_and_busy_ones_after_their_task() {
    check(|pool| {
        let pool = pool().workers(4).build().unwrap();
        let go = Event::new().unwrap();
        let tasks: Vec<_> = (0..3)
            .map(|_| pool.submit(index_when::call(go.clone())))
            .collect();
        eventually("three run", || pool.active() == 3);
        pool.resize(1).unwrap();
        assert_eq!(pool.workers(), 1);
        // What they run is not lost, and what is submitted waits for the one that stays.
        assert_eq!(pool.active(), 3);
        let next = pool.submit(index_after::call(0));
        go.set();
        let indices: BTreeSet<usize> = tasks.into_iter().map(|it| it.wait().unwrap()).collect();
        assert_eq!(indices.len(), 3);
        assert_eq!(next.wait().unwrap(), 0);
        eventually("one is left", || pool.worker_ids().len() == 1);
        pool.resize(4).unwrap();
        eventually("four are there", || pool.worker_ids().len() == 4);
        pool.resize(1).unwrap();
        eventually("one is left again", || pool.worker_ids().len() == 1);
        // It is replaced as ever.
        let _ = pool.submit(crate::die_by::call(9)).wait();
        for _ in 0..3 {
            assert_eq!(pool.submit(index_after::call(0)).wait().unwrap(), 0);
        }
        pool.shutdown().unwrap();
    });
}

#[test]
fn no_task_of_a_map_is_lost_while_its_pool_is_resized() {
    check(|pool| {
        let pool = pool().workers(3).build().unwrap();
        let mut results = 0;
        for (x, result) in (0..).zip(pool.map(square::call, 0..3000).chunk_size(20)) {
            assert_eq!(result.unwrap(), x * x);
            results += 1;
            if x % 100 == 0 {
                let size = 1 + usize::try_from(x / 100 % 4).unwrap();
                pool.resize(size).unwrap();
                assert_eq!(pool.workers(), size);
            }
        }
        assert_eq!(results, 3000);
        // The long ones of a group go to others.
        let bind = |millis| index_after::call(millis);
        let mut long = pool.map(bind, vec![20; 30]).chunk_size(30);
        assert!(long.next().unwrap().is_ok());
        pool.resize(1).unwrap();
        pool.resize(2).unwrap();
        assert_eq!(long.filter(multiproc::Result::is_ok).count(), 29);
        assert_eq!(pool.stats().failed(), 0);
        pool.shutdown().unwrap();
    });
}

#[test]
fn workers_of_a_pool_that_shrank_have_small_indices() {
    check(|pool| {
        let pool = pool().workers(4).max_tasks_per_worker(5).build().unwrap();
        let tasks: Vec<_> = (0..20).map(|_| pool.submit(index_after::call(2))).collect();
        pool.resize(2).unwrap();
        let later: Vec<_> = (0..40).map(|_| pool.submit(index_after::call(1))).collect();
        for task in tasks {
            assert!(task.wait().unwrap() < 4);
        }
        for task in later {
            assert!(task.wait().unwrap() < 2);
        }
    });
}

#[test]
fn a_pool_with_few_idle_workers_keeps_few() {
    check(|pool| {
        let pool = pool()
            .workers(2)
            .min_workers(2)
            .idle_timeout(Duration::from_millis(50))
            .build()
            .unwrap();
        pool.resize(4).unwrap();
        let go = Event::new().unwrap();
        let tasks: Vec<_> = (0..4)
            .map(|_| pool.submit(index_when::call(go.clone())))
            .collect();
        eventually("four run", || pool.active() == 4);
        go.set();
        for task in tasks {
            task.wait().unwrap();
        }
        eventually("two are left", || pool.worker_ids().len() == 2);
        pool.resize(1).unwrap();
        eventually("one is left", || pool.worker_ids().len() == 1);
        pool.resize(4).unwrap();
        eventually("two are there again", || pool.worker_ids().len() == 2);
        let id = pool.submit(identify::call()).wait().unwrap();
        assert!(pool.worker_ids().contains(&id));
    });
}

#[test]
fn a_pool_cannot_have_no_worker_or_be_resized_when_it_is_over() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        assert_eq!(pool.resize(0).unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(pool.workers(), 2);
        pool.shutdown().unwrap();
        let error = pool.resize(3).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed);
        assert!(error.to_string().contains("resized"), "{error}");
        assert_eq!(pool.workers(), 2);
    });
}
