//! Permits, each noted under the process that took it.
//!
//! The truth is `total` and `taken`; `available` is their difference, kept for speed, and
//! computed anew by whoever enters the monitor after a death inside.
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

#![expect(unsafe_code, reason = "machines are made in place")]

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::monitor::Monitor;
use super::{HOLDERS, Holders, Kind, Machine, Patience, step};
use crate::sys::atomic::AtomicU32;
use crate::sys::futex;

/// How many permits there can be, taken ones included.
pub(crate) const MOST: u32 = u32::MAX / 2;

#[derive(Debug)]
#[repr(C)]
pub(crate) struct Semaphore {
    monitor: Monitor,
    /// Changes with every release, for sleepers.
    releases: AtomicU32,
    /// How often somebody was about to sleep, when that was last so; 0 if nobody can sleep.
    waited: AtomicU32,
    /// How often somebody was about to sleep.
    waits: AtomicU32,
    total: AtomicU32,
    available: AtomicU32,
    taken: [AtomicU32; HOLDERS as usize],
}

// SAFETY: zeros are no permits, none taken; `init` makes the monitor.
unsafe impl Machine for Semaphore {
    const KIND: Kind = Kind::Semaphore;

    unsafe fn init(place: *mut Semaphore) {
        // SAFETY: in bounds of the place that the caller promises.
        let monitor = unsafe { &raw mut (*place).monitor };
        // SAFETY: the caller's promise.
        unsafe { Monitor::init(monitor) };
    }
}

impl Semaphore {
    /// Takes a permit by `deadline`; false when time is up. `None` waits for ever.
    pub(crate) fn acquire_until(&self, holders: &dyn Holders, deadline: Option<Instant>) -> bool {
        let mut look_for_dead = true;
        let mut patience = Patience::new();
        loop {
            let seen = {
                let Some(_inside) = self.monitor.enter_until(deadline, || self.repair()) else {
                    return false;
                };
                if self.take(holders.me())
                    || look_for_dead && self.reclaim(holders) && self.take(holders.me())
                {
                    return true;
                }
                let waits = self.waits.load(Ordering::Relaxed).wrapping_add(1).max(1);
                self.waits.store(waits, Ordering::Relaxed);
                step();
                self.waited.store(waits, Ordering::Relaxed);
                step();
                self.releases.load(Ordering::Relaxed)
            };
            let Some(nap) = patience.nap(deadline) else {
                return false;
            };
            futex::wait(&self.releases, seen, nap);
            // Whoever was not woken has slept its time: somebody may have died meanwhile.
            look_for_dead = self.releases.load(Ordering::Relaxed) == seen;
        }
    }

    /// Takes a permit if there is one.
    pub(crate) fn try_acquire(&self, holders: &dyn Holders) -> bool {
        let _inside = self.monitor.enter(|| self.repair());
        self.take(holders.me()) || self.reclaim(holders) && self.take(holders.me())
    }

    /// Gives a permit of this process back.
    pub(crate) fn release(&self, holders: &dyn Holders) {
        let inside = self.monitor.enter(|| self.repair());
        lower(&self.taken[holders.me() as usize]);
        step();
        raise(&self.available);
        step();
        let wake = self.announce();
        drop(inside);
        step();
        self.wake(wake, 1);
    }

    /// Removes a permit of this process for good.
    pub(crate) fn forget(&self, holders: &dyn Holders) {
        let _inside = self.monitor.enter(|| self.repair());
        lower(&self.total);
        step();
        lower(&self.taken[holders.me() as usize]);
        step();
    }

    /// Adds permits; false if there would be too many.
    pub(crate) fn add(&self, permits: u32) -> bool {
        let inside = self.monitor.enter(|| self.repair());
        let total = self.total.load(Ordering::Relaxed);
        let Some(total) = total.checked_add(permits).filter(|total| *total <= MOST) else {
            return false;
        };
        self.total.store(total, Ordering::Relaxed);
        step();
        let available = self.available.load(Ordering::Relaxed);
        self.available.store(available + permits, Ordering::Relaxed);
        step();
        let wake = self.announce();
        drop(inside);
        step();
        self.wake(wake, permits);
        true
    }

    /// The permits that nobody alive has.
    pub(crate) fn available(&self, holders: &dyn Holders) -> u32 {
        let _inside = self.monitor.enter(|| self.repair());
        self.reclaim(holders);
        self.available.load(Ordering::Relaxed)
    }

    /// Takes back what a holder has that is gone.
    pub(super) fn wipe(&self, holder: u32) {
        let inside = self.monitor.enter(|| self.repair());
        self.taken[holder as usize].store(0, Ordering::Relaxed);
        step();
        self.repair();
        let wake = self.announce();
        drop(inside);
        step();
        self.wake(wake, u32::MAX);
    }

    fn take(&self, me: u32) -> bool {
        if self.available.load(Ordering::Relaxed) == 0 {
            return false;
        }
        raise(&self.taken[me as usize]);
        step();
        lower(&self.available);
        step();
        true
    }

    /// Takes back the permits of the dead; true if there were any.
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

    /// Tells sleepers that there is something; what `waited` was, if they must be woken too.
    fn announce(&self) -> Option<u32> {
        let waited = self.waited.load(Ordering::Relaxed);
        if waited == 0 {
            return None;
        }
        self.releases.fetch_add(1, Ordering::Relaxed);
        Some(waited)
    }

    fn wake(&self, waited: Option<u32>, count: u32) {
        // Whoever meant to sleep and does not yet has seen an older number of releases, and will
        // not. So if nobody was woken and nobody has come since, nobody sleeps.
        if waited.is_some() && futex::wake(&self.releases, count) == 0 {
            let _inside = self.monitor.enter(|| self.repair());
            if Some(self.waited.load(Ordering::Relaxed)) == waited {
                self.waited.store(0, Ordering::Relaxed);
            }
        }
    }
}

fn raise(word: &AtomicU32) {
    word.store(word.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

fn lower(word: &AtomicU32) {
    let value = word.load(Ordering::Relaxed);
    word.store(value.saturating_sub(1), Ordering::Relaxed);
}
