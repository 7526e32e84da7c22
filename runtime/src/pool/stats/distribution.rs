use std::time::Duration;

/// How many buckets there are for each doubling. A duration is known to a sixteenth.
const PARTS: usize = 16;

/// Durations of something that happened often: how many there were, and how long. Part of [`PoolStats`](super::PoolStats).
///
/// Durations are counted in classes, so what [`percentile`](Distribution::percentile) returns may be
/// too long by a sixteenth. It takes some kilobytes, however many durations there are.
///
/// # Examples
///
/// ```
/// # use multiproc::{Pool, worker};
/// # #[worker]
/// # fn square(x: u64) -> u64 {
/// #     x * x
/// # }
/// # fn main() -> multiproc::Result<()> {
/// # let pool = Pool::builder().workers(2).build()?;
/// for square in pool.map(square::call, 0..1000) {
///     square?;
/// }
/// let stats = pool.stats();
/// let run = stats.run();
/// assert_eq!(run.count(), 1000);
/// println!("half of the tasks took {:?} at most", run.percentile(50.0).unwrap());
/// assert!(run.percentile(50.0) <= run.max());
/// # Ok(())
/// # }
/// ```
// Classes as in HdrHistogram, by Gil Tene. Its port has three more dependencies, for these few lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Distribution {
    /// How many are in each class.
    classes: Vec<u64>,
    count: u64,
    sum: Duration,
    min: Duration,
    max: Duration,
}

impl Distribution {
    /// Returns the number of durations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Returns the sum of all durations.
    #[must_use]
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// Returns the shortest duration, or `None` if there is none.
    #[must_use]
    pub fn min(&self) -> Option<Duration> {
        (self.count > 0).then_some(self.min)
    }

    /// Returns the longest duration, or `None` if there is none.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        (self.count > 0).then_some(self.max)
    }

    /// Returns the arithmetic mean, or `None` if there is no duration.
    #[must_use]
    pub fn mean(&self) -> Option<Duration> {
        let nanoseconds = self.sum.as_nanos().checked_div(self.count.into())?;
        u64::try_from(nanoseconds).ok().map(Duration::from_nanos)
    }

    /// Returns a duration that `percentile` percent of all do not exceed, or `None` if there is no
    /// duration. 50 is the median; less than 0 counts as 0, and more than 100, or what is not a
    /// number, as 100.
    ///
    /// # Examples
    ///
    /// ```
    /// # use multiproc::{Pool, worker};
    /// # #[worker]
    /// # fn square(x: u64) -> u64 {
    /// #     x * x
    /// # }
    /// # fn main() -> multiproc::Result<()> {
    /// # let pool = Pool::builder().workers(2).build()?;
    /// assert_eq!(pool.stats().wait().percentile(99.0), None);
    /// pool.submit(square::call(3)).wait()?;
    /// assert!(pool.stats().wait().percentile(99.0).is_some());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn percentile(&self, percentile: f64) -> Option<Duration> {
        let share = (percentile / 100.0).clamp(0.0, 1.0);
        let share = if share.is_nan() { 1.0 } else { share };
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is not exact, not negative, and not more than the count"
        )]
        let wanted = ((share * self.count as f64).ceil() as u64).max(1);
        let mut seen = 0;
        let class = self.classes.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        Some(longest(class).clamp(self.min, self.max))
    }

    pub(super) fn add(&mut self, duration: Duration, times: u32) {
        if times == 0 {
            return;
        }
        let class = class(duration);
        if self.classes.len() <= class {
            self.classes.resize(class + 1, 0);
        }
        self.classes[class] += u64::from(times);
        if self.count == 0 || duration < self.min {
            self.min = duration;
        }
        self.max = self.max.max(duration);
        self.count += u64::from(times);
        self.sum = self.sum.saturating_add(duration.saturating_mul(times));
    }
}

/// The class of a duration: exact below [`PARTS`] nanoseconds, then so many for each doubling.
fn class(duration: Duration) -> usize {
    let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let doublings = nanoseconds
        .checked_ilog2()
        .unwrap_or(0)
        .saturating_sub(PARTS.ilog2());
    let part = usize::try_from(nanoseconds >> doublings).unwrap_or(usize::MAX);
    doublings as usize * PARTS + part
}

/// The longest duration of a class.
fn longest(class: usize) -> Duration {
    let doublings = (class / PARTS).saturating_sub(1);
    let part = (class - doublings * PARTS) as u128;
    let nanoseconds = ((part + 1) << doublings) - 1;
    Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_has_what_is_not_much_shorter_than_its_longest() {
        let powers = (0..64).map(|power| 1_u64 << power);
        let around =
            powers.flat_map(|power| [power - 1, power, power | power >> 1, power | power >> 5]);
        for nanoseconds in around.chain([u64::MAX]) {
            let duration = Duration::from_nanos(nanoseconds);
            let longest = longest(class(duration));
            assert!(longest >= duration, "{nanoseconds}");
            assert!(
                longest <= duration.saturating_add(duration / 16),
                "{nanoseconds}: {longest:?}"
            );
        }
    }

    #[test]
    fn classes_are_in_the_order_of_their_durations() {
        let classes: Vec<_> = (0..10_000)
            .map(|n| class(Duration::from_nanos(n)))
            .collect();
        assert!(classes.is_sorted());
        assert!((0..500).all(|it| class(longest(it)) == it));
    }

    #[test]
    fn percentiles_count_from_the_shortest() {
        let mut all = Distribution::default();
        assert_eq!(
            (all.percentile(50.0), all.mean(), all.max()),
            (None, None, None)
        );
        for milliseconds in 1..=100 {
            all.add(Duration::from_millis(milliseconds), 1);
        }
        let near = |percent: f64, milliseconds: u64| {
            let (is, exact) = (
                all.percentile(percent).unwrap(),
                Duration::from_millis(milliseconds),
            );
            assert!(is >= exact && is <= exact + exact / 16, "{percent}: {is:?}");
        };
        near(0.0, 1);
        near(50.0, 50);
        near(99.0, 99);
        near(f64::NAN, 100);
        assert_eq!(all.percentile(1000.0), all.max());
        assert_eq!(all.max(), Some(Duration::from_millis(100)));
        assert_eq!(all.min(), Some(Duration::from_millis(1)));
        assert_eq!(all.mean(), Some(Duration::from_micros(50_500)));
    }

    #[test]
    fn several_of_the_same_are_counted_at_once() {
        let mut all = Distribution::default();
        all.add(Duration::from_secs(1), 0);
        assert_eq!(all, Distribution::default());
        all.add(Duration::from_secs(1), 3);
        all.add(Duration::ZERO, 1);
        assert_eq!((all.count(), all.sum()), (4, Duration::from_secs(3)));
        assert_eq!(all.percentile(25.0), Some(Duration::ZERO));
        assert_eq!(all.percentile(26.0), Some(Duration::from_secs(1)));
    }
}
