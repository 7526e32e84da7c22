//! The engine: NATS JetStream. Nothing outside this folder names its client.
//!
//! | what | where |
//! |---|---|
//! | tasks | the stream `P-tasks`, a work queue: what is acknowledged is gone. Subjects `P.t.BUILD.OWNER.RUN.JOB.NUMBER`, and a consumer for each build |
//! | records | the stream `P-records`, which refuses a second message for a subject: the first wins. Subjects `P.r.OWNER.RUN.JOB.NUMBER.b0` (begun), `.b1` (begun again), `.r` (the result) |
//! | long values | the object store `P-blobs-OWNER` |
//! | talk | subjects `P.a` (agents), `P.q` (questions to them), `P.s` (submitters), `P.w` (questions to them), `P.c` (what is cancelled), which are not kept |
//! | tasks that are handed to an agent, and questions about them | subjects `P.h.BUILD.AGENT.OWNER.RUN.JOB.NUMBER`, which are not kept either |
//!
//! `P` is the prefix. What is an owner's has the owner's name at a fixed place of its subjects, so that a server's
//! permissions can name it.
//!
//! Traps that were met, and what is done about them:
//!
//! * Servers before 2.10.23 lose tasks when they crash: they are refused.
//! * Consumers of records come back late after a crash of the server, and miss what was sent meanwhile. There are
//!   none: a submitter hears results as they are sent, and looks up what it has missed.
//! * A limit of deliveries makes messages stay for ever without a word: there is none. Who begins a task notes
//!   that first, so the count of deliveries means nothing.
//! * Many consumers that come and go on a work queue have lost messages: there is one for each build, which
//!   stays for a day without use.

mod blobs;
mod connect;
mod deliveries;
mod records;
mod refusal;
mod streams;
mod talk;
mod tasks;

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{AckKind, Context};
use async_nats::{Client, Subject};
use bytes::Bytes;
use tokio::sync::watch;

pub(crate) use self::connect::{Role, connect};
pub(crate) use self::streams::Terms;
use crate::engine::{Answer, Engine, First, Heard, Note, Result, Topic, Which};
use crate::id::{RunId, TaskId};

/// The connection to a server, and what there is behind it.
#[derive(Clone)]
pub(crate) struct Nats(Arc<Inner>);

struct Inner {
    client: Client,
    context: Context,
    connected: watch::Receiver<bool>,
    reconnected: connect::Reconnected,
    complaints: refusal::Complaints,
    prefix: String,
    build: String,
    tasks: Stream<()>,
    records: Stream<()>,
    answer_time: Duration,
    /// Where it is heard which tasks are not taken that were handed to an agent.
    not_taken: String,
}

/// How long an answer of the server is waited for.
const REQUEST_TIME: Duration = Duration::from_secs(5);

impl Inner {
    /// Has something asked of the server when there is a connection, and waits for the answer for as long as that lasts:
    /// an answer to a connection that is broken does not come. What was asked may have been done all the same, as
    /// after any other error that says that the server is away.
    async fn answered<T>(&self, asked: impl Future<Output = Result<T>>) -> Result<T> {
        let mut connected = self.connected.clone();
        let is_connected = *connected.borrow_and_update();
        if !is_connected {
            let is_there = connected.wait_for(|is_connected| *is_connected);
            if tokio::time::timeout(REQUEST_TIME, is_there).await.is_err() {
                return Err(connect::away("there is no connection to the server"));
            }
        }
        tokio::select! {
            biased;
            answer = asked => answer,
            _ = connected.changed() => Err(connect::away("the connection to the server is broken")),
        }
    }
}

impl Engine for Nats {
    type Deliveries = deliveries::NatsDeliveries;
    type Records = records::NatsRecords;
    type Listener = talk::NatsListener;
    type Receipt = Subject;

    fn connected(&self) -> watch::Receiver<bool> {
        self.0.connected.clone()
    }

