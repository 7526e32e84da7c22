//! Processes that are asked to stop.

use std::time::Duration;

use multiproc::ErrorKind::{Cancelled, Exited, TimedOut};
use multiproc::{Error, StartMethod, is_cancelled, worker};
use rustix::process::Signal;

use crate::support::{Pidfd, cases, wait_for_ever};

cases! {
    one_that_stops_gives_its_value
    one_that_does_not_is_killed
    the_shorter_limit_counts
    a_timeout_asks_first
    a_handle_that_is_dropped_ends_it
    interrupts_are_ignored
}

/// Longer than any test.
const LONG: Duration = Duration::from_secs(3600);

/// Over soon.
const SHORT: Duration = Duration::from_millis(50);

#[worker]
fn heed(code: Option<i32>) -> u32 {
    while !is_cancelled() {
        std::thread::sleep(Duration::from_millis(1));
    }
    if let Some(code) = code {
        std::process::exit(code);
    }
    42
}

fn one_that_stops_gives_its_value(method: StartMethod) {
    for pause in [0, 20, 200] {
        let process = heed::call(None).start_method(method).spawn().unwrap();
        // It may not have begun.
        std::thread::sleep(Duration::from_millis(pause));
        assert!(process.cancel_within(LONG));
        assert_eq!(process.join().unwrap(), 42);
    }
    let process = heed::call(None).start_method(method).spawn().unwrap();
    let killer = process.killer();
    let joining = std::thread::spawn(|| process.join());
    std::thread::sleep(SHORT);
    assert!(killer.cancel_within(LONG));
    assert_eq!(joining.join().unwrap().unwrap(), 42);
    assert!(!killer.cancel_within(LONG));
    assert!(!is_cancelled());
}

fn one_that_does_not_is_killed(method: StartMethod) {
    let start = || wait_for_ever::call().start_method(method).spawn().unwrap();
    let process = start();
    let id = process.id();
    assert!(process.cancel_within(SHORT));
    let error = process.join().unwrap_err();
    assert_eq!(error.kind(), Cancelled);
    let text = error.to_string();
    let begin = "worker `wait_for_ever` was killed because it was cancelled";
    assert!(text.starts_with(begin), "{text}");
    assert!(text.ends_with(&format!(" (pid {id})")), "{text}");
    // While another thread waits for it, while it is stopped, and when no handle is left.
    let process = start();
    let killer = process.killer();
    let joining = std::thread::spawn(|| process.join());
    std::thread::sleep(SHORT);
    killer.cancel_within(SHORT);
    let error = joining.join().unwrap().unwrap_err();
    assert_eq!(error.kind(), Cancelled);
    let process = start();
    Pidfd::of_child(&process).signal(Signal::STOP);
    process.cancel_within(SHORT);
    assert_eq!(process.join().unwrap_err().kind(), Cancelled);
    let process = start();
    let pidfd = Pidfd::of_child(&process);
    process.cancel_within(SHORT);
    drop(process);
    pidfd.wait();
}

fn the_shorter_limit_counts(method: StartMethod) {
    for limits in [
        [Duration::MAX, SHORT],
        [SHORT, LONG],
        [LONG, Duration::ZERO],
    ] {
        let call = wait_for_ever::call().start_method(method);
        let process = call.spawn().unwrap();
        assert!(limits.iter().all(|limit| process.cancel_within(*limit)));
        assert_eq!(process.join().unwrap_err().kind(), Cancelled);
    }
}

fn a_timeout_asks_first(method: StartMethod) {
    let call = |code| {
        heed::call(code)
            .start_method(method)
            .timeout(SHORT)
            .grace(LONG)
    };
    assert_eq!(call(None).run().unwrap(), 42);
    let error = call(Some(3)).run().unwrap_err();
    let source = std::error::Error::source(&error).and_then(|it| it.downcast_ref::<Error>());
    assert_eq!(
        (error.kind(), source.map(Error::kind)),
        (TimedOut, Some(Exited))
    );
    let call = wait_for_ever::call().start_method(method).timeout(SHORT);
    assert_eq!(call.grace(SHORT).run().unwrap_err().kind(), TimedOut);
}

fn a_handle_that_is_dropped_ends_it(method: StartMethod) {
    let call = wait_for_ever::call().start_method(method);
    let process = call.kill_on_drop(true).spawn().unwrap();
    let pidfd = Pidfd::of_child(&process);
    drop(process);
    pidfd.wait();
}

/// How a program ends that the worker executes and that gets the signal, too.
#[worker]
fn interrupt() -> Option<i32> {
    let kill = |command: &str| {
        std::process::Command::new("sh")
            .args(["-c", command])
            .status()
    };
    kill(&format!("kill -INT {}", std::process::id())).unwrap();
    std::os::unix::process::ExitStatusExt::signal(&kill("kill -INT $$").unwrap())
}

fn interrupts_are_ignored(method: StartMethod) {
    let call = interrupt::call().start_method(method).ignore_interrupts();
    assert_eq!(call.run().unwrap(), Some(libc::SIGINT));
}
