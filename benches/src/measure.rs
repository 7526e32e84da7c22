//! Measuring: contestants take turns, a sample each, round after round.
//!
//! Whatever else the machine does then falls on all of them alike. Nothing is pinned, and no
//! sample is thrown away but those of the warm-up.

use std::error::Error;
use std::time::{Duration, Instant};

use serde::Serialize;

pub(crate) type Failable<T = ()> = Result<T, Box<dyn Error>>;

/// Rounds before the ones that count.
const WARM_UP: usize = 2;

/// Rounds that count, at least: fewer have no spread.
const FEWEST: usize = 5;

/// What takes less is done once without being measured when it is its turn: else it would be the
/// caches and the sleeping cores that its predecessor left which are measured.
const SHORT: Duration = Duration::from_millis(5);

/// How long a loop of something very short is run to be one sample.
const SAMPLE: Duration = Duration::from_micros(300);

/// One way of doing a group's work.
pub(crate) struct Contestant<'a> {
    name: &'static str,
    lane: Lane<'a>,
}

enum Lane<'a> {
    /// Takes a sample: nanoseconds or bytes, whatever the table is of.
    Ready(Box<dyn FnMut() -> Failable<f64> + 'a>),
    /// Cannot take part, and why.
    Absent(String),
}

impl<'a> Contestant<'a> {
    /// One that measures by itself.
    pub(crate) fn sampled(
        name: &'static str,
        sample: impl FnMut() -> Failable<f64> + 'a,
    ) -> Contestant<'a> {
        Contestant {
            name,
            lane: Lane::Ready(Box::new(sample)),
        }
    }

    /// One whose time for `items` items is a sample.
    pub(crate) fn timed(
        name: &'static str,
        items: usize,
        mut work: impl FnMut() -> Failable + 'a,
    ) -> Contestant<'a> {
        Contestant::sampled(name, move || time(items, &mut work))
    }

    /// One that takes so little time that many turns are a sample. `work` is told how many.
    pub(crate) fn looped(
        name: &'static str,
        mut work: impl FnMut(usize) -> Failable + 'a,
    ) -> Contestant<'a> {
        let mut turns = 0;
        Contestant::sampled(name, move || {
            if turns == 0 {
                turns = enough_turns(&mut work)?;
            }
            time(turns, || work(turns))
        })
    }

    pub(crate) fn absent(name: &'static str, reason: impl Into<String>) -> Contestant<'a> {
        Contestant {
            name,
            lane: Lane::Absent(reason.into()),
        }
    }

    fn take_warm_sample(&mut self) -> Option<f64> {
        let start = Instant::now();
        let cold = self.take_sample();
        if start.elapsed() < SHORT {
            self.take_sample()
        } else {
            cold
        }
    }

    fn take_sample(&mut self) -> Option<f64> {
        let Lane::Ready(sample) = &mut self.lane else {
            return None;
        };
        match sample() {
            Ok(value) => Some(value),
            Err(error) => {
                self.lane = Lane::Absent(format!("failed: {error}"));
                None
            }
        }
    }
}

/// Nanoseconds for each of `items` items that `work` does.
pub(crate) fn time(items: usize, work: impl FnOnce() -> Failable) -> Failable<f64> {
    let start = Instant::now();
    work()?;
    Ok(nanoseconds(start.elapsed()) / items as f64)
}

pub(crate) fn nanoseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e9
}

/// As many turns as make a sample.
fn enough_turns(work: &mut impl FnMut(usize) -> Failable) -> Failable<usize> {
    let mut turns = 1;
    loop {
        let start = Instant::now();
        work(turns)?;
        if start.elapsed() >= SAMPLE {
            return Ok(turns);
        }
        turns *= 2;
    }
}

/// How much of it: a race ends with its last round, or with the round in which its time is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    pub(crate) rounds: usize,
    pub(crate) time: Duration,
}

