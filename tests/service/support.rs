//! Deadlines: a test that hangs ends the whole program, and its children with it.

use std::process;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long a test may take. None needs a tenth of it.
const DEADLINE: Duration = Duration::from_mins(1);

/// Runs a test, or ends the program when it takes too long.
#[expect(clippy::print_stderr, reason = "it tells which test hangs")]
pub(crate) fn in_time(test: impl FnOnce()) {
    let (done, over) = mpsc::channel::<()>();
    let name = thread::current().name().unwrap_or("a test").to_owned();
    thread::spawn(move || {
        if over.recv_timeout(DEADLINE) == Err(mpsc::RecvTimeoutError::Timeout) {
            eprintln!("{name} is not over after {DEADLINE:?}");
            process::exit(1);
        }
    });
    test();
    drop(done);
}
