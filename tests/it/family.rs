//! Parents and children: who outlives whom.

#![expect(unsafe_code, reason = "processes are forked behind the library's back")]

use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use multiproc::ErrorKind::Signaled;
use multiproc::{Fd, StartMethod, Stdio, worker};
use rustix::process::Signal;

use crate::support::{
    Pidfd, Running, cases, check, fails, program, returns, wait_for_ever, with_method,
};

cases! {
    children_do_not_outlive_a_killed_program
    children_do_not_outlive_a_program_that_returns
    children_do_not_outlive_a_program_that_exits_at_once
    children_of_a_program_that_returns_at_once_say_nothing
    children_do_not_outlive_a_killed_worker
    children_do_not_outlive_a_parent_that_was_forked
    children_do_not_outlive_a_parent_that_was_killed_while_it_sent
    children_that_start_up_do_not_outlive_their_parent
    the_end_of_a_thread_is_not_that_of_its_children
    a_process_forked_by_a_worker_keeps_nobody_waiting
    a_program_started_by_a_worker_keeps_nobody_waiting
    children_of_a_worker_that_returns
    a_process_made_by_fork_starts_none
}

/// The name as `program` takes it.
fn name(method: StartMethod) -> &'static str {
    match method {
        StartMethod::Spawn => "spawn",
        StartMethod::ForkServer => "forkserver",
        other => panic!("{other:?} has no name"),
    }
}

fn start(scenario: &str, method: StartMethod) -> Running {
    let mut command = program("program");
    command
        .arg(scenario)
        .env("MULTIPROC_START_METHOD", name(method));
    Running::start(&mut command)
}

/// Waits until all are gone, which is when the test is.
fn all_end(processes: Vec<Pidfd>) {
    for process in processes {
        process.wait();
    }
}

fn children_do_not_outlive_a_killed_program(method: StartMethod) {
    // 3 of the first generation, 9 of the second, 27 of the third.
    let mut program = start("tree", method);
    let processes: Vec<_> = (0..39).map(|_| program.process()).collect();
    program.kill();
    all_end(processes);
    // Nor does anybody else hold its output: no fork server, no spare.
    assert_eq!(program.rest(), "");
}

fn children_do_not_outlive_a_program_that_returns(method: StartMethod) {
    let mut program = start("tree-and-return", method);
    let processes: Vec<_> = (0..39).map(|_| program.process()).collect();
    program.child.stdin.take();
    assert!(program.child.wait().unwrap().success());
    all_end(processes);
    assert_eq!(program.rest(), "");
}

fn children_do_not_outlive_a_program_that_exits_at_once(method: StartMethod) {
    let mut program = start("tree-and-exit", method);
    let processes: Vec<_> = (0..39).map(|_| program.process()).collect();
    program.child.stdin.take();
    assert_eq!(program.child.wait().unwrap().code(), Some(4));
    all_end(processes);
    assert_eq!(program.rest(), "");
}

/// They may not even have begun.
fn children_of_a_program_that_returns_at_once_say_nothing(method: StartMethod) {
    for _ in 0..30 {
        let mut command = program("program");
        command.arg("spawn-and-return");
        // It is read until the last of them is gone.
        let output = with_method(&mut command, method).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert!(output.status.success());
    }
}

/// Starts this many workers that do likewise, one generation less, and waits for ever. Each tells
/// its process id.
#[worker]
fn tree(generations: u32, width: u32, told: Fd<std::io::PipeWriter>) {
    use std::io::Write;
    // In one piece: the others write into the same pipe.
    let line = format!("{}\n", std::process::id());
    (&*told).write_all(line.as_bytes()).unwrap();
    let _children: Vec<_> = match generations {
        0 => Vec::new(),
        _ => (0..width)
            .map(|_| {
                let told = told.try_clone().unwrap();
                tree::spawn(generations - 1, width, Fd::new(told)).unwrap()
            })
            .collect(),
    };
    drop(told);
    wait_for_ever();
}

fn children_do_not_outlive_a_killed_worker(method: StartMethod) {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut lines = BufReader::new(reader).lines();
    let process = tree::call(2, 3, Fd::new(writer))
        .start_method(method)
        .env("MULTIPROC_START_METHOD", name(method))
        .spawn()
        .unwrap();
    let processes: Vec<_> = (0..13)
        .map(|_| Pidfd::of(lines.next().unwrap().unwrap().parse().unwrap()))
        .collect();
    process.kill();
    let error = process.join().unwrap_err();
    assert_eq!(
        (error.kind(), error.signal()),
        (Signaled, Some(libc::SIGKILL))
    );
    all_end(processes);
    assert!(lines.next().is_none());
}

/// A copy of the parent holds the parent's end of all connections.
fn children_do_not_outlive_a_parent_that_was_forked(method: StartMethod) {
    let mut program = start("forked", method);
    let copy = program.process();
    let worker = program.process();
    program.kill();
    worker.wait();
    copy.signal(Signal::KILL);
    assert_eq!(program.rest(), "");
}

