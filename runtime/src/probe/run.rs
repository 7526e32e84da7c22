//! One run: its threads, of which one at a time goes on.

use std::any::Any;
use std::cell::RefCell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::bounds::Bounds;
use super::schedule::Schedule;
use super::state::{Actor, CHECKER, STEPS, State, Status, Turn};
use super::trace::{Act, Step, Trace};
use super::uses::Uses;
use super::world::{Dead, Part, World};
use super::{die, is_dead};
use crate::lock::{lock, wait};

/// One run.
pub(super) struct Run {
    pub(super) bounds: Bounds,
    pub(super) memory: Vec<Range<usize>>,
    pub(super) began: Instant,
    pub(super) state: Mutex<State>,
    /// For each actor, and the coordinator behind them.
    pub(super) calls: Vec<Condvar>,
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
            calls: (0..=actors).map(|_| Condvar::new()).collect(),
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    pub(super) fn play<W: World>(
        self: Arc<Self>,
        world: &W,
        parts: &[Part<'_, W>],
        check: &impl Fn(&W, Dead),
    ) -> State {
        self.lock().decide(&self.bounds, None);
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
            drop(state);
            // Not only for what they do: what a thread leaves at its end may use the world, too.
            for thread in threads.into_iter().flatten() {
                let _ = thread.join();
            }
        });
        let run = Arc::into_inner(self).expect("the actors are gone");
        run.state
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends whom the schedule ends, until all is over.
    pub(super) fn coordinate<W: World>(&self, world: &W, mut join: impl FnMut(usize)) {
        let coordinator = self.calls.last().expect("it is the last");
        let mut state = self.lock();
        loop {
            match state.turn {
                Turn::Over => return,
                Turn::Actor(actor) => {
                    drop(state);
                    self.calls[actor].notify_one();
                    state = self.lock();
                    while matches!(state.turn, Turn::Actor(_)) {
                        state = wait(coordinator, state);
                    }
                }
                Turn::Kill(victim, next) => {
                    state.actors[victim].is_doomed = true;
                    drop(state);
                    self.calls[victim].notify_one();
                    // What its thread leaves at its end is left before it is dead.
                    join(victim);
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

    /// The life of an actor.
    pub(super) fn act(self: Arc<Self>, me: usize, part: impl FnOnce()) {
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
            let turn = state.turn;
            drop(state);
            self.call(turn);
        }
    }

    pub(super) fn finish(&self, me: usize) {
        let mut state = self.lock();
        state.trace.end(me);
        state.actors[me].status = Status::Finished;
        state.decide(&self.bounds, None);
        // Its thread has to be there as long as it is not dead.
        drop(self.wait(state, me));
    }

    /// Wakes the thread whose turn it is. The caller has let go of the state: on the one processor
    /// that all share, the thread that is woken would only come to wait for that.
    pub(super) fn call(&self, turn: Turn) {
        match turn {
            Turn::Actor(actor) => self.calls[actor].notify_one(),
            Turn::Kill(..) | Turn::Over => {
                if let Some(coordinator) = self.calls.last() {
                    coordinator.notify_one();
                }
            }
        }
    }

    /// Waits until it is this actor's turn. It dies if it is not to go on.
    pub(super) fn wait<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        me: usize,
    ) -> MutexGuard<'a, State> {
        if !matches!(state.turn, Turn::Actor(actor) if actor == me) {
            let turn = state.turn;
            drop(state);
            self.call(turn);
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
            state = wait(&self.calls[me], state);
        }
    }

    /// The number of a word that the actors share.
    pub(super) fn word(&self, address: usize) -> Option<usize> {
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
    pub(super) fn step(&self, me: usize, step: Step) -> MutexGuard<'_, State> {
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
