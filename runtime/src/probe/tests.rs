//! The explorer finds what is broken, and lets pass what is not.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::explorer::Explored;
use super::{Dead, Explorer, Part, World, bytes_of, pause};
use crate::spin::{Awaited, spin_until};
use crate::sys;
use crate::sys::atomic::AtomicU32;
use crate::sys::futex;

/// A lock with one word, and a number that it protects.
#[derive(Default)]
struct Small {
    word: AtomicU32,
    number: AtomicU32,
}

const FREE: u32 = 0;
const TAKEN: u32 = 1;
const WAITED: u32 = 2;

/// Longer than any test.
const LONG: Duration = Duration::from_hours(1);

impl World for Small {
    fn memory(&self) -> Vec<Range<usize>> {
        vec![bytes_of(self)]
    }
}

impl Small {
    fn take(&self, from: u32, to: u32) -> bool {
        self.word
            .compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }

    fn lock(&self) {
        if self.take(FREE, TAKEN) {
            return;
        }
        while self.word.swap(WAITED, Ordering::SeqCst) != FREE {
            futex::wait(&self.word, WAITED, LONG);
        }
    }

    fn unlock(&self) {
        if self.word.swap(FREE, Ordering::SeqCst) == WAITED {
            futex::wake(&self.word, 1);
        }
    }

    /// Forgets that there may be more who wait.
    fn lock_alone(&self) {
        while !self.take(FREE, TAKEN) {
            self.take(TAKEN, WAITED);
            futex::wait(&self.word, WAITED, LONG);
        }
    }

    /// Looks and takes in two steps.
    fn lock_late(&self) {
        while self.word.load(Ordering::SeqCst) != FREE {
            futex::wait(&self.word, WAITED, LONG);
        }
        self.word.store(WAITED, Ordering::SeqCst);
    }

    /// Adds one, in two steps.
    fn count(&self) {
        let number = self.number.load(Ordering::SeqCst);
        self.number.store(number + 1, Ordering::SeqCst);
    }
}

fn search(explorer: Explorer, parts: &[Part<'_, Small>]) -> Explored {
    explorer.search(Small::default, parts, check(parts.len()))
}

/// Each of so many has counted.
fn check(parts: usize) -> impl Fn(&Small, Dead) {
    let parts = u32::try_from(parts).unwrap();
    move |small, dead| {
        if dead.count() == 0 {
            assert_eq!(small.number.load(Ordering::SeqCst), parts);
        }
    }
}

/// What went wrong, found again by the schedule that is printed.
fn failure(explorer: Explorer, parts: &[Part<'_, Small>]) -> String {
    let found = search(explorer, parts).failure.expect("it is broken");
    let text = found.schedule.to_string();
    let again = super::schedule::Schedule::parse(&text).expect("it was printed");
    let again = explorer.take(again, Small::default, parts, check(parts.len()));
    assert_eq!(again.as_deref(), Some(&*found.what), "after {text}");
    found.what
}

#[test]
fn a_lock_that_is_right_passes() {
    let part: Part<'_, Small> = &|small, _| {
        small.lock();
        small.count();
        small.unlock();
    };
    let explored = search(Explorer::preempting(2), &[part; 3]);
    assert!(explored.failure.is_none(), "{}", explored.failure.unwrap());
    assert!(explored.schedules > 100);
}

#[test]
fn a_lost_wake_up_is_found() {
    let part: Part<'_, Small> = &|small, _| {
        small.lock_alone();
        small.number.fetch_add(1, Ordering::SeqCst);
        small.unlock();
    };
    // Two that wait, of whom the first to be woken forgets the other.
    let what = failure(Explorer::preempting(2), &[part; 3]);
    assert!(what.starts_with("somebody waits for ever"), "{what}");
    // With two actors no third can be forgotten.
    assert!(
        search(Explorer::preempting(4), &[part; 2])
            .failure
            .is_none()
    );
}

#[test]
fn two_at_a_time_are_found() {
    let part: Part<'_, Small> = &|small, _| {
        small.lock_late();
        small.count();
        small.unlock();
    };
    let what = failure(Explorer::preempting(2), &[part; 2]);
    assert!(what.contains("left: 1"), "{what}");
}

#[test]
fn a_lock_that_nobody_inherits_is_found() {
    let part: Part<'_, Small> = &|small, _| {
        small.lock();
        small.unlock();
        small.number.fetch_add(1, Ordering::SeqCst);
    };
    assert!(
        search(Explorer::preempting(2), &[part; 2])
            .failure
            .is_none()
    );
    let what = failure(Explorer::preempting(0).deaths(1), &[part; 2]);
    assert!(what.contains("somebody still waits"), "{what}");
}

#[test]
fn a_panic_is_a_failure() {
    let part: Part<'_, Small> = &|small, me| {
        assert!(
            me != 1 || small.number.load(Ordering::SeqCst) != 1,
            "as it is"
        );
        small.number.fetch_add(1, Ordering::SeqCst);
        pause();
    };
    assert_eq!(failure(Explorer::preempting(1), &[part; 2]), "as it is");
}

#[test]
fn one_that_never_sleeps_is_found() {
    let spin: Part<'_, Small> = &|small, _| {
        while small.number.load(Ordering::SeqCst) != 2 {}
    };
    let add: Part<'_, Small> = &|small, _| {
        small.number.fetch_add(1, Ordering::SeqCst);
    };
    let what = failure(Explorer::preempting(1), &[spin, add]);
    assert!(what.contains("for ever"), "{what}");
}

#[test]
fn steps_on_what_nobody_shares_are_no_stops() {
    let part: Part<'_, Small> = &|small, me| {
        let own = if me == 0 { &small.word } else { &small.number };
        for _ in 0..100 {
            own.store(1, Ordering::SeqCst);
        }
    };
    let explorer = Explorer::preempting(2);
    let explored = explorer.search(Small::default, &[part; 2], |_, _| {});
    // Only who begins is decided.
    assert_eq!((explored.schedules, explored.failure.is_none()), (2, true));
}

#[test]
fn actors_begin_each_run_as_if_there_had_been_none() {
    let numbers = Mutex::new(Vec::new());
    let part: Part<'_, Small> = &|small, _| {
        numbers.lock().unwrap().push(sys::thread::number());
        // Not as often as the last time, if it remembers that.
        spin_until(Awaited::Lock, || small.word.load(Ordering::SeqCst) == TAKEN);
        pause();
    };
    let explorer = Explorer::preempting(1).deaths(1);
    let explored = explorer.search(Small::default, &[part; 2], |_, _| {});
    assert!(explored.failure.is_none(), "{}", explored.failure.unwrap());
    let mut numbers = numbers.into_inner().unwrap();
    let count = numbers.len();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), count);
    assert!(explored.schedules > 2 && count > explored.schedules);
}
