//! A short call that is alone is handed to an agent, past the queue.
//!
//! The way through the queue takes an agent two trips to the server before it may begin: one for the task, and one for
//! the note that it begins. They are what makes it safe that the engine chooses the agent, since it may choose two.
//! For a call that is waited for, and takes no longer than a trip, they are half of its time. So if nothing else is
//! open here, and the last task was short, the next one goes straight to the agent that has run it, and to no other.
//! What is handed is not noted: only this agent can have it, and this submitter knows which it is. It remains
//! the submitter's to see what becomes of it:
//!
//! * An agent without a free worker, or that is about to end, does not take it, and says so. That there is no such agent
//!   the engine says. Then the task is put into the queue.
//! * The agent is [asked](wire::Question), after [`A_WHILE`] and then again and again. One that knows nothing of the
//!   task will not take it later either, so it is put into the queue.
//! * An agent that does not answer for as long as the engine would wait for one is lost, and with it what it may have
//!   begun: the task ends so, or it is put into the queue with one attempt less.
//!
//! | what happens | then |
//! |---|---|
//! | the task is lost on its way | the agent is asked, knows nothing of it, and does not take it any more; it is put |
//! | the answer that it is not taken is lost | the same |
//! | the agent dies before it has begun, or while it runs it | it does not answer any more. Which of both it was cannot be known: it may have run |
//! | the agent dies when it has noted the result | the result was heard, or is found when the agent is lost |
//! | the agent is stopped, or cut off, and comes back | as if it had died; it may then run the task beside its replacement, if the call allows retries. The first result counts |
//! | its worker dies | the agent notes the beginnings of further attempts, as always |
//! | the result is not heard | the agent says that it is done, and the result is looked up |
//! | the agent has forgotten a task that it ran long ago | a result is looked for before the task is put |
//! | the server dies, and comes back | what was handed is there, or is not, as its agent says |
//! | it is cancelled | its agent is told, like all others, before or after the task comes |
//! | the submitter dies | its agent does not hear it any more, as with any task |
//!
//! Measured in turns on two CPUs, a round trip took 1.7 times as long through the queue as one of bare messages.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use multiproc::ErrorKind;

use super::open::{Handed, Key, State};
use super::{Submitter, lock};
use crate::engine::{Engine, Listener, Note, Topic};
use crate::wire::{self, Knows, TaskMessage};

/// A task that took no longer was short.
const SHORT: Duration = Duration::from_millis(3);

/// What is longer is not handed over: it would be sent twice if it is not taken.
const LONG: usize = 64 << 10;

/// How lately an agent must have been heard. It says each second that it is there.
const FRESH: Duration = Duration::from_millis(2500);

/// When an agent is asked for the first time: it says itself by then that it runs the task.
const A_WHILE: Duration = Duration::from_millis(100);

/// When it is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// How long an agent has to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// How long an agent takes to come back after a server, at most.
const COME_BACK: Duration = Duration::from_secs(5);

/// For how long nothing is handed over after an agent has not taken it: others seem to need its workers.
const REST: Duration = Duration::from_millis(100);

/// Who gets the next task, if that is alone.
#[derive(Debug, Default)]
pub(super) struct Nearest {
    /// The agent that has run the last one, which was short.
    agent: Option<String>,
    rests_until: Option<Instant>,
}

impl<E: Engine> Submitter<E> {
    /// Learns from a task that has ended.
    pub(super) fn note_end(&self, took: Duration, agent: String) {
        lock(&self.nearest).agent = (took < SHORT).then_some(agent);
    }

    /// Hands over a task that is the only one, and not expected to take long.
    pub(super) async fn hand(&self, key: Key, message: &Bytes) -> bool {
        if message.len() > LONG || !*self.engine.connected().borrow() || !self.engine.may_hand() {
            return false;
        }
        let Some(agent) = self.nearest() else {
            return false;
        };
        let handed = Handed {
            agent: agent.clone(),
            message: message.clone(),
            attempt: None,
            ask_at: Instant::now() + A_WHILE,
            missed: None,
        };
        if !self.open().hand(key, handed) {
            return false;
        }
        self.has_handed.notify_one();
        let id = self.id(key);
        if self.engine.hand(&agent, &id, message.clone()).await.is_ok() {
            return true;
        }
        self.open().take_back(key, State::Sent);
        false
    }

    fn nearest(&self) -> Option<String> {
        let agent = {
            let mut nearest = lock(&self.nearest);
            nearest.rests_until = nearest.rests_until.filter(|it| *it > Instant::now());
            nearest
                .agent
                .clone()
                .filter(|_| nearest.rests_until.is_none())
        };
        agent.filter(|agent| {
            let agents = lock(&self.agents);
            let heard = agents.known.get(agent).map(|(_, heard)| heard.elapsed());
            heard.is_some_and(|heard| heard < FRESH)
        })
    }

