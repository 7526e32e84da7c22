//! Short tasks that are submitted one by one, of which workers are sent many at once.

use std::time::Duration;

use multiproc::{ErrorKind, Pool, Task, TaskState, is_cancelled, worker};

use crate::{check, doze, eventually, kill, square};

/// What a task of [`step`] does, if not nothing.
const PARK: u64 = 1_000_000;
const ABORT: u64 = PARK + 1;
const PANIC: u64 = PARK + 2;
const HEED: u64 = PARK + 3;

/// One function, so that all are sent together if they can be.
#[worker]
fn step(x: u64) -> u64 {
    match x {
        PARK => loop {
            std::thread::park();
        },
        ABORT => std::process::abort(),
        PANIC => panic!("as told"),
        HEED => {
            hold();
        }
        _ => {}
    }
    x
}

/// Runs until it is asked to stop.
#[worker]
fn hold() {
    while !is_cancelled() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Has the pool learn that tasks of `step` are short, and has all workers be busy then, so that what is
/// submitted next waits until they are told to go on.
fn keep_busy(pool: &Pool) -> Vec<Task<()>> {
    let warm: Vec<_> = (0..3000).map(|x| pool.submit(step::call(x))).collect();
    for (x, task) in (0..).zip(warm) {
        assert_eq!(task.wait().unwrap(), x);
    }
    let blocks: Vec<_> = (0..pool.workers())
        .map(|_| pool.submit(hold::call()))
        .collect();
    eventually("all workers are busy", || pool.active() == pool.workers());
    blocks
}

fn go_on(blocks: Vec<Task<()>>) {
    for block in &blocks {
        assert!(block.cancel_within(Duration::from_secs(50)));
    }
    for block in blocks {
        block.wait().unwrap();
    }
}

fn steps(pool: &Pool, xs: std::ops::Range<u64>) -> Vec<(u64, Task<u64>)> {
    xs.map(|x| (x, pool.submit(step::call(x)))).collect()
}

fn expect(tasks: impl IntoIterator<Item = (u64, Task<u64>)>) {
    for (x, task) in tasks {
        assert_eq!(task.wait().unwrap(), x);
    }
}

#[test]
fn nothing_waits_behind_a_task_that_is_unlike_those_before_it() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let blocks = keep_busy(&pool);
        let before = steps(&pool, 0..200);
        let endless = pool.submit(step::call(PARK));
        let behind = steps(&pool, 200..600);
        go_on(blocks);
        expect(behind);
        expect(before);
        assert_eq!(endless.state(), TaskState::Running);
        assert!(endless.cancel());
        assert_eq!(endless.wait().unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(pool.stats().finished(), 3603);
    });
}

/// No worker becomes idle: what was sent ahead goes back all the same.
#[test]
fn what_was_sent_ahead_does_not_wait_for_what_came_later() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let blocks = keep_busy(&pool);
        let endless = pool.submit(step::call(PARK));
        let behind = steps(&pool, 0..50);
        // For half a minute and more there is always a later one.
        let later: Vec<_> = (0..3000).map(|_| pool.submit(doze::call(20))).collect();
        go_on(blocks);
        expect(behind);
        assert!(later.iter().any(|task| !task.is_finished()));
        assert!(endless.cancel());
        pool.cancel_queued();
    });
}

#[test]
fn a_death_is_that_of_one_task() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let blocks = keep_busy(&pool);
        let tasks: Vec<_> = (0..400)
            .map(|x| {
                let deed = match x % 100 {
                    40 => ABORT,
                    80 => PANIC,
                    _ => x,
                };
                (x, pool.submit(step::call(deed)))
            })
            .collect();
        go_on(blocks);
        for (x, task) in tasks {
            let result = task.wait();
            match x % 100 {
                40 => assert_eq!(result.unwrap_err().signal(), Some(6)),
                80 => assert_eq!(result.unwrap_err().kind(), ErrorKind::Panicked),
                _ => assert_eq!(result.unwrap(), x),
            }
        }
        eventually("each dead worker is replaced", || {
            pool.stats().restarts() == 4
        });
    });
}

