//! Pools in which only so many tasks may wait.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use multiproc::shm::Shared;
use multiproc::sync::Event;
use multiproc::{ErrorKind, Pool, SubmitFuture, Task, TaskState, TrySubmitError, worker};

use crate::{check, doze, eventually, length, square, within};

/// Runs until the gate is open.
#[worker]
fn hold(gate: Event) {
    gate.wait();
}

/// A pool with one worker that is in a task, until the gate is opened.
fn held(pool: multiproc::PoolBuilder) -> (Pool, Task<()>, Event) {
    let pool = pool.workers(1).build().unwrap();
    let gate = Event::new().unwrap();
    let task = pool.submit(hold::call(gate.clone()));
    eventually("it runs", || task.state() == TaskState::Running);
    (pool, task, gate)
}

fn poll<R>(future: &mut SubmitFuture<R>) -> Option<Task<R>> {
    match Pin::new(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(task) => Some(task),
        Poll::Pending => None,
    }
}

#[test]
fn a_queue_in_which_nothing_can_wait_is_refused() {
    let error = Pool::builder().queue_limit(0).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        error.to_string().contains("at least one task can wait"),
        "{error}"
    );
}

#[test]
fn submit_blocks_until_there_is_room() {
    check(|pool| {
        let (pool, _, gate) = held(pool().queue_limit(2));
        let tasks = [3, 4].map(|x| pool.submit(square::call(x)));
        std::thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            let pool = &pool;
            scope.spawn(move || {
                let task = pool.submit(square::call(5));
                sender.send(()).unwrap();
                assert_eq!(task.wait().unwrap(), 25);
            });
            assert!(receiver.recv_timeout(Duration::from_millis(50)).is_err());
            assert_eq!(pool.queued(), 2);
            gate.set();
            receiver.recv().unwrap();
        });
        let results = tasks.map(|task| task.wait().unwrap());
        assert_eq!(results, [9, 16]);
        pool.shutdown().unwrap();
    });
}

#[test]
fn a_call_without_room_is_given_back() {
    check(|pool| {
        let (pool, _, gate) = held(pool().queue_limit(1));
        let text = "borrowed".to_owned();
        let _waiting = pool.try_submit(crate::panic_with::call(&text)).unwrap();
        let error = pool.try_submit(crate::panic_with::call(&text)).unwrap_err();
        assert_eq!(
            format!("{error:?}: {error}"),
            "Full(..): the pool's queue is full"
        );
        let TrySubmitError::Full(call) = error;
        gate.set();
        let mut call = Some(call);
        let task = loop {
            match pool.try_submit(call.take().unwrap()) {
                Ok(task) => break task,
                Err(error) => call = Some(error.into_inner()),
            }
        };
        assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Panicked);
        pool.shutdown().unwrap();
        let task = pool.try_submit(square::call(1)).unwrap();
        assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Closed);
    });
}

#[test]
fn a_closed_pool_that_is_full_is_closed() {
    check(|pool| {
        let (pool, _, gate) = held(pool().queue_limit(1));
        let waiting = pool.submit(square::call(2));
        assert!(pool.try_submit(square::call(3)).is_err());
        std::thread::scope(|scope| {
            scope.spawn(|| pool.shutdown().unwrap());
            let late = loop {
                match pool.try_submit(square::call(3)) {
                    Ok(task) => break task,
                    Err(_) => std::thread::yield_now(),
                }
            };
            assert_eq!(late.wait().unwrap_err().kind(), ErrorKind::Closed);
            assert!(!waiting.is_finished());
            gate.set();
        });
        assert_eq!(waiting.wait().unwrap(), 4);
    });
}

#[test]
fn futures_wait_for_room_in_order() {
    check(|pool| {
        let (pool, _, gate) = held(pool().queue_limit(1));
        let first = pool.submit(square::call(0));
        let mut futures: Vec<_> = (1..20)
            .map(|x| pool.submit_async(square::call(x)))
            .collect();
        // In this order, and not that in which they were made.
        for future in futures.iter_mut().rev() {
            assert!(poll(future).is_none());
        }
        assert!(pool.try_submit(square::call(99)).is_err());
        gate.set();
        assert_eq!(first.wait().unwrap(), 0);
        let mut x = 20;
        for mut future in futures.into_iter().rev() {
            x -= 1;
            let task = loop {
                if let Some(task) = poll(&mut future) {
                    break task;
                }
                std::thread::yield_now();
            };
            assert!(poll(&mut future).is_none());
            assert_eq!(task.wait().unwrap(), x * x);
        }
        assert_eq!(pool.stats().submitted(), 21);
    });
}

