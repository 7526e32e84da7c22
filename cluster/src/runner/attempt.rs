//! Whether a task is begun, and by whom.
//!
//! For each attempt there is one note, and the engine keeps the first: who has written it, and no other,
//! begins that attempt. How often a delivery was made means nothing: a server that has crashed counts anew.
//!
//! # When it is not known what is noted
//!
//! The answer to a note may be lost, and that to the question what is kept, too. The beginning is *uncertain* then: the
//! note may be kept, or still be on its way. Whoever gets the task next would take its attempt for used up, so the agent
//! does not give it back. It holds it among those that it runs, and notes the very same again, until it knows
//! what is kept. If that is its own note, it begins the attempt, unless another has counted it as lost meanwhile. Of two
//! agents, A, which is uncertain, and B, which is delivered the task because A was not heard:
//!
//! | what happens | then |
//! |---|---|
//! | A's note is not kept, and B comes | B begins the attempt. A finds B's note, asks B, and gives the task back |
//! | A's note is kept, and B comes and asks A | A says that it runs it, and B gives it back. A begins it when it knows, and no other does |
//! | the same, and A cannot be reached | B counts the attempt as lost, and notes what follows: that it begins the next one, or that there is no result. A looks for both before it begins. Should B note that just then, A is like an agent that is cut off right after it has begun: it may run beside its replacement |
//! | A dies, and its note is not kept | the attempt was not begun, and B begins it |
//! | A dies, and its note is kept | the attempt counts as begun: none but A could know that it was not |
//! | B dies before it has noted what follows | A begins the attempt, or it is counted as lost by the next agent |
//! | B dies after that | the attempt is lost; what follows is judged in the same way |
//! | the server is there for long, but does not say | its submitter is told that it was not run. It is done then, for who asks; if the submitter cannot be told, A goes on |
//! | the task is cancelled | A gives it back, and whoever gets it does not run it |
//! | A is to end, and the server does not come back soon | A ends, which is as if it died |

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::permits::Permit;
use super::presence::Presence;
use super::work::Mine;
use super::{Runner, Settled};
use crate::engine::{Cause, Engine, EngineError, First, Note, Topic};
use crate::id::{TaskId, chance, unique};
use crate::submitter::lock;
use crate::wire::{
    self, Begun, Body, Knows, Packed, Question, Reason, ResultMessage, Results, Said, TaskMessage,
};

/// When what cannot be done now is tried again.
const SOON: Duration = Duration::from_secs(1);

/// How long an agent that had begun the task has to answer whether it runs it.
const ANSWER: Duration = Duration::from_secs(2);

/// For how long a server that is there may refuse to keep anything.
const PATIENCE: Duration = Duration::from_secs(20);

/// For how long a task is held back, at most, after its first attempt was lost with an agent, and after others.
const HELD_BACK: Duration = Duration::from_millis(100);
const LONGEST_HELD_BACK: Duration = Duration::from_secs(1);

/// For how long a task is held back when this attempt of it was lost: by chance, and not the same each time. What ends
/// agents may come again and again, and the engine delivers again after the same time: they can be in step.
fn held_back(attempt: u32) -> Duration {
    let longest = HELD_BACK * 2_u32.pow(attempt.min(10));
    longest.min(LONGEST_HELD_BACK).mul_f64(chance())
}

