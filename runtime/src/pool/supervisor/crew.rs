//! A member of the pool, as the supervisor knows it.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, EventData, EventFlags};

use super::deadlines::STANDSTILL;
use super::{CONNECTION, OUTBOX, Shared};
use crate::pool::ledger::{Ledger, now};
use crate::pool::scheduler::{MemberId, Part};
use crate::pool::trace::Span;
use crate::process::{Killed, Member};
use crate::transport::{Outbox, Parcel};

/// How long a process may take to begin a task that has a timeout, unless that is longer.
const BEGINNING: Duration = Duration::from_secs(1);

/// A member and what the supervisor knows of it.
pub(super) struct Crew {
    pub(super) member: Member,
    pub(super) ledger: Arc<Ledger>,
    pub(super) outbox: Option<Outbox>,
    pub(super) round: u16,
    pub(super) stage: Stage,
    /// When it was last heard of, or took in a piece of what it is sent.
    pub(super) heard: Instant,
    /// Until when it is known what it did, by the clock of the ledger.
    pub(super) noted: u64,
    /// When to look at its board.
    pub(super) look: Option<Instant>,
    /// When to look whether its task takes too long.
    pub(super) check: Option<Instant>,
    /// When it is to have left.
    pub(super) leave: Option<Instant>,
    pub(super) killed: Option<Killed>,
    /// Why its last message could not be taken.
    pub(super) broken: Option<io::Error>,
    /// Nothing more is to be heard.
    pub(super) closed: bool,
    pub(super) ear: Ear,
    /// Wakes who listens in the supervisor's place.
    pub(super) kick: Option<Arc<OwnedFd>>,
}

/// Who listens to a member: takes in what it says. How it ends, the supervisor always sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ear {
    Supervisor,
    /// The thread that waits for the result of its task.
    Waiter,
    /// It has nothing to do, and nothing to say therefore.
    Nobody,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Preparing,
    Initializing,
    Working,
}

impl Crew {
    /// Sends tasks, which may be claimed from now on.
    pub(super) fn send(&mut self, parcel: Parcel, count: u32) -> io::Result<()> {
        self.round = self.round.wrapping_add(1);
        self.ledger.offer(self.round, count);
        self.heard = Instant::now();
        self.noted = now();
        self.look = (count > 1).then(|| self.heard + STANDSTILL);
        self.outbox = self.member.send(parcel)?;
        self.ledger.sent(self.round);
        Ok(())
    }

    /// From when to when it ran so many tasks after the first `answered`, or until now.
    pub(super) fn ran(&self, answered: u32, count: u32) -> Span {
        let since = self.ledger.start_of(answered).unwrap_or(self.noted);
        let until = self.ledger.start_of(answered + count).unwrap_or_else(now);
        (since, until)
    }

    /// Lets the supervisor listen or not.
    pub(super) fn turn(&mut self, shared: &Shared, id: MemberId, ear: Ear) {
        if (self.ear == Ear::Supervisor) != (ear == Ear::Supervisor) {
            let flags = match ear {
                Ear::Supervisor => EventFlags::IN,
                // A hang-up is told all the same.
                Ear::Waiter | Ear::Nobody => EventFlags::empty(),
            };
            let data = EventData::new_u64(id << 2 | CONNECTION);
            // It is not registered any more when nothing more is to be heard.
            let _ = epoll::modify(&shared.epoll, self.member.sources().0, data, flags);
        }
        self.ear = ear;
    }

    pub(super) fn register_outbox(&self, shared: &Shared, id: MemberId) {
        if let Some(outbox) = &self.outbox {
            let data = EventData::new_u64(id << 2 | OUTBOX);
            let _ = epoll::add(&shared.epoll, outbox.socket(), data, EventFlags::OUT);
        }
    }

    /// Listens no more. The connection stays: to the member, its end would be the parent's.
    pub(super) fn close(&mut self, shared: &Shared) {
        self.closed = true;
        self.member.expect_end();
        let (connection, assembly) = self.member.sources();
        for source in [connection].into_iter().chain(assembly) {
            let _ = epoll::delete(&shared.epoll, source);
        }
    }

    /// Kills it if its task has run for longer than this.
    pub(super) fn check_time(&mut self, timeout: Option<Duration>, answered: u32) {
        let Some(timeout) = timeout else {
            self.check = None;
            return;
        };
        let left = if self.ledger.claimed() > answered {
            let ran = Duration::from_nanos(now().saturating_sub(self.ledger.started()));
            let left = timeout.saturating_sub(ran);
            if left.is_zero() {
                self.killed.get_or_insert(Killed::TimedOut);
            }
            left
        } else {
            // The task's time has not begun. But it never will if the process is stopped: then
            // another one shall begin it.
            let patience = timeout.max(BEGINNING);
            timeout.min(patience.saturating_sub(self.heard.elapsed()))
        };
        if left.is_zero() {
            self.check = None;
            self.member.kill();
        } else {
            self.check = Instant::now().checked_add(left);
        }
    }

    /// Whether there are tasks that it has received and not begun.
    pub(super) fn could_give(&self, part: Part, answered: u32) -> bool {
        part.count > self.ledger.claimed().max(answered) && self.outbox.is_none()
    }

    /// Its resident memory in bytes.
    pub(super) fn memory(&self) -> Option<u64> {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.member.id())).ok()?;
        let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
        Some(pages * rustix::param::page_size() as u64)
    }
}
