//! Tasks that are asked to stop, and pools.

use std::error::Error as _;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use multiproc::shm::Shared;
use multiproc::{Error, ErrorKind, Task, TaskState, is_cancelled, worker};
use rustix::process::Signal;

use crate::{check, die_by, doze, eventually, identify, is_running, signal, square};

/// Longer than any test.
const LONG: Duration = Duration::from_secs(3600);

/// Long enough to be over soon.
const SHORT: Duration = Duration::from_millis(50);

/// Waits until it is asked to stop, and gives its process.
#[worker]
fn heed() -> u32 {
    while !is_cancelled() {
        std::thread::sleep(Duration::from_millis(1));
    }
    std::process::id()
}

/// Waits likewise, on another thread, and then ends in some way.
#[worker]
fn heed_and(end: u8, begun: Shared<AtomicU32>) -> u32 {
    begun.fetch_add(1, Ordering::Relaxed);
    let heeding = std::thread::spawn(heed);
    let id = heeding.join().unwrap();
    match end {
        0 => panic!("it cannot go on"),
        1 => std::process::exit(3),
        2 => die_by(9),
        _ => {}
    }
    id
}

#[worker]
fn is_asked() -> bool {
    is_cancelled()
}

/// Heeds if it is 0, otherwise panics when asked if it is 1, otherwise is done.
#[worker]
fn heed_some(kind: u32) -> u32 {
    if kind < 2 {
        heed();
    }
    assert_ne!(kind, 1, "it cannot go on");
    kind
}

#[track_caller]
fn running<R>(task: Task<R>) -> Task<R> {
    eventually("the task runs", || task.state() == TaskState::Running);
    task
}

/// The kind of the error's source.
fn source(error: &Error) -> Option<ErrorKind> {
    let source = error.source()?.downcast_ref::<Error>();
    source.map(Error::kind)
}

#[test]
fn a_task_that_stops_when_it_is_asked_gives_its_value() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let id = pool.submit(identify::call()).wait().unwrap();
        for _ in 0..20 {
            let task = running(pool.submit(heed::call()));
            assert!(task.cancel_within(LONG));
            assert_eq!(task.wait().unwrap(), id);
            // The next one is not concerned.
            assert!(!pool.submit(is_asked::call()).wait().unwrap());
        }
        let begun = Shared::new(AtomicU32::new(0)).unwrap();
        let task = running(pool.submit(heed_and::call(9, begun)));
        assert!(task.cancel_within(LONG));
        assert_eq!(task.wait_timeout(LONG).unwrap(), Some(id));
        assert!(!task.cancel_within(LONG) && !task.cancel_within(Duration::ZERO));
        assert_eq!((pool.stats().restarts(), pool.stats().failed()), (0, 0));
        assert!(!is_cancelled());
    });
}

#[test]
fn a_request_that_comes_too_late_concerns_no_other_task() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        for turn in 0..300 {
            let task = pool.submit(square::call(turn));
            let others: Vec<_> = (0..3).map(|_| pool.submit(is_asked::call())).collect();
            for _ in 0..turn % 7 * 20 {
                std::hint::spin_loop();
            }
            let cancelled = task.cancel_within(LONG);
            match task.wait() {
                Ok(value) => assert_eq!(value, turn * turn),
                Err(error) => {
                    assert!(cancelled && error.kind() == ErrorKind::Cancelled, "{error}");
                }
            }
            for other in others {
                assert!(!other.wait().unwrap());
            }
        }
        assert_eq!(pool.stats().restarts(), 0);
    });
}

/// Whether no thread of a process runs, because of a signal.
fn is_stopped(id: u32) -> bool {
    let threads = std::fs::read_dir(format!("/proc/{id}/task")).unwrap();
    threads.flatten().all(|thread| {
        let stat = std::fs::read_to_string(thread.path().join("stat"));
        stat.is_ok_and(|stat| stat.contains(") T "))
    })
}

