//! Tasks that end in every way there is, at random times around their limits.
//!
//! Each attempt to run a task is counted in memory that all share when it begins, and again when it
//! is about to give its value or to panic. So a task is *doubled* if it was begun more often than its
//! worker died by itself, and once; or if it came to an end more than once. It is *lost* if its
//! callback is not called. Everything a task does shows in its result, and has its number in it.
//! Meanwhile the pool grows and shrinks, its workers leave, and tasks pass each other by.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock, mpsc};
use std::time::{Duration, Instant};

use multiproc::shm::Shared;
use multiproc::{Call, Error, ErrorKind, Pool, StartMethod, worker};
use serde::{Deserialize, Serialize};

use crate::{die_by, within};

/// The time that each task has.
const TIMEOUT: Duration = Duration::from_millis(6);

/// How long it may take to stop from then on.
const GRACE: Duration = Duration::from_millis(3);

/// How often a lost task is tried again, if its call does not say it.
const RETRIES: u32 = 2;

/// How long it waits before that, at first.
const RETRY_DELAY: Duration = Duration::from_millis(2);

/// After how many tasks a worker leaves.
const MAX_TASKS: u32 = 7;

/// How many tasks: as many as fit some seconds, or what `MULTIPROC_MIXTURE` says.
fn tasks(fit: u32) -> u32 {
    std::env::var("MULTIPROC_MIXTURE").map_or(fit, |count| count.parse().unwrap())
}

/// How long so many may take at most, on a machine that has much else to do.
fn limit(tasks: u32) -> Duration {
    Duration::from_mins(5) + Duration::from_millis(100) * tasks
}

/// What a task is to do.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Deed {
    number: u32,
    micros: u64,
    /// Whether it stops when it is asked to.
    heeds: bool,
    /// How many attempts end with the death of the worker.
    deaths: u32,
    panics: bool,
    /// Whether its worker is to leave after it.
    is_last: bool,
    /// What its call says of it.
    retries: Option<u32>,
    priority: i32,
}

impl Deed {
    fn call(self) -> Call<'static, u64> {
        let call = act::call(self).priority(self.priority);
        match self.retries {
            Some(retries) => call.retries(retries),
            None => call,
        }
    }

    fn retries(&self) -> u32 {
        self.retries.unwrap_or(RETRIES)
    }
}

/// How often each task was begun, and how often it came to its end.
static COUNTS: OnceLock<[Shared<[AtomicU32]>; 2]> = OnceLock::new();

#[worker]
fn keep(counts: [Shared<[AtomicU32]>; 2]) {
    COUNTS.get_or_init(|| counts);
}

/// How many tasks this process has begun, and whether the last one was to be its last.
static TASKS: AtomicU32 = AtomicU32::new(0);
static IS_OVER: AtomicBool = AtomicBool::new(false);

#[worker]
fn act(deed: Deed) -> u64 {
    if IS_OVER.load(Relaxed) || TASKS.fetch_add(1, Relaxed) >= MAX_TASKS {
        return TOO_LATE;
    }
    if deed.is_last {
        IS_OVER.store(true, Relaxed);
        multiproc::retire();
    }
    let [begun, ended] = COUNTS.get().unwrap();
    let place = deed.number as usize;
    let attempt = begun[place].fetch_add(1, Relaxed);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_micros(deed.micros)
        && !(deed.heeds && multiproc::is_cancelled())
    {
        std::thread::sleep(Duration::from_micros(100));
    }
    if attempt < deed.deaths {
        die_by(9);
    }
    ended[place].fetch_add(1, Relaxed);
    if deed.panics {
        // Thousands of them are not to be printed.
        resume_unwind(Box::new(format!("the panic of {}", deed.number)));
    }
    value(deed.number)
}

/// The value of a task in a process that should have left.
const TOO_LATE: u64 = u64::MAX;

fn value(number: u32) -> u64 {
    u64::from(number) * 7 + 1
}

