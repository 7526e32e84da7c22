//! Who gets what: the decisions of a pool, without its effects.
//!
//! Events go in, [`Action`]s come out. Nothing here starts, sends, waits or looks at a clock.
//!
//! Tasks come as [`Part`]s, runs of tasks of one job. A worker has at most one part, and another
//! only when all of that is answered: nothing waits behind a long task that another worker could
//! run. A part of several tasks is divided when workers are idle, and what is not begun of it can
//! be taken back ([`Scheduler::recalled`]).
//!
//! # A worker
//!
//! | state | next |
//! |---|---|
//! | launching | idle when it is ready, gone when it could not be started or died |
//! | idle | busy with a part; leaving when it is retired |
//! | busy | idle when all is answered, leaving if it is to retire |
//! | leaving | gone when it has ended |
//!
//! # When a worker dies
//!
//! What it had not begun returns to the front of the queue, but not for ever: a task that worker
//! after worker dies of while receiving it ([`SPOILED`]) is lost too. (One that had begun any of
//! its part had received all of it.) If the task may be tried again, more workers may die of it, but not
//! so many that the pool would give up. What it had begun and not answered is
//! lost, or tried again if it may be: one task, unless results got lost with it.
//!
//! # Futile starts
//!
//! A start was *futile* if the worker died by itself, soon ([`HEALTHY`]) and before it had begun
//! anything. How its successors are started depends on how many were futile in a row:
//!
//! | event | then |
//! |---|---|
//! | a worker dies in a task, or after a healthy life, or because the pool has ended it | it is replaced at once, and not counted |
//! | a start is futile | it is counted, unless the worker was started before the last one that was: those are one failure |
//! | some are counted | workers are started one at a time, each later than the one before |
//! | a worker started after the last futile one answers a task, or dies after a healthy life | the count begins anew |
//! | the [`FUTILE`]th or a further one is counted, and no worker is ready to work | the pool gives up ([`Action::Break`]) |
//! | a worker was ended because it did not get ready in time | the pool gives up: no other would |

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// A worker, for the life of its pool.
pub(super) type WorkerId = u64;

/// A job, likewise.
pub(super) type JobId = u64;

/// How many starts in a row may be futile.
pub(super) const FUTILE: u32 = 5;

/// How many workers, one started after another, may die with a task before one has begun it.
pub(super) const SPOILED: u32 = 3;

/// A worker that lived this long after it was ready was worth its start.
pub(super) const HEALTHY: Duration = Duration::from_millis(100);

/// What does not change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    /// The most workers.
    pub(super) workers: usize,
    /// The workers that stay when there is nothing to do.
    pub(super) floor: usize,
    /// After how many tasks a worker is replaced.
    pub(super) max_tasks: Option<u64>,
    /// How often a lost task is tried again.
    pub(super) retries: u32,
}

/// Some tasks of a job, one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) job: JobId,
    pub(super) first: u32,
    pub(super) count: u32,
    /// How often the first was lost.
    pub(super) attempts: u32,
    /// How often workers died that had been sent it, before they began the first.
    pub(super) spoiled: Spoiled,
}

/// Deaths one after another: those of workers that were there at the last one are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Spoiled {
    times: u32,
    /// The workers from this one on were started since.
    since: WorkerId,
}

/// How a worker ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Death {
    pub(super) cause: Cause,
    /// How many of its part's tasks it had begun.
    pub(super) begun: u32,
    /// Whether those of them that it did not answer may be tried again.
    pub(super) retry: bool,
    /// How long it lived after it was ready.
    pub(super) lived: Duration,
}

/// Why a worker ended, as far as that decides what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// It died by itself or its task, or something outside the pool ended it.
    Itself,
    /// The pool ended it for what it did or had to do, or to be rid of it.
    Pool,
    /// The pool ended it because it was not ready in time.
    Unready,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Start this worker; in a while if this many starts before it were futile.
    Launch(WorkerId, u32),
    /// Send a worker a part.
    Send(WorkerId, Part),
    /// Let a worker go that has nothing to do.
    Retire(WorkerId),
    /// The pool is of no use any more, because of a death of this cause.
    Break(Cause),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Activity {
    Launching,
    Idle,
    /// A part, and how many of its tasks are answered.
    Busy(Part, u32),
    Leaving,
}

#[derive(Debug)]
struct WorkerRecord {
    activity: Activity,
    /// Tasks that it answered.
    tasks: u64,
    /// To leave when it is done.
    to_retire: bool,
    /// How many starts were futile before its own, ever.
    after: u64,
    /// Whether it is in the place of one that has gone.
    replaces: bool,
    /// Its number among those that do not leave: that of the one in whose place it is.
    index: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// What is there is done, then all leave.
    Draining,
    /// Nothing is started any more.
    Closed,
}

