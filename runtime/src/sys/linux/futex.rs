//! Sleeping on a word of shared memory until it changes.

use std::time::Duration;

use rustix::thread::futex::{self, Flags};

use crate::sys::atomic::{AtomicU32, plain};

/// Sleeps if `word` is `expected`, until a [`wake`], the timeout, a signal, or for no reason.
///
/// The caller looks at the word again in any case.
#[cfg_attr(test, track_caller)]
pub(crate) fn wait(word: &AtomicU32, expected: u32, timeout: Duration) {
    let word = plain(word);
    #[cfg(test)]
    if crate::probe::sleep(word, expected, timeout) {
        return;
    }
    // Not `PRIVATE`: the word may be in another process too. All errors mean "look again".
    let _ = match timeout.try_into() {
        Ok(timeout) => futex::wait(word, Flags::empty(), expected, Some(&timeout)),
        Err(_) => futex::wait(word, Flags::empty(), expected, None),
    };
}

/// Wakes up to `count` sleepers and says how many there were.
#[cfg_attr(test, track_caller)]
pub(crate) fn wake(word: &AtomicU32, count: u32) -> usize {
    let word = plain(word);
    #[cfg(test)]
    if let Some(woken) = crate::probe::wake(word, count) {
        return woken;
    }
    // The kernel takes the count as a signed number.
    let count = count.min(i32::MAX.unsigned_abs());
    futex::wake(word, Flags::empty(), count).unwrap_or(0)
}

/// Wakes all sleepers.
#[cfg_attr(test, track_caller)]
pub(crate) fn wake_all(word: &AtomicU32) {
    wake(word, u32::MAX);
}
