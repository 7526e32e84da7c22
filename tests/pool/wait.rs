//! Ways to wait.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use multiproc::{ErrorKind, Task, TaskState, as_completed, wait_all, wait_any, worker};

use crate::{check, doze, eventually, kill, square};

#[test]
fn the_state_is_the_truth() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let first = pool.submit(doze::call(300));
        let second = pool.submit(doze::call(1));
        eventually("the first runs", || first.state() == TaskState::Running);
        assert_eq!(second.state(), TaskState::Queued);
        assert_eq!((pool.active(), pool.queued()), (1, 1));
        assert!(!first.is_finished());
        assert!(
            first
                .wait_timeout(Duration::from_millis(1))
                .unwrap()
                .is_none()
        );
        eventually("both are finished", || second.is_finished());
        assert_eq!(first.state(), TaskState::Finished);
        assert_eq!(first.wait_timeout(Duration::ZERO).unwrap(), Some(300));
        let error = first.wait_timeout(Duration::ZERO).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Closed);
    });
}

#[test]
fn tasks_are_futures() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..100).map(|x| pool.submit(square::call(x))).collect();
            for (x, task) in (0..).zip(tasks) {
                assert_eq!(task.await.unwrap(), x * x);
            }
            let mut slow = pool.submit(doze::call(60_000));
            let limit = Duration::from_millis(20);
            assert!(tokio::time::timeout(limit, &mut slow).await.is_err());
            slow.cancel();
            assert_eq!(slow.await.unwrap_err().kind(), ErrorKind::Cancelled);
        });
        let awaited = smol::block_on(pool.submit(square::call(5)));
        assert_eq!(awaited.unwrap(), 25);
    });
}

#[test]
fn many_are_waited_for_at_once() {
    check(|pool| {
        let pool = pool().workers(3).build().unwrap();
        let tasks: Vec<_> = [500, 1, 200]
            .map(|millis| pool.submit(doze::call(millis)))
            .into();
        assert_eq!(wait_any(&tasks, Duration::from_secs(10)), Some(1));
        assert!(!wait_all(&tasks, Duration::from_millis(1)));
        let order: Vec<_> = as_completed(tasks).map(|(place, _)| place).collect();
        assert_eq!(order, [1, 2, 0]);

        let tasks: Vec<_> = (0..50).map(|x| pool.submit(square::call(x))).collect();
        assert!(wait_all(&tasks, Duration::from_secs(10)));
        assert_eq!(wait_any(&tasks, Duration::ZERO), Some(0));
        let mut sum = 0;
        for (place, result) in as_completed(tasks) {
            assert_eq!(result.as_ref().unwrap(), &((place * place) as u64));
            sum += result.unwrap();
        }
        assert_eq!(sum, 40_425);
        assert_eq!(wait_any::<Task<u64>>(&[], Duration::from_mins(1)), None);
        let mut slow = as_completed([pool.submit(doze::call(60_000))]);
        assert!(slow.next_timeout(Duration::from_millis(5)).is_err());
    });
}

#[test]
fn a_death_wakes_who_waits() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let task = pool.submit(doze::call(60_000));
        eventually("it runs", || task.state() == TaskState::Running);
        let begin = Instant::now();
        pool.worker_ids().into_iter().for_each(kill);
        assert_eq!(task.wait().unwrap_err().signal(), Some(9));
        assert!(begin.elapsed() < Duration::from_secs(1));
    });
}

#[test]
fn who_waits_is_woken_by_what_others_do_to_the_task() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        // The second worker has it easy: the first is waited for by two threads.
        let long = pool.submit(doze::call(60_000));
        std::thread::scope(|scope| {
            let limited = || long.wait_timeout(Duration::from_secs(30));
            let waiting = [scope.spawn(limited), scope.spawn(limited)];
            for x in 0..100 {
                assert_eq!(pool.submit(square::call(x)).wait().unwrap(), x * x);
            }
            eventually("it runs", || long.state() == TaskState::Running);
            assert!(long.cancel());
            // The result is given out once.
            let mut kinds = waiting.map(|it| it.join().unwrap().unwrap_err().kind());
            kinds.sort_by_key(|kind| *kind != ErrorKind::Cancelled);
            assert_eq!(kinds, [ErrorKind::Cancelled, ErrorKind::Closed]);
        });

        let ended = pool.submit(doze::call(60_000));
        let waiting = std::thread::spawn(|| ended.wait());
        eventually("it runs", || pool.active() == 1);
        drop(pool);
        let error = waiting.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    });
}

