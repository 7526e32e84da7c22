//! Whether this process can start others.

use super::hook::HOOK;
use crate::process::origin::{self, Origin};
use crate::sys::{image, init_array, privileges};

/// Why this process cannot start any, if so.
///
/// In a copy of a process made by `fork`, the library's thread and connections are missing. In a
/// program linked without the constructor, and before that has run, nothing would keep `main` from
/// running again.
pub(in crate::process) fn spawn_refusal() -> Option<&'static str> {
    let origin = origin::of_this_process();
    if origin == Origin::Hooked {
        return privileges::is_privileged().then_some(
            "the program has more rights than the user who started it, as set-user-ID programs have, and its processes could be made to share them",
        );
    }
    Some(if !image::contains((&raw const HOOK).cast()) {
        "this code is part of a shared library, and a new process runs the program, which may not have the library"
    } else if origin == Origin::Copied {
        "this process is a copy of another, made by `fork`, which has none of that one's threads: let the copy execute a program, or start processes before it is made"
    } else if origin == Origin::Marked {
        "start-up functions and constructors cannot start any: the new process would run them first, and so start another"
    } else if init_array::lacks(&raw const HOOK) {
        "the program was linked without its constructors, and the new process would run `main`"
    } else {
        "`main` has not begun, and whatever runs before it would run in the new process too"
    })
}
