//! Copies of workers, and of the program, that are made by `fork`.

#![expect(unsafe_code, reason = "processes are copied behind the library's back")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::time::Duration;

use multiproc::{ErrorKind, StartMethod, TaskState, as_completed, wait_all, wait_any, worker};

use crate::{check, doze, eventually, is_running, square};

/// Forks as a C library does that wants a helper, and returns twice.
#[worker]
fn fork() -> (u32, u32) {
    // SAFETY: the copy returns and ends, or so it should.
    let copy = unsafe { libc::fork() };
    (std::process::id(), copy.cast_unsigned())
}

#[worker]
fn fork_and_panic() {
    // SAFETY: as above.
    unsafe { libc::fork() };
    panic!("twice");
}

#[worker]
fn is_process(id: u32) -> bool {
    std::process::id() == id
}

#[test]
fn the_copy_that_a_task_makes_does_not_answer() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let (id, copy) = pool.submit(fork::call()).wait().unwrap();
        assert_ne!(copy, 0);
        for n in 0..50 {
            assert_eq!(pool.submit(square::call(n)).wait().unwrap(), n * n);
            assert!(pool.submit(is_process::call(id)).wait().unwrap());
        }
        eventually("the copy has ended", || !is_running(copy));
        let error = pool.submit(fork_and_panic::call()).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panicked);
        // In the middle of groups, too.
        let forks = pool.map(|()| fork::call(), [(); 20]).chunk_size(5);
        let copies: Vec<_> = forks.map(|result| result.unwrap()).collect();
        assert!(copies.iter().all(|(it, copy)| *it == id && *copy != 0));
        let squares: u64 = pool.map(square::call, 0..100).map(Result::unwrap).sum();
        assert_eq!(squares, 328_350);
        for (_, copy) in copies {
            eventually("the copy has ended", || !is_running(copy));
        }
        pool.shutdown().unwrap();
    });
}

#[test]
fn the_copy_that_a_worker_makes_does_not_answer() {
    for method in [StartMethod::ForkServer, StartMethod::Spawn] {
        for _ in 0..10 {
            let process = fork::call().start_method(method).spawn().unwrap();
            let id = process.id();
            let (it, copy) = process.join().unwrap();
            assert_eq!(it, id);
            assert_ne!(copy, 0);
            eventually("the copy has ended", || !is_running(copy));
        }
    }
}

/// Runs a test in a copy of this process, and fails if it fails or takes too long.
#[track_caller]
fn in_copy(test: impl FnOnce()) {
    // SAFETY: that the copy calls more than system calls is the point; it ends below.
    let copy = unsafe { libc::fork() };
    if copy == 0 {
        let status = i32::from(catch_unwind(AssertUnwindSafe(test)).is_err());
        // SAFETY: this ends the copy.
        unsafe { libc::_exit(status) };
    }
    let ended = std::time::Instant::now() + Duration::from_secs(20);
    let mut status = 0;
    loop {
        // SAFETY: it asks for the child made above, and `status` is valid meanwhile.
        let reaped = unsafe { libc::waitpid(copy, &raw mut status, libc::WNOHANG) };
        if reaped == copy {
            break;
        }
        if std::time::Instant::now() > ended {
            crate::kill(copy.cast_unsigned());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(status, 0, "the copy did not end well");
}

#[test]
fn a_map_gives_what_has_arrived_in_a_copy_of_the_program_and_then_one_error() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let mut squares = pool.map(square::call, 0..1000);
        // They arrive together, with others.
        assert_eq!(squares.next().unwrap().unwrap(), 0);
        let mut taken = 1;
        in_copy(|| {
            let mut last = None;
            for result in squares.by_ref() {
                assert!(last.is_none(), "something came after the error");
                match result {
                    Ok(value) => assert_eq!(value, taken * taken),
                    Err(error) => last = Some(error),
                }
                taken += 1;
            }
            let error = last.expect("an error");
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(squares.next().is_none());
        });
        assert_eq!(squares.map(Result::unwrap).sum::<u64>(), 332_833_500);
    });
}

