//! What happens because time passes.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use super::Shared;
use super::core::Core;
use super::crew::{Crew, Purpose, Stage, Verdict};
use crate::pool::builder::Settings;
use crate::pool::scheduler::MemberId;

/// How long nothing may be heard of a member before what it has not begun is given to others that
/// are idle, and what it has done is looked for.
pub(super) const STANDSTILL: Duration = Duration::from_millis(10);

impl Core {
    /// Deals with deadlines. True when the pool is over.
    pub(super) fn tick(&mut self, shared: &Arc<Shared>) -> bool {
        let now = Instant::now();
        while let Some((at, id)) = self.postponed.first().copied()
            && at <= now
        {
            self.postponed.remove(&(at, id));
            self.begin_launch(id);
        }
        let ids: Vec<MemberId> = self.members.keys().copied().collect();
        let idle_before = shared.settings.idle_timeout;
        let mut spare = ids.len().saturating_sub(shared.settings.policy.floor);
        for id in ids {
            let Some(crew) = self.members.get_mut(&id) else {
                continue;
            };
            if crew.member.handshake.is_some_and(|at| at <= now) {
                crew.member.handshake = None;
                self.kill(id, Purpose::Handshake);
            }
            self.check_leave(id, now);
            self.check_time(shared, id, now);
            // Who is given what it had has to have it before anybody is looked at again.
            self.act(shared);
            let Some(crew) = self.members.get(&id) else {
                continue;
            };
            let leaving = self.scheduler.is_leaving(id);
            if let (Some((part, answered)), true) =
                (self.scheduler.part(id), self.scheduler.has_idle())
                && crew.could_give(part, answered)
                && !self.scheduler.has_queue()
                && crew.heard + STANDSTILL <= now
            {
                match crew.ledger.recall() {
                    Some(begun) => drop(self.scheduler.recalled(id, begun, true)),
                    None => self.kill(id, Purpose::Nonsense),
                }
                self.act(shared);
            }
            let looks = |crew: &Crew| crew.member.next_look().is_some_and(|at| at <= now);
            if self.members.get(&id).is_some_and(looks) {
                self.bury(shared, id);
            }
            let Some(crew) = self.members.get(&id) else {
                continue;
            };
            let (is_working, heard) = (crew.stage == Stage::Working, crew.heard);
            if crew.look.is_some_and(|at| at <= now) {
                self.look_at_board(shared, id);
            }
            let has_nothing = self.scheduler.part(id).is_none();
            if let (Some(timeout), true) = (idle_before, has_nothing)
                && !leaving
                && is_working
                && spare > 0
                && heard + timeout <= now
            {
                spare -= 1;
                self.scheduler.doom(id);
                self.act(shared);
            }
        }
        self.act(shared);
        self.scheduler.is_over()
            && self.launching == 0
            && self.members.is_empty()
            && shared.delivering.load(SeqCst) == 0
    }

    /// Ends a member that was to have left, or whose end was to be seen, by now.
    fn check_leave(&mut self, id: MemberId, now: Instant) {
        let Some(crew) = self.members.get_mut(&id) else {
            return;
        };
        if crew.leave.is_some_and(|at| at <= now) {
            crew.leave = None;
            let purpose = match crew.broken {
                Some(_) => Purpose::Nonsense,
                None => Purpose::Leaving,
            };
            self.kill(id, purpose);
        }
    }

    /// Ends a member whose task takes too long.
    fn check_time(&mut self, shared: &Shared, id: MemberId, now: Instant) {
        let part = self.scheduler.part(id);
        let Some(crew) = self.members.get_mut(&id) else {
            return;
        };
        if crew.check.is_none_or(|at| at > now) {
            return;
        }
        let is_working = crew.stage == Stage::Working;
        let timeout = match part {
            Some((part, _)) => self.jobs.get(&part.job).and_then(|job| job.timeout),
            None if is_working => None,
            None => shared.initializer().and_then(|it| it.timeout),
        };
        match crew.check_time(timeout, part.map_or(0, |(_, answered)| answered)) {
            Verdict::InTime => {}
            Verdict::Over(_, Purpose::Timeout(_)) if !is_working => {
                self.kill(id, Purpose::Initializer);
            }
            Verdict::Over(begun, purpose) => {
                self.kill(id, purpose);
                self.scheduler.recalled(id, begun, true);
            }
            Verdict::GoneOn(begun) => drop(self.scheduler.recalled(id, begun, true)),
        }
    }

    /// When to look at the deadlines again.
    pub(super) fn deadline(&self, settings: &Settings) -> Option<Instant> {
        let mut deadline = self.postponed.first().map(|(at, _)| *at);
        let mut earlier = |at: Instant| {
            deadline = Some(deadline.map_or(at, |deadline| deadline.min(at)));
        };
        let shares = self.scheduler.has_idle() && !self.scheduler.has_queue();
        let spare = self.members.len() > settings.policy.floor;
        for (id, crew) in &self.members {
            let end = crew.member.next_look();
            [
                crew.member.handshake,
                crew.check,
                crew.leave,
                crew.look,
                end,
            ]
            .into_iter()
            .flatten()
            .for_each(&mut earlier);
            let part = self.scheduler.part(*id);
            match part {
                Some((part, answered)) if shares && crew.could_give(part, answered) => {
                    earlier(crew.heard + STANDSTILL);
                }
                None if spare && crew.stage == Stage::Working => {
                    if let Some(timeout) = settings.idle_timeout
                        && !self.scheduler.is_leaving(*id)
                    {
                        earlier(crew.heard + timeout);
                    }
                }
                _ => {}
            }
        }
        deadline
    }
}
