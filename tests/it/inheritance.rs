//! What a process has from the thread that starts it, whichever thread was the first to start one.

#![expect(
    unsafe_code,
    reason = "threads and processes are given what std cannot give them"
)]

use std::collections::BTreeMap;
use std::fs;
use std::thread;

use multiproc::{Pool, StartMethod, worker};
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::support::{cases, check, returns};

cases! {
    a_thread_hands_on_what_it_has
    a_program_hands_on_what_it_has_now
    the_first_call_decides_nothing
    a_pool_has_what_its_maker_has
    a_priority_that_cannot_be_taken_back
    a_real_time_thread
    a_process_group_of_now
    a_root_directory_of_now
}

/// What `/proc` says of the calling thread, and of what it may use up.
fn inherited() -> BTreeMap<String, String> {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let wanted = [
        "Umask",
        "Uid",
        "Gid",
        "Groups",
        "SigBlk",
        "SigIgn",
        "CapInh",
        "Cpus_allowed",
        "NSpgid",
        "NSsid",
    ];
    let status = status.lines().filter_map(|line| line.split_once(':'));
    let limits = fs::read_to_string("/proc/self/limits").unwrap();
    let slack = fs::read_to_string("/proc/thread-self/timerslack_ns");
    let stat = fs::read_to_string("/proc/thread-self/stat").unwrap();
    let (_, stat) = stat.rsplit_once(')').unwrap();
    let stat: Vec<_> = stat.split_whitespace().collect();
    // SAFETY: it takes numbers: a thread, this one.
    let io_priority = unsafe { libc::syscall(libc::SYS_ioprio_get, 1, 0) };
    status
        .filter(|(name, _)| wanted.contains(name))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .chain([
            ("limits".to_owned(), limits),
            ("slack".to_owned(), slack.unwrap_or_default()),
            ("nice".to_owned(), stat[16].to_owned()),
            ("policy".to_owned(), stat[38].to_owned()),
            ("input and output".to_owned(), io_priority.to_string()),
        ])
        .collect()
}

#[worker]
fn inherits() -> BTreeMap<String, String> {
    inherited()
}

/// What this thread's child should have.
fn expected() -> BTreeMap<String, String> {
    let mut expected = inherited();
    // std's programs ignore it, and so do workers.
    let ignored = u64::from_str_radix(&expected["SigIgn"], 16).unwrap() | 1 << (libc::SIGPIPE - 1);
    expected.insert("SigIgn".to_owned(), format!("{ignored:016x}"));
    expected
}

/// Changes about all that a thread can change about itself without a privilege.
fn pin() {
    let mut one = CpuSet::new();
    let all = sched_getaffinity(None).unwrap();
    one.set((0..CpuSet::MAX_CPU).find(|cpu| all.is_set(*cpu)).unwrap());
    sched_setaffinity(None, &one).unwrap();
    rustix::thread::set_current_timer_slack(std::num::NonZero::new(70_000)).unwrap();
    // SAFETY: these take numbers, and the address of a set that is initialised before.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGUSR1);
        libc::sigaddset(&raw mut set, libc::SIGTERM);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const set, std::ptr::null_mut());
        libc::setpriority(libc::PRIO_PROCESS, 0, 7);
        libc::syscall(libc::SYS_ioprio_set, 1, 0, 2 << 13 | 7);
    }
}

fn in_a_thread<R: Send>(body: impl FnOnce() -> R + Send) -> R {
    thread::scope(|scope| scope.spawn(body).join().unwrap())
}

fn a_thread_hands_on_what_it_has(method: StartMethod) {
    for _ in 0..2 {
        check(method, inherits::call(), returns(expected()));
        in_a_thread(|| {
            pin();
            check(method, inherits::call(), returns(expected()));
        });
    }
}

fn the_first_call_decides_nothing(method: StartMethod) {
    in_a_thread(|| {
        pin();
        check(method, inherits::call(), returns(expected()));
    });
    check(method, inherits::call(), returns(expected()));
}

