//! Records of the crate `log`.

#![expect(unsafe_code, reason = "workers crash, and make copies of themselves")]

use std::fmt::{self, Write as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use log::kv::{Key, VisitSource};
use log::{LevelFilter, Log, Metadata, Record};
use multiproc::{Call, ErrorKind, Pool, StartMethod, worker};

use crate::support::cases;

cases! {
    a_record_arrives_as_it_was_logged
    what_is_logged_before_a_crash_arrives
    records_arrive_in_order_and_before_the_result
    a_level_that_the_parent_does_not_want_is_not_logged
    a_program_without_a_logger_hears_nothing
    a_task_of_a_pool_is_named
    what_the_logger_has_no_time_for_is_dropped_and_counted
    many_workers_at_full_speed
    a_logger_that_panics
    a_logger_that_never_returns
    a_logger_that_uses_a_pool
    a_record_that_is_too_long_is_cut
    a_copy_of_a_worker_logs_nothing
    a_value_that_logs_and_one_that_panics
    a_worker_of_a_worker
    a_logger_that_is_set_already
}

/// Has workers log to the test.
pub(crate) fn start() {
    // In the test itself, that does nothing.
    multiproc::logging::forward();
}

/// A logger that keeps what it is told, and does what a test wants.
struct Memory {
    lines: Mutex<Vec<String>>,
    deed: Mutex<Option<fn(&Record<'_>)>>,
}

static MEMORY: Memory = Memory {
    lines: Mutex::new(Vec::new()),
    deed: Mutex::new(None),
};

impl Log for Memory {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() != "unwanted"
    }

    fn log(&self, record: &Record<'_>) {
        let deed = *self.deed.lock().unwrap();
        if let Some(deed) = deed {
            deed(record);
        }
        let mut line = format!("{} {}: {}", record.level(), record.target(), record.args());
        record.key_values().visit(&mut Pairs(&mut line)).unwrap();
        self.lines.lock().unwrap().push(line);
    }

    fn flush(&self) {}
}

struct Pairs<'l>(&'l mut String);

impl<'kvs> VisitSource<'kvs> for Pairs<'_> {
    fn visit_pair(
        &mut self,
        key: Key<'kvs>,
        value: log::kv::Value<'kvs>,
    ) -> Result<(), log::kv::Error> {
        // The process ids are others each time.
        if key.as_str() != "pid" {
            write!(self.0, " {key}={value:?}").unwrap();
        }
        Ok(())
    }
}

/// Sets the logger, which does this first for each record.
fn listen_and(level: LevelFilter, deed: Option<fn(&Record<'_>)>) {
    log::set_logger(&MEMORY).unwrap();
    log::set_max_level(level);
    *MEMORY.deed.lock().unwrap() = deed;
}

pub(crate) fn listen() {
    listen_and(LevelFilter::Info, None);
}

/// What has been logged since the last time.
pub(crate) fn heard() -> Vec<String> {
    std::mem::take(&mut *MEMORY.lines.lock().unwrap())
}

/// Waits for something to be so.
fn wait_until(is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < Duration::from_secs(60), "it never is");
        thread::sleep(Duration::from_millis(1));
    }
}

fn run<R>(method: StartMethod, call: Call<'_, R>) -> multiproc::Result<R> {
    call.start_method(method).run()
}

#[worker]
fn greet(name: &str) -> u32 {
    let line = line!() + 1;
    log::info!(target: "greetings", name = name, age = 7_u8, share = 0.5, debt = -1, big = u128::MAX, adult = false, list:? = [1, 2]; "hello, {name}");
    line
}

