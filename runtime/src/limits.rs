//! What a call lets its process have, and whom it lets it be.

use std::io;

use serde::{Deserialize, Serialize};

/// The limits and rights of a process, where a call or its worker names any.
#[derive(Debug, Clone, Default, Hash, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// Bytes of private memory.
    pub(crate) memory: Option<u64>,
    /// Bytes of the worker's stack.
    pub(crate) stack: Option<usize>,
    pub(crate) nice: Option<i32>,
    pub(crate) cpus: Option<Vec<usize>>,
    pub(crate) groups: Option<Vec<u32>>,
    pub(crate) gid: Option<u32>,
    pub(crate) uid: Option<u32>,
}

/// What `setresuid(2)` and its like take for "leave it as it is", and nothing for a user or group.
const UNCHANGED: u32 = u32::MAX;

impl Limits {
    /// Refuses numbers that stand for something else to the system, which would do that in silence.
    pub(crate) fn check(&self) -> io::Result<()> {
        let Limits {
            memory: _,
            stack: _,
            nice: _,
            cpus: _,
            groups,
            gid,
            uid,
        } = self;
        let groups = groups.iter().flatten();
        let what = if *uid == Some(UNCHANGED) {
            "user"
        } else if gid.iter().chain(groups).any(|id| *id == UNCHANGED) {
            "group"
        } else {
            return Ok(());
        };
        Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "the {what} cannot be {UNCHANGED}: to the system this means that the {what} stays the same"
            ),
        ))
    }
}
