//! Locks and their relatives: alone, which is the common case, and contended.

use std::sync::{Arc, Condvar, PoisonError};

use multiproc::sync::{Barrier, Event, Mutex, ReentrantLock, RwLock, Semaphore};
use multiproc::worker;

use super::contention;
use super::team::{Team, in_rounds};
use crate::bench::{Bench, Race};
use crate::measure::{Contestant, Failable};
use crate::report::Aim;

const OURS: &str = "multiproc, Mutex";
const STD: &str = "std::sync::Mutex";
const IN_PROCESSES: &str = "multiproc, processes";
const IN_THREADS: &str = "multiproc, threads";
const STD_IN_THREADS: &str = "std::sync, threads";

pub(crate) fn run(bench: &mut Bench) -> Failable {
    alone(bench)?;
    contention::run(bench)?;
    events(bench)?;
    barriers(bench)
}

fn alone(bench: &mut Bench) -> Failable {
    let mutex = Mutex::new(0_u64)?;
    let reentrant = ReentrantLock::new(0_u64)?;
    let rwlock = RwLock::new(0_u64)?;
    let semaphore = Semaphore::new(4)?;
    let event = Event::new()?;
    let barrier = Barrier::new(1)?;
    let std_mutex = std::sync::Mutex::new(0_u64);
    let std_rwlock = std::sync::RwLock::new(0_u64);
    let std_barrier = std::sync::Barrier::new(1);
    let contestants = vec![
        each(OURS, move || {
            *mutex.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        }),
        each("multiproc, ReentrantLock", move || drop(reentrant.lock())),
        each("multiproc, RwLock, read", {
            let rwlock = rwlock.clone();
            move || drop(rwlock.read())
        }),
        each("multiproc, RwLock, write", move || drop(rwlock.write())),
        each("multiproc, Semaphore", move || drop(semaphore.acquire())),
        each("multiproc, Event, set and clear", move || {
            event.set();
            event.clear();
        }),
        each("multiproc, Barrier of one", move || _ = barrier.wait()),
        each(STD, move || {
            *std_mutex.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        }),
        each("std::sync::RwLock, read", move || drop(std_rwlock.read())),
        each("std::sync::Barrier of one", move || {
            std_barrier.wait();
        }),
        bench.python("CPython, Lock", "lock", 1000, 0),
        bench.python("CPython, Semaphore", "semaphore", 1000, 0),
        bench.python("CPython, Event, set and clear", "event", 200, 0),
    ];
    bench.race(Race {
        title: "uncontended, taken and given back".to_owned(),
        base_line: STD,
        contestants,
        aims: vec![Aim {
            of: OURS,
            against: STD,
            at_most: 2.0,
        }],
    });
    Ok(())
}

fn each<'a>(name: &'static str, mut work: impl FnMut() + 'a) -> Contestant<'a> {
    Contestant::looped(name, move |turns| {
        (0..turns).for_each(|_| work());
        Ok(())
    })
}

fn meetings(bench: &mut Bench, title: String, contestants: Vec<Contestant<'_>>) {
    bench.race(Race {
        title,
        base_line: STD_IN_THREADS,
        contestants,
        aims: vec![],
    });
}

/// Turns of those that wait for each other.
const MEETINGS: usize = 200;

fn events(bench: &mut Bench) -> Failable {
    let ours = |in_processes: bool| -> Failable<_> {
        let (ping, pong) = (Event::new()?, Event::new()?);
        let (here, there) = (ping.clone(), pong.clone());
        let team = if in_processes {
            Team::of_a_process(|gate| answer::spawn(here, there, gate))?
        } else {
            Team::of_threads(1, move |gate| answer(here, there, gate))?
        };
        Ok(move || {
            team.time(MEETINGS, || {
                for _ in 0..MEETINGS {
                    ping.set();
                    pong.wait();
                    pong.clear();
                }
                Ok(())
            })
        })
    };
    let flags = Arc::new([Flag::default(), Flag::default()]);
    let theirs = Arc::clone(&flags);
    let threads = Team::of_threads(1, move |gate| {
        in_rounds(&gate, || {
            for _ in 0..MEETINGS {
                theirs[0].take();
                theirs[1].set();
            }
        });
    })?;
    let contestants = vec![
        Contestant::sampled(IN_PROCESSES, ours(true)?),
        Contestant::sampled(IN_THREADS, ours(false)?),
        Contestant::sampled(STD_IN_THREADS, move || {
            threads.time(MEETINGS, || {
                for _ in 0..MEETINGS {
                    flags[0].set();
                    flags[1].take();
                }
                Ok(())
            })
        }),
    ];
    let title = "two events, there and back (std: a flag and a Condvar)";
    meetings(bench, title.to_owned(), contestants);
    Ok(())
}

#[worker]
fn answer(ping: Event, pong: Event, gate: Barrier) {
    in_rounds(&gate, || {
        for _ in 0..MEETINGS {
            ping.wait();
            ping.clear();
            pong.set();
        }
    });
}

/// An event as threads have it.
#[derive(Default)]
struct Flag {
    is_set: std::sync::Mutex<bool>,
    changed: Condvar,
}

impl Flag {
    fn set(&self) {
        *self.is_set.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_one();
    }

    fn take(&self) {
        let is_set = self.is_set.lock().unwrap_or_else(PoisonError::into_inner);
        let is_set = self.changed.wait_while(is_set, |is_set| !*is_set);
        *is_set.unwrap_or_else(PoisonError::into_inner) = false;
    }
}

fn barriers(bench: &mut Bench) -> Failable {
    let ours = |in_processes: bool| -> Failable<_> {
        let barrier = Barrier::new(2)?;
        let other = barrier.clone();
        let team = if in_processes {
            Team::of_a_process(|gate| meet::spawn(other, gate))?
        } else {
            Team::of_threads(1, move |gate| meet(other, gate))?
        };
        Ok(move || {
            team.time(MEETINGS, || {
                for _ in 0..MEETINGS {
                    barrier.wait()?;
                }
                Ok(())
            })
        })
    };
    let barrier = Arc::new(std::sync::Barrier::new(2));
    let other = Arc::clone(&barrier);
    let threads = Team::of_threads(1, move |gate| {
        in_rounds(&gate, || {
            for _ in 0..MEETINGS {
                other.wait();
            }
        });
    })?;
    let contestants = vec![
        Contestant::sampled(IN_PROCESSES, ours(true)?),
        Contestant::sampled(IN_THREADS, ours(false)?),
        Contestant::sampled(STD_IN_THREADS, move || {
            threads.time(MEETINGS, || {
                for _ in 0..MEETINGS {
                    barrier.wait();
                }
                Ok(())
            })
        }),
    ];
    meetings(bench, "a barrier of two".to_owned(), contestants);
    Ok(())
}

#[worker]
fn meet(barrier: Barrier, gate: Barrier) {
    in_rounds(&gate, || {
        for _ in 0..MEETINGS {
            if barrier.wait().is_err() {
                return;
            }
        }
    });
}
