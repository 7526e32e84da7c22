//! The limit on a child's memory, and whether it has met it.

use crate::descriptor::Fd;
use crate::limits::Limits;
use crate::sys::exhaustion::Exhaustion;
use crate::sys::fd::OwnedFd;

/// The limit that a child was given.
#[derive(Debug)]
pub(super) struct MemoryLimit {
    bytes: u64,
    exhaustion: Exhaustion,
}

impl MemoryLimit {
    /// That of these limits, and what the child is to be handed, to tell of it. `None` also where
    /// there is no room for that: then no crash is blamed on the limit.
    pub(super) fn of(limits: &Limits) -> Option<(MemoryLimit, Fd<OwnedFd>)> {
        let bytes = limits.memory?;
        let (exhaustion, file) = Exhaustion::new().ok()?;
        Some((MemoryLimit { bytes, exhaustion }, Fd::new(file)))
    }

    /// The limit in bytes, if the child crashed after it had been refused memory.
    pub(super) fn met(&self) -> Option<u64> {
        self.exhaustion.is_noted().then_some(self.bytes)
    }
}