fn children_do_not_outlive_a_parent_that_was_killed_while_it_sent(method: StartMethod) {
    for delay in [0, 5, 10, 20, 40] {
        let mut program = start("sending", method);
        assert_eq!(program.line(), "ready");
        std::thread::sleep(Duration::from_millis(delay));
        program.kill();
        // They may still tell their ids, but then they end.
        program.rest();
    }
}

/// A start-up function that never ends keeps the child from its worker, not from its end.
fn children_that_start_up_do_not_outlive_their_parent(method: StartMethod) {
    let mut program = start("starting-up", method);
    let worker = program.process();
    program.kill();
    worker.wait();
    assert_eq!(program.rest(), "");
}

#[worker]
fn read_line() -> String {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    line
}

fn the_end_of_a_thread_is_not_that_of_its_children(method: StartMethod) {
    use std::io::Write;
    let start = move || {
        let call = read_line::call().start_method(method).stdin(Stdio::piped());
        call.spawn().unwrap()
    };
    let mut processes: Vec<_> = (0..3)
        .map(|_| std::thread::spawn(start).join().unwrap())
        .collect();
    for process in &mut processes {
        assert!(process.is_running());
        let mut stdin = process.take_stdin().unwrap();
        stdin.write_all(b"still there\n").unwrap();
    }
    for process in processes {
        assert_eq!(process.join().unwrap(), "still there\n");
    }
}

/// Leaves a copy of the process behind, which holds everything that it has open.
#[worker]
fn forks(aborts: bool, mut told: Fd<std::io::PipeWriter>) -> u32 {
    use std::io::Write;
    // SAFETY: the copy makes system calls only.
    match unsafe { libc::fork() } {
        0 => loop {
            // SAFETY: a system call.
            unsafe { libc::pause() };
        },
        copy => {
            writeln!(told, "{copy}").unwrap();
            if aborts {
                std::process::abort();
            }
            7
        }
    }
}

fn a_process_forked_by_a_worker_keeps_nobody_waiting(method: StartMethod) {
    for aborts in [false, true] {
        let (reader, writer) = std::io::pipe().unwrap();
        let call = forks::call(aborts, Fd::new(writer));
        if aborts {
            let text = "worker `forks` was killed by SIGABRT: abort, in PLACE (pid PID)";
            check(method, call, fails(Signaled, text));
        } else {
            check(method, call, returns(7));
        }
        let mut line = String::new();
        BufReader::new(reader).read_line(&mut line).unwrap();
        Pidfd::of(line.trim().parse().unwrap()).signal(Signal::KILL);
    }
}

#[worker]
#[allow(clippy::zombie_processes, reason = "the program outlives the worker")]
fn starts_a_program(mut told: Fd<std::io::PipeWriter>) -> u32 {
    use std::io::Write;
    let mut command = std::process::Command::new("sleep");
    let program = command.arg("1000").spawn().unwrap();
    writeln!(told, "{}", program.id()).unwrap();
    7
}

fn a_program_started_by_a_worker_keeps_nobody_waiting(method: StartMethod) {
    let (mut reader, writer) = std::io::pipe().unwrap();
    check(method, starts_a_program::call(Fd::new(writer)), returns(7));
    let mut line = String::new();
    reader.read_to_string(&mut line).unwrap();
    Pidfd::of(line.trim().parse().unwrap()).signal(Signal::KILL);
}

#[worker]
fn leaves_a_child(told: Fd<std::io::PipeWriter>) -> u32 {
    let child = tree::spawn(0, 0, told).unwrap();
    let id = child.id();
    // Seen by the parent, so that its end can be seen too.
    std::io::stdin().read_line(&mut String::new()).unwrap();
    id
}

fn children_of_a_worker_that_returns(method: StartMethod) {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut lines = BufReader::new(reader).lines();
    let mut process = leaves_a_child::call(Fd::new(writer))
        .start_method(method)
        .env("MULTIPROC_START_METHOD", name(method))
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let id = lines.next().unwrap().unwrap().parse().unwrap();
    let child = Pidfd::of(id);
    drop(process.take_stdin());
    assert_eq!(process.join().unwrap(), id);
    child.wait();
}

/// It lacks the library's thread, and shares its connections with the one it is a copy of.
fn a_process_made_by_fork_starts_none(method: StartMethod) {
    let call = || read_line::call().start_method(method).stdin(Stdio::null());
    check(method, call(), returns(String::new()));
    // SAFETY: what the copy calls takes no lock that another thread may have held.
    match unsafe { libc::fork() } {
        0 => {
            let kind = call().spawn().map_err(|error| error.kind());
            let as_it_should = matches!(kind, Err(multiproc::ErrorKind::Unsupported));
            // SAFETY: nobody misses the destructors and buffers of the copy.
            unsafe { libc::_exit(if as_it_should { 0 } else { 1 }) };
        }
        copy => {
            let mut status = 0;
            // SAFETY: it writes the status to the place that it is given.
            assert_eq!(unsafe { libc::waitpid(copy, &raw mut status, 0) }, copy);
            assert_eq!(status, 0);
        }
    }
    check(method, call(), returns(String::new()));
}
