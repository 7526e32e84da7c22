//! All orders in which a few actors can take their steps, one after the other.
//!
//! The actors are threads that run the library's own code, the same ones in each run. Only one of them runs at a time. Before
//! each *step*, an access to the memory they share, a system call that tells them of each other,
//! the explorer may let another go on instead, or end one for good, as a kill does. It goes through
//! all the ways to decide that, depth first: a run is made again from the beginning up to the last
//! decision that can be taken otherwise.
//!
//! # What is left out
//!
//! * **Most preemptions.** As in CHESS (Musuvathi and Qadeer, 2007), the number of times that an
//!   actor has to stop although it could go on is bounded; so is the number of deaths, and of
//!   sleeps that end without a wake-up call. Switching from one that sleeps, ends or dies costs
//!   nothing. Nearly all known mistakes of this kind need two preemptions at most.
//! * **Stops that no actor notices.** A step on a word that no other actor uses, or that all only
//!   read, or that all use inside the same monitor, is no place to switch; nor is a look at a
//!   word at which the actor has looked a few times and which has not changed since (it spins).
//!   Which words these are is found while exploring, and when one turns out to be used otherwise,
//!   all begins anew. A death is possible before every step on a word that another uses, inside a
//!   monitor or not.
//! * **Weak memory.** The steps are in one order for all. That the orderings suffice is argued
//!   where they are, and tried by the stress tests.
//!
//! # Time
//!
//! Does not pass. A sleep on a word ends when an actor wakes it. If all living actors sleep or wait for
//! each other, then a wake-up call was lost: that is a failure, though in
//! reality the sleeper would look by itself after a while. Only when there was a death, which
//! no actor tells of, that is how it goes on: the sleep that is over first ends, and the clock is set
//! forward. All have to come to their end within a second of it.
//!
//! # A failure
//!
//! Is told with the steps of all, and a schedule. `SCHEDULE='17>1 23!0' cargo test NAME` takes that
//! schedule alone: at step 17 actor 1 goes on, before step 23 actor 0 dies.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

use super::bounds::Bounds;
use super::copies::forbid_copies;
use super::run::Run;
use super::schedule::Schedule;
use super::state::State;
use super::threads::Threads;
use super::uses::Uses;
use super::world::{Dead, Part, World};

/// Searches for a failure, within bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Explorer(Bounds);

/// What a search came to.
#[derive(Debug)]
pub(crate) struct Explored {
    pub(crate) schedules: usize,
    pub(crate) failure: Option<Failure>,
}

/// How it went wrong.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) what: String,
    pub(crate) schedule: Schedule,
    pub(crate) steps: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure {
            what,
            schedule,
            steps,
        } = self;
        writeln!(
            f,
            "{what}\n\n{steps}\nSCHEDULE='{schedule}' takes the same steps"
        )
    }
}

impl Explorer {
    /// Up to so many preemptions, no actor dies.
    pub(crate) fn preempting(times: u32) -> Explorer {
        Explorer(Bounds {
            preemptions: times,
            deaths: 0,
            timeouts: 0,
            mortal: u32::MAX,
            expects_timeouts: false,
        })
    }

    /// Up to so many of the actors die.
    pub(crate) fn deaths(self, deaths: u32) -> Explorer {
        Explorer(Bounds { deaths, ..self.0 })
    }

    /// Only these actors may die.
    pub(crate) fn mortal(self, actors: &[usize]) -> Explorer {
        let mortal = actors.iter().fold(0, |mortal, actor| mortal | 1 << actor);
        Explorer(Bounds { mortal, ..self.0 })
    }

    /// Up to so many sleeps end without a wake-up call.
    pub(crate) fn timeouts(self, timeouts: u32) -> Explorer {
        Explorer(Bounds { timeouts, ..self.0 })
    }

    /// Actors may have to wait until their time is up.
    pub(crate) fn expects_timeouts(self) -> Explorer {
        Explorer(Bounds {
            expects_timeouts: true,
            ..self.0
        })
    }

