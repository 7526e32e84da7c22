//! Four processes of four threads at one lock: totals are exact. Then the same while one of the
//! processes is killed and started again every few milliseconds.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{LockResult, PoisonError};
use std::thread;
use std::time::Duration;

use multiproc::shm::Shared;
use multiproc::sync::{Mutex, ReentrantLock, ReentrantLockGuard, RwLock, Semaphore};
use multiproc::worker;
use serde::{Deserialize, Serialize};

use crate::{METHODS, kill, seconds, within};

const PROCESSES: usize = 4;
const THREADS: usize = 4;
const OPERATIONS: u64 = 100_000;

/// What the processes work on.
#[derive(Clone, Serialize, Deserialize)]
struct Table {
    mutex: Mutex<Tally>,
    lock: RwLock<Tally>,
    semaphore: Semaphore,
    reentrant: ReentrantLock<Cell<Tally>>,
    /// How often somebody got what it wanted, counted under nothing.
    count: Shared<AtomicU64>,
}

/// A total and what it is made of: equal, but between two steps.
#[derive(Clone, Copy, multiproc::Shareable)]
struct Tally {
    total: u64,
    parts: [u64; PROCESSES],
}

impl Tally {
    const NONE: Tally = Tally {
        total: 0,
        parts: [0; PROCESSES],
    };

    fn add(&mut self, place: usize) {
        self.total += 1;
        self.parts[place] += 1;
    }

    fn is_whole(&self) -> bool {
        self.total == self.parts.iter().sum::<u64>()
    }

    fn repair(&mut self) {
        self.total = self.parts.iter().sum();
    }
}

impl Table {
    fn new() -> Table {
        Table {
            mutex: Mutex::new(Tally::NONE).unwrap(),
            lock: RwLock::new(Tally::NONE).unwrap(),
            semaphore: Semaphore::new(3).unwrap(),
            reentrant: ReentrantLock::new(Cell::new(Tally::NONE)).unwrap(),
            count: Shared::new(AtomicU64::new(0)).unwrap(),
        }
    }

    /// The lock, over a value that has been repaired if somebody died with it.
    fn reentrant(&self) -> ReentrantLockGuard<'_, Cell<Tally>> {
        self.reentrant.lock().unwrap_or_else(|error| {
            let guard = error.into_inner();
            let mut tally = guard.get();
            tally.repair();
            guard.set(tally);
            self.reentrant.clear_poison();
            guard
        })
    }
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Work {
    Mutex,
    RwLock,
    Semaphore,
    ReentrantLock,
}

impl Work {
    fn once(self, table: &Table, place: usize, turn: u64) {
        match self {
            Work::Mutex => {
                let mut tally = whole(table.mutex.lock(), Tally::repair, || {
                    table.mutex.clear_poison();
                });
                assert!(tally.is_whole());
                tally.add(place);
            }
            Work::RwLock if turn.is_multiple_of(4) => {
                let mut tally = whole(table.lock.write(), Tally::repair, || {
                    table.lock.clear_poison();
                });
                assert!(tally.is_whole());
                tally.add(place);
            }
            Work::RwLock => {
                // The guard must be gone before the lock is taken to write.
                let is_poisoned = match table.lock.read() {
                    Ok(tally) => {
                        assert!(tally.is_whole());
                        false
                    }
                    Err(_) => true,
                };
                if is_poisoned {
                    drop(whole(table.lock.write(), Tally::repair, || {
                        table.lock.clear_poison();
                    }));
                }
            }
            Work::Semaphore => {
                let permit = table.semaphore.acquire();
                table.count.fetch_add(1, Ordering::Relaxed);
                drop(permit);
            }
            Work::ReentrantLock => {
                let outer = table.reentrant();
                let mut tally = outer.get();
                assert!(tally.is_whole());
                tally.add(place);
                // The first half under one lock, the second under two.
                outer.set(Tally {
                    parts: outer.get().parts,
                    ..tally
                });
                let inner = table.reentrant.lock().unwrap();
                inner.set(tally);
                drop(inner);
                assert!(outer.get().is_whole());
            }
        }
    }
}

/// The guard, over a value that has been repaired if somebody died with it.
fn whole<G: std::ops::DerefMut<Target = Tally>>(
    result: LockResult<G>,
    repair: impl FnOnce(&mut Tally),
    clear: impl FnOnce(),
) -> G {
    result.unwrap_or_else(|error: PoisonError<G>| {
        let mut guard = error.into_inner();
        repair(&mut guard);
        clear();
        guard
    })
}