    fn is_just_back(&self) -> bool {
        self.0.reconnected.is_just_now()
    }

    fn complaint(&self) -> Option<String> {
        self.0.complaints.latest()
    }

    fn message_limit(&self) -> usize {
        // Subjects and headers count.
        self.0
            .client
            .max_payload()
            .saturating_sub(4096)
            .min(512 << 10)
    }

    async fn put_task(&self, id: &TaskId, message: Bytes) -> Result<()> {
        self.0.answered(self.0.put_task(id, message)).await
    }

    async fn remove_tasks(&self, which: &Which) -> Result<u64> {
        self.0.answered(self.0.remove_tasks(which)).await
    }

    async fn has_task(&self, id: &TaskId) -> Result<bool> {
        self.0.answered(self.0.has_task(id)).await
    }

    async fn deliveries(&self) -> Result<deliveries::NatsDeliveries> {
        deliveries::NatsDeliveries::new(&self.0).await
    }

    async fn settle(&self, receipt: &Subject, answer: Answer) -> Result<()> {
        let kind = match answer {
            Answer::Done => AckKind::Ack,
            Answer::Working => AckKind::Progress,
            Answer::Back(delay) => AckKind::Nak(Some(delay)),
        };
        let told = self.0.client.publish(receipt.clone(), kind.into());
        told.await.map_err(connect::away)
    }

    fn answer_time(&self) -> Duration {
        self.0.answer_time
    }

    async fn record(&self, id: &TaskId, note: Note, message: Bytes) -> Result<First> {
        self.0.answered(self.0.record(id, note, message)).await
    }

    async fn recorded(&self, id: &TaskId, note: Note) -> Result<Option<Bytes>> {
        self.0.answered(self.0.recorded(id, note)).await
    }

    async fn records(&self, run: &RunId) -> Result<records::NatsRecords> {
        records::NatsRecords::new(&self.0, run).await
    }

    async fn last_place(&self) -> Result<u64> {
        self.0.answered(self.0.last_place()).await
    }

    async fn forget(&self, run: &RunId, before: Option<u64>) -> Result<()> {
        self.0.answered(self.0.forget(run, before)).await
    }

    async fn put_blob(&self, owner: &str, name: &str, bytes: Bytes) -> Result<()> {
        self.0.put_blob(owner, name, bytes).await
    }

    async fn blob(&self, owner: &str, name: &str) -> Result<Bytes> {
        self.0.blob(owner, name).await
    }

    async fn remove_blob(&self, owner: &str, name: &str) -> Result<()> {
        self.0.remove_blob(owner, name).await
    }

    async fn hand(&self, agent: &str, id: &TaskId, message: Bytes) -> Result<()> {
        self.0.hand(agent, id, message).await
    }

    fn may_hand(&self) -> bool {
        self.0.complaints.may_hand()
    }

    async fn tell(&self, topic: &Topic<'_>, message: Bytes) -> Result<()> {
        let subject = self.0.topic(topic);
        let told = self.0.client.publish(subject, message);
        told.await.map_err(connect::away)
    }

    async fn ask(&self, topic: &Topic<'_>, message: Bytes, limit: Duration) -> Option<Bytes> {
        self.0.ask(topic, message, limit).await
    }

    async fn listen(&self, topic: &Topic<'_>) -> Result<talk::NatsListener> {
        self.0.listen(topic).await
    }

    async fn reply(&self, heard: &Heard, message: Bytes) -> Result<()> {
        let Some(reply) = heard.reply.clone() else {
            return Ok(());
        };
        let told = self.0.client.publish(reply, message);
        told.await.map_err(connect::away)
    }

    async fn flush(&self) -> Result<()> {
        let flushed = tokio::time::timeout(REQUEST_TIME, self.0.client.flush());
        match flushed.await {
            Ok(flushed) => flushed.map_err(connect::away),
            Err(late) => Err(connect::away(late)),
        }
    }
}