#[test]
fn a_worker_that_is_killed_costs_one_task_at_most() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        for _ in 0..10 {
            let blocks = keep_busy(&pool);
            let tasks = steps(&pool, 0..2000);
            go_on(blocks);
            pool.worker_ids().into_iter().for_each(kill);
            // The two that the workers were in.
            let lost = tasks
                .into_iter()
                .filter_map(|(x, task)| match task.wait() {
                    Ok(result) => {
                        assert_eq!(result, x);
                        None
                    }
                    Err(error) => Some(error.signal()),
                })
                .collect::<Vec<_>>();
            assert!(lost.len() <= 2, "{lost:?}");
        }
    });
}

#[test]
fn each_can_be_cancelled_while_it_waits() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let blocks = keep_busy(&pool);
        let mut tasks = steps(&pool, 0..500);
        let mut cancelled = Vec::new();
        for place in [499, 250, 251, 0] {
            let (_, task) = tasks.remove(place);
            assert!(task.cancel());
            assert!(!task.cancel());
            cancelled.push(task);
        }
        assert_eq!(pool.queued(), 496);
        go_on(blocks);
        for task in cancelled {
            let error = task.wait().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Cancelled);
            let text = "the task of worker `step` was cancelled before it began";
            assert_eq!(error.to_string(), text);
        }
        expect(tasks);
        let stats = pool.stats();
        assert_eq!((stats.submitted(), stats.finished()), (3501, 3501));
        assert_eq!(stats.restarts(), 0);
    });
}

#[test]
fn one_that_runs_can_be_cancelled_and_the_others_stay() {
    check(|pool| {
        let pool = pool().workers(1).retries(3).build().unwrap();
        let blocks = keep_busy(&pool);
        let before = steps(&pool, 0..30);
        let endless = pool.submit(step::call(PARK));
        let heedful = pool.submit(step::call(HEED));
        let behind = steps(&pool, 30..90);
        go_on(blocks);
        eventually("it has begun", || endless.state() == TaskState::Running);
        assert!(
            before
                .iter()
                .all(|(_, task)| task.state() != TaskState::Queued)
        );
        assert!(endless.cancel());
        assert!(endless.wait().unwrap_err().to_string().contains("(pid "));
        eventually("the next has", || heedful.state() == TaskState::Running);
        assert!(heedful.cancel_within(Duration::from_secs(50)));
        assert_eq!(heedful.wait().unwrap(), HEED);
        expect(before);
        expect(behind);
        assert_eq!(pool.stats().retried(), 0);
    });
}

#[test]
fn cancelling_what_waits_takes_back_what_was_sent_ahead() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let blocks = keep_busy(&pool);
        let endless = pool.submit(step::call(PARK));
        let behind = steps(&pool, 0..100);
        go_on(blocks);
        eventually("it has begun", || endless.state() == TaskState::Running);
        assert_eq!(pool.cancel_queued(), 100);
        for (_, task) in behind {
            assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Cancelled);
        }
        assert!(endless.cancel());
    });
}

#[test]
fn a_time_limit_is_that_of_each() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let blocks = keep_busy(&pool);
        let limit = Duration::from_millis(100);
        let tasks: Vec<_> = (0..300)
            .map(|x| {
                let deed = if x % 100 == 50 { PARK } else { x };
                (x, pool.submit(step::call(deed).timeout(limit)))
            })
            .collect();
        go_on(blocks);
        for (x, task) in tasks {
            match task.wait() {
                Ok(result) => assert_eq!(result, x),
                Err(error) => assert_eq!((error.kind(), x % 100), (ErrorKind::TimedOut, 50)),
            }
        }
    });
}

#[test]
fn more_important_ones_and_other_functions_come_between() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let blocks = keep_busy(&pool);
        let tasks: Vec<_> = (0..600)
            .map(|x| {
                let task = match x % 3 {
                    0 => pool.submit(square::call(x)),
                    1 => pool.submit(step::call(x * x).priority(i32::try_from(x % 7).unwrap())),
                    _ => pool.submit(step::call(x * x)),
                };
                (x * x, task)
            })
            .collect();
        go_on(blocks);
        expect(tasks);
    });
}

#[test]
fn how_long_each_has_waited_is_counted() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let block = pool.submit(doze::call(100));
        eventually("it has begun", || block.state() == TaskState::Running);
        let waiting = steps(&pool, 0..99);
        expect(waiting);
        let stats = pool.stats();
        assert_eq!(stats.wait().count(), 100);
        assert!(stats.wait().percentile(50.0) > Some(Duration::ZERO));
    });
}
