//! The same worker on many inputs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use multiproc::{ErrorKind, Result, worker};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{check, die_by, doze, panic_with, square};

#[test]
fn results_come_in_the_order_of_the_inputs() {
    check(|pool| {
        let pool = pool().workers(3).build().unwrap();
        let inputs = (0..30).map(|i| (i * 7) % 13);
        let results: Vec<_> = pool
            .map(doze::call, inputs.clone())
            .collect::<Result<_>>()
            .unwrap();
        assert_eq!(results, inputs.collect::<Vec<_>>());
        let squares: u64 = pool.map(square::call, 0..50_000).map(Result::unwrap).sum();
        assert_eq!(squares, (0..50_000).map(|x| x * x).sum::<u64>());
        assert!(pool.map(square::call, []).next().is_none());
    });
}

#[worker]
fn negated(number: i64) -> i64 {
    -number
}

#[worker]
#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "numbers can be lent, too"
)]
fn is_less(number: &u8, limit: f64) -> bool {
    f64::from(*number) < limit
}

#[worker]
fn ignored(_: bool) {}

#[worker]
fn described(number: u16, text: &str, (): ()) -> String {
    format!("{number} {text}")
}

#[test]
fn numbers_are_what_they_were() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        // More results at a time than there is room for where a worker leaves them.
        let numbers = (0..30_000).map(|number| (number - 15_000) * 0x1234_5678_9abc);
        let negated = pool.map(negated::call, numbers.clone()).chunk_size(16_384);
        for (number, negated) in numbers.zip(negated) {
            assert_eq!(negated.unwrap(), -number);
        }
        let limit = 99.5;
        let numbers: Vec<u8> = (0..=255).collect();
        let less = pool.map(|number| is_less::call(number, limit), &numbers);
        assert_eq!(
            less.filter(|is_less| matches!(is_less, Ok(true))).count(),
            100
        );
        let nothing = pool.map(ignored::call, [true, false].repeat(500));
        assert_eq!(nothing.collect::<Result<Vec<()>>>().unwrap().len(), 1000);
        // Beside what is none, and after one that was.
        let described = pool.map(|number| described::call(number, "x", ()), 200..300);
        let described: Vec<_> = described.collect::<Result<_>>().unwrap();
        assert_eq!((&*described[0], &*described[99]), ("200 x", "299 x"));
        assert_eq!(
            pool.submit(negated::call(i64::MAX)).wait().unwrap(),
            -i64::MAX
        );
    });
}

#[worker]
fn joined(word: &str, end: &str) -> String {
    format!("{word}{end}")
}

#[worker]
fn ends_at_seven(number: u32, die: bool) -> u32 {
    match (number, die) {
        (7, true) => std::process::abort(),
        (7, false) => panic!("seven"),
        _ => number,
    }
}

/// Runs a function that makes calls of any lifetime.
fn map_all<'c, F>(pool: &multiproc::Pool, bind: F, words: &'c [String]) -> Vec<String>
where
    F: FnMut(&'c String) -> multiproc::Call<'c, String>,
{
    pool.map(bind, words).collect::<Result<_>>().unwrap()
}

#[test]
fn calls_may_borrow() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let words: Vec<String> = (0..100).map(|number| format!("word {number}")).collect();
        let end = String::from("!");
        let expected: Vec<String> = words.iter().map(|word| format!("{word}!")).collect();
        // From the input and from what is around, from the items of an iterator, of one lifetime.
        let results = pool.map(|word| joined::call(word, &end), &words);
        assert_eq!(results.collect::<Result<Vec<_>>>().unwrap(), expected);
        let results = pool.map(
            |word| joined::call(word, &end),
            words.iter().map(|it| &**it),
        );
        assert_eq!(results.collect::<Result<Vec<_>>>().unwrap(), expected);
        assert_eq!(
            map_all(&pool, |word| joined::call(word, "!"), &words),
            expected
        );
        // The input is gone before the task runs.
        let task = {
            let word = String::from("short-lived");
            pool.submit(joined::call(&word, &end))
        };
        assert_eq!(task.wait().unwrap(), "short-lived!");
    });
}

