//! Limits that a task has for itself, in a process that runs others without them.

use std::hint::black_box;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use multiproc::channel::{Receiver, Sender, channel};
use multiproc::{Call, ErrorKind, PoolBuilder, StartMethod, worker};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::{check, identify, square};

/// The niceness of this thread.
fn niceness() -> i32 {
    rustix::process::nice(0).unwrap()
}

/// The limit on the memory of this process.
fn memory_limit() -> Option<u64> {
    getrlimit(Resource::Data).current
}

static CONFINED: AtomicU32 = AtomicU32::new(0);

fn confine() {
    CONFINED.fetch_add(1, Ordering::Relaxed);
}

#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
struct Seen {
    process: u32,
    memory: Option<u64>,
    nice: i32,
    confined: u32,
    thread: Option<String>,
}

fn seen() -> Seen {
    Seen {
        process: std::process::id(),
        memory: memory_limit(),
        nice: niceness(),
        confined: CONFINED.load(Ordering::Relaxed),
        thread: std::thread::current().name().map(str::to_owned),
    }
}

#[worker]
fn look() -> Seen {
    seen()
}

#[worker(memory = "512MiB", stack = "64MiB", nice = 3, before_worker = confine)]
fn look_within(levels: u32) -> Seen {
    /// Takes more than a kibibyte for each level.
    fn descend(levels: u32) -> u32 {
        let frame = black_box([levels; 256]);
        if levels == 0 {
            frame[0]
        } else {
            descend(levels - 1) + frame[255]
        }
    }
    black_box(descend(levels));
    seen()
}

#[test]
fn the_options_of_the_attribute_hold_for_its_tasks_only() {
    check(|pool| {
        let pool = pool().workers(1).name("within").build().unwrap();
        let before = pool.submit(look::call()).wait().unwrap();
        assert_eq!(before.confined, 0);
        let within = Seen {
            memory: Some(512 << 20),
            nice: (before.nice + 3).min(19),
            confined: 1,
            ..before.clone()
        };
        // 32 MiB of stack, which no other task has.
        let task = pool.submit(look_within::call(30_000));
        assert_eq!(task.wait().unwrap(), within);
        let after = Seen {
            confined: 1,
            ..before
        };
        assert_eq!(pool.submit(look::call()).wait().unwrap(), after);
        // The same for tasks that come together.
        let all = pool.map(look_within::call, vec![30_000; 20]).chunk_size(10);
        for one in all {
            assert_eq!(one.unwrap(), within);
        }
        let all: Vec<_> = pool
            .map(|()| look::call(), [(); 20])
            .chunk_size(10)
            .collect();
        for one in all {
            assert_eq!(one.unwrap(), after);
        }
        assert_eq!(pool.stats().restarts(), 0);
    });
}

#[test]
fn the_options_of_the_call_go_over_those_of_the_attribute() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let call = look_within::call(1).memory_limit(400 << 20).nice(5);
        let seen = pool.submit(call).wait().unwrap();
        let before = pool.submit(look::call()).wait().unwrap();
        assert_eq!(seen.memory, Some(400 << 20));
        assert_eq!(seen.nice, (before.nice + 5).min(19));
        // Calls of one map need not be alike.
        let limits = [300, 0, 350, 350, 0];
        let bind = |mebibytes: u64| match mebibytes {
            0 => look::call(),
            _ => look::call().memory_limit(mebibytes << 20),
        };
        let all: Vec<_> = pool
            .map(bind, limits)
            .chunk_size(5)
            .map(|seen| seen.unwrap().memory)
            .collect();
        let expected = limits.map(|mebibytes| match mebibytes {
            0 => before.memory,
            _ => Some(mebibytes << 20),
        });
        assert_eq!(all, expected);
    });
}

#[worker]
fn hoard(mebibytes: usize) -> usize {
    black_box(vec![1_u8; mebibytes << 20]).len()
}

#[worker]
fn fail_to_hoard() -> u32 {
    assert!(Vec::<u8>::new().try_reserve(4 << 30).is_err());
    std::process::id()
}

#[worker]
fn abort_without_a_cause() {
    std::process::abort();
}

const BLAME: &str = "after exceeding its memory limit of 256 MiB";

