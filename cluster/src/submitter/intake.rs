//! What comes back: results, and the voices of agents.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use multiproc::__private::cluster;
use multiproc::ErrorKind;

use super::open::{Key, State};
use super::{LostAgent, Submitter, lock};
use crate::engine::{Engine, Heard, Listener, Note, Record, Records, Topic};
use crate::id::TaskId;
use crate::sink::Ended;
use crate::wire::{self, Body, Packed, Question, Reason, ResultMessage, Results, Said, Status};

impl<E: Engine> Submitter<E> {
    pub(super) async fn take_records(self: Arc<Self>, mut records: E::Records) {
        while let Some(Record { id, message }) = records.next().await {
            self.hear_result((id.job, id.number), &message);
        }
    }

    /// Takes in a result that is just being noted. The agent that sends it has run the task: whether the note counts, or
    /// another that was first, the result is true. That there is none is not, if there was one before.
    fn hear_result(self: &Arc<Self>, key: Key, message: &Bytes) {
        match wire::read(message) {
            Some(ResultMessage {
                results: Results::None(..),
                ..
            }) => {
                let submitter = Arc::clone(self);
                self.handle.spawn(async move {
                    submitter.confirm(key).await;
                });
            }
            result => self.take_in(key, result),
        }
    }

    /// Takes in the result that counts, when it is kept.
    async fn confirm(self: Arc<Self>, key: Key) {
        for _ in 0..20 {
            if !self.open().contains(key) {
                return;
            }
            if let Ok(Some(result)) = self.engine.recorded(&self.id(key), Note::Result).await {
                self.take_result(key, &result);
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // It is looked up again, like all of which nothing is heard.
    }

    /// Takes in that an agent has begun it.
    pub(super) fn begin(&self, key: Key, attempt: u32, agent: String) {
        let mut open = self.open();
        if let Some(task) = open.get_mut(key) {
            // What was said may arrive late.
            match &mut task.state {
                _ if attempt < task.first => {}
                State::Running(_, before) if *before >= attempt => {}
                State::Handed(handed) => handed.attempt = handed.attempt.max(Some(attempt)),
                state => *state = State::Running(agent, attempt),
            }
        }
    }

    /// Takes in a result that was noted, or handed over because it cannot be.
    pub(super) fn take_result(self: &Arc<Self>, key: Key, message: &Bytes) {
        self.take_in(key, wire::read(message));
    }

    /// `None`: it cannot be read.
    fn take_in(self: &Arc<Self>, key: Key, result: Option<ResultMessage>) {
        self.cancelling().remove(&key);
        if self.open().had_blob(key) {
            self.drop_blob(self.id(key).blob("a"));
        }
        let is_open = self.open().contains(key);
        let Some(ResultMessage {
            agent,
            ran,
            results,
            work,
        }) = result
        else {
            self.fail(key, ErrorKind::Decode, |worker| {
                format!("worker `{worker}`: what the agent says of its end cannot be read")
            });
            return;
        };
        if let (Some(trace), Some(work), true) = (&self.trace, work, is_open) {
            trace.worked(key.1, &agent, &work);
        }
        match results {
            Results::Each(Body::Inline(results)) => self.end(key, results, ran, agent),
            Results::Each(Body::Blob(name)) if is_open => {
                let submitter = Arc::clone(self);
                self.handle.spawn(async move {
                    submitter.fetch(key, name, ran, agent).await;
                });
            }
            // It is not wanted any more.
            Results::Each(Body::Blob(name)) => self.drop_blob(name),
            Results::None(reason, text) => {
                let kind = match reason {
                    Reason::Lost => ErrorKind::Lost,
                    Reason::Cancelled => ErrorKind::Cancelled,
                    Reason::Unreadable => ErrorKind::Decode,
                    Reason::Refused => ErrorKind::Spawn,
                };
                self.fail(key, kind, |worker| format!("worker `{worker}` {text}"));
            }
        }
    }

    /// Gets a result that is kept beside the messages.
    async fn fetch(self: Arc<Self>, key: Key, name: String, ran: Duration, agent: String) {
        let begin = Instant::now();
        let bytes = loop {
            match self.engine.blob(&self.run.owner, &name).await {
                Ok(bytes) => break bytes,
                Err(error) if begin.elapsed() > self.limits.server => {
                    self.fail(key, ErrorKind::Lost, |worker| {
                        format!("worker `{worker}` was run, but its result cannot be had: {error}")
                    });
                    return;
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
            }
            if !self.open().contains(key) {
                return;
            }
        };
        match wire::read::<Vec<Packed>>(&bytes) {
            Some(results) => self.end(key, results, ran, agent),
            None => {
                self.fail(key, ErrorKind::Decode, |worker| {
                    format!("worker `{worker}`: its result was damaged on its way")
                });
            }
        }
        let _ = self.engine.remove_blob(&self.run.owner, &name).await;
    }

    fn end(&self, key: Key, results: Vec<Packed>, ran: Duration, agent: String) {
        let Some(task) = self.take(key) else {
            return;
        };
        self.note_end(ran, agent);
        let results: Vec<_> = results.into_iter().map(|Packed(result)| result).collect();
        let ended = if results.len() == task.calls {
            Ended::Each(results, ran)
        } else {
            let worker = task.worker;
            let text = format!("worker `{worker}`: the agent has sent results of other tasks");
            Ended::All(cluster::error(ErrorKind::Decode, Some(worker), text))
        };
        self.finish(key, task, ended);
    }

    fn drop_blob(self: &Arc<Self>, name: String) {
        let submitter = Arc::clone(self);
        self.handle.spawn(async move {
            let owner = &submitter.run.owner;
            let _ = submitter.engine.remove_blob(owner, &name).await;
        });
    }

    pub(super) async fn hear_agents(self: Arc<Self>, mut agents: E::Listener) {
        while let Some(heard) = agents.next().await {
            if let Some(status) = wire::read::<Status>(&heard.message) {
                let now = Instant::now();
                if let Some(trace) = &self.trace {
                    trace.heard(&status.agent, status.now);
                }
                let mut agents = lock(&self.agents);
                agents.last_heard = now;
                if status.is_leaving {
                    agents.known.remove(&status.agent);
                    // It begins nothing more, and may take long to end what it runs.
                    let lost = LostAgent {
                        heard: now,
                        has_ended: status.running == 0,
                    };
                    agents.lost.insert(status.agent, lost);
                } else {
                    agents.known.insert(status.agent.clone(), (status, now));
                }
            }
        }
    }

    /// Says that this submitter is there to who asks, and takes in what it is told of a task.
    pub(super) async fn answer(self: Arc<Self>, mut questions: E::Listener) {
        while let Some(heard) = questions.next().await {
            let heard: Heard = heard;
            match wire::read(&heard.message) {
                Some(Said::Runs { id, agent, attempt }) => {
                    if let Some(key) = self.key(&id) {
                        self.begin(key, attempt, agent);
                    }
                }
                Some(Said::Ended { id, result }) => {
                    if let Some(key) = self.key(&id) {
                        self.take_result(key, &result.0.into());
                    }
                }
                None => {}
            }
            let _ = self.engine.reply(&heard, Bytes::new()).await;
        }
    }

    /// Which of its tasks that is.
    pub(super) fn key(&self, id: &str) -> Option<Key> {
        let id = TaskId::parse(id)?;
        (id.run == self.run).then_some((id.job, id.number))
    }

    pub(super) async fn say_hello(&self) {
        let hello = wire::write(&Question::Hello);
        let _ = self.engine.tell(&Topic::ToAgent(None), hello).await;
        self.say_present().await;
    }

    pub(super) async fn say_present(&self) {
        let topic = Topic::Submitter(Some(&self.run));
        let _ = self.engine.tell(&topic, Bytes::new()).await;
    }
}