#[test]
fn results_know_their_input() {
    check(|pool| {
        let pool = pool().workers(3).build().unwrap();
        let inputs: Vec<u64> = (0..500).map(|number| number * 3).collect();
        let mut seen = vec![false; inputs.len()];
        for (index, result) in pool.map_unordered(square::call, inputs.clone()).indexed() {
            assert_eq!(result.unwrap(), inputs[index] * inputs[index]);
            assert!(!std::mem::replace(&mut seen[index], true));
        }
        assert!(seen.iter().all(|seen| *seen));
        let indices = pool
            .map(square::call, inputs)
            .indexed()
            .map(|(index, _)| index);
        assert!(indices.eq(0..500));
        // So does an error, whether the task was lost or has answered.
        for die in [true, false] {
            for (index, result) in pool
                .map(|number| ends_at_seven::call(number, die), 0..9)
                .chunk_size(3)
                .indexed()
            {
                if let Err(error) = &result {
                    assert_eq!((index, error.input()), (7, Some(7)), "{error}");
                    assert!(
                        error.to_string().starts_with("input 7: worker `"),
                        "{error}"
                    );
                } else {
                    assert_ne!(index, 7);
                }
            }
        }
        assert_eq!(
            pool.submit(die_by::call(9)).wait().unwrap_err().input(),
            None
        );
    });
}

#[test]
fn or_as_they_are_ready() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let inputs = [400, 1, 1, 1, 1];
        let results: Vec<_> = pool
            .map_unordered(doze::call, inputs)
            .map(Result::unwrap)
            .collect();
        assert_eq!(results, [1, 1, 1, 1, 400]);
    });
}

#[test]
fn no_more_inputs_are_taken_than_are_needed() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let taken = AtomicUsize::new(0);
        let inputs = (0..).inspect(|_| {
            taken.fetch_add(1, Ordering::Relaxed);
        });
        let mut results = pool.map(|_| doze::call(20), inputs);
        for _ in 0..10 {
            results.next().unwrap().unwrap();
        }
        std::thread::sleep(Duration::from_millis(100));
        assert!(taken.load(Ordering::Relaxed) <= 10 + 8, "{taken:?}");
        drop(results);
        // What had not begun is cancelled: the pool has time for others.
        let begin = Instant::now();
        assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
        assert!(begin.elapsed() < Duration::from_secs(5));
    });
}

#[test]
fn an_error_is_one_tasks_own() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let texts = ["a", "b", "c", "d"];
        let results: Vec<_> = pool.map(panic_with::call, texts).chunk_size(4).collect();
        for (text, result) in texts.into_iter().zip(results) {
            assert_eq!(result.unwrap_err().panic().unwrap().message(), text);
        }
        let first: Result<Vec<()>> = pool.map(die_by::call, [9, 9, 9]).collect();
        assert_eq!(first.unwrap_err().kind(), ErrorKind::Signaled);
    });
}

#[test]
fn a_short_task_does_not_wait_behind_a_long_one() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        // One group, in which the first is long: the others are taken back from behind it.
        let begin = Instant::now();
        let mut results = pool
            .map_unordered(doze::call, [3000, 1, 1, 1, 1, 1, 1, 1, 1, 1])
            .chunk_size(10);
        for _ in 0..9 {
            assert_eq!(results.next().unwrap().unwrap(), 1);
        }
        assert!(begin.elapsed() < Duration::from_millis(2500));
        assert_eq!(results.next().unwrap().unwrap(), 3000);
    });
}

