//! Limits of a task, in a process that runs others without them.
//!
//! A task has no process of its own to which they could be given when it begins. What can be taken
//! back when the task is over, or concerns a thread only, can be given all the same.

use std::hash::{Hash, Hasher};

use serde::{Deserialize, Serialize};

use super::launched::function;
use crate::codec::{Input, Output};
use crate::error::{Error, ErrorKind, Result};
use crate::sys::function::Function;

/// The limits that a task has for itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct TaskLimits {
    /// Bytes of private memory that its process may have meanwhile.
    pub(crate) memory: Option<u64>,
    /// Bytes of its stack.
    pub(crate) stack: Option<usize>,
    /// What is added to its niceness.
    pub(crate) nice: Option<i32>,
    /// What is to have run in its process.
    pub(crate) before_worker: Option<Hook>,
}

/// A function of the program. It is the same as another if it has the same place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hook(pub(crate) fn());

impl Hook {
    fn address(self) -> usize {
        (self.0 as *const ()).addr()
    }
}

impl PartialEq for Hook {
    fn eq(&self, other: &Hook) -> bool {
        self.address() == other.address()
    }
}

impl Eq for Hook {}

impl Hash for Hook {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.address().hash(state);
    }
}

/// The limits as they are sent.
#[derive(Serialize, Deserialize)]
struct Sent {
    memory: Option<u64>,
    stack: Option<usize>,
    nice: Option<i32>,
    before_worker: Option<Function>,
}

impl TaskLimits {
    pub(crate) fn are_none(&self) -> bool {
        *self == TaskLimits::default()
    }

    /// These, and the others where these say nothing.
    pub(super) fn or(self, others: TaskLimits) -> TaskLimits {
        TaskLimits {
            memory: self.memory.or(others.memory),
            stack: self.stack.or(others.stack),
            nice: self.nice.or(others.nice),
            before_worker: self.before_worker.or(others.before_worker),
        }
    }

    pub(crate) fn write(&self, out: &mut Output<'_>) -> Result<()> {
        let before_worker = self.before_worker.map(|Hook(hook)| function(hook));
        let sent = Sent {
            memory: self.memory,
            stack: self.stack,
            nice: self.nice,
            before_worker: before_worker.transpose()?,
        };
        out.write(&sent)
            .map_err(|error| Error::new(ErrorKind::Encode, error.to_string()))
    }

    pub(crate) fn read(input: &mut Input<'_>) -> std::result::Result<TaskLimits, String> {
        let sent: Sent = input
            .read()
            .map_err(|error| format!("its limits cannot be read: {error}"))?;
        let before_worker = sent.before_worker.map(|function| {
            let missing = "its `before_worker` function is missing";
            function.find().map(Hook).ok_or(missing)
        });
        Ok(TaskLimits {
            memory: sent.memory,
            stack: sent.stack,
            nice: sent.nice,
            before_worker: before_worker.transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook() {}

    #[test]
    fn limits_arrive_as_they_were_sent() {
        for limits in [
            TaskLimits::default(),
            TaskLimits {
                memory: Some(1 << 40),
                stack: Some(1 << 20),
                nice: Some(-3),
                before_worker: Some(Hook(hook)),
            },
        ] {
            let mut out = Output::default();
            limits.write(&mut out).unwrap();
            let mut input = Input::over(&out.head);
            assert_eq!(TaskLimits::read(&mut input).unwrap(), limits);
        }
    }
}