/// Numbers that are hard to foretell.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        // Marsaglia's xorshift.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn deed(&mut self, number: u32) -> Deed {
        let limit = u64::try_from(TIMEOUT.as_micros()).unwrap();
        let micros = match self.below(4) {
            0 => limit + self.below(4000) - 2000,
            1 => limit * 3,
            _ => self.below(1000),
        };
        let dies = self.below(12) == 0;
        Deed {
            number,
            micros,
            heeds: self.below(2) == 0,
            deaths: if dies {
                1 + u32::try_from(self.below(4)).unwrap()
            } else {
                0
            },
            panics: self.below(10) == 0,
            is_last: self.below(15) == 0,
            retries: (self.below(3) == 0).then(|| u32::try_from(self.below(4)).unwrap()),
            priority: i32::try_from(self.below(5)).unwrap() - 2,
        }
    }
}

/// Whether a task was cancelled, as far as its result has to show that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cancelled {
    No,
    Maybe,
    Surely,
}

/// Whether what a task came to can be.
fn judge(
    deed: Deed,
    cancelled: Cancelled,
    [begun, ended]: [u32; 2],
    (took, result): (Duration, Result<u64, Error>),
) -> Result<(), String> {
    let says = |text: &str| {
        Err(format!(
            "{text}: {deed:?}, {cancelled:?}, begun {begun}, ended {ended}, after {took:?}, {result:?}"
        ))
    };
    let deaths = deed.deaths.min(deed.retries());
    if begun > deaths + 1 || ended > 1 {
        return says("it is doubled");
    }
    let kind = match &result {
        Ok(_) => None,
        Err(error) => Some(error.kind()),
    };
    let is_true = match (&result, kind) {
        (_, Some(ErrorKind::Cancelled)) => cancelled != Cancelled::No,
        _ if cancelled == Cancelled::Surely => false,
        (Ok(it), _) => *it == value(deed.number) && begun == deed.deaths + 1 && ended == 1,
        // Its time counts from when the process takes it. Under load, that can be over before the
        // process has come to the first line of the worker.
        (Err(_), Some(ErrorKind::TimedOut)) => took >= TIMEOUT,
        (Err(error), Some(ErrorKind::Panicked)) => {
            let text = format!("the panic of {}", deed.number);
            error.panic().is_some_and(|panic| panic.message() == text) && deed.panics && ended == 1
        }
        (Err(error), Some(ErrorKind::Signaled)) => {
            let is_enough = deed.deaths > deed.retries() && begun == deed.retries() + 1;
            error.signal() == Some(9) && is_enough
        }
        _ => false,
    };
    if is_true {
        Ok(())
    } else {
        says("that cannot be")
    }
}

