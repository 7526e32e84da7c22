//! What this process was started as.

use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

/// Tells a process that it was started to be something else than the program, and what.
pub(super) const MARKER: &str = "MULTIPROC_CHILD";

/// The marker of a worker, and a colon and a descriptor.
pub(super) const WORKER: &str = "worker";

/// The marker of a fork server, likewise.
pub(super) const FORK_SERVER: &str = "fork-server";

/// The status of a process that could not become what it was started for, from `sysexits.h`:
/// software error.
pub(super) const EXIT_SOFTWARE: i32 = 70;

/// The process in which the hook ran, or which knows that it did.
static HOOKED: AtomicU32 = AtomicU32::new(0);

/// Whether the constructor ran when this process started.
///
/// Not so before `main`, in a program linked without it, and in a copy of a process made by
/// `fork`: there our thread and connections are missing.
pub(super) fn is_hooked() -> bool {
    HOOKED.load(Ordering::Relaxed) == process::id()
}

/// Notes that this process is one in which workers can be started.
pub(super) fn set_hooked() {
    HOOKED.store(process::id(), Ordering::Relaxed);
}
