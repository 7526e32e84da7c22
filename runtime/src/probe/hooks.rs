//! What the library calls before its steps. On threads that play no part nothing happens.

use std::panic::Location;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::is_dead;
use super::run::{ROLE, Run};
use super::state::{Actor, CHECKER, Status};
use super::trace::{Act, Step};
use super::uses::Uses;

/// Calls `with` if this thread is an actor in a run and is not dead.
fn as_actor<R>(with: impl FnOnce(&Run, usize) -> Option<R>) -> Option<R> {
    if is_dead() || thread::panicking() {
        return None;
    }
    ROLE.with_borrow(|role| {
        let (run, me) = role.as_ref()?;
        with(run, *me)
    })
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
    let step = step_of(Act::Ask, Uses::of_byte(byte % 256));
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
        if word.load(Ordering::SeqCst) == expected {
            state.actors[me].status = Status::Asleep {
                word: place,
                turn: state.schedule.steps(),
                until: state.clock.saturating_add(timeout),
            };
            state.decide(&run.bounds, None);
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

/// This actor has entered a monitor: what it does from now on, no other actor does meanwhile.
pub(crate) fn entered(monitor: usize) {
    as_actor(|run, me| {
        let word = run.word(monitor)?;
        let mut state = run.lock();
        state.owners.push((word, me));
        Some(())
    });
}

/// This actor is about to leave a monitor; false if it is dead, and leaves nothing.
pub(crate) fn leaves(monitor: usize) -> bool {
    if is_dead() {
        return false;
    }
    as_actor(|run, me| {
        let word = run.word(monitor)?;
        let mut state = run.lock();
        let place = state
            .owners
            .iter()
            .rposition(|owned| *owned == (word, me))?;
        state.owners.remove(place);
        Some(())
    });
    true
}
