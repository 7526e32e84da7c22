//! How a task ended.

use super::ran::Ran;
use crate::codec::Message;
use crate::crash::CrashReport;
use crate::dispatch::ResultCodec;
use crate::error::{Error, ErrorKind, Result};
use crate::process::{End, Killed, Status, Subject, Who, end, stopped};
use crate::protocol::Reply;
use crate::records;

/// How a task ended, its value not yet decoded: that is done by who wants it.
#[derive(Debug)]
pub(crate) enum Outcome {
    Reply(Message, Ran),
    Lost(Loss),
    Failed(Error),
    /// That of a task which was asked to stop, and why.
    Asked(Box<Outcome>, Killed),
}

/// The end of a worker that had begun a task.
#[derive(Debug, Clone)]
pub(crate) struct Loss {
    pub(crate) status: Status,
    pub(crate) killed: Option<Killed>,
    pub(crate) id: u32,
    pub(crate) memory_limit: Option<u64>,
    /// Whether the kernel has killed it because there was no memory, probably.
    pub(crate) is_out_of_memory: bool,
    /// What it said of a crash.
    pub(crate) crash: CrashReport,
    /// The last that it wrote to its standard error, if that is wanted.
    pub(crate) stderr_tail: Option<Box<str>>,
}

impl Outcome {
    pub(crate) fn resolve<R>(self, subject: Subject<'_>, codec: &ResultCodec<R>) -> Result<R> {
        let who = |id, memory_limit, is_out_of_memory| Who {
            subject,
            id,
            memory_limit,
            is_out_of_memory,
        };
        match self {
            Outcome::Reply(message, ran) => {
                let end = End {
                    reply: Some(message),
                    ..end(Status::Lost, None, CrashReport::default())
                };
                end.resolve(who(ran.process, None, false), codec)
            }
            Outcome::Lost(loss) => {
                let end = end(loss.status, loss.killed, loss.crash);
                let resolved = end.resolve(
                    who(loss.id, loss.memory_limit, loss.is_out_of_memory),
                    codec,
                );
                resolved.map_err(|error| error.with_stderr_tail(loss.stderr_tail))
            }
            Outcome::Failed(error) => Err(error),
            Outcome::Asked(outcome, why) => {
                let resolved = outcome.resolve(subject, codec);
                resolved.map_err(|error| stopped(subject, why, error))
            }
        }
    }

    /// Waits until what the worker has logged before is handed on, but not for long.
    pub(crate) fn after_logs(self) -> Outcome {
        match &self {
            Outcome::Reply(_, ran) => records::catch_up(ran.process),
            Outcome::Lost(loss) => records::catch_up(loss.id),
            Outcome::Asked(outcome, _) => match &**outcome {
                Outcome::Reply(_, ran) => records::catch_up(ran.process),
                Outcome::Lost(loss) => records::catch_up(loss.id),
                Outcome::Failed(_) | Outcome::Asked(..) => {}
            },
            Outcome::Failed(_) => {}
        }
        self
    }

    /// Whether the worker returned a value.
    pub(crate) fn is_value(&self) -> bool {
        match self {
            Outcome::Reply(message, _) => message.kind() == Some(Reply::Returned as u8),
            Outcome::Asked(outcome, _) => outcome.is_value(),
            Outcome::Lost(_) | Outcome::Failed(_) => false,
        }
    }

    /// Where and when the task ran, if it was answered.
    pub(crate) fn ran(&self) -> Option<Ran> {
        match self {
            Outcome::Reply(_, ran) => Some(*ran),
            Outcome::Asked(outcome, _) => outcome.ran(),
            Outcome::Lost(_) | Outcome::Failed(_) => None,
        }
    }

    /// The length of what was received.
    pub(crate) fn length(&self) -> usize {
        match self {
            Outcome::Reply(message, _) => message.length(),
            Outcome::Asked(outcome, _) => outcome.length(),
            Outcome::Lost(_) | Outcome::Failed(_) => 0,
        }
    }

    pub(crate) fn duplicate(&self) -> Outcome {
        match self {
            Outcome::Reply(message, ran) => match message.try_clone() {
                Ok(message) => Outcome::Reply(message, *ran),
                Err(error) => {
                    let text = "the result has descriptors, which cannot be duplicated";
                    Outcome::Failed(Error::new(ErrorKind::Decode, text).with_source(error))
                }
            },
            Outcome::Lost(loss) => Outcome::Lost(loss.clone()),
            Outcome::Failed(error) => Outcome::Failed(error.duplicate()),
            Outcome::Asked(outcome, why) => Outcome::Asked(Box::new(outcome.duplicate()), *why),
        }
    }
}