#[worker]
fn toil(work: Work, table: Table, place: usize, operations: u64) {
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..operations).for_each(|turn| work.once(&table, place, turn)));
        }
    });
}

fn all_at_once(work: Work) -> Table {
    let table = Table::new();
    let processes: Vec<_> = (0..PROCESSES)
        .map(|place| {
            toil::call(work, table.clone(), place, OPERATIONS)
                .start_method(METHODS[place % 2])
                .spawn()
                .unwrap()
        })
        .collect();
    for process in processes {
        process.join().unwrap();
    }
    table
}

/// As above, but the last process is killed every ten milliseconds until the others are done.
fn with_a_reaper(work: Work) -> Table {
    let table = Table::new();
    let processes: Vec<_> = (1..PROCESSES)
        .map(|place| {
            toil::call(work, table.clone(), place, OPERATIONS)
                .start_method(METHODS[place % 2])
                .spawn()
                .unwrap()
        })
        .collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let reaper = scope.spawn(|| {
            let mut kills = 0;
            while !done.load(Ordering::Relaxed) {
                let victim = toil::call(work, table.clone(), 0, u64::MAX)
                    .start_method(METHODS[kills % 2])
                    .spawn()
                    .unwrap();
                thread::sleep(Duration::from_millis(10));
                kill(victim.id());
                assert!(victim.join().is_err());
                kills += 1;
            }
            kills
        });
        for process in processes {
            process.join().unwrap();
        }
        done.store(true, Ordering::Relaxed);
        assert!(reaper.join().unwrap() > 0);
    });
    // All victims may have been killed before their first turn; this one gets through.
    toil::call(work, table.clone(), 0, 4).run().unwrap();
    table
}

const ALL: u64 = (PROCESSES * THREADS) as u64 * OPERATIONS;
const EACH: u64 = THREADS as u64 * OPERATIONS;

#[test]
fn mutex() {
    within(seconds(120), || {
        let table = all_at_once(Work::Mutex);
        let tally = *table.mutex.lock().unwrap();
        assert_eq!((tally.total, tally.parts), (ALL, [EACH; PROCESSES]));
    });
}

#[test]
fn mutex_with_a_reaper() {
    within(seconds(120), || {
        let table = with_a_reaper(Work::Mutex);
        let mut tally = whole(table.mutex.lock(), Tally::repair, || {});
        tally.repair();
        assert_eq!(tally.parts[1..], [EACH; PROCESSES - 1]);
        assert!(tally.parts[0] > 0 && tally.is_whole());
    });
}

#[test]
fn rwlock() {
    within(seconds(120), || {
        let table = all_at_once(Work::RwLock);
        let tally = *table.lock.read().unwrap();
        assert_eq!((tally.total, tally.parts), (ALL / 4, [EACH / 4; PROCESSES]));
    });
}

#[test]
fn rwlock_with_a_reaper() {
    within(seconds(120), || {
        let table = with_a_reaper(Work::RwLock);
        let tally = whole(table.lock.write(), Tally::repair, || {});
        assert_eq!(tally.parts[1..], [EACH / 4; PROCESSES - 1]);
        assert!(tally.parts[0] > 0 && tally.is_whole());
    });
}

#[test]
fn semaphore() {
    within(seconds(120), || {
        let table = all_at_once(Work::Semaphore);
        assert_eq!(table.count.load(Ordering::Relaxed), ALL);
        assert_eq!(table.semaphore.available(), 3);
    });
}

#[test]
fn semaphore_with_a_reaper() {
    within(seconds(120), || {
        let table = with_a_reaper(Work::Semaphore);
        assert!(table.count.load(Ordering::Relaxed) > ALL / 4 * 3);
        assert_eq!(table.semaphore.available(), 3);
        let _all = [(); 3].map(|()| table.semaphore.try_acquire().unwrap());
        assert!(table.semaphore.try_acquire().is_none());
    });
}

#[test]
fn reentrant_lock() {
    within(seconds(120), || {
        let table = all_at_once(Work::ReentrantLock);
        let tally = table.reentrant.lock().unwrap().get();
        assert_eq!((tally.total, tally.parts), (ALL, [EACH; PROCESSES]));
    });
}

#[test]
fn reentrant_lock_with_a_reaper() {
    within(seconds(120), || {
        let table = with_a_reaper(Work::ReentrantLock);
        let tally = table.reentrant().get();
        assert_eq!(tally.parts[1..], [EACH; PROCESSES - 1]);
        assert!(tally.parts[0] > 0 && tally.is_whole());
    });
}