/// A beginning that this agent notes.
struct Claim {
    attempt: u32,
    begun: Begun,
    /// Since when it may be noted without this agent knowing.
    uncertain: Option<Instant>,
}

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
        id: &TaskId,
        message: &Bytes,
        permit: Permit,
    ) -> Settled {
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
            first,
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
        let turn = if self.is_delivered(id) {
            self.turn(id, first, retries).await
        } else {
            // No other agent can have it: there is nothing to be noted.
            Turn::Ours(first)
        };
        match turn {
            Turn::Ours(attempt) => {
                let mine = Mine {
                    calls,
                    attempt,
                    retries,
                    is_traced,
                    permit,
                };
                match self.work(id, mine).await {
                    // What is given back its submitter would take for not begun.
                    Settled::Back(_) if !self.is_delivered(id) => Settled::Done,
                    settled => settled,
                }
            }
            Turn::Settled(settled) => settled,
        }
    }

    /// Whether the engine has sent it, and not its submitter.
    fn is_delivered(&self, id: &TaskId) -> bool {
        let running = lock(&self.running);
        running.get(id).is_some_and(|it| it.receipt.is_some())
    }

    async fn turn(&self, id: &TaskId, first: u32, retries: u32) -> Turn {
        for attempt in first..=retries {
            let mut claim = self.claim(attempt);
            let first = loop {
                let error = match self.begin(id, &mut claim).await {
                    Ok(first) => break first,
                    Err(error) => error,
                };
                let settled = self.not_begun(id, attempt, &error).await;
                if matches!(settled, Settled::Done) || !self.holds(id, &claim) {
                    return Turn::Settled(settled);
                }
                tokio::time::sleep(SOON).await;
            };
            *lock(&self.trouble) = None;
            if first == First::Yes {
                return Turn::Ours(attempt);
            }
            if let Some(settled) = self.others_end(id, attempt).await {
                return Turn::Settled(settled);
            }
            if attempt < retries && self.is_to_be_held_back(id, attempt) {
                return Turn::Settled(Settled::Back(held_back(attempt)));
            }
        }
        let text =
            "may have run: the agent that had begun it is gone, and it was not to be tried again";
        Turn::Settled(self.note_none(id, Reason::Lost, text).await)
    }

    /// Whether this agent has not yet given it back after this attempt was lost, so that the next comes at another time.
    fn is_to_be_held_back(&self, id: &TaskId, attempt: u32) -> bool {
        let mut held_back = lock(&self.held_back);
        let before = held_back.get(id).map(|(before, _)| *before);
        if before.is_some_and(|before| before >= attempt) {
            return false;
        }
        held_back.insert(id.clone(), (attempt, Instant::now()));
        true
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

    /// Notes that this agent begins an attempt after one that was lost here, unless another has.
    pub(super) async fn begin_again(&self, id: &TaskId, attempt: u32) -> bool {
        let mut claim = self.claim(attempt);
        loop {
            if let Ok(first) = self.begin(id, &mut claim).await {
                return first == First::Yes;
            }
            if !self.holds(id, &claim) {
                return false;
            }
            tokio::time::sleep(SOON).await;
        }
    }

    fn claim(&self, attempt: u32) -> Claim {
        Claim {
            attempt,
            begun: Begun {
                agent: self.name.clone(),
                mark: unique(),
            },
            uncertain: None,
        }
    }

    /// Notes that this agent begins the attempt, unless another has. After an error it may be noted all the same, if
    /// the claim is uncertain.
    async fn begin(&self, id: &TaskId, claim: &mut Claim) -> crate::engine::Result<First> {
        let note = Note::Begun(claim.attempt);
        let noted = self.engine.record(id, note, wire::write(&claim.begun));
        // What waits to be answered goes with it, and not before it.
        let (noted, ()) = tokio::join!(noted, self.answer_done());
        let missing = match noted {
            Ok(first) if claim.uncertain.is_none() => return Ok(first),
            Ok(_) => EngineError::new(Cause::Away, "a note that is there cannot be read"),
            Err(error) => error,
        };
        if missing.cause != Cause::Away && claim.uncertain.is_none() {
            return Err(missing);
        }
        // It may have been noted, and the answer lost.
        claim.uncertain.get_or_insert_with(Instant::now);
        let kept = self.engine.recorded(id, note).await?.ok_or(missing)?;
        let is_ours = wire::read::<Begun>(&kept).is_some_and(|it| it.mark == claim.begun.mark);
        let first = if is_ours && !self.is_counted(id, claim.attempt).await? {
            First::Yes
        } else {
            First::No
        };
        claim.uncertain = None;
        Ok(first)
    }

    /// Whether another agent has counted an attempt as lost.
    async fn is_counted(&self, id: &TaskId, attempt: u32) -> crate::engine::Result<bool> {
        let next = Note::Begun(attempt.saturating_add(1));
        let is_ended = self.engine.recorded(id, Note::Result).await?.is_some();
        Ok(is_ended || self.engine.recorded(id, next).await?.is_some())
    }

    /// Whether an attempt that may be this agent's is held until that is known.
    fn holds(&self, id: &TaskId, claim: &Claim) -> bool {
        let Some(since) = claim.uncertain else {
            return false;
        };
        let is_late = *self.is_leaving.borrow() && since.elapsed() > PATIENCE;
        !is_late && !self.is_cancelled(id)
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
                    if self.engine.is_just_back() {
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
