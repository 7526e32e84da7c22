//! Tasks in any order, of any number and size.

use std::time::{Duration, Instant};

use multiproc::{Pool, StartMethod, worker};

use crate::{check, doze, length, square, within};

#[test]
fn tasks_are_waited_for_in_any_order_or_not_at_all() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let tasks: Vec<_> = (0..6).map(|x| pool.submit(square::call(x))).collect();
        for (x, task) in tasks.into_iter().enumerate().rev() {
            let x = x as u64;
            assert_eq!(task.wait().unwrap(), x * x);
        }
        // Dropped, but done.
        (0..6).for_each(|x| drop(pool.submit(square::call(x))));
        pool.shutdown().unwrap();
        assert_eq!(pool.stats().finished(), 12);
    });
}

#[test]
fn shutdown_does_not_wait_for_results_to_be_taken() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let tasks: Vec<_> = (0..8).map(|_| pool.submit(doze::call(30))).collect();
        let begin = Instant::now();
        pool.shutdown().unwrap();
        assert!(begin.elapsed() >= Duration::from_millis(90));
        assert!(pool.worker_ids().is_empty());
        for task in tasks {
            assert!(task.is_finished());
            assert_eq!(task.wait().unwrap(), 30);
        }
    });
}

#[test]
fn long_arguments_to_a_busy_pool_block_nobody() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let begin = Instant::now();
        let busy = pool.submit(doze::call(400));
        let tasks: Vec<_> = (0..4)
            .map(|_| pool.submit(length::call(vec![7; 4 << 20])))
            .collect();
        assert!(begin.elapsed() < Duration::from_millis(390));
        for task in tasks {
            assert_eq!(task.wait().unwrap(), 4 << 20);
        }
        assert_eq!(busy.wait().unwrap(), 400);
    });
}

#[test]
fn long_results_come_through() {
    #[worker]
    fn fill(length: usize) -> Vec<u64> {
        vec![7; length]
    }
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let lengths = [0, 1, 100, 10_000, 1_000_000, 3];
        let results: Vec<_> = pool
            .map(fill::call, lengths)
            .chunk_size(6)
            .map(|result| result.unwrap().len())
            .collect();
        assert_eq!(results, lengths);
    });
}

#[test]
fn queued_tasks_cost_no_descriptors() {
    #[worker]
    fn queue_many(start_method: bool) -> u64 {
        let limit = rustix::process::Rlimit {
            current: Some(128),
            maximum: Some(128),
        };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
        let method = if start_method {
            StartMethod::Spawn
        } else {
            StartMethod::ForkServer
        };
        let pool = Pool::builder()
            .workers(2)
            .start_method(method)
            .build()
            .unwrap();
        let tasks: Vec<_> = (0..2000).map(|x| pool.submit(square::call(x))).collect();
        tasks.into_iter().map(|task| task.wait().unwrap()).sum()
    }
    within(Duration::from_mins(1), || {
        for start_method in [false, true] {
            let sum = queue_many::run(start_method).unwrap();
            assert_eq!(sum, (0..2000).map(|x| x * x).sum::<u64>());
        }
    });
}

#[test]
fn several_threads_submit_at_once() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let pool = &pool;
                scope.spawn(move || {
                    for x in 0..200 {
                        let x = x + thread;
                        assert_eq!(pool.submit(square::call(x)).wait().unwrap(), x * x);
                    }
                });
            }
        });
    });
}
