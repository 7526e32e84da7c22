//! What a pool and its workers write to each other.
//!
//! | message | |
//! |---|---|
//! | [`Request::Task`] | round, name of the worker behind its length, arguments |
//! | [`Request::Batch`] | round, name likewise, and the arguments of several tasks, each behind its length |
//! | [`Reply::Results`] | a [`ResultsHeader`], and several replies, each behind its length |
//!
//! Any other reply is that of one task.

use super::name::Name;
use crate::protocol::{Reply, Request};
use crate::transport::EncodedMessage;

/// The message for a task that goes alone.
pub(super) fn task_message(name: &Name, arguments: &EncodedMessage, round: u16) -> EncodedMessage {
    let mut head = task_head(Request::Task, name, round, arguments.head.len());
    head.extend_from_slice(&arguments.head);
    EncodedMessage {
        head,
        splices: arguments.splices.clone(),
        attachments: arguments.attachments.clone(),
    }
}

/// The message for several tasks, whose arguments stand one after another, each behind its length.
pub(super) fn batch_message(name: &Name, arguments: &[u8], round: u16) -> EncodedMessage {
    let mut head = task_head(Request::Batch, name, round, arguments.len());
    head.extend_from_slice(arguments);
    EncodedMessage {
        head,
        ..EncodedMessage::default()
    }
}

/// What stands before the arguments, with room for so many bytes of them.
fn task_head(kind: Request, name: &Name, round: u16, more: usize) -> Vec<u8> {
    let mut head = Vec::with_capacity(1 + 2 + 4 + name.bytes().len() + more);
    head.push(kind as u8);
    head.extend(round.to_ne_bytes());
    head.extend(u32::try_from(name.bytes().len()).unwrap_or(0).to_ne_bytes());
    head.extend_from_slice(name.bytes());
    head
}

/// What stands before the replies in [`Reply::Results`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ResultsHeader {
    /// How long the tasks took together, in nanoseconds.
    pub(super) time: u64,
    pub(super) round: u16,
    /// The number of the first of them in the round.
    pub(super) first: u32,
}

impl ResultsHeader {
    pub(super) fn write(self) -> Vec<u8> {
        let mut head = vec![Reply::Results as u8];
        head.extend(self.time.to_ne_bytes());
        head.extend(self.round.to_ne_bytes());
        head.extend(self.first.to_ne_bytes());
        head
    }

    /// The header of a message, and the replies.
    pub(super) fn read(head: &[u8]) -> Option<(ResultsHeader, &[u8])> {
        let (_, rest) = head.split_first()?;
        let (time, rest) = rest.split_first_chunk()?;
        let (round, rest) = rest.split_first_chunk()?;
        let (first, replies) = rest.split_first_chunk()?;
        let header = ResultsHeader {
            time: u64::from_ne_bytes(*time),
            round: u16::from_ne_bytes(*round),
            first: u32::from_ne_bytes(*first),
        };
        Some((header, replies))
    }
}

/// Bytes behind their length in four bytes, and what follows them.
pub(super) fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_ne_bytes(*length) as usize)
}

/// The round, the name of the worker and the arguments in a message of tasks.
pub(super) fn parse(head: &[u8]) -> (u16, &[u8], &[u8]) {
    let parts = head.get(1..).and_then(|head| {
        let (round, rest) = head.split_first_chunk()?;
        let (callee, arguments) = split(rest)?;
        Some((u16::from_ne_bytes(*round), callee, arguments))
    });
    // A pool sends no other messages; should it, the name will not be found.
    parts.unwrap_or_default()
}
