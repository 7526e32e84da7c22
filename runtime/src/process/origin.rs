//! What this process was started as.

use std::process;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::hook;
use crate::sys::{image, init_array, privileges};

/// Tells a process that it was started to be something else than the program, and what.
pub(super) const MARKER: &str = "MULTIPROC_CHILD";

/// The marker of a worker, and a colon and a descriptor.
pub(super) const WORKER: &str = "worker";

/// The marker of a fork server, likewise.
pub(super) const FORK_SERVER: &str = "fork-server";

/// The status of a process that could not become what it was started for, or whose worker is gone
/// without a trace, from `sysexits.h`: software error.
pub(super) const EXIT_SOFTWARE: i32 = 70;

/// The status of a process whose reply could not be sent, likewise: input/output error.
pub(super) const EXIT_IO: i32 = 74;

/// The process that can start others, because the hook ran in it or it knows that it did.
static HOOKED: AtomicU32 = AtomicU32::new(0);

/// Whether this process was started to be a worker or a fork server.
static IS_MARKED: AtomicBool = AtomicBool::new(false);

/// Why this process cannot start any, if so.
///
/// In a copy of a process made by `fork`, our thread and connections are missing. In a program
/// linked without the constructor, and before that has run, nothing would keep `main` from running
/// again.
pub(super) fn why_childless() -> Option<&'static str> {
    let hooked = HOOKED.load(Ordering::Relaxed);
    if hooked == process::id() {
        return privileges::is_privileged().then_some(
            "the program has more rights than the user who started it, as set-user-ID programs have, and its processes could be made to share them",
        );
    }
    Some(if !image::contains((&raw const HOOKED).cast()) {
        "this code is part of a shared library, and a new process runs the program, which may not have the library"
    } else if hooked != 0 {
        "this process is a copy of another, made by `fork`, which has none of that one's threads: let the copy execute a program, or start processes before it is made"
    } else if IS_MARKED.load(Ordering::Relaxed) {
        "start-up functions and constructors cannot start any: the new process would run them first, and so start another"
    } else if init_array::lacks(&raw const hook::HOOK) {
        "the program was linked without its constructors, and the new process would run `main`"
    } else {
        "`main` has not begun, and whatever runs before it would run in the new process too"
    })
}

/// Notes that this process is one in which workers can be started.
pub(super) fn set_hooked() {
    HOOKED.store(process::id(), Ordering::Relaxed);
}

/// Notes that this process was started to be something else than the program.
pub(super) fn set_marked() {
    IS_MARKED.store(true, Ordering::Relaxed);
}
