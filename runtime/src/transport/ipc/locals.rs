//! ipc-channel's thread-locals, and when they are gone.
//!
//! ipc-channel lists what a message carries in thread-locals that have destructors. In a destructor
//! that comes after those, and in an exit handler, using it is a panic, which ends the program.
//! Only ipc-channel itself could ask whether they are there. But a thread-local of this library's that is made
//! right after them is destroyed before them (std begins with the latest): while it is there, they
//! are. Should std change that, nothing is worse than it would be without.

use std::cell::Cell;
use std::io;
use std::thread::{self, LocalKey};

/// The thread-locals that a kind of calls uses.
pub(super) struct Locals {
    are_used: &'static LocalKey<Cell<bool>>,
    are_there: &'static LocalKey<Mark>,
}

/// Made after ipc-channel's own. It needs no more than to be destroyed.
struct Mark;

impl Drop for Mark {
    fn drop(&mut self) {}
}

thread_local! {
    static HAS_SENT: Cell<bool> = const { Cell::new(false) };
    static CAN_SEND: Mark = const { Mark };
}

/// Those of sending.
pub(super) static SENDING: Locals = Locals {
    are_used: &HAS_SENT,
    are_there: &CAN_SEND,
};

impl Locals {
    /// Makes a call that uses them.
    ///
    /// # Errors
    ///
    /// They are gone. Nothing has been done.
    fn using<R, F: FnOnce() -> R>(&self, call: F) -> Result<R, F> {
        if self.are_used.replace(true) {
            return match self.are_there.try_with(|_| ()) {
                Ok(()) => Ok(call()),
                Err(_) => Err(call),
            };
        }
        let result = call();
        let _ = self.are_there.try_with(|_| ());
        Ok(result)
    }

    /// Makes a call that uses them, on another thread if they are gone.
    pub(super) fn using_somewhere<R: Send>(
        &self,
        call: impl FnOnce() -> R + Send,
    ) -> io::Result<R> {
        let call = match self.using(call) {
            Ok(result) => return Ok(result),
            Err(call) => call,
        };
        thread::scope(|scope| {
            let helper = thread::Builder::new().spawn_scoped(scope, call)?;
            helper
                .join()
                .map_err(|_| io::Error::other("ipc-channel has panicked"))
        })
    }
}
