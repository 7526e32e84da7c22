//! What happens because time passes.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use super::Shared;
use super::core::Core;
use super::crew::{Crew, Stage};
use crate::pool::builder::Settings;
use crate::pool::scheduler::MemberId;
use crate::process::Killed;

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
            self.begin_launch(shared, id);
        }
        let ids: Vec<MemberId> = self.members.keys().copied().collect();
        let idle_before = shared.settings.idle_timeout;
        let mut spare = ids.len().saturating_sub(shared.settings.policy.floor);
        for id in ids {
            let part = self.scheduler.part(id);
            let leaving = self.scheduler.is_leaving(id);
            let Some(crew) = self.members.get_mut(&id) else {
                continue;
            };
            if crew.member.handshake.is_some_and(|at| at <= now) {
                crew.member.handshake = None;
                crew.killed.get_or_insert(Killed::NoHandshake);
                crew.member.kill();
            }
            if crew.leave.is_some_and(|at| at <= now) {
                crew.leave = None;
                crew.member.kill();
            }
            if crew.check.is_some_and(|at| at <= now) {
                let timeout = match crew.stage {
                    Stage::Working => part
                        .and_then(|(part, _)| self.jobs.get(&part.job))
                        .and_then(|job| job.timeout),
                    _ => shared.initializer.as_ref().and_then(|it| it.timeout),
                };
                crew.check_time(timeout, part.map_or(0, |(_, answered)| answered));
            }
            if let (Some((part, answered)), true) = (part, self.scheduler.has_idle())
                && crew.could_give(part, answered)
                && !self.scheduler.has_queue()
                && crew.heard + STANDSTILL <= now
            {
                let begun = crew.ledger.recall();
                self.scheduler.recalled(id, begun, true);
                // Who is given it has to have it before anybody is looked at again.
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
