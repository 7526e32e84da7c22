//! How members come and go.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitStatus;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::core::Core;
use super::crew::{Crew, Ear, Purpose, Stage};
use super::delivery::Effect;
use super::{CONNECTION, PIDFD, Shared, key};
use crate::error::{Error, ErrorKind, Result};
use crate::foreign::forget_panic;
use crate::pool::builder::Judge;
use crate::pool::ledger::{Ledger, now};
use crate::pool::scheduler::{Cause, Death, MemberId};
use crate::pool::task::{Loss, Outcome};
use crate::pool::trace::Span;
use crate::pool::worker::SERVICE;
use crate::process::{Killed, Member, Status, unheard};
use crate::protocol::Request;
use crate::sys::exit_status;
use crate::sys::fd::{AsFd, BorrowedFd};
use crate::sys::poller::Interest;
use crate::sys::refused::Naming as _;
use crate::transport::{Parcel, is_nonsense};

/// How long a worker may take to leave before it is killed.
const FAREWELL: Duration = Duration::from_secs(2);

/// The wait after the first futile start; each further one is four times as long, up to ten
/// seconds.
pub(super) const BACK_OFF: Duration = Duration::from_millis(10);

impl Shared {
    /// Starts a member and listens to it. What it says before the pool knows it, is heard later.
    pub(super) fn launch(&self, id: MemberId) -> Result<(Member, Ledger)> {
        let failed = |error| Error::not_started("cannot start a process for the pool", error);
        let ledger = Ledger::new().map_err(failed)?;
        let member = Member::launch(&self.settings.setup, &SERVICE, ledger.descriptor())?;
        let listen = |source: BorrowedFd<'_>, what| {
            self.poller.add(source, key(id, what), Interest::READABLE)
        };
        let listening = listen(member.pidfd().as_fd(), PIDFD)
            .and_then(|()| listen(member.sources().0, CONNECTION));
        match listening {
            Ok(()) => Ok((member, ledger)),
            Err(error) => {
                // Its end would not be heard of.
                member.end();
                Err(failed(error))
            }
        }
    }

    /// Starts a member on a thread of its own.
    pub(super) fn launch_aside(self: &Arc<Self>, id: MemberId) {
        let theirs = Arc::clone(self);
        let thread = thread::Builder::new().name("multiproc-launch".to_owned());
        let launch = move || {
            let launched = catch_unwind(AssertUnwindSafe(|| theirs.launch(id)));
            let launched = launched.unwrap_or_else(|_| {
                let text = "cannot start a process for the pool: its thread panicked";
                Err(Error::new(ErrorKind::Spawn, text))
            });
            theirs.with(|core| core.launched(&theirs, id, launched));
            // It may be the last thing the supervisor waits for.
            theirs.wake();
        };
        if let Err(error) = thread.spawn(launch).naming("clone") {
            let error = Error::not_started("cannot start a process for the pool", error);
            self.with(|core| core.launched(self, id, Err(error)));
        }
    }

    /// Looks at what the initializer returned, on a thread of its own: user code runs.
    pub(super) fn judge_aside(
        self: &Arc<Self>,
        id: MemberId,
        judge: Judge,
        outcome: Outcome,
        span: Span,
    ) {
        let theirs = Arc::clone(self);
        let thread = thread::Builder::new().name("multiproc-judge".to_owned());
        let work = move || {
            let judged = catch_unwind(AssertUnwindSafe(|| judge(outcome)));
            let judged = judged.unwrap_or_else(|payload| {
                forget_panic(Err(payload));
                let text = "the pool's initializer failed: what it returned panicked when it was looked at";
                Err(Error::new(ErrorKind::Decode, text))
            });
            theirs.with(|core| core.judged(&theirs, id, judged, span));
            theirs.wake();
        };
        if let Err(error) = thread.spawn(work) {
            let text = "cannot look at what the pool's initializer returned: there can be no thread for it";
            let error = Error::new(ErrorKind::Spawn, text).with_source(error);
            self.with(|core| core.judged(self, id, Err(error), span));
        }
    }
}

