//! Who is there: submitters, and this agent.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use multiproc::__private::cluster as core;

use super::Runner;
use crate::agent::{AgentStatus, OnStatus};
use crate::engine::{Engine, Heard, Listener, Topic};
use crate::id::{RunId, TaskId};
use crate::submitter::lock;
use crate::wire::{self, Cancelled, Knows, Question, Status};

/// A submitter, as far as it is known here.
#[derive(Debug, Clone, Copy)]
pub(super) struct Submitter {
    /// When it was heard.
    heard: Option<Instant>,
    /// Since when it is missed.
    missed: Option<Instant>,
}

/// Whether a submitter is there.
pub(super) enum Presence {
    There,
    /// It may come back.
    Silent,
    Gone,
}

/// For how long a submitter need not be heard again. It says that it is there every two seconds.
const FRESH: Duration = Duration::from_secs(6);

/// How long a submitter has to answer whether it is there.
const ANSWER: Duration = Duration::from_secs(2);

/// How long it is remembered what was cancelled, and who was there.
const MEMORY: Duration = Duration::from_mins(10);

impl<E: Engine> Runner<E> {
    pub(super) async fn hear_submitters(self: Arc<Self>, mut submitters: E::Listener) {
        while let Some(heard) = submitters.next().await {
            if let Some(run) = run_of(&heard) {
                self.note_heard(run);
            }
        }
    }

    fn note_heard(&self, run: RunId) {
        let heard = Submitter {
            heard: Some(Instant::now()),
            missed: None,
        };
        lock(&self.submitters).insert(run, heard);
    }

    /// Whether a submitter is there. It is asked, if it was not heard lately.
    pub(super) async fn presence(&self, run: &RunId) -> Presence {
        let known = lock(&self.submitters).get(run).copied();
        if known.is_some_and(|it| it.heard.is_some_and(|heard| heard.elapsed() < FRESH)) {
            return Presence::There;
        }
        let topic = Topic::ToSubmitter(run);
        let answer = self.engine.ask(&topic, Bytes::new(), ANSWER);
        if answer.await.is_some() {
            self.note_heard(run.clone());
            return Presence::There;
        }
        if !*self.engine.connected().borrow() {
            return Presence::Silent;
        }
        let mut submitters = lock(&self.submitters);
        let known = submitters.entry(run.clone()).or_insert(Submitter {
            heard: None,
            missed: None,
        });
        let missed = *known.missed.get_or_insert_with(Instant::now);
        if missed.elapsed() > self.submitter_timeout {
            Presence::Gone
        } else {
            Presence::Silent
        }
    }

    /// Ends what runs for submitters that are gone.
    pub(super) async fn mind_submitters(self: Arc<Self>) {
        loop {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let mut runs: Vec<_> = {
                let running = lock(&self.running);
                running.keys().map(|id| id.run.clone()).collect()
            };
            runs.sort_by(|one, other| one.run.cmp(&other.run));
            runs.dedup();
            for run in runs {
                if matches!(self.presence(&run).await, Presence::Gone) {
                    self.cancel(|id| id.run == run);
                }
            }
            let is_old = |since: Instant| since.elapsed() > MEMORY;
            lock(&self.cancelled).retain(|_, since| !is_old(*since));
            lock(&self.held_back).retain(|_, (_, since)| !is_old(*since));
            lock(&self.submitters).retain(|_, it| {
                let last = it.heard.max(it.missed);
                last.is_some_and(|last| !is_old(last))
            });
        }
    }

    pub(super) async fn hear_cancelled(self: Arc<Self>, mut cancelled: E::Listener) {
        while let Some(heard) = cancelled.next().await {
            // Whose it is the subject tells, for which the server has permissions.
            let Some(run) = run_of(&heard) else {
                continue;
            };
            match wire::read(&heard.message) {
                Some(Cancelled::Task(id)) => {
                    if let Some(id) = TaskId::parse(&id)
                        && id.run == run
                    {
                        lock(&self.cancelled).insert(id.clone(), Instant::now());
                        self.cancel(|other| *other == id);
                    }
                }
                Some(Cancelled::Job(job)) => self.cancel(|id| id.run == run && id.job == job),
                Some(Cancelled::Run) => self.cancel(|id| id.run == run),
                None => {}
            }
        }
    }

    /// Answers what it is asked.
    pub(super) async fn answer(self: Arc<Self>, mut questions: E::Listener) {
        while let Some(heard) = questions.next().await {
            match wire::read(&heard.message) {
                Some(Question::Hello) => self.say_status().await,
                Some(Question::Runs(id)) => {
                    let knows = TaskId::parse(&id).map_or(Knows::Nothing, |id| self.knows(&id));
                    let _ = self.engine.reply(&heard, wire::write(&knows)).await;
                }
                Some(Question::WhoRuns(id)) => {
                    let knows = TaskId::parse(&id).map(|id| self.knows(&id));
                    if let Some(knows @ Knows::Running) = knows {
                        let _ = self.engine.reply(&heard, wire::write(&knows)).await;
                    }
                }
                None => {}
            }
        }
    }

    pub(super) fn knows(&self, id: &TaskId) -> Knows {
        if lock(&self.running).contains_key(id) {
            Knows::Running
        } else if lock(&self.recent).known.contains(id) {
            Knows::Done
        } else {
            Knows::Nothing
        }
    }

    /// Says what it is doing every second, until there is nothing more to say.
    pub(super) async fn tell_status(self: Arc<Self>, mut on_status: Option<OnStatus>) {
        let connected = self.engine.connected();
        let mut ended = self.has_ended.subscribe();
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        loop {
            let is_last = tokio::select! {
                _ = ticks.tick() => false,
                _ = ended.wait_for(|ended| *ended) => true,
            };
            let is_connected = *connected.borrow();
            if is_connected && !is_last {
                self.say_status().await;
            }
            if let Some(show) = &mut on_status {
                let Status {
                    agent,
                    workers,
                    running,
                    done,
                    is_leaving,
                    ..
                } = self.status();
                let status = AgentStatus {
                    name: agent,
                    workers,
                    running,
                    finished: done,
                    is_connected,
                    is_stopping: is_leaving,
                    trouble: self.trouble().filter(|_| is_connected && !is_leaving),
                };
                show(&status);
            }
            if is_last {
                return;
            }
        }
    }

    /// Why it gets no tasks, or cannot run them.
    fn trouble(&self) -> Option<String> {
        let not_served = lock(&self.not_served).clone();
        not_served.or_else(|| self.engine.complaint())
    }

    pub(super) async fn say_status(&self) {
        let status = wire::write(&self.status());
        let _ = self
            .engine
            .tell(&Topic::Agent(Some(&self.name)), status)
            .await;
    }

    fn status(&self) -> Status {
        Status {
            agent: self.name.clone(),
            host: self.host.clone(),
            process: std::process::id(),
            workers: self.pool.workers(),
            running: lock(&self.running).len(),
            done: self.done.load(Ordering::Relaxed),
            is_leaving: *self.is_leaving.borrow(),
            now: core::clock(),
        }
    }
}

fn run_of(heard: &Heard) -> Option<RunId> {
    match &heard.about[..] {
        [owner, run] => Some(RunId::new(owner, run)),
        _ => None,
    }
}