#[test]
fn a_limited_wait_leaves_the_result_to_others() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let task = pool.submit(doze::call(100));
        let limit = Duration::from_millis(1);
        while task.wait_timeout(limit).unwrap().is_none() {}
        // Nobody waits for this one, but the next is behind it.
        let (sender, receiver) = std::sync::mpsc::channel();
        let first = pool.submit(doze::call(50));
        assert!(first.wait_timeout(limit).unwrap().is_none());
        let second = pool.submit(square::call(4));
        second.on_done(move |result| sender.send(result.unwrap()).unwrap());
        assert_eq!(receiver.recv().unwrap(), 16);
        assert!(first.is_finished());
    });
}

#[test]
fn long_results_are_waited_for() {
    #[worker]
    fn fill(length: usize) -> Vec<u8> {
        vec![7; length]
    }
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        for length in [1, 100_000, 200_000, 8 << 20, 10] {
            assert_eq!(
                pool.submit(fill::call(length)).wait().unwrap().len(),
                length
            );
        }
    });
}

#[test]
fn after_a_shutdown_all_is_finished_whoever_waited() {
    check(|pool| {
        for x in 0..20 {
            let pool = pool().workers(1).build().unwrap();
            let task = pool.submit(square::call(x));
            let called = AtomicBool::new(false);
            let called: &'static AtomicBool = Box::leak(Box::new(called));
            task.on_done(|_| called.store(true, Ordering::Relaxed));
            std::thread::scope(|scope| {
                let waiting = scope.spawn(|| task.wait_timeout(Duration::from_secs(30)));
                pool.shutdown().unwrap();
                assert!(task.is_finished());
                assert!(called.load(Ordering::Relaxed));
                assert_eq!(waiting.join().unwrap().unwrap(), Some(x * x));
            });
        }
    });
}

#[test]
fn tasks_of_different_types_are_waited_for_together() {
    use multiproc::Completion;
    use multiproc::channel::{Source, channel, wait};

    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let (slow, quick) = (
            pool.submit(doze::call(60_000)),
            pool.submit(crate::leave::call(3)),
        );
        let process = square::spawn(4).unwrap();
        let all: [&dyn Completion; 3] = [&slow, &quick, &process];
        assert!(wait_all(&all[1..], Duration::from_secs(20)));
        assert!(!wait_all(&all, Duration::from_millis(1)));
        assert!(matches!(wait_any(&all, Duration::ZERO), Some(1 | 2)));

        let (sender, receiver) = channel::<u32>().unwrap();
        let sources: [&dyn Source; 3] = [&slow, &receiver, &quick];
        assert_eq!(wait(&sources, None).unwrap(), [2]);
        let two: [&dyn Source; 2] = [&slow, &receiver];
        let limit = Some(Duration::from_millis(5));
        assert!(wait(&two, limit).unwrap().is_empty());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| wait(&[&slow], None).unwrap());
            assert!(slow.cancel());
            assert_eq!(waiting.join().unwrap(), [0]);
        });
        sender.send(1).unwrap();
        assert_eq!(wait(&two, None).unwrap(), [0, 1]);

        let mut ends = as_completed([process, doze::spawn(60_000).unwrap()]);
        let limit = Duration::from_secs(20);
        assert!(matches!(ends.next_timeout(limit), Ok(Some((0, Ok(16))))));
        assert!(ends.next_timeout(Duration::from_millis(5)).is_err());
    });
}

#[test]
fn a_wait_does_not_wait_for_callbacks_and_a_drop_does() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let called: &'static AtomicBool = Box::leak(Box::new(AtomicBool::new(false)));
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let task = pool.submit(square::call(4));
        task.on_done(move |_| {
            // Until the wait has returned.
            let _ = receiver.recv();
            called.store(true, Ordering::Relaxed);
        });
        assert_eq!(task.wait().unwrap(), 16);
        assert!(!called.load(Ordering::Relaxed));
        sender.send(()).unwrap();
        drop(pool);
        assert!(called.load(Ordering::Relaxed));
    });
}
