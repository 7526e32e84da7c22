//! Whether a task is begun, and by whom.
//!
//! For each attempt there is one note, and the engine keeps the first: who has written it, and no other,
//! begins that attempt. How often a delivery was made means nothing: a server that has crashed counts anew.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::presence::Presence;
use super::work::Mine;
use super::{Runner, Seat, Settled};
use crate::engine::{Delivery, Engine, EngineError, First, Note, Topic};
use crate::id::{TaskId, unique};
use crate::submitter::lock;
use crate::wire::{
    self, Begun, Body, Knows, Packed, Question, Reason, ResultMessage, Results, Said, TaskMessage,
};

/// When what cannot be done now is tried again.
const SOON: Duration = Duration::from_secs(1);

/// How long an agent that had begun the task has to answer whether it runs it.
const ANSWER: Duration = Duration::from_secs(2);

/// How long an agent takes to come back after a server, at most: longer than it waits between attempts.
const COME_BACK: Duration = Duration::from_secs(5);

/// For how long a server that is there may refuse to keep anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who may begin.
enum Turn {
    /// This agent, for the time with this number.
    Ours(u32),
    /// It has ended, or runs elsewhere, or the engine does not answer.
    Settled(Settled),
}

impl<E: Engine> Runner<E> {
    pub(super) async fn attempt(
        self: &Arc<Self>,
        delivery: &Delivery<E::Receipt>,
        seat: Seat,
    ) -> Settled {
        let Delivery { id, message, .. } = delivery;
        if lock(&self.recent).known.contains(id) {
            return Settled::Done;
        }
        match self.presence(&id.run).await {
            Presence::There => {}
            Presence::Silent => return Settled::Back(2 * SOON),
            Presence::Gone => {
                let text = "was not run: its submitter was not heard any more";
                return self.note_none(id, Reason::Cancelled, text).await;
            }
        }
        if lock(&self.cancelled).contains_key(id) {
            return self.note_none(id, Reason::Cancelled, "was cancelled").await;
        }
        let Some(TaskMessage {
            retries,
            is_traced,
            calls,
        }) = wire::read(message)
        else {
            let text = "was not run: the message that it is cannot be read";
            return self.note_none(id, Reason::Unreadable, text).await;
        };
        let calls = match calls {
            Body::Inline(calls) => calls,
            Body::Blob(name) => match self.engine.blob(&id.run.owner, &name).await {
                Ok(bytes) => match wire::read::<Vec<Packed>>(&bytes) {
                    Some(calls) => calls,
                    None => {
                        let text = "was not run: its arguments were damaged on their way";
                        return self.note_none(id, Reason::Unreadable, text).await;
                    }
                },
                Err(_) => return Settled::Back(SOON),
            },
        };
        match self.turn(id, retries).await {
            Turn::Ours(attempt) => {
                let mine = Mine {
                    calls,
                    attempt,
                    retries,
                    is_traced,
                    seat,
                };
                self.work(id, mine).await
            }
            Turn::Settled(settled) => settled,
        }
    }

    async fn turn(&self, id: &TaskId, retries: u32) -> Turn {
        for attempt in 0..=retries {
            match self.begin(id, attempt).await {
                Ok(first) => {
                    *lock(&self.trouble) = None;
                    if first == First::Yes {
                        return Turn::Ours(attempt);
                    }
                }
                Err(error) => return Turn::Settled(self.not_begun(id, attempt, &error).await),
            }
            if let Some(settled) = self.others_end(id, attempt).await {
                return Turn::Settled(settled);
            }
        }
        let text =
            "may have run: the agent that had begun it is gone, and it was not to be tried again";
        Turn::Settled(self.note_none(id, Reason::Lost, text).await)
    }

    /// What cannot be noted is not begun. If that lasts, its submitter is told.
    async fn not_begun(&self, id: &TaskId, attempt: u32, error: &EngineError) -> Settled {
        if attempt > 0 || !*self.engine.connected().borrow() {
            return Settled::Back(SOON);
        }
        let since = *lock(&self.trouble).get_or_insert_with(Instant::now);
        if since.elapsed() < PATIENCE {
            return Settled::Back(SOON);
        }
        let text =
            format!("was not run: the server does not keep what must be noted first: {error}");
        let message = wire::write(&self.none(Reason::Refused, text));
        if self.hand_over(id, message).await {
            Settled::Done
        } else {
            Settled::Back(SOON)
        }
    }