#[test]
fn the_memory_limit_of_a_task_is_blamed_for_its_own_death_only() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let limited = |mebibytes| hoard::call(mebibytes).memory_limit(256 << 20);
        let error = pool.submit(limited(400)).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Signaled);
        assert!(error.to_string().contains(BLAME), "{error}");

        // A process that has run a task with a limit runs others without.
        let id = pool.submit(identify::call()).wait().unwrap();
        assert_eq!(pool.submit(limited(1)).wait().unwrap(), 1 << 20);
        assert_eq!(pool.submit(hoard::call(400)).wait().unwrap(), 400 << 20);
        assert_eq!(pool.submit(identify::call()).wait().unwrap(), id);

        // One that got over it, and dies of something else.
        let call = fail_to_hoard::call().memory_limit(256 << 20);
        assert_eq!(pool.submit(call).wait().unwrap(), id);
        for call in [
            abort_without_a_cause::call().memory_limit(1 << 30),
            abort_without_a_cause::call(),
        ] {
            let error = pool.submit(call).wait().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Signaled);
            assert!(!error.to_string().contains("memory"), "{error}");
        }

        // Of tasks that come together, the one that it hits.
        let sizes = [1, 1, 400, 1, 1];
        let all: Vec<_> = pool.map(limited, sizes).chunk_size(5).collect();
        for (size, result) in sizes.into_iter().zip(all) {
            match result {
                Ok(length) => assert_eq!((length, size), (1 << 20, 1)),
                Err(error) => {
                    assert_eq!(size, 400);
                    assert!(error.to_string().contains(BLAME), "{error}");
                }
            }
        }
    });
}

#[test]
fn the_lower_one_of_two_memory_limits_holds() {
    check(|pool: fn() -> PoolBuilder| {
        for (of_pool, of_task) in [(256, 800), (800, 256)] {
            let pool = pool().workers(1).memory_limit(of_pool << 20);
            let pool = pool.build().unwrap();
            let call = hoard::call(500).memory_limit(of_task << 20);
            let error = pool.submit(call).wait().unwrap_err();
            assert!(error.to_string().contains(BLAME), "{error}");
        }
    });
}

fn fail_to_confine() {
    panic!("there is no sandbox");
}

#[test]
fn a_task_whose_function_to_run_before_panics_has_that_panic() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let first = pool.submit(identify::call()).wait().unwrap();
        let call = || identify::call().before_worker(fail_to_confine);
        let error = pool.submit(call()).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panicked);
        assert_eq!(error.panic().unwrap().message(), "there is no sandbox");
        // What it has done to its process is not known.
        assert_ne!(pool.submit(identify::call()).wait().unwrap(), first);
        let all: Vec<_> = pool.map(|()| call(), [(); 4]).chunk_size(4).collect();
        assert_eq!(all.len(), 4);
        for one in all {
            assert_eq!(one.unwrap_err().kind(), ErrorKind::Panicked);
        }
    });
}

static CALLS: Mutex<Vec<&str>> = Mutex::new(Vec::new());

fn note_one() {
    CALLS.lock().unwrap().push("one");
}

fn note_other() {
    CALLS.lock().unwrap().push("other");
}

#[worker]
fn calls() -> Vec<String> {
    CALLS
        .lock()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn each_function_to_run_before_runs_once_in_a_process() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let ask = |call: Call<'static, Vec<String>>| pool.submit(call).wait().unwrap();
        assert_eq!(ask(calls::call().before_worker(note_one)), ["one"]);
        assert_eq!(ask(calls::call().before_worker(note_one)), ["one"]);
        assert_eq!(
            ask(calls::call().before_worker(note_other)),
            ["one", "other"]
        );
        assert_eq!(ask(calls::call().before_worker(note_one)), ["one", "other"]);
        assert_eq!(ask(calls::call()), ["one", "other"]);
    });
}

/// Takes from its process what it takes to raise the limit again.
#[worker]
fn keep_the_limit() -> u32 {
    let limit = Rlimit {
        current: memory_limit(),
        maximum: memory_limit(),
    };
    setrlimit(Resource::Data, limit).unwrap();
    if rustix::process::geteuid().is_root() {
        // Root can raise it all the same.
        let nobody = rustix::process::Uid::from_raw(65534);
        rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
    }
    std::process::id()
}

#[test]
fn a_process_whose_limit_cannot_be_raised_again_runs_no_other_task() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let call = keep_the_limit::call().memory_limit(256 << 20);
        let first = pool.submit(call).wait().unwrap();
        let second = pool.submit(identify::call()).wait().unwrap();
        assert_ne!(first, second);
        assert_eq!(pool.submit(hoard::call(400)).wait().unwrap(), 400 << 20);
    });
}

/// Ends the thread that it runs on, and not its process.
#[worker]
fn end_thread() {
    // SAFETY: none: what the thread holds is never given back.
    #[expect(unsafe_code, reason = "this is the fault")]
    unsafe {
        libc::syscall(libc::SYS_exit, 0)
    };
}

#[test]
fn a_thread_of_a_task_that_ends_by_itself_is_the_end_of_the_process() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let call = end_thread::call().stack_size(1 << 20);
        let error = pool.submit(call).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Exited, "{error}");
        assert_eq!(error.exit_status().unwrap().code(), Some(70));
        assert_eq!(pool.submit(square::call(3)).wait().unwrap(), 9);
    });
}

