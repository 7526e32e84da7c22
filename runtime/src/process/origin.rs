//! What this process was started as.

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::sys::secure;

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

/// Why this process cannot start any, if so.
///
/// In a copy of a process made by `fork`, our thread and connections are missing. In a program
/// linked without the constructor, and before that has run, nobody would keep `main` from running
/// again.
pub(super) fn why_childless() -> Option<&'static str> {
    if HOOKED.load(Ordering::Relaxed) != process::id() {
        return Some(
            "no process can be started before `main`, by a start-up function, in a process made by `fork`, or from a program linked without its constructors",
        );
    }
    secure::is_privileged().then_some(
        "the program has more rights than whoever started it, as set-user-ID programs have, and its processes could be made to share them",
    )
}

/// Notes that this process is one in which workers can be started.
pub(super) fn set_hooked() {
    HOOKED.store(process::id(), Ordering::Relaxed);
}
