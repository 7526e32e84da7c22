//! Tasks that wait: put, taken back, looked for.

use std::error::Error as _;

use async_nats::HeaderMap;
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::stream::DirectGetErrorKind;
use bytes::Bytes;

use super::Inner;
use super::connect::away;
use crate::engine::{Cause, EngineError, Result, Which};
use crate::id::TaskId;

impl Inner {
    pub(super) async fn put_task(&self, id: &TaskId, message: Bytes) -> Result<()> {
        let subject = self.task(&Which::Task(id.clone()));
        // The server knows it by this name when it is put again: an answer can be lost.
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, subject.as_str());
        let sent = self.context.publish_with_headers(subject, headers, message);
        match sent.await {
            Ok(answer) => answer.await.map(drop).map_err(|error| not_stored(&error)),
            Err(error) => Err(not_stored(&error)),
        }
    }

    pub(super) async fn remove_tasks(&self, which: &Which) -> Result<u64> {
        let purged = self.tasks.purge().filter(self.task(which)).await;
        purged.map(|it| it.purged).map_err(away)
    }

    pub(super) async fn has_task(&self, id: &TaskId) -> Result<bool> {
        let subject = self.task(&Which::Task(id.clone()));
        match self.tasks.direct_get_last_for_subject(subject).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(false),
            Err(error) => Err(away(error)),
        }
    }

    fn task(&self, which: &Which) -> String {
        let Inner { prefix, build, .. } = self;
        match which {
            Which::Task(id) => format!("{prefix}.t.{build}.{id}"),
            Which::Job(run, job) => format!("{prefix}.t.{build}.{run}.{job}.*"),
            Which::Run(run) => format!("{prefix}.t.{build}.{run}.>"),
        }
    }
}

/// What the server says of a message that it does not keep.
pub(super) fn not_stored(error: &PublishError) -> EngineError {
    let mut text = error.to_string();
    if let Some(source) = error.source().map(ToString::to_string)
        && !text.contains(&source)
    {
        text = format!("{text}: {source}");
    }
    let cause = match error.kind() {
        PublishErrorKind::MaxPayloadExceeded => Cause::Refused,
        PublishErrorKind::MaxAckPending => Cause::Full,
        PublishErrorKind::Other if is_full(&text) => Cause::Full,
        _ => Cause::Away,
    };
    EngineError::new(cause, text)
}

fn is_full(text: &str) -> bool {
    text.contains("maximum messages exceeded") || text.contains("maximum bytes exceeded")
}

/// Whether there was one before, and only one is kept.
pub(super) fn is_second(error: &PublishError) -> bool {
    error.kind() == PublishErrorKind::Other
        && error
            .source()
            .is_some_and(|source| source.to_string().contains("per subject exceeded"))
}