#[test]
fn a_result_does_not_wait_for_a_long_task_behind_it() {
    check(|pool| {
        // In each group, the last task does not end within this test.
        let one = pool().workers(1).build().unwrap();
        let mut results = one
            .map_unordered(doze::call, [0, 0, 1, 0, 60_000])
            .chunk_size(5);
        for millis in [0, 0, 1, 0] {
            assert_eq!(results.next().unwrap().unwrap(), millis);
        }
        let other = pool().workers(1).build().unwrap();
        let mut results = other.map(doze::call, [1, 60_000]).chunk_size(2);
        assert_eq!(results.next().unwrap().unwrap(), 1);
        crate::eventually("the long task has begun", || other.active() == 1);
        other.worker_ids().into_iter().for_each(crate::kill);
        let error = results.next().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Signaled);
        assert!(results.next().is_none());
    });
}

#[test]
fn a_timeout_is_each_tasks_own() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let inputs = [1, 60_000, 2, 3, 60_000, 4];
        let results: Vec<_> = pool
            .map(doze::call, inputs)
            .timeout(Duration::from_millis(300))
            .chunk_size(3)
            .collect();
        for (input, result) in inputs.into_iter().zip(results) {
            match result {
                Ok(millis) => assert_eq!(millis, input),
                Err(error) => assert_eq!((input, error.kind()), (60_000, ErrorKind::TimedOut)),
            }
        }
    });
}

#[test]
fn progress_is_told() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let told = Mutex::new(Vec::new());
        pool.map(square::call, 0..1000)
            .progress(|done, total| told.lock().unwrap().push((done, total)))
            .for_each(|result| assert!(result.is_ok()));
        let told = told.into_inner().unwrap();
        assert!(told.is_sorted());
        assert_eq!(told.last(), Some(&(1000, 1000)));
    });
}

#[test]
fn an_input_that_panics_loses_nothing_else() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let inputs = (0..20_u64).inspect(|x: &u64| assert_ne!(*x, 13, "unlucky"));
        for ordered in [true, false] {
            let inputs = inputs.clone();
            let mut results = match ordered {
                true => pool.map(square::call, inputs).chunk_size(5),
                false => pool.map_unordered(square::call, inputs).chunk_size(5),
            };
            let mut values = Vec::new();
            let mut panics = Vec::new();
            loop {
                match catch_unwind(AssertUnwindSafe(|| results.next())) {
                    Ok(Some(value)) => values.push(value.unwrap()),
                    Ok(None) => break,
                    Err(_) => panics.push(values.len()),
                }
            }
            // In its turn, and not before what comes before.
            assert_eq!(panics, [13]);
            assert_eq!(values.len(), 19);
        }
        assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
    });
}

/// Panics when it is written or read.
#[derive(Debug, PartialEq)]
struct Moody(u64);

impl Serialize for Moody {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert_ne!(self.0, 3, "not this one");
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Moody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Moody, D::Error> {
        let number = u64::deserialize(deserializer)?;
        assert_ne!(number, 5, "not that one");
        Ok(Moody(number))
    }
}

#[worker]
fn calm(number: u64) -> Moody {
    Moody(number)
}

#[worker]
fn excite(moody: Moody) -> u64 {
    moody.0
}

#[test]
fn a_panic_of_serde_is_that_of_one_item() {
    fn watch<R>(results: impl Iterator<Item = multiproc::Result<R>>) -> Vec<&'static str> {
        let mut results = results;
        let next = || match catch_unwind(AssertUnwindSafe(|| results.next())) {
            Ok(Some(Ok(_))) => Some("value"),
            Ok(Some(Err(_))) => Some("error"),
            Ok(None) => None,
            Err(_) => Some("panic"),
        };
        std::iter::from_fn(next).collect()
    }
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        for size in [1, 4, 100] {
            // The worker cannot write the third, which it tells, and the program not read the fifth.
            let seen = watch(pool.map(calm::call, 0..8).chunk_size(size));
            let mut expected = ["value"; 8];
            (expected[3], expected[5]) = ("error", "panic");
            assert_eq!(seen, expected);
            // The program cannot write the third, and the worker not read the fifth.
            let inputs = (0..8).map(Moody);
            let seen = watch(pool.map(excite::call, inputs).chunk_size(size));
            (expected[3], expected[5]) = ("panic", "error");
            assert_eq!(seen, expected);
        }
        assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
    });
}
