//! What the machine itself takes: the shortest locks that a futex allows, which know nothing of
//! owners, poison or death.
//!
//! The mutex is the one of Ulrich Drepper's "Futexes are tricky" with the spinning of std's. It is
//! in memory that processes share, so it pays what they pay and threads do not: a futex that is
//! found through the file, and a change of address spaces with each switch.

use std::io;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use multiproc::Shareable;
use multiproc::shm::Shared;
use rustix::thread::futex::{self, Flags};
use serde::{Deserialize, Serialize};

const FREE: u32 = 0;
const TAKEN: u32 = 1;
/// Taken, and somebody may sleep.
const WAITED: u32 = 2;

/// How often std's mutex looks before it sleeps.
const SPINS: u32 = 100;

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Mutex(Shared<State>);

#[derive(Shareable)]
struct State {
    word: AtomicU32,
    value: AtomicU64,
}

impl Mutex {
    pub(super) fn new() -> io::Result<Mutex> {
        let state = State {
            word: AtomicU32::new(FREE),
            value: AtomicU64::new(0),
        };
        Ok(Mutex(Shared::new(state)?))
    }

    pub(super) fn lock(&self) -> Guard<'_> {
        let word = &self.0.word;
        if let Err(found) = word.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed)
        {
            wait(word, found);
        }
        Guard(&self.0)
    }
}

#[cold]
fn wait(word: &AtomicU32, mut found: u32) {
    for _ in 0..SPINS {
        if found != TAKEN {
            break;
        }
        std::hint::spin_loop();
        found = word.load(Ordering::Relaxed);
    }
    if found == FREE
        && word
            .compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    {
        return;
    }
    while word.swap(WAITED, Ordering::Acquire) != FREE {
        sleep(word, WAITED);
    }
}

/// The right to the value, until it is dropped.
pub(super) struct Guard<'a>(&'a State);

impl Guard<'_> {
    pub(super) fn increase(&self) {
        let value = self.0.value.load(Ordering::Relaxed);
        self.0.value.store(value + 1, Ordering::Relaxed);
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if self.0.word.swap(FREE, Ordering::Release) == WAITED {
            wake(&self.0.word);
        }
    }
}

/// A number that two raise in turn, each sleeping until it is its turn.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Turn(Shared<AtomicU32>);

impl Turn {
    pub(super) fn new() -> io::Result<Turn> {
        Ok(Turn(Shared::new(AtomicU32::new(0))?))
    }

    /// Waits for an even or an odd number, and raises it.
    pub(super) fn take(&self, parity: u32) {
        loop {
            let turn = self.0.load(Ordering::Acquire);
            if turn % 2 == parity {
                self.0.store(turn.wrapping_add(1), Ordering::Release);
                return wake(&self.0);
            }
            sleep(&self.0, turn);
        }
    }
}

/// Until the word changes, or for no reason.
fn sleep(word: &AtomicU32, seen: u32) {
    let _ = futex::wait(word, Flags::empty(), seen, None);
}

fn wake(word: &AtomicU32) {
    let _ = futex::wake(word, Flags::empty(), 1);
}
