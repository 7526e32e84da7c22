//! All orders in which a few actors can take their steps, one after the other.
//!
//! The actors are threads that run the library's own code. Only one of them runs at a time. Before
//! each *step*, an access to the memory they share, a system call that tells them of each other,
//! the explorer may let another go on instead, or end one for good, as a kill does. It goes through
//! all the ways to decide that, depth first: a run is made again from the beginning up to the last
//! decision that can be taken otherwise.
//!
//! # What is left out
//!
//! * **Most preemptions.** As in CHESS (Musuvathi and Qadeer, 2007), the number of times that an
//!   actor has to stop although it could go on is bounded; so is the number of deaths, and of
//!   sleeps that end before anybody has called. Switching from one that sleeps, ends or dies costs
//!   nothing. Nearly all known mistakes of this kind need two preemptions at most.
//! * **Stops that nobody notices.** A step on a word that no other actor uses, or that all only
//!   read, or that all use under the same robust mutex, is no place to switch; nor is a look at a
//!   word at which the actor has looked a few times and which nobody has changed since (it spins).
//!   Which words these are is found while exploring, and when one turns out to be used otherwise,
//!   all begins anew. A death is possible before every step on a word that another uses, under a
//!   mutex or not.
//! * **Weak memory.** The steps are in one order for all. That the orderings suffice is argued
//!   where they are, and tried by the stress tests.
//!
//! # Time
//!
//! Does not pass. A sleep on a word ends when somebody wakes it. If all who live sleep or wait for
//! each other, then somebody was not woken who should have been: that is a failure, though in
//! reality the sleeper would look by itself after a while. Only when there was a death, which
//! nobody tells of, that is how it goes on: the sleep that is over first ends, and the clock is set
//! forward. All have to come to their end within a second of it.
//!
//! # A failure
//!
//! Is told with the steps of all, and a schedule. `SCHEDULE='17>1 23!0' cargo test NAME` takes that
//! schedule alone: at step 17 actor 1 goes on, before step 23 actor 0 dies.

use std::cell::RefCell;
use std::fmt::{self, Write};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::schedule::{Choice, Schedule};
use super::uses::Uses;
use super::{die, is_dead};
use crate::sys::atomic::AtomicU32;

/// What is explored: the memory the actors share, and what there is to do when one dies.
pub(crate) trait World: Sync {
    /// Where the words are that the actors share.
    fn memory(&self) -> Vec<Range<usize>>;

    /// An actor has died. Its thread has ended.
    fn bury(&self, _actor: usize) {}
}

/// Where the bytes of a value are.
pub(crate) fn bytes_of<T: ?Sized>(value: &T) -> Range<usize> {
    let start = std::ptr::from_ref(value).cast::<u8>().addr();
    start..start + size_of_val(value)
}

/// What one actor does.
pub(crate) type Part<'a, W> = &'a (dyn Fn(&W, usize) + Sync);

/// The bounds of a search.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Explorer {
    preemptions: u32,
    deaths: u32,
    timeouts: u32,
    mortal: u32,
    expects_timeouts: bool,
}

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

/// Who has died in the run that is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dead(u32);

impl Dead {
    pub(crate) fn count(self) -> u32 {
        self.0.count_ones()
    }
}

impl Explorer {
    /// Up to so many preemptions, nobody dies.
    pub(crate) fn preempting(times: u32) -> Explorer {
        Explorer {
            preemptions: times,
            deaths: 0,
            timeouts: 0,
            mortal: u32::MAX,
            expects_timeouts: false,
        }
    }

    /// Up to so many of the actors die.
    pub(crate) fn deaths(self, deaths: u32) -> Explorer {
        Explorer { deaths, ..self }
    }

    /// Only these actors may die.
    pub(crate) fn mortal(self, actors: &[usize]) -> Explorer {
        let mortal = actors.iter().fold(0, |mortal, actor| mortal | 1 << actor);
        Explorer { mortal, ..self }
    }

