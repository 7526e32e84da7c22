//! A task that is put without an answer.
//!
//! That the engine has a task is one message more, and wakes a thread, while the task is on its way to an agent: of
//! the round trip of a short call these were 20 of 386 µs, and 33 of 521 µs of the time of all CPUs. So a task that is
//! the only one, after one that was short, is put without asking for that: its result says that it has arrived. If
//! nothing comes for [`A_WHILE`], it is put again, and the answer is waited for as always. The engine knows it by its
//! name, and keeps one.
//!
//! | what happens | then |
//! |---|---|
//! | it is lost on its way, or there is no room for it | it is put again, and what the engine says then counts |
//! | it waits, or runs | the second one is not kept |
//! | it was run, and its result was not heard | the same; or, if the engine has forgotten its name meanwhile or in a crash, an agent gets it again, and finds that it was begun, as with any task that is delivered twice |
//! | it is cancelled | it is taken back, before or after it has arrived. If that comes too early for an engine that stores it a little later, an agent gets what was cancelled, and knows that, or is told so again |
//! | the submitter dies | it has arrived or not, as if the submitter had died before it had an answer |

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::open::Key;
use super::{Submitter, lock};
use crate::engine::Engine;

/// How long nothing may be heard of it before it is put again: as long as an agent takes to say that it runs it.
const A_WHILE: Duration = Duration::from_millis(100);

/// A task that took no longer was short.
const SHORT: Duration = Duration::from_millis(3);

/// What is longer is not sent twice.
const LONG: usize = 4 << 10;

/// The latest task that was put so. Those before it have ended: it was the only one.
#[derive(Debug)]
pub(super) struct Unanswered {
    key: Key,
    message: Bytes,
    since: Instant,
}

impl<E: Engine> Submitter<E> {
    /// Learns from how long a task took.
    pub(super) fn note_time(&self, took: Duration) {
        self.was_short.store(took < SHORT, Ordering::Relaxed);
    }

    /// Puts it without an answer, if it is the only one, and not expected to take long.
    pub(super) async fn put_alone(&self, key: Key, message: &Bytes) -> bool {
        let is_quick = self.was_short.load(Ordering::Relaxed) && message.len() <= LONG;
        if !is_quick || !self.open().is_only(key) || !*self.engine.connected().borrow() {
            return false;
        }
        *lock(&self.unanswered) = Some(Unanswered {
            key,
            message: message.clone(),
            since: Instant::now(),
        });
        self.has_unanswered.notify_one();
        let id = self.id(key);
        // What goes wrong is found when it is put again.
        let _ = self.engine.offer_task(&id, message.clone()).await;
        true
    }

    /// Puts again what was put without an answer, unless it has ended.
    pub(super) async fn put_again(self: Arc<Self>) {
        loop {
            self.has_unanswered.notified().await;
            while let Some(since) = self.unanswered_since() {
                tokio::time::sleep_until((since + A_WHILE).into()).await;
                // Another may have taken its place.
                let is_due = |it: &mut Unanswered| it.since.elapsed() >= A_WHILE;
                let due = lock(&self.unanswered).take_if(is_due);
                if let Some(Unanswered { key, message, .. }) = due
                    && self.open().contains(key)
                {
                    tokio::spawn(Arc::clone(&self).put_for_sure(key, message));
                }
            }
        }
    }

    fn unanswered_since(&self) -> Option<Instant> {
        lock(&self.unanswered).as_ref().map(|it| it.since)
    }
}
