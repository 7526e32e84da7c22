//! What the pool ends its workers for, and what that says of anything else.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use multiproc::{ErrorKind, TaskState, worker};
use serde::{Deserialize, Serialize, Serializer};

use crate::{check, doze, eventually, folder, kill, square};

#[worker]
fn spin(time: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < time {}
}

#[test]
fn a_task_that_ends_as_its_time_does_harms_no_other() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let limit = Duration::from_millis(8);
        let mut late = 0;
        for _ in 0..100 {
            // It takes as long as it may.
            match pool.submit(spin::call(limit).timeout(limit)).wait() {
                Ok(()) => {}
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
                    late += 1;
                }
            }
            pool.submit(spin::call(Duration::ZERO)).wait().unwrap();
        }
        pool.shutdown().unwrap();
        assert!(late <= 100);
    });
}

#[test]
fn a_task_that_ends_as_it_is_cancelled_harms_no_other() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        for micros in 0..100 {
            let task = pool.submit(spin::call(Duration::from_micros(micros * 5)));
            eventually("it has begun", || task.state() != TaskState::Queued);
            task.cancel();
            pool.submit(spin::call(Duration::ZERO)).wait().unwrap();
        }
        pool.shutdown().unwrap();
    });
}

#[test]
fn an_initializer_that_takes_too_long_is_an_error_of_the_pool() {
    check(|pool| {
        let initializer = doze::call(60_000).timeout(Duration::from_millis(100));
        let pool = pool().workers(2);
        // What is not `()` or a `Result` is none of an initializer's business.
        let pool = pool.initializer(sleep::call().timeout(Duration::from_millis(100)));
        drop(initializer);
        let pool = pool.build().unwrap();
        let error = pool.submit(square::call(1)).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{error}");
        assert!(pool.shutdown().is_err());
    });
}

#[worker]
fn sleep() {
    std::thread::sleep(Duration::from_mins(1));
}

/// Some time after this is written, the process is killed.
#[derive(Debug, Deserialize)]
struct Fuse(String, u64);

impl Serialize for Fuse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Fuse(folder, micros) = self;
        // Only the first of the tries is killed.
        if File::create_new(Path::new(folder).join(micros.to_string())).is_ok() {
            let delay = Duration::from_micros(*micros);
            std::thread::spawn(move || {
                std::thread::sleep(delay);
                kill(std::process::id());
            });
        }
        (folder, micros).serialize(serializer)
    }
}

#[worker]
fn end_in_a_long_reply(folder: String, micros: u64) -> (Vec<u8>, Fuse) {
    (vec![1; 16 << 20], Fuse(folder, micros))
}

#[test]
fn a_worker_that_is_killed_while_it_replies_was_killed() {
    check(|pool| {
        let once = pool().workers(1).build().unwrap();
        // The end of a task whose result was quicker may hit the next, which has its own, too.
        let again = pool().workers(1).retries(2).build().unwrap();
        for tries in [&once, &again] {
            let folder = folder("replies");
            let folder_name = folder.to_str().unwrap().to_owned();
            for micros in (0..10).map(|step| step * 400) {
                let task = tries.submit(end_in_a_long_reply::call(folder_name.clone(), micros));
                match task.wait() {
                    Ok((bytes, _)) => assert_eq!(bytes.len(), 16 << 20),
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Signaled, "{error}");
                        assert_eq!(error.signal(), Some(libc::SIGKILL));
                        assert!(std::ptr::eq(tries, &raw const once), "{error}");
                    }
                }
            }
            std::fs::remove_dir_all(folder).unwrap();
        }
    });
}

#[test]
fn what_waits_is_cancelled_and_what_runs_goes_on() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        for round in 0..20 {
            let tasks: Vec<_> = (0..20)
                .map(|_| pool.submit(doze::call(1 + round % 3)))
                .collect();
            // At any moment: each is either done or has not been begun.
            std::thread::sleep(Duration::from_micros(300 * round));
            let cancelled = pool.cancel_queued();
            let results: Vec<_> = tasks.into_iter().map(|task| task.wait()).collect();
            let is_cancelled = |result: &multiproc::Result<u64>| match result {
                Ok(_) => false,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Cancelled);
                    assert!(error.to_string().contains("before it began"), "{error}");
                    true
                }
            };
            let seen = results.iter().filter(|result| is_cancelled(result)).count();
            assert_eq!(seen, cancelled);
        }
        // No worker was killed for it.
        assert_eq!(pool.stats().restarts(), 0);

        // Of a map, too; it goes on with its next inputs.
        let mut results = pool.map(doze::call, vec![1; 400]).chunk_size(40);
        assert!(results.next().unwrap().is_ok());
        let cancelled = pool.cancel_queued();
        let failed = results.filter(|result| result.is_err()).count();
        assert_eq!(failed, cancelled);
        assert_eq!(pool.stats().restarts(), 0);
        assert_eq!(pool.cancel_queued(), 0);
        pool.shutdown().unwrap();
    });
}

#[test]
fn a_pool_that_is_to_end_soon_loses_nothing_that_was_begun() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let first = pool.submit(doze::call(300));
        let others: Vec<_> = (0..5).map(|_| pool.submit(doze::call(60_000))).collect();
        eventually("it runs", || first.state() == TaskState::Running);
        assert_eq!(pool.cancel_queued(), 5);
        pool.shutdown().unwrap();
        assert_eq!(first.wait().unwrap(), 300);
        for task in others {
            assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Cancelled);
        }
    });
}