/// What came of a contestant: figures, or why there are none.
pub(crate) type Outcome = (&'static str, Result<Summary, String>);

/// Lets the contestants take turns.
pub(crate) fn race(mut contestants: Vec<Contestant<'_>>, effort: Effort) -> Vec<Outcome> {
    let mut samples = vec![Vec::new(); contestants.len()];
    for _ in 0..WARM_UP {
        for contestant in &mut contestants {
            contestant.take_sample();
        }
    }
    let start = Instant::now();
    for round in 0..effort.rounds.max(FEWEST) {
        if round >= FEWEST && start.elapsed() >= effort.time {
            break;
        }
        // Each round begins with another, so that nobody is always first after a pause.
        for turn in 0..contestants.len() {
            let turn = (round + turn) % contestants.len();
            samples[turn].extend(contestants[turn].take_warm_sample());
        }
    }
    contestants
        .into_iter()
        .zip(samples)
        .map(|(contestant, samples)| {
            let result = match contestant.lane {
                Lane::Absent(reason) => Err(reason),
                Lane::Ready(_) => Summary::of(samples).ok_or_else(|| "no samples".to_owned()),
            };
            (contestant.name, result)
        })
        .collect()
}

/// Samples in a nutshell.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) p10: f64,
    pub(crate) p90: f64,
    pub(crate) samples: usize,
}

impl Summary {
    /// `None` if there are none.
    pub(crate) fn of(mut samples: Vec<f64>) -> Option<Summary> {
        samples.sort_by(f64::total_cmp);
        Some(Summary {
            median: quantile(&samples, 0.5)?,
            p10: quantile(&samples, 0.1)?,
            p90: quantile(&samples, 0.9)?,
            samples: samples.len(),
        })
    }
}

/// The value that a share of the sorted samples is not above, between neighbours if need be.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share * (sorted.len().checked_sub(1)? as f64);
    let below = sorted[place.floor() as usize];
    let above = sorted[place.ceil() as usize];
    Some(below + (above - below) * place.fract())
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "these are exact")]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn a_summary_does_not_mind_the_order() {
        let summary = Summary::of(vec![5.0, 1.0, 4.0, 2.0, 3.0]).unwrap();
        assert_eq!(summary.median, 3.0);
        assert!((summary.p10 - 1.4).abs() < 1e-9);
        assert!((summary.p90 - 4.6).abs() < 1e-9);
        assert_eq!(summary.samples, 5);
    }

    #[test]
    fn a_summary_of_one_is_that_one() {
        let summary = Summary::of(vec![7.0]).unwrap();
        assert_eq!([summary.median, summary.p10, summary.p90], [7.0; 3]);
        assert_eq!(Summary::of(vec![]), None);
    }

    #[test]
    fn contestants_take_turns_and_each_round_begins_with_another() {
        let order = RefCell::new(String::new());
        let contestant = |name: &'static str| {
            let order = &order;
            Contestant::sampled(name, move || {
                order.borrow_mut().push_str(name);
                Ok(1.0)
            })
        };
        let effort = Effort {
            rounds: 5,
            time: Duration::MAX,
        };
        let outcomes = race(vec![contestant("a"), contestant("b")], effort);
        // Two rounds to warm up; then each goes twice, and the second time counts.
        assert_eq!(order.borrow().as_str(), "ababaabbbbaaaabbbbaaaabb");
        for (_, result) in outcomes {
            assert_eq!(result.unwrap().samples, 5);
        }
    }

    #[test]
    fn one_that_fails_is_out_and_says_why() {
        let effort = Effort {
            rounds: 5,
            time: Duration::MAX,
        };
        let mut left = 4;
        let contestant = Contestant::sampled("a", || {
            left -= 1;
            if left > 0 {
                Ok(1.0)
            } else {
                Err("tired".into())
            }
        });
        let outcomes = race(vec![contestant], effort);
        assert_eq!(outcomes, [("a", Err("failed: tired".to_owned()))]);
    }
}
