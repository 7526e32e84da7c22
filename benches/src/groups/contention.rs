//! Locks that others want as well: taken as often as each can, handed over one to the other, and
//! slept for.
//!
//! The first favours whoever has the lock: most of the time it takes it again before another
//! notices that it was free. The second leaves nobody a choice: of three locks in a ring each of
//! two helpers has one, takes the next, and then gives the one behind it back, for which the other
//! waits. So each lock that is taken was given back by the other just before.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError};

use multiproc::shm::Shared;
use multiproc::sync::{
    Barrier, Condvar, Mutex, MutexGuard, Permit, RwLock, RwLockWriteGuard, Semaphore,
};
use multiproc::worker;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::team::{Team, in_rounds};
use super::textbook;
use crate::bench::{Bench, Race};
use crate::measure::{Contestant, Failable};
use crate::report::Aim;

const OURS: &str = "Mutex, processes";
const STD: &str = "std::sync::Mutex, threads";

pub(super) fn run(bench: &mut Bench) -> Failable {
    for parties in [2, 4] {
        let contest = Contest {
            parties,
            locks: 1,
            turns: 100_000,
        };
        let mut contestants = contest.contestants()?;
        contestants.push(bench.python("CPython, Lock, processes", "contended_lock", 2000, parties));
        let title = format!("taken by {parties} as often as they can");
        race(bench, title, contestants);
    }
    let contest = Contest {
        parties: 2,
        locks: 3,
        turns: 1000,
    };
    let title = "handed over, by 2 in a ring of 3";
    race(bench, title.to_owned(), contest.contestants()?);
    sleepers(bench)
}

fn race(bench: &mut Bench, title: String, contestants: Vec<Contestant<'_>>) {
    bench.race(Race {
        title,
        base_line: STD,
        contestants,
        // No more than between threads, within noise.
        aims: vec![Aim {
            of: OURS,
            against: STD,
            at_most: 1.1,
        }],
    });
}

#[derive(Clone, Copy)]
struct Contest {
    parties: usize,
    locks: usize,
    /// A helper's turns in a round.
    turns: usize,
}

impl Contest {
    fn contestants(self) -> Failable<Vec<Contestant<'static>>> {
        Ok(vec![
            self.in_processes(OURS, || Mutex::new(0_u64))?,
            self.in_threads("Mutex, threads", || Mutex::new(0_u64))?,
            self.in_processes("RwLock to write, processes", || RwLock::new(0_u64))?,
            self.in_processes("Semaphore of one, processes", || Semaphore::new(1))?,
            self.in_processes("textbook mutex, processes", textbook::Mutex::new)?,
            self.in_threads("textbook mutex, threads", textbook::Mutex::new)?,
            self.in_threads(STD, || Ok(Arc::<InLine<std::sync::Mutex<u64>>>::default()))?,
            self.in_threads("std::sync::RwLock to write, threads", || {
                Ok(Arc::<InLine<std::sync::RwLock<u64>>>::default())
            })?,
        ])
    }

    fn in_processes<L: Lock + Clone + Serialize + DeserializeOwned>(
        self,
        name: &'static str,
        new: impl Fn() -> io::Result<L>,
    ) -> Failable<Contestant<'static>> {
        let locks = self.locks(new)?;
        let line = StartingLine::new(self.parties)?;
        let start = |gate| contend::spawn(locks.clone(), self.turns, line.clone(), gate);
        Ok(self.contestant(name, Team::of_processes(self.parties, start)?))
    }

    fn in_threads<L: Lock + Clone>(
        self,
        name: &'static str,
        new: impl Fn() -> io::Result<L>,
    ) -> Failable<Contestant<'static>> {
        let locks = self.locks(new)?;
        let line = StartingLine::new(self.parties)?;
        let work = move |gate| contend(locks, self.turns, line, gate);
        Ok(self.contestant(name, Team::of_threads(self.parties, work)?))
    }

    fn locks<L>(self, new: impl Fn() -> io::Result<L>) -> io::Result<Vec<L>> {
        (0..self.locks).map(|_| new()).collect()
    }

    fn contestant(self, name: &'static str, team: Team) -> Contestant<'static> {
        let items = self.turns * self.parties;
        Contestant::sampled(name, move || team.time(items, || Ok(())))
    }
}

/// Takes the only lock again and again, or goes round a ring of them.
#[worker]
fn contend<L: Lock>(locks: Vec<L>, turns: usize, line: StartingLine, gate: Barrier) {
    in_rounds(&gate, || {
        line.wait();
        if let [lock] = &*locks {
            (0..turns).for_each(|_| drop(lock.take()));
        } else {
            let mut ring = locks.iter().cycle();
            let mut last = None;
            (0..turns).for_each(|_| last = ring.next().map(L::take));
        }
    });
}

/// Where helpers wait awake for the last, who is late because it was woken last. Otherwise the
/// first have done much of their work alone by then.
#[derive(Clone, Serialize, Deserialize)]
struct StartingLine {
    parties: usize,
    arrivals: Shared<AtomicUsize>,
}

impl StartingLine {
    fn new(parties: usize) -> io::Result<StartingLine> {
        Ok(StartingLine {
            parties,
            arrivals: Shared::new(AtomicUsize::new(0))?,
        })
    }

