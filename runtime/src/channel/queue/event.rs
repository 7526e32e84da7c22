//! Something that happens again and again, for which processes wait.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::sys::atomic::{AtomicU32, fence};
use crate::sys::{deadline, futex};

/// How long a sleeper sleeps before it looks by itself.
///
/// A process that makes something happen tells the sleepers afterwards. If it dies in between, which
/// is a matter of nanoseconds, this is how long they take to notice.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The word in shared memory: two flags, and a count of what was told.
#[derive(Debug)]
#[repr(transparent)]
pub(super) struct EventCount(AtomicU32);

/// A thread sleeps on the word.
const SLEEPERS: u32 = 1;
/// A thread polls the bell.
const POLLERS: u32 = 2;
const TOLD: u32 = 4;

/// What the word was before the last look.
#[derive(Debug, Clone, Copy)]
pub(super) struct EventKey(u32);

impl EventCount {
    /// Announces a sleeper. It looks once more whether what it waits for has happened, and then
    /// sleeps.
    pub(super) fn enter(&self) -> EventKey {
        self.announce(SLEEPERS)
    }

    /// Announces a thread that polls the bell, after one more look.
    pub(super) fn enter_polling(&self) {
        self.announce(POLLERS);
    }

    fn announce(&self, flag: u32) -> EventKey {
        let before = self.0.fetch_or(flag, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        EventKey(before | flag)
    }

    /// Sleeps until the event is told, or a while has passed; false if the deadline has come.
    pub(super) fn sleep(
        &self,
        ticket: EventKey,
        deadline: Option<Instant>,
        glance: Duration,
    ) -> bool {
        let Some(timeout) = deadline::left(deadline, glance) else {
            return false;
        };
        futex::wait(&self.0, ticket.0, timeout);
        true
    }

    /// Tells all who wait that it has happened; `ring` is called if any of them polls.
    ///
    /// All are woken: one alone could die of it, and the others would sleep on.
    pub(super) fn tell(&self, ring: impl FnOnce()) {
        // What has happened is to be seen by those whose announcement is not.
        fence(Ordering::SeqCst);
        let before = self.0.load(Ordering::Relaxed);
        if before & (SLEEPERS | POLLERS) == 0 {
            return;
        }
        let told = |word: u32| Some((word & !(SLEEPERS | POLLERS)).wrapping_add(TOLD));
        let before = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, told)
            .unwrap_or(before);
        if before & SLEEPERS != 0 {
            futex::wake_all(&self.0);
        }
        if before & POLLERS != 0 {
            ring();
        }
    }
}
