//! Permits, each noted under the process that took it.
//!
//! The first permits are *slots*: words that say who has them, each a small mutex. They are taken
//! and given back in one atomic step, and tell by themselves that the holder of one is dead.
//!
//! | slot | |
//! |---|---|
//! | 0 | no permit (any more) |
//! | the highest bit | a free permit |
//! | a [mark](Holders::mark) | a thread of that process has it |
//!
//! | step | what if the actor dies right after it |
//! |---|---|
//! | `acquire`: a slot is set to our mark | a waiter asks whether we live, and takes the slot over |
//! | `acquire`: a slot is taken over from the dead | likewise |
//! | `acquire`: it is noted that a thread may sleep | a needless call |
//! | `release`: a slot is free | sleepers find it when they next look |
//! | `forget`: a slot is 0 | done |
//! | `add`, in the monitor: slots from `slots_made` on are free | no thread looks there yet |
//! | `add`, in the monitor: `slots_made` is raised | they were added |
//!
//! What does not fit into the slots is counted, inside a monitor. The truth is `total` and `taken`,
//! by holder; `available` is their difference, computed anew by the next that enters after a death
//! inside.
//!
//! | step, all inside the monitor | what if the actor dies right after it |
//! |---|---|
//! | `acquire`: `taken[me]` is raised | `available` is recomputed, and `taken[me]` taken back |
//! | `acquire`: `available` is lowered | `taken[me]` is taken back from the dead |
//! | `release`: `taken[me]` is lowered | `available` is recomputed |
//! | `release`: `available` is raised | sleepers find it when they next look |
//! | `forget`: `total` is lowered | the permit that goes back with the dead fills the gap |
//! | `forget`: `taken[me]` is lowered | done |
//! | `add`: `total` is raised | `available` is recomputed: they were added |
//! | `reclaim`: `taken[dead]` is zeroed | `available` is recomputed |
//! | the monitor is left, sleepers not yet woken | they find what there is when they next look |
//!
//! A process's permits are all the same: it gives back a slot of its own, if it has one, whichever
//! permit it was.
//!
//! A thread that wants to sleep says so and then looks for a permit; one that gives a permit back looks
//! afterwards whether a thread said so. These are sequentially consistent, so not both miss the
//! other.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::backoff::Backoff;
use super::holders::{HOLDERS, Holders};
use super::machine::Machine;
use super::monitor::{Inside, Monitor};
use super::seal::Seal;
use crate::spin::{Awaited, spin_until};
use crate::sys::atomic::{AtomicU32, step};
use crate::sys::futex;

/// How many permits there can be, taken ones included.
pub(crate) const MOST: u32 = u32::MAX / 2;

const SLOTS: u32 = 64;

/// How often a permit is looked for that other threads move about.
const ATTEMPTS: u32 = 1000;

const ABSENT: u32 = 0;
const FREE: u32 = 1 << 31;

#[derive(Debug)]
#[repr(C)]
pub(crate) struct Semaphore {
    /// They fill their cache lines, so that who gives a permit back need not wait for who takes it
    /// to see whether a thread sleeps.
    slots: [AtomicU32; SLOTS as usize],
    /// Changes when a thread may have to wake up.
    releases: AtomicU32,
    /// The number of the last that was about to sleep; 0 if no thread can sleep.
    waited: AtomicU32,
    /// How often a thread was about to sleep.
    waits: AtomicU32,
    /// Slots from here on have never been permits.
    slots_made: AtomicU32,
    /// Permits that are counted.
    total: AtomicU32,
    monitor: Monitor,
    seal: Seal,
    available: AtomicU32,
    taken: [AtomicU32; HOLDERS as usize],
}

#[expect(unsafe_code, reason = "machines are made in place")]
// SAFETY: atomic integers.
unsafe impl Machine for Semaphore {
    fn init(&self) {
        self.monitor.init();
        self.seal.set();
    }

    fn wipe(&self, holders: &dyn Holders, holder: u32) {
        for slot in self.slots() {
            let word = slot.load(Ordering::SeqCst);
            if is_mark(word) && holders.number(word) == holder {
                // If this fails, another process has just inherited it.
                replace(slot, word, FREE);
            }
        }
        let inside = self.enter(holders);
        self.taken[holder as usize].store(0, Ordering::Relaxed);
        step();
        self.repair();
        drop(inside);
        step();
        self.announce(u32::MAX);
    }
}

impl Semaphore {
    /// Takes a permit by `deadline`; false when time is up. `None` waits for ever.
    ///
    /// False also if something wrote over the memory: then no permits are known.
    #[inline]
    pub(crate) fn acquire_until(&self, holders: &dyn Holders, deadline: Option<Instant>) -> bool {
        self.take_slot(holders.mark()) || self.take_counted(holders) || self.wait(holders, deadline)
    }

