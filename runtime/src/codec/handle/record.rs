use super::{Identity, Parts};

/// A handle as it stands in a message.
#[derive(Debug)]
pub(in super::super) struct Record {
    pub(in super::super) identity: Identity,
    pub(in super::super) parts: Parts,
}