#[derive(Debug)]
pub(super) struct Scheduler {
    policy: Policy,
    phase: Phase,
    queue: VecDeque<Part>,
    workers: BTreeMap<WorkerId, WorkerRecord>,
    /// Those with nothing to do; the last to become so is the first to get something.
    idle: Vec<WorkerId>,
    next: WorkerId,
    /// How many starts were futile, ever; those of workers started meanwhile are one.
    futile: u64,
    /// How many of them count no more.
    forgiven: u64,
    /// The most workers that were there at once, leaving ones aside.
    places: usize,
    /// Tasks tried again.
    pub(super) retried: u64,
    actions: Vec<Action>,
}

impl Scheduler {
    pub(super) fn new(policy: Policy) -> Scheduler {
        let mut scheduler = Scheduler {
            policy,
            phase: Phase::Open,
            queue: VecDeque::new(),
            workers: BTreeMap::new(),
            idle: Vec::new(),
            next: 0,
            futile: 0,
            forgiven: 0,
            places: 0,
            retried: 0,
            actions: Vec::new(),
        };
        scheduler.settle();
        scheduler
    }

    /// What is to be done after the events so far, once.
    pub(super) fn actions(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.actions)
    }

    /// Tasks that no worker has been sent.
    pub(super) fn queued(&self) -> usize {
        self.queue.iter().map(|part| part.count as usize).sum()
    }

    /// Whether parts wait.
    pub(super) fn has_queue(&self) -> bool {
        !self.queue.is_empty()
    }

    pub(super) fn has_idle(&self) -> bool {
        !self.idle.is_empty()
    }

    /// Whether no task and no worker is left.
    pub(super) fn is_over(&self) -> bool {
        self.phase != Phase::Open && self.workers.is_empty() && self.queue.is_empty()
    }

    /// What a worker was sent, and how many of those tasks are answered.
    pub(super) fn part(&self, id: WorkerId) -> Option<(Part, u32)> {
        match self.workers.get(&id)?.activity {
            Activity::Busy(part, answered) => Some((part, answered)),
            _ => None,
        }
    }

    /// Who was sent tasks of a job.
    pub(super) fn workers_with(&self, job: JobId) -> Vec<WorkerId> {
        let with_job = |worker: &WorkerRecord| matches!(worker.activity, Activity::Busy(part, _) if part.job == job);
        self.workers
            .iter()
            .filter(|(_, worker)| with_job(worker))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Whether a worker was started in the place of one that has gone.
    pub(super) fn replaces(&self, id: WorkerId) -> bool {
        self.workers.get(&id).is_some_and(|worker| worker.replaces)
    }

    /// The number of a worker among those that do not leave, from 0 on.
    pub(super) fn index(&self, id: WorkerId) -> usize {
        self.workers.get(&id).map_or(0, |worker| worker.index)
    }

    /// Whether a worker has begun to leave.
    pub(super) fn is_leaving(&self, id: WorkerId) -> bool {
        self.workers
            .get(&id)
            .is_some_and(|worker| worker.activity == Activity::Leaving)
    }

    pub(super) fn submitted(&mut self, job: JobId, count: u32) {
        self.queue.push_back(Part {
            job,
            first: 0,
            count,
            attempts: 0,
            spoiled: Spoiled::default(),
        });
        self.settle();
    }

    /// A worker has prepared itself.
    pub(super) fn ready(&mut self, id: WorkerId) {
        if let Some(worker) = self.workers.get_mut(&id)
            && worker.activity == Activity::Launching
        {
            self.release(id);
            self.settle();
        }
    }

    /// A worker has answered this many more of its tasks.
    pub(super) fn answered(&mut self, id: WorkerId, count: u32) {
        let Some(worker) = self.workers.get_mut(&id) else {
            return;
        };
        let Activity::Busy(part, answered) = &mut worker.activity else {
            return;
        };
        *answered = part.count.min(answered.saturating_add(count));
        worker.tasks += u64::from(count);
        if worker.after == self.futile {
            self.forgiven = self.futile;
        }
        let done = *answered == part.count;
        if done {
            self.release(id);
        }
        self.settle();
    }

    /// A worker begins no more than the first `begun` tasks of its part: the others are free again
    /// or, if they are not to be kept, forgotten. Returns them in the second case.
    pub(super) fn recalled(&mut self, id: WorkerId, begun: u32, keep: bool) -> Option<Part> {
        let worker = self.workers.get_mut(&id)?;
        let Activity::Busy(part, answered) = &mut worker.activity else {
            return None;
        };
        let keep = keep && self.phase != Phase::Closed;
        let rest = cut(part, begun.max(*answered));
        let done = *answered == part.count;
        self.queue.extend_front_part(rest.filter(|_| keep));
        if done {
            self.release(id);
            // It has begun nothing for a while: let the others go first.
            if self.idle.last() == Some(&id) {
                self.idle.rotate_right(1);
            }
        }
        self.settle();
        rest.filter(|_| !keep)
    }

    /// A worker has to leave when it is done with what it does.
    pub(super) fn retire_when_idle(&mut self, id: WorkerId) {
        let Some(worker) = self.workers.get_mut(&id) else {
            return;
        };
        worker.to_retire = true;
        if worker.activity == Activity::Idle {
            self.idle.retain(|idle| *idle != id);
            worker.activity = Activity::Leaving;
            self.actions.push(Action::Retire(id));
        }
        self.settle();
    }

    /// A worker could not be started.
    pub(super) fn not_started(&mut self, id: WorkerId) {
        if !self.replaces(id) {
            // The one that is started next is the first in this place.
            self.places = self.places.saturating_sub(1);
        }
        self.died(
            id,
            Death {
                cause: Cause::Itself,
                begun: 0,
                retry: false,
                lived: Duration::ZERO,
            },
        );
    }

    /// A worker has ended. Returns what it had begun and not answered, if that is lost.
    pub(super) fn died(&mut self, id: WorkerId, death: Death) -> Option<Part> {
        let worker = self.workers.remove(&id)?;
        let mut lost = None;
        let mut was_of_use = worker.tasks > 0;
        self.idle.retain(|idle| *idle != id);
        if let Activity::Busy(mut part, answered) = worker.activity {
            let mut rest = cut(&mut part, death.begun.max(answered));
            let retries = if death.retry { self.policy.retries } else { 0 };
            let keep = self.phase != Phase::Closed;
            if let Some(next) = &mut rest
                && part.count == 0
                && death.cause == Cause::Itself
                && id >= next.spoiled.since
            {
                next.spoiled = Spoiled {
                    times: next.spoiled.times + 1,
                    since: self.next,
                };
                let is_enough = next.spoiled.times > retries || self.counted() + 2 >= FUTILE;
                if next.spoiled.times >= SPOILED && is_enough {
                    let others = cut(next, 1);
                    lost = std::mem::replace(&mut rest, others);
                }
            }
            self.queue.extend_front_part(rest.filter(|_| keep));
            if answered < part.count {
                was_of_use = true;
                let begun = Part {
                    first: part.first + answered,
                    count: part.count - answered,
                    attempts: if answered == 0 { part.attempts } else { 0 },
                    spoiled: Spoiled::default(),
                    job: part.job,
                };
                if death.retry && begun.attempts < self.policy.retries && keep {
                    self.try_again(begun);
                } else {
                    lost = Some(begun);
                }
            }
        }
        let is_new = worker.after == self.futile;
        let mut is_useless = death.cause == Cause::Unready;
        if worker.activity != Activity::Leaving && death.cause == Cause::Itself {
            if was_of_use {
                // As `answered` has it; a task that was begun is a sign of life, too.
                self.forgive(is_new);
            } else if worker.activity != Activity::Launching && death.lived >= HEALTHY {
                self.forgive(is_new);
            } else if is_new {
                self.futile += 1;
                is_useless = self.counted() >= FUTILE && !self.has_ready();
            }
        }
        if is_useless && self.phase != Phase::Closed {
            self.actions.push(Action::Break(death.cause));
        } else {
            self.settle();
        }
        lost
    }

    /// Puts tasks that were lost in front of the queue, each by itself: if it is the death of one
    /// of them, the others are not to be lost with it again.
    fn try_again(&mut self, lost: Part) {
        self.retried += u64::from(lost.count);
        for task in (0..lost.count).rev() {
            self.queue.push_front(Part {
                first: lost.first + task,
                count: 1,
                attempts: if task == 0 { lost.attempts + 1 } else { 1 },
                spoiled: Spoiled::default(),
                job: lost.job,
            });
        }
    }

    fn forgive(&mut self, is_new: bool) {
        if is_new {
            self.forgiven = self.futile;
        }
    }

    /// How many starts in a row were futile.
    fn counted(&self) -> u32 {
        u32::try_from(self.futile - self.forgiven).unwrap_or(u32::MAX)
    }

    /// Whether a worker can work.
    fn has_ready(&self) -> bool {
        let is_ready = |worker: &WorkerRecord| {
            matches!(worker.activity, Activity::Idle | Activity::Busy(..)) && !worker.to_retire
        };
        self.workers.values().any(is_ready)
    }

    /// Forgets what no worker was sent of a job, and says how many tasks that are.
    pub(super) fn withdraw(&mut self, job: JobId) -> u32 {
        let mut count = 0;
        self.queue.retain(|part| {
            let keep = part.job != job;
            count += if keep { 0 } else { part.count };
            keep
        });
        self.settle();
        count
    }

    /// Forgets all that was not sent to a worker, and says what that was.
    pub(super) fn withdraw_all(&mut self) -> Vec<Part> {
        let parts = self.queue.drain(..).collect();
        self.settle();
        parts
    }

    /// No more jobs will come.
    pub(super) fn drain(&mut self) {
        if self.phase == Phase::Open {
            self.phase = Phase::Draining;
            self.settle();
        }
    }

    /// Nothing that is not begun is to begin.
    pub(super) fn close(&mut self) {
        self.phase = Phase::Closed;
        self.queue.clear();
        self.settle();
    }

    /// A worker is done with its part.
    fn release(&mut self, id: WorkerId) {
        let Some(worker) = self.workers.get_mut(&id) else {
            return;
        };
        let worn_out = self.policy.max_tasks.is_some_and(|max| worker.tasks >= max);
        if worker.to_retire || worn_out {
            worker.activity = Activity::Leaving;
            self.actions.push(Action::Retire(id));
        } else {
            worker.activity = Activity::Idle;
            self.idle.push(id);
        }
    }

    /// Gives idle workers what waits, and starts or retires workers.
    fn settle(&mut self) {
        while !self.idle.is_empty() {
            let Some(mut part) = self.queue.pop_front() else {
                break;
            };
            let Some(id) = self.idle.pop() else { break };
            let Some(worker) = self.workers.get_mut(&id) else {
                continue;
            };
            // Others that are idle and get no part of their own share this one.
            let others = (self.idle.len() + 1)
                .saturating_sub(self.queue.len())
                .max(1);
            let mut share = part
                .count
                .div_ceil(u32::try_from(others).unwrap_or(u32::MAX));
            if let Some(max) = self.policy.max_tasks {
                let left = max.saturating_sub(worker.tasks).max(1);
                share = share.min(u32::try_from(left).unwrap_or(u32::MAX));
            }
            let rest = cut(&mut part, share);
            self.queue.extend_front_part(rest);
            worker.activity = Activity::Busy(part, 0);
            self.actions.push(Action::Send(id, part));
        }
        let staying = |worker: &WorkerRecord| worker.activity != Activity::Leaving;
        let is_busy = |worker: &WorkerRecord| matches!(worker.activity, Activity::Busy(..));
        let present = self.workers.values().filter(|it| staying(it)).count();
        let busy = self.workers.values().filter(|it| is_busy(it)).count();
        // There is no use in counting all that waits, and it may be much.
        let queue = self.queue.iter().take(self.policy.workers);
        let queued: usize = queue.map(|part| part.count as usize).sum();
        let needed = match self.phase {
            Phase::Open => self.policy.floor.max(busy.saturating_add(queued)),
            Phase::Draining => busy.saturating_add(queued),
            Phase::Closed => 0,
        };
        let is_launching = |worker: &WorkerRecord| worker.activity == Activity::Launching;
        let launching = self.workers.values().filter(|it| is_launching(it)).count();
        let counted = self.counted();
        // After futile starts one is tried at a time.
        let most = match counted {
            0 => usize::MAX,
            _ => 1_usize.saturating_sub(launching),
        };
        let wanted = needed.min(self.policy.workers).saturating_sub(present);
        let taken = self.workers.values().filter(|it| staying(it));
        let taken: BTreeSet<usize> = taken.map(|worker| worker.index).collect();
        let free = (0..).filter(|index| !taken.contains(index));
        for (started, index) in (0..wanted.min(most)).zip(free) {
            let id = self.next;
            self.next += 1;
            let place = present + started + 1;
            let worker = WorkerRecord {
                activity: Activity::Launching,
                tasks: 0,
                to_retire: false,
                after: self.futile,
                replaces: place <= self.places,
                index,
            };
            self.places = self.places.max(place);
            self.workers.insert(id, worker);
            self.actions.push(Action::Launch(id, counted));
        }
        if self.phase != Phase::Open && self.queue.is_empty() {
            for id in std::mem::take(&mut self.idle) {
                if let Some(worker) = self.workers.get_mut(&id) {
                    worker.activity = Activity::Leaving;
                    self.actions.push(Action::Retire(id));
                }
            }
        }
    }
}

