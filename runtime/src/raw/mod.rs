//! The state machines behind the typed primitives of [`sync`](crate::sync): words in shared memory.
//!
//! Nothing here knows what values a primitive protects, or where its words come from.
//!
//! # How they survive a death
//!
//! | what | how |
//! |---|---|
//! | the owner of a [`Lock`] dies, or of what has one inside | its mark is in the word; a waiter asks, every [`POLL_INTERVAL`](backoff::POLL_INTERVAL) at least, whether it lives |
//! | a process dies inside a [`Monitor`] | likewise, and the next to enter repairs first |
//! | a holder of permits, read locks or places in a queue dies | each is noted under its holder's number; a waiter asks, every [`POLL_INTERVAL`](backoff::POLL_INTERVAL) at least, whether the holders live |
//! | a process dies between a change and the wake-up call for it | a sleeper looks every [`POLL_INTERVAL`](backoff::POLL_INTERVAL) at least |
//! | a waiter dies | it held nothing; no process waits for its answer |
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
mod backoff;
mod barrier;
mod condvar;
mod event;
mod holders;
#[cfg(test)]
mod interleavings;
mod lock;
mod machine;
mod monitor;
mod owner;
mod participant;
mod poison;
mod reentrant;
mod rwlock;
mod seal;
mod semaphore;
mod sleepers;
#[cfg(test)]
pub(crate) mod strays;
#[cfg(test)]
mod tests;

pub(crate) use backoff::Backoff;
pub(crate) use barrier::{Barrier, Passed};
pub(crate) use condvar::Condvar;
pub(crate) use event::Event;
pub(crate) use holders::{HOLDERS, Holders};
pub(crate) use lock::Lock;
pub(crate) use machine::Machine;
pub(crate) use monitor::{Inside, Monitor};
pub(crate) use participant::Participant;
pub(crate) use poison::Left;
pub(crate) use reentrant::ReentrantLock;
pub(crate) use rwlock::RwLock;
pub(crate) use semaphore::{MOST as MOST_PERMITS, Semaphore};
