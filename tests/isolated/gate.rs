//! Hides the [`subjects`](super::subjects) unless they are asked for.
//!
//! libtest has a list of tests that is made when the program is built, and leaves tests out by its
//! arguments only. So there is one more of these before `main`, unless the environment says that the subjects
//! are to be seen.

#![expect(unsafe_code, reason = "it is a constructor")]

use std::env;
use std::os::unix::process::CommandExt;
use std::process::{Command, abort};

/// Whether subjects are tests. Children have it from their parent, so that nothing is added for them.
pub(crate) const SUBJECTS: &str = "MULTIPROC_TESTS_SUBJECTS";

// SAFETY: the section holds pointers to functions that are called before `main` with arguments
// that they need not take; this is one.
#[used]
#[unsafe(link_section = ".init_array")]
static GATE: extern "C" fn() = gate;

extern "C" fn gate() {
    if env::var_os(SUBJECTS).is_some() {
        return;
    }
    let Ok(program) = env::current_exe() else {
        abort();
    };
    let error = Command::new(program)
        .args(env::args_os().skip(1))
        .args(["--skip", "subjects::"])
        .env(SUBJECTS, "hidden")
        .exec();
    eprintln!("{error}");
    abort();
}
