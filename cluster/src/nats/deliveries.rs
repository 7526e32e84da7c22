//! Tasks for an agent: pulled, never pushed.
//!
//! All requests of an agent are answered to one subscription, each under a number of its own, and what is
//! still due of each is counted. The client's own batches would subscribe anew for each request.

use std::collections::HashMap;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::{Client, StatusCode, Subject, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::watch;

use super::Inner;
use super::connect::away;
use crate::engine::{Arrival, Deliveries, Delivery, Result};
use crate::id::TaskId;

/// How long a request is good for, at the server.
const EXPIRY: Duration = Duration::from_secs(20);

pub(crate) struct NatsDeliveries {
    client: Client,
    connected: watch::Receiver<bool>,
    subscriber: Subscriber,
    inbox: String,
    /// Where requests go.
    next: String,
    /// What subjects begin with.
    skipped: usize,
    requests: u64,
    /// How many are due of which request, and when it is over.
    due: HashMap<u64, (usize, tokio::time::Instant)>,
    answer_time: Duration,
    is_closed: bool,
}

impl NatsDeliveries {
    pub(super) async fn new(inner: &Inner) -> Result<NatsDeliveries> {
        let filter = format!("{}.t.{}.>", inner.prefix, inner.build);
        let name = format!("build-{}", inner.build);
        let config = pull::Config {
            durable_name: Some(name.clone()),
            filter_subject: filter,
            ack_policy: AckPolicy::Explicit,
            ack_wait: inner.answer_time,
            max_deliver: -1,
            max_ack_pending: -1,
            max_waiting: 1 << 16,
            inactive_threshold: Duration::from_hours(24),
            // As many copies as the stream has.
            num_replicas: 0,
            ..pull::Config::default()
        };
        let consumer = inner.tasks.get_or_create_consumer(&name, config).await;
        let consumer: PullConsumer =
            consumer.map_err(|error| away(inner.complaints.explain(error, &inner.prefix)))?;
        let inbox = inner.client.new_inbox();
        let subscriber = inner.client.subscribe(format!("{inbox}.*")).await;
        Ok(NatsDeliveries {
            client: inner.client.clone(),
            connected: inner.connected.clone(),
            subscriber: subscriber.map_err(away)?,
            inbox,
            next: format!("$JS.API.CONSUMER.MSG.NEXT.{}-tasks.{name}", inner.prefix),
            skipped: format!("{}.t.{}.", inner.prefix, inner.build).len(),
            requests: 0,
            due: HashMap::new(),
            // Its terms are those of who made it.
            answer_time: consumer.cached_info().config.ack_wait,
            is_closed: false,
        })
    }

    /// Gives up all requests: the server has forgotten them, or will.
    fn expire(&mut self) -> Option<Arrival<Subject>> {
        let due = self.due.drain().map(|(_, (count, _))| count).sum();
        (due > 0).then_some(Arrival::Expired(due))
    }

    fn arrive(&mut self, message: async_nats::Message) -> Option<Arrival<Subject>> {
        let number = message.subject.rsplit('.').next()?.parse().ok();
        let number: u64 = match (number, &message.status) {
            (Some(number), Some(_)) => number,
            // A task has its own subject; that of its request is not told.
            (_, None) => return self.task(message),
            (None, Some(_)) => return None,
        };
        if message.status == Some(StatusCode::IDLE_HEARTBEAT) {
            return None;
        }
        // Whatever it is: this request gives nothing more.
        let (count, _) = self.due.remove(&number)?;
        Some(Arrival::Expired(count))
    }

    fn task(&mut self, message: async_nats::Message) -> Option<Arrival<Subject>> {
        // The oldest request is the one that is answered.
        if let Some(oldest) = self.due.keys().min().copied()
            && let Some((count, _)) = self.due.get_mut(&oldest)
        {
            *count -= 1;
            if *count == 0 {
                self.due.remove(&oldest);
            }
        }
        let id = TaskId::parse(message.subject.get(self.skipped..)?)?;
        Some(Arrival::Task(Delivery {
            id,
            message: message.payload,
            receipt: message.reply?,
        }))
    }
}

impl Deliveries for NatsDeliveries {
    type Receipt = Subject;

    fn answer_time(&self) -> Duration {
        self.answer_time
    }

    async fn request(&mut self, count: usize) -> Result<()> {
        self.requests += 1;
        let reply = format!("{}.{}", self.inbox, self.requests);
        let request = format!("{{\"batch\":{count},\"expires\":{}}}", EXPIRY.as_nanos());
        let over = tokio::time::Instant::now() + EXPIRY + Duration::from_secs(2);
        self.due.insert(self.requests, (count, over));
        let sent = self
            .client
            .publish_with_reply(self.next.clone(), reply, Bytes::from(request));
        sent.await.map_err(away)
    }

    async fn next(&mut self) -> Option<Arrival<Subject>> {
        loop {
            let over = self.due.values().map(|(_, over)| *over).min();
            let over = over.unwrap_or_else(|| tokio::time::Instant::now() + EXPIRY);
            tokio::select! {
                message = self.subscriber.next() => {
                    if let Some(arrival) = self.arrive(message?) {
                        return Some(arrival);
                    }
                }
                changed = self.connected.changed(), if !self.is_closed => {
                    changed.ok()?;
                    let is_connected = *self.connected.borrow_and_update();
                    if is_connected && let Some(expired) = self.expire() {
                        return Some(expired);
                    }
                }
                () = tokio::time::sleep_until(over), if !self.is_closed => {
                    if let Some(expired) = self.expire() {
                        return Some(expired);
                    }
                }
            }
        }
    }

    async fn close(&mut self) {
        self.is_closed = true;
        // What the server has sent before it knows still comes, and then the end.
        let _ = self.subscriber.drain().await;
    }
}
