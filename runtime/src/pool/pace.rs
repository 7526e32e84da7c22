//! How many tasks of a series are sent together.
//!
//! A pure function of what it is told: how long some of a function took. As many are sent together as
//! take a worker about [`TOGETHER`]: so long it works without the pool, while more are submitted and the
//! results of the last ones are given out. One whose time is not known, or long, is sent alone.
//!
//! What is sent ahead of time and not begun is taken back when nothing is heard of the worker for a moment
//! ([what of it](super::supervisor)): nothing waits behind a task that takes longer than those before
//! it. So a wrong guess costs milliseconds.
//!
//! Measured on two cores, 100,000 tasks that do nothing, submitted and waited for: 18 to 26 µs each when
//! every task was sent by itself, and 0.9 to 1.7 µs so; a task that waits takes 760 bytes then, and 193 now,
//! of which 80 are the user's handle.

use std::collections::HashMap;
use std::time::Duration;

use super::scheduler::Kind;

/// How long the tasks that are sent together shall take.
const TOGETHER: Duration = Duration::from_millis(2);

/// How many are sent together at most.
const MOST: u32 = 4 << 10;

/// What is known of the functions that tasks of series run.
#[derive(Debug, Default)]
pub(super) struct Paces {
    /// By the place of their names, which last as long as the program.
    kinds: HashMap<usize, Kind>,
    /// How many of each kind are sent together.
    together: Vec<u32>,
}

impl Paces {
    /// The kind of the tasks that run a function.
    pub(super) fn kind(&mut self, function: &'static str) -> Kind {
        let next = Kind::try_from(self.together.len()).unwrap_or(Kind::MAX);
        let kind = *self.kinds.entry(function.as_ptr().addr()).or_insert(next);
        if kind == next {
            self.together.push(1);
        }
        kind
    }

    /// Learns from how long some tasks of a function took. Returns how many are to be sent together, if
    /// that is another number than before.
    pub(super) fn note(
        &mut self,
        function: &'static str,
        count: u32,
        time: Duration,
    ) -> Option<(Kind, u32)> {
        let kind = self.kind(function);
        let together = self.together.get_mut(kind as usize)?;
        let each = (time / count.max(1)).as_nanos().max(1);
        let fit = u32::try_from(TOGETHER.as_nanos() / each).unwrap_or(MOST);
        // By steps, as in a map: the first ones may be shorter than the others, and some may have taken
        // long because their worker had to wait for a CPU.
        let fit = fit.clamp(together.div_ceil(2), together.saturating_mul(8));
        let fit = fit.clamp(1, MOST);
        let is_new = *together != fit;
        *together = fit;
        is_new.then_some((kind, fit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells of groups of tasks of this length until nothing changes any more.
    fn learn(paces: &mut Paces, each: Duration) -> u32 {
        let mut together = 1;
        while let Some((_, fit)) = paces.note("f", together, each * together) {
            together = fit;
        }
        paces.together[0]
    }

    #[test]
    fn short_tasks_are_sent_together_by_and_by() {
        let mut paces = Paces::default();
        let first = paces.note("f", 1, Duration::from_nanos(300));
        assert_eq!(first, Some((0, 8)));
        assert_eq!(learn(&mut paces, Duration::from_nanos(300)), MOST);
        assert_eq!(learn(&mut paces, Duration::from_micros(20)), 100);
    }

    #[test]
    fn a_long_task_is_sent_alone() {
        let mut paces = Paces::default();
        assert_eq!(paces.note("f", 1, Duration::from_millis(2)), None);
        assert_eq!(learn(&mut paces, Duration::from_micros(500)), 4);
        assert_eq!(learn(&mut paces, Duration::from_secs(1)), 1);
    }

    #[test]
    fn each_function_has_a_pace_of_its_own() {
        let mut paces = Paces::default();
        assert_eq!((paces.kind("f"), paces.kind("g")), (0, 1));
        assert_eq!(paces.kind("f"), 0);
        let pace = paces.note("g", 1, Duration::from_micros(1));
        assert_eq!(pace, Some((1, 8)));
        assert_eq!(paces.together, [1, 8]);
    }

    #[test]
    fn no_time_at_all_is_no_matter() {
        let mut paces = Paces::default();
        assert_eq!(paces.note("f", 0, Duration::ZERO), Some((0, 8)));
        let forever = paces.note("f", 1, Duration::MAX);
        assert_eq!(forever, Some((0, 4)));
    }
}
