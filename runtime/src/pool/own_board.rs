//! What this process shares with its pool, for its tasks.

use std::sync::OnceLock;

use crate::sys::fd::OwnedFd;
use crate::sys::scoreboard::Scoreboard;

static BOARD: OnceLock<&'static Scoreboard> = OnceLock::new();
static STDERR: OnceLock<OwnedFd> = OnceLock::new();

/// The board, if this is a process of a pool.
pub(super) fn get() -> Option<&'static Scoreboard> {
    BOARD.get().copied()
}

/// The pipe to which this process writes its errors, if its pool wants to know the last of them.
pub(super) fn stderr() -> Option<&'static OwnedFd> {
    STDERR.get()
}

pub(super) fn set_stderr(pipe: OwnedFd) {
    let _ = STDERR.set(pipe);
}

/// Lets the tasks of this process find it.
pub(super) fn set(board: &'static Scoreboard) {
    let _ = BOARD.set(board);
}