#[test]
fn a_future_that_is_dropped_has_submitted_nothing() {
    check(|pool| {
        let (pool, _, gate) = held(pool().queue_limit(1));
        let waiting = pool.submit(square::call(1));
        let mut futures = [2, 3, 4].map(|x| pool.submit_async(square::call(x)));
        let _never_polled = pool.submit_async(square::call(5));
        for future in &mut futures {
            assert!(poll(future).is_none());
        }
        let [first, second, mut third] = futures;
        drop(first);
        assert!(poll(&mut third).is_none());
        // The second one is let in, and does not come.
        assert!(waiting.cancel());
        assert!(poll(&mut third).is_none());
        assert!(pool.try_submit(square::call(9)).is_err());
        drop(second);
        let third = poll(&mut third).expect("there is room");
        gate.set();
        assert_eq!(third.wait().unwrap(), 16);
        assert_eq!(pool.stats().submitted(), 3);
    });
}

#[test]
fn submitters_are_awaited_by_any_executor() {
    check(|pool| {
        let pool = Arc::new(pool().workers(2).queue_limit(2).build().unwrap());
        let submit = |pool: Arc<Pool>, x| async move {
            let task = pool.submit_async(square::call(x)).await;
            task.await.unwrap()
        };
        let spawned: Vec<_> = (0..200)
            .map(|x| smol::spawn(submit(Arc::clone(&pool), x)))
            .collect();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        for (x, spawned) in (0..).zip(spawned) {
            assert_eq!(runtime.block_on(spawned), x * x);
        }
        assert_eq!(runtime.block_on(submit(pool, 7)), 49);
    });
}

#[test]
fn bytes_are_limited() {
    check(|pool| {
        let (pool, _, gate) = held(pool().queue_memory(100_000));
        let of = |size: usize| length::call(vec![7; size]);
        // One that is longer than all gets in alone.
        let long = pool.try_submit(of(1_000_000)).unwrap();
        assert!(pool.try_submit(of(1)).is_err());
        assert!(poll(&mut pool.submit_async(of(1))).is_none());
        assert!(long.cancel());

        let mut tasks: Vec<_> = (0..4).map(|_| pool.submit(of(20_000))).collect();
        let mut large = pool.submit_async(of(50_000));
        let mut small = pool.submit_async(of(100));
        assert!(poll(&mut large).is_none() && poll(&mut small).is_none());
        assert!(tasks[0].cancel());
        assert!(poll(&mut large).is_none() && poll(&mut small).is_none());
        assert!(tasks[1].cancel());
        tasks.push(poll(&mut large).expect("there is room"));
        tasks.push(poll(&mut small).expect("there is room"));
        gate.set();
        let lengths: Vec<_> = tasks.drain(2..).map(|it| it.wait().unwrap()).collect();
        assert_eq!(lengths, [20_000, 20_000, 50_000, 100]);
        pool.shutdown().unwrap();
    });
}

#[test]
fn what_is_cancelled_makes_room() {
    check(|pool| {
        let (pool, _, gate) = held(pool().queue_limit(3));
        for _ in 0..5 {
            let waiting: Vec<_> = (0..3).map(|x| pool.submit(square::call(x))).collect();
            assert!(pool.try_submit(square::call(9)).is_err());
            std::thread::scope(|scope| {
                let blocked = [(); 3].map(|()| scope.spawn(|| pool.submit(square::call(9))));
                assert_eq!(pool.cancel_queued(), 3);
                for blocked in blocked {
                    assert!(blocked.join().unwrap().cancel() || pool.queued() == 0);
                }
            });
            for waiting in waiting {
                assert_eq!(waiting.wait().unwrap_err().kind(), ErrorKind::Cancelled);
            }
        }
        gate.set();
        pool.shutdown().unwrap();
    });
}

#[test]
fn who_is_blocked_goes_on_when_the_pool_ends() {
    check(|pool| {
        let (pool, running, gate) = held(pool().queue_limit(1));
        let waiting = pool.submit(square::call(3));
        let mut awaiting = pool.submit_async(square::call(4));
        assert!(poll(&mut awaiting).is_none());
        std::thread::scope(|scope| {
            let blocked = [(); 4].map(|()| scope.spawn(|| pool.submit(square::call(9)).wait()));
            scope.spawn(|| pool.shutdown().unwrap());
            // Though all the others go on to run.
            for blocked in blocked {
                let error = blocked.join().unwrap().unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Closed);
            }
            let late = poll(&mut awaiting).expect("there is no use in waiting");
            assert_eq!(late.wait().unwrap_err().kind(), ErrorKind::Closed);
            assert!(!running.is_finished() && !waiting.is_finished());
            gate.set();
        });
        assert_eq!(waiting.wait().unwrap(), 9);
    });
}