/// Shortens a part to its first `count` tasks and returns the others.
fn cut(part: &mut Part, count: u32) -> Option<Part> {
    if count >= part.count {
        return None;
    }
    let rest = Part {
        first: part.first + count,
        count: part.count - count,
        attempts: if count == 0 { part.attempts } else { 0 },
        spoiled: if count == 0 {
            part.spoiled
        } else {
            Spoiled::default()
        },
        job: part.job,
    };
    part.count = count;
    Some(rest)
}

trait Front {
    fn extend_front_part(&mut self, part: Option<Part>);
}

impl Front for VecDeque<Part> {
    fn extend_front_part(&mut self, part: Option<Part>) {
        if let Some(part) = part {
            self.push_front(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn policy(workers: usize) -> Policy {
        Policy {
            workers,
            floor: workers,
            max_tasks: None,
            retries: 0,
        }
    }

    fn part(job: JobId, first: u32, count: u32) -> Part {
        Part {
            job,
            first,
            count,
            attempts: 0,
            spoiled: Spoiled::default(),
        }
    }

    /// The death of a worker that had begun so much, by itself and soon.
    fn death(begun: u32, retry: bool) -> Death {
        Death {
            cause: Cause::Itself,
            begun,
            retry,
            lived: Duration::ZERO,
        }
    }

    /// That of one which was ended by the pool.
    fn ended(cause: Cause) -> Death {
        Death {
            cause,
            ..death(0, false)
        }
    }

    /// A scheduler whose workers are ready.
    fn ready(policy: Policy) -> Scheduler {
        let mut scheduler = Scheduler::new(policy);
        let launched = scheduler.actions();
        assert_eq!(launched.len(), policy.floor);
        for action in launched {
            let Action::Launch(id, 0) = action else {
                panic!("{action:?}");
            };
            scheduler.ready(id);
        }
        scheduler
    }

    #[test]
    fn who_is_idle_gets_what_waits_longest() {
        let mut scheduler = ready(policy(1));
        scheduler.submitted(1, 1);
        scheduler.submitted(2, 1);
        assert_eq!(scheduler.actions(), [Action::Send(0, part(1, 0, 1))]);
        assert_eq!(scheduler.queued(), 1);
        scheduler.answered(0, 1);
        assert_eq!(scheduler.actions(), [Action::Send(0, part(2, 0, 1))]);
    }

    #[test]
    fn idle_workers_share_a_part() {
        let mut scheduler = ready(policy(3));
        scheduler.submitted(1, 10);
        let sent = [
            Action::Send(2, part(1, 0, 4)),
            Action::Send(1, part(1, 4, 3)),
            Action::Send(0, part(1, 7, 3)),
        ];
        assert_eq!(scheduler.actions(), sent);
    }

    #[test]
    fn what_is_not_begun_can_be_taken_back() {
        let mut scheduler = ready(policy(2));
        scheduler.submitted(1, 1);
        scheduler.submitted(2, 9);
        scheduler.actions();
        scheduler.answered(1, 1);
        scheduler.recalled(0, 3, true);
        assert_eq!(scheduler.actions(), [Action::Send(1, part(2, 3, 6))]);
        assert_eq!(scheduler.part(0), Some((part(2, 0, 3), 0)));
    }

    #[test]
    fn a_death_loses_the_task_that_had_begun() {
        let mut scheduler = ready(policy(1));
        scheduler.submitted(7, 5);
        scheduler.actions();
        scheduler.answered(0, 2);
        assert_eq!(scheduler.died(0, death(3, true)), Some(part(7, 2, 1)));
        assert_eq!(scheduler.actions(), [Action::Launch(1, 0)]);
        scheduler.ready(1);
        assert_eq!(scheduler.actions(), [Action::Send(1, part(7, 3, 2))]);
    }

    #[test]
    fn a_task_is_tried_again_as_often_as_allowed() {
        let mut scheduler = ready(Policy {
            retries: 2,
            ..policy(1)
        });
        scheduler.submitted(7, 1);
        for id in 0..2 {
            assert_eq!(scheduler.died(id, death(1, true)), None);
            scheduler.ready(id + 1);
        }
        let lost = scheduler.died(2, death(1, true)).unwrap();
        assert_eq!((lost.job, lost.first, lost.count), (7, 0, 1));
        assert_eq!(scheduler.retried, 2);
    }

    #[test]
    fn workers_that_die_for_nothing_come_later_and_later_and_then_not_at_all() {
        let mut scheduler = Scheduler::new(policy(1));
        scheduler.actions();
        for times in 1..FUTILE {
            scheduler.died(u64::from(times) - 1, death(0, false));
            let launch = Action::Launch(u64::from(times), times);
            assert_eq!(scheduler.actions(), [launch]);
        }
        scheduler.died(u64::from(FUTILE) - 1, death(0, false));
        assert_eq!(scheduler.actions(), [Action::Break(Cause::Itself)]);
    }

    #[test]
    fn so_many_futile_starts_end_a_pool_of_any_size() {
        let mut scheduler = Scheduler::new(policy(8));
        let mut starts = 0;
        let mut launching = VecDeque::new();
        'pool: loop {
            for action in scheduler.actions() {
                match action {
                    Action::Launch(id, _) => launching.push_back(id),
                    Action::Break(_) => break 'pool,
                    other => panic!("{other:?}"),
                }
            }
            starts += 1;
            let id = launching.pop_front().unwrap();
            scheduler.died(id, death(0, false));
        }
        // All at once first, and then one at a time.
        assert_eq!(starts, 8 + FUTILE - 1);
    }

    #[test]
    fn the_death_of_a_worker_that_the_pool_ended_is_no_failure() {
        let mut scheduler = ready(policy(1));
        for id in 0..100 {
            scheduler.retire_when_idle(id);
            assert_eq!(scheduler.died(id, ended(Cause::Pool)), None);
            let actions = scheduler.actions();
            assert_eq!(actions, [Action::Retire(id), Action::Launch(id + 1, 0)]);
            scheduler.ready(id + 1);
        }
        // Nor if it was about to get ready, or had just been given something.
        scheduler.retire_when_idle(100);
        scheduler.died(100, ended(Cause::Pool));
        scheduler.submitted(1, 1);
        for id in 101..200 {
            scheduler.actions();
            scheduler.retire_when_idle(id);
            if id % 2 == 0 {
                scheduler.ready(id);
            }
            scheduler.died(id, ended(Cause::Pool));
        }
        assert_eq!(scheduler.actions(), [Action::Launch(200, 0)]);
        assert_eq!(scheduler.queued(), 1);
    }

    #[test]
    fn a_worker_that_is_doomed_before_it_is_ready_gets_nothing() {
        let mut scheduler = Scheduler::new(policy(1));
        scheduler.retire_when_idle(0);
        scheduler.submitted(1, 1);
        scheduler.actions();
        scheduler.ready(0);
        let actions = scheduler.actions();
        assert_eq!(actions, [Action::Retire(0), Action::Launch(1, 0)]);
    }

    #[test]
    fn a_worker_that_does_not_get_ready_in_time_ends_the_pool() {
        let mut scheduler = Scheduler::new(policy(2));
        scheduler.actions();
        scheduler.died(0, ended(Cause::Unready));
        assert_eq!(scheduler.actions(), [Action::Break(Cause::Unready)]);
    }

    #[test]
    fn workers_that_die_after_a_healthy_life_are_replaced_for_ever() {
        let mut scheduler = ready(policy(1));
        for id in 0..100 {
            let death = Death {
                lived: HEALTHY,
                ..death(0, false)
            };
            scheduler.died(id, death);
            assert_eq!(scheduler.actions(), [Action::Launch(id + 1, 0)]);
            scheduler.ready(id + 1);
        }
    }

    #[test]
    fn the_count_begins_anew_with_a_worker_that_is_of_use() {
        let mut scheduler = Scheduler::new(policy(1));
        let mut id = 0;
        for _ in 0..10 {
            for _ in 1..FUTILE {
                scheduler.died(id, death(0, false));
                id += 1;
            }
            scheduler.actions();
            scheduler.ready(id);
            scheduler.submitted(1, 1);
            assert_eq!(scheduler.actions(), [Action::Send(id, part(1, 0, 1))]);
            scheduler.answered(id, 1);
        }
        assert_eq!(scheduler.actions(), []);
    }

    #[test]
    fn a_pool_goes_on_with_the_workers_that_can_work() {
        let mut scheduler = Scheduler::new(policy(2));
        scheduler.actions();
        scheduler.ready(0);
        let mut futile = 0;
        for id in 1..40 {
            scheduler.died(id, death(0, false));
            futile += 1;
            assert_eq!(scheduler.actions(), [Action::Launch(id + 1, futile)]);
        }
        // Until there is none.
        scheduler.died(
            0,
            Death {
                lived: HEALTHY,
                ..death(0, false)
            },
        );
        scheduler.died(40, death(0, false));
        assert_eq!(scheduler.actions(), [Action::Break(Cause::Itself)]);
    }

    #[test]
    fn all_that_was_begun_and_not_answered_is_lost() {
        let mut scheduler = ready(policy(1));
        scheduler.submitted(7, 9);
        scheduler.actions();
        scheduler.answered(0, 2);
        assert_eq!(scheduler.died(0, death(6, false)), Some(part(7, 2, 4)));
        scheduler.ready(1);
        let actions = scheduler.actions();
        let then = [Action::Launch(1, 0), Action::Send(1, part(7, 6, 3))];
        assert_eq!(actions, then);
        // Or tried again, one by one.
        let mut scheduler = ready(Policy {
            retries: 1,
            ..policy(1)
        });
        scheduler.submitted(7, 3);
        assert_eq!(scheduler.died(0, death(2, true)), None);
        assert_eq!((scheduler.retried, scheduler.queued()), (2, 3));
        scheduler.actions();
        for (id, first) in [(1, 0), (2, 1)] {
            scheduler.ready(id);
            let sent = scheduler.actions();
            assert!(
                matches!(sent.last(), Some(Action::Send(_, Part { first: it, count: 1, .. })) if *it == first)
            );
            let lost = scheduler.died(id, death(1, true)).unwrap();
            assert_eq!((lost.first, lost.count), (first, 1));
        }
    }

    #[test]
    fn a_task_that_cannot_be_received_is_lost_in_the_end() {
        let mut scheduler = ready(policy(1));
        scheduler.submitted(7, 1);
        let mut id = 0;
        for _ in 1..SPOILED {
            scheduler.actions();
            assert_eq!(scheduler.died(id, death(0, false)), None);
            id += 1;
            scheduler.ready(id);
            assert_eq!(scheduler.part(id).unwrap().0.spoiled.since, id);
        }
        let lost = scheduler.died(id, death(0, false)).unwrap();
        assert_eq!((lost.job, lost.first, lost.count), (7, 0, 1));
        assert!(!scheduler.has_queue());
    }

    #[test]
    fn a_task_that_may_be_tried_again_may_cost_more_workers_but_not_the_pool() {
        let dies = |scheduler: &mut Scheduler| {
            let id = scheduler.next - 1;
            scheduler.ready(id);
            assert_eq!(scheduler.part(id).map(|(part, _)| part.job), Some(7));
            scheduler.died(id, death(0, true))
        };
        let mut scheduler = ready(Policy {
            retries: 50,
            ..policy(1)
        });
        scheduler.submitted(7, 1);
        for turn in 1..=50 {
            assert_eq!(dies(&mut scheduler), None, "{turn}");
            // As if another worker had answered a task.
            scheduler.forgiven = scheduler.futile;
        }
        assert!(dies(&mut scheduler).is_some());
        // Where nothing else works, the pool is not to give up because of one task.
        let mut scheduler = ready(Policy {
            retries: 50,
            ..policy(1)
        });
        scheduler.submitted(7, 1);
        scheduler.submitted(8, 1);
        let deaths = (1..=50).find(|_| dies(&mut scheduler).is_some()).unwrap();
        assert!((SPOILED..FUTILE).contains(&deaths), "{deaths}");
        scheduler.ready(scheduler.next - 1);
        assert!(
            scheduler
                .actions()
                .iter()
                .all(|action| !matches!(action, Action::Break(_)))
        );
        assert_eq!(scheduler.part(scheduler.next - 1).unwrap().0.job, 8);
    }

    #[test]
    fn who_had_begun_something_had_received_it_all() {
        let mut scheduler = ready(policy(1));
        scheduler.submitted(7, 100);
        for turn in 0..20 {
            let id = scheduler.next - 1;
            scheduler.ready(id);
            let (part, _) = scheduler.part(id).unwrap();
            assert_eq!((part.first, part.count), (turn, 100 - turn));
            scheduler.answered(id, 1);
            assert_eq!(scheduler.died(id, death(1, false)), None);
        }
        assert_eq!(scheduler.queued(), 80);
    }

    #[test]
    fn a_worker_in_the_place_of_another_is_known() {
        let mut scheduler = ready(Policy {
            floor: 1,
            max_tasks: Some(1),
            ..policy(2)
        });
        assert!(!scheduler.replaces(0));
        scheduler.submitted(1, 1);
        scheduler.submitted(2, 1);
        scheduler.ready(1);
        assert!(!scheduler.replaces(1));
        // One that leaves has a successor before it has gone.
        scheduler.answered(0, 1);
        scheduler.answered(1, 1);
        assert!(scheduler.replaces(2));
        // A start that fails is none.
        let mut scheduler = Scheduler::new(policy(1));
        scheduler.not_started(0);
        assert!(!scheduler.replaces(1));
        scheduler.died(1, death(0, false));
        assert!(scheduler.replaces(2));
    }

    #[test]
    fn a_worker_has_the_index_of_the_one_in_whose_place_it_is() {
        let mut scheduler = ready(policy(3));
        assert_eq!([0, 1, 2].map(|id| scheduler.index(id)), [0, 1, 2]);
        scheduler.died(1, ended(Cause::Pool));
        assert_eq!(scheduler.index(3), 1);
        // Also while that one is still leaving.
        scheduler.retire_when_idle(0);
        scheduler.retire_when_idle(2);
        assert_eq!([4, 5].map(|id| scheduler.index(id)), [0, 2]);
    }

    #[test]
    fn what_waits_can_be_withdrawn_and_what_runs_stays() {
        let mut scheduler = ready(policy(1));
        scheduler.submitted(1, 4);
        scheduler.submitted(2, 2);
        assert_eq!(scheduler.recalled(0, 1, false), Some(part(1, 1, 3)));
        assert_eq!(scheduler.withdraw_all(), [part(2, 0, 2)]);
        assert_eq!(scheduler.part(0), Some((part(1, 0, 1), 0)));
        assert_eq!(scheduler.queued(), 0);
    }

    #[test]
    fn a_worn_out_worker_leaves_and_is_replaced() {
        let mut scheduler = ready(Policy {
            max_tasks: Some(3),
            ..policy(1)
        });
        scheduler.submitted(1, 5);
        assert_eq!(scheduler.actions(), [Action::Send(0, part(1, 0, 3))]);
        scheduler.answered(0, 3);
        let then = [Action::Retire(0), Action::Launch(1, 0)];
        assert_eq!(scheduler.actions(), then);
    }

    #[test]
    fn nothing_returns_to_a_pool_that_is_closed() {
        let mut scheduler = ready(policy(1));
        scheduler.submitted(1, 3);
        scheduler.actions();
        scheduler.close();
        assert_eq!(scheduler.died(0, death(1, true)), Some(part(1, 0, 1)));
        assert!(scheduler.is_over());
        assert_eq!(scheduler.actions(), []);
    }

    /// A small generator of numbers that look random.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, below: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % below
        }
    }

