//! Whether a test has passed, by how its process ended.

use std::time::Duration;

use crate::error::{Error, ErrorKind, PanicInfo, Result};
use crate::sys::signal;

/// How long a test may run that does not say.
pub(super) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// How the process of a test has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// The function returns.
    Returns,
    /// The function panics; with which text is for the test harness to judge.
    Panics,
    /// The process is killed by this signal.
    Dies(&'static str),
    /// The process exits with this code.
    Exits(u8),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Passed,
    /// The process has told of it: this is the text of the panic.
    Panicked(String),
    /// Why the process did not end as it should.
    Failed(String),
}

/// `timeout` is what the test says.
pub(super) fn judge(expected: Expected, ended: Result<bool>, timeout: Option<Duration>) -> Verdict {
    let (other, instead) = match expected {
        // No panic is for the harness to tell.
        Expected::Returns | Expected::Panics => {
            return match ended {
                Ok(true) => Verdict::Passed,
                Ok(false) => Verdict::Panicked("the test returned an error".to_owned()),
                Err(error) => match error.panic() {
                    Some(panic) => Verdict::Panicked(panic.message().to_owned()),
                    None => Verdict::Failed(text(&error, timeout)),
                },
            };
        }
        Expected::Dies(name) => {
            if is_death(&ended, name) {
                return Verdict::Passed;
            }
            (ended, format!("be killed by {name}"))
        }
        Expected::Exits(code) => {
            if is_exit(&ended, code) {
                return Verdict::Passed;
            }
            (ended, format!("exit with code {code}"))
        }
    };
    let what = match &other {
        Ok(true) => "the test returned".to_owned(),
        Ok(false) => "the test returned an error".to_owned(),
        Err(error) => text(error, timeout),
    };
    // A panic may have told more than a line.
    let separator = if what.contains('\n') { "\n" } else { "; " };
    Verdict::Failed(format!("{what}{separator}it was expected to {instead}"))
}

fn is_death(ended: &Result<bool>, name: &str) -> bool {
    let Err(error) = ended else { return false };
    error.kind() == ErrorKind::Signaled && error.signal().is_some_and(|it| signal::name(it) == name)
}

fn is_exit(ended: &Result<bool>, code: u8) -> bool {
    let Err(error) = ended else { return false };
    error.kind() == ErrorKind::Exited
        && error.exit_status().and_then(|status| status.code()) == Some(code.into())
}

/// What the error says of a worker, said of a test.
fn text(error: &Error, timeout: Option<Duration>) -> String {
    let text = match error.panic() {
        Some(panic) => panicked(error, panic),
        None => error.to_string(),
    };
    let text = match text.strip_prefix("worker ") {
        Some(rest) => format!("test {rest}"),
        None => text,
    };
    match (error.kind(), timeout) {
        (ErrorKind::TimedOut, Some(timeout)) => format!("{text}: {timeout:?}"),
        (ErrorKind::TimedOut, None) => format!(
            "{text}: {DEFAULT_TIMEOUT:?}, the default, which `#[multiproc::test(timeout = \"..\")]` changes"
        ),
        _ => text,
    }
}

/// Without the place, which the process has told together with the panic.
fn panicked(error: &Error, panic: &PanicInfo) -> String {
    let name = error.worker().unwrap_or_default();
    format!("worker `{name}` panicked: {}", panic.message())
}

#[cfg(test)]
#[allow(clippy::pedantic, reason = "tests may be blunt")]
mod tests {
    use super::*;

    fn error(kind: ErrorKind, text: &str) -> Error {
        Error::new(kind, format!("worker `t` {text}")).with_worker("t")
    }

    fn panic() -> Error {
        error(ErrorKind::Panicked, "panicked: boom, t.rs:1:1").with_panic(PanicInfo {
            message: "boom".to_owned(),
            location: None,
            backtrace: None,
        })
    }

    fn check(expected: Expected, ended: Result<bool>, verdict: Verdict) {
        assert_eq!(judge(expected, ended, None), verdict);
    }

    fn failed(text: &str) -> Verdict {
        Verdict::Failed(text.to_owned())
    }

    #[test]
    fn what_returns_has_passed() {
        check(Expected::Returns, Ok(true), Verdict::Passed);
        check(Expected::Panics, Ok(true), Verdict::Passed);
        let dies = "the test returned; it was expected to be killed by SIGABRT";
        check(Expected::Dies("SIGABRT"), Ok(true), failed(dies));
        let exits = "the test returned an error; it was expected to exit with code 3";
        check(Expected::Exits(3), Ok(false), failed(exits));
    }

    #[test]
    fn a_panic_is_the_tests_own() {
        for expected in [Expected::Returns, Expected::Panics] {
            check(expected, Err(panic()), Verdict::Panicked("boom".to_owned()));
        }
        let text = "test `t` panicked: boom; it was expected to be killed by SIGSEGV";
        check(Expected::Dies("SIGSEGV"), Err(panic()), failed(text));
    }

    #[test]
    fn another_end_is_told() {
        let ended = || Err(error(ErrorKind::Exited, "exited with code 3 (pid 7)"));
        let text = "test `t` exited with code 3 (pid 7)";
        check(Expected::Returns, ended(), failed(text));
        check(Expected::Panics, ended(), failed(text));
        // Without its status, which is what counts.
        let text = format!("{text}; it was expected to exit with code 3");
        check(Expected::Exits(3), ended(), failed(&text));
    }

    #[test]
    fn timeouts_are_told() {
        let ended = || Err(error(ErrorKind::TimedOut, "was killed"));
        let verdict = judge(Expected::Returns, ended(), Some(Duration::from_secs(2)));
        assert_eq!(verdict, failed("test `t` was killed: 2s"));
        let text = "test `t` was killed: 60s, the default, which `#[multiproc::test(timeout = \"..\")]` changes";
        check(Expected::Panics, ended(), failed(text));
    }

    #[cfg(unix)]
    #[test]
    fn signals_and_codes_are_compared() {
        use std::os::unix::process::ExitStatusExt;
        use std::process::ExitStatus;

        let ended = |kind, status| {
            let status = ExitStatus::from_raw(status);
            Err(error(kind, "ended").with_exit_status(Some(status)))
        };
        let killed = |signal| ended(ErrorKind::Signaled, signal);
        let exited = |code: i32| ended(ErrorKind::Exited, code << 8);
        check(Expected::Dies("SIGKILL"), killed(9), Verdict::Passed);
        let text = "test `t` ended; it was expected to be killed by SIGABRT";
        check(Expected::Dies("SIGABRT"), killed(9), failed(text));
        check(Expected::Exits(0), exited(0), Verdict::Passed);
        check(Expected::Exits(255), exited(255), Verdict::Passed);
        let text = "test `t` ended; it was expected to exit with code 3";
        check(Expected::Exits(3), exited(4), failed(text));
        check(Expected::Exits(3), killed(3), failed(text));
    }
}