fn a_program_hands_on_what_it_has_now(method: StartMethod) {
    check(method, inherits::call(), returns(expected()));
    umask(Mode::from_raw_mode(0o027));
    // SAFETY: a valid disposition.
    unsafe { libc::signal(libc::SIGHUP, libc::SIG_IGN) };
    for (resource, limit) in [(Resource::Nofile, 500), (Resource::Stack, 4 << 20)] {
        let limit = Rlimit {
            current: Some(limit),
            ..getrlimit(resource)
        };
        setrlimit(resource, limit).unwrap();
    }
    check(method, inherits::call(), returns(expected()));
    umask(Mode::from_raw_mode(0o022));
    // SAFETY: as above.
    unsafe { libc::signal(libc::SIGHUP, libc::SIG_DFL) };
    let limit = Rlimit {
        current: Some(600),
        maximum: Some(700),
    };
    setrlimit(Resource::Nofile, limit).unwrap();
    check(method, inherits::call(), returns(expected()));
}

/// Its first processes, and those that replace them.
fn a_pool_has_what_its_maker_has(method: StartMethod) {
    // SAFETY: no other thread of this process looks at the environment.
    unsafe { std::env::set_var("MULTIPROC_START_METHOD", name(method)) };
    in_a_thread(|| {
        pin();
        inherits::run().unwrap();
    });
    let cpus = &expected()["Cpus_allowed"];
    let pool = Pool::builder()
        .workers(1)
        .max_tasks_per_worker(1)
        .build()
        .unwrap();
    for _ in 0..3 {
        let has = pool.submit(inherits::call()).wait().unwrap();
        assert_eq!(&has["Cpus_allowed"], cpus);
        assert_eq!(has["nice"], inherited()["nice"]);
    }
}

fn name(method: StartMethod) -> &'static str {
    match method {
        StartMethod::Spawn => "spawn",
        _ => "forkserver",
    }
}

/// As a program without privileges, whose first call came from a thread of low priority.
fn a_priority_that_cannot_be_taken_back(method: StartMethod) {
    become_nobody();
    in_a_thread(|| {
        pin();
        check(method, inherits::call(), returns(expected()));
    });
    check(method, inherits::call(), returns(expected()));
    // The one that was started for this serves the other, too.
    in_a_thread(|| {
        pin();
        check(method, inherits::call(), returns(expected()));
    });
    check(method, inherits::call(), returns(expected()));
}

/// Gives up being root, if it is: this process is the test's own.
fn become_nobody() {
    if rustix::process::geteuid().is_root() {
        let nobody = 65534;
        // SAFETY: these take numbers.
        unsafe {
            assert_eq!(libc::setgroups(0, std::ptr::null()), 0);
            assert_eq!(libc::setresgid(nobody, nobody, nobody), 0);
            assert_eq!(libc::setresuid(nobody, nobody, nobody), 0);
        }
    }
}

/// The program is executed for it, since a clone might not be let.
fn a_real_time_thread(method: StartMethod) {
    check(method, inherits::call(), returns(expected()));
    in_a_thread(|| {
        // SAFETY: it takes numbers and an address that is valid during the call.
        let set = unsafe {
            let parameters = libc::sched_param { sched_priority: 1 };
            libc::sched_setscheduler(0, libc::SCHED_RR, &raw const parameters)
        };
        if set != 0 {
            // It takes a privilege.
            return;
        }
        let process = inherits::call().start_method(method).spawn().unwrap();
        assert_eq!(process.start_method(), StartMethod::Spawn);
        assert_eq!(process.join().unwrap(), expected());
    });
    check(method, inherits::call(), returns(expected()));
}

fn a_process_group_of_now(method: StartMethod) {
    check(method, inherits::call(), returns(expected()));
    rustix::process::setpgid(None, None).unwrap();
    check(method, inherits::call(), returns(expected()));
}

#[worker]
fn root() -> Vec<String> {
    let entries = fs::read_dir("/").unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect()
}

/// A worker opens the files that its program would.
fn a_root_directory_of_now(method: StartMethod) {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let has_proc = |entries: &[String]| entries.iter().any(|entry| entry == "proc");
    assert!(has_proc(&root::call().start_method(method).run().unwrap()));
    rustix::process::chroot("/usr").unwrap();
    let result = root::call().start_method(method).run();
    // Without `/proc` the program cannot be executed, and no process sees the wrong files.
    match result {
        Ok(entries) => assert!(!has_proc(&entries)),
        Err(error) => assert_eq!(error.kind(), multiproc::ErrorKind::Spawn, "{error}"),
    }
}