#[test]
fn a_future_may_outlive_its_pool() {
    check(|pool| {
        let (pool, _, _gate) = held(pool().queue_limit(1));
        let _waiting = pool.submit(square::call(3));
        let mut futures = [4, 5].map(|x| pool.submit_async(square::call(x)));
        assert!(poll(&mut futures[0]).is_none());
        drop(pool);
        for mut future in futures {
            let task = poll(&mut future).expect("there is no use in waiting");
            assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Closed);
        }
    });
}

#[test]
fn who_is_blocked_is_told_that_the_pool_gave_up() {
    #[worker]
    fn fail_later(gate: Event) -> Result<(), String> {
        gate.wait();
        Err("no licence".to_owned())
    }
    check(|pool| {
        let gate = Event::new().unwrap();
        let pool = pool()
            .workers(1)
            .queue_limit(1)
            .initializer(fail_later::call(gate.clone()))
            .build()
            .unwrap();
        let _waiting = pool.submit(square::call(1));
        std::thread::scope(|scope| {
            let blocked = [(); 3].map(|()| scope.spawn(|| pool.submit(square::call(2)).wait()));
            gate.set();
            for blocked in blocked {
                let error = blocked.join().unwrap().unwrap_err();
                assert!(error.source_text().contains("no licence"), "{error:?}");
            }
        });
    });
}

/// The texts of an error and its causes.
trait SourceText {
    fn source_text(&self) -> String;
}

impl SourceText for multiproc::Error {
    fn source_text(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        text
    }
}

#[test]
fn many_threads_share_a_short_queue() {
    check(|pool| {
        for limit in [1, 3] {
            let pool = pool().workers(2).queue_limit(limit).build().unwrap();
            let most = AtomicUsize::new(0);
            let sum = AtomicU64::new(0);
            std::thread::scope(|scope| {
                for thread in 0..8_u64 {
                    let (pool, most, sum) = (&pool, &most, &sum);
                    scope.spawn(move || {
                        for x in 0..100 {
                            let task = match x % 3 {
                                0 => smol::block_on(pool.submit_async(square::call(x))),
                                1 => pool.submit(square::call(x)),
                                _ => match pool.try_submit(square::call(x)) {
                                    Ok(task) => task,
                                    Err(error) => pool.submit(error.into_inner()),
                                },
                            };
                            most.fetch_max(pool.queued(), Ordering::Relaxed);
                            match (thread + x) % 4 {
                                0 => drop(task),
                                1 => drop(task.cancel()),
                                _ => {
                                    assert_eq!(task.wait().unwrap(), x * x);
                                    sum.fetch_add(1, Ordering::Relaxed);
                                }
                            }
                        }
                    });
                }
            });
            assert_eq!(sum.into_inner(), 400);
            // A worker may have one that it has not begun.
            let most = most.into_inner();
            assert!(most <= limit + 2, "{most} waited at a limit of {limit}");
            pool.shutdown().unwrap();
            let stats = pool.stats();
            assert_eq!((stats.submitted(), stats.finished()), (800, 800));
        }
    });
}

#[test]
fn callbacks_may_submit_to_a_full_queue() {
    check(|pool| {
        let pool = Arc::new(pool().workers(1).queue_limit(1).build().unwrap());
        let (sender, receiver) = mpsc::channel();
        for x in 0..20 {
            let (pool, sender) = (Arc::downgrade(&pool), sender.clone());
            let strong = pool.upgrade().unwrap();
            strong.submit(square::call(x)).on_done(move |result| {
                let pool = pool.upgrade().unwrap();
                for y in 0..3 {
                    let sender = sender.clone();
                    let next = pool.submit(square::call(result.as_ref().unwrap() + y));
                    next.on_done(move |result| sender.send(result.unwrap()).unwrap());
                }
            });
        }
        drop(sender);
        let expected = (0..20_u64).flat_map(|x| (0..3).map(move |y| (x * x + y).pow(2)));
        assert_eq!(receiver.iter().sum::<u64>(), expected.sum::<u64>());
        pool.shutdown().unwrap();
    });
}

/// Submits a task when it is woken.
struct Submitting {
    pool: std::sync::Weak<Pool>,
    tasks: mpsc::Sender<Task<u64>>,
}

impl Wake for Submitting {
    fn wake(self: Arc<Self>) {
        if let Some(pool) = self.pool.upgrade() {
            for x in 0..3 {
                let _ = self.tasks.send(pool.submit(square::call(x)));
            }
        }
    }
}

#[test]
fn a_waker_that_submits_to_a_full_queue_does_not_stop_the_pool() {
    check(|pool| {
        let (pool, mut running, gate) = held(pool().queue_limit(1));
        let pool = Arc::new(pool);
        let (tasks, woken) = mpsc::channel();
        let waker = Waker::from(Arc::new(Submitting {
            pool: Arc::downgrade(&pool),
            tasks,
        }));
        let mut context = Context::from_waker(&waker);
        assert!(Pin::new(&mut running).poll(&mut context).is_pending());
        drop(waker);
        let waiting = pool.submit(doze::call(20));
        gate.set();
        let submitted: Vec<_> = woken.iter().take(3).collect();
        let results: Vec<_> = submitted.into_iter().map(|it| it.wait().unwrap()).collect();
        assert_eq!(results, [0, 1, 4]);
        assert_eq!(waiting.wait().unwrap(), 20);
    });
}

