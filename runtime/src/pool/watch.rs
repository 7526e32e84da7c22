//! When tasks of a batch begin, without a look at the clock for each.
//!
//! To look at the clock took a tenth of the time of a million tasks that do nothing. So it is looked at once
//! for several tasks, by how long the last ones took; and in between it is only asked whether the kernel's
//! [tick](clock::tick) has changed, which costs a tenth of a look. So a task begins at most [`UNSEEN`] later than
//! is noted, as long as tasks are as those before them, and a tick, which is some milliseconds, in any case: a
//! task that takes longer lets the clock be looked at when it has ended.
//!
//! Where the time of each task counts, because it has a timeout, the clock is looked at for each.

use crate::sys::clock::{self, nanoseconds};

/// For how long tasks may run until the clock is looked at, in nanoseconds, if they are as those before.
const UNSEEN: u64 = 50_000;

/// For how many it is not looked at, at most.
const MOST: u64 = 64;

/// The clock of a worker that runs a batch.
#[derive(Debug)]
pub(super) struct Watch {
    /// When it was looked at.
    pub(super) now: u64,
    /// What the tick was then.
    tick: u64,
    is_exact: bool,
    /// How many tasks have ended since.
    ended: u64,
    /// For how many more it need not be looked at.
    left: u64,
}

impl Watch {
    pub(super) fn new(is_exact: bool) -> Watch {
        Watch {
            now: nanoseconds(),
            tick: clock::tick(),
            is_exact,
            ended: 0,
            left: 0,
        }
    }

    /// A task has ended, and another begins. Says whether the clock was looked at.
    #[inline]
    pub(super) fn task_ended(&mut self) -> bool {
        self.ended += 1;
        if self.left > 0 && clock::tick() == self.tick {
            self.left -= 1;
            return false;
        }
        let (ended, before) = (self.ended, self.now);
        let each = (self.read() - before) / ended;
        if !self.is_exact {
            self.left = unseen(each);
        }
        true
    }

    /// Looks at the clock, for what is not a task.
    pub(super) fn read(&mut self) -> u64 {
        // In this order: what lets the tick change after the look is found by the next task.
        self.tick = clock::tick();
        self.now = nanoseconds();
        self.ended = 0;
        self.left = 0;
        self.now
    }
}

/// For how many tasks that take so long the clock need not be looked at.
fn unseen(each: u64) -> u64 {
    (UNSEEN / each.max(1)).min(MOST)
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_shorter_tasks_are_the_less_often_it_is_looked() {
        assert_eq!([0, 10, 700].map(unseen), [MOST; 3]);
        assert_eq!([5_000, 30_000, 60_000].map(unseen), [10, 1, 0]);
    }

    #[test]
    fn a_task_that_takes_longer_is_noticed_when_it_has_ended() {
        let mut watch = Watch::new(false);
        watch.task_ended();
        watch.left = MOST;
        let before = watch.now;
        thread::sleep(Duration::from_millis(30));
        assert!(watch.task_ended());
        assert!(watch.now - before >= 30_000_000);
    }

    #[test]
    fn where_it_counts_it_is_looked_each_time() {
        let mut watch = Watch::new(true);
        assert!((0..100).all(|_| watch.task_ended()));
    }
}