    /// Lets the actors do their parts in all orders, each time in a world of its own, and `check`
    /// what has become of it.
    ///
    /// Panics with the first failure.
    #[track_caller]
    pub(crate) fn explore<W: World>(
        self,
        world: impl Fn() -> W,
        parts: &[Part<'_, W>],
        check: impl Fn(&W, Dead),
    ) -> usize {
        let begin = Instant::now();
        let explored = self.search(world, parts, check);
        if let Some(failure) = explored.failure {
            panic!("{failure}");
        }
        tell(explored.schedules, begin.elapsed());
        explored.schedules
    }

    /// As [`explore`](Explorer::explore), for those who expect a failure.
    pub(crate) fn search<W: World>(
        self,
        world: impl Fn() -> W,
        parts: &[Part<'_, W>],
        check: impl Fn(&W, Dead),
    ) -> Explored {
        let _one_cpu = OneCpu::enter();
        thread::scope(|scope| {
            let threads = Threads::start(scope, parts);
            self.search_with(&threads, world, check)
        })
    }

    fn search_with<W: World>(
        self,
        threads: &Threads<W>,
        world: impl Fn() -> W,
        check: impl Fn(&W, Dead),
    ) -> Explored {
        let wanted = std::env::var("SCHEDULE").ok();
        let mut schedule = match &wanted {
            Some(text) => Schedule::parse(text).expect("SCHEDULE is not a schedule"),
            None => Schedule::first(),
        };
        let mut uses = Uses::default();
        let mut schedules = 0;
        loop {
            let copies = forbid_copies();
            let state = self.run(schedule, uses, world(), threads, &check);
            drop(copies);
            schedules += 1;
            (schedule, uses) = (state.schedule, state.uses);
            if let Some(what) = state.failure {
                let steps = state.trace.to_string();
                let failure = Some(Failure {
                    what,
                    schedule,
                    steps,
                });
                return Explored { schedules, failure };
            }
            if uses.have_grown() {
                schedule = Schedule::first();
            } else if wanted.is_some() || !schedule.advance() {
                let failure = None;
                return Explored { schedules, failure };
            }
        }
    }

    /// Takes one schedule, and says what went wrong.
    pub(super) fn take<W: World>(
        self,
        schedule: Schedule,
        world: impl Fn() -> W,
        parts: &[Part<'_, W>],
        check: impl Fn(&W, Dead),
    ) -> Option<String> {
        let _copies = forbid_copies();
        thread::scope(|scope| {
            let threads = Threads::start(scope, parts);
            let state = self.run(schedule, Uses::default(), world(), &threads, &check);
            state.failure
        })
    }

    fn run<W: World>(
        self,
        schedule: Schedule,
        uses: Uses,
        world: W,
        threads: &Threads<W>,
        check: &impl Fn(&W, Dead),
    ) -> State {
        // Where its memory is, it stays.
        let world = Arc::new(world);
        let run = Run::new(self.0, &*world, schedule, uses, threads.handles());
        run.play(&world, threads, check)
    }
}

/// Keeps this thread, and those it starts, on one processor: they take turns anyway, and turns on
/// the same one are much cheaper.
struct OneCpu(Option<CpuSet>);

impl OneCpu {
    fn enter() -> OneCpu {
        let all = sched_getaffinity(None).ok();
        let mut one = CpuSet::new();
        // The one this thread is on: the kernel has put it where the fewest others are, and so the
        // searches that run at the same time spread, in whichever process they are.
        one.set(sched_getcpu());
        OneCpu(all.filter(|_| sched_setaffinity(None, &one).is_ok()))
    }
}

impl Drop for OneCpu {
    fn drop(&mut self) {
        if let Some(all) = &self.0 {
            let _ = sched_setaffinity(None, all);
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "seen with --nocapture: how much was tried"
)]
fn tell(schedules: usize, elapsed: Duration) {
    let name = thread::current().name().unwrap_or("?").to_owned();
    eprintln!("{name}: {schedules} schedules in {elapsed:.1?}");
}
