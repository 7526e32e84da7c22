//! What this process shares with its pool, for its tasks.

use std::sync::OnceLock;

use crate::sys::scoreboard::Scoreboard;

static BOARD: OnceLock<&'static Scoreboard> = OnceLock::new();

/// The board, if this is a process of a pool.
pub(super) fn get() -> Option<&'static Scoreboard> {
    BOARD.get().copied()
}

/// Lets the tasks of this process find it.
pub(super) fn set(board: &'static Scoreboard) {
    let _ = BOARD.set(board);
}
