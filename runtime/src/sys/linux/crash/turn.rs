//! Which thread tells of this process: the first one that has something to tell.

use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

/// That thread, and the signal that has brought it to its handler.
static THREAD: AtomicI32 = AtomicI32::new(0);
static SIGNAL: AtomicI32 = AtomicI32::new(0);

/// Whether a thread may tell of the process.
pub(super) enum Turn {
    /// It may.
    First,
    /// It does already: something happened to it in the handler of this signal.
    Again(libc::c_int),
    /// Another one does.
    Late,
}

impl Turn {
    /// Asks for this thread, whose handler was entered because of this signal.
    pub(super) fn take(thread: libc::pid_t, signal: libc::c_int) -> Turn {
        match THREAD.compare_exchange(0, thread, Relaxed, Relaxed) {
            Ok(_) => {
                SIGNAL.store(signal, Relaxed);
                Turn::First
            }
            Err(first) if first == thread => Turn::Again(SIGNAL.load(Relaxed)),
            Err(_) => Turn::Late,
        }
    }
}
