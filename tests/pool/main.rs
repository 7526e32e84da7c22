//! Pools of processes, and what becomes of their tasks.
//!
//! Each test has a deadline and ends only what it started. What it says, it says of both start
//! methods.

mod arguments;
mod broadcast;
mod copies;
mod death;
mod descendants;
mod executor;
mod flow;
mod frozen;
mod functions;
mod futile;
mod guests;
mod hostile;
mod input;
mod life;
mod limits;
mod map;
mod mixture;
mod order;
mod panics;
mod portable;
mod pressure;
mod priorities;
mod purposes;
mod recipe;
mod resize;
mod retire;
mod retries;
mod scarce;
mod series;
mod sick;
mod soak;
mod stats;
mod stderr_tail;
mod stopped;
mod stopping;
mod stream;
mod wait;

use std::time::{Duration, Instant};

use multiproc::{Pool, PoolBuilder, StartMethod, worker};

/// Runs a test with pools of each start method, and fails if it takes too long.
fn check(test: impl Fn(fn() -> PoolBuilder) + Send + Sync + 'static) {
    within(Duration::from_mins(1), move || {
        test(|| Pool::builder().start_method(StartMethod::ForkServer));
        test(|| Pool::builder().start_method(StartMethod::Spawn));
    });
}

/// Runs a test on a thread of its own, and fails if it takes longer than this.
fn within(limit: Duration, test: impl FnOnce() + Send + 'static) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        test();
        let _ = sender.send(());
    });
    match receiver.recv_timeout(limit) {
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
            panic!("the test takes longer than {limit:?}")
        }
        _ => {
            if let Err(panic) = thread.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

/// Waits until something is so.
#[track_caller]
fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(
            begin.elapsed() < Duration::from_secs(10),
            "it does not come to pass that {what}"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Kills a process of a pool of this test's.
fn kill(id: u32) {
    signal(id, rustix::process::Signal::KILL);
}

fn signal(id: u32, signal: rustix::process::Signal) {
    let id = i32::try_from(id)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let _ = rustix::process::kill_process(id.expect("a process id"), signal);
}

/// A new folder for files of this test's.
fn folder(name: &str) -> std::path::PathBuf {
    static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let folder = format!("multiproc-pool-{name}-{}-{number}", std::process::id());
    let folder = std::env::temp_dir().join(folder);
    std::fs::create_dir(&folder).unwrap();
    folder
}

/// Whether a process does anything yet; it may not have been reaped.
fn is_running(id: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{id}/stat"))
        .is_ok_and(|stat| !stat.contains(") Z ") && !stat.contains(") X "))
}

fn is_alive(id: u32) -> bool {
    std::path::Path::new(&format!("/proc/{id}")).exists()
}

#[worker]
fn square(x: u64) -> u64 {
    x * x
}

#[worker]
fn doze(millis: u64) -> u64 {
    std::thread::sleep(Duration::from_millis(millis));
    millis
}

#[worker]
fn identify() -> u32 {
    std::process::id()
}

#[worker]
fn die_by(signal: i32) {
    let pid = rustix::process::getpid();
    let signal = rustix::process::Signal::from_named_raw(signal).expect("a signal");
    let _ = rustix::process::kill_process(pid, signal);
    loop {
        std::thread::park();
    }
}

#[worker]
fn leave(code: i32) {
    std::process::exit(code);
}

#[worker]
fn panic_with(text: &str) {
    panic!("{text}");
}

#[worker]
#[expect(
    clippy::needless_pass_by_value,
    reason = "what a task borrows lives for ever"
)]
fn length(bytes: Vec<u8>) -> usize {
    bytes.len()
}
