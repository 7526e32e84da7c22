//! Lost tasks that are tried again, at once or later.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use multiproc::shm::Shared;
use multiproc::{ErrorKind, TaskState, worker};

use crate::{check, doze, eventually, square};

/// Crashes the first times, and returns how often it did.
#[worker]
fn crash(tries: Shared<AtomicU32>, times: u32) -> u32 {
    let before = tries.fetch_add(1, Ordering::SeqCst);
    if before < times {
        std::process::abort();
    }
    before
}

fn tries() -> Shared<AtomicU32> {
    Shared::new(AtomicU32::new(0)).unwrap()
}

#[test]
fn a_call_says_how_often_it_is_tried_again() {
    check(|pool| {
        let pool = pool().workers(1).retries(1).build().unwrap();
        for (retries, times) in [(None, 1), (Some(0), 0), (Some(2), 2)] {
            for more in [0, 1] {
                let count = tries();
                let call = crash::call(count.clone(), times + more);
                let call = match retries {
                    Some(retries) => call.retries(retries),
                    None => call,
                };
                let result = pool.submit(call).wait();
                assert_eq!(result.is_ok(), more == 0, "{retries:?}: {result:?}");
                assert_eq!(count.load(Ordering::SeqCst), times + 1);
            }
        }
        // The calls of a map, too.
        let counts: Vec<_> = (0..3).map(|_| tries()).collect();
        let bind = |count: Shared<AtomicU32>| crash::call(count, 2).retries(2);
        let results: Vec<u32> = pool
            .map(bind, counts)
            .map(multiproc::Result::unwrap)
            .collect();
        assert_eq!(results, [2, 2, 2]);
    });
}

#[test]
fn a_lost_task_waits_before_it_is_tried_again() {
    check(|pool| {
        let delay = Duration::from_millis(200);
        let pool = pool()
            .workers(1)
            .retries(2)
            .retry_delay(delay)
            .build()
            .unwrap();
        let (count, begin) = (tries(), Instant::now());
        let task = pool.submit(crash::call(count.clone(), 2));
        eventually("it was lost", || pool.stats().retried() == 1);
        // Meanwhile it counts as queued, and others run.
        assert_eq!(task.state(), TaskState::Queued);
        assert_eq!(pool.queued(), 1);
        assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
        assert_eq!(task.wait().unwrap(), 2);
        // Half of it, and half of the double.
        assert!(begin.elapsed() >= delay / 2 + delay);
        assert_eq!(pool.stats().retried(), 2);
    });
}

#[test]
fn a_task_that_waits_to_be_tried_again_can_be_cancelled() {
    check(|pool| {
        let pool = pool()
            .workers(1)
            .retries(9)
            .retry_delay(Duration::from_secs(1000))
            .build()
            .unwrap();
        let wait = |retried| {
            let task = pool.submit(crash::call(tries(), 9));
            eventually("it was lost", || pool.stats().retried() == retried);
            task
        };
        let task = wait(1);
        assert!(task.cancel());
        assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(pool.queued(), 0);
        let task = wait(2);
        assert_eq!(pool.cancel_queued(), 1);
        assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Cancelled);
        let task = wait(3);
        // It is not waited for.
        drop(pool);
        assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Cancelled);
    });
}

#[test]
fn a_pool_that_shuts_down_waits_for_what_is_tried_again() {
    check(|pool| {
        let pool = pool()
            .workers(2)
            .retries(2)
            .retry_delay(Duration::from_millis(100))
            .build()
            .unwrap();
        let lost: Vec<_> = (0..4)
            .map(|_| pool.submit(crash::call(tries(), 2)))
            .collect();
        let other = pool.submit(doze::call(10));
        pool.shutdown().unwrap();
        assert!(other.is_finished());
        for task in lost {
            assert!(task.is_finished());
            assert_eq!(task.wait().unwrap(), 2);
        }
        assert_eq!(pool.stats().retried(), 8);
    });
}
