//! What the test harness says of each of the [`subjects`](super::subjects), seen from outside.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::gate::SUBJECTS;

/// What the harness has printed, and whether it was content.
struct Outcome {
    passed: bool,
    stdout: String,
    stderr: String,
}

fn harness(subject: &str, arguments: &[&str]) -> Command {
    // Should a test hang, so would this one: the harness is killed.
    let mut command = Command::new("timeout");
    command
        .args(["--signal=KILL", "50"])
        .arg(env::current_exe().unwrap())
        .args(["--exact", "--color=never"])
        .arg(format!("subjects::{subject}"))
        .args(arguments)
        .env(SUBJECTS, "shown")
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null());
    command
}

fn outcome(subject: &str, arguments: &[&str]) -> Outcome {
    let Output {
        status,
        stdout,
        stderr,
    } = harness(subject, arguments).output().unwrap();
    let outcome = Outcome {
        passed: status.success(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    };
    let count = if outcome.passed {
        "1 passed"
    } else {
        "1 failed"
    };
    assert!(outcome.stdout.contains(count), "{}", outcome.stdout);
    outcome
}

/// What was captured of a subject that failed.
fn failure(subject: &str) -> String {
    let outcome = outcome(subject, &[]);
    assert!(!outcome.passed);
    assert_eq!(outcome.stderr, "");
    let begin = format!("---- subjects::{subject} stdout ----\n");
    let (_, captured) = outcome.stdout.split_once(&begin).expect("it is told");
    let (captured, _) = captured.split_once("\n\nfailures:\n").expect("it ends");
    captured.to_owned()
}

#[test]
fn output_is_captured() {
    let outcome = outcome("prints", &[]);
    assert!(outcome.passed);
    assert!(!outcome.stdout.contains("to the"), "{}", outcome.stdout);
    assert_eq!(outcome.stderr, "");
}

#[test]
fn output_is_shown_without_capture() {
    let outcome = outcome("prints", &["--nocapture"]);
    assert!(outcome.passed);
    assert!(outcome.stdout.contains("to the output: ä\n"));
    assert_eq!(outcome.stderr, "to the errors\n");
}

#[test]
fn output_is_shown_as_it_comes() {
    let mut child = harness("waits_after_a_line", &["--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut lines = lines.map(Result::unwrap);
    // The harness writes the name of the test first, on the same line if it has one thread.
    assert!(lines.any(|line| line.ends_with("a line at once")));
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::TERM).unwrap();
    child.wait().unwrap();
}

#[test]
fn failures_show_the_output_and_the_panic() {
    let captured = failure("prints_and_panics");
    assert!(captured.contains("to the output: ä\n"), "{captured}");
    assert!(captured.contains("to the errors\n"), "{captured}");
    assert!(
        captured.contains("thread 'subjects::prints_and_panics'"),
        "{captured}"
    );
    assert!(captured.contains("subjects.rs:"), "{captured}");
    assert!(
        captured.contains("assertion `left == right` failed: arithmetic"),
        "{captured}"
    );
    assert_eq!(captured.matches("panicked at").count(), 1, "{captured}");
}

#[test]
fn errors_are_shown() {
    let captured = failure("returns_an_error");
    assert_eq!(captured, "Error: \"no luck\"\n");
}

#[test]
fn deaths_are_told_at_the_place_of_the_test() {
    let captured = failure("aborts");
    assert!(captured.starts_with("before the end\n"), "{captured}");
    assert!(captured.contains("subjects.rs:"), "{captured}");
    assert!(
        captured.contains("test `subjects::aborts` was killed by SIGABRT: abort, in `"),
        "{captured}"
    );
}

#[test]
fn exits_are_told() {
    let captured = failure("exits");
    assert!(
        captured
            .contains("test `subjects::exits` exited with code 0 without returning a value (pid "),
        "{captured}"
    );
}

#[test]
fn timeouts_are_told() {
    let captured = failure("hangs");
    assert!(
        captured.contains(
            "test `subjects::hangs` was killed because it exceeded its timeout: it was in `"
        ),
        "{captured}"
    );
    assert!(captured.contains("): 100ms\n"), "{captured}");
}

#[test]
fn a_death_is_no_panic() {
    for subject in [
        "aborts_instead_of_a_panic",
        "aborts_instead_of_a_conditional_panic",
    ] {
        let outcome = outcome(subject, &[]);
        assert!(!outcome.passed);
        let text = format!("test `subjects::{subject}` was killed by SIGABRT");
        assert!(outcome.stdout.contains(&text), "{}", outcome.stdout);
        assert!(outcome.stdout.contains("did not panic as expected"));
    }
}

#[test]
fn texts_of_panics_are_compared() {
    let captured = failure("panics_of_another_thing");
    assert!(captured.contains("another thing"), "{captured}");
    assert!(captured.contains("\"one thing\""), "{captured}");
}

#[test]
fn a_missing_panic_is_told() {
    let outcome = outcome("does_not_panic", &[]);
    assert!(!outcome.passed);
    assert!(outcome.stdout.contains("did not panic as expected"));
}

#[test]
fn another_end_than_expected_is_told() {
    for (subject, text) in [
        (
            "survives",
            "the test returned; it was expected to be killed by SIGABRT",
        ),
        (
            "dies_of_another_signal",
            "; it was expected to be killed by SIGSEGV",
        ),
        (
            "dies_of_another_signal",
            "was killed by SIGABRT: abort, in `",
        ),
        (
            "panics_instead_of_a_death",
            "panicked: alive; it was expected to be killed by SIGABRT",
        ),
        (
            "panics_with_several_lines",
            "panicked: first\nlast\nit was expected to be killed by SIGABRT",
        ),
        ("exits_with_another_code", "exited with code 4 (pid "),
        (
            "exits_with_another_code",
            "; it was expected to exit with code 3",
        ),
    ] {
        let captured = failure(subject);
        assert!(captured.contains(text), "{subject}: {captured}");
    }
}

#[test]
fn a_process_that_is_left_does_not_hold_the_test() {
    let outcome = outcome("leaves_a_process", &["--nocapture"]);
    assert!(outcome.passed);
    let (_, rest) = outcome.stdout.split_once("left: ").unwrap();
    let (pid, _) = rest.split_once('.').unwrap();
    // It is of this test, and still sleeps: no other process can have its number.
    kill_process(Pid::from_raw(pid.parse().unwrap()).unwrap(), Signal::KILL).unwrap();
}

#[test]
fn nothing_of_much_output_is_lost() {
    let captured = failure("prints_much");
    let lines = captured.lines().filter(|line| line.starts_with("line "));
    assert!(
        lines
            .enumerate()
            .all(|(number, line)| line == format!("line {number}"))
    );
    assert!(captured.contains("line 19999\n"));
    assert!(captured.contains("after many lines"));
}

#[test]
fn ignored_tests_are_run_when_they_are_asked_for() {
    for subject in ["is_ignored", "is_ignored_on_a_condition"] {
        let output = harness(subject, &[]).output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("... ignored, it is slow"), "{text}");
        assert!(text.contains("0 passed; 0 failed; 1 ignored"), "{text}");
        assert!(outcome(subject, &["--ignored"]).passed);
    }
}

#[test]
fn subjects_are_seen_by_this_module_only() {
    let list = |subjects: Option<&str>| -> Vec<String> {
        let mut command = Command::new(env::current_exe().unwrap());
        command.arg("--list").env_remove(SUBJECTS);
        command.envs(subjects.map(|subjects| (SUBJECTS, subjects)));
        let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let tests = text.lines().filter(|line| line.ends_with(": test"));
        tests.map(str::to_owned).collect()
    };
    let mut all = list(Some("shown"));
    assert!(all.iter().any(|test| test == "subjects::hangs: test"));
    all.retain(|test| !test.starts_with("subjects::"));
    assert_eq!(list(None), all);
}
