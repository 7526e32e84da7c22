//! Nothing is left behind: no process, no descriptor, no thread, no file.

use std::fs;
use std::path::PathBuf;

use std::time::{Duration, Instant};

use multiproc::{StartMethod, Stdio, active_children, set_spare_processes, worker};

use crate::support::{
    Pidfd, cases, check, children, descriptors, fails, returns, threads, wait_for_ever,
};

cases! {
    a_thousand_workers_half_of_them_killed
    workers_that_fail_in_every_way
    workers_that_nobody_joins
    spares_are_let_go
    a_killed_fork_server
    a_stopped_fork_server
    hash_seeds_differ
}

#[worker]
fn add(a: u64, b: &[u64]) -> u64 {
    a + b.iter().sum::<u64>()
}

/// What there is of each kind when nothing runs.
#[derive(Debug, PartialEq)]
struct Household {
    children: usize,
    descriptors: usize,
    threads: usize,
    files: Vec<PathBuf>,
}

impl Household {
    /// Looks around when everything that comes with the first worker is there.
    fn settled(method: StartMethod) -> Household {
        for _ in 0..3 {
            check(method, add::call(1, &[2]), returns(3));
        }
        let household = Household::now();
        // A spare that is being made.
        let expected = Household {
            children: match method {
                StartMethod::ForkServer => 2,
                _ => 0,
            },
            ..Household::now()
        };
        expected.check();
        drop(household);
        Household::now()
    }

    fn now() -> Household {
        Household {
            children: children().len(),
            descriptors: descriptors(),
            threads: threads(),
            files: ["/dev/shm", "/tmp"]
                .into_iter()
                .flat_map(|place| fs::read_dir(place).unwrap())
                .map(|entry| entry.unwrap().path())
                .filter(|path| path.to_string_lossy().contains("multiproc"))
                .collect(),
        }
    }

    /// Waits until all is as it was: those that were killed need their time to end.
    #[track_caller]
    fn check(&self) {
        let begun = std::time::Instant::now();
        while Household::now() != *self {
            assert!(
                begun.elapsed().as_secs() < 20,
                "{:?} instead of {self:?}",
                Household::now()
            );
            std::thread::yield_now();
        }
    }
}

fn a_thousand_workers_half_of_them_killed(method: StartMethod) {
    let before = Household::settled(method);
    for number in 0..500 {
        if number % 50 == 0 {
            before.check();
        }
        check(method, add::call(number, &[1]), returns(number + 1));
        let process = wait_for_ever::call().start_method(method).spawn().unwrap();
        process.kill();
        if number % 2 == 0 {
            process.join().unwrap_err();
        }
    }
    before.check();
    assert!(active_children().is_empty());
}

#[worker]
fn panics() {
    panic!("as it should");
}

#[worker]
fn aborts() {
    std::process::abort();
}

fn workers_that_fail_in_every_way(method: StartMethod) {
    let before = Household::settled(method);
    let long = vec![1; 1 << 20];
    for _ in 0..20 {
        let call = panics::call().stderr(Stdio::null()).start_method(method);
        call.run().unwrap_err();
        aborts::call().start_method(method).run().unwrap_err();
        let call = add::call(1, &long).current_dir("/no/such/place");
        call.start_method(method).spawn().unwrap_err();
        let process = add::call(1, &long)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .start_method(method)
            .spawn()
            .unwrap();
        process.kill();
        drop(process);
        let text = "worker `aborts` was killed by SIGABRT: abort, in PLACE (pid PID)";
        check(
            method,
            aborts::call(),
            fails(multiproc::ErrorKind::Signaled, text),
        );
    }
    before.check();
}

fn workers_that_nobody_joins(method: StartMethod) {
    let before = Household::settled(method);
    let processes: Vec<_> = (0..50)
        .map(|number| {
            let call = add::call(number, &[1]).start_method(method);
            call.spawn().unwrap()
        })
        .collect();
    // They end by themselves and are reaped, and their results wait for nobody.
    for process in &processes {
        Pidfd::of_child(process).wait();
    }
    while !active_children().is_empty() {
        std::thread::yield_now();
    }
    for (number, process) in (0..).zip(processes) {
        match number % 3 {
            0 => drop(process),
            _ => assert_eq!(process.join().unwrap(), number + 1),
        }
    }
    before.check();
}

fn spares_are_let_go(method: StartMethod) {
    let run = || check(method, add::call(1, &[1]), returns(2));
    let before = Household::settled(method);
    set_spare_processes(10);
    run();
    if method == StartMethod::ForkServer {
        while children().len() < before.children + 9 {
            std::thread::yield_now();
        }
    }
    (0..20).for_each(|_| run());
    set_spare_processes(1);
    (0..3).for_each(|_| run());
    before.check();
    set_spare_processes(0);
    (0..3).for_each(|_| run());
    let spares = usize::from(method == StartMethod::ForkServer);
    while children().len() > before.children - spares {
        std::thread::yield_now();
    }
}

/// The one is replaced, and the children it made know nothing of it.
fn a_killed_fork_server(method: StartMethod) {
    let before = Household::settled(method);
    for _ in 0..10 {
        let mut running: Vec<_> = (0..3)
            .map(|_| wait_for_ever::call().start_method(method).spawn().unwrap())
            .collect();
        let workers: Vec<_> = running.iter().map(multiproc::Process::id).collect();
        for other in children() {
            if !workers.contains(&other) {
                let other = Pidfd::of(other);
                other.signal(rustix::process::Signal::KILL);
                other.wait();
            }
        }
        for _ in 0..3 {
            check(method, add::call(1, &[1]), returns(2));
        }
        for process in &mut running {
            assert!(process.is_running());
            process.kill();
        }
        for process in running {
            process.join().unwrap_err();
        }
    }
    before.check();
}

/// It would never answer, so another is started.
fn a_stopped_fork_server(method: StartMethod) {
    set_spare_processes(0);
    check(method, add::call(1, &[1]), returns(2));
    for _ in 0..3 {
        // It and nothing else, or nothing.
        for other in children() {
            Pidfd::of(other).signal(rustix::process::Signal::STOP);
        }
        let begin = Instant::now();
        check(method, add::call(1, &[1]), returns(2));
        // Much less than the time in which a busy one may answer.
        assert!(begin.elapsed() < Duration::from_secs(20));
        let others = usize::from(method == StartMethod::ForkServer);
        while children().len() > others {
            std::thread::yield_now();
        }
    }
}

#[worker]
fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

fn hash_seeds_differ(method: StartMethod) {
    let seeds: std::collections::HashSet<_> = (0..10)
        .map(|_| random::call().start_method(method).run().unwrap())
        .collect();
    assert_eq!(seeds.len(), 10);
}
