//! Four processes of four threads that wait for each other: totals are exact. Then the same while
//! one of the processes is killed and started again every few milliseconds.
//!
//! Nearly every operation here puts a thread to sleep and wakes another, which takes a hundred
//! times as long as a lock that is free. So that the tests are over in seconds there are fewer of
//! them; `STRESS=100000 cargo test` sets their number.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{LockResult, PoisonError};
use std::thread;
use std::time::Duration;

use multiproc::sync::{Barrier, Condvar, Event, Mutex, MutexGuard};
use multiproc::{Process, worker};

use crate::{kill, seconds, within};

const PROCESSES: usize = 4;
const THREADS: usize = 4;

/// How often each thread does it.
fn operations(usual: u64) -> u64 {
    let wanted = std::env::var("STRESS").ok();
    wanted.map_or(usual, |wanted| wanted.parse().expect("STRESS is a number"))
}

/// Longer than any of it takes.
fn limit() -> Duration {
    seconds(if std::env::var_os("STRESS").is_some() {
        580
    } else {
        120
    })
}

/// Does the same on all threads of a process.
fn on_all_threads(act: impl Fn() + Sync) {
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(&act);
        }
    });
}

/// Waits for the workers, while another is killed every ten milliseconds and started again.
fn join_while_others_die<R, S>(
    workers: Vec<Process<R>>,
    victim: impl Fn() -> Process<S> + Sync,
) -> Vec<R> {
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reaper = scope.spawn(|| {
            let mut kills = 0;
            while !done.load(Ordering::Relaxed) {
                let victim = victim();
                thread::sleep(Duration::from_millis(10));
                kill(victim.id());
                let _ = victim.join();
                kills += 1;
            }
            kills
        });
        let results = workers.into_iter().map(|worker| worker.join().unwrap());
        let results = results.collect();
        done.store(true, Ordering::Relaxed);
        assert!(reaper.join().unwrap() > 0);
        results
    })
}

/// A question and its answer, for two threads.
type Pair = (Event, Event);

fn pairs(count: usize) -> Vec<Pair> {
    (0..count)
        .map(|_| (Event::new().unwrap(), Event::new().unwrap()))
        .collect()
}