/// Returns twice: once in a copy of the process.
#[worker]
fn fork_and_return() -> u32 {
    // SAFETY: the copy makes system calls only, until it is back in the library's hands.
    #[expect(unsafe_code, reason = "the library is to notice it")]
    let copy = unsafe { libc::fork() };
    assert!(copy >= 0);
    std::process::id()
}

#[test]
fn a_copy_that_a_task_with_limits_makes_does_not_answer() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let id = pool.submit(identify::call()).wait().unwrap();
        let call = || fork_and_return::call().stack_size(4 << 20);
        for _ in 0..5 {
            assert_eq!(pool.submit(call()).wait().unwrap(), id);
        }
        let all = pool.map(|()| call().memory_limit(1 << 30), [(); 10]);
        for one in all.chunk_size(5) {
            assert_eq!(one.unwrap(), id);
        }
        assert_eq!(pool.submit(identify::call()).wait().unwrap(), id);
    });
}

#[test]
fn what_a_process_has_from_its_start_is_refused_with_what_to_use() {
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        for (call, method) in [
            (square::call(1).env("A", "b"), "`PoolBuilder::env`"),
            (
                square::call(1).current_dir("/"),
                "`PoolBuilder::initializer`",
            ),
            (
                square::call(1).stderr(multiproc::Stdio::null()),
                "`PoolBuilder::stderr`",
            ),
            (
                square::call(1).cpu_affinity([0]),
                "`PoolBuilder::pin_to_cpus`",
            ),
            (square::call(1).uid(1), "`PoolBuilder::initializer`"),
            (
                square::call(1).start_method(StartMethod::Spawn),
                "`PoolBuilder::start_method`",
            ),
        ] {
            let error = pool.submit(call).wait().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            assert!(error.to_string().contains(method), "{error}");
        }
    });
}

#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
enum Deed {
    Return,
    Abort,
    Wait,
    WaitUntilAsked,
}

/// Tells its memory limit, does what it is told to, and gives the limit.
#[worker]
fn act(told: Sender<Option<u64>>, deeds: Receiver<Deed>) -> Option<u64> {
    told.send(memory_limit()).unwrap();
    match deeds.recv().unwrap() {
        Deed::Return => {}
        Deed::Abort => std::process::abort(),
        Deed::Wait => loop {
            std::thread::park();
        },
        Deed::WaitUntilAsked => {
            while !multiproc::is_cancelled() {
                std::thread::yield_now();
            }
        }
    }
    memory_limit()
}

#[test]
fn limits_go_with_a_task_from_one_process_to_the_next_and_end_with_it() {
    const LIMIT: u64 = 300 << 20;
    check(|pool| {
        let pool = pool().workers(1).build().unwrap();
        let look = || pool.submit(look::call()).wait().unwrap();
        let before = look();
        let (told, limits) = channel().unwrap();
        let (tell, deeds) = channel().unwrap();
        let call = || act::call(told.clone(), deeds.clone()).memory_limit(LIMIT);
        let is_as_before = || look().memory == before.memory;

        for deed in [Deed::Abort, Deed::Abort, Deed::Return] {
            tell.send(deed).unwrap();
        }
        let task = pool.submit(call().retries(2).stack_size(4 << 20));
        assert_eq!(task.wait().unwrap(), Some(LIMIT));
        for _ in 0..3 {
            assert_eq!(limits.recv().unwrap(), Some(LIMIT));
        }
        assert!(is_as_before());

        tell.send(Deed::Abort).unwrap();
        let error = pool.submit(call()).wait().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Signaled);
        assert_eq!(limits.recv().unwrap(), Some(LIMIT));
        assert!(is_as_before());

        tell.send(Deed::Wait).unwrap();
        let task = pool.submit(call().timeout(Duration::from_millis(500)));
        assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::TimedOut);
        assert_eq!(limits.recv().unwrap(), Some(LIMIT));
        assert!(is_as_before());

        tell.send(Deed::Wait).unwrap();
        let task = pool.submit(call());
        assert_eq!(limits.recv().unwrap(), Some(LIMIT));
        assert!(task.cancel());
        assert!(is_as_before());

        // It stops when it is asked to, on a thread of its own or not, and its process goes on.
        let process = look().process;
        for own_thread in [false, true] {
            tell.send(Deed::WaitUntilAsked).unwrap();
            let call = if own_thread { call().nice(1) } else { call() };
            let task = pool.submit(call);
            assert_eq!(limits.recv().unwrap(), Some(LIMIT));
            assert!(task.cancel_within(Duration::from_mins(1)));
            assert_eq!(task.wait().unwrap(), Some(LIMIT));
            assert!(is_as_before());
        }
        assert_eq!(look().process, process);
    });
}
