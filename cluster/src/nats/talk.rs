//! What is said and not kept.

use std::time::Duration;

use async_nats::Subscriber;
use bytes::Bytes;
use futures_util::StreamExt;

use super::Inner;
use super::connect::away;
use crate::engine::{Heard, Listener, Result, Topic};
use crate::id::TaskId;

impl Inner {
    pub(super) fn topic(&self, topic: &Topic<'_>) -> String {
        let Inner { prefix, build, .. } = self;
        match topic {
            Topic::Agent(agent) => format!("{prefix}.a.{build}.{}", agent.unwrap_or("*")),
            Topic::AnyAgent => format!("{prefix}.a.*.*"),
            Topic::ToAgent(agent) => format!("{prefix}.q.{build}.{}", agent.unwrap_or("all")),
            Topic::Handed(agent, Some(id)) => format!("{prefix}.h.{build}.{agent}.{id}"),
            Topic::Handed(agent, None) => format!("{prefix}.h.{build}.{agent}.>"),
            Topic::NotTaken => format!("{}.>", self.not_taken),
            Topic::Submitter(Some(run)) => format!("{prefix}.s.{build}.{run}"),
            Topic::Submitter(None) => format!("{prefix}.s.{build}.*.*"),
            Topic::ToSubmitter(run) => format!("{prefix}.w.{build}.{run}"),
            Topic::Cancel(Some(run)) => format!("{prefix}.c.{build}.{run}"),
            Topic::Cancel(None) => format!("{prefix}.c.{build}.*.*"),
        }
    }

    /// A request of the client's own would be kept there until it is answered, which this one is not, as a rule.
    pub(super) async fn hand(&self, agent: &str, id: &TaskId, message: Bytes) -> Result<()> {
        let subject = self.topic(&Topic::Handed(agent, Some(id)));
        let reply = format!("{}.{id}", self.not_taken);
        let sent = self.client.publish_with_reply(subject, reply, message);
        sent.await.map_err(away)
    }

    pub(super) async fn ask(
        &self,
        topic: &Topic<'_>,
        message: Bytes,
        limit: Duration,
    ) -> Option<Bytes> {
        let asked = async {
            let answer = self.client.request(self.topic(topic), message).await;
            answer.map_err(away)
        };
        let answer = tokio::time::timeout(limit, self.answered(asked)).await;
        Some(answer.ok()?.ok()?.payload)
    }

    pub(super) async fn listen(&self, topic: &Topic<'_>) -> Result<NatsListener> {
        let subscriber = self.client.subscribe(self.topic(topic)).await;
        let kind = self.prefix.len() + ".x.".len();
        let build = self.build.len() + ".".len();
        let skipped = match topic {
            Topic::NotTaken => self.not_taken.len() + ".".len(),
            Topic::AnyAgent => kind,
            Topic::Handed(agent, _) => kind + build + agent.len() + ".".len(),
            _ => kind + build,
        };
        Ok(NatsListener {
            subscriber: subscriber.map_err(away)?,
            skipped,
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

    async fn close(&mut self) {
        let _ = self.subscriber.drain().await;
    }
}
