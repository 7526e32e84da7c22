//! No machines at all: the data are the whole cell.

use crate::sync::raw::{Kind, Machine};

/// What lies under data that guard themselves, or do not change.
#[derive(Debug)]
pub(super) struct Ground;

/// What lies under data that are divided among several owners.
#[derive(Debug)]
pub(super) struct Divided;

#[expect(unsafe_code, reason = "machines are made in place")]
// SAFETY: it has no bytes.
unsafe impl Machine for Ground {
    const KIND: Kind = Kind::Plain;
}

#[expect(unsafe_code, reason = "machines are made in place")]
// SAFETY: as above.
unsafe impl Machine for Divided {
    const KIND: Kind = Kind::Buffer;
}
