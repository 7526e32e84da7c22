//! The limit on the private memory of this process, and how it is lowered for a while.

use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Whether there is a limit.
pub(crate) fn is_set() -> bool {
    getrlimit(Resource::Data).current.is_some()
}

/// What the limit was before it was lowered.
#[derive(Debug)]
#[must_use = "it is restored by hand"]
pub(crate) struct SoftLimit(Rlimit);

impl SoftLimit {
    /// Lowers the limit to this number of bytes, unless it is lower.
    pub(crate) fn lower(bytes: u64) -> io::Result<SoftLimit> {
        let before = getrlimit(Resource::Data);
        let current = before.current.map_or(bytes, |current| current.min(bytes));
        setrlimit(
            Resource::Data,
            Rlimit {
                current: Some(current),
                ..before
            },
        )?;
        Ok(SoftLimit(before))
    }

    /// Makes the limit what it was.
    pub(crate) fn restore(self) -> io::Result<()> {
        Ok(setrlimit(Resource::Data, self.0)?)
    }
}