    /// Up to so many sleeps end before anybody has called.
    pub(crate) fn timeouts(self, timeouts: u32) -> Explorer {
        Explorer { timeouts, ..self }
    }

    /// Actors may have to wait until their time is up.
    pub(crate) fn expects_timeouts(self) -> Explorer {
        Explorer {
            expects_timeouts: true,
            ..self
        }
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
        let wanted = std::env::var("SCHEDULE").ok();
        let mut schedule = match &wanted {
            Some(text) => Schedule::parse(text).expect("SCHEDULE is not a schedule"),
            None => Schedule::first(),
        };
        let mut uses = Uses::default();
        let mut schedules = 0;
        loop {
            let state = self.run(schedule, uses, &world(), parts, &check);
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
        let state = self.run(schedule, Uses::default(), &world(), parts, &check);
        state.failure
    }

    fn run<W: World>(
        self,
        schedule: Schedule,
        uses: Uses,
        world: &W,
        parts: &[Part<'_, W>],
        check: &impl Fn(&W, Dead),
    ) -> State {
        Run::new(self, world, schedule, uses, parts.len()).play(world, parts, check)
    }
}

/// Keeps this thread, and those it starts, on one processor: they take turns anyway, and turns on
/// the same one are much cheaper.
struct OneCpu(Option<CpuSet>);

impl OneCpu {
    fn enter() -> OneCpu {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let all = sched_getaffinity(None).ok();
        let mut one = CpuSet::new();
        if let Some(all) = &all {
            // Searches that run at the same time spread.
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            let cpus = (0..CpuSet::MAX_CPU).filter(|cpu| all.is_set(*cpu));
            let cpu = cpus.cycle().nth(next % all.count() as usize);
            one.set(cpu.unwrap_or(0));
        }
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

/// What an actor is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Read,
    Write,
    /// To sleep on a word.
    Sleep,
    /// To wake those who do.
    Wake,
    /// To take a robust mutex if it is free.
    Lock,
    /// To give it back.
    Unlock,
    /// To ask the kernel whether somebody lives.
    Ask,
    /// Nothing; the test wants a stop here.
    Pause,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) act: Act,
    pub(super) word: usize,
    pub(super) at: &'static Location<'static>,
}

/// One run.
struct Run {
    explorer: Explorer,
    memory: Vec<Range<usize>>,
    began: Instant,
    state: Mutex<State>,
    /// For each actor, and the coordinator behind them.
    calls: Vec<Condvar>,
}

#[derive(Debug)]
struct State {
    turn: Turn,
    actors: Vec<Actor>,
    preemptions: u32,
    deaths: u32,
    timeouts: u32,
    dead: u32,
    /// How often something was changed.
    changes: u64,
    /// Who has which robust mutex.
    owners: Vec<(usize, usize)>,
    clock: Duration,
    schedule: Schedule,
    uses: Uses,
    trace: Trace,
    failure: Option<String>,
}

#[derive(Debug, Clone, Copy)]
enum Turn {
    Actor(usize),
    /// To end an actor; the other goes on at its step.
    Kill(usize, Option<(usize, Step)>),
    Over,
}

#[derive(Debug)]
struct Actor {
    status: Status,
    is_doomed: bool,
    /// By word: the number of changes when it was looked at, and how often since.
    looks: Vec<(usize, u64, u32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Ready,
    /// Sleeps on a word, in a turn, until a time.
    Asleep {
        word: usize,
        turn: usize,
        until: Duration,
    },
    /// Waits for a robust mutex.
    Queued {
        word: usize,
        until: Option<Duration>,
    },
    Finished,
    Dead,
}

/// After so many looks at a word that nobody changes, an actor spins.
const LOOKS: u32 = 3;

/// Whoever takes more steps will never come to an end.
const STEPS: usize = 200_000;

/// How long a death may hold the others up.
const LONGEST: Duration = Duration::from_secs(1);

/// Who looks at the world when all is over.
const CHECKER: usize = 31;

thread_local! {
    static ROLE: RefCell<Option<(Arc<Run>, usize)>> = const { RefCell::new(None) };
}

impl Run {
    fn new<W: World>(
        explorer: Explorer,
        world: &W,
        schedule: Schedule,
        uses: Uses,
        actors: usize,
    ) -> Arc<Run> {
        assert!(actors < CHECKER);
        let actor = || Actor {
            status: Status::Ready,
            is_doomed: false,
            looks: Vec::new(),
        };
        let state = State {
            turn: Turn::Over,
            actors: (0..actors).map(|_| actor()).collect(),
            preemptions: explorer.preemptions,
            deaths: explorer.deaths,
            timeouts: explorer.timeouts,
            dead: 0,
            changes: 0,
            owners: Vec::new(),
            clock: Duration::ZERO,
            schedule,
            uses,
            trace: Trace::default(),
            failure: None,
        };
        Arc::new(Run {
            explorer,
            memory: world.memory(),
            began: Instant::now(),
            state: Mutex::new(state),
            calls: (0..=actors).map(|_| Condvar::new()).collect(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn play<W: World>(
        self: Arc<Self>,
        world: &W,
        parts: &[Part<'_, W>],
        check: &impl Fn(&W, Dead),
    ) -> State {
        self.lock().decide(&self.explorer, None);
        thread::scope(|scope| {
            let mut threads: Vec<_> = (0..parts.len())
                .map(|me| {
                    let run = Arc::clone(&self);
                    Some(scope.spawn(move || run.act(me, || parts[me](world, me))))
                })
                .collect();
            self.coordinate(world, |actor| {
                if let Some(thread) = threads[actor].take() {
                    let _ = thread.join();
                }
            });
            self.check(world, check);
            // Those who are at their end have waited for this.
            let mut state = self.lock();
            for actor in &mut state.actors {
                actor.is_doomed = true;
            }
            self.calls.iter().for_each(Condvar::notify_all);
        });
        let run = Arc::into_inner(self).expect("the actors are gone");
        run.state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends whom the schedule ends, until all is over.
    fn coordinate<W: World>(&self, world: &W, mut join: impl FnMut(usize)) {
        let coordinator = self.calls.last().expect("it is the last");
        let mut state = self.lock();
        loop {
            match state.turn {
                Turn::Over => return,
                Turn::Actor(actor) => {
                    self.calls[actor].notify_one();
                    while matches!(state.turn, Turn::Actor(_)) {
                        state = coordinator
                            .wait(state)
                            .unwrap_or_else(PoisonError::into_inner);
                    }
                }
                Turn::Kill(victim, next) => {
                    state.actors[victim].is_doomed = true;
                    self.calls[victim].notify_one();
                    drop(state);
                    // Not only the thread's own work is done then: the kernel has marked the
                    // robust mutexes it had.
                    join(victim);
                    world.bury(victim);
                    state = self.lock();
                    state.actors[victim].status = Status::Dead;
                    state.owners.retain(|(_, owner)| *owner != victim);
                    state.dead |= 1 << victim;
                    state.changes += 1;
                    let next = next.filter(|(actor, _)| *actor != victim);
                    state.decide(&self.explorer, next);
                }
            }
        }
    }

    fn check<W: World>(self: &Arc<Self>, world: &W, check: &impl Fn(&W, Dead)) {
        let (dead, failed) = {
            let state = self.lock();
            (Dead(state.dead), state.failure.is_some())
        };
        if failed {
            return;
        }
        ROLE.set(Some((Arc::clone(self), CHECKER)));
        let result = catch_unwind(AssertUnwindSafe(|| check(world, dead)));
        ROLE.set(None);
        if let Err(payload) = result {
            self.lock().failure = Some(message(&*payload));
        }
    }

    /// The life of an actor.
    fn act(self: Arc<Self>, me: usize, part: impl FnOnce()) {
        ROLE.set(Some((Arc::clone(&self), me)));
        let result = catch_unwind(AssertUnwindSafe(|| {
            drop(self.wait(self.lock(), me));
            part();
            self.finish(me);
        }));
        ROLE.set(None);
        if let Err(payload) = result
            && !is_dead()
        {
            let mut state = self.lock();
            state.fail(message(&*payload));
            self.call(&state);
        }
    }

    fn finish(&self, me: usize) {
        let mut state = self.lock();
        state.trace.end(me);
        state.actors[me].status = Status::Finished;
        state.decide(&self.explorer, None);
        // Its thread has to be there as long as it is not dead.
        drop(self.wait(state, me));
    }

    /// Tells whose turn it is.
    fn call(&self, state: &State) {
        match state.turn {
            Turn::Actor(actor) => self.calls[actor].notify_one(),
            Turn::Kill(..) | Turn::Over => {
                if let Some(coordinator) = self.calls.last() {
                    coordinator.notify_one();
                }
            }
        }
    }

    /// Waits until it is this actor's turn. It dies if it is not to go on.
    fn wait<'a>(&'a self, mut state: MutexGuard<'a, State>, me: usize) -> MutexGuard<'a, State> {
        if !matches!(state.turn, Turn::Actor(actor) if actor == me) {
            self.call(&state);
        }
        loop {
            if state.actors[me].is_doomed {
                drop(state);
                die();
            }
            if matches!(state.turn, Turn::Actor(actor) if actor == me) {
                return state;
            }
            state = self.calls[me]
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The number of a word that the actors share.
    fn word(&self, address: usize) -> Option<usize> {
        let mut first = Uses::FIRST_WORD;
        for range in &self.memory {
            if range.contains(&address) {
                return Some(first + (address - range.start) / 4);
            }
            first += range.len().div_ceil(4);
        }
        None
    }

    /// An actor is about to do something; when this returns it does.
    fn step(&self, me: usize, step: Step) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        let guards: Vec<usize> = state
            .owners
            .iter()
            .filter(|(_, owner)| *owner == me)
            .map(|(mutex, _)| *mutex)
            .collect();
        state.uses.note(me, &step, &guards);
        if me == CHECKER {
            return state;
        }
        state.trace.step(me, step);
        if state.schedule.step() > STEPS {
            state.fail("this goes on for ever".to_owned());
            return self.wait(state, me);
        }
        if state.is_stop(me, &step, &self.explorer) {
            state.actors[me].status = Status::Ready;
            state.decide(&self.explorer, Some((me, step)));
            state = self.wait(state, me);
        }
        if step.act != Act::Read && step.act != Act::Ask {
            state.changes += 1;
        }
        state
    }
}

impl State {
    fn fail(&mut self, what: String) {
        self.failure.get_or_insert(what);
        for actor in &mut self.actors {
            actor.is_doomed = true;
        }
        self.turn = Turn::Over;
    }

    /// Whether something else can happen before this step that makes a difference.
    fn is_stop(&mut self, me: usize, step: &Step, explorer: &Explorer) -> bool {
        if self.schedule.is_fixed() {
            return self.schedule.has_choice();
        }
        let dies = self.deaths > 0 && explorer.mortal & 1 << me != 0;
        let is_stop = self.is_open(me, step) || dies && self.uses.are_shared(step.word);
        is_stop || self.deaths > 0 && step.act == Act::Ask
    }

    /// Whether others make a difference to this step.
    fn is_open(&mut self, me: usize, step: &Step) -> bool {
        match step.act {
            Act::Pause => true,
            Act::Ask => false,
            Act::Read => self.uses.are_open(step.word) && !self.spins(me, step.word),
            _ => self.uses.are_open(step.word),
        }
    }

    /// Whether the actor has looked often at what nobody has changed since.
    fn spins(&mut self, me: usize, word: usize) -> bool {
        let changes = self.changes;
        let looks = &mut self.actors[me].looks;
        match looks.iter_mut().find(|(looked_at, ..)| *looked_at == word) {
            Some((_, then, times)) if *then == changes => {
                *times += 1;
                *times > LOOKS
            }
            Some((_, then, times)) => {
                (*then, *times) = (changes, 1);
                false
            }
            None => {
                looks.push((word, changes, 1));
                false
            }
        }
    }

    /// Decides who goes on: the actor at its step, if there is one, or somebody else.
    fn decide(&mut self, explorer: &Explorer, current: Option<(usize, Step)>) {
        if current.is_none() {
            self.schedule.step();
        }
        if self.failure.is_some() {
            self.turn = Turn::Over;
            return;
        }
        let options = match &current {
            Some((me, step)) => self.options_at(*me, step, explorer),
            None => match self.options_between(explorer) {
                Ok(options) => options,
                Err(what) => return self.fail(what),
            },
        };
        let choice = self.schedule.choose(&options);
        self.trace.choice(choice);
        let is_preempted = current.is_some();
        match choice {
            Choice::Go(actor) => {
                if is_preempted && current.is_some_and(|(me, _)| me != actor) {
                    self.preemptions = self.preemptions.saturating_sub(1);
                }
                self.turn = Turn::Actor(actor);
            }
            Choice::Expire(actor) => {
                if is_preempted {
                    self.preemptions = self.preemptions.saturating_sub(1);
                }
                self.timeouts = self.timeouts.saturating_sub(1);
                self.expire(actor);
            }
            Choice::Wait(actor) => {
                self.expire(actor);
                if self.clock > LONGEST && !explorer.expects_timeouts {
                    self.fail(format!("after {:?} somebody still waits", self.clock));
                }
            }
            Choice::Kill(actor) => {
                self.deaths = self.deaths.saturating_sub(1);
                self.turn = Turn::Kill(actor, current);
            }
            Choice::End => self.turn = Turn::Over,
        }
    }

    fn expire(&mut self, actor: usize) {
        if let Some(until) = self.until(actor) {
            self.clock = self.clock.max(until);
        }
        self.actors[actor].status = Status::Ready;
        self.turn = Turn::Actor(actor);
    }

    /// When an actor's wait is over at the latest.
    fn until(&self, actor: usize) -> Option<Duration> {
        match self.actors[actor].status {
            Status::Asleep { until, .. } => Some(until),
            Status::Queued { until, .. } => until,
            _ => None,
        }
    }

    fn can_go(&self, actor: usize) -> bool {
        match self.actors[actor].status {
            Status::Ready => true,
            Status::Queued { word, .. } => self.owners.iter().all(|(mutex, _)| *mutex != word),
            _ => false,
        }
    }

    fn can_die(&self, actor: usize, explorer: &Explorer) -> bool {
        self.deaths > 0
            && explorer.mortal & 1 << actor != 0
            && self.actors[actor].status != Status::Dead
    }

    /// What can happen at a step: first of all that it is taken.
    fn options_at(&mut self, me: usize, step: &Step, explorer: &Explorer) -> Vec<Choice> {
        let mut options = vec![Choice::Go(me)];
        let others = || (0..self.actors.len()).filter(|other| *other != me);
        if self.preemptions > 0 && (step.act == Act::Pause || self.uses.are_open(step.word)) {
            options.extend(others().filter(|it| self.can_go(*it)).map(Choice::Go));
            options.extend(
                others()
                    .filter(|it| self.can_expire(*it))
                    .map(Choice::Expire),
            );
        }
        if self.can_die(me, explorer) {
            options.push(Choice::Kill(me));
        }
        // Whose death makes a difference to this step?
        let matters = |other: usize| match step.act {
            Act::Ask => true,
            Act::Lock => self.owners.contains(&(step.word, other)),
            Act::Wake => {
                matches!(self.actors[other].status, Status::Asleep { word, .. } if word == step.word)
            }
            _ => false,
        };
        let victims = others().filter(|it| matters(*it) && self.can_die(*it, explorer));
        options.extend(victims.map(Choice::Kill));
        options
    }

    /// What can happen when nobody is at a step.
    fn options_between(&self, explorer: &Explorer) -> Result<Vec<Choice>, String> {
        let all = || 0..self.actors.len();
        let mut options: Vec<_> = all()
            .filter(|it| self.can_go(*it))
            .map(Choice::Go)
            .collect();
        let is_over =
            |actor: &usize| matches!(self.actors[*actor].status, Status::Finished | Status::Dead);
        if options.is_empty() {
            if all().all(|actor| is_over(&actor)) {
                options.push(Choice::End);
            } else if self.dead == 0 && !explorer.expects_timeouts {
                return Err(self.deadlock());
            } else {
                let first = all()
                    .filter_map(|actor| Some((self.until(actor)?, actor)))
                    .min();
                let Some((_, actor)) = first else {
                    return Err(self.deadlock());
                };
                options.push(Choice::Wait(actor));
            }
        } else {
            options.extend(all().filter(|it| self.can_expire(*it)).map(Choice::Expire));
        }
        // One that is ready was asked about this at its step.
        let may_die = all().filter(|it| self.actors[*it].status != Status::Ready);
        options.extend(
            may_die
                .filter(|it| self.can_die(*it, explorer))
                .map(Choice::Kill),
        );
        Ok(options)
    }

    fn can_expire(&self, actor: usize) -> bool {
        self.timeouts > 0 && self.until(actor).is_some()
    }

    fn deadlock(&self) -> String {
        let mut text = "somebody waits for ever:".to_owned();
        for (actor, Actor { status, .. }) in self.actors.iter().enumerate() {
            let _ = write!(text, " actor {actor} is {status:?};");
        }
        text
    }
}

/// What was done, for whoever has to understand a failure.
#[derive(Debug, Default)]
struct Trace(Vec<Event>);

#[derive(Debug)]
enum Event {
    Step(usize, Step),
    End(usize),
    Choice(Choice),
}

impl Trace {
    fn step(&mut self, actor: usize, step: Step) {
        self.0.push(Event::Step(actor, step));
    }

    fn end(&mut self, actor: usize) {
        self.0.push(Event::End(actor));
    }

    fn choice(&mut self, choice: Choice) {
        if !matches!(choice, Choice::Go(_)) {
            self.0.push(Event::Choice(choice));
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for event in &self.0 {
            match event {
                Event::Step(actor, Step { act, word, at }) => {
                    writeln!(f, "  {actor}: {act:?} word {word} at {at}")?;
                }
                Event::End(actor) => writeln!(f, "  {actor} is at its end")?,
                Event::Choice(choice) => writeln!(f, "  {choice:?}")?,
            }
        }
        Ok(())
    }
}

fn message(payload: &(dyn std::any::Any + Send)) -> String {
    match payload.downcast_ref::<String>() {
        Some(text) => text.clone(),
        None => payload
            .downcast_ref::<&str>()
            .map_or_else(|| "a panic".to_owned(), |text| (*text).to_owned()),
    }
}

/// Calls `with` if this thread is somebody in a run and is not dead.
fn as_actor<R>(with: impl FnOnce(&Run, usize) -> Option<R>) -> Option<R> {
    if is_dead() || thread::panicking() {
        return None;
    }
    // Not borrowed meanwhile: a death unwinds from there.
    let (run, me) = ROLE.with_borrow(Clone::clone)?;
    with(&run, me)
}

#[track_caller]
fn step_of(act: Act, word: usize) -> Step {
    Step {
        act,
        word,
        at: Location::caller(),
    }
}

/// The word at an address is about to be used.
#[track_caller]
pub(super) fn step(address: usize, act: Act) {
    let at = step_of(act, 0);
    as_actor(|run, me| {
        let word = run.word(address)?;
        drop(run.step(me, Step { word, ..at }));
        Some(())
    });
}

/// A stop that the test wants, where the library's user would be at work.
#[track_caller]
pub(crate) fn pause() {
    let step = step_of(Act::Pause, Uses::PAUSE);
    as_actor(|run, me| {
        drop(run.step(me, step));
        Some(())
    });
}

/// The kernel is about to be asked whether a holder lives, or told that one does.
#[track_caller]
pub(crate) fn ask(byte: u32) {
    let step = step_of(Act::Ask, Uses::of_byte(byte));
    as_actor(|run, me| {
        drop(run.step(me, step));
        Some(())
    });
}

/// The time, as far as it passes.
pub(crate) fn now() -> Instant {
    let explored = as_actor(|run, me| {
        let clock = run.lock().clock;
        (me != CHECKER).then(|| run.began + clock)
    });
    explored.unwrap_or_else(Instant::now)
}

/// Sleeps as the kernel would; false if that is for the kernel to do.
#[track_caller]
pub(crate) fn sleep(word: &AtomicU32, expected: u32, timeout: Duration) -> bool {
    let at = step_of(Act::Sleep, 0);
    let slept = as_actor(|run, me| {
        if me == CHECKER {
            return None;
        }
        let place = run
            .word(std::ptr::from_ref(word).addr())
            .expect("a word to sleep on is shared");
        let mut state = run.step(me, Step { word: place, ..at });
        if word.plain().load(Ordering::SeqCst) == expected {
            state.actors[me].status = Status::Asleep {
                word: place,
                turn: state.schedule.steps(),
                until: state.clock.saturating_add(timeout),
            };
            state.decide(&run.explorer, None);
            drop(run.wait(state, me));
        }
        Some(())
    });
    slept.is_some()
}

/// Wakes as the kernel would, and says how many; `None` if that is for the kernel to do.
#[track_caller]
pub(crate) fn wake(word: &AtomicU32, count: u32) -> Option<usize> {
    if is_dead() {
        return Some(0);
    }
    let at = step_of(Act::Wake, 0);
    as_actor(|run, me| {
        let word = run.word(std::ptr::from_ref(word).addr())?;
        let mut state = run.step(me, Step { word, ..at });
        let mut asleep: Vec<(usize, usize)> = Vec::new();
        for (actor, Actor { status, .. }) in state.actors.iter().enumerate() {
            match status {
                Status::Asleep { word: on, turn, .. } if *on == word => asleep.push((*turn, actor)),
                _ => {}
            }
        }
        asleep.sort_unstable();
        asleep.truncate(count as usize);
        for (_, actor) in &asleep {
            state.actors[*actor].status = Status::Ready;
        }
        Some(asleep.len())
    })
}

/// A robust mutex is about to be tried.
#[track_caller]
pub(crate) fn before_lock(mutex: usize) {
    step(mutex, Act::Lock);
}

/// A robust mutex was taken.
pub(crate) fn after_lock(mutex: usize) {
    as_actor(|run, me| {
        let word = run.word(mutex)?;
        let mut state = run.lock();
        state.owners.push((word, me));
        Some(())
    });
}

/// A robust mutex is about to be given back; false if the dead are not to do that.
#[track_caller]
pub(crate) fn before_unlock(mutex: usize) -> bool {
    if is_dead() {
        return false;
    }
    step(mutex, Act::Unlock);
    as_actor(|run, me| {
        let word = run.word(mutex)?;
        let mut state = run.lock();
        // It may have been taken several times.
        let place = state
            .owners
            .iter()
            .rposition(|owned| *owned == (word, me))?;
        state.owners.remove(place);
        Some(())
    });
    true
}

/// Waits until a robust mutex may be free; false if time was up before. `None` if that is for
/// the kernel to do.
pub(crate) fn queue(mutex: usize, deadline: Option<Instant>) -> Option<bool> {
    as_actor(|run, me| {
        let word = run.word(mutex).filter(|_| me != CHECKER)?;
        let mut state = run.lock();
        let until = deadline.map(|deadline| deadline.saturating_duration_since(run.began));
        if until.is_some_and(|until| until <= state.clock) {
            return Some(false);
        }
        let status = Status::Queued { word, until };
        state.actors[me].status = status;
        state.decide(&run.explorer, None);
        state = run.wait(state, me);
        let expired = state.actors[me].status != status;
        state.actors[me].status = Status::Ready;
        Some(!expired)
    })
}