#[test]
fn a_map_keeps_to_the_limit() {
    check(|pool| {
        let pool = pool().workers(2).queue_limit(5).build().unwrap();
        let over = AtomicBool::new(false);
        let most = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            let watching = scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    most.fetch_max(pool.queued(), Ordering::Relaxed);
                    std::thread::yield_now();
                }
            });
            let maps: Vec<_> = (0..3)
                .map(|map| {
                    let pool = &pool;
                    scope.spawn(move || {
                        let squares = pool.map(square::call, 0..1000);
                        let squares = squares.chunk_size(if map == 0 { 100 } else { 1 });
                        squares.map(Result::unwrap).sum::<u64>()
                    })
                })
                .collect();
            let submitting = scope.spawn(|| {
                (0..300).for_each(|x| drop(pool.submit(square::call(x))));
            });
            for map in maps {
                assert_eq!(map.join().unwrap(), 332_833_500);
            }
            submitting.join().unwrap();
            over.store(true, Ordering::Relaxed);
            watching.join().unwrap();
        });
        // One more of each map, and what workers have been given and have not begun.
        let most = most.into_inner();
        assert!(most <= 5 + 3 + 2 * 5, "{most} waited");
        pool.shutdown().unwrap();
    });
}

#[test]
fn a_map_goes_on_beside_a_full_queue() {
    check(|pool| {
        let (pool, _, gate) = held(pool().queue_limit(1));
        let _waiting = pool.submit(square::call(1));
        std::thread::scope(|scope| {
            let (sender, receiver) = mpsc::channel();
            let pool = &pool;
            let mapping = scope.spawn(move || {
                let inputs = (0..50).inspect(|_| sender.send(()).unwrap());
                pool.map(square::call, inputs)
                    .map(Result::unwrap)
                    .sum::<u64>()
            });
            receiver.recv().unwrap();
            // It takes one input, and no other while that one waits.
            assert!(receiver.recv_timeout(Duration::from_millis(50)).is_err());
            gate.set();
            assert_eq!(mapping.join().unwrap(), 40_425);
        });
    });
}

#[test]
fn tasks_that_are_tried_again_take_room() {
    #[worker]
    fn crash_first(attempts: Shared<std::sync::atomic::AtomicU32>) -> u32 {
        let attempt = attempts.fetch_add(1, Ordering::Relaxed);
        if attempt < 2 {
            std::process::abort();
        }
        attempt
    }
    check(|pool| {
        let pool = pool().workers(2).retries(2).queue_limit(1).build().unwrap();
        let tasks: Vec<_> = (0..10)
            .map(|_| pool.submit(crash_first::call(Shared::new(0.into()).unwrap())))
            .collect();
        for task in tasks {
            assert_eq!(task.wait().unwrap(), 2);
        }
        assert_eq!(pool.stats().retried(), 20);
        let (busy, gate) = (pool.workers(), Event::new().unwrap());
        let held: Vec<_> = (0..busy)
            .map(|_| pool.submit(hold::call(gate.clone())))
            .collect();
        eventually("all are busy", || pool.active() == busy);
        let _waiting = pool.try_submit(square::call(1)).unwrap();
        assert!(pool.try_submit(square::call(1)).is_err());
        gate.set();
        held.into_iter().for_each(|task| task.wait().unwrap());
    });
}

/// Submits 100 MB to a pool that is slow, and returns how far memory grew, in bytes.
#[worker]
fn produce(limit: Option<usize>, memory: Option<u64>) -> u64 {
    fn resident() -> u64 {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
        pages * rustix::param::page_size() as u64
    }
    let mut pool = Pool::builder().workers(1);
    pool = match limit {
        Some(limit) => pool.queue_limit(limit),
        None => pool,
    };
    pool = match memory {
        Some(memory) => pool.queue_memory(memory),
        None => pool,
    };
    let pool = pool.build().unwrap();
    let before = resident();
    let mut most = before;
    for _ in 0..10_000 {
        drop(pool.submit(length::call(vec![7; 10_000])));
        most = most.max(resident());
    }
    pool.shutdown().unwrap();
    most - before
}

#[test]
fn an_endless_producer_runs_in_bounded_memory() {
    within(Duration::from_mins(2), || {
        for (limit, memory) in [(Some(100), None), (None, Some(1_000_000))] {
            let grown = produce::run(limit, memory).unwrap();
            assert!(grown < 30 << 20, "{grown} bytes for a limit of 1 MB");
        }
    });
}
