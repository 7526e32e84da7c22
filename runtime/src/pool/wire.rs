//! What a pool and its workers write to each other.
//!
//! | message | |
//! |---|---|
//! | [`Request::Task`] | what is said of all tasks, arguments |
//! | [`Request::Batch`] | the same, and the arguments of several tasks, each behind its length |
//! | [`Reply::Results`] | a [`ResultsHeader`], and several replies, each behind its length |
//!
//! Any other reply is that of one task. What is said of all tasks are the round, whether it matters when each
//! begins, the [files](super::files) to forget and those that are meant, behind their number, and the name of the
//! worker behind its length.

use std::sync::Arc;

use super::files::{self, FileList, Lent, Listed};
use super::name::Name;
use crate::codec::Content;
use crate::protocol::{Reply, Request};
use crate::sys::fd::OwnedFd;
use crate::transport::EncodedMessage;

/// What is said of all tasks of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms<'n> {
    pub(super) name: &'n Name,
    pub(super) round: u16,
    /// Whether it matters to the microsecond when each begins.
    pub(super) is_timed: bool,
}

/// The message for a task that goes alone.
pub(super) fn task_message(
    terms: Terms<'_>,
    arguments: &EncodedMessage,
    lent: &mut Lent,
) -> EncodedMessage {
    let is_common =
        arguments.content == Content::Common && arguments.attachments.len() <= files::MOST;
    let (list, new) = lent.lend(if is_common {
        &arguments.attachments
    } else {
        &[]
    });
    let mut head = task_head(Request::Task, terms, &list, arguments.head.len());
    head.extend_from_slice(&arguments.head);
    EncodedMessage {
        head,
        splices: arguments.splices.clone(),
        attachments: if is_common {
            new
        } else {
            arguments.attachments.clone()
        },
        content: arguments.content,
    }
}

/// The message for several tasks, whose arguments stand one after another, each behind its length.
pub(super) fn batch_message(
    terms: Terms<'_>,
    arguments: &[u8],
    files: &[Arc<OwnedFd>],
    lent: &mut Lent,
) -> EncodedMessage {
    let (list, attachments) = lent.lend(files);
    let mut head = task_head(Request::Batch, terms, &list, arguments.len());
    head.extend_from_slice(arguments);
    EncodedMessage {
        head,
        attachments,
        ..EncodedMessage::default()
    }
}

/// What stands before the arguments, with room for so many bytes of them.
fn task_head(kind: Request, terms: Terms<'_>, list: &FileList, more: usize) -> Vec<u8> {
    let name = terms.name.bytes();
    let places = list.places.as_slice();
    let mut head = Vec::with_capacity(1 + 2 + 1 + 1 + 4 + places.len() + 4 + name.len() + more);
    head.push(kind as u8);
    head.extend(terms.round.to_ne_bytes());
    head.push(terms.is_timed.into());
    head.push(list.forget);
    put(&mut head, places);
    put(&mut head, name);
    head
}

/// Appends bytes behind their length in four bytes.
fn put(head: &mut Vec<u8>, bytes: &[u8]) {
    head.extend(u32::try_from(bytes.len()).unwrap_or(0).to_ne_bytes());
    head.extend_from_slice(bytes);
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

/// How long the length is that stands before bytes.
pub(super) const LENGTH: usize = 4;

/// Bytes behind their length in four bytes, and what follows them.
#[inline]
pub(super) fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(u32::from_ne_bytes(*length) as usize)
}

/// A message of tasks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tasks<'m> {
    pub(super) round: u16,
    /// Whether it matters to the microsecond when each begins.
    pub(super) is_timed: bool,
    pub(super) files: Listed<'m>,
    /// What names the worker.
    pub(super) callee: &'m [u8],
    pub(super) arguments: &'m [u8],
}

impl<'m> Tasks<'m> {
    pub(super) fn read(head: &'m [u8]) -> Tasks<'m> {
        // A pool sends no other messages; should it, the name will not be found.
        Tasks::parse(head).unwrap_or_default()
    }

    fn parse(head: &'m [u8]) -> Option<Tasks<'m>> {
        let (round, rest) = head.get(1..)?.split_first_chunk()?;
        let (is_timed, rest) = rest.split_first()?;
        let (forget, rest) = rest.split_first()?;
        let (places, rest) = split(rest)?;
        let (callee, arguments) = split(rest)?;
        Some(Tasks {
            round: u16::from_ne_bytes(*round),
            is_timed: *is_timed != 0,
            files: Listed {
                forget: *forget,
                places,
            },
            callee,
            arguments,
        })
    }
}
