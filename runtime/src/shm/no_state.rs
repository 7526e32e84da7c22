//! No machines at all: the data are the whole cell.

use crate::raw::{Holders, Machine};

/// What lies under data that guard themselves, or do not change.
#[derive(Debug)]
pub(super) struct NoState;

/// What lies under data that are divided among several owners.
#[derive(Debug)]
pub(super) struct Divided;

#[expect(unsafe_code, reason = "machines are made in place")]
// SAFETY: it has no bytes.
unsafe impl Machine for NoState {
    fn wipe(&self, _: &dyn Holders, _: u32) {}
}

#[expect(unsafe_code, reason = "machines are made in place")]
// SAFETY: as above.
unsafe impl Machine for Divided {
    fn wipe(&self, _: &dyn Holders, _: u32) {}
}
