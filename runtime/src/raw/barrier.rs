//! A place where a number of threads wait for each other.
//!
//! The truth is `round` and `arrived`: who waits in which round, under its process's number. A
//! new round makes all older arrivals void with one store.
//!
//! | step, inside the monitor | what if the actor dies right after it |
//! |---|---|
//! | an arrival is noted | the others find it dead, and break the barrier |
//! | the outcome of the round is noted | the round goes on: the others find the actor dead, or the next to end the round notes the outcome anew |
//! | the next round begins | the others see it when they next look: this round has ended |
//! | `broken` is set | likewise |
//! | a wait that timed out breaks the barrier | likewise |
//!
//! Sleepers look every so often whether those they wait with are alive. A round that is complete
//! is not broken by a death afterwards.
//!
//! Without the number of parties there is no barrier: if something wrote over that, it is broken
//! for ever.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::backoff::Backoff;
use super::holders::{HOLDERS, Holders};
use super::machine::Machine;
use super::monitor::{Inside, Monitor};
use super::sleepers::Sleepers;
use crate::spin::{Awaited, spin_until};
use crate::sys::atomic::{AtomicU32, AtomicU64, step};

#[derive(Debug)]
#[repr(C)]
pub(crate) struct Barrier {
    monitor: Monitor,
    /// In the lower half, and inverted in the upper: no other number is one of parties.
    parties: AtomicU64,
    round: AtomicU32,
    /// Whether this round cannot be completed any more.
    broken: AtomicU32,
    /// Changes when a round ends or breaks, for sleepers.
    changes: AtomicU32,
    sleepers: Sleepers,
    /// One bit for each of the last rounds: whether it was completed.
    outcomes: AtomicU64,
    /// Round and number of arrivals, by holder.
    arrived: [AtomicU64; HOLDERS as usize],
}

/// How a wait ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passed {
    /// As the last to arrive.
    Leader,
    Follower,
    Broken,
}

/// How many rounds a sleeper may be late and still learn how its own ended.
const REMEMBERED: u32 = u64::BITS;

#[expect(unsafe_code, reason = "machines are made in place")]
// SAFETY: atomic integers.
unsafe impl Machine for Barrier {
    fn init(&self) {
        self.monitor.init();
    }

    fn wipe(&self, holders: &dyn Holders, holder: u32) {
        let inside = self.enter(holders);
        let round = self.round.load(Ordering::Relaxed);
        let arrived = &self.arrived[holder as usize];
        if in_round(arrived.load(Ordering::Relaxed), round) == 0 {
            return;
        }
        self.broken.store(1, Ordering::Relaxed);
        step();
        arrived.store(0, Ordering::Relaxed);
        drop(inside);
        self.tell();
    }
}

impl Barrier {
    /// Sets how many have to arrive, before the first does.
    pub(crate) fn set_parties(&self, parties: u32) {
        self.parties
            .store(pack(!parties, parties), Ordering::Relaxed);
    }

    /// How many have to arrive; `None` if memory does not know any more.
    pub(crate) fn parties(&self) -> Option<u32> {
        let word = self.parties.load(Ordering::Relaxed);
        let parties = u32::try_from(word & u64::from(u32::MAX)).unwrap_or(0);
        (word == pack(!parties, parties)).then_some(parties)
    }

    /// Whether this round cannot be completed any more.
    fn is_over(&self) -> bool {
        self.broken.load(Ordering::Relaxed) != 0 || self.parties().is_none()
    }

