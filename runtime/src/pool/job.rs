//! What is submitted: one task or several of the same worker.

use std::sync::Arc;

use super::load::Load;
use super::mailbox::Mailbox;
use super::name::Name;
use super::scheduler::Part;
use super::slot::Slot;
use super::wire::{batch_message, task_message};
use crate::process::TaskOptions;
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
    /// Each behind its length in four bytes, and where each ends.
    Many(Vec<u8>, Vec<usize>),
}

/// Who wants the results.
#[derive(Debug)]
pub(super) enum Recipient {
    Slot(Arc<Slot>),
    /// The first task's number there.
    Mailbox(Arc<Mailbox>, u64),
}

impl TaskArguments {
    pub(super) fn count(&self) -> u32 {
        match self {
            TaskArguments::One(_) => 1,
            TaskArguments::Many(_, ends) => u32::try_from(ends.len()).unwrap_or(u32::MAX),
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
    /// These tasks have an outcome.
    pub(super) fn note_done(&mut self, first: u32, count: u32) {
        self.remaining -= count;
        if let TaskArguments::Many(_, ends) = &self.arguments {
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
            TaskArguments::Many(_, ends) => {
                TaskArguments::start(ends, first + count) - TaskArguments::start(ends, first)
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
        let is_done = |task: &u32| self.done.get(*task as usize).copied().unwrap_or(false);
        (0..self.arguments.count()).filter(move |task| !is_done(task))
    }

    /// The message for a part of it.
    pub(super) fn message(&self, part: Part, round: u16) -> EncodedMessage {
        match &self.arguments {
            TaskArguments::One(arguments) => task_message(&self.name, arguments, round),
            TaskArguments::Many(bytes, ends) => {
                let start = TaskArguments::start(ends, part.first);
                let end = ends[(part.first + part.count) as usize - 1];
                batch_message(&self.name, &bytes[start..end], round)
            }
        }
    }
}