/// Submits tasks and cancels, drops and awaits them at random, beside a map over as many.
fn mix(method: StartMethod, tasks: u32) {
    let seed = RandomState::new().hash_one(0) | 1;
    let mut dice = Dice(seed);
    let count = |_| Shared::from_fn(2 * tasks as usize, |_| AtomicU32::new(0)).unwrap();
    let counts = [0, 1].map(count);
    let pool = Pool::builder()
        .workers(3)
        .start_method(method)
        .initializer(keep::call(counts.clone()))
        .max_tasks_per_worker(u64::from(MAX_TASKS))
        .retries(RETRIES)
        .retry_delay(RETRY_DELAY)
        .task_timeout(TIMEOUT)
        .build()
        .unwrap();
    let deeds: Vec<_> = (0..2 * tasks).map(|number| dice.deed(number)).collect();
    let (single, mapped) = deeds.split_at(tasks as usize);
    let cancelled = Mutex::new(vec![Cancelled::No; deeds.len()]);
    let (sender, results) = mpsc::channel();

    std::thread::scope(|scope| {
        let (results_of_single, sender, pool) = (sender.clone(), sender.clone(), &pool);
        scope.spawn(move || {
            let (begin, deeds) = (Instant::now(), mapped.iter().copied());
            let results = pool.map(Deed::call, deeds).grace(GRACE).chunk_size(5);
            for (deed, result) in mapped.iter().zip(results) {
                sender.send((deed.number, begin.elapsed(), result)).unwrap();
            }
        });
        for group in single.chunks(50) {
            let workers = 1 + usize::try_from(dice.below(4)).unwrap();
            pool.resize(workers).unwrap();
            submit(pool, group, &mut dice, &cancelled, &results_of_single);
        }
    });
    pool.shutdown().unwrap();
    drop(sender);

    let mut seen = HashMap::new();
    let mut wrong = Vec::new();
    for (number, took, result) in results {
        *seen.entry(number).or_insert(0) += 1;
        let place = number as usize;
        let counts = [0, 1].map(|it| counts[it][place].load(Relaxed));
        let cancelled = cancelled.lock().unwrap()[place];
        wrong.extend(judge(deeds[place], cancelled, counts, (took, result)).err());
    }
    assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
    let twice = seen.values().filter(|times| **times != 1).count();
    assert_eq!((seen.len(), twice), (deeds.len(), 0), "seed {seed}");
    let stats = pool.stats();
    assert_eq!(stats.finished(), u64::from(2 * tasks), "seed {seed}");
    #[expect(clippy::print_stdout, reason = "numbers for who runs it by hand")]
    {
        println!(
            "{} tasks, {method:?}: {} failed, {} retried, {} workers replaced",
            stats.finished(),
            stats.failed(),
            stats.retried(),
            stats.restarts()
        );
    }
}

/// What each task came to, and how long after it was submitted, or the whole map was.
type Results = mpsc::Sender<(u32, Duration, Result<u64, Error>)>;

/// Submits some tasks, and lets something happen to each of them, in any order.
fn submit(
    pool: &Pool,
    deeds: &[Deed],
    dice: &mut Dice,
    cancelled: &Mutex<Vec<Cancelled>>,
    results: &Results,
) {
    let mut tasks = Vec::new();
    for deed in deeds {
        let is_dropped = dice.below(8) == 0;
        let mut call = deed.call().kill_on_drop(is_dropped);
        if dice.below(2) == 0 {
            call = call.grace(GRACE);
        }
        let (begin, task) = (Instant::now(), pool.submit(call));
        let (results, number) = (results.clone(), deed.number);
        task.on_done(move |result| {
            let outcome = (number, begin.elapsed(), result);
            results.send(outcome).unwrap();
        });
        tasks.push((task, number, is_dropped));
        if dice.below(10) == 0 {
            std::thread::sleep(Duration::from_micros(dice.below(1000)));
        }
    }
    while !tasks.is_empty() {
        let place = usize::try_from(dice.below(tasks.len() as u64)).unwrap();
        let (task, number, is_dropped) = tasks.swap_remove(place);
        let note = |is: Cancelled| cancelled.lock().unwrap()[number as usize] = is;
        match dice.below(9) {
            0 => {
                if task.cancel() {
                    note(Cancelled::Surely);
                }
            }
            1 => {
                if task.cancel_within(Duration::from_micros(dice.below(8000))) {
                    note(Cancelled::Maybe);
                }
            }
            2 => {
                drop(task);
                if is_dropped {
                    note(Cancelled::Maybe);
                }
            }
            3 => {
                std::thread::sleep(Duration::from_micros(dice.below(2000)));
                tasks.push((task, number, is_dropped));
            }
            4 => {
                let limit = Duration::from_micros(dice.below(4000));
                if matches!(task.wait_timeout(limit), Ok(None)) {
                    tasks.push((task, number, is_dropped));
                }
            }
            // What it came to, its callback is told.
            _ => drop(task.wait()),
        }
    }
}

#[test]
fn each_task_ends_once_and_with_the_truth_by_clones() {
    let tasks = tasks(1000);
    within(limit(tasks), move || mix(StartMethod::ForkServer, tasks));
}

#[test]
fn each_task_ends_once_and_with_the_truth_by_execution() {
    let tasks = tasks(300);
    within(limit(tasks), move || mix(StartMethod::Spawn, tasks));
}
