//! What is noted of tasks. The first note of a kind is kept, and others are refused.

use async_nats::Subscriber;
use async_nats::jetstream::stream::DirectGetErrorKind;
use bytes::Bytes;
use futures_util::StreamExt;

use super::Inner;
use super::connect::away;
use super::tasks::{is_second, not_stored};
use crate::engine::{First, Note, Record, Records, Result};
use crate::id::{RunId, TaskId};

impl Inner {
    pub(super) async fn record(&self, id: &TaskId, note: Note, message: Bytes) -> Result<First> {
        let sent = self.context.publish(self.note(id, note), message);
        let stored = match sent.await {
            Ok(answer) => answer.await,
            Err(error) => Err(error),
        };
        match stored {
            Ok(_) => Ok(First::Yes),
            Err(error) if is_second(&error) => Ok(First::No),
            Err(error) => Err(not_stored(&error)),
        }
    }

    pub(super) async fn recorded(&self, id: &TaskId, note: Note) -> Result<Option<Bytes>> {
        let subject = self.note(id, note);
        match self.records.direct_get_last_for_subject(subject).await {
            Ok(message) => Ok(Some(message.payload)),
            Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
            Err(error) => Err(away(error)),
        }
    }

    pub(super) async fn last_place(&self) -> Result<u64> {
        let info = self.records.get_info().await;
        info.map(|info| info.state.last_sequence).map_err(away)
    }

    pub(super) async fn forget(&self, run: &RunId, before: Option<u64>) -> Result<()> {
        let purge = self.records.purge().filter(self.notes(run));
        let purged = match before {
            Some(before) => purge.sequence(before).await,
            None => purge.await,
        };
        purged.map(drop).map_err(away)
    }

    fn notes(&self, run: &RunId) -> String {
        format!("{}.r.{run}.>", self.prefix)
    }

    fn note(&self, id: &TaskId, note: Note) -> String {
        let prefix = &self.prefix;
        match note {
            Note::Begun(attempt) => format!("{prefix}.r.{id}.b{attempt}"),
            Note::Result => format!("{prefix}.r.{id}.r"),
        }
    }
}

/// The results of the tasks of a run: an ordinary subscription to the subjects of their notes, which the server
/// serves before it stores them. A consumer of the stream would be told later, at more cost, and would miss no less
/// when a connection breaks. Notes of beginnings are not heard: that would be one message more, and a thread woken,
/// right before the result.
pub(crate) struct NatsRecords {
    subscriber: Subscriber,
    /// The length of what all subjects begin with.
    skipped: usize,
}

impl NatsRecords {
    pub(super) async fn new(inner: &Inner, run: &RunId) -> Result<NatsRecords> {
        let results = format!("{}.r.{run}.*.*.r", inner.prefix);
        let subscriber = inner.client.subscribe(results).await;
        Ok(NatsRecords {
            subscriber: subscriber.map_err(away)?,
            skipped: inner.prefix.len() + ".r.".len(),
        })
    }
}

impl Records for NatsRecords {
    async fn next(&mut self) -> Option<Record> {
        loop {
            let message = self.subscriber.next().await?;
            let read = || {
                let subject = message.subject.get(self.skipped..)?;
                TaskId::parse(subject.strip_suffix(".r")?)
            };
            if let Some(id) = read() {
                return Some(Record {
                    id,
                    message: message.payload,
                });
            }
        }
    }
}
