//! A short call that is alone is handed to an agent, past the queue.
//!
//! On the way through the queue, two trips to the server are made before a task runs: one for the task, and one for the
//! note that it begins. The note is what makes it safe that the engine may send a task to two agents. For a call that takes
//! less than a trip, and is waited for, that is half of the time: 1.7 times that of a message and its answer, measured in
//! turns on two CPUs, and 1.0 times without. So if nothing else is open here, and the last task was short, the next one goes
//! to the agent that has run that one, and nowhere else. Nothing is noted: only this agent can have it. The
//! submitter, which knows where it is, sees to what becomes of it:
//!
//! * An agent that has no worker free, or is about to end, does not take it, and says so. That there is no such agent
//!   the engine says. Then the task is put into the queue.
//! * If nothing is heard for [`A_WHILE`], the agent is asked, and again each second. One that does not know of the task
//!   will not take it later either, so it is put into the queue.
//! * An agent that does not answer for as long as the engine would wait for one is lost, and so is the attempt that it may
//!   have begun: the task ends, or it is put into the queue for its next attempt.
//!
//! | what happens | then |
//! |---|---|
//! | the task is lost on its way | the agent is asked, does not know of it, and does not take it any more; it is put |
//! | the answer that it is not taken is lost | the same |
//! | the agent dies before it has begun, or while it runs it | it does not answer any more. Which of both it was cannot be known: it may have run |
//! | the agent has ended, as it was told, when the task comes | it has said so, and that it runs nothing more: the task is put |
//! | the agent dies when it has noted the result | the result was heard, or is found before the agent is given up |
//! | the agent is stopped, or cut off, and comes back | as if it had died; if the call allows retries, it may then run beside its replacement. The first result counts. One that has not been heard for [`FRESH`] is handed nothing |
//! | a worker dies | the agent notes the beginnings of further attempts, as it always does |
//! | the result is not heard | the agent says that it is done, and the result is looked up |
//! | the agent has forgotten a task that it ran long ago | a result is looked for before the task is put |
//! | the server dies, and comes back | the agent says what it has |
//! | the server does not say whether there is a result | the agent is asked again. If that lasts, the task is lost, like any other |
//! | the server does not take the task after its agent was lost | it may have run |
//! | it is cancelled | all agents are told, before or after one has the task |
//! | the submitter dies | the agent does not hear it any more, as with any task |
//! | the server does not allow it | it says so, and the task is put, like all that follow |

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use multiproc::ErrorKind;

use super::open::{Handed, Key, State};
use super::{ANSWER, Submitter, lock};
use crate::engine::{Engine, Listener, Note, Topic};
use crate::wire::{self, Knows, TaskMessage};

/// A task that ran no longer was short.
const SHORT: Duration = Duration::from_millis(10);

/// What is longer is not handed over: it would be sent twice if it is not taken.
const LONG: usize = 64 << 10;

/// How lately an agent must have been heard. It says each second that it is there.
const FRESH: Duration = Duration::from_millis(2500);

/// When an agent is asked for the first time: it says itself by then that it runs the task.
const A_WHILE: Duration = Duration::from_millis(100);

