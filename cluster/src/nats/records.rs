//! What is noted of tasks. The first note of a kind is kept, and others are refused.

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, PushConsumer, push};
use async_nats::jetstream::stream::DirectGetErrorKind;
use async_nats::{HeaderMap, StatusCode, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use std::time::Duration;

use super::Inner;
use super::connect::away;
use super::tasks::{is_second, not_stored};
use crate::engine::{First, Note, Record, Records, Result};
use crate::id::{RunId, TaskId};

impl Inner {
    pub(super) async fn record(&self, id: &TaskId, note: Note, message: Bytes) -> Result<First> {
        let sent =
            self.context
                .publish_with_headers(self.note(id, note), HeaderMap::new(), message);
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

/// What is noted of the tasks of a run.
pub(crate) struct NatsRecords {
    subscriber: Subscriber,
    /// The length of what all subjects begin with.
    skipped: usize,
}

impl NatsRecords {
    pub(super) async fn new(inner: &Inner, run: &RunId) -> Result<NatsRecords> {
        let inbox = inner.client.new_inbox();
        let subscriber = inner.client.subscribe(inbox.clone()).await.map_err(away)?;
        let config = push::Config {
            durable_name: Some(format!("run-{}", run.run)),
            deliver_subject: inbox,
            filter_subject: inner.notes(run),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::None,
            idle_heartbeat: Duration::from_secs(5),
            // Gone, if the submitter is.
            inactive_threshold: Duration::from_mins(5),
            ..push::Config::default()
        };
        let created = inner.records.create_consumer(config).await;
        let _: PushConsumer = created.map_err(away)?;
        Ok(NatsRecords {
            subscriber,
            skipped: inner.prefix.len() + ".r.".len(),
        })
    }
}

impl Records for NatsRecords {
    async fn next(&mut self) -> Option<Record> {
        loop {
            let message = self.subscriber.next().await?;
            if message.status == Some(StatusCode::IDLE_HEARTBEAT) {
                continue;
            }
            let read = || {
                let subject = message.subject.get(self.skipped..)?;
                let (id, note) = subject.rsplit_once('.')?;
                let note = match note.strip_prefix('b') {
                    Some(attempt) => Note::Begun(attempt.parse().ok()?),
                    None => Note::Result,
                };
                // $JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>…, with two parts more since 2.
                let parts: Vec<_> = message.reply.as_ref()?.split('.').collect();
                let place = if parts.len() >= 11 { 7 } else { 5 };
                Some((TaskId::parse(id)?, note, parts.get(place)?.parse().ok()?))
            };
            if let Some((id, note, place)) = read() {
                return Some(Record {
                    id,
                    note,
                    place,
                    message: message.payload,
                });
            }
        }
    }
}