fn a_record_arrives_as_it_was_logged(method: StartMethod) {
    static PLACE: Mutex<Option<(String, String, u32)>> = Mutex::new(None);
    static PID: AtomicU32 = AtomicU32::new(0);
    listen_and(
        LevelFilter::Info,
        Some(|record| {
            let pid = record.key_values().get(Key::from_str("pid")).unwrap();
            PID.store(pid.to_u64().unwrap().try_into().unwrap(), SeqCst);
            *PLACE.lock().unwrap() = Some((
                record.module_path().unwrap().to_owned(),
                record.file().unwrap().to_owned(),
                record.line().unwrap(),
            ));
        }),
    );
    let call = greet::call("Alice").name("greeter").start_method(method);
    let process = call.spawn().unwrap();
    let id = process.id();
    let line = process.join().unwrap();
    let big = u128::MAX;
    let expected = format!(
        r#"INFO greetings: hello, Alice name="Alice" age=7 share=0.5 debt=-1 big={big} adult=false list="[1, 2]" worker="greeter" task="greet""#
    );
    assert_eq!(heard(), [expected]);
    let place = PLACE.lock().unwrap().take();
    let expected = (module_path!().to_owned(), file!().to_owned(), line);
    assert_eq!(place, Some(expected));
    assert_eq!(PID.load(SeqCst), id);
}

#[worker]
fn log_and_crash(count: u32) {
    for number in 0..count {
        log::info!("{number}");
    }
    // SAFETY: there is no reason why it should be: it is a crash.
    unsafe { std::ptr::without_provenance::<u8>(8).read_volatile() };
}

fn what_is_logged_before_a_crash_arrives(method: StartMethod) {
    listen();
    let error = run(method, log_and_crash::call(3)).unwrap_err();
    assert_eq!(error.signal(), Some(libc::SIGSEGV), "{error}");
    let line = |number| {
        format!(
            "INFO {}: {number} worker=\"log_and_crash\" task=\"log_and_crash\"",
            module_path!()
        )
    };
    assert_eq!(heard(), [0, 1, 2].map(line));

    let pool = Pool::builder()
        .workers(1)
        .start_method(method)
        .build()
        .unwrap();
    let error = pool.submit(log_and_crash::call(2)).wait().unwrap_err();
    assert_eq!(error.signal(), Some(libc::SIGSEGV), "{error}");
    assert_eq!(heard().len(), 2);
}

#[worker]
fn count(to: u32) -> u32 {
    for number in 0..to {
        log::warn!(target: "count", "{number}");
    }
    to
}

/// The numbers that were counted, and how many records were dropped.
fn counted(lines: &[String]) -> (Vec<u32>, u32) {
    let mut numbers = Vec::new();
    let mut dropped = 0;
    for line in lines {
        if let Some(rest) = line.strip_prefix("WARN count: ") {
            numbers.push(rest.split(' ').next().unwrap().parse().unwrap());
        } else {
            let (_, rest) = line.split_once("multiproc::logging: ").expect(line);
            dropped += rest.split(' ').next().unwrap().parse::<u32>().unwrap();
        }
    }
    (numbers, dropped)
}

fn records_arrive_in_order_and_before_the_result(method: StartMethod) {
    listen();
    // Fewer than a connection holds.
    assert_eq!(run(method, count::call(100)).unwrap(), 100);
    assert_eq!(counted(&heard()), ((0..100).collect(), 0));
    let mut process = count::call(50).start_method(method).spawn().unwrap();
    process.wait();
    assert_eq!(counted(&heard()), ((0..50).collect(), 0));
    let pool = Pool::builder()
        .workers(1)
        .start_method(method)
        .build()
        .unwrap();
    for _ in 0..20 {
        pool.submit(count::call(10)).wait().unwrap();
        assert_eq!(counted(&heard()), ((0..10).collect(), 0));
    }
    let map: multiproc::Result<Vec<u32>> = pool.map(count::call, vec![1; 20]).collect();
    map.unwrap();
    pool.shutdown().unwrap();
    assert_eq!(counted(&heard()), (vec![0; 20], 0));
}

struct Counts(AtomicU32);

impl fmt::Display for &Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fetch_add(1, SeqCst);
        f.write_str("counted")
    }
}

#[worker]
fn log_levels() -> (u32, usize) {
    let count = Counts(AtomicU32::new(0));
    log::error!(target: "levels", "{}", &count);
    log::debug!(target: "levels", "{}", &count);
    log::trace!(target: "levels", "{}", &count);
    log::info!(target: "unwanted", "{}", &count);
    (count.0.load(SeqCst), log::max_level() as usize)
}

