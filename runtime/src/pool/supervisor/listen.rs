//! Waiting for a task by listening to the worker that runs it.
//!
//! The supervisor would hear the result first and wake the waiting thread then; a switch from
//! thread to thread costs more than all else that a short call does. So the thread that waits
//! listens itself, takes in what it hears as the supervisor would, and lets the supervisor listen
//! again if there is more to come. A member that has nothing to do needs no listener.

use std::sync::Arc;
use std::time::Instant;

use super::core::Core;
use super::crew::{Crew, Ear, Stage};
use super::{CONNECTION, Shared};
use crate::pool::ledger::Ledger;
use crate::pool::scheduler::{JobId, MemberId};
use crate::pool::slot::Slot;
use crate::sys::fd::{AsFd, OwnedFd};
use crate::sys::notify_fd::NotifyFd;
use crate::sys::poll;

/// What a waiting thread polls.
struct Sources {
    member: MemberId,
    connection: Arc<OwnedFd>,
    /// Readable when another thread has finished the task.
    kick: NotifyFd,
    ledger: Arc<Ledger>,
    round: u16,
}

impl Shared {
    /// Waits until a task is finished; false if the limit came first.
    pub(in crate::pool) fn wait(
        self: &Arc<Self>,
        job: JobId,
        slot: &Slot,
        limit: Option<Instant>,
    ) -> bool {
        if slot.is_finished() {
            return true;
        }
        let sources = self.with(|core| core.lend_ear(self, job));
        if let Some(sources) = sources {
            if slot.kick_when_finished(sources.kick.clone()) {
                let ledger = &sources.ledger;
                let has_come = || ledger.is_answered(sources.round);
                self.pause.wait(has_come, || sources.poll(limit));
                // What this thread is about to hear it need not be told.
                slot.spare_kick();
            }
            self.with(|core| core.take_ear_back(self, sources.member));
        }
        slot.wait(limit)
    }
}

impl Sources {
    /// Waits until there is something to hear, or the limit has come.
    fn poll(&self, limit: Option<Instant>) {
        let sources = [self.connection.as_fd(), self.kick.as_fd()];
        if poll::wait_any(sources, limit).is_ok_and(|[_, is_kicked]| is_kicked) {
            self.kick.clear();
        }
    }
}

impl Core {
    /// Lets a thread listen to the member that runs a job. `None`: there is none, or another
    /// listens already.
    fn lend_ear(&mut self, shared: &Shared, job: JobId) -> Option<Sources> {
        let member = self.scheduler.members_with(job).first().copied()?;
        let crew = self.members.get_mut(&member)?;
        let is_lent = crew.ear == Ear::Waiter;
        if is_lent || crew.stage != Stage::Working || crew.closed || crew.killed.is_some() {
            return None;
        }
        let kick = crew.kick()?;
        crew.turn(shared, member, Ear::Waiter);
        Some(Sources {
            member,
            connection: crew.member.connection(),
            kick,
            ledger: Arc::clone(&crew.ledger),
            round: crew.round,
        })
    }

    /// Takes in what the member has said; if it has more to say, the supervisor will hear it.
    fn take_ear_back(&mut self, shared: &Arc<Shared>, id: MemberId) {
        let Some(crew) = self.members.get_mut(&id) else {
            return;
        };
        crew.turn(shared, id, Ear::Nobody);
        self.look_after(shared, id, CONNECTION);
        let is_busy = self.scheduler.part(id).is_some();
        if let Some(crew) = self.members.get_mut(&id)
            && is_busy
        {
            crew.turn(shared, id, Ear::Supervisor);
        }
    }
}

impl Crew {
    fn kick(&mut self) -> Option<NotifyFd> {
        if self.kick.is_none() {
            // Without one the supervisor goes on listening.
            self.kick = Some(NotifyFd::new().ok()?);
        }
        self.kick.clone()
    }
}
