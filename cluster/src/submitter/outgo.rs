//! The way of a task to the engine.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use multiproc::ErrorKind;

use super::open::{Key, State};
use super::{Message, Submitter};
use crate::engine::{Cause, Engine, EngineError};
use crate::wire::{self, Body, Packed, TaskMessage};

/// How long a server that is full, or away, is left alone.
const PAUSE: Duration = Duration::from_millis(50);

impl<E: Engine> Submitter<E> {
    /// Puts a message, until the engine has it, or refuses it, or it has ended; or hands it to an agent.
    pub(super) async fn put(self: Arc<Self>, key: Key, message: Message) {
        let id = self.id(key);
        let length: usize = message.calls.iter().map(Vec::len).sum();
        let calls: Vec<_> = message.calls.into_iter().map(Packed).collect();
        let calls = if length + 64 * calls.len() <= self.engine.message_limit() {
            Body::Inline(calls)
        } else {
            let name = id.blob("a");
            self.open().note_blob(key);
            let bytes = wire::write(&calls);
            let owner = Arc::clone(&self.run.owner);
            let put = || self.engine.put_blob(&owner, &name, bytes.clone());
            if !self.insist(key, put).await {
                return;
            }
            Body::Blob(name)
        };
        let message: Bytes = wire::write(&TaskMessage {
            retries: message.retries,
            first: 0,
            is_traced: self.trace.is_some(),
            calls,
        });
        if self.hand(key, &message).await {
            self.catch_if_cancelled(key).await;
        } else {
            self.put_for_sure(key, message).await;
        }
    }

    /// Puts what is about to go, until the engine says that it has it.
    pub(super) async fn put_for_sure(self: Arc<Self>, key: Key, message: Bytes) {
        let id = self.id(key);
        let put = || self.engine.put_task(&id, message.clone());
        if !self.insist(key, put).await {
            return;
        }
        if let Some(task) = self.open().get_mut(key)
            // Its beginning may have come first.
            && task.state == State::Sent
        {
            task.state = State::Queued;
        }
        self.catch_if_cancelled(key).await;
    }

    /// It may have been cancelled meanwhile, when nothing was there to be taken back.
    async fn catch_if_cancelled(&self, key: Key) {
        let is_open = self.open().contains(key);
        if !is_open && self.cancelling().contains_key(&key) {
            self.catch(key).await;
        }
    }

    /// Tries until it is done. If it cannot be, ends the task, and is false.
    async fn insist<F>(self: &Arc<Self>, key: Key, attempt: impl Fn() -> F) -> bool
    where
        F: Future<Output = Result<(), EngineError>>,
    {
        let begin = Instant::now();
        loop {
            let error = match attempt().await {
                Ok(()) => return true,
                Err(error) => error,
            };
            let first = self.open().get_mut(key).map(|task| task.first);
            let Some(first) = first else {
                return false;
            };
            let is_late = begin.elapsed() >= self.limits.server;
            // A full queue is not a server that is away: it takes tasks again when others are done.
            if error.cause == Cause::Refused || (error.cause == Cause::Away && is_late) {
                let (kind, what) = if first == 0 {
                    (ErrorKind::Spawn, "was not run")
                } else {
                    (ErrorKind::Lost, "may have run")
                };
                self.fail(key, kind, |worker| {
                    format!("worker `{worker}` {what}: the server does not take the task: {error}")
                });
                // An answer may have been lost, and not the task.
                self.chase(key);
                return false;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}