#[test]
fn a_task_that_does_not_stop_is_ended_when_the_time_is_over() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let id = pool.submit(identify::call()).wait().unwrap();
        let task = running(pool.submit(doze::call(3_600_000)));
        assert!(task.cancel_within(SHORT));
        let error = task.wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        let text = error.to_string();
        let begin = "worker `doze` was killed because its task was cancelled";
        assert!(text.starts_with(begin), "{text}");
        assert!(text.ends_with(&format!(" (pid {id})")), "{text}");
        assert_ne!(pool.submit(identify::call()).wait().unwrap(), id);
        // One whose worker is stopped cannot see anything.
        let id = pool.submit(identify::call()).wait().unwrap();
        let task = running(pool.submit(heed::call()));
        signal(id, Signal::STOP);
        eventually("all threads of the worker are stopped", || is_stopped(id));
        assert!(task.cancel_within(SHORT));
        assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
    });
}

#[test]
fn a_queued_task_that_is_asked_to_stop_never_starts() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let first = running(pool.submit(heed::call()));
        let begun = Shared::new(AtomicU32::new(0)).unwrap();
        let queued = pool.submit(heed_and::call(9, begun.clone()));
        assert!(queued.cancel_within(LONG));
        assert_eq!(queued.wait().unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(first.state(), TaskState::Running);
        first.cancel_within(LONG);
        first.wait().unwrap();
        pool.shutdown().unwrap();
        assert_eq!(begun.load(Ordering::Relaxed), 0);
    });
}

#[test]
fn the_shorter_limit_counts() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        for limits in [
            [Duration::MAX, SHORT],
            [SHORT, Duration::MAX],
            [LONG, SHORT],
            [LONG, Duration::ZERO],
        ] {
            let task = running(pool.submit(doze::call(3_600_000)));
            assert!(limits.iter().all(|limit| task.cancel_within(*limit)));
            assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Cancelled);
        }
        // A timeout that comes meanwhile.
        let task = running(pool.submit(doze::call(3_600_000).timeout(SHORT * 4)));
        task.cancel_within(LONG);
        assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::TimedOut);
        let call = doze::call(3_600_000).timeout(SHORT).grace(Duration::MAX);
        let task = running(pool.submit(call));
        std::thread::sleep(SHORT * 2);
        task.cancel_within(SHORT);
        assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
    });
}

#[test]
fn how_a_task_ended_instead_is_the_source() {
    check(|pool| {
        let pool = pool().workers(1).retries(9).build().unwrap();
        let ends = [ErrorKind::Panicked, ErrorKind::Exited, ErrorKind::Signaled];
        for (end, kind) in (0..).zip(ends) {
            for by_timeout in [false, true] {
                let begun = Shared::new(AtomicU32::new(0)).unwrap();
                let call = heed_and::call(end, begun.clone());
                let task = if by_timeout {
                    pool.submit(call.timeout(SHORT).grace(LONG))
                } else {
                    let task = running(pool.submit(call));
                    task.cancel_within(LONG);
                    task
                };
                let error = task.wait().unwrap_err();
                let expected = if by_timeout {
                    ErrorKind::TimedOut
                } else {
                    ErrorKind::Cancelled
                };
                assert_eq!((error.kind(), source(&error)), (expected, Some(kind)));
                assert_eq!(error.worker(), Some("heed_and"));
                // It is not tried again.
                assert_eq!(begun.load(Ordering::Relaxed), 1);
            }
        }
        assert_eq!(pool.stats().retried(), 0);
    });
}

#[test]
fn a_timeout_with_grace_asks_first() {
    check(|pool| {
        let pool = pool()
            .workers(1)
            .task_timeout(SHORT)
            .task_grace(LONG)
            .build()
            .unwrap();
        let id = pool.submit(heed::call()).wait().unwrap();
        assert_eq!(pool.submit(identify::call()).wait().unwrap(), id);
        let error = pool.submit(doze::call(3_600_000).grace(SHORT)).wait();
        assert_eq!(error.unwrap_err().kind(), ErrorKind::TimedOut);
        let error = pool.submit(doze::call(3_600_000).grace(Duration::ZERO));
        assert_eq!(error.wait().unwrap_err().kind(), ErrorKind::TimedOut);
    });
}