    fn enter(&self, holders: &dyn Holders) -> Inside<'_> {
        self.monitor.enter(holders, || {})
    }

    /// Waits for the others. A wait that is over before they have come breaks the barrier.
    pub(crate) fn wait_until(&self, holders: &dyn Holders, deadline: Option<Instant>) -> Passed {
        let round = {
            // The section is short: even a deadline that has passed is no reason not to arrive.
            let inside = self.enter(holders);
            if self.is_over() {
                return Passed::Broken;
            }
            let round = self.round.load(Ordering::Relaxed);
            let mine = &self.arrived[holders.me() as usize];
            let count = in_round(mine.load(Ordering::Relaxed), round);
            mine.store(pack(round, count.saturating_add(1)), Ordering::Relaxed);
            step();
            if self
                .parties()
                .is_some_and(|parties| self.arrivals(round) >= parties)
            {
                let complete = self.all_alive(round, holders);
                if complete {
                    self.next_round(round, true);
                } else {
                    self.broken.store(1, Ordering::Relaxed);
                }
                step();
                drop(inside);
                self.tell();
                return if complete {
                    Passed::Leader
                } else {
                    Passed::Broken
                };
            }
            round
        };
        step();
        self.sleep(round, holders, deadline)
    }

    fn sleep(&self, round: u32, holders: &dyn Holders, deadline: Option<Instant>) -> Passed {
        let mut look_for_dead = false;
        let mut backoff = Backoff::new();
        loop {
            let (seen, timeout) = {
                let inside = self.enter(holders);
                if let Some(passed) = self.ended(round) {
                    return passed;
                }
                let timeout = backoff.timeout(deadline);
                if timeout.is_none() || look_for_dead && !self.all_alive(round, holders) {
                    self.broken.store(1, Ordering::Relaxed);
                    step();
                    drop(inside);
                    self.tell();
                    return Passed::Broken;
                }
                (self.changes.load(Ordering::Relaxed), timeout)
            };
            step();
            let is_as_before = || self.changes.load(Ordering::SeqCst) == seen;
            if !spin_until(Awaited::Event, || !is_as_before()) {
                self.sleepers
                    .sleep(timeout.unwrap_or_default(), is_as_before);
            }
            look_for_dead = is_as_before();
        }
    }

    /// How a round ended for those who wait in it, if it has.
    fn ended(&self, round: u32) -> Option<Passed> {
        let now = self.round.load(Ordering::Relaxed);
        if now == round || self.parties().is_none() {
            return self.is_over().then_some(Passed::Broken);
        }
        let complete = now.wrapping_sub(round) < REMEMBERED
            && self.outcomes.load(Ordering::Relaxed) & bit(round) != 0;
        Some(if complete {
            Passed::Follower
        } else {
            Passed::Broken
        })
    }

    /// Sends those who wait away, and begins anew.
    pub(crate) fn reset(&self, holders: &dyn Holders) {
        let inside = self.enter(holders);
        self.next_round(self.round.load(Ordering::Relaxed), false);
        step();
        drop(inside);
        self.tell();
    }

    /// Breaks the barrier.
    pub(crate) fn abort(&self, holders: &dyn Holders) {
        let inside = self.enter(holders);
        self.broken.store(1, Ordering::Relaxed);
        step();
        drop(inside);
        self.tell();
    }

    pub(crate) fn is_broken(&self, holders: &dyn Holders) -> bool {
        let _inside = self.enter(holders);
        let round = self.round.load(Ordering::Relaxed);
        if !self.all_alive(round, holders) {
            self.broken.store(1, Ordering::Relaxed);
        }
        self.is_over()
    }

    fn next_round(&self, round: u32, complete: bool) {
        let outcomes = self.outcomes.load(Ordering::Relaxed) & !bit(round);
        let outcome = if complete { bit(round) } else { 0 };
        self.outcomes.store(outcomes | outcome, Ordering::Relaxed);
        step();
        self.round.store(round.wrapping_add(1), Ordering::Relaxed);
        step();
        self.broken.store(0, Ordering::Relaxed);
    }

    /// Wakes those who sleep, to see what has changed.
    fn tell(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        step();
        self.sleepers.wake();
    }

    fn arrivals(&self, round: u32) -> u32 {
        self.arrived
            .iter()
            .map(|arrived| in_round(arrived.load(Ordering::Relaxed), round))
            .fold(0, u32::saturating_add)
    }

    fn all_alive(&self, round: u32, holders: &dyn Holders) -> bool {
        (0..).zip(&self.arrived).all(|(holder, arrived)| {
            in_round(arrived.load(Ordering::Relaxed), round) == 0 || holders.is_alive(holder)
        })
    }
}

fn bit(round: u32) -> u64 {
    1 << (round % REMEMBERED)
}

fn pack(round: u32, count: u32) -> u64 {
    u64::from(round) << 32 | u64::from(count)
}

/// The number of arrivals if they were in this round.
fn in_round(arrived: u64, round: u32) -> u32 {
    if arrived >> 32 == u64::from(round) {
        u32::try_from(arrived & u64::from(u32::MAX)).unwrap_or(u32::MAX)
    } else {
        0
    }
}
