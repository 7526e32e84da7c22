//! What a map takes, and when; and how it names what failed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use multiproc::{ErrorKind, worker};

use crate::{check, die_by, doze, panic_with, square};

#[worker]
fn count_letters(path: &Path, extension: &str) -> usize {
    path.with_extension(extension).as_os_str().len()
}

/// Counts what is taken.
fn counted<T>(inputs: impl Iterator<Item = T>) -> (Arc<AtomicUsize>, impl Iterator<Item = T>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&taken);
    let inputs = inputs.inspect(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    (taken, inputs)
}

#[test]
fn calls_borrow_what_they_need() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let paths: Vec<PathBuf> = (0..100).map(|i| format!("{i:03}").into()).collect();
        let extension = String::from("png");
        let letters = pool.map(|path| count_letters::call(path, &extension), &paths);
        assert_eq!(letters.map(Result::unwrap).sum::<usize>(), 700);
        // What was borrowed may go at once.
        let task = pool.submit(count_letters::call(&paths[0], &extension));
        drop((paths, extension));
        assert_eq!(task.wait().unwrap(), 7);
    });
}

#[test]
fn errors_name_their_inputs() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let texts: Vec<String> = (0..5).map(|i| format!("text {i}")).collect();
        let results = pool
            .map(|text| panic_with::call(text), &texts)
            .chunk_size(3);
        for (number, result) in results.enumerate() {
            let error = result.unwrap_err();
            assert_eq!(error.input(), Some(number));
            assert_eq!(error.worker(), Some("panic_with"));
            let start = format!("input {number}: worker `panic_with` panicked: text {number}, at ");
            assert!(error.to_string().starts_with(&start), "{error}");
        }
        let error = pool.map(die_by::call, [9]).next().unwrap().unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("input 0: worker `die_by` was killed by SIGKILL"),
            "{text}"
        );
        assert_eq!(text.matches("input").count(), 1);
        // A task that was submitted has no number.
        let error = pool.submit(die_by::call(9)).wait().unwrap_err();
        assert_eq!(error.input(), None);
        assert!(error.to_string().starts_with("worker `die_by`"), "{error}");
    });
}

#[test]
fn results_have_the_numbers_of_their_inputs() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let inputs = [300, 1, 2, 3];
        let results: Vec<_> = pool
            .map_unordered(doze::call, inputs)
            .indexed()
            .map(|(index, millis)| (index, millis.unwrap()))
            .collect();
        assert_eq!(results.last(), Some(&(0, 300)));
        for (index, millis) in results {
            assert_eq!(inputs[index], millis);
        }
        let mut ordered = pool.map(square::call, 0..1000).indexed();
        assert_eq!(ordered.size_hint(), (1000, Some(1000)));
        for number in 0..1000 {
            let (index, value) = ordered.next().unwrap();
            assert_eq!((index, value.unwrap()), (number as usize, number * number));
        }
        assert!(ordered.next().is_none());
    });
}

#[test]
fn tiny_tasks_are_not_taken_by_the_hundred_thousand() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let (taken, inputs) = counted(0..);
        let mut results = pool.map(square::call, inputs);
        for given in 1..=100_000 {
            results.next().unwrap().unwrap();
            let taken = taken.load(Ordering::Relaxed);
            assert!(
                taken <= given + 2 * 16384,
                "{taken} are taken after {given}"
            );
        }
    });
}

#[test]
fn no_more_are_taken_than_is_said() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        for limit in [1, 3, 100] {
            for ordered in [true, false] {
                let (taken, inputs) = counted(0..);
                let mut results = match ordered {
                    true => pool.map(square::call, inputs),
                    false => pool.map_unordered(square::call, inputs),
                }
                .buffered(limit);
                for given in 1..=2000 {
                    results.next().unwrap().unwrap();
                    // This one was given out after the last was taken.
                    let taken = taken.load(Ordering::Relaxed);
                    assert!(taken < given + limit, "{taken} are taken after {given}");
                }
            }
        }
    });
}

#[worker]
fn echo(bytes: Vec<u8>) -> Vec<u8> {
    bytes
}

#[test]
fn long_arguments_are_not_taken_by_the_hundred() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let (taken, inputs) = counted((0..).map(|_| vec![0_u8; 1 << 20]));
        let mut results = pool.map(echo::call, inputs).chunk_size(1).buffered(1000);
        for given in 1..=50 {
            assert_eq!(results.next().unwrap().unwrap().len(), 1 << 20);
            let taken = taken.load(Ordering::Relaxed);
            assert!(taken <= given + 9, "{taken} are taken after {given}");
        }
    });
}

#[worker]
fn zeros(length: usize, pause: Duration) -> Vec<u8> {
    std::thread::sleep(pause);
    vec![0; length]
}

#[test]
fn long_results_that_wait_are_few() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let (taken, inputs) = counted(0..);
        // All others wait for the first.
        let call = |number| match number {
            0 => zeros::call(0, Duration::from_secs(1)),
            _ => zeros::call(4 << 20, Duration::ZERO),
        };
        let mut results = pool.map(call, inputs).chunk_size(1).buffered(1000);
        for given in 1..=20 {
            results.next().unwrap().unwrap();
            let taken = taken.load(Ordering::Relaxed);
            assert!(taken <= given + 9, "{taken} are taken after {given}");
        }
    });
}

#[test]
fn a_result_does_not_wait_for_slow_inputs() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        // When they begin to be slow, the tasks are known to be short, and taken many at a time.
        let slow = (0..30).inspect(|_| std::thread::sleep(Duration::from_millis(50)));
        let (taken, inputs) = counted((0..100_000).chain(slow));
        let mut results = pool.map(square::call, inputs);
        for _ in 0..100_000 {
            results.next().unwrap().unwrap();
        }
        let slow = taken.load(Ordering::Relaxed) - 100_000;
        assert!(slow <= 10, "{slow} of the slow inputs had been waited for");
        assert_eq!(results.count(), 30);
    });
}

#[test]
fn inputs_for_other_functions_and_options_are_not_taken_without_end() {
    check(|pool| {
        let pool = pool().workers(2).build().unwrap();
        let (taken, inputs) = counted(0_u64..);
        let call = |number: u64| match number % 2 {
            0 => square::call(number),
            _ => doze::call(0).timeout(Duration::from_mins(1)),
        };
        let mut results = pool.map(call, inputs).buffered(16);
        for given in 1..=100 {
            results.next().unwrap().unwrap();
            assert!(taken.load(Ordering::Relaxed) < given + 16);
        }
        // Nor are those whose arguments cannot be written.
        let (taken, inputs) = counted(0..);
        let call = |number: i32| square::call(3).env("NUMBER", number.to_string());
        let mut results = pool.map(call, inputs).buffered(16);
        for given in 1..=100 {
            let error = results.next().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(taken.load(Ordering::Relaxed) < given + 16);
        }
    });
}
