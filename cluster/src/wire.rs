//! What submitters and agents write to each other. They run the same build, and so need no versions.

use std::time::Duration;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use multiproc::__private::cluster;

/// A task, or several that are sent together.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct TaskMessage {
    /// How often it may be begun again.
    pub(crate) retries: u32,
    /// The first attempt that is still to be made: those before it are lost.
    pub(crate) first: u32,
    /// Whether it is to be told where and when its calls ran.
    pub(crate) is_traced: bool,
    pub(crate) calls: Body,
}

/// How a task has ended.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ResultMessage {
    /// The agent that says so.
    pub(crate) agent: String,
    /// How long that took.
    pub(crate) ran: Duration,
    pub(crate) results: Results,
    /// If that was wanted.
    pub(crate) work: Option<Work>,
}

/// Where and when calls ran, by the clock of their agent's machine, in nanoseconds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Work {
    pub(crate) stretches: Vec<Stretch>,
    /// What time it is there when this is sent.
    pub(crate) now: u64,
}

/// A worker has run one call, or some without a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stretch {
    pub(crate) process: u32,
    pub(crate) calls: u32,
    pub(crate) since: u64,
    pub(crate) until: u64,
}

/// What there is of results.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Results {
    /// One for each call.
    Each(Body),
    /// None, and why.
    None(Reason, String),
}

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Reason {
    /// Who had begun it is gone.
    Lost,
    /// It was cancelled, or its submitter is gone.
    Cancelled,
    /// It cannot be read, or has been damaged.
    Unreadable,
    /// It was not begun: the server does not keep what must be noted first.
    Refused,
}

/// Calls or results.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Body {
    Inline(Vec<Packed>),
    /// They are kept beside the messages, under this name.
    Blob(String),
}

/// A call or result, as the library packs it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Packed(#[serde(with = "as_bytes")] pub(crate) Vec<u8>);

/// The note that a task is about to be run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// By this agent.
    pub(crate) agent: String,
    /// What no other note has.
    pub(crate) mark: String,
}

/// What agents say of themselves.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Status {
    pub(crate) agent: String,
    pub(crate) host: String,
    pub(crate) process: u32,
    pub(crate) workers: usize,
    pub(crate) running: usize,
    pub(crate) done: u64,
    /// It begins nothing more.
    pub(crate) is_leaving: bool,
    /// What time it is there, as in [`Work`].
    pub(crate) now: u64,
}

/// What an agent is asked.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Question {
    /// To say its status.
    Hello,
    /// Whether it runs this task.
    Runs(String),
    /// The same, asked of all: who does not run it does not answer.
    WhoRuns(String),
}

/// What an agent knows of a task.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) enum Knows {
    Running,
    /// Its result was noted.
    Done,
    Nothing,
}

/// What an agent says to a submitter of a task. No message at all is the question whether it is there.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Said {
    /// This agent has been running it for a while, for the time with this number.
    Runs {
        id: String,
        agent: String,
        attempt: u32,
    },
    /// Its result, because the server does not keep it.
    Ended {
        id: String,
        /// A [`ResultMessage`].
        result: Packed,
    },
}

/// What is cancelled.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Cancelled {
    Task(String),
    /// All of a map.
    Job(u64),
    /// All of the submitter.
    Run,
}

/// A message as bytes. Those in this module can always be written.
pub(crate) fn write<T: Serialize>(message: &T) -> Bytes {
    cluster::write(message).unwrap_or_default().into()
}

/// `None` for what is no such message.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    cluster::read(bytes).ok()
}

/// Bytes in one run.
mod as_bytes {
    use std::fmt;

    use serde::de::{Deserializer, Error, Visitor};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        deserializer.deserialize_byte_buf(Bytes)
    }

    struct Bytes;

    impl Visitor<'_> for Bytes {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("bytes")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
            Ok(bytes.to_vec())
        }

        fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
            Ok(bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_message_is_none() {
        let message = TaskMessage {
            retries: 2,
            first: 0,
            is_traced: false,
            calls: Body::Inline(vec![Packed(vec![1, 2, 3]), Packed(vec![0; 100_000])]),
        };
        let bytes = write(&message);
        let Some(TaskMessage {
            retries: 2,
            first: 0,
            is_traced: false,
            calls: Body::Inline(calls),
        }) = read(&bytes)
        else {
            panic!("it is another message");
        };
        assert_eq!(calls[0].0, [1, 2, 3]);
        assert_eq!(calls[1].0.len(), 100_000);
        for end in 0..64 {
            assert!(read::<TaskMessage>(&bytes[..end]).is_none());
        }
        assert!(read::<Status>(&bytes).is_none());
    }
}
