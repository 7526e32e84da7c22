//! Tests in processes of their own: what `#[multiproc::test]` expands to calls [`run_test`].
//!
//! ```text
//!  a thread of the test harness              the test's process
//!  #[test] fn t ── run_test ── spawn ──────▶ a worker without parameters: calls the function
//!      ▲   print! ◀── thread ◀── two pipes ── println!, the text of a panic, "Error: .."
//!      │                                      succeeds: what its result says
//!      └── verdict ◀── join ◀──────────────── reply, exit
//! ```
//!
//! # What the harness sees
//!
//! The function that it knows ends as the function of the user would have ended on the harness's
//! thread, as far as that can be:
//!
//! | the process | the function of the harness |
//! |---|---|
//! | returns a success | returns |
//! | returns an error, which it has printed | panics silently |
//! | panics | panics with the same text, silently: the process has told of the panic and its place |
//! | ends in any other way | panics, at the place of the test, and says how the process ended |
//! | ends as `dies` or `exits` says | returns |
//! | ends in another way than `dies` or `exits` says | panics, and says both |
//!
//! `#[should_panic]` is for the harness to judge, by the text of the panic; but only a panic of the
//! test itself is one. If the process ends in another way, that is printed, and the harness is told
//! that there was no panic.
//!
//! # Output
//!
//! The harness captures what `print!` and `eprint!` write on its own threads and those that they start.
//! So a thread of this process [passes on](crate::Call::capture_output) what arrives, while it arrives:
//! with `--nocapture` it is seen at once, and a test that never ends is seen to be alive.
//!
//! # What if a process dies
//!
//! The test's: that is its end, see above. The harness: its children die with it, and theirs with
//! them. No test waits longer than its timeout, which is a minute if it does not say.

mod verdict;

use std::panic::resume_unwind;
use std::process::{ExitCode, Termination};

use self::verdict::{DEFAULT_TIMEOUT, Verdict};
use crate::dispatch::{self, Entry};
use crate::process::{self, Call};

pub use verdict::Expected;

/// Runs a test in a process of its own; what generated code calls.
///
/// # Panics
///
/// When the test has failed.
#[track_caller]
pub fn run_test(entry: &'static Entry, expected: Expected) {
    let timeout = entry.defaults().timeout;
    let call: Call<'_, bool> = process::bind(entry, [], dispatch::result());
    let call = call.timeout(timeout.unwrap_or(DEFAULT_TIMEOUT));
    let ended = call.capture_output(true).run();
    match verdict::judge(expected, ended, timeout) {
        Verdict::Passed => {}
        Verdict::Panicked(message) => resume_unwind(Box::new(message)),
        Verdict::Failed(text) if expected == Expected::Panics => tell(&text),
        Verdict::Failed(text) => panic!("{text}"),
    }
}

#[expect(clippy::print_stderr, reason = "it is for the test harness to capture")]
fn tell(text: &str) {
    eprintln!("{text}");
}

/// The results of tests, as the test harness has them.
#[diagnostic::on_unimplemented(
    message = "a test cannot return `{Self}`",
    note = "let it return nothing, or a `Result` whose error implements `Debug`"
)]
pub trait Tested {
    /// Whether the test has passed. If not, what it says is printed.
    fn succeeds(self) -> bool;
}

#[diagnostic::do_not_recommend]
impl<T: Termination> Tested for T {
    fn succeeds(self) -> bool {
        self.report() == ExitCode::SUCCESS
    }
}

/// The name by which the test harness knows a test: its path without that of the crate.
#[must_use]
pub const fn name_of_test(path: &'static str) -> &'static str {
    let bytes = path.as_bytes();
    let mut at = 0;
    while at + 1 < bytes.len() {
        if bytes[at] == b':' && bytes[at + 1] == b':' {
            return path.split_at(at + 2).1;
        }
        at += 1;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_without_the_crate() {
        assert_eq!(name_of_test("program::works"), "works");
        assert_eq!(name_of_test("program::tests::works"), "tests::works");
        assert_eq!(name_of_test("works"), "works");
    }
}
