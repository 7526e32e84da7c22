//! What is submitted: one task or several of the same worker.
//!
//! # A series
//!
//! Tasks that are submitted one after the other while all workers are busy are one job, if they run the
//! same function with the same options: a *series*. So a task that waits costs little: its arguments
//! stand with those of the others, there is one entry for all of them in the table of jobs and in the
//! queue, and no decision is to be made when one is added. Each has a number of its own all the same, and
//! can be cancelled, lost and tried again without the others.
//! [`pace`](super::pace) says what that is worth.

use std::sync::Arc;

use super::files::{self, Lent};
use super::load::Load;
use super::mailbox::Mailbox;
use super::name::Name;
use super::scheduler::Part;
use super::slot::Slot;
use super::wire::{Terms, batch_message, task_message};
use crate::codec::Content;
use crate::process::TaskOptions;
use crate::sys::fd::OwnedFd;
use crate::trace::Submitted;
use crate::transport::EncodedMessage;

/// One or several tasks.
#[derive(Debug)]
pub(super) struct PoolJob {
    pub(super) worker: &'static str,
    pub(super) name: Name,
    pub(super) arguments: TaskArguments,
    pub(super) recipient: Recipient,
    /// Of each task.
    pub(super) options: TaskOptions,
    pub(super) submitted: Submitted,
    /// Tasks without an outcome.
    pub(super) remaining: u32,
    /// Which of several tasks have one.
    pub(super) done: Vec<bool>,
}

/// The arguments.
#[derive(Debug)]
pub(super) enum TaskArguments {
    One(EncodedMessage),
    /// Each behind its length in four bytes, where each ends, and the [files](super::files) that they mean.
    Many(Vec<u8>, Vec<usize>, Vec<Arc<OwnedFd>>),
}

/// Who wants the results.
#[derive(Debug)]
pub(super) enum Recipient {
    Slot(Arc<Slot>),
    /// The first task's number there.
    Mailbox(Arc<Mailbox>, u64),
    /// The members of a series.
    Slots(Vec<Member>),
}

/// A task of a series.
#[derive(Debug)]
pub(super) struct Member {
    /// Until it has an outcome.
    pub(super) slot: Option<Arc<Slot>>,
    /// When it was submitted, by the clock that all processes share.
    pub(super) at: u64,
}

/// How many tasks are one series at most, since what it holds is given back when all have an outcome.
const SERIES: usize = 4 << 10;

/// How many bytes of arguments a series has at most, and one of its tasks a fourth of them.
const SERIES_BYTES: usize = 64 << 10;

impl TaskArguments {
    pub(super) fn count(&self) -> u32 {
        match self {
            TaskArguments::One(_) => 1,
            TaskArguments::Many(_, ends, _) => u32::try_from(ends.len()).unwrap_or(u32::MAX),
        }
    }

    /// Where the arguments of a task begin, among those of several.
    fn start(ends: &[usize], task: u32) -> usize {
        match task {
            0 => 0,
            task => ends.get(task as usize - 1).copied().unwrap_or_default(),
        }
    }
}

impl PoolJob {
    /// Whether this task could be one of a series: it is short, and is nothing out of the ordinary.
    pub(super) fn can_be_in_series(&self) -> bool {
        let is_short = |arguments: &EncodedMessage| {
            arguments.splices.is_empty()
                && arguments.content != Content::Handles
                && arguments.attachments.len() <= files::MOST
                && arguments.head.len() <= SERIES_BYTES / 4
        };
        self.options.limits.are_none()
            && matches!(self.recipient, Recipient::Slot(_))
            && matches!(&self.arguments, TaskArguments::One(arguments) if is_short(arguments))
    }

    /// Whether it is a task that is waited for by itself.
    pub(super) fn is_one_task(&self) -> bool {
        matches!(self.recipient, Recipient::Slot(_))
    }

    /// Makes this task, which [can be](PoolJob::can_be_in_series) one of a series, the first of one.
    pub(super) fn begin_series(&mut self) {
        if let (TaskArguments::One(arguments), Recipient::Slot(slot)) =
            (&self.arguments, &self.recipient)
        {
            let mut bytes = Vec::new();
            append(&mut bytes, &arguments.head);
            let ends = vec![bytes.len()];
            let member = Member {
                slot: Some(Arc::clone(slot)),
                at: self.submitted.at,
            };
            self.arguments = TaskArguments::Many(bytes, ends, arguments.attachments.clone());
            self.recipient = Recipient::Slots(vec![member]);
        }
    }

