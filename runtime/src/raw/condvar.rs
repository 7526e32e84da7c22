//! Threads that wait to be notified, each in a place of its own.
//!
//! A place is one word, on which its thread sleeps, with the mark of the thread's process and
//! its turn. So a notification goes to a certain thread, and if that thread's process dies before
//! it has left the place, the notification is there for the next.
//!
//! | word | |
//! |---|---|
//! | 0 | free |
//! | 1 | a thread waits, awake |
//! | 2 | a thread waits, and may sleep |
//! | 3 | a thread was notified and has not left yet |
//!
//! | step, inside the monitor where not said otherwise | what if the actor dies right after it |
//! |---|---|
//! | a waiter writes its mark and turn | the place is still free |
//! | a waiter sets the word to 1 | as when it sleeps |
//! | a waiter outside sets the word to 2, and sleeps | a notifier that finds no sleeper asks whether it lives, and so do those who wait themselves, every so often; who finds it dead frees the place |
//! | a notifier sets a word to 3 | the waiter finds it when it next looks; the rest of `notify_n` dies with the notifier |
//! | a waiter outside finds 3 and sets the word to 0 | it has been notified, and died of something else |
//! | a waiter whose time is up finds 1 or 2 and sets it to 0 | it was not notified |
//! | a process finds a dead waiter with 3, notifies the next | both are notified: one time too often, which waiters must expect |
//! | and sets the word to 0 | done |
//!
//! What happens outside is a change by the one thread that has the place, and of no other place;
//! it is made in one step, and so are changes inside that could meet it.
//!
//! When all places are taken, a waiter sleeps a little and returns without having been notified, which
//! waiters must expect of any condition variable. So it is when something wrote over the memory:
//! who waits finds its place another's or the seal broken, and returns, now and every [`RETRY_INTERVAL`]. What
//! stands in a place under a mark that no living process has is cleared as a dead one's.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::backoff::Backoff;
use super::holders::Holders;
use super::machine::Machine;
use super::monitor::{Inside, Monitor};
use super::seal::Seal;
use crate::spin::{Awaited, spin_until};
use crate::sys::atomic::{AtomicU32, AtomicU64, step};
use crate::sys::{deadline, futex};

const PLACES: usize = 128;
const FREE: u32 = 0;
const WAITING: u32 = 1;
const ASLEEP: u32 = 2;
const NOTIFIED: u32 = 3;

/// How long a thread sleeps that has found no place, before it may look for one again.
const RETRY_INTERVAL: Duration = Duration::from_millis(5);

#[derive(Debug)]
#[repr(C)]
pub(crate) struct Condvar {
    monitor: Monitor,
    seal: Seal,
    /// Places from here on have never been used.
    fresh: AtomicU32,
    turns: AtomicU64,
    places: [WaitPlace; PLACES],
}

#[derive(Debug)]
#[repr(C)]
struct WaitPlace {
    word: AtomicU32,
    /// The mark of the process that waits here.
    holder: AtomicU32,
    turn: AtomicU64,
}

#[expect(unsafe_code, reason = "machines are made in place")]
// SAFETY: atomic integers.
unsafe impl Machine for Condvar {
    fn init(&self) {
        self.monitor.init();
        self.seal.set();
    }

    fn wipe(&self, holders: &dyn Holders, holder: u32) {
        let _inside = self.enter(holders);
        for (_, place) in self.used() {
            let mark = place.holder.load(Ordering::Relaxed);
            let is_its = holders.number(mark) == holder;
            if is_its && place.word.load(Ordering::Relaxed) != FREE {
                self.vacate(place);
            }
        }
    }
}

/// A place that the calling thread has taken, and its turn; `None` if there was none.
#[derive(Debug)]
pub(crate) struct WaitToken(Option<(usize, u64)>);

impl Condvar {
    /// Takes a place. Notifications from now on count.
    pub(crate) fn queue(&self, holders: &dyn Holders) -> WaitToken {
        if !self.seal.is_whole() {
            return WaitToken(None);
        }
        let _inside = self.enter(holders);
        let free = |place: &WaitPlace| place.word.load(Ordering::Acquire) == FREE;
        let Some(index) = self.places.iter().position(free) else {
            return WaitToken(None);
        };
        let place = &self.places[index];
        let turn = self.turns.load(Ordering::Relaxed);
        self.turns.store(turn.wrapping_add(1), Ordering::Relaxed);
        step();
        let used = u32::try_from(index + 1).unwrap_or(u32::MAX);
        self.fresh.fetch_max(used, Ordering::Relaxed);
        place.holder.store(holders.mark(), Ordering::Relaxed);
        place.turn.store(turn, Ordering::Relaxed);
        step();
        place.word.store(WAITING, Ordering::Release);
        step();
        WaitToken(Some((index, turn)))
    }