fn a_level_that_the_parent_does_not_want_is_not_logged(method: StartMethod) {
    listen();
    let info = LevelFilter::Info as usize;
    assert_eq!(run(method, log_levels::call()).unwrap(), (2, info));
    assert_eq!(heard().len(), 1);
    // It is that of the moment at which a process is started; also of a pool's.
    let pool = Pool::builder()
        .workers(1)
        .start_method(method)
        .build()
        .unwrap();
    log::set_max_level(LevelFilter::Trace);
    let trace = LevelFilter::Trace as usize;
    assert_eq!(run(method, log_levels::call()).unwrap(), (4, trace));
    assert_eq!(heard().len(), 3);
    assert_eq!(pool.submit(log_levels::call()).wait().unwrap(), (2, info));
}

fn a_program_without_a_logger_hears_nothing(method: StartMethod) {
    assert_eq!(run(method, log_levels::call()).unwrap(), (0, 0));
    listen();
    log::set_max_level(LevelFilter::Off);
    assert_eq!(run(method, log_levels::call()).unwrap(), (0, 0));
    assert!(heard().is_empty());
}

#[worker]
fn one() {
    log::info!("1");
}

#[worker]
fn two() {
    log::info!("2");
}

fn a_task_of_a_pool_is_named(method: StartMethod) {
    listen();
    let pool = Pool::builder().workers(1).name("crew").start_method(method);
    let pool = pool.build().unwrap();
    pool.submit(one::call()).wait().unwrap();
    pool.submit(two::call()).wait().unwrap();
    let line = |number, task| {
        format!(
            "INFO {}: {number} worker=\"crew\" task=\"{task}\"",
            module_path!()
        )
    };
    assert_eq!(heard(), [line(1, "one"), line(2, "two")]);
}

#[worker]
fn log_for(time: Duration) -> u32 {
    let begin = Instant::now();
    let mut count = 0;
    while begin.elapsed() < time {
        log::warn!(target: "count", "{count}");
        count += 1;
    }
    count
}

fn what_the_logger_has_no_time_for_is_dropped_and_counted(method: StartMethod) {
    listen_and(
        LevelFilter::Info,
        Some(|_| thread::sleep(Duration::from_millis(1))),
    );
    let logged = run(method, log_for::call(Duration::from_millis(500))).unwrap();
    // What a connection holds takes a while.
    let received = || counted(&MEMORY.lines.lock().unwrap());
    wait_until(|| {
        let (numbers, dropped) = received();
        numbers.len() as u32 + dropped >= logged
    });
    let (numbers, dropped) = received();
    assert_eq!(numbers.len() as u32 + dropped, logged);
    assert!(dropped > 0 && numbers.is_sorted());
}

fn many_workers_at_full_speed(method: StartMethod) {
    listen();
    let pool = Pool::builder()
        .workers(16)
        .start_method(method)
        .build()
        .unwrap();
    let time = Duration::from_millis(500);
    let tasks: Vec<_> = (0..16).map(|_| pool.submit(log_for::call(time))).collect();
    let logged: u32 = tasks.into_iter().map(|task| task.wait().unwrap()).sum();
    drop(pool);
    let received = || counted(&MEMORY.lines.lock().unwrap());
    wait_until(|| {
        let (numbers, dropped) = received();
        numbers.len() as u32 + dropped >= logged
    });
    let (numbers, dropped) = received();
    assert_eq!(numbers.len() as u32 + dropped, logged);
}

fn a_logger_that_panics(method: StartMethod) {
    listen_and(
        LevelFilter::Info,
        Some(|record| assert_ne!(record.args().to_string(), "1", "as it is to")),
    );
    run(method, count::call(3)).unwrap();
    assert_eq!(counted(&heard()).0, [0, 2]);
}

fn a_logger_that_never_returns(method: StartMethod) {
    listen_and(
        LevelFilter::Info,
        Some(|_| {
            loop {
                thread::park();
            }
        }),
    );
    let begin = Instant::now();
    for _ in 0..300 {
        assert_eq!(run(method, count::call(1)).unwrap(), 1);
    }
    // Those of the first ones, and a few of the test's own.
    assert!(crate::support::descriptors() < 300);
    assert_eq!(run(method, count::call(5000)).unwrap(), 5000);
    let pool = Pool::builder()
        .workers(2)
        .start_method(method)
        .build()
        .unwrap();
    assert_eq!(pool.submit(count::call(5000)).wait().unwrap(), 5000);
    pool.shutdown().unwrap();
    drop(pool);
    assert!(begin.elapsed() < Duration::from_secs(60));
    assert!(heard().is_empty());
}