    /// Adds a task, which could be one of a series, to this series; false if it does not belong to it or
    /// this is full.
    pub(super) fn append(&mut self, task: &PoolJob) -> bool {
        let (TaskArguments::Many(bytes, ends, files), Recipient::Slots(members)) =
            (&mut self.arguments, &mut self.recipient)
        else {
            return false;
        };
        let (TaskArguments::One(arguments), Recipient::Slot(slot)) =
            (&task.arguments, &task.recipient)
        else {
            return false;
        };
        // Tasks mean files by their places in one list. Those that have none do not mind.
        let are_same_files = || {
            files
                .iter()
                .zip(&arguments.attachments)
                .all(|(a, b)| Arc::ptr_eq(a, b))
        };
        let is_alike = self.options == task.options
            && self.name.is(&task.name)
            && (files.is_empty()
                || arguments.attachments.is_empty()
                || (files.len() == arguments.attachments.len() && are_same_files()));
        let has_room =
            ends.len() < SERIES && bytes.len() + arguments.head.len() + 4 <= SERIES_BYTES;
        if !is_alike || !has_room {
            return false;
        }
        if files.is_empty() {
            files.clone_from(&arguments.attachments);
        }
        append(bytes, &arguments.head);
        ends.push(bytes.len());
        members.push(Member {
            slot: Some(Arc::clone(slot)),
            at: task.submitted.at,
        });
        self.remaining += 1;
        true
    }

    /// Whether a task has no outcome.
    pub(super) fn is_open(&self, task: u32) -> bool {
        match &self.recipient {
            Recipient::Slots(members) => {
                let member = members.get(task as usize);
                member.is_some_and(|member| member.slot.is_some())
            }
            _ => {
                let is_done = self.done.get(task as usize).copied().unwrap_or(false);
                task < self.arguments.count() && !is_done
            }
        }
    }

    /// When some tasks of a series were submitted.
    pub(super) fn submission_times(
        &self,
        first: u32,
        count: u32,
    ) -> Option<impl Iterator<Item = u64>> {
        let Recipient::Slots(members) = &self.recipient else {
            return None;
        };
        let members = members.get(first as usize..)?;
        Some(members.iter().take(count as usize).map(|member| member.at))
    }

    /// These tasks have an outcome.
    pub(super) fn note_done(&mut self, first: u32, count: u32) {
        self.remaining -= count;
        if let Recipient::Slots(members) = &mut self.recipient {
            for member in members.iter_mut().skip(first as usize).take(count as usize) {
                member.slot = None;
            }
            return;
        }
        if let TaskArguments::Many(_, ends, _) = &self.arguments {
            self.done.resize(ends.len(), false);
            let range = first as usize..(first + count) as usize;
            self.done[range].fill(true);
        }
    }

    /// What some of the tasks are, and are long.
    pub(super) fn load(&self, first: u32, count: u32) -> Load {
        let bytes = match &self.arguments {
            _ if count == 0 => 0,
            TaskArguments::One(arguments) => arguments.length(),
            TaskArguments::Many(_, ends, _) => {
                let bytes =
                    TaskArguments::start(ends, first + count) - TaskArguments::start(ends, first);
                match self.recipient {
                    // As long as each would be alone: without the length before it.
                    Recipient::Slots(_) => bytes - 4 * count as usize,
                    _ => bytes,
                }
            }
        };
        Load {
            tasks: count as usize,
            bytes: bytes as u64,
        }
    }

    /// The same of all that have no outcome.
    pub(super) fn load_left(&self) -> Load {
        if self.remaining == self.arguments.count() {
            return self.load(0, self.remaining);
        }
        self.not_done()
            .fold(Load::default(), |sum, task| sum + self.load(task, 1))
    }

    /// The tasks without an outcome.
    pub(super) fn not_done(&self) -> impl Iterator<Item = u32> {
        (0..self.arguments.count()).filter(|task| self.is_open(*task))
    }

    /// The message for a part of it, to a worker that has these files.
    pub(super) fn message(&self, part: Part, round: u16, lent: &mut Lent) -> EncodedMessage {
        let terms = Terms {
            name: &self.name,
            round,
            is_timed: self.options.timeout.is_some(),
        };
        match &self.arguments {
            TaskArguments::One(arguments) => task_message(terms, arguments, lent),
            TaskArguments::Many(bytes, ends, files) => {
                let start = TaskArguments::start(ends, part.first);
                let end = ends[(part.first + part.count) as usize - 1];
                batch_message(terms, &bytes[start..end], files, lent)
            }
        }
    }
}

/// Puts arguments behind others, and their length before them.
fn append(bytes: &mut Vec<u8>, arguments: &[u8]) {
    let length = u32::try_from(arguments.len()).unwrap_or(u32::MAX);
    bytes.extend(length.to_ne_bytes());
    bytes.extend_from_slice(arguments);
}