    #[cold]
    fn wait(&self, holders: &dyn Holders, deadline: Option<Instant>) -> bool {
        let mut look_for_dead = false;
        let mut backoff = Backoff::new();
        while self.seal.is_whole() {
            if spin_until(Awaited::Lock, || {
                self.has_free_slot() && self.take_slot(holders.mark())
                    || self.available.load(Ordering::Relaxed) != 0 && self.take_counted(holders)
            }) {
                return true;
            }
            let timeout = backoff.timeout(deadline);
            if (look_for_dead || timeout.is_none()) && self.inherit(holders) {
                return true;
            }
            let Some(timeout) = timeout else {
                return false;
            };
            // Before the rest: see `wake`.
            let seen = self.releases.load(Ordering::SeqCst);
            let number = self.waits.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
            step();
            self.waited.store(number.max(1), Ordering::SeqCst);
            step();
            if self.take_slot(holders.mark()) || self.take_counted(holders) {
                return true;
            }
            futex::wait(&self.releases, seen, timeout);
            // A thread that was not woken has slept its time: a process may have died meanwhile.
            look_for_dead = self.releases.load(Ordering::Relaxed) == seen;
        }
        false
    }

    /// Takes a permit if there is one.
    pub(crate) fn try_acquire(&self, holders: &dyn Holders) -> bool {
        self.take_slot(holders.mark()) || self.take_counted(holders) || self.inherit(holders)
    }

    /// Gives a permit of this process back.
    #[inline]
    pub(crate) fn release(&self, holders: &dyn Holders) {
        if self.replace_slot(holders.mark(), FREE) {
            self.announce(1);
        } else {
            self.release_late(holders);
        }
    }

    /// Gives a permit back that was not found in a slot: it is counted, or it was in one that
    /// another thread has given back meanwhile, while that one's was in another.
    #[cold]
    fn release_late(&self, holders: &dyn Holders) {
        self.part_with(holders, FREE, |taken| {
            lower(taken);
            step();
            raise(&self.available);
            step();
        });
        self.announce(1);
    }

    /// Removes a permit of this process for good.
    pub(crate) fn forget(&self, holders: &dyn Holders) {
        self.part_with(holders, ABSENT, |taken| {
            lower(&self.total);
            step();
            lower(taken);
            step();
        });
    }

    /// Changes one of this process's slots, or one of its counted permits.
    fn part_with(&self, holders: &dyn Holders, slot: u32, counted: impl Fn(&AtomicU32)) {
        let taken = &self.taken[holders.me() as usize];
        // It is somewhere; but in a copy of this process, which should not be there, it is not.
        for _ in 0..ATTEMPTS {
            if self.replace_slot(holders.mark(), slot) {
                return;
            }
            let _inside = self.enter(holders);
            if taken.load(Ordering::Relaxed) != 0 {
                return counted(taken);
            }
        }
    }

    /// Whether it knows of its permits; if not, something wrote over the memory.
    pub(crate) fn is_whole(&self) -> bool {
        self.seal.is_whole()
    }

    /// Adds permits; false if there would be too many.
    pub(crate) fn add(&self, holders: &dyn Holders, permits: u32) -> bool {
        let inside = self.enter(holders);
        let made = self.slots_made.load(Ordering::Relaxed).min(SLOTS);
        let total = self.total.load(Ordering::Relaxed);
        let all = total
            .checked_add(made)
            .and_then(|all| all.checked_add(permits));
        if all.is_none_or(|all| all > MOST) {
            return false;
        }
        if permits <= SLOTS - made {
            for slot in &self.slots[made as usize..][..permits as usize] {
                slot.store(FREE, Ordering::Relaxed);
            }
            step();
            self.slots_made.store(made + permits, Ordering::SeqCst);
        } else if permits != 1 || !self.replace_slot(ABSENT, FREE) {
            self.total.store(total + permits, Ordering::SeqCst);
            step();
            let available = self.available.load(Ordering::Relaxed);
            let available = available.saturating_add(permits);
            self.available.store(available, Ordering::Relaxed);
        }
        step();
        drop(inside);
        step();
        self.announce(permits);
        true
    }

    /// The permits that no living process has.
    pub(crate) fn available(&self, holders: &dyn Holders) -> u32 {
        if !self.seal.is_whole() {
            return 0;
        }
        // Each of them at most once.
        for _ in 0..SLOTS {
            if !self.find_dead(holders, FREE) {
                break;
            }
        }
        let free = |slot: &&AtomicU32| slot.load(Ordering::SeqCst) == FREE;
        let in_slots = self.slots().filter(free).map(|_| 1).sum::<u32>();
        let _inside = self.enter(holders);
        self.reclaim(holders);
        in_slots.saturating_add(self.available.load(Ordering::Relaxed))
    }

