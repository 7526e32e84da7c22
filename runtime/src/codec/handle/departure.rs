//! Handles that can be in one place only. They are told what became of the message they were
//! written into: when it was sent, the local handle is one no longer.

use std::fmt;
use std::sync::Arc;

/// A handle that leaves this process with the message it is written into.
pub(crate) trait Depart: Send + Sync {
    /// The message was sent, or it was not and will not be.
    fn settle(&self, sent: bool);
}

/// The departure of a handle; settled when dropped.
pub(crate) struct Departure {
    handle: Arc<dyn Depart>,
    sent: bool,
}

impl Departure {
    pub(super) fn new(handle: Arc<dyn Depart>) -> Departure {
        Departure {
            handle,
            sent: false,
        }
    }

    /// The message was sent.
    pub(crate) fn confirm(&mut self) {
        self.sent = true;
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        self.handle.settle(self.sent);
    }
}

impl fmt::Debug for Departure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Departure")
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}
