//! Workers whose result a thread is about to read, and that no one hears until then.
//!
//! To have the supervisor read and to take that back when a thread [waits](super::listen) are two system calls
//! for each task; and if a short task's result comes between them, the supervisor is woken all the same. So
//! when tasks are submitted and waited for again and again, one after the other, the supervisor is not told to
//! read when the next one is sent: its worker is *unheard* for now. It is until a thread waits, which reads
//! itself; or until something else is asked about a task, or more tasks come. In case that nothing of this
//! happens, the supervisor looks every millisecond ([`LOOK`]), as long as there are such tasks, and then
//! reads: after two looks at the latest.
//!
//! A pure function of what it is told. How a worker ends, the supervisor always sees.

use std::time::{Duration, Instant};

use crate::pool::scheduler::WorkerId;

/// How often the supervisor looks. Who waits again after a longer time has the supervisor read.
const LOOK: Duration = Duration::from_millis(1);

/// The worker that is unheard.
#[derive(Debug, Default)]
pub(super) struct Unheard {
    /// When the supervisor looks next, if it does.
    look: Option<Instant>,
    /// When a thread has last waited, and read.
    waited: Option<Instant>,
    worker: Option<WorkerId>,
    /// Whether it was unheard already when the supervisor looked last.
    is_old: bool,
}

impl Unheard {
    /// A thread has waited for a task and read.
    pub(super) fn waited(&mut self, now: Instant) {
        let before = self.waited.replace(now);
        if self.look.is_none() && before.is_some_and(|before| now < before + LOOK) {
            self.look = Some(now + LOOK);
        }
    }

    /// A worker that no one reads has been sent a task: whether it may be unheard for now.
    pub(super) fn may_be(&mut self, worker: WorkerId) -> bool {
        let may_be = self.look.is_some() && self.worker.is_none();
        if may_be {
            self.worker = Some(worker);
            self.is_old = false;
        }
        may_be
    }

    /// The worker that is to be heard now.
    pub(super) fn take(&mut self) -> Option<WorkerId> {
        self.worker.take()
    }

    pub(super) fn is_any(&self) -> bool {
        self.worker.is_some()
    }

    /// When to [look](Unheard::look_at).
    pub(super) fn look(&self) -> Option<Instant> {
        self.look
    }

    /// The supervisor looks. Returns the worker that is to be heard now.
    pub(super) fn look_at(&mut self, now: Instant) -> Option<WorkerId> {
        self.look.filter(|at| *at <= now)?;
        let is_of_use = self.waited.is_some_and(|waited| now < waited + LOOK);
        let to_hear = self.worker.take_if(|_| self.is_old);
        self.is_old = true;
        let goes_on = is_of_use || self.worker.is_some();
        self.look = goes_on.then(|| now + LOOK);
        to_hear
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_once_is_heard() {
        let (mut unheard, now) = (Unheard::default(), Instant::now());
        assert!(!unheard.may_be(0));
        unheard.waited(now);
        assert_eq!(unheard.look(), None);
        assert!(!unheard.may_be(0));
        // Not soon enough.
        unheard.waited(now + LOOK);
        assert!(!unheard.may_be(0) && !unheard.is_any());
    }

    #[test]
    fn one_worker_is_unheard_at_a_time() {
        let (mut unheard, now) = (Unheard::default(), Instant::now());
        unheard.waited(now);
        unheard.waited(now);
        assert!(unheard.may_be(3));
        assert!(!unheard.may_be(4));
        assert_eq!((unheard.take(), unheard.take()), (Some(3), None));
        assert!(unheard.may_be(4));
    }

    #[test]
    fn it_is_heard_at_the_second_look_and_then_nothing_is_looked_at() {
        let (mut unheard, now) = (Unheard::default(), Instant::now());
        unheard.waited(now);
        unheard.waited(now);
        assert!(unheard.may_be(3));
        let looks = [1, 2, 3].map(|times| now + LOOK * times);
        // It is not time yet.
        assert_eq!(unheard.look_at(now), None);
        assert_eq!(
            (unheard.look_at(looks[0]), unheard.look()),
            (None, Some(looks[1]))
        );
        assert_eq!((unheard.look_at(looks[1]), unheard.look()), (Some(3), None));
        assert_eq!(unheard.look_at(looks[2]), None);
        assert!(!unheard.may_be(3));
    }

    #[test]
    fn it_is_looked_at_as_long_as_threads_wait() {
        let (mut unheard, mut now) = (Unheard::default(), Instant::now());
        unheard.waited(now);
        for _ in 0..9 {
            unheard.waited(now);
            assert!(unheard.may_be(3));
            assert_eq!(unheard.take(), Some(3));
            now = unheard.look().unwrap_or(now);
            unheard.waited(now);
            assert_eq!(unheard.look_at(now), None);
        }
        assert!(unheard.look().is_some());
    }
}