    pub(super) async fn hear_not_taken(self: Arc<Self>, mut not_taken: E::Listener) {
        while let Some(heard) = not_taken.next().await {
            if let Some(key) = self.key(&heard.about.join(".")) {
                lock(&self.nearest).rests_until = Some(Instant::now() + REST);
                // The next one does not wait until the queue has this one.
                tokio::spawn(Arc::clone(&self).put_handed(key));
            }
        }
    }

    /// Asks agents for that of which nothing is heard.
    pub(super) async fn mind_handed(self: Arc<Self>) {
        loop {
            self.has_handed.notified().await;
            loop {
                let next = self.open().next_question();
                let Some((key, ask_at)) = next else {
                    break;
                };
                if ask_at > Instant::now() {
                    tokio::time::sleep_until(ask_at.into()).await;
                } else {
                    self.ask_for(key).await;
                }
            }
        }
    }

    async fn ask_for(self: &Arc<Self>, key: Key) {
        let (agent, is_heard) = match self.open().handed(key) {
            Some(handed) => {
                handed.ask_at = Instant::now() + AGAIN;
                (handed.agent.clone(), handed.attempt.is_some())
            }
            None => return,
        };
        let id = self.id(key);
        let topic = Topic::Handed(&agent, Some(&id));
        let answer = self.engine.ask(&topic, Bytes::new(), ANSWER).await;
        let fate = match answer.and_then(|answer| wire::read(&answer)) {
            Some(Knows::Running) => Fate::Runs,
            Some(Knows::Done) => Fate::Done,
            Some(Knows::Nothing) => Fate::NotTaken,
            // The server has not let it pass.
            None if !is_heard && !self.engine.may_hand() => Fate::NotTaken,
            None => Fate::Silent,
        };
        let is_connected = *self.engine.connected().borrow();
        // If the server has just come back, the agent may be about to.
        let reconnected = *lock(&self.reconnected);
        let may_come = reconnected.is_some_and(|since| since.elapsed() < COME_BACK);
        let is_lost = match self.open().handed(key) {
            Some(handed) if fate == Fate::Silent => {
                is_connected && handed.miss(self.engine.answer_time()) && !may_come
            }
            Some(handed) => {
                handed.missed = None;
                false
            }
            None => return,
        };
        match fate {
            Fate::Silent if !is_lost => return,
            Fate::Runs => {
                self.begin(key, 0, agent);
                return;
            }
            _ => {}
        }
        match self.engine.recorded(&id, Note::Result).await {
            Ok(Some(result)) => self.take_result(key, &result),
            Ok(None) => match fate {
                Fate::NotTaken => Arc::clone(self).put_handed(key).await,
                // The engine has lost the result, and is asked about it like about those of all others.
                Fate::Done => {
                    self.open().take_back(key, State::Queued);
                }
                _ => self.give_up_handed(key).await,
            },
            // The agent is asked again.
            Err(_) => {}
        }
    }

    /// Puts what its agent has not begun, and will not.
    async fn put_handed(self: Arc<Self>, key: Key) {
        let handed = self.open().take_back(key, State::Sent);
        if let Some(handed) = handed {
            self.put_for_sure(key, handed.message).await;
        }
    }

    /// The agent is lost, and with it the attempt that it may have begun.
    async fn give_up_handed(self: &Arc<Self>, key: Key) {
        let handed = self.open().take_back(key, State::Sent);
        let Some(Handed {
            agent,
            message,
            attempt,
            ..
        }) = handed
        else {
            return;
        };
        let first = attempt.map_or(1, |attempt| attempt.saturating_add(1));
        let message = wire::read::<TaskMessage>(&message).filter(|it| first <= it.retries);
        let Some(message) = message else {
            let ended = self.fail(key, ErrorKind::Lost, |worker| {
                format!("worker `{worker}` may have run: its agent, `{agent}`, is gone")
            });
            if ended {
                self.chase(key);
            }
            return;
        };
        if let Some(task) = self.open().get_mut(key) {
            task.first = first;
        }
        let message = wire::write(&TaskMessage { first, ..message });
        Arc::clone(self).put_for_sure(key, message).await;
    }
}

/// What has become of a task that was handed to an agent, by what that says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Runs,
    /// Its result was noted.
    Done,
    /// It is not there, and is not taken any more.
    NotTaken,
    /// The agent does not answer.
    Silent,
}
