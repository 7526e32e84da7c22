//! How long a process may wait for its parent to take in what it logs.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// The longest wait for one record.
const ONCE: Duration = Duration::from_millis(5);

/// Of how much time a process may spend a part on waiting: of this many seconds, one.
const SHARE: u64 = 10;

/// How much it may wait in a row, if it has not for long.
const MOST: Duration = Duration::from_millis(50);

/// What a process has waited lately, all its threads together.
///
/// It is kept as the moment at which that is made good, by the clock in nanoseconds.
#[derive(Debug, Default)]
pub(super) struct Patience(AtomicU64);

impl Patience {
    /// How long to wait for room now; `None` if there was too much of that lately.
    pub(super) fn limit(&self, now: u64) -> Option<Duration> {
        let debt = self.0.load(Relaxed).saturating_sub(now) / SHARE;
        let left = MOST.saturating_sub(Duration::from_nanos(debt));
        (!left.is_zero()).then(|| left.min(ONCE))
    }

    /// Takes note of a wait that has just ended.
    pub(super) fn note(&self, waited: Duration, now: u64) {
        let waited = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
        let add = |good: u64| Some(good.max(now).saturating_add(waited.saturating_mul(SHARE)));
        // It always gives a value.
        let _ = self.0.fetch_update(Relaxed, Relaxed, add);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: u64 = 1_000_000;

    /// Waits as long as it may from this moment on, and says until when that was.
    fn use_up(patience: &Patience, mut now: u64) -> u64 {
        while let Some(limit) = patience.limit(now) {
            assert!(limit <= ONCE);
            now += u64::try_from(limit.as_nanos()).unwrap();
            patience.note(limit, now);
            // All waits end.
            if limit < Duration::from_micros(1) {
                break;
            }
        }
        now
    }

    #[test]
    fn a_process_waits_for_a_while_and_then_for_a_share_of_its_time() {
        let patience = Patience::default();
        let begin = 1_000 * MILLISECOND;
        assert_eq!(patience.limit(begin), Some(ONCE));
        let end = use_up(&patience, begin);
        let waited = (end - begin) / MILLISECOND;
        assert!((50..60).contains(&waited), "{waited}");
        // A while later it may wait for a tenth of that while.
        let later = end + 40 * MILLISECOND;
        let waited = (use_up(&patience, later) - later) / MILLISECOND;
        assert!((3..6).contains(&waited), "{waited}");
        // Long later, it may wait no longer than at first.
        let later = end + 60_000 * MILLISECOND;
        let waited = (use_up(&patience, later) - later) / MILLISECOND;
        assert!((50..60).contains(&waited), "{waited}");
    }
}