    /// Gives a result to its submitter without the engine.
    async fn hand_over(&self, id: &TaskId, message: Bytes) -> bool {
        let ended = Said::Ended {
            id: id.to_string(),
            result: Packed(message.into()),
        };
        let topic = Topic::ToSubmitter(&id.run);
        let answer = self.engine.ask(&topic, wire::write(&ended), ANSWER).await;
        answer.is_some()
    }

    fn none(&self, reason: Reason, text: String) -> ResultMessage {
        ResultMessage {
            agent: self.name.clone(),
            ran: Duration::ZERO,
            results: Results::None(reason, text),
            work: None,
        }
    }

    /// Notes that this agent begins the attempt, unless another has.
    pub(super) async fn begin(&self, id: &TaskId, attempt: u32) -> crate::engine::Result<First> {
        let note = Note::Begun(attempt);
        let begun = Begun {
            agent: self.name.clone(),
            mark: unique(),
        };
        let noted = self.engine.record(id, note, wire::write(&begun));
        // What waits to be answered goes with it, and not before it.
        let (noted, ()) = tokio::join!(noted, self.answer_done());
        match noted {
            Ok(first) => Ok(first),
            Err(error) => {
                // It may have been noted, and the answer lost.
                match self.engine.recorded(id, note).await? {
                    Some(noted) => {
                        let noted = wire::read::<Begun>(&noted);
                        let is_ours = noted.is_some_and(|it| it.mark == begun.mark);
                        Ok(if is_ours { First::Yes } else { First::No })
                    }
                    None => Err(error),
                }
            }
        }
    }

    async fn beginner(&self, id: &TaskId, attempt: u32) -> crate::engine::Result<Option<String>> {
        let begun = self.engine.recorded(id, Note::Begun(attempt)).await?;
        Ok(begun.map(|begun| {
            let begun = wire::read::<Begun>(&begun);
            begun.map(|begun| begun.agent).unwrap_or_default()
        }))
    }

    /// What has become of an attempt that was begun; `None`: it is lost.
    async fn others_end(&self, id: &TaskId, attempt: u32) -> Option<Settled> {
        let Ok(agent) = self.beginner(id, attempt).await else {
            return Some(Settled::Back(SOON));
        };
        let Some(agent) = agent else {
            // It was refused, and is not there: a copy of the server's is behind.
            return Some(Settled::Back(SOON));
        };
        if agent != self.name {
            let question = wire::write(&Question::Runs(id.to_string()));
            let topic = Topic::ToAgent(Some(&agent));
            let answer = self.engine.ask(&topic, question, ANSWER).await;
            match answer.and_then(|answer| wire::read(&answer)) {
                // A server that has crashed has forgotten that it was delivered.
                Some(Knows::Running) => return Some(Settled::Back(self.engine.answer_time())),
                Some(Knows::Done) => return Some(Settled::Done),
                Some(Knows::Nothing) => {}
                None => {
                    // If the server has just come back, the other agent may be about to.
                    let reconnected = *lock(&self.reconnected);
                    if reconnected.is_some_and(|since| since.elapsed() < COME_BACK) {
                        return Some(Settled::Back(SOON));
                    }
                }
            }
        }
        // It notes the result before it forgets that it runs.
        match self.engine.recorded(id, Note::Result).await {
            Ok(Some(_)) => Some(Settled::Done),
            Ok(None) => None,
            Err(_) => Some(Settled::Back(SOON)),
        }
    }

    /// Notes that there is no result, and why.
    pub(super) async fn note_none(&self, id: &TaskId, reason: Reason, text: &str) -> Settled {
        let message = self.none(reason, text.to_owned());
        match self.note_result(id, wire::write(&message)).await {
            Some(_) => Settled::Done,
            None => Settled::Back(SOON),
        }
    }

    /// Notes a result, for as long as that takes, within reason. If the server is there and does not keep it,
    /// its submitter gets it all the same.
    pub(super) async fn note_result(&self, id: &TaskId, message: Bytes) -> Option<First> {
        let begin = Instant::now();
        let mut since = Instant::now();
        // Another agent that gets the task then finds that it was begun.
        while begin.elapsed() < Duration::from_mins(10) {
            if let Ok(first) = self.engine.record(id, Note::Result, message.clone()).await {
                return Some(first);
            }
            if !*self.engine.connected().borrow() {
                since = Instant::now();
            } else if since.elapsed() > PATIENCE && self.hand_over(id, message.clone()).await {
                return Some(First::Yes);
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        None
    }
}
