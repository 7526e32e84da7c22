//! What this process was started as.

use std::process;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

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

/// What is known of how this process began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The hook ran in it, or it knows that it did: it can start others.
    Hooked,
    /// It is a copy, made by `fork`, of one that could.
    Copied,
    /// It was started to be a worker or a fork server, and is not prepared yet.
    Marked,
    /// The hook has not run.
    Unknown,
}

/// The origin of this process.
pub(super) fn of_this_process() -> Origin {
    match HOOKED.load(Ordering::Relaxed) {
        hooked if hooked == process::id() => Origin::Hooked,
        0 if IS_MARKED.load(Ordering::Relaxed) => Origin::Marked,
        0 => Origin::Unknown,
        _ => Origin::Copied,
    }
}

/// Notes that this process is one in which workers can be started.
pub(super) fn set_hooked() {
    HOOKED.store(process::id(), Ordering::Relaxed);
}

/// Notes that this process was started to be something else than the program.
pub(super) fn set_marked() {
    IS_MARKED.store(true, Ordering::Relaxed);
}