    fn enter(&self, holders: &dyn Holders) -> Inside<'_> {
        self.monitor.enter(holders, || self.repair())
    }

    #[inline]
    fn slots(&self) -> impl Iterator<Item = &AtomicU32> {
        let made = self.slots_made.load(Ordering::SeqCst) as usize;
        self.slots.iter().take(made)
    }

    fn has_free_slot(&self) -> bool {
        let mut slots = self.slots();
        slots.any(|slot| slot.load(Ordering::Relaxed) == FREE)
    }

    #[inline]
    fn take_slot(&self, mark: u32) -> bool {
        self.replace_slot(FREE, mark)
    }

    /// Changes a slot that is `old`.
    #[inline]
    fn replace_slot(&self, old: u32, new: u32) -> bool {
        // Mostly it is the first, and a look before would fetch the cache line twice.
        let is_old = |slot: &AtomicU32| slot.load(Ordering::SeqCst) == old;
        let mut slots = self.slots();
        slots.next().is_some_and(|first| replace(first, old, new))
            || slots.any(|slot| is_old(slot) && replace(slot, old, new))
    }

    /// Takes a permit over from the dead.
    fn inherit(&self, holders: &dyn Holders) -> bool {
        if !self.seal.is_whole() {
            return false;
        }
        if self.find_dead(holders, holders.mark()) {
            return true;
        }
        if self.total.load(Ordering::SeqCst) == 0 {
            return false;
        }
        let _inside = self.enter(holders);
        self.reclaim(holders) && self.count_one(holders.me())
    }

    /// Changes the first slot that a dead process has.
    fn find_dead(&self, holders: &dyn Holders, new: u32) -> bool {
        let mut known_alive = holders.mark();
        self.slots().any(|slot| {
            let word = slot.load(Ordering::SeqCst);
            if !is_mark(word) || word == known_alive {
                return false;
            }
            if holders.is_mark_alive(word) {
                known_alive = word;
                return false;
            }
            replace(slot, word, new)
        })
    }

    /// Takes one of the permits that are counted.
    fn take_counted(&self, holders: &dyn Holders) -> bool {
        if self.total.load(Ordering::SeqCst) == 0 || !self.seal.is_whole() {
            return false;
        }
        let _inside = self.enter(holders);
        self.count_one(holders.me())
    }

    fn count_one(&self, me: u32) -> bool {
        if self.available.load(Ordering::Relaxed) == 0 {
            return false;
        }
        raise(&self.taken[me as usize]);
        step();
        lower(&self.available);
        step();
        true
    }

    /// Takes back the counted permits of the dead; true if there were any.
    fn reclaim(&self, holders: &dyn Holders) -> bool {
        let mut found = false;
        for (holder, taken) in (0..).zip(&self.taken) {
            if taken.load(Ordering::Relaxed) != 0 && !holders.is_alive(holder) {
                taken.store(0, Ordering::Relaxed);
                found = true;
                step();
            }
        }
        if found {
            self.repair();
        }
        found
    }

    /// Makes `available` what it should be.
    fn repair(&self) {
        let taken = self
            .taken
            .iter()
            .map(|taken| taken.load(Ordering::Relaxed))
            .fold(0, u32::saturating_add);
        let total = self.total.load(Ordering::Relaxed);
        self.available
            .store(total.saturating_sub(taken), Ordering::Relaxed);
    }

    /// Wakes as many as there are permits for, if any thread sleeps.
    #[inline]
    fn announce(&self, count: u32) {
        let waited = self.waited.load(Ordering::SeqCst);
        if waited != 0 {
            self.wake(waited, count);
        }
    }

    #[cold]
    fn wake(&self, waited: u32, count: u32) {
        self.releases.fetch_add(1, Ordering::SeqCst);
        step();
        // A thread that meant to sleep and does not yet has seen an older number of releases, and will
        // not: it looked at that before it said so. So if none was woken and none has come
        // since, no thread sleeps.
        if futex::wake(&self.releases, count) == 0 {
            let _ = self
                .waited
                .compare_exchange(waited, 0, Ordering::SeqCst, Ordering::Relaxed);
        }
    }
}

fn is_mark(word: u32) -> bool {
    word != ABSENT && word != FREE
}

#[inline]
fn replace(slot: &AtomicU32, word: u32, new: u32) -> bool {
    let replaced = slot.compare_exchange(word, new, Ordering::SeqCst, Ordering::Relaxed);
    step();
    replaced.is_ok()
}

fn raise(word: &AtomicU32) {
    let value = word.load(Ordering::Relaxed);
    word.store(value.saturating_add(1), Ordering::Relaxed);
}

fn lower(word: &AtomicU32) {
    let value = word.load(Ordering::Relaxed);
    word.store(value.saturating_sub(1), Ordering::Relaxed);
}
