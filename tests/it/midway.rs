//! Children that die before, while and after they receive something, of any size.

#![expect(unsafe_code, reason = "workers are killed by C calls")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use multiproc::ErrorKind::{Exited, Signaled, TimedOut};
use multiproc::{StartMethod, set_spare_processes, startup, worker};
use rustix::process::Signal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::support::{Pidfd, cases, check, children, fails, returns, wait_for_ever};

cases! {
    killed_at_once
    killed_while_it_receives
    killed_before_it_reads_its_arguments
    killed_in_the_middle_of_reading
    killed_while_it_replies
    killed_after_its_reply
    exits_after_its_reply
    stopped_and_timed_out_while_it_receives
    stopped_and_continued
}

const LARGE: usize = 256 << 20;

#[worker]
fn length(bytes: &[u8]) -> usize {
    bytes.len()
}

/// Whatever it was doing, it either had done it or was killed.
#[track_caller]
fn check_killed<R>(result: multiproc::Result<R>) -> bool {
    match result {
        Ok(_) => false,
        Err(error) => {
            assert_eq!(error.kind(), Signaled, "{error}");
            assert_eq!(error.signal(), Some(libc::SIGKILL));
            assert!(error.to_string().contains("was killed by SIGKILL"));
            true
        }
    }
}

fn killed_at_once(method: StartMethod) {
    for _ in 0..200 {
        let process = length::call(&[1; 10]).start_method(method).spawn().unwrap();
        process.kill();
        check_killed(process.join());
    }
    for _ in 0..200 {
        let process = wait_for_ever::call().start_method(method).spawn().unwrap();
        process.kill();
        assert!(check_killed(process.join()));
    }
}

/// Calls `kill` with the child that `spawn` starts, while it sends to it.
fn meanwhile<R>(spawn: impl FnOnce() -> R, kill: impl FnOnce(u32) + Send) -> R {
    let before = children();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let new = children().difference(&before).copied().next();
                // Until it runs a program of its own, its parent waits for it.
                if let Some(child) = new.filter(|child| ["exe", "length"].contains(&&*name(*child)))
                {
                    return kill(child);
                }
                thread::yield_now();
            }
        });
        let result = spawn();
        over.store(true, Ordering::Relaxed);
        result
    })
}

/// What the process is called, if it is still there.
fn name(id: u32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{id}/comm"));
    name.unwrap_or_default().trim_end().to_owned()
}

/// From now on, each call starts one process and no other.
fn one_by_one(method: StartMethod) {
    set_spare_processes(0);
    check(method, length::call(&[1]), returns(1));
}

fn killed_while_it_receives(method: StartMethod) {
    one_by_one(method);
    let bytes = vec![1; LARGE];
    let mut killed = 0;
    for delay in 0..12 {
        let result = meanwhile(
            || length::call(&bytes).start_method(method).spawn(),
            |id| {
                // From before the first byte to after the last: every delay is as good.
                thread::sleep(Duration::from_millis(delay * 5));
                kill(id, Signal::KILL);
            },
        );
        killed += usize::from(check_killed(result.unwrap().join()));
    }
    assert!(killed > 0);
    check(method, length::call(&bytes), returns(LARGE));
}

/// The process, if it is still there.
fn kill(id: u32, signal: Signal) {
    let pid = rustix::process::Pid::from_raw(id.cast_signed()).unwrap();
    let _ = rustix::process::kill_process(pid, signal);
}

/// Ends the process before its worker is known.
#[startup]
fn die_if_asked_to() {
    match std::env::var("DIE").as_deref() {
        // SAFETY: a system call that takes a number.
        Ok("kill") => drop(unsafe { libc::raise(libc::SIGKILL) }),
        Ok("exit") => std::process::exit(9),
        _ => {}
    }
}

fn killed_before_it_reads_its_arguments(method: StartMethod) {
    let bytes = vec![1; LARGE];
    check(
        method,
        length::call(&bytes).env("DIE", "kill"),
        fails(Signaled, "worker `length` was killed by SIGKILL (pid PID)"),
    );
    check(
        method,
        length::call(&bytes).env("DIE", "exit"),
        fails(Exited, "worker `length` exited with code 9 (pid PID)"),
    );
}

/// Kills the process when it is read.
#[derive(Debug, Clone)]
struct Mine;

impl Serialize for Mine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de> Deserialize<'de> for Mine {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Mine, D::Error> {
        <()>::deserialize(deserializer)?;
        // SAFETY: a system call that takes a number.
        unsafe { libc::raise(libc::SIGKILL) };
        Ok(Mine)
    }
}

