//! A flag to wait for: one word.
//!
//! | bits | |
//! |---|---|
//! | 0 | the event is set |
//! | 1 | a thread may sleep |
//! | 2.. | how often it was set: a sleeper sees that it was set though it has been cleared since |
//!
//! | step | what if the actor dies right after it |
//! |---|---|
//! | `wait` notes that a thread may sleep | the next `set` makes a needless call |
//! | `wait` sleeps | no process waits for an answer |
//! | `set` changes the word | sleepers find it when they next look |
//! | `set` wakes the sleepers | done |
//! | `clear` changes the word | done |

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::backoff::Backoff;
use super::holders::Holders;
use super::machine::Machine;
use crate::spin::{Awaited, spin_until};
use crate::sys::atomic::{AtomicU32, step};
use crate::sys::futex;

const SET: u32 = 1;
const WAITED: u32 = 2;
const ONCE_MORE: u32 = 4;

#[derive(Debug, Default)]
#[repr(transparent)]
pub(crate) struct Event(AtomicU32);

#[expect(unsafe_code, reason = "machines are made in place")]
// SAFETY: an atomic integer.
unsafe impl Machine for Event {
    /// No process has anything of an event.
    fn wipe(&self, _: &dyn Holders, _: u32) {}
}

impl Event {
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire) & SET != 0
    }

    pub(crate) fn set(&self) {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            if word & (SET | WAITED) == SET {
                // Still a release: what was written before is seen by every thread that finds it set.
                match self
                    .0
                    .compare_exchange_weak(word, word, Ordering::Release, Ordering::Relaxed)
                {
                    Ok(_) => return,
                    Err(other) => word = other,
                }
                continue;
            }
            let new = word.wrapping_add(ONCE_MORE) & !WAITED | SET;
            step();
            match self
                .0
                .compare_exchange_weak(word, new, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => break,
                Err(other) => word = other,
            }
        }
        step();
        if word & WAITED != 0 {
            futex::wake_all(&self.0);
        }
    }

    pub(crate) fn clear(&self) {
        step();
        self.0.fetch_and(!SET, Ordering::Relaxed);
    }

    /// False when time is up.
    pub(crate) fn wait_until(&self, deadline: Option<Instant>) -> bool {
        let first = self.0.load(Ordering::Acquire);
        let times = |word: u32| word / ONCE_MORE;
        let is_over = |word: u32| word & SET != 0 || times(word) != times(first);
        let mut word = first;
        let mut backoff = Backoff::new();
        loop {
            if is_over(word)
                || spin_until(Awaited::Event, || is_over(self.0.load(Ordering::Acquire)))
            {
                return true;
            }
            let Some(timeout) = backoff.timeout(deadline) else {
                return false;
            };
            if word & WAITED == 0 {
                step();
                if let Err(other) = self.0.compare_exchange(
                    word,
                    word | WAITED,
                    Ordering::Relaxed,
                    Ordering::Acquire,
                ) {
                    word = other;
                    continue;
                }
            }
            step();
            futex::wait(&self.0, word | WAITED, timeout);
            word = self.0.load(Ordering::Acquire);
        }
    }
}