#[worker]
fn double(number: u64) -> u64 {
    log::debug!("doubling {number}");
    number * 2
}

fn a_logger_that_uses_a_pool(method: StartMethod) {
    static POOL: Mutex<Option<Pool>> = Mutex::new(None);
    let pool = Pool::builder()
        .workers(1)
        .start_method(method)
        .build()
        .unwrap();
    *POOL.lock().unwrap() = Some(pool);
    listen_and(
        LevelFilter::Info,
        Some(|record| {
            if record.target() == "count" {
                let pool = POOL.lock().unwrap();
                let task = pool.as_ref().unwrap().submit(double::call(4));
                assert_eq!(task.wait().unwrap(), 8);
                assert_eq!(double::run(5).unwrap(), 10);
            }
        }),
    );
    run(method, count::call(2)).unwrap();
    wait_until(|| MEMORY.lines.lock().unwrap().len() == 2);
    drop(POOL.lock().unwrap().take());
}

#[worker]
fn log_much() {
    log::info!(target: "count", "{}", "x".repeat(100_000));
    log::info!(target: "count", other = "y".repeat(100_000).as_str(); "2");
}

fn a_record_that_is_too_long_is_cut(method: StartMethod) {
    listen();
    run(method, log_much::call()).unwrap();
    let lines = heard();
    assert_eq!(lines.len(), 2);
    for line in lines {
        assert!(line.contains("xx… (") || line.contains("yy… ("), "{line}");
        assert!(line.contains("bytes more)") && line.len() < 50_000);
        assert!(
            line.ends_with("worker=\"log_much\" task=\"log_much\""),
            "{line}"
        );
    }
}

#[worker]
fn fork_and_log() {
    log::info!(target: "count", "before");
    // SAFETY: the copy logs, ends, and does nothing else.
    let copy = unsafe { libc::fork() };
    if copy == 0 {
        log::info!(target: "count", "copy");
        // SAFETY: it ends the copy.
        unsafe { libc::_exit(0) };
    }
    // SAFETY: no status is asked for.
    unsafe { libc::waitpid(copy, std::ptr::null_mut(), 0) };
    log::info!(target: "count", "behind");
}

fn a_copy_of_a_worker_logs_nothing(method: StartMethod) {
    listen();
    run(method, fork_and_log::call()).unwrap();
    let lines = heard();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains("before") && lines[1].contains("behind"));
}

struct Logs;

impl fmt::Display for Logs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        log::info!(target: "count", "inner");
        f.write_str("outer")
    }
}

struct Panics;

impl fmt::Display for Panics {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("it cannot be written")
    }
}

#[worker]
fn log_values() {
    log::info!(target: "count", "{Logs}");
    log::info!(target: "count", "{Panics}");
}

fn a_value_that_logs_and_one_that_panics(method: StartMethod) {
    listen();
    let error = run(method, log_values::call()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
    let lines = heard();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("inner") && lines[1].contains("outer"));
}

#[worker]
fn delegate() {
    log::info!("outer");
    one::run().unwrap();
}

fn a_worker_of_a_worker(method: StartMethod) {
    listen();
    run(method, delegate::call()).unwrap();
    let lines = heard();
    let inner = r#"1 worker="one" task="one" worker="delegate" task="delegate""#;
    assert!(lines[0].ends_with(r#"outer worker="delegate" task="delegate""#));
    assert!(lines[1].ends_with(inner), "{lines:?}");
    assert_eq!(lines.len(), 2);
}

static FORWARDS_TWICE: AtomicBool = AtomicBool::new(false);

fn forward_again() {
    FORWARDS_TWICE.store(true, SeqCst);
    multiproc::logging::forward();
}

fn a_logger_that_is_set_already(method: StartMethod) {
    listen();
    // In this process it does nothing.
    multiproc::logging::forward();
    let error = run(method, one::call().before_worker(forward_again)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert!(
        error.to_string().contains("another logger is set already"),
        "{error}"
    );
    assert!(!FORWARDS_TWICE.load(SeqCst));
}
