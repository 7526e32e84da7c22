//! What a call comes to.

use std::fmt::Debug;
use std::os::unix::process::ExitStatusExt;

use multiproc::{Call, Error, ErrorKind, StartMethod};

/// What a call is to come to.
pub(crate) type Expected<'a, R> = Result<R, (ErrorKind, &'a str)>;

pub(crate) fn returns<R>(value: R) -> Expected<'static, R> {
    Ok(value)
}

/// The text has `PID` where the process id is to stand, and `PLACE` where the function in which the
/// worker crashed.
pub(crate) fn fails<R>(kind: ErrorKind, text: &str) -> Expected<'_, R> {
    Err((kind, text))
}

/// Starts the call in this way, joins it and looks at all that it came to.
#[track_caller]
pub(crate) fn check<R: PartialEq + Debug>(
    method: StartMethod,
    call: Call<'_, R>,
    expected: Expected<'_, R>,
) {
    let process = call.start_method(method).spawn().unwrap();
    assert_eq!(process.start_method(), method);
    let id = process.id();
    match (process.join(), expected) {
        (Ok(value), Ok(expected)) => assert_eq!(value, expected),
        (Err(error), Err((kind, text))) => {
            let told = without_place(&error);
            assert_eq!(told, text.replace("PID", &id.to_string()), "{error}");
            check_error(&error, kind);
        }
        (got, expected) => panic!("{got:?} instead of {expected:?}"),
    }
}

/// The text of an error with `PLACE` instead of the place of a crash, and without that of a hang.
#[track_caller]
fn without_place(error: &Error) -> String {
    let text = error.to_string();
    if let Some((before, place)) = text.split_once(": it was in `") {
        let (_, behind) = place.rsplit_once(" (pid ").expect("a process");
        return format!("{before} (pid {behind}");
    }
    let Some((before, place, behind)) = text.split_once(", in `").and_then(|(before, rest)| {
        rest.rsplit_once(" (pid ")
            .map(|(place, behind)| (before, place, behind))
    }) else {
        return text;
    };
    assert!(place.contains("` (") || place.ends_with('`'), "{text}");
    format!("{before}, in PLACE (pid {behind}")
}

/// All that an error tells fits together.
#[track_caller]
fn check_error(error: &Error, kind: ErrorKind) {
    let text = error.to_string();
    assert_eq!(error.kind(), kind, "{text}");
    assert!(!text.contains('\n'), "{text}");
    let worker = error.worker().expect("every error names its worker");
    assert!(text.contains(&format!("worker `{worker}`")), "{text}");
    assert_eq!(error.panic().is_some(), kind == ErrorKind::Panicked);
    let status = error.exit_status();
    assert_eq!(error.signal(), status.and_then(|status| status.signal()));
    match kind {
        ErrorKind::Signaled => assert!(error.signal().is_some()),
        ErrorKind::TimedOut => assert_eq!(error.signal(), Some(libc::SIGKILL)),
        ErrorKind::Exited => {
            let code = status.and_then(|status| status.code()).unwrap();
            assert!(text.contains(&format!("exited with code {code}")), "{text}");
        }
        ErrorKind::Panicked => assert!(!status.unwrap().success()),
        _ => assert_eq!(error.signal(), None),
    }
}
