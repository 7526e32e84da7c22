//! How members come and go.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, EventData, EventFlags};

use super::core::Core;
use super::crew::{Crew, Ear, Stage};
use super::{CONNECTION, PIDFD, Shared};
use crate::error::{Error, Result};
use crate::pool::ledger::{Ledger, now};
use crate::pool::scheduler::MemberId;
use crate::pool::task::{Loss, Outcome};
use crate::pool::worker::SERVICE;
use crate::process::{Killed, Member, Status, unheard};
use crate::protocol::Request;
use crate::sys::refused::Naming as _;
use crate::transport::{Parcel, is_nonsense};

/// How long a worker may take to leave before it is killed.
const FAREWELL: Duration = Duration::from_secs(2);

/// The first wait before a worker is replaced that died for nothing; each further one is twice
/// as long.
pub(super) const BACK_OFF: Duration = Duration::from_millis(10);

impl Shared {
    pub(super) fn launch(&self) -> Result<(Member, Ledger)> {
        let failed = |error| Error::not_started("cannot start a process for the pool", error);
        let ledger = Ledger::new().map_err(failed)?;
        let member = Member::launch(&self.settings.setup, &SERVICE, ledger.descriptor())?;
        Ok((member, ledger))
    }
}

impl Core {
    pub(super) fn begin_launch(&mut self, shared: &Arc<Shared>, id: MemberId) {
        self.launching += 1;
        let theirs = Arc::clone(shared);
        let thread = thread::Builder::new().name("multiproc-launch".to_owned());
        let launch = move || {
            let launched = theirs.launch();
            theirs.with(|core| core.launched(&theirs, id, launched));
            // It may be the last thing the supervisor waits for.
            theirs.wake();
        };
        if let Err(error) = thread.spawn(launch).naming("clone") {
            let error = Error::not_started("cannot start a process for the pool", error);
            self.launched(shared, id, Err(error));
        }
    }

    pub(super) fn launched(
        &mut self,
        shared: &Arc<Shared>,
        id: MemberId,
        launched: Result<(Member, Ledger)>,
    ) {
        self.launching -= 1;
        match launched {
            Ok((member, ledger)) => {
                self.counters.launched(id, member.id());
                if let Some(trace) = &mut self.trace {
                    trace.started(member.id());
                }
                let mut crew = Crew {
                    member,
                    ledger: Arc::new(ledger),
                    outbox: None,
                    round: 0,
                    stage: Stage::Preparing,
                    heard: Instant::now(),
                    noted: now(),
                    look: None,
                    check: None,
                    leave: None,
                    killed: None,
                    broken: None,
                    closed: false,
                    ear: Ear::Supervisor,
                    kick: None,
                };
                if self.refusal.is_some() && !self.scheduler.has_queue() {
                    crew.member.kill();
                }
                let added = epoll::add(
                    &shared.epoll,
                    crew.member.pidfd(),
                    EventData::new_u64(id << 2 | PIDFD),
                    EventFlags::IN,
                )
                .and_then(|()| {
                    epoll::add(
                        &shared.epoll,
                        crew.member.sources().0,
                        EventData::new_u64(id << 2 | CONNECTION),
                        EventFlags::IN,
                    )
                });
                if added.is_err() {
                    crew.member.kill();
                }
                self.members.insert(id, crew);
            }
            Err(error) => {
                self.trouble = Some(error);
                self.scheduler.died(id, 0, false);
            }
        }
        self.act(shared);
    }

    pub(super) fn retire(&mut self, id: MemberId) {
        let Some(crew) = self.members.get_mut(&id) else {
            return;
        };
        crew.check = None;
        crew.leave = Instant::now().checked_add(FAREWELL);
        crew.member.expect_end();
        let farewell = Parcel {
            head: vec![Request::Retire as u8],
            ..Parcel::default()
        };
        if crew.member.send(farewell).is_err() {
            crew.member.kill();
        }
    }

    /// Reaps a member that has ended, and deals with what it leaves.
    pub(super) fn bury(&mut self, shared: &Arc<Shared>, id: MemberId) {
        let Some(status) = self
            .members
            .get_mut(&id)
            .and_then(|crew| crew.member.reap())
        else {
            return;
        };
        // It said all that it will ever say before it ended.
        while self.receive(shared, id) {}
        self.take_board(shared, id);
        // If it was done with its part, it may have been given another one: as if it had been sent
        // that, which it has not begun then.
        self.act(shared);
        let part = self.scheduler.part(id);
        let Some(crew) = self.members.remove(&id) else {
            return;
        };
        let begun = match (&crew.broken, part) {
            // It may have written to the ledger as well. Were its task not taken for begun, one
            // worker after the other would begin it.
            (Some(error), Some((_, answered))) if is_nonsense(error) => {
                crew.ledger.claimed().max(answered + 1)
            }
            _ => crew.ledger.claimed(),
        };
        let loss = Loss {
            status,
            killed: crew.killed,
            id: crew.member.id(),
            memory_limit: crew.member.memory_limit(),
        };
        let in_task = part.is_some_and(|(_, answered)| begun > answered);
        let expected = self.scheduler.is_leaving(id);
        self.counters.ended(id);
        if let Some(trace) = &mut self.trace {
            let lost = part.filter(|_| in_task).map(|(part, answered)| {
                let worker = self
                    .jobs
                    .get(&part.job)
                    .map_or("cancelled task", |job| job.worker);
                (worker, part.job, crew.ran(answered, 1))
            });
            let how = match crew.killed {
                Some(Killed::Cancelled) => "its task was cancelled".to_owned(),
                Some(Killed::TimedOut) => "its time was over".to_owned(),
                Some(Killed::NoHandshake | Killed::Nonsense) | None => describe(status),
            };
            let expected = expected || self.refusal.is_some();
            trace.ended(loss.id, &how, lost, expected);
        }
        if !in_task && !expected {
            let text = match crew.stage {
                Stage::Initializing => "the initializer",
                Stage::Preparing | Stage::Working => "a worker of the pool",
            };
            let codec = crate::dispatch::result::<()>();
            let error = Outcome::Lost(loss).resolve("", &codec).err();
            let error = error.map(|error| {
                let reason = error.to_string().replace("worker `` ", "");
                Error::new(error.kind(), format!("{text} {reason}"))
                    .with_exit_status(error.exit_status())
            });
            if let (Some(_), Some(error)) = (crew.killed, &error) {
                self.abort(shared, Some(error));
            } else {
                self.trouble = error;
            }
        }
        let retry = crew.killed.is_none() && crew.broken.is_none();
        if let Some((job, task)) = self.scheduler.died(id, begun, retry) {
            let worker = self.jobs.get(&job).map_or("", |job| job.worker);
            let outcome = match crew.broken {
                Some(error) if crew.killed.is_none() => {
                    let error = unheard(worker, loss.id, &error).with_exit_status(status.known());
                    Outcome::Failed(error.with_worker(worker))
                }
                _ => Outcome::Lost(loss),
            };
            self.deliver(job, task, outcome, None);
        }
        self.act(shared);
    }
}

/// The end of a process in a few words.
fn describe(status: Status) -> String {
    match status {
        Status::Known(status) => status.to_string(),
        Status::Lost => "ended".to_owned(),
    }
}
