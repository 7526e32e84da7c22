//! The state machines behind the typed primitives: words in shared memory, no types of the
//! user's, no regions.
//!
//! # How they survive a death
//!
//! | what | how |
//! |---|---|
//! | the owner of a [`Lock`] dies, or of what has one inside | its mark is in the word; whoever waits asks, every [`LOOK`] at least, whether it lives |
//! | a process dies inside a [`Monitor`] | likewise, and the next to enter repairs first |
//! | a holder of permits, read locks or places in a queue dies | each is noted under its holder's number; whoever waits for them asks, every [`LOOK`] at least, whether the holders live |
//! | somebody dies between a change and the wake-up call for it | whoever sleeps looks every [`LOOK`] at least |
//! | a waiter dies | it held nothing; nobody waits for its answer |
//!
//! Each machine's module lists its steps and why it is safe to die right after each. Their tests
//! kill an actor after every one of them, and let several take their steps in all orders, up to a
//! bound, one of them dying at any. For that the words are those of `sys/atomic`, which in the
//! tests stop before each access.
//!
//! # What comes back, and when
//!
//! Whatever hands out access (a lock, a permit, a place) is its *process's*, and comes back by
//! itself when that is dead. The end of a thread means nothing: a guard can outlive it, in a
//! thread-local variable or a `Box` that was leaked, and whatever was borrowed from it with it.
//!
//! # What if something writes over the words
//!
//! Every process has them mapped to write, and a process that goes astray can write anything. So no
//! machine believes what it reads: an index is in bounds by its type or clamped, arithmetic does
//! not overflow, a loop has a bound that is not in shared memory, and there is no pointer there. A
//! mark that no living process has is a dead one's. So others see a poisoned lock, a broken
//! barrier, a notification too many; what could wait for ever for something that memory no longer
//! knows finds its [`Seal`](seal::Seal) broken.

#[cfg(test)]
pub(crate) mod actor;
mod barrier;
mod condvar;
mod event;
#[cfg(test)]
mod interleavings;
mod lock;
mod monitor;
mod owner;
pub(super) mod poison;
mod reentrant;
mod rwlock;
mod seal;
mod semaphore;
mod sleepers;
mod spin;
#[cfg(test)]
pub(crate) mod strays;
#[cfg(test)]
mod tests;

pub(crate) use barrier::{Barrier, Passed};
pub(crate) use condvar::Condvar;
pub(crate) use event::Event;
pub(crate) use lock::Lock;
pub(crate) use monitor::{Inside, Monitor};
pub(crate) use poison::Left;
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

    /// How much memory the machine takes.
    pub(crate) fn size(self) -> usize {
        match self {
            Kind::Lock => size_of::<Lock>(),
            Kind::ReentrantLock => size_of::<ReentrantLock>(),
            Kind::RwLock => size_of::<RwLock>(),
            Kind::Condvar => size_of::<Condvar>(),
            Kind::Semaphore => size_of::<Semaphore>(),
            Kind::Event => size_of::<Event>(),
            Kind::Barrier => size_of::<Barrier>(),
            Kind::Plain | Kind::Buffer | Kind::Ticket => 0,
        }
    }

    /// Takes back what a holder that is gone had taken.
    ///
    /// # Safety
    ///
    /// `place` is aligned to a cache line and can be shared, as long as the machine is; what is
    /// there may be anything, because a machine is made of atomic words.
    #[expect(unsafe_code, reason = "the kind tells the type of the machine")]
    pub(crate) unsafe fn wipe(self, place: NonNull<u8>, holders: &dyn Holders, holder: u32) {
        match self {
            // SAFETY: the caller's promise; any bytes are a machine, which is shared by reference only.
            Kind::RwLock => unsafe { place.cast::<RwLock>().as_ref() }.wipe(holder),
            // SAFETY: as above.
            Kind::Condvar => unsafe { place.cast::<Condvar>().as_ref() }.wipe(holders, holder),
            // SAFETY: as above.
            Kind::Semaphore => unsafe { place.cast::<Semaphore>().as_ref() }.wipe(holders, holder),
            // SAFETY: as above.
            Kind::Barrier => unsafe { place.cast::<Barrier>().as_ref() }.wipe(holders, holder),
            _ => {}
        }
    }
}

/// A machine that can be made in a cell.
///
/// # Safety
///
/// Any bytes are a value of `Self`, as they are of atomic integers.
#[expect(unsafe_code, reason = "machines are made in place")]
pub(crate) unsafe trait Machine: Sync + Sized + 'static {
    const KIND: Kind;

    /// Makes a machine of zeros. Before anybody else has it.
    fn init(&self) {}
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
