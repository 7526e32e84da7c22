//! Tests that fail, or that are only run to be watched. [`outcomes`](super::outcomes) runs each of them
//! in a harness of its own; others ignore them.

use std::process::{Command, abort, exit};
use std::thread;
use std::time::Duration;

#[multiproc::test]
#[ignore = "it is watched by another test"]
fn prints() {
    println!("to the output: ä");
    eprintln!("to the errors");
}

#[multiproc::test]
#[ignore = "it is watched by another test"]
fn prints_and_panics() {
    println!("to the output: ä");
    eprintln!("to the errors");
    assert_eq!(1 + 1, 3, "arithmetic");
}

#[multiproc::test]
#[ignore = "it is watched by another test"]
fn returns_an_error() -> Result<(), String> {
    Err("no luck".to_owned())
}

#[multiproc::test]
#[ignore = "it is watched by another test"]
fn aborts() {
    println!("before the end");
    abort();
}

#[multiproc::test]
#[ignore = "it is watched by another test"]
fn exits() {
    exit(0);
}

#[multiproc::test(timeout = "100ms")]
#[ignore = "it is watched by another test"]
fn hangs() {
    loop {
        thread::park();
    }
}

#[multiproc::test]
#[ignore = "it is watched by another test"]
#[should_panic]
fn aborts_instead_of_a_panic() {
    abort();
}

#[multiproc::test]
#[cfg_attr(all(), ignore = "it is watched by another test", should_panic)]
fn aborts_instead_of_a_conditional_panic() {
    abort();
}

#[multiproc::test]
#[ignore = "it is watched by another test"]
#[should_panic(expected = "one thing")]
fn panics_of_another_thing() {
    panic!("another thing");
}

#[multiproc::test]
#[ignore = "it is watched by another test"]
#[should_panic]
fn does_not_panic() {}

#[multiproc::test(dies = "SIGABRT")]
#[ignore = "it is watched by another test"]
fn survives() {}

#[multiproc::test(dies = "SIGSEGV")]
#[ignore = "it is watched by another test"]
fn dies_of_another_signal() {
    abort();
}

#[multiproc::test(dies = "SIGABRT")]
#[ignore = "it is watched by another test"]
fn panics_instead_of_a_death() {
    panic!("alive");
}

#[multiproc::test(dies = "SIGABRT")]
#[ignore = "it is watched by another test"]
fn panics_with_several_lines() {
    panic!("first\nlast");
}

#[multiproc::test(exits = 3)]
#[ignore = "it is watched by another test"]
fn exits_with_another_code() {
    exit(4);
}

/// A process that lives on has the pipes, too.
#[multiproc::test]
#[ignore = "it is watched by another test"]
#[expect(
    clippy::zombie_processes,
    reason = "it is killed by the test that watches"
)]
fn leaves_a_process() {
    let other = Command::new("sleep").arg("60").spawn().unwrap();
    println!("left: {}.", other.id());
}

#[multiproc::test]
#[ignore = "it is watched by another test"]
fn waits_after_a_line() {
    println!("a line at once");
    thread::sleep(Duration::from_secs(60));
}

#[multiproc::test]
#[ignore = "it is watched by another test"]
fn prints_much() {
    for number in 0..20_000 {
        println!("line {number}");
    }
    panic!("after many lines");
}