#[test]
fn nothing_of_a_pool_works_in_a_copy_of_the_program() {
    check(|pool| {
        let mut pool = Some(pool().workers(1).build().unwrap());
        let tasks = || (0..3).map(|_| pool.as_ref().unwrap().submit(doze::call(100)));
        let mut mine: Vec<_> = tasks().collect();
        let mut process = Some(doze::spawn(200).unwrap());
        let completing = as_completed(tasks());
        let done = pool.as_ref().unwrap().submit(square::call(7));
        in_copy(|| {
            let unsupported = ErrorKind::Unsupported;
            let there = pool.as_ref().unwrap();
            assert_eq!(there.shutdown().unwrap_err().kind(), unsupported);
            assert_eq!(
                (there.active(), there.queued(), there.cancel_queued()),
                (0, 0, 0)
            );
            assert_eq!((there.worker_ids(), there.stats().submitted()), (vec![], 0));
            assert!(format!("{there:?}").contains("Pool"));
            let error = there.submit(square::call(1)).wait().unwrap_err();
            assert_eq!(error.kind(), unsupported);
            let results: Vec<_> = there.map(square::call, 0..9).collect();
            assert_eq!(results.len(), 1);
            assert_eq!(results[0].as_ref().unwrap_err().kind(), unsupported);

            assert_eq!(wait_any(&mine, Duration::from_secs(9)), Some(0));
            assert!(wait_all(&mine, Duration::from_secs(9)));
            for (_, result) in completing {
                assert_eq!(result.unwrap_err().kind(), unsupported);
            }
            let (sender, receiver) = mpsc::channel();
            mine[0].on_done(move |result| sender.send(result).unwrap());
            assert_eq!(receiver.recv().unwrap().unwrap_err().kind(), unsupported);
            assert!(!mine[0].cancel());
            assert_eq!(mine[0].state(), TaskState::Finished);
            let error = mine[1].wait_timeout(Duration::from_secs(9)).unwrap_err();
            assert_eq!(error.kind(), unsupported);
            for task in std::mem::take(&mut mine) {
                assert_eq!(task.wait().unwrap_err().kind(), unsupported);
            }
            drop(pool.take());

            assert!(multiproc::active_children().is_empty());
            let mut there = process.take().unwrap();
            there.kill();
            there.terminate();
            assert!(!there.is_running() && there.exit_status().is_none());
            assert_eq!(there.try_join().unwrap_err().kind(), unsupported);
            assert_eq!(there.join().unwrap_err().kind(), unsupported);
            let error = multiproc::Pool::new().unwrap_err();
            assert_eq!(error.kind(), unsupported);
        });
        for task in mine {
            assert_eq!(task.wait().unwrap(), 100);
        }
        assert_eq!(done.wait().unwrap(), 49);
        assert_eq!(process.unwrap().join().unwrap(), 200);
        pool.unwrap().shutdown().unwrap();
    });
}

#[test]
fn a_map_that_is_dropped_in_a_copy_goes_on() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let mut map = Some(pool.map(doze::call, [2; 50]));
        assert_eq!(map.as_mut().unwrap().next().unwrap().unwrap(), 2);
        in_copy(|| {
            // After what has arrived before.
            let map_here = map.as_mut().unwrap();
            let error = map_here.find_map(Result::err).unwrap();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(map_here.next().is_none());
            drop(map.take());
        });
        assert_eq!(map.unwrap().filter(|result| result.is_ok()).count(), 49);
        pool.shutdown().unwrap();
    });
}

#[test]
fn a_copy_neither_submits_nor_takes_a_place_from_the_original() {
    use std::future::Future;
    use std::pin::Pin;
    use std::task::{Context, Waker};

    check(|pool| {
        let pool = pool().workers(1).queue_limit(1).build().unwrap();
        let running = pool.submit(doze::call(500));
        eventually("it runs", || pool.active() == 1);
        let waiting = pool.submit(square::call(1));
        let mut context = Context::from_waker(Waker::noop());
        let mut lined_up = pool.submit_async(square::call(2));
        assert!(Pin::new(&mut lined_up).poll(&mut context).is_pending());
        let mut lined_up = Some(lined_up);
        in_copy(|| {
            let unsupported = ErrorKind::Unsupported;
            let task = pool.try_submit(square::call(1)).unwrap();
            assert_eq!(task.wait().unwrap_err().kind(), unsupported);
            let mut future = pool.submit_async(square::call(1));
            for future in [&mut future, lined_up.as_mut().unwrap()] {
                let mut context = Context::from_waker(Waker::noop());
                match Pin::new(future).poll(&mut context) {
                    std::task::Poll::Ready(task) => {
                        assert_eq!(task.wait().unwrap_err().kind(), unsupported);
                    }
                    std::task::Poll::Pending => panic!("it waits in a copy"),
                }
            }
            drop(lined_up.take());
        });
        assert_eq!(running.wait().unwrap(), 500);
        assert_eq!(waiting.wait().unwrap(), 1);
        let task = smol::block_on(lined_up.unwrap());
        assert_eq!(task.wait().unwrap(), 4);
        pool.shutdown().unwrap();
    });
}
