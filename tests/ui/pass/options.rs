//! What the options of a worker say holds for its calls, unless they say otherwise.
#![deny(warnings)]

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use multiproc::{ErrorKind, worker};

static RUNS: AtomicU32 = AtomicU32::new(0);

fn count() {
    RUNS.fetch_add(1, Ordering::Relaxed);
}

mod hooks {
    pub(crate) fn count_ten() {
        super::RUNS.fetch_add(10, super::Ordering::Relaxed);
    }
}

#[worker(timeout = "100ms")]
fn sleeps(pause: Duration) {
    thread::sleep(pause);
}

#[worker(timeout = "2h", memory = "64MiB", stack = "256KiB", nice = 3)]
fn limits() -> String {
    std::fs::read_to_string("/proc/self/limits").unwrap()
}

#[worker(memory = "64MB")]
fn allocates<T: Default + Clone>(count: usize) -> usize {
    vec![T::default(); count].len()
}

#[worker(nice = 5)]
fn niceness() -> i32 {
    nice_of_this_process()
}

#[worker(nice = 0)]
fn same_niceness() -> i32 {
    nice_of_this_process()
}

fn nice_of_this_process() -> i32 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    // proc_pid_stat(5): the 19th field, and the 17th after the name.
    fields.split_whitespace().nth(16).unwrap().parse().unwrap()
}

#[worker(stack = "32MiB")]
fn deep() -> usize {
    let large = [1_u8; 16 << 20];
    std::hint::black_box(&large).len()
}

#[worker(before_worker = count)]
fn runs() -> u32 {
    RUNS.load(Ordering::Relaxed)
}

#[worker(before_worker = hooks::count_ten, timeout = "1m", crate = ::multiproc)]
fn runs_of<const N: u32>() -> u32 {
    RUNS.load(Ordering::Relaxed) * N
}

macro_rules! worker_with {
    ($name:ident, $timeout:literal, $stack:expr, $nice:expr, $hook:path) => {
        #[worker(timeout = $timeout, stack = $stack, nice = $nice, before_worker = $hook)]
        fn $name() -> (u32, i32) {
            (RUNS.load(Ordering::Relaxed), nice_of_this_process())
        }
    };
}

worker_with!(from_a_macro, "1min", "1MiB", 1, hooks::count_ten);

#[worker(nice = -1, timeout = "1min")]
fn first() {}

#[test]
fn it_runs() {
    let pause = Duration::from_secs(60);
    assert_eq!(sleeps::run(pause).unwrap_err().kind(), ErrorKind::TimedOut);
    sleeps::call(Duration::from_millis(150))
        .timeout(pause)
        .run()
        .unwrap();

    let limits = limits::run().unwrap();
    let data = limits
        .lines()
        .find(|line| line.starts_with("Max data size"));
    assert!(data.unwrap().contains("67108864"), "{limits}");

    assert_eq!(allocates::run::<u8>(1 << 20).unwrap(), 1 << 20);
    assert!(allocates::run::<u64>(1 << 26).is_err());
    let call = allocates::call::<u8>(1 << 27);
    assert_eq!(call.memory_limit(1 << 30).run().unwrap(), 1 << 27);

    let own = nice_of_this_process();
    assert_eq!(niceness::run().unwrap(), (own + 5).min(19));
    assert_eq!(niceness::call().nice(1).run().unwrap(), (own + 1).min(19));
    assert_eq!(same_niceness::run().unwrap(), own);
    assert_eq!(deep::run().unwrap(), 16 << 20);

    assert_eq!(runs::run().unwrap(), 1);
    assert_eq!(
        runs::call().before_worker(hooks::count_ten).run().unwrap(),
        10
    );
    assert_eq!(runs_of::run::<2>().unwrap(), 20);
    assert_eq!(from_a_macro::run().unwrap(), (10, (own + 1).min(19)));
    assert_eq!(runs(), 0);
    // Only some may be more urgent than others.
    let _ = first::run();
}