/// When it is asked again.
const AGAIN: Duration = Duration::from_secs(1);

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
    pub(super) fn note_end(&self, ran: Duration, agent: String) {
        lock(&self.nearest).agent = (ran < SHORT).then_some(agent);
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
            // A stream of somebody else's that keeps what is handed over answers, too, and says more than nothing.
            if heard.message.is_empty()
                && let Some(key) = self.key(&heard.about.join("."))
            {
                lock(&self.nearest).rests_until = Some(Instant::now() + REST);
                self.put_handed(key, 0);
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
                let left = ask_at.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    self.ask_for(key).await;
                } else {
                    // One that is handed over meanwhile may be asked for earlier.
                    tokio::time::sleep(left.min(A_WHILE)).await;
                }
            }
        }
    }

    async fn ask_for(self: &Arc<Self>, key: Key) {
        let agent = match self.open().handed(key) {
            Some(handed) => {
                handed.ask_at = Instant::now() + AGAIN;
                handed.agent.clone()
            }
            None => return,
        };
        let id = self.id(key);
        let topic = Topic::Handed(&agent, Some(&id));
        let answer = self.engine.ask(&topic, Bytes::new(), ANSWER).await;
        let answer = answer.and_then(|answer| wire::read(&answer));
        // The server does not let it pass, or the agent does not listen any more.
        let cannot_arrive = !self.engine.may_hand() || self.has_ended(&agent);
        let fate = match (self.open().handed(key), answer) {
            (None, _) => return,
            (_, Some(Knows::Running)) => Fate::Runs,
            (_, Some(Knows::Done)) => Fate::Done,
            (_, Some(Knows::Nothing)) => Fate::NotTaken,
            (Some(handed), None) if handed.attempt.is_none() && cannot_arrive => Fate::NotTaken,
            (Some(_), None) => Fate::Silent,
        };
        if fate != Fate::Silent
            && let Some(handed) = self.open().handed(key)
        {
            handed.missed = None;
        }
        if fate == Fate::Runs {
            self.note_answer(key, Ok(()));
            self.begin(key, 0, agent);
            return;
        }
        // A server that does not say this either says nothing of the agent: it is asked again.
        let result = match self.engine.recorded(&id, Note::Result).await {
            Ok(result) => {
                self.note_answer(key, Ok(()));
                result
            }
            Err(error) => {
                self.note_answer(key, Err(error));
                return;
            }
        };
        if let Some(result) = result {
            self.take_result(key, &result);
            return;
        }
        match fate {
            Fate::NotTaken => {
                self.put_handed(key, 0);
            }
            // The engine has lost the result, and is asked about it like about those of all others.
            Fate::Done => {
                self.open().take_back(key, State::Queued);
            }
            Fate::Silent if self.is_missed_for_long(key) => self.give_up_handed(key),
            Fate::Silent | Fate::Runs => {}
        }
    }

    /// Whether an agent has said that it has ended all that it has begun.
    fn has_ended(&self, agent: &str) -> bool {
        let agents = lock(&self.agents);
        agents.lost.get(agent).is_some_and(|it| it.has_ended)
    }

    /// Notes that the agent of a task has not answered, and says whether it is lost.
    fn is_missed_for_long(&self, key: Key) -> bool {
        let mut open = self.open();
        let handed = open.handed(key);
        let is_long = handed.is_some_and(|handed| handed.miss(self.engine.answer_time()));
        // If the server has just come back, the agent may be about to.
        is_long && !self.engine.is_just_back()
    }

    /// The agent is lost, and with it the attempt that it may have begun.
    fn give_up_handed(self: &Arc<Self>, key: Key) {
        let Some(Handed { agent, attempt, .. }) = self.open().handed(key).cloned() else {
            return;
        };
        let first = attempt.map_or(1, |attempt| attempt.saturating_add(1));
        if self.put_handed(key, first) {
            return;
        }
        let limit = self.engine.answer_time();
        let ended = self.fail(key, ErrorKind::Lost, |worker| {
            format!(
                "worker `{worker}` may have run: its agent, `{agent}`, has not answered for {limit:?}"
            )
        });
        if ended {
            self.chase(key);
        }
    }

    /// Puts what its agent does not have into the queue, for its attempts from this one on. False if there are none.
    fn put_handed(self: &Arc<Self>, key: Key, first: u32) -> bool {
        let message = {
            let mut open = self.open();
            if open.get_mut(key).is_none_or(|task| first > task.retries) {
                return false;
            }
            let Some(handed) = open.take_back(key, State::Sent) else {
                // It is in the queue already.
                return true;
            };
            if let Some(task) = open.get_mut(key) {
                task.first = first;
            }
            handed.message
        };
        let message = match wire::read::<TaskMessage>(&message) {
            Some(it) if first > 0 => wire::write(&TaskMessage { first, ..it }),
            _ => message,
        };
        // The next of these is not to wait until the queue has this one.
        tokio::spawn(Arc::clone(self).put_for_sure(key, message));
        true
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
