//! What happens because time passes.

use std::time::{Duration, Instant};

use super::core::PoolState;
use super::worker_state::{Purpose, STANDSTILL, Verdict, WorkerStage, WorkerState};
use crate::pool::scheduler::WorkerId;
use crate::process::Inquiry;

impl PoolState {
    /// Deals with deadlines. True when the pool is over.
    pub(super) fn tick(&mut self) -> bool {
        let now = Instant::now();
        while let Some((at, id)) = self.postponed.first().copied()
            && at <= now
        {
            self.postponed.remove(&(at, id));
            self.begin_launch(id);
        }
        while let Some((at, job, task)) = self.held.first().copied()
            && at <= now
        {
            self.held.remove(&(at, job, task));
            self.scheduler.released(job, task);
        }
        if let Some(id) = self.unheard.look_at(now) {
            self.hear_again(id);
        }
        self.act();
        let ids: Vec<WorkerId> = self.workers.keys().copied().collect();
        let idle_before = self.env.settings.idle_timeout;
        let mut spare = self.scheduler.spare();
        for id in ids {
            let Some(worker) = self.workers.get_mut(&id) else {
                continue;
            };
            if worker.process.handshake.is_some_and(|at| at <= now) {
                worker.process.handshake = None;
                self.kill(id, Purpose::Handshake);
            }
            self.check_leave(id, now);
            self.check_asked(id, now);
            self.check_inquiry(id);
            self.check_time(id, now);
            // What it had goes to others before the next one is looked at.
            self.act();
            let Some(worker) = self.workers.get(&id) else {
                continue;
            };
            let leaving = self.scheduler.is_leaving(id);
            let shares = self.scheduler.has_idle() && !self.scheduler.has_queue();
            // What was sent ahead of time does not wait for a worker to be idle: those behind it in the
            // queue would go first.
            if let Some((part, answered)) = self.scheduler.part(id)
                && (shares || part.kind.is_some())
                && worker.could_give(part, answered)
                && worker.heard + STANDSTILL <= now
            {
                self.recall(id);
                self.act();
            }
            let looks =
                |worker: &WorkerState| worker.process.next_look().is_some_and(|at| at <= now);
            if self.workers.get(&id).is_some_and(looks) {
                self.reap(id);
            }
            let Some(worker) = self.workers.get(&id) else {
                continue;
            };
            let (is_working, heard) = (worker.stage == WorkerStage::Working, worker.heard);
            if worker.look.is_some_and(|at| at <= now) {
                self.look_at_board(id);
            }
            let has_nothing = self.scheduler.part(id).is_none();
            if let (Some(timeout), true) = (idle_before, has_nothing)
                && !leaving
                && is_working
                && spare > 0
                && heard + timeout <= now
            {
                spare -= 1;
                self.scheduler.retire_when_idle(id);
                self.act();
            }
        }
        self.act();
        self.scheduler.is_over()
            && self.launching == 0
            && self.leaving_descendants == 0
            && self.workers.is_empty()
            && self.env.deliveries.is_none()
    }

    /// Ends a worker that was to have left, or whose end was to be seen, by now.
    fn check_leave(&mut self, id: WorkerId, now: Instant) {
        let Some(worker) = self.workers.get_mut(&id) else {
            return;
        };
        if worker.leave.is_some_and(|at| at <= now) {
            worker.leave = None;
            let purpose = match worker.broken {
                Some(_) => Purpose::Nonsense,
                None => Purpose::Leaving,
            };
            self.kill(id, purpose);
        }
    }

    /// Ends a worker whose task was asked to stop, and has not.
    fn check_asked(&mut self, id: WorkerId, now: Instant) {
        let asked = self.workers.get_mut(&id).and_then(|it| it.asked.as_mut());
        if let Some(asked) = asked.filter(|asked| asked.until.is_some_and(|at| at <= now)) {
            asked.until = None;
            let purpose = asked.purpose;
            self.inquire(id, purpose);
        }
    }

    /// Ends a worker that was asked where it is, and has not told.
    fn check_inquiry(&mut self, id: WorkerId) {
        let worker = self.workers.get(&id);
        let has_had_time =
            |worker: &WorkerState| worker.inquiry.as_ref().is_some_and(Inquiry::is_over);
        if let Some(purpose) = worker
            .filter(|it| has_had_time(it))
            .and_then(|it| it.killed)
        {
            self.kill(id, purpose);
        }
    }

    /// Ends a worker whose task takes too long.
    fn check_time(&mut self, id: WorkerId, now: Instant) {
        let part = self.scheduler.part(id);
        let Some(worker) = self.workers.get_mut(&id) else {
            return;
        };
        if worker.check.is_none_or(|at| at > now) {
            return;
        }
        let is_working = worker.stage == WorkerStage::Working;
        let timeout = match part {
            Some((part, _)) => self.jobs.timeout(part.job),
            None if is_working => None,
            None => worker.initializer.as_ref().and_then(|it| it.timeout),
        };
        match worker.check_time(timeout, part.map_or(0, |(_, answered)| answered)) {
            Verdict::InTime => {}
            Verdict::Over(_, Purpose::Timeout(_)) if !is_working => {
                self.inquire(id, Purpose::Initializer);
            }
            // What has overwritten its board cannot be asked.
            Verdict::Over(begun, purpose @ Purpose::Timeout(task)) if begun == task + 1 => {
                let grace = part.map_or(Duration::ZERO, |(part, _)| self.jobs.grace(part.job));
                self.ask(id, task, purpose, grace);
                self.scheduler.recalled(id, begun, true);
            }
            Verdict::Over(begun, purpose) => {
                self.kill(id, purpose);
                self.scheduler.recalled(id, begun, true);
            }
            Verdict::GoneOn(begun) => drop(self.scheduler.recalled(id, begun, true)),
        }
    }

    /// When to look at the deadlines again.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let settings = &self.env.settings;
        let mut deadline = self.postponed.first().map(|(at, _)| *at);
        let held = self.held.first().map(|(at, _, _)| *at);
        let mut earlier = |at: Instant| {
            deadline = Some(deadline.map_or(at, |deadline| deadline.min(at)));
        };
        let look = self.unheard.look();
        held.into_iter().chain(look).for_each(&mut earlier);
        let shares = self.scheduler.has_idle() && !self.scheduler.has_queue();
        let spare = self.scheduler.spare() > 0;
        for (id, worker) in &self.workers {
            let end = worker.process.next_look();
            [
                worker.process.handshake,
                worker.check,
                worker.leave,
                worker.look,
                worker.asked.and_then(|asked| asked.until),
                worker.inquiry.as_ref().map(|inquiry| inquiry.until),
                end,
            ]
            .into_iter()
            .flatten()
            .for_each(&mut earlier);
            let part = self.scheduler.part(*id);
            match part {
                Some((part, answered))
                    if (shares || part.kind.is_some()) && worker.could_give(part, answered) =>
                {
                    earlier(worker.heard + STANDSTILL);
                }
                None if spare && worker.stage == WorkerStage::Working => {
                    if let Some(timeout) = settings.idle_timeout
                        && !self.scheduler.is_leaving(*id)
                    {
                        earlier(worker.heard + timeout);
                    }
                }
                _ => {}
            }
        }
        deadline
    }
}