    fn wait(&self) {
        let before = self.arrivals.fetch_add(1, Ordering::SeqCst);
        let last = before - before % self.parties + self.parties;
        while self.arrivals.load(Ordering::SeqCst) < last {
            // There may be fewer cores than helpers.
            std::thread::yield_now();
        }
    }
}

/// What one at a time can have.
trait Lock: Send + 'static {
    type Guard<'a>;

    /// Takes it, and does a little work.
    fn take(&self) -> Self::Guard<'_>;
}

impl Lock for Mutex<u64> {
    type Guard<'a> = MutexGuard<'a, u64>;

    fn take(&self) -> MutexGuard<'_, u64> {
        let mut guard = self.lock().unwrap_or_else(PoisonError::into_inner);
        *guard += 1;
        guard
    }
}

impl Lock for RwLock<u64> {
    type Guard<'a> = RwLockWriteGuard<'a, u64>;

    fn take(&self) -> RwLockWriteGuard<'_, u64> {
        let mut guard = self.write().unwrap_or_else(PoisonError::into_inner);
        *guard += 1;
        guard
    }
}

impl Lock for Semaphore {
    type Guard<'a> = Permit<'a>;

    fn take(&self) -> Permit<'_> {
        self.acquire()
    }
}

impl Lock for textbook::Mutex {
    type Guard<'a> = textbook::Guard<'a>;

    fn take(&self) -> textbook::Guard<'_> {
        let guard = self.lock();
        guard.increase();
        guard
    }
}

/// At the beginning of a cache line, where ours are too.
#[derive(Default)]
#[repr(align(64))]
struct InLine<T>(T);

impl Lock for Arc<InLine<std::sync::Mutex<u64>>> {
    type Guard<'a> = std::sync::MutexGuard<'a, u64>;

    fn take(&self) -> std::sync::MutexGuard<'_, u64> {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *guard += 1;
        guard
    }
}

impl Lock for Arc<InLine<std::sync::RwLock<u64>>> {
    type Guard<'a> = std::sync::RwLockWriteGuard<'a, u64>;

    fn take(&self) -> std::sync::RwLockWriteGuard<'_, u64> {
        let mut guard = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *guard += 1;
        guard
    }
}

/// Turns of those that sleep until it is theirs.
const TURNS: usize = 1000;

fn sleepers(bench: &mut Bench) -> Failable {
    let turn = textbook::Turn::new()?;
    let partner = turn.clone();
    let team = Team::of_a_process(|gate| take_turns::spawn(partner, gate))?;
    let textbook = Contestant::sampled("textbook futex, processes", move || {
        team.time(2 * TURNS, || {
            (0..TURNS).for_each(|_| turn.take(0));
            Ok(())
        })
    });
    let std = Arc::new((std::sync::Mutex::new(0), std::sync::Condvar::new()));
    let partner = Arc::clone(&std);
    let team = Team::of_threads(1, move |gate| {
        in_rounds(&gate, || take_std_turns(&partner, 1));
    })?;
    let std = Contestant::sampled(STD, move || {
        team.time(2 * TURNS, || {
            take_std_turns(&std, 0);
            Ok(())
        })
    });
    let ours = |name, in_processes| -> Failable<_> {
        let (mutex, condvar) = (Mutex::new(0)?, Condvar::new()?);
        let (others, signal) = (mutex.clone(), condvar.clone());
        let team = if in_processes {
            Team::of_a_process(|gate| answer::spawn(others, signal, gate))?
        } else {
            Team::of_threads(1, move |gate| answer(others, signal, gate))?
        };
        Ok(Contestant::sampled(name, move || {
            team.time(2 * TURNS, || {
                take_our_turns(&mutex, &condvar, 0);
                Ok(())
            })
        }))
    };
    let contestants = vec![
        ours(OURS, true)?,
        ours("Mutex, threads", false)?,
        textbook,
        std,
    ];
    let title = "handed over to a sleeper, with a Condvar";
    race(bench, title.to_owned(), contestants);
    Ok(())
}

#[worker]
fn take_turns(turn: textbook::Turn, gate: Barrier) {
    in_rounds(&gate, || (0..TURNS).for_each(|_| turn.take(1)));
}

#[worker]
fn answer(mutex: Mutex<u64>, condvar: Condvar, gate: Barrier) {
    in_rounds(&gate, || take_our_turns(&mutex, &condvar, 1));
}

fn take_our_turns(mutex: &Mutex<u64>, condvar: &Condvar, parity: u64) {
    for _ in 0..TURNS {
        let turn = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = condvar.wait_while(turn, |turn| *turn % 2 != parity);
        *turn.unwrap_or_else(PoisonError::into_inner) += 1;
        condvar.notify_one();
    }
}

fn take_std_turns((mutex, condvar): &(std::sync::Mutex<u64>, std::sync::Condvar), parity: u64) {
    for _ in 0..TURNS {
        let turn = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = condvar.wait_while(turn, |turn| *turn % 2 != parity);
        *turn.unwrap_or_else(PoisonError::into_inner) += 1;
        condvar.notify_one();
    }
}
