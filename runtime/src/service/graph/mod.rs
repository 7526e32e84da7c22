//! Which services wait for which.

use super::wire::NodeId;

/// A service's place among those that may wait for one another.
#[derive(Debug)]
pub(super) struct Seat;

/// Services that wait for one another.
#[derive(Debug)]
pub(super) struct Circle;

/// What a service waits for.
#[derive(Debug)]
#[expect(dead_code, reason = "circles are not looked for")]
pub(super) enum Edge {
    /// The reply to the item with this number.
    Reply(u64),
    /// That the item with this number is taken out of the queue.
    Room(u64),
}

/// A service waits, until this is dropped.
#[derive(Debug)]
pub(super) struct Waiting;

impl Circle {
    pub(super) fn names(&self) -> Vec<String> {
        Vec::new()
    }
}

impl Seat {
    pub(super) fn take(_: NodeId) -> Option<Seat> {
        None
    }

    pub(super) fn begin(&self, _: u64) {}

    pub(super) fn done(&self, _: u64) {}

    pub(super) fn wait(&self, _: NodeId, _: Edge) -> Result<Option<Waiting>, Circle> {
        Ok(None)
    }
}
