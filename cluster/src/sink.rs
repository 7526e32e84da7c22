//! Where the ends of tasks arrive.

use std::time::Duration;

use multiproc::Error;

/// What waits for the ends of tasks: of one, or of a map.
pub(crate) trait Sink: Send + Sync + 'static {
    /// The message with this number has ended. Called once for each.
    fn end(&self, number: u64, ended: Ended);
}

/// How the calls of a message have ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// Each in its way, packed, and how long all of them took.
    Each(Vec<Vec<u8>>, Duration),
    /// All in the same way.
    All(Error),
}
