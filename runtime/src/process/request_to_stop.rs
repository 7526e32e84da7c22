//! Whether the parent of this process has asked it to stop.
//!
//! The parent asks by ending its direction of the connection: that needs no room in it, cannot be
//! lost, and is there for the child to see whenever it comes to look. The child's first thread looks
//! (`lifeline`), which waits for the end of the connection anyway.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

static ASKED: AtomicBool = AtomicBool::new(false);

/// Whether this process was asked to stop, as one that runs a single worker.
pub(crate) fn was_asked_to_stop() -> bool {
    ASKED.load(Relaxed)
}

/// Notes that it was.
pub(super) fn note() {
    ASKED.store(true, Relaxed);
}
