//! One run: its actors, of whom one at a time goes on.

use std::any::Any;
use std::cell::RefCell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::bounds::Bounds;
use super::schedule::Schedule;
use super::state::{Actor, CHECKER, STEPS, State, Status, Turn};
use super::threads::Threads;
use super::trace::{Act, Step, Trace};
use super::uses::Uses;
use super::world::{Dead, World};
use super::{die, is_dead};
use crate::lock::lock;

/// One run.
pub(super) struct Run {
    pub(super) bounds: Bounds,
    pub(super) memory: Vec<Range<usize>>,
    pub(super) began: Instant,
    pub(super) state: Mutex<State>,
    /// For each actor, and the coordinator behind them.
    pub(super) threads: Arc<[Thread]>,
}

thread_local! {
    /// Whose part in which run this thread plays.
    pub(super) static ROLE: RefCell<Option<(Arc<Run>, usize)>> = const { RefCell::new(None) };
}

impl Run {
    pub(super) fn new<W: World>(
        bounds: Bounds,
        world: &W,
        schedule: Schedule,
        uses: Uses,
        threads: Arc<[Thread]>,
    ) -> Arc<Run> {
        let actors = threads.len() - 1;
        assert!(actors < CHECKER);
        let actor = || Actor {
            status: Status::Ready,
            is_doomed: false,
            looks: Vec::new(),
        };
        let state = State {
            turn: Turn::Over,
            actors: (0..actors).map(|_| actor()).collect(),
            preemptions: bounds.preemptions,
            deaths: bounds.deaths,
            timeouts: bounds.timeouts,
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
            bounds,
            memory: world.memory(),
            began: Instant::now(),
            state: Mutex::new(state),
            threads,
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn play<W: World>(
        self: Arc<Self>,
        world: &Arc<W>,
        threads: &Threads<W>,
        check: &impl Fn(&W, Dead),
    ) -> State {
        self.lock().decide(&self.bounds, None);
        threads.begin(&self, world);
        self.coordinate(&**world, threads);
        self.check(&**world, check);
        // Those who have not come to their end, after a failure.
        for actor in &mut self.lock().actors {
            actor.is_doomed = true;
        }
        threads.join_all();
        let run = Arc::into_inner(self).expect("the actors are gone");
        run.state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends whom the schedule ends, until all is over.
    pub(super) fn coordinate<W: World>(&self, world: &W, threads: &Threads<W>) {
        let mut state = self.lock();
        loop {
            match state.turn {
                Turn::Over => return,
                turn @ Turn::Actor(_) => {
                    drop(state);
                    self.thread(turn).unpark();
                    state = self.lock();
                    while matches!(state.turn, Turn::Actor(_)) {
                        drop(state);
                        thread::park();
                        state = self.lock();
                    }
                }
                Turn::Kill(victim, next) => {
                    state.actors[victim].is_doomed = true;
                    drop(state);
                    // It has left what it leaves before it is dead.
                    threads.join(victim);
                    world.reap(victim);
                    state = self.lock();
                    state.actors[victim].status = Status::Dead;
                    state.owners.retain(|(_, owner)| *owner != victim);
                    state.dead |= 1 << victim;
                    state.changes += 1;
                    let next = next.filter(|(actor, _)| *actor != victim);
                    state.decide(&self.bounds, next);
                }
            }
        }
    }

    pub(super) fn check<W: World>(self: &Arc<Self>, world: &W, check: &impl Fn(&W, Dead)) {
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

    /// The life of an actor. Gives out the thread to be called when it is over.
    pub(super) fn act(self: &Arc<Self>, me: usize, part: impl FnOnce()) -> Option<Thread> {
        ROLE.set(Some((Arc::clone(self), me)));
        let result = catch_unwind(AssertUnwindSafe(|| {
            drop(self.wait(self.lock(), me));
            part();
            let mut state = self.lock();
            state.trace.end(me);
            state.actors[me].status = Status::Finished;
            state.decide(&self.bounds, None);
        }));
        ROLE.set(None);
        if is_dead() {
            return None;
        }
        let mut state = self.lock();
        if let Err(payload) = result {
            state.fail(message(&*payload));
        }
        Some(self.thread(state.turn).clone())
    }

    /// The thread whose turn it is.
    fn thread(&self, turn: Turn) -> &Thread {
        match turn {
            Turn::Actor(actor) => &self.threads[actor],
            Turn::Kill(..) | Turn::Over => self.threads.last().expect("the coordinator is there"),
        }
    }

    /// Waits until it is this actor's turn. It dies if it is not to go on.
    ///
    /// The thread whose turn it is meanwhile is called without the lock: on the one processor that
    /// all share, it would only come to wait for that.
    pub(super) fn wait<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        me: usize,
    ) -> MutexGuard<'a, State> {
        if !matches!(state.turn, Turn::Actor(actor) if actor == me) {
            let turn = state.turn;
            drop(state);
            self.thread(turn).unpark();
            state = self.lock();
        }
        loop {
            if state.actors[me].is_doomed {
                drop(state);
                die();
            }
            if matches!(state.turn, Turn::Actor(actor) if actor == me) {
                return state;
            }
            drop(state);
            thread::park();
            state = self.lock();
        }
    }

    /// The number of a word that the actors share.
    pub(super) fn word(&self, address: usize) -> Option<usize> {
        let mut first = Uses::FIRST_WORD;
        for range in &self.memory {
            if range.start <= address && address < range.end {
                return Some(first + (address - range.start) / 4);
            }
            first += range.len().div_ceil(4);
        }
        None
    }

    /// An actor is about to do something; when this returns it does.
    pub(super) fn step(&self, me: usize, step: Step) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        let State { uses, owners, .. } = &mut *state;
        uses.note(me, &step, owners);
        if me == CHECKER {
            return state;
        }
        state.trace.step(me, step);
        if state.schedule.step() > STEPS {
            state.fail("this goes on for ever".to_owned());
            return self.wait(state, me);
        }
        if state.is_stop(me, &step, &self.bounds) {
            state.actors[me].status = Status::Ready;
            state.decide(&self.bounds, Some((me, step)));
            state = self.wait(state, me);
        }
        if step.act != Act::Read && step.act != Act::Ask {
            state.changes += 1;
        }
        state
    }
}

fn message(payload: &(dyn Any + Send)) -> String {
    match payload.downcast_ref::<String>() {
        Some(text) => text.clone(),
        None => payload
            .downcast_ref::<&str>()
            .map_or_else(|| "a panic".to_owned(), |text| (*text).to_owned()),
    }
}