    /// Whatever happens in whatever order, each task ends exactly once, and a pool that is shut
    /// down is over in the end.
    #[test]
    fn each_task_ends_once() {
        for seed in 1..400 {
            play(&mut Dice(seed * 0x9e37_79b9_7f4a));
        }
    }

    #[expect(
        clippy::too_many_lines,
        reason = "one game, told from its beginning to its end"
    )]
    fn play(dice: &mut Dice) {
        let workers = 1 + usize::try_from(dice.roll(4)).unwrap();
        let mut scheduler = Scheduler::new(Policy {
            workers,
            floor: usize::try_from(dice.roll(workers as u64 + 1)).unwrap(),
            max_tasks: (dice.roll(2) == 0).then(|| 1 + dice.roll(9)),
            retries: u32::try_from(dice.roll(3)).unwrap(),
        });
        let mut launching = BTreeSet::new();
        let mut leaving = BTreeSet::new();
        // What each worker was sent, how much is begun, how much answered.
        let mut busy: HashMap<WorkerId, (Part, u32, u32)> = HashMap::new();
        let mut open: BTreeSet<(JobId, u32)> = BTreeSet::new();
        let mut jobs = 0;
        for step in 0..400 {
            for action in scheduler.actions() {
                match action {
                    Action::Launch(id, _) => assert!(launching.insert(id)),
                    Action::Send(id, part) => {
                        assert!(part.count > 0);
                        assert!(busy.insert(id, (part, 0, 0)).is_none());
                    }
                    Action::Retire(id) => {
                        assert!(!busy.contains_key(&id));
                        assert!(leaving.insert(id));
                    }
                    Action::Break(_) => unreachable!("workers die with tasks only"),
                }
            }
            assert!(launching.len() + busy.len() <= workers);
            if step > 200 {
                scheduler.drain();
            } else if dice.roll(3) == 0 {
                let count = 1 + u32::try_from(dice.roll(12)).unwrap();
                open.extend((0..count).map(|task| (jobs, task)));
                scheduler.submitted(jobs, count);
                jobs += 1;
                continue;
            }
            if let Some(id) = launching.pop_first() {
                scheduler.ready(id);
            } else if let Some(id) = leaving.pop_first() {
                assert_eq!(scheduler.died(id, death(0, true)), None);
            } else if let Some((&id, (part, begun, answered))) = busy.iter_mut().next() {
                match dice.roll(4) {
                    0 if *begun < part.count => *begun += 1,
                    1 if part.count > (*begun).max(*answered) => {
                        *begun = (*begun).max(*answered);
                        part.count = *begun;
                        let (begun, done) = (*begun, *begun == *answered);
                        if done {
                            busy.remove(&id);
                        }
                        scheduler.recalled(id, begun, true);
                    }
                    2 => {
                        let (part, mut begun, mut answered) = busy.remove(&id).unwrap();
                        if answered == 0 {
                            // Else it might be one too many that dies for nothing.
                            begun = begun.max(1);
                        }
                        // One begins only when all before it are answered; some results may be
                        // lost with the worker.
                        let unheard = u32::try_from(dice.roll(3)).unwrap();
                        while answered + 1 + unheard < begun {
                            assert!(open.remove(&(part.job, part.first + answered)));
                            answered += 1;
                            scheduler.answered(id, 1);
                        }
                        let lost = scheduler.died(id, death(begun, true));
                        if let Some(lost) = lost {
                            assert_eq!((lost.job, lost.first), (part.job, part.first + answered));
                            assert_eq!(lost.count, begun - answered);
                            for task in lost.first..lost.first + lost.count {
                                assert!(open.remove(&(lost.job, task)));
                            }
                        }
                    }
                    _ if *begun > *answered || *answered < part.count => {
                        *begun = (*begun).max(*answered + 1);
                        assert!(open.remove(&(part.job, part.first + *answered)));
                        *answered += 1;
                        let done = *answered == part.count;
                        if done {
                            busy.remove(&id);
                        }
                        scheduler.answered(id, 1);
                    }
                    _ => {}
                }
            }
        }
        while !scheduler.is_over() {
            for action in scheduler.actions() {
                match action {
                    Action::Launch(id, _) => drop(launching.insert(id)),
                    Action::Send(id, part) => drop(busy.insert(id, (part, 0, 0))),
                    Action::Retire(id) => drop(leaving.insert(id)),
                    Action::Break(_) => unreachable!("no worker dies"),
                }
            }
            if let Some(id) = launching.pop_first() {
                scheduler.ready(id);
            } else if let Some(id) = leaving.pop_first() {
                scheduler.died(id, death(0, true));
            } else if let Some(id) = busy.keys().next().copied() {
                let (part, _, answered) = busy.remove(&id).unwrap();
                for task in answered..part.count {
                    assert!(open.remove(&(part.job, part.first + task)));
                }
                scheduler.answered(id, part.count - answered);
            } else {
                panic!("nothing happens any more: {scheduler:?}");
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }
}