/// Asks as often, on a thread for each pair, and counts the answers.
#[worker]
fn ask(pairs: Vec<Pair>, times: u64) -> u64 {
    let answers = AtomicU64::new(0);
    thread::scope(|scope| {
        for (question, answer) in &pairs {
            scope.spawn(|| {
                for _ in 0..times {
                    question.set();
                    answer.wait();
                    answer.clear();
                    answers.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    answers.into_inner()
}

/// Answers as often, on a thread for each pair, and counts the questions.
#[worker]
fn answer(pairs: Vec<Pair>, times: u64) -> u64 {
    let questions = AtomicU64::new(0);
    thread::scope(|scope| {
        for (question, answer) in &pairs {
            scope.spawn(|| {
                for _ in 0..times {
                    question.wait();
                    question.clear();
                    answer.set();
                    questions.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    questions.into_inner()
}

/// Sleeps on every event there is, for ever.
#[worker]
fn listen(pairs: Vec<Pair>) {
    thread::scope(|scope| {
        for (question, answer) in &pairs {
            for event in [question, answer] {
                scope.spawn(|| {
                    loop {
                        event.wait_timeout(Duration::from_millis(1));
                    }
                });
            }
        }
    });
}

#[test]
fn event() {
    within(limit(), || {
        let times = operations(10_000);
        let (one, two) = (pairs(THREADS), pairs(THREADS));
        let workers = [
            ask::spawn(one.clone(), times).unwrap(),
            answer::spawn(one, times).unwrap(),
            ask::spawn(two.clone(), times).unwrap(),
            answer::spawn(two, times).unwrap(),
        ];
        for worker in workers {
            assert_eq!(worker.join().unwrap(), times * THREADS as u64);
        }
    });
}

#[test]
fn event_with_a_reaper() {
    within(limit(), || {
        let times = operations(10_000);
        let pairs = pairs(THREADS);
        let workers = vec![
            ask::spawn(pairs.clone(), times).unwrap(),
            answer::spawn(pairs.clone(), times).unwrap(),
        ];
        let counts = join_while_others_die(workers, || listen::spawn(pairs.clone()).unwrap());
        assert_eq!(counts, [times * THREADS as u64; 2]);
    });
}

/// Passes a barrier as often on each thread, and counts when it led.
#[worker]
fn pass(barrier: Barrier, times: u64) -> u64 {
    let led = AtomicU64::new(0);
    on_all_threads(|| {
        for _ in 0..times {
            let leads = barrier.wait().unwrap().is_leader();
            led.fetch_add(leads.into(), Ordering::Relaxed);
        }
    });
    led.into_inner()
}

/// Passes a barrier as often on each thread, though it breaks.
#[worker]
fn pass_or_mend(barrier: Barrier, mending: Mutex<()>, times: u64) {
    on_all_threads(|| {
        let mut passed = 0;
        while passed < times {
            if barrier.wait().is_ok() {
                passed += 1;
            } else {
                // One is enough: each sends away those who wait again already.
                let _one = mending.lock().unwrap_or_else(PoisonError::into_inner);
                if barrier.is_broken() {
                    barrier.reset();
                }
            }
        }
    });
}

#[test]
fn barrier() {
    within(limit(), || {
        let times = operations(5000);
        let barrier = Barrier::new(PROCESSES * THREADS).unwrap();
        let workers = [(); PROCESSES].map(|()| pass::spawn(barrier.clone(), times).unwrap());
        let led = workers.map(|worker| worker.join().unwrap());
        assert_eq!(led.iter().sum::<u64>(), times);
    });
}

#[test]
fn barrier_with_a_reaper() {
    within(limit(), || {
        let times = operations(3000);
        let barrier = Barrier::new(PROCESSES * THREADS).unwrap();
        let mending = Mutex::new(()).unwrap();
        let spawn = |times| pass_or_mend::spawn(barrier.clone(), mending.clone(), times).unwrap();
        // All of them pass in the same rounds, or somebody would wait for ever at the end.
        let workers = (1..PROCESSES).map(|_| spawn(times)).collect();
        join_while_others_die(workers, || spawn(u64::MAX));
    });
}

/// Things to be taken, and how many threads will bring more.
type Store = (u64, usize);

fn locked<'a>(
    store: &'a Mutex<Store>,
    result: LockResult<MutexGuard<'a, Store>>,
) -> MutexGuard<'a, Store> {
    // Who dies with the lock has changed all or nothing.
    result.unwrap_or_else(|error| {
        store.clear_poison();
        error.into_inner()
    })
}

/// Brings a thing as often.
fn bring(store: &Mutex<Store>, changed: &Condvar, times: u64) {
    for _ in 0..times {
        locked(store, store.lock()).0 += 1;
        changed.notify_one();
    }
    locked(store, store.lock()).1 -= 1;
    changed.notify_all();
}

/// Takes a thing when there is one, until there will be no more; how many it took.
fn take(store: &Mutex<Store>, changed: &Condvar) -> u64 {
    let mut taken = 0;
    loop {
        let guard = locked(store, store.lock());
        let waited = changed.wait_while(guard, |store| store.0 == 0 && store.1 > 0);
        let mut guard = locked(store, waited);
        match *guard {
            (0, 0) => return taken,
            (0, _) => {}
            (things, _) => {
                guard.0 = things - 1;
                taken += 1;
            }
        }
    }
}

/// Two threads bring, two take; how many they took.
#[worker]
fn trade(store: Mutex<Store>, changed: Condvar, times: u64) -> u64 {
    thread::scope(|scope| {
        let takers = [(); THREADS / 2].map(|()| scope.spawn(|| take(&store, &changed)));
        for _ in 0..THREADS / 2 {
            scope.spawn(|| bring(&store, &changed, times));
        }
        takers.map(|taker| taker.join().unwrap()).iter().sum()
    })
}

/// Is notified on all threads, and hands that on.
#[worker]
fn disturb(store: Mutex<Store>, changed: Condvar) {
    on_all_threads(|| {
        loop {
            let guard = locked(&store, store.lock());
            drop(locked(&store, changed.wait(guard)));
            changed.notify_one();
        }
    });
}

#[test]
fn condvar() {
    within(limit(), || {
        let times = operations(50_000);
        let bringers = PROCESSES * THREADS / 2;
        let store = Mutex::new((0, bringers)).unwrap();
        let changed = Condvar::new().unwrap();
        let workers =
            [(); PROCESSES].map(|()| trade::spawn(store.clone(), changed.clone(), times).unwrap());
        let taken = workers.map(|worker| worker.join().unwrap());
        assert_eq!(taken.iter().sum::<u64>(), times * bringers as u64);
        assert_eq!(*store.lock().unwrap(), (0, 0));
    });
}

#[test]
fn condvar_with_a_reaper() {
    within(limit(), || {
        let times = operations(50_000);
        let bringers = (PROCESSES - 1) * THREADS / 2;
        let store = Mutex::new((0, bringers)).unwrap();
        let changed = Condvar::new().unwrap();
        let workers = (1..PROCESSES)
            .map(|_| trade::spawn(store.clone(), changed.clone(), times).unwrap())
            .collect();
        let taken = join_while_others_die(workers, || {
            disturb::spawn(store.clone(), changed.clone()).unwrap()
        });
        assert_eq!(taken.iter().sum::<u64>(), times * bringers as u64);
        assert_eq!(*locked(&store, store.lock()), (0, 0));
    });
}