#[test]
fn a_task_of_a_group_that_is_asked_to_stop_concerns_no_other() {
    check(|pool| {
        for workers in [1, 3] {
            let pool = pool().workers(workers).build().unwrap();
            let kinds: Vec<u32> = (0..60)
                .map(|n| if n % 7 == 3 { n % 2 } else { n + 2 })
                .collect();
            let results = pool
                .map(heed_some::call, kinds.clone())
                .chunk_size(9)
                .timeout(SHORT)
                .grace(LONG);
            let mut seen = 0;
            for (kind, result) in kinds.into_iter().zip(results) {
                seen += 1;
                if kind == 1 {
                    let error = result.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::TimedOut);
                    assert_eq!(source(&error), Some(ErrorKind::Panicked));
                } else {
                    assert_eq!(result.unwrap(), kind);
                }
            }
            assert_eq!(seen, 60);
            assert_eq!(pool.stats().finished(), 60);
            assert_eq!(pool.stats().restarts(), 0);
        }
    });
}

#[test]
fn a_task_that_is_dropped_ends_if_its_call_says_so() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let id = pool.submit(identify::call()).wait().unwrap();
        let kept = running(pool.submit(heed::call()));
        let begun = Shared::new(AtomicU32::new(0)).unwrap();
        let queued = pool.submit(heed_and::call(9, begun.clone()).kill_on_drop(true));
        drop(queued);
        assert_eq!((pool.queued(), pool.active()), (0, 1));
        kept.cancel_within(LONG);
        assert_eq!(kept.wait().unwrap(), id);

        let task = running(pool.submit(doze::call(3_600_000).kill_on_drop(true)));
        drop(task);
        eventually("the worker has ended", || !is_running(id));
        let new = pool.submit(identify::call()).wait().unwrap();
        assert_ne!(new, id);

        // A future, which has been polled.
        let mut task = Box::pin(running(pool.submit(heed::call().kill_on_drop(true))));
        let mut context = Context::from_waker(Waker::noop());
        assert!(task.as_mut().poll(&mut context).is_pending());
        drop(task);
        eventually("the worker has ended", || !is_running(new));

        // Nothing happens to one that has finished, or whose call says nothing.
        let task = pool.submit(square::call(3).kill_on_drop(true));
        assert_eq!(task.wait().unwrap(), 9);
        let calls = begun.load(Ordering::Relaxed);
        let call = heed_and::call(9, begun.clone()).timeout(SHORT).grace(LONG);
        drop(pool.submit(call.kill_on_drop(true).kill_on_drop(false)));
        pool.shutdown().unwrap();
        assert_eq!(begun.load(Ordering::Relaxed), calls + 1);
    });
}

#[test]
fn a_pool_shuts_down_in_time_or_later() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let task = running(pool.submit(heed::call()));
        let (sender, receiver) = mpsc::channel();
        let done = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&done);
        task.on_done(move |_| {
            receiver.recv().unwrap();
            theirs.store(true, Ordering::Relaxed);
        });
        assert!(!pool.shutdown_timeout(Duration::ZERO).unwrap());
        assert!(!pool.shutdown_timeout(SHORT).unwrap());
        let late = pool.submit(square::call(3)).wait().unwrap_err();
        assert_eq!(late.kind(), ErrorKind::Closed);
        assert_eq!(task.state(), TaskState::Running);
        task.cancel_within(LONG);
        task.wait().unwrap();
        // Callbacks count.
        assert!(!pool.shutdown_timeout(SHORT).unwrap());
        assert!(!done.load(Ordering::Relaxed));
        sender.send(()).unwrap();
        assert!(pool.shutdown_timeout(LONG).unwrap());
        assert!(done.load(Ordering::Relaxed));
        assert!(pool.shutdown_timeout(Duration::MAX).unwrap());
        pool.shutdown().unwrap();
        assert!(pool.worker_ids().is_empty());
    });
}

#[worker]
fn refuse() -> Result<(), String> {
    Err("no licence".into())
}