#[worker]
fn takes_a_mine(before: &[u8], _mine: Mine, after: Vec<u8>) -> usize {
    before.len() + after.len()
}

fn killed_in_the_middle_of_reading(method: StartMethod) {
    let text = "worker `takes_a_mine` was killed by SIGKILL (pid PID)";
    for length in [0, 1000, 1 << 20, LARGE / 2] {
        let before = vec![1; length];
        let call = takes_a_mine::call(&before, Mine, before.clone());
        check(method, call, fails(Signaled, text));
    }
}

/// Kills the process when it is written.
#[derive(Debug, Deserialize, PartialEq)]
struct LateMine(Vec<u8>);

impl Serialize for LateMine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.0.is_empty() {
            // SAFETY: a system call that takes a number.
            unsafe { libc::raise(libc::SIGKILL) };
        }
        self.0.serialize(serializer)
    }
}

#[worker]
fn gives_a_mine(length: usize) -> (Vec<u8>, LateMine) {
    (vec![1; length], LateMine(vec![1; length]))
}

#[worker]
fn gives(length: usize) -> Vec<u8> {
    vec![1; length]
}

fn killed_while_it_replies(method: StartMethod) {
    let text = "worker `gives_a_mine` was killed by SIGKILL (pid PID)";
    for length in [1, LARGE / 8] {
        check(method, gives_a_mine::call(length), fails(Signaled, text));
    }
    // Somewhere in the middle of its reply, most of the time.
    for delay in 0..12 {
        let process = gives::call(LARGE).start_method(method).spawn().unwrap();
        let child = Pidfd::of_child(&process);
        let killing = thread::spawn(move || {
            thread::sleep(Duration::from_millis(delay * 15));
            child.signal(Signal::KILL);
        });
        match process.join() {
            Ok(bytes) => assert_eq!(bytes.len(), LARGE),
            Err(error) => assert!(check_killed::<()>(Err(error))),
        }
        killing.join().unwrap();
    }
}

/// Ends the process when it is dropped there, which is after the reply.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Bomb {
    parent: u32,
    signal: Option<i32>,
}

impl Drop for Bomb {
    fn drop(&mut self) {
        if self.parent != std::process::id() {
            match self.signal {
                // SAFETY: a system call that takes a number.
                Some(signal) => drop(unsafe { libc::raise(signal) }),
                None => std::process::exit(8),
            }
        }
    }
}

fn bomb(signal: Option<i32>) -> Bomb {
    Bomb {
        parent: std::process::id(),
        signal,
    }
}

#[worker]
fn borrows(bomb: &Bomb, length: usize) -> Vec<u8> {
    vec![u8::from(bomb.parent > 0); length]
}

fn killed_after_its_reply(method: StartMethod) {
    for signal in [libc::SIGKILL, libc::SIGABRT, libc::SIGSEGV] {
        for length in [10, 10 << 20] {
            let bomb = bomb(Some(signal));
            check(
                method,
                borrows::call(&bomb, length),
                returns(vec![1; length]),
            );
        }
    }
}

fn exits_after_its_reply(method: StartMethod) {
    let bomb = bomb(None);
    let mut process = borrows::call(&bomb, 3)
        .start_method(method)
        .spawn()
        .unwrap();
    Pidfd::of_child(&process).wait();
    let status = process.exit_status().unwrap();
    assert_eq!(status.code(), Some(8));
    assert_eq!(process.join().unwrap(), [1; 3]);
}

fn stopped_and_timed_out_while_it_receives(method: StartMethod) {
    one_by_one(method);
    let bytes = vec![1; LARGE];
    let result = meanwhile(
        || {
            let call = length::call(&bytes).timeout(Duration::from_millis(500));
            call.start_method(method).spawn()
        },
        |id| kill(id, Signal::STOP),
    );
    let error = match result.unwrap().join() {
        Err(error) => error,
        // It was faster than the signal.
        Ok(_) => return,
    };
    assert_eq!(error.kind(), TimedOut, "{error}");
}

fn stopped_and_continued(method: StartMethod) {
    one_by_one(method);
    let bytes = vec![1; LARGE];
    let result = meanwhile(
        || length::call(&bytes).start_method(method).spawn(),
        |id| {
            for _ in 0..10 {
                kill(id, Signal::STOP);
                thread::sleep(Duration::from_millis(5));
                kill(id, Signal::CONT);
            }
        },
    );
    assert_eq!(result.unwrap().join().unwrap(), LARGE);
}