    /// Sleeps until notified; false when time is up. The place is given back.
    pub(crate) fn sleep(
        &self,
        WaitToken(place): WaitToken,
        holders: &dyn Holders,
        deadline: Option<Instant>,
    ) -> bool {
        let Some((index, turn)) = place else {
            return match deadline::left(deadline, RETRY_INTERVAL) {
                Some(timeout) => {
                    std::thread::sleep(timeout);
                    true
                }
                None => false,
            };
        };
        let place = &self.places[index];
        let is_notified = || place.word.load(Ordering::Acquire) == NOTIFIED;
        let mut backoff = Backoff::new();
        while !spin_until(Awaited::Event, is_notified) {
            if !self.seal.is_whole() || !place.is_waiting() || !place.is_of(holders, turn) {
                // It may have been notified just now. Otherwise it is for the caller to see.
                break;
            }
            let Some(timeout) = backoff.timeout(deadline) else {
                let _inside = self.enter(holders);
                let notified = is_notified();
                place.leave();
                return notified;
            };
            let _ = change(&place.word, WAITING, ASLEEP);
            step();
            futex::wait(&place.word, ASLEEP, timeout);
            if !is_notified() {
                let _inside = self.enter(holders);
                self.reap(holders);
            }
        }
        if place.is_of(holders, turn) {
            place.leave();
        }
        true
    }

    fn enter(&self, holders: &dyn Holders) -> Inside<'_> {
        self.monitor.enter(holders, || {})
    }

    /// Notifies up to `count` of those who wait, in their turn.
    pub(crate) fn notify(&self, holders: &dyn Holders, count: usize) {
        if !self.seal.is_whole() {
            // They look by themselves.
            return;
        }
        // Those that sleep, to be woken outside.
        let mut asleep = [0_u64; PLACES.div_ceil(64)];
        let mut left = count;
        {
            let _inside = self.enter(holders);
            // No thread queues meanwhile, so there are no more than there are places.
            left = left.min(PLACES);
            while left > 0
                && let Some((index, was_asleep)) = self.notify_next()
            {
                left -= 1;
                asleep[index / 64] |= u64::from(was_asleep) << (index % 64);
            }
            step();
        }
        let asleep = |index: &usize| asleep[index / 64] & 1 << (index % 64) != 0;
        let mut all_woke = true;
        for index in (0..PLACES).filter(asleep) {
            step();
            all_woke &= futex::wake(&self.places[index].word, 1) != 0;
        }
        if !all_woke {
            // A waiter has just woken up by itself, or is dead.
            let _inside = self.enter(holders);
            self.reap(holders);
        }
    }

    /// Notifies the one whose turn it is; where that was, and whether it may sleep.
    fn notify_next(&self) -> Option<(usize, bool)> {
        // Those who wait change their words once each, unless something else does.
        for _ in 0..2 * PLACES {
            let (index, place) = self
                .used()
                .filter(|(_, place)| place.is_waiting())
                .min_by_key(|(_, place)| place.turn.load(Ordering::Relaxed))?;
            let word = place.word.load(Ordering::Relaxed);
            step();
            // It may just be about to sleep.
            if change(&place.word, word, NOTIFIED) {
                return Some((index, word == ASLEEP));
            }
        }
        None
    }

    fn used(&self) -> impl Iterator<Item = (usize, &WaitPlace)> {
        let used = self.fresh.load(Ordering::Relaxed) as usize;
        self.places.iter().take(used).enumerate()
    }

    /// Frees the places of the dead, and hands their notifications on.
    fn reap(&self, holders: &dyn Holders) {
        let mut known_alive = holders.mark();
        for (_, place) in self.used() {
            let holder = place.holder.load(Ordering::Relaxed);
            if place.word.load(Ordering::Relaxed) == FREE || holder == known_alive {
                continue;
            }
            if holders.is_mark_alive(holder) {
                known_alive = holder;
            } else {
                self.vacate(place);
            }
        }
    }

    fn vacate(&self, place: &WaitPlace) {
        if place.word.load(Ordering::Relaxed) == NOTIFIED
            && let Some((next, _)) = self.notify_next()
        {
            step();
            // A call inside the monitor, once in a death.
            futex::wake(&self.places[next].word, 1);
        }
        place.leave();
    }
}

impl WaitPlace {
    fn is_waiting(&self) -> bool {
        matches!(self.word.load(Ordering::Relaxed), WAITING | ASLEEP)
    }

    /// Whether it is the place of that thread of this process.
    fn is_of(&self, holders: &dyn Holders, turn: u64) -> bool {
        self.holder.load(Ordering::Relaxed) == holders.mark()
            && self.turn.load(Ordering::Relaxed) == turn
    }

    fn leave(&self) {
        self.word.store(FREE, Ordering::Release);
        step();
    }
}

fn change(word: &AtomicU32, from: u32, to: u32) -> bool {
    let changed = word.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed);
    step();
    changed.is_ok()
}