#[test]
fn a_pool_that_gave_up_says_so_when_it_has_shut_down() {
    check(|pool| {
        let broken = || {
            pool()
                .workers(1)
                .initializer(refuse::call())
                .build()
                .unwrap()
        };
        let pool = broken();
        pool.submit(square::call(3)).wait().unwrap_err();
        let error = pool.shutdown_timeout(LONG).unwrap_err();
        assert!(error.to_string().contains("no licence"), "{error}");
        let pool = broken();
        pool.submit(square::call(3)).wait().unwrap_err();
        let error = smol::block_on(pool.shutdown_async()).unwrap_err();
        assert!(error.to_string().contains("no licence"), "{error}");
    });
}

#[test]
fn a_shutdown_is_awaited_on_any_executor() {
    check(|pool| {
        let new = || pool().workers(2).build().unwrap();
        let tokio = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let finished = Arc::new(AtomicU32::new(0));
        for turn in 1..=4 {
            let pool = new();
            let tasks: Vec<_> = (0..3).map(|_| pool.submit(doze::call(20))).collect();
            for task in &tasks {
                let finished = Arc::clone(&finished);
                task.on_done(move |_| {
                    finished.fetch_add(1, Ordering::Relaxed);
                });
            }
            if turn % 2 == 0 {
                tokio.block_on(pool.shutdown_async()).unwrap();
            } else {
                smol::block_on(pool.shutdown_async()).unwrap();
            }
            assert_eq!(finished.load(Ordering::Relaxed), turn * 3);
            assert!(tasks.iter().all(Task::is_finished));
            smol::block_on(pool.shutdown_async()).unwrap();
        }

        // Dropping it undoes nothing.
        let pool = new();
        let task = running(pool.submit(heed::call()));
        let mut context = Context::from_waker(Waker::noop());
        let mut shutdown = Box::pin(pool.shutdown_async());
        assert!(shutdown.as_mut().poll(&mut context).is_pending());
        let other = pool.shutdown_async();
        drop(shutdown);
        let late = pool.submit(square::call(3)).wait().unwrap_err();
        assert_eq!(late.kind(), ErrorKind::Closed);
        assert_eq!(task.state(), TaskState::Running);
        task.cancel_within(LONG);
        smol::block_on(other).unwrap();
        task.wait().unwrap();

        // A pool that is dropped is over; the future keeps nothing.
        let pool = new();
        let task = running(pool.submit(heed::call()));
        let shutdown = pool.shutdown_async();
        drop(pool);
        let mut shutdown = pin!(shutdown);
        assert!(matches!(
            shutdown.as_mut().poll(&mut context),
            Poll::Ready(Ok(()))
        ));
        assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Cancelled);
    });
}

#[test]
fn a_callback_can_wait_for_the_shutdown() {
    check(|pool| {
        let pool = Arc::new(pool().workers(1).build().unwrap());
        let (sender, receiver) = mpsc::channel();
        let theirs = Arc::clone(&pool);
        pool.submit(square::call(3)).on_done(move |result| {
            assert_eq!(result.unwrap(), 9);
            smol::block_on(theirs.shutdown_async()).unwrap();
            let in_time = theirs.shutdown_timeout(LONG).unwrap();
            drop(theirs);
            sender.send(in_time).unwrap();
        });
        assert!(receiver.recv_timeout(Duration::from_secs(50)).unwrap());
        drop(pool);
    });
}

#[test]
fn workers_ignore_interrupts() {
    check(|pool| {
        let pool = pool().workers(1).ignore_interrupts().build().unwrap();
        let id = pool.submit(identify::call()).wait().unwrap();
        let begin = Instant::now();
        while begin.elapsed() < SHORT {
            for id in pool.worker_ids() {
                signal(id, Signal::INT);
            }
            assert_eq!(pool.submit(doze::call(1)).wait().unwrap(), 1);
        }
        assert!(is_running(id));
        assert_eq!((pool.stats().restarts(), pool.stats().failed()), (0, 0));
    });
}
