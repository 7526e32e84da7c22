//! What happens by the clock: a task ends although nothing is said.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use multiproc::ErrorKind;

use super::open::{Key, State};
use super::{Submitter, lock};
use crate::engine::{Engine, Listener, Note, Topic, Which};
use crate::wire::{self, Begun};

/// In which time each agent says that it is there.
const ROUND: Duration = Duration::from_millis(1300);

const TICK: Duration = Duration::from_millis(250);

/// How often this submitter says that it is there.
const PRESENT: Duration = Duration::from_secs(2);

/// For how long it is said again what was cancelled.
const CHASE: Duration = Duration::from_mins(1);

impl<E: Engine> Submitter<E> {
    pub(super) async fn watch(self: Arc<Self>) {
        let connected = self.engine.connected();
        let mut away_since: Option<Instant> = None;
        let mut back_at = Instant::now();
        let mut last_present = Instant::now();
        let mut last_tidy = Instant::now();
        let mut tidied = 0;
        let mut ticks = tokio::time::interval(TICK);
        let mut last_tick = Instant::now();
        loop {
            ticks.tick().await;
            if last_tick.elapsed() > Duration::from_secs(2) {
                // This process was stopped: what it has not heard it could not hear.
                back_at = Instant::now();
                self.doubt.notify_one();
            }
            last_tick = Instant::now();
            if let Some(trace) = &self.trace {
                trace.flush();
            }
            if !*connected.borrow() {
                let since = *away_since.get_or_insert_with(Instant::now);
                back_at = Instant::now();
                if since.elapsed() > self.limits.server {
                    self.give_up_server();
                }
                continue;
            }
            if away_since.take().is_some() {
                back_at = Instant::now();
            }
            self.give_up_agents(back_at).await;
            if last_present.elapsed() >= PRESENT {
                last_present = Instant::now();
                self.say_present().await;
                self.say_cancelled_again().await;
            }
            if last_tidy.elapsed() >= Duration::from_secs(5) {
                last_tidy = Instant::now();
                tidied = self.tidy(tidied).await;
            }
        }
    }

    /// Has the engine forget what was noted of tasks that ended some time ago: those up to a place, which is
    /// returned. What cannot be done now is done later.
    async fn tidy(&self, tidied: u64) -> u64 {
        if self.open().is_quiet() {
            return tidied;
        }
        let Ok(place) = self.engine.last_place().await else {
            return tidied;
        };
        let settled = {
            let mut open = self.open();
            open.note_place(place);
            open.settled_place()
        };
        if settled > tidied
            && let Ok(()) = self.engine.forget(&self.run, Some(settled + 1)).await
        {
            return settled;
        }
        tidied
    }

    /// The server has been away for too long.
    fn give_up_server(self: &Arc<Self>) {
        let limit = self.limits.server;
        let keys = self.open().keys_where(|it| it.since.elapsed() > limit);
        for key in keys {
            let ended = self.fail(key, ErrorKind::Lost, |worker| {
                format!("worker `{worker}` may have run: the server has been away for {limit:?}")
            });
            if ended {
                // When it is back.
                self.cancelling().insert(key, Instant::now());
            }
        }
    }

    async fn give_up_agents(self: &Arc<Self>, back_at: Instant) {
        let limit = self.limits.agent;
        let (last_heard, known, lost) = {
            let mut agents = lock(&self.agents);
            agents.forget_silent();
            let known: Vec<_> = agents.known.keys().cloned().collect();
            (agents.last_heard.max(back_at), known, agents.lost.clone())
        };
        let is_late = |since: Instant| since.max(last_heard).elapsed() > limit;
        if known.is_empty() {
            let keys = self.open().keys_where(|task| is_late(task.since));
            if keys.is_empty() {
                return;
            }
            let why = self.why_none_runs().await;
            for key in keys {
                self.give_up_task(key, &why).await;
            }
            return;
        }
        // The one that had begun it is gone, and it is not to be begun again. Another agent says so, if it is
        // free to look: if not, it is known here.
        let silent = self.engine.answer_time() + limit;
        if back_at.elapsed() < silent {
            return;
        }
        let keys = self.open().keys_where(|task| match &task.state {
            State::Running(agent, attempt) => {
                *attempt >= task.retries
                    && !known.contains(agent)
                    && lost.get(agent).is_none_or(|it| it.heard.elapsed() > silent)
            }
            _ => false,
        });
        for key in keys {
            self.give_up_begun(key, silent).await;
        }
    }

