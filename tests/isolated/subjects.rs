//! Tests that fail, or that are only run to be watched. [`outcomes`](super::outcomes) runs each of them
//! in a harness of its own; in others they are [hidden](super::gate).

use std::process::{Command, abort, exit};
use std::thread;
use std::time::Duration;

#[multiproc::test]
fn prints() {
    println!("to the output: ä");
    eprintln!("to the errors");
}

#[multiproc::test]
fn prints_and_panics() {
    println!("to the output: ä");
    eprintln!("to the errors");
    assert_eq!(1 + 1, 3, "arithmetic");
}

#[multiproc::test]
fn returns_an_error() -> Result<(), String> {
    Err("no luck".to_owned())
}

#[multiproc::test]
fn aborts() {
    println!("before the end");
    abort();
}

#[multiproc::test]
fn exits() {
    exit(0);
}

#[multiproc::test(timeout = "100ms")]
fn hangs() {
    loop {
        thread::park();
    }
}

#[multiproc::test]
#[should_panic]
fn aborts_instead_of_a_panic() {
    abort();
}

#[multiproc::test]
#[cfg_attr(all(), should_panic, allow(unused))]
fn aborts_instead_of_a_conditional_panic() {
    abort();
}

#[multiproc::test]
#[should_panic(expected = "one thing")]
fn panics_of_another_thing() {
    panic!("another thing");
}

#[multiproc::test]
#[should_panic]
fn does_not_panic() {}

#[multiproc::test(dies = "SIGABRT")]
fn survives() {}

#[multiproc::test(dies = "SIGSEGV")]
fn dies_of_another_signal() {
    abort();
}

#[multiproc::test(dies = "SIGABRT")]
fn panics_instead_of_a_death() {
    panic!("alive");
}

#[multiproc::test(dies = "SIGABRT")]
fn panics_with_several_lines() {
    panic!("first\nlast");
}

#[multiproc::test(exits = 3)]
fn exits_with_another_code() {
    exit(4);
}

/// A process that lives on has the pipes, too.
#[multiproc::test]
#[expect(
    clippy::zombie_processes,
    reason = "it is killed by the test that watches"
)]
fn leaves_a_process() {
    let other = Command::new("sleep").arg("60").spawn().unwrap();
    println!("left: {}.", other.id());
}

#[multiproc::test]
fn waits_after_a_line() {
    println!("a line at once");
    thread::sleep(Duration::from_secs(60));
}

#[multiproc::test]
fn prints_much() {
    for number in 0..20_000 {
        println!("line {number}");
    }
    panic!("after many lines");
}

#[multiproc::test]
#[ignore = "it is slow"]
fn is_ignored() {
    println!("not this time");
}

#[multiproc::test]
#[cfg_attr(all(), ignore = "it is slow", should_panic)]
fn is_ignored_on_a_condition() {
    panic!("all the same");
}