impl Core {
    pub(super) fn begin_launch(&mut self, id: MemberId) {
        self.launching += 1;
        self.effects.push(Effect::Launch(id));
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
                self.counters
                    .launched(id, member.id(), self.scheduler.replaces(id));
                if let Some(trace) = &mut self.trace {
                    trace.started(member.id());
                }
                let crew = Crew {
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
                    ready: None,
                    killed: None,
                    broken: None,
                    closed: false,
                    ear: Ear::Supervisor,
                    kick: None,
                };
                self.members.insert(id, crew);
                if self.refusal.is_some() && !self.scheduler.has_queue() {
                    self.kill(id, Purpose::Leaving);
                }
            }
            Err(error) => {
                self.trouble = Some(error);
                self.scheduler.not_started(id);
            }
        }
        self.act(shared);
    }

    /// Whether the initializer has succeeded in a member.
    fn judged(&mut self, shared: &Arc<Shared>, id: MemberId, judged: Result<()>, span: Span) {
        match judged {
            Ok(()) => {
                if let (Some(trace), Some(crew), Some(initializer)) =
                    (&mut self.trace, self.members.get(&id), shared.initializer())
                {
                    trace.initialized(crew.member.id(), initializer.worker, span);
                }
                self.ready(id);
                self.act(shared);
            }
            Err(error) => self.abort(shared, Some(&error)),
        }
    }

    /// A member can work.
    pub(super) fn ready(&mut self, id: MemberId) {
        if let Some(crew) = self.members.get_mut(&id) {
            crew.stage = Stage::Working;
            crew.ready = Some(Instant::now());
            crew.heard = Instant::now();
            self.scheduler.ready(id);
        }
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
            self.kill(id, Purpose::Leaving);
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
        let claimed = crew.ledger.claimed();
        let in_part = part.map_or(0, |(part, answered)| {
            let begun = claimed.unwrap_or(part.count);
            // It may have written to the ledger as well. Were its task not taken for begun, one
            // worker after the other would begin it.
            let is_sick = crew.broken.as_ref().is_some_and(is_nonsense);
            if is_sick {
                begun.max(answered + 1)
            } else {
                begun
            }
        });
        let in_task = part.is_some_and(|(_, answered)| in_part > answered);
        // A member that ended in another way did so before the pool's signal reached it.
        let killed = crew.killed.filter(|_| is_by_kill(status));
        let expected = self.scheduler.is_leaving(id) || self.refusal.is_some();
        self.counters.ended(id);
        if let Some(trace) = &mut self.trace {
            let lost = part.filter(|_| in_task).map(|(part, answered)| {
                let worker = self
                    .jobs
                    .get(&part.job)
                    .map_or("cancelled task", |job| job.worker);
                (worker, part.job, crew.ran(answered, 1))
            });
            let how = match killed {
                Some(Purpose::Cancelled) => "its task was cancelled".to_owned(),
                Some(Purpose::Timeout(_) | Purpose::Initializer) => "its time was over".to_owned(),
                _ => describe(status),
            };
            trace.ended(crew.member.id(), &how, lost, expected);
        }
        let cause = killed.map_or(Cause::Itself, Purpose::cause);
        if !in_task && !expected && cause != Cause::Pool {
            self.trouble = trouble(&crew, killed, status);
        }
        let is_wanted = part.is_some_and(|(part, _)| self.jobs.contains_key(&part.job));
        let death = Death {
            cause,
            begun: in_part,
            // Its reply may have been on its way, which it does not know.
            retry: killed.is_none() && is_wanted && !is_cut_off(&crew, status),
            lived: crew.ready.map_or(Duration::ZERO, |ready| ready.elapsed()),
        };
        let lost = self.scheduler.died(id, death);
        if let (Some(lost), Some((part, _))) = (lost, part) {
            for task in lost.first..lost.first + lost.count {
                let worker = self.jobs.get(&lost.job).map_or("", |job| job.worker);
                let outcome = loss(&crew, killed, status, task - part.first, worker);
                self.deliver(lost.job, task, outcome, None);
            }
        }
        self.act(shared);
    }
}

/// What became of a task that a member had begun, or could not begin.
fn loss(
    crew: &Crew,
    killed: Option<Purpose>,
    status: Status,
    task: u32,
    worker: &'static str,
) -> Outcome {
    let id = crew.member.id();
    let lost = |killed| {
        Outcome::Lost(Loss {
            status,
            killed,
            id,
            memory_limit: crew.member.memory_limit(),
        })
    };
    let failed = |kind, text: String| Error::new(kind, text).with_worker(worker);
    let is_board_nonsense = crew.ledger.claimed().is_none();
    match (killed, &crew.broken) {
        (Some(Purpose::Timeout(late)), _) if late == task => lost(Some(Killed::TimedOut)),
        (Some(Purpose::Cancelled), _) => lost(Some(Killed::Cancelled)),
        (Some(Purpose::Standstill), _) => {
            let text = format!(
                "worker `{worker}` was not begun in time by one process after another, the last of which was killed (pid {id})"
            );
            Outcome::Failed(failed(ErrorKind::TimedOut, text))
        }
        (Some(Purpose::Nonsense) | None, Some(error))
            if killed.is_some() || is_cut_off(crew, status) =>
        {
            let error = unheard(worker, id, error).with_exit_status(status.known());
            Outcome::Failed(error.with_worker(worker))
        }
        (Some(_), _) if is_board_nonsense => {
            let text = format!(
                "worker `{worker}` was killed because it had overwritten memory that it shares with its pool (pid {id})"
            );
            Outcome::Failed(failed(ErrorKind::Decode, text))
        }
        (Some(Purpose::Nonsense), None) => {
            let text = format!(
                "worker `{worker}` was killed because it answered what it had not been asked (pid {id})"
            );
            Outcome::Failed(failed(ErrorKind::Decode, text))
        }
        _ => lost(None),
    }
}

/// Why a member was of no use.
fn trouble(crew: &Crew, killed: Option<Purpose>, status: Status) -> Option<Error> {
    let text = match crew.stage {
        Stage::Initializing | Stage::Judged => "the initializer",
        Stage::Preparing | Stage::Working => "a worker of the pool",
    };
    let loss = Loss {
        status,
        killed: match killed {
            Some(Purpose::Handshake) => Some(Killed::NoHandshake),
            Some(Purpose::Initializer) => Some(Killed::TimedOut),
            _ => None,
        },
        id: crew.member.id(),
        memory_limit: crew.member.memory_limit(),
    };
    let codec = crate::dispatch::result::<()>();
    let error = Outcome::Lost(loss).resolve("", &codec).err()?;
    let reason = error.to_string().replace("worker `` ", "");
    Some(Error::new(error.kind(), format!("{text} {reason}")).with_exit_status(error.exit_status()))
}

/// Whether a member has ended as if all were well, though a message of its broke off.
fn is_cut_off(crew: &Crew, status: Status) -> bool {
    crew.broken.is_some() && status.known().is_none_or(|status| status.success())
}

/// Whether it may have been the pool's signal that ended a member.
fn is_by_kill(status: Status) -> bool {
    let is_kill = |status: ExitStatus| exit_status::is_killed(status);
    status.known().is_none_or(is_kill)
}

/// The end of a process in a few words.
fn describe(status: Status) -> String {
    match status {
        Status::Known(status) => status.to_string(),
        Status::Lost => "ended".to_owned(),
    }
}