    /// The agent that seems to have begun it is gone.
    async fn give_up_begun(self: &Arc<Self>, key: Key, silent: Duration) {
        let state = self.open().get_mut(key).map(|task| task.state.clone());
        let Some(State::Running(agent, attempt)) = state else {
            return;
        };
        // Two agents may have tried to begin it, and the wrong one been heard: the note says who has.
        let id = self.id(key);
        let begun = self.engine.recorded(&id, Note::Begun(attempt)).await;
        let Ok(Some(begun)) = begun else {
            return;
        };
        if let Some(begun) = wire::read::<Begun>(&begun)
            && begun.agent != agent
        {
            if let Some(task) = self.open().get_mut(key) {
                task.state = State::Running(begun.agent, attempt);
            }
            return;
        }
        match self.engine.recorded(&id, Note::Result).await {
            Ok(Some(result)) => self.take_result(key, &result),
            Ok(None) => {
                let ended = self.fail(key, ErrorKind::Lost, |worker| {
                    format!(
                        "worker `{worker}` may have run: its agent has not been heard for {silent:?}"
                    )
                });
                if ended {
                    self.chase(key);
                }
            }
            Err(_) => {}
        }
    }

    /// Says that there is no agent, and what may be the reason.
    async fn why_none_runs(&self) -> String {
        let limit = self.limits.agent;
        let none_runs =
            format!("no agent that runs this build of the program has been heard for {limit:?}");
        let mut others = HashSet::new();
        if let Ok(mut agents) = self.engine.listen(&Topic::AnyAgent).await {
            let hear = async {
                while let Some(heard) = agents.next().await {
                    others.insert(heard.about);
                }
            };
            let _ = tokio::time::timeout(ROUND, hear).await;
        }
        if !others.is_empty() {
            format!(
                "{none_runs}; agents of other builds are there, {} of them: the program must be the same file everywhere",
                others.len()
            )
        } else if let Some(complaint) = self.engine.complaint() {
            format!("{none_runs}; {complaint}")
        } else {
            none_runs
        }
    }

    /// There is no agent that could run it.
    async fn give_up_task(self: &Arc<Self>, key: Key, why: &str) {
        let which = Which::Task(self.id(key));
        // What could be taken back without a beginning has not run. It is not heard when a task begins, so it is
        // looked up, and after the task was taken back.
        let taken_back = self.engine.remove_tasks(&which).await;
        let begun = self.engine.recorded(&self.id(key), Note::Begun(0)).await;
        let first = self.open().get_mut(key).map(|task| task.first);
        let ended = if matches!((taken_back, begun, first), (Ok(1), Ok(None), Some(0))) {
            self.fail(key, ErrorKind::Spawn, |worker| {
                format!("worker `{worker}` was not run: {why}")
            })
        } else {
            self.fail(key, ErrorKind::Lost, |worker| {
                format!("worker `{worker}` may have run: {why}")
            })
        };
        if ended {
            self.chase(key);
        }
    }

    async fn say_cancelled_again(&self) {
        let keys: Vec<_> = {
            let mut cancelling = self.cancelling();
            cancelling.retain(|_, since| since.elapsed() < CHASE);
            cancelling.keys().copied().take(256).collect()
        };
        for key in keys {
            self.catch(key).await;
        }
    }
}
