//! What is kept at the server, and on which terms.

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::object_store;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, Stream};

use super::connect::away;
use crate::engine::{Cause, EngineError, Result};

/// The terms on which tasks and results are kept. They count when there is nothing at the server yet.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) replicas: usize,
    /// For how long a task is kept that is not run, and what is noted of it.
    pub(crate) task_age: Duration,
    /// How much is kept.
    pub(crate) bytes: i64,
}

impl Default for Terms {
    fn default() -> Terms {
        Terms {
            replicas: 1,
            task_age: Duration::from_hours(24),
            bytes: -1,
        }
    }
}

impl Terms {
    /// Makes the streams that are not there yet.
    pub(super) async fn make(&self, context: &Context, prefix: &str) -> Result<()> {
        let common = |name: &str, subjects: String| Config {
            name: format!("{prefix}-{name}"),
            subjects: vec![subjects],
            discard: DiscardPolicy::New,
            // The note that a task was begun must not be gone before the task: then it could begin again.
            max_age: self.task_age,
            max_bytes: self.bytes,
            num_replicas: self.replicas,
            allow_direct: true,
            ..Config::default()
        };
        let tasks = Config {
            retention: RetentionPolicy::WorkQueue,
            ..common("tasks", format!("{prefix}.t.>"))
        };
        let records = Config {
            max_messages_per_subject: 1,
            discard_new_per_subject: true,
            ..common("records", format!("{prefix}.r.>"))
        };
        get(context, tasks).await?;
        get(context, records).await?;
        Ok(())
    }

    /// Makes the place for an owner's long values.
    pub(super) async fn make_bucket(&self, context: &Context, bucket: &str) -> Result<()> {
        if context.get_object_store(bucket).await.is_ok() {
            return Ok(());
        }
        let config = object_store::Config {
            bucket: bucket.to_owned(),
            max_age: self.task_age,
            num_replicas: self.replicas,
            ..object_store::Config::default()
        };
        match context.create_object_store(config).await {
            Ok(_) => Ok(()),
            // Another program may have made it meanwhile.
            Err(error) => match context.get_object_store(bucket).await {
                Ok(_) => Ok(()),
                Err(_) => Err(EngineError::new(
                    Cause::Refused,
                    format_args!("the object store `{bucket}` cannot be had: {error}"),
                )),
            },
        }
    }
}

/// The name of the place for an owner's long values.
pub(super) fn bucket(prefix: &str, owner: &str) -> String {
    format!("{prefix}-blobs-{owner}")
}

/// Takes what is there, or makes it.
async fn get(context: &Context, config: Config) -> Result<Stream> {
    let error = match context.get_stream(&config.name).await {
        Ok(stream) => return Ok(stream),
        Err(error) => error,
    };
    if matches!(error.kind(), GetStreamErrorKind::Request) {
        return Err(away(error));
    }
    let name = config.name.clone();
    match context.create_stream(config).await {
        Ok(stream) => Ok(stream),
        Err(error) => {
            // Another program may have made it meanwhile, on terms of their own.
            if let Ok(stream) = context.get_stream(&name).await {
                return Ok(stream);
            }
            let cause = match error.kind() {
                CreateStreamErrorKind::TimedOut => Cause::Away,
                _ => Cause::Refused,
            };
            Err(EngineError::new(
                cause,
                format_args!("the stream `{name}` cannot be had: {error}"),
            ))
        }
    }
}
