//! How long a lost task waits before it is tried again.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The longest wait, unless the first one is longer.
const LONGEST: Duration = Duration::from_secs(60);

/// The first wait, of which the others are made.
#[derive(Debug, Clone, Copy)]
pub(super) struct RetryDelay(Duration);

impl RetryDelay {
    pub(super) fn new(first: Duration) -> RetryDelay {
        RetryDelay(first)
    }

    /// How long a task waits that was lost so often: at least half of the whole wait, and at random how
    /// much more of it, so that tasks which were lost together do not come back together.
    pub(super) fn wait(self, times: u32) -> Duration {
        // Each such state has keys of its own.
        self.part(times, RandomState::new().hash_one(times))
    }

    fn part(self, times: u32, random: u64) -> Duration {
        let half = self.whole(times) / 2;
        let share = u32::try_from(random >> 32).unwrap_or(u32::MAX);
        half + half.mul_f64(f64::from(share) / f64::from(u32::MAX))
    }

    /// The first wait, doubled each time.
    fn whole(self, times: u32) -> Duration {
        let doubled = self.0.saturating_mul(1 << times.saturating_sub(1).min(31));
        doubled.min(LONGEST.max(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_a_minute() {
        let delay = RetryDelay::new(Duration::from_secs(1));
        let whole: Vec<u64> = (1..9).map(|times| delay.whole(times).as_secs()).collect();
        assert_eq!(whole, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(delay.whole(u32::MAX), LONGEST);
        let long = RetryDelay::new(Duration::from_secs(100));
        assert_eq!(long.whole(5), Duration::from_secs(100));
        let longest = RetryDelay::new(Duration::MAX);
        assert_eq!(longest.whole(5), Duration::MAX);
        assert!(longest.part(5, u64::MAX) <= Duration::MAX);
    }

    #[test]
    fn it_is_a_half_of_that_at_least_and_random_above() {
        let delay = RetryDelay::new(Duration::from_secs(8));
        assert_eq!(delay.part(1, 0), Duration::from_secs(4));
        assert_eq!(delay.part(1, u64::MAX), Duration::from_secs(8));
        let waits: Vec<Duration> = (0..50).map(|_| delay.wait(2)).collect();
        let range = Duration::from_secs(8)..=Duration::from_secs(16);
        assert!(waits.iter().all(|wait| range.contains(wait)));
        assert!(waits.iter().any(|wait| *wait != waits[0]));
    }
}
