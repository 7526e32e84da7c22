//! Looking up what has become of open tasks: nothing depends on what the engine says by itself.
//!
//! After each new connection, and for tasks of which nothing has been heard for some time. An agent notes the
//! result before it answers the delivery, so a task that the engine does not have any more has a result: it is
//! looked for before and after. A task that has neither is lost, unless an agent says that it runs it: it may take
//! longer than the engine keeps anything.
//!
//! Who has begun a task its agent says, if it does not end soon. That may be missed; so it is looked up as well when
//! the connection was broken, or an agent is gone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use multiproc::ErrorKind;

use super::open::{Key, State};
use super::{ANSWER, Submitter, lock};
use crate::engine::{Engine, Note, Topic};
use crate::wire::{self, Begun, Question};

/// How long nothing may be heard of a task before it is looked up.
const QUIET: Duration = Duration::from_secs(10);

/// When it is looked up again, if the engine did not say.
const AGAIN: Duration = Duration::from_secs(1);

/// How many are looked up at once.
const TOGETHER: usize = 32;

impl<E: Engine> Submitter<E> {
    pub(super) async fn reconcile_in_doubt(self: Arc<Self>) {
        let mut connected = self.engine.connected();
        loop {
            let all = tokio::select! {
                changed = connected.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    if !*connected.borrow_and_update() {
                        continue;
                    }
                    self.say_hello().await;
                    true
                }
                () = self.doubt.notified() => true,
                () = tokio::time::sleep(Duration::from_secs(1)) => false,
            };
            let is_missed = all || lock(&self.agents).is_one_lost();
            let keys = self.open().keys_where(|task| {
                let quiet = if task.unanswered.is_some() {
                    AGAIN
                } else {
                    QUIET
                };
                let has_engine = !matches!(task.state, State::Sent | State::Handed(_));
                has_engine && (all || task.checked.elapsed() > quiet)
            });
            for keys in keys.chunks(TOGETHER) {
                let lookups = keys.iter().map(|key| self.look_up(*key, is_missed));
                futures_util::future::join_all(lookups).await;
            }
        }
    }

    /// Looks up a task; also whether it was begun, if that may have been missed.
    async fn look_up(self: &Arc<Self>, key: Key, is_missed: bool) {
        let answered = self.look(key, is_missed).await;
        self.note_answer(key, answered);
    }

    /// Notes whether the engine has said what it has of a task. If it does not for long, the task is lost.
    pub(super) fn note_answer(self: &Arc<Self>, key: Key, answered: crate::engine::Result<()>) {
        let unanswered = match self.open().get_mut(key) {
            Some(task) => {
                task.checked = Instant::now();
                task.unanswered = match answered {
                    Ok(()) => None,
                    Err(_) => task.unanswered.or_else(|| Some(Instant::now())),
                };
                task.unanswered
            }
            None => None,
        };
        let limit = self.limits.server;
        if let (Some(since), Err(error)) = (unanswered, answered)
            && since.elapsed() > limit
        {
            let lost = self.fail(key, ErrorKind::Lost, |worker| {
                format!(
                    "worker `{worker}` may have run: for {limit:?} the server has not said: {error}"
                )
            });
            if lost {
                self.chase(key);
            }
        }
    }

    async fn look(self: &Arc<Self>, key: Key, is_missed: bool) -> crate::engine::Result<()> {
        let id = self.id(key);
        for _ in 0..2 {
            if let Some(result) = self.engine.recorded(&id, Note::Result).await? {
                self.take_result(key, &result);
                return Ok(());
            }
            if self.engine.has_task(&id).await? {
                if is_missed {
                    self.look_who_runs(key).await?;
                }
                return Ok(());
            }
        }
        // A copy of the server's may be behind: what it lacks is looked for again before it counts.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let has_task = self.engine.has_task(&id).await?;
        match self.engine.recorded(&id, Note::Result).await? {
            Some(result) => self.take_result(key, &result),
            None if has_task || self.is_run(key).await => {}
            None => {
                let lost = self.fail(key, ErrorKind::Lost, |worker| {
                    format!(
                        "worker `{worker}` may have run: the server has lost the task, or its result"
                    )
                });
                if lost {
                    self.chase(key);
                }
            }
        }
        Ok(())
    }

    /// Looks up who has begun it.
    async fn look_who_runs(&self, key: Key) -> crate::engine::Result<()> {
        let (next, retries) = match self.open().get_mut(key) {
            Some(task) => match task.state {
                State::Running(_, attempt) => (attempt.saturating_add(1), task.retries),
                _ => (task.first, task.retries),
            },
            None => return Ok(()),
        };
        let id = self.id(key);
        for attempt in next..=retries {
            let Some(begun) = self.engine.recorded(&id, Note::Begun(attempt)).await? else {
                break;
            };
            if let Some(begun) = wire::read::<Begun>(&begun) {
                self.begin(key, attempt, begun.agent);
            }
        }
        Ok(())
    }

    /// Whether an agent says that it runs it.
    async fn is_run(&self, key: Key) -> bool {
        let question = wire::write(&Question::WhoRuns(self.id(key).to_string()));
        let answer = self.engine.ask(&Topic::ToAgent(None), question, ANSWER);
        answer.await.is_some()
    }
}
