//! The state machines behind the typed primitives: words in shared memory, no types of the
//! user's, no regions.
//!
//! # How they survive a death
//!
//! | what | how |
//! |---|---|
//! | the owner of a [`Lock`] dies, or of what has one inside | its mark is in the word; whoever waits asks, every [`LOOK`] at least, whether it lives |
//! | the owner of a [`RobustMutex`] dies, or somebody who waits for it | the kernel marks it and wakes a waiter; whoever sleeps looks again after a while |
//! | somebody dies inside a [`Monitor`](monitor::Monitor) | its mutex is robust; whoever enters next repairs first |
//! | a holder of permits, read locks or places in a queue dies | each is noted under its holder's number; whoever waits for them asks, every [`LOOK`] at least, whether the holders live |
//! | somebody dies between a change and the wake-up call for it | whoever sleeps looks every [`LOOK`] at least |
//! | a waiter dies | it held nothing; nobody waits for its answer |
//!
//! Each machine's module lists its steps and why it is safe to die right after each. Their tests
//! kill an actor after every one of them, and let several take their steps in all orders, up to a
//! bound, one of them dying at any. For that the words are those of `sys/atomic`, which in the
//! tests stop before each access.
//!
//! [`RobustMutex`]: crate::sys::robust::RobustMutex

#[cfg(test)]
pub(crate) mod actor;
mod barrier;
mod condvar;
mod event;
mod held;
#[cfg(test)]
mod interleavings;
mod lock;
mod monitor;
pub(super) mod poison;
mod reentrant;
mod rwlock;
mod semaphore;
mod sleepers;
mod spin;
#[cfg(test)]
mod tests;

pub(crate) use barrier::{Barrier, Passed};
pub(crate) use condvar::Condvar;
pub(crate) use event::Event;
pub(crate) use lock::Lock;
pub(crate) use reentrant::ReentrantLock;
pub(crate) use rwlock::RwLock;
pub(crate) use semaphore::{MOST as MOST_PERMITS, Semaphore};

use std::ptr::NonNull;
use std::time::{Duration, Instant};

/// How many holders there can be: processes that know a region, and messages that carry it.
pub(crate) const HOLDERS: u32 = 256;

/// How long a sleeper sleeps at most before it looks for what nobody will tell it, the death of
/// somebody.
pub(crate) const LOOK: Duration = Duration::from_millis(200);

/// Who is who among the holders of a region.
pub(crate) trait Holders: Sync {
    /// The number of this process.
    fn me(&self) -> u32;

    /// Whether a holder is still there. A system call.
    fn is_alive(&self, holder: u32) -> bool;

    /// A mark that no other process has or ever had here: the number and how often it was given
    /// out. Neither 0 nor above 31 bits.
    fn mark(&self) -> u32;

    /// Whether the process with this mark is still there. A system call.
    fn is_mark_alive(&self, mark: u32) -> bool;

    /// The number in a mark.
    fn number(&self, mark: u32) -> u32;
}

/// What lives in a cell, for whoever has to clear up after a dead holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Kind {
    /// Nothing that a holder could leave behind.
    Plain = 1,
    Lock = 2,
    ReentrantLock = 3,
    RwLock = 4,
    Condvar = 5,
    Semaphore = 6,
    Event = 7,
    Barrier = 8,
    Buffer = 9,
    Ticket = 10,
}

impl Kind {
    pub(crate) fn from_number(number: u32) -> Kind {
        match number {
            2 => Kind::Lock,
            3 => Kind::ReentrantLock,
            4 => Kind::RwLock,
            5 => Kind::Condvar,
            6 => Kind::Semaphore,
            8 => Kind::Barrier,
            // The others leave nothing behind.
            _ => Kind::Plain,
        }
    }

    /// Whether a thread of the process with this mark has the lock that this is.
    ///
    /// # Safety
    ///
    /// A machine of this kind lives at `place`.
    #[expect(unsafe_code, reason = "the kind tells the type of the machine")]
    pub(crate) unsafe fn is_locked_by(self, place: NonNull<u8>, mark: u32) -> bool {
        let lock = match self {
            // SAFETY: the caller's promise; the machine is shared by reference only.
            Kind::Lock => unsafe { place.cast::<Lock>().as_ref() },
            // SAFETY: as above.
            Kind::ReentrantLock => unsafe { place.cast::<ReentrantLock>().as_ref() }.lock(),
            // SAFETY: as above.
            Kind::RwLock => unsafe { place.cast::<RwLock>().as_ref() }.writer(),
            _ => return false,
        };
        lock.is_taken_by(mark)
    }

    /// Takes back what a holder that is gone had taken.
    ///
    /// # Safety
    ///
    /// A machine of this kind lives at `place`.
    #[expect(unsafe_code, reason = "the kind tells the type of the machine")]
    pub(crate) unsafe fn wipe(self, place: NonNull<u8>, holders: &dyn Holders, holder: u32) {
        match self {
            // SAFETY: the caller's promise; the machine is shared by reference only.
            Kind::RwLock => unsafe { place.cast::<RwLock>().as_ref() }.wipe(holder),
            // SAFETY: as above.
            Kind::Condvar => unsafe { place.cast::<Condvar>().as_ref() }.wipe(holder),
            // SAFETY: as above.
            Kind::Semaphore => unsafe { place.cast::<Semaphore>().as_ref() }.wipe(holders, holder),
            // SAFETY: as above.
            Kind::Barrier => unsafe { place.cast::<Barrier>().as_ref() }.wipe(holder),
            _ => {}
        }
    }
}

/// A machine that can be made in a cell.
///
/// # Safety
///
/// `Self` is a value when all its bytes are zero and `init` has run on it.
#[expect(unsafe_code, reason = "machines are made in place")]
pub(crate) unsafe trait Machine: Sync + Sized + 'static {
    const KIND: Kind;

    /// Makes what is not made by zeros.
    ///
    /// # Safety
    ///
    /// The place is valid for writes, aligned, all zeros, and not in use.
    unsafe fn init(_place: *mut Self) {}
}

/// The time at which a wait that begins now is over; `None` if that is further away than time
/// can be told.
pub(crate) fn deadline(timeout: Duration) -> Option<Instant> {
    now().checked_add(timeout)
}

/// How long a sleeper sleeps before it looks: short at first, because what it waits for is often
/// about to come or already dead, and then longer and longer.
#[derive(Debug)]
pub(crate) struct Patience(Duration);

impl Patience {
    pub(crate) fn new() -> Patience {
        Patience(Duration::from_millis(1))
    }

    /// The next sleep; `None` when time is up.
    pub(crate) fn nap(&mut self, deadline: Option<Instant>) -> Option<Duration> {
        let nap = self.0;
        self.0 = (nap * 2).min(LOOK);
        let Some(deadline) = deadline else {
            return Some(nap);
        };
        let left = deadline.saturating_duration_since(now());
        (!left.is_zero()).then(|| left.min(nap))
    }
}

/// Where the tests can end an actor. Nothing otherwise.
#[cfg(not(test))]
#[inline]
fn step() {}
#[cfg(test)]
use crate::probe::step;

/// The time, as the tests see it.
#[cfg(not(test))]
fn now() -> Instant {
    Instant::now()
}
#[cfg(test)]
use crate::probe::now;
