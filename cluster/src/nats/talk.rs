//! What is said and not kept.

use std::time::Duration;

use async_nats::Subscriber;
use bytes::Bytes;
use futures_util::StreamExt;

use super::Inner;
use super::connect::away;
use crate::engine::{Heard, Listener, Result, Topic};

impl Inner {
    pub(super) fn topic(&self, topic: &Topic<'_>) -> String {
        let Inner { prefix, build, .. } = self;
        match topic {
            Topic::Agent(agent) => format!("{prefix}.a.{build}.{}", agent.unwrap_or("*")),
            Topic::AnyAgent => format!("{prefix}.a.*.*"),
            Topic::ToAgent(agent) => format!("{prefix}.q.{build}.{}", agent.unwrap_or("all")),
            Topic::Submitter(Some(run)) => format!("{prefix}.s.{build}.{run}"),
            Topic::Submitter(None) => format!("{prefix}.s.{build}.*.*"),
            Topic::ToSubmitter(run) => format!("{prefix}.w.{build}.{run}"),
            Topic::Cancel(Some(run)) => format!("{prefix}.c.{build}.{run}"),
            Topic::Cancel(None) => format!("{prefix}.c.{build}.*.*"),
        }
    }

    pub(super) async fn ask(
        &self,
        topic: &Topic<'_>,
        message: Bytes,
        limit: Duration,
    ) -> Option<Bytes> {
        let asked = self.client.request(self.topic(topic), message);
        let answer = tokio::time::timeout(limit, asked).await;
        Some(answer.ok()?.ok()?.payload)
    }

    pub(super) async fn listen(&self, topic: &Topic<'_>) -> Result<NatsListener> {
        let subscriber = self.client.subscribe(self.topic(topic)).await;
        let build = match topic {
            Topic::AnyAgent => 0,
            _ => self.build.len() + 1,
        };
        Ok(NatsListener {
            subscriber: subscriber.map_err(away)?,
            // Prefix, kind and build.
            skipped: self.prefix.len() + ".x.".len() + build,
        })
    }
}

pub(crate) struct NatsListener {
    subscriber: Subscriber,
    skipped: usize,
}

impl Listener for NatsListener {
    async fn next(&mut self) -> Option<Heard> {
        let message = self.subscriber.next().await?;
        let about = message.subject.get(self.skipped..).unwrap_or_default();
        Some(Heard {
            about: about.split('.').map(str::to_owned).collect(),
            message: message.payload,
            reply: message.reply.map(|reply| reply.to_string()),
        })
    }
}
