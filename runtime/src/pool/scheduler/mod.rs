//! Who gets what: the decisions of a pool, without its effects.
//!
//! Events go in, [`Action`]s come out. Nothing here starts, sends, waits or looks at a clock.
//!
//! Tasks come as [`Part`]s, runs of tasks of one job. A worker has at most one part, and another
//! only when all of that is answered: nothing waits behind a long task that another worker could
//! run. A part of several tasks is divided when workers are idle, and what is not begun of it can
//! be taken back ([`Scheduler::recalled`]). In which order they go, the [`queue`] says.
//!
//! Of a series, whose tasks were submitted one by one, a worker gets as many as the [pace](Scheduler::paced)
//! of their kind says, which is measured: short ones are sent ahead of time. It gets no more than its
//! share of those that wait, since the other workers will want some, too.
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
//! A worker has an index, which the next one takes over when it leaves. In a pool of `n`, those below
//! `n` are to work. When a pool gets smaller, those of the others that are idle leave, and each of
//! those that are busy after its task: what it has not begun is asked back ([`Action::Recall`]).
//!
//! A part may be for the worker with one index alone. If there is no such worker, one is started, and
//! another if that dies with the part not begun. If there is to be no such worker any more, because the
//! pool got smaller or none can be started, the part is given up ([`Action::GiveUp`]).
//!
//! # When a worker dies
//!
//! What it had not begun returns to the queue, but not for ever: a task that worker after worker dies
//! of while receiving it ([`SPOILED`]) is lost too. (One that had begun any of its part had received
//! all of it.) If the task may be tried again, more workers may die of it, but not so many that the
//! pool would give up. What it had begun and not answered is lost, or tried again if it may be: one
//! task, unless results got lost with it.
//!
//! If lost tasks are to wait before they are tried again ([`Policy::holds_back`]), they are held back
//! until it is said that they have waited ([`Scheduler::released`]); meanwhile they count as all that
//! waits.
//!
//! # Futile starts
//!
//! A start was *futile* if the worker died by itself, soon ([`HEALTHY`]) and before it had begun
//! anything, or if there was no process to be had for it. How its successors are started depends on how
//! many were futile in a row:
//!
//! | event | then |
//! |---|---|
//! | a worker dies in a task, or after a healthy life, or because the pool has ended it | it is replaced at once, and not counted |
//! | a start is futile | it is counted, unless the worker was started before the last one that was: those are one failure |
//! | some are counted | workers are started one at a time, each later than the one before |
//! | a worker started after the last futile one answers a task, or dies after a healthy life | the count begins anew |
//! | the [`FUTILE`]th or a further one is counted, because a worker died, and no worker is ready to work | the pool gives up ([`Action::Break`]) |
//! | likewise, because no process could be started | the pool stalls: what waits is given up, and no worker is started but for what is submitted from then on: one, no later than the one before, which begins this line again if it cannot be started |
//! | a worker of a pool that has stalled gets ready | it stalls no more: the others are started, too |
//! | the [`FUTILE`]th or a further one is counted, and others are ready to work | what none of these may run is given up |
//! | a worker was ended because it did not get ready in time | the pool gives up: no other would |

mod part;
#[cfg(test)]
mod play;
mod queue;
mod starts;
#[cfg(test)]
mod tests;
mod worker_record;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use self::part::Spoiled;
use self::queue::Queue;
use self::starts::{FUTILE, Starts};
use self::worker_record::{Activity, WorkerRecord};

pub(super) use self::part::{JobId, Kind, Part, Terms, WorkerId};

/// How many workers, one started after another, may die with a task before one has begun it.
pub(super) const SPOILED: u32 = 3;

/// A worker that lived this long after it was ready was worth its start.
pub(super) const HEALTHY: Duration = Duration::from_millis(100);

/// What a pool was made to be. The first two change when it is resized.
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
    /// Whether a lost task waits before that.
    pub(super) holds_back: bool,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// Start this worker; in a while if this many starts before it were futile.
    Launch(WorkerId, u32),
    /// Send a worker a part.
    Send(WorkerId, Part),
    /// Take back what a worker has not begun of its part, and say so by [`Scheduler::recalled`].
    Recall(WorkerId),
    /// Let a worker go that has nothing to do.
    Retire(WorkerId),
    /// Say by [`Scheduler::released`] when a task has waited that was lost so often.
    Hold(JobId, u32, u32),
    /// Fail tasks: no worker will run them.
    GiveUp(Vec<Part>, Hopeless),
    /// The pool is of no use any more, because of a death of this cause.
    Break(Cause),
}

/// Why no worker will run a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hopeless {
    /// The pool got smaller, and it was for a worker that is to be there no more.
    Resized,
    /// There is no process to be had.
    NotStarted,
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
    queue: Queue,
    workers: BTreeMap<WorkerId, WorkerRecord>,
    /// Those with nothing to do; the last to become so is the first to get something.
    idle: Vec<WorkerId>,
    next: WorkerId,
    starts: Starts,
    /// How many tasks of a kind are sent together, if it is known.
    paces: Vec<u32>,
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
            queue: Queue::default(),
            workers: BTreeMap::new(),
            idle: Vec::new(),
            next: 0,
            starts: Starts::default(),
            paces: Vec::new(),
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

    /// Whether there is something to be done.
    pub(super) fn has_actions(&self) -> bool {
        !self.actions.is_empty()
    }

    /// Tasks that no worker has been sent.
    pub(super) fn queued(&self) -> usize {
        self.queue.tasks()
    }

    /// Whether parts wait that any worker may run.
    pub(super) fn has_queue(&self) -> bool {
        self.queue.shared_parts() > 0
    }

    pub(super) fn has_idle(&self) -> bool {
        !self.idle.is_empty()
    }

    /// Whether no task and no worker is left.
    pub(super) fn is_over(&self) -> bool {
        self.phase != Phase::Open && self.workers.is_empty() && self.queue.is_empty()
    }

    /// How many workers stay when there is nothing to do.
    pub(super) fn floor(&self) -> usize {
        self.policy.floor
    }

    /// Whether no worker is started but for a task, because no process could be.
    pub(super) fn is_stalled(&self) -> bool {
        self.starts.are_stalled()
    }

    /// How many workers are there beyond those that stay when there is nothing to do.
    pub(super) fn spare(&self) -> usize {
        let staying = self.workers.values().filter(|worker| !worker.is_leaving());
        staying.count().saturating_sub(self.policy.floor)
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

    /// Who was sent a task of a job.
    pub(super) fn worker_with(&self, job: JobId, task: u32) -> Option<WorkerId> {
        let has_it = |worker: &WorkerRecord| matches!(worker.activity, Activity::Busy(part, _) if part.has(job, task));
        let mut workers = self.workers.iter();
        workers
            .find(|(_, worker)| has_it(worker))
            .map(|(id, _)| *id)
    }

    /// Whether a worker was started in the place of one that has gone.
    pub(super) fn replaces(&self, id: WorkerId) -> bool {
        self.workers.get(&id).is_some_and(|worker| worker.replaces)
    }

    /// The number of a worker among those that do not leave, from 0 on.
    pub(super) fn index(&self, id: WorkerId) -> usize {
        self.workers
            .get(&id)
            .map_or(0, |worker| worker.index as usize)
    }

    /// Whether a worker has begun to leave.
    pub(super) fn is_leaving(&self, id: WorkerId) -> bool {
        self.workers.get(&id).is_some_and(WorkerRecord::is_leaving)
    }

    pub(super) fn submitted_with(&mut self, job: JobId, count: u32, terms: Terms) {
        let part = self.new_part(job, 0, count, terms);
        self.put(part);
        self.settle();
    }

    /// A job, which is a series and the last that was submitted, has one more task.
    pub(super) fn extended(&mut self, job: JobId, task: u32, terms: Terms) {
        let part = self.new_part(job, task, 1, terms);
        self.queue.put_behind(part);
        self.settle();
    }

    /// So many tasks of a kind are to be sent together from now on.
    pub(super) fn paced(&mut self, kind: Kind, together: u32) {
        let place = kind as usize;
        if self.paces.len() <= place {
            self.paces.resize(place + 1, 1);
        }
        self.paces[place] = together;
    }

    fn new_part(&self, job: JobId, first: u32, count: u32, terms: Terms) -> Part {
        Part {
            job,
            first,
            count,
            attempts: 0,
            retries: terms.retries.unwrap_or(self.policy.retries),
            priority: terms.priority,
            only: terms.only,
            kind: terms.kind,
            spoiled: Spoiled::default(),
        }
    }

    /// A task has waited that was to be held back.
    pub(super) fn released(&mut self, job: JobId, task: u32) {
        if let Some(part) = self.queue.release(job, task) {
            self.put(part);
            self.settle();
        }
    }

    /// There are to be this many workers, and so many when there is nothing to do.
    pub(super) fn resize(&mut self, workers: usize, floor: usize) {
        self.policy.workers = workers;
        self.policy.floor = floor;
        self.places = self.places.min(workers);
        let size = self.size();
        let too_many = self.workers.iter().filter(|(_, it)| it.index >= size);
        let busy = too_many.filter(|(_, it)| it.is_busy()).map(|(id, _)| *id);
        self.actions.extend(busy.map(Action::Recall));
        let is_idle = |id: &mut WorkerId| self.workers.get(id).is_some_and(|it| it.index >= size);
        for id in self.idle.extract_if(.., is_idle).collect::<Vec<_>>() {
            self.leave(id);
        }
        let parts = self.queue.withdraw_own(|index| index >= size);
        self.give_up(parts, Hopeless::Resized);
        self.settle();
    }

    /// A worker has prepared itself.
    pub(super) fn ready(&mut self, id: WorkerId) {
        if let Some(worker) = self.workers.get_mut(&id)
            && worker.is_launching()
        {
            self.starts.was_made();
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
        self.starts.was_of_use(worker.era);
        let done = *answered == part.count;
        if done {
            self.release(id);
        }
        self.settle();
    }

    /// A worker begins no more than the first `begun` tasks of its part: the others are free again
    /// or, if they are not to be kept, forgotten. Returns them in the second case.
    pub(super) fn recalled(&mut self, id: WorkerId, begun: u32, keep: bool) -> Option<Part> {
        let (rest, done) = self.take_back(id, begun)?;
        let keep = keep && self.phase != Phase::Closed;
        if let Some(rest) = rest.filter(|_| keep) {
            self.put(rest);
        }
        self.took_back(id, done);
        rest.filter(|_| !keep)
    }

    /// Likewise, but one of the others, if it is among them, is not wanted any more. Says whether it was.
    pub(super) fn recalled_without(&mut self, id: WorkerId, begun: u32, task: u32) -> bool {
        let Some((rest, done)) = self.take_back(id, begun) else {
            return false;
        };
        let is_there = rest.is_some_and(|rest| rest.has(rest.job, task));
        if self.phase != Phase::Closed {
            let parts = rest.filter(|_| is_there).map(|rest| rest.without(task));
            parts.into_iter().flatten().for_each(|part| self.put(part));
            if let Some(rest) = rest.filter(|_| !is_there) {
                self.put(rest);
            }
        }
        self.took_back(id, done);
        is_there
    }

    /// Takes from a worker what it has not begun of its part, and says whether it is done with that.
    fn take_back(&mut self, id: WorkerId, begun: u32) -> Option<(Option<Part>, bool)> {
        let worker = self.workers.get_mut(&id)?;
        let Activity::Busy(part, answered) = &mut worker.activity else {
            return None;
        };
        let rest = part.cut(begun.max(*answered));
        Some((rest, *answered == part.count))
    }

    fn took_back(&mut self, id: WorkerId, done: bool) {
        if done {
            self.release(id);
            // It has begun nothing for a while: let the others go first.
            if self.idle.last() == Some(&id) {
                self.idle.rotate_right(1);
            }
        }
        self.settle();
    }

    /// A worker has to leave when it is done with what it does.
    pub(super) fn retire_when_idle(&mut self, id: WorkerId) {
        let Some(worker) = self.workers.get_mut(&id) else {
            return;
        };
        worker.to_retire = true;
        if worker.activity == Activity::Idle {
            self.idle.retain(|idle| *idle != id);
            self.leave(id);
        }
        self.settle();
    }

    /// A worker could not be started.
    pub(super) fn not_started(&mut self, id: WorkerId) {
        let Some(worker) = self.workers.remove(&id) else {
            return;
        };
        if !worker.replaces {
            // The one that is started next is the first in this place.
            self.places = self.places.saturating_sub(1);
        }
        if self.starts.was_futile(worker.era) && self.is_useless() && self.phase != Phase::Closed {
            self.starts.stall();
            let parts = self.queue.withdraw_all();
            self.give_up(parts, Hopeless::NotStarted);
        }
        self.settle();
    }

    /// A worker has ended. Returns what it had begun and not answered, if that is lost.
    pub(super) fn died(&mut self, id: WorkerId, death: Death) -> Option<Part> {
        let worker = self.workers.remove(&id)?;
        let mut lost = None;
        let mut was_of_use = worker.tasks > 0;
        self.idle.retain(|idle| *idle != id);
        if let Activity::Busy(mut part, answered) = worker.activity {
            let mut rest = part.cut(death.begun.max(answered));
            let retries = if death.retry { part.retries } else { 0 };
            let keep = self.phase != Phase::Closed;
            if let Some(next) = &mut rest
                && part.count == 0
                && death.cause == Cause::Itself
                && id >= next.spoiled.since
            {
                next.spoiled.times += 1;
                next.spoiled.since = self.next;
                let is_enough = next.spoiled.times > retries || self.starts.counted() + 2 >= FUTILE;
                if next.spoiled.times >= SPOILED && is_enough {
                    let others = next.cut(1);
                    lost = std::mem::replace(&mut rest, others);
                }
            }
            if let Some(rest) = rest.filter(|_| keep) {
                self.put(rest);
            }
            if answered < part.count {
                was_of_use = true;
                let begun = part.lost_after(answered);
                if death.retry && begun.attempts < begun.retries && keep {
                    self.try_again(begun);
                } else {
                    lost = Some(begun);
                }
            }
        }
        let mut is_useless = death.cause == Cause::Unready;
        if !worker.is_leaving() && death.cause == Cause::Itself {
            // A task that was begun is a sign of life, as one that is answered.
            if was_of_use || (!worker.is_launching() && death.lived >= HEALTHY) {
                self.starts.was_of_use(worker.era);
            } else if self.starts.was_futile(worker.era) {
                is_useless = self.is_useless();
            }
        }
        if is_useless && self.phase != Phase::Closed {
            self.actions.push(Action::Break(death.cause));
        } else {
            self.settle();
        }
        lost
    }

    /// Has tasks that were lost run once more.
    fn try_again(&mut self, lost: Part) {
        self.retried += u64::from(lost.count);
        for part in lost.each_again() {
            if self.policy.holds_back {
                let hold = Action::Hold(part.job, part.first, part.attempts);
                self.actions.push(hold);
                self.queue.hold(part);
            } else {
                self.put(part);
            }
        }
    }

    /// Whether there is no use in a pool of which one more start was futile. If there is, that may
    /// not be so for some of what waits.
    fn is_useless(&mut self) -> bool {
        if !self.starts.are_too_many() {
            return false;
        }
        let size = self.size();
        let ready = self.workers.values().filter(|it| it.can_work());
        let ready: BTreeSet<u32> = ready.map(|it| it.index).filter(|it| *it < size).collect();
        if !ready.is_empty() {
            let parts = self.queue.withdraw_own(|index| !ready.contains(&index));
            self.give_up(parts, Hopeless::NotStarted);
        }
        ready.is_empty()
    }

    /// Forgets what no worker was sent of a job, and says how many tasks that are.
    pub(super) fn withdraw(&mut self, job: JobId) -> u32 {
        let parts = self.queue.withdraw(job);
        self.settle();
        parts.iter().map(|part| part.count).sum()
    }

    /// Forgets one task of a series, if no worker was sent it; says whether it was so.
    pub(super) fn withdraw_task(&mut self, job: JobId, task: u32) -> bool {
        let is_withdrawn = self.queue.withdraw_task(job, task);
        self.settle();
        is_withdrawn
    }

    /// Forgets all that was not sent to a worker, and says what that was.
    pub(super) fn withdraw_all(&mut self) -> Vec<Part> {
        let parts = self.queue.withdraw_all();
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
        drop(self.queue.withdraw_all());
        self.settle();
    }

    /// Workers with an index from this one on are to be no more.
    fn size(&self) -> u32 {
        u32::try_from(self.policy.workers).unwrap_or(u32::MAX)
    }

    /// Has a part wait, unless the worker that alone may run it is to be no more.
    fn put(&mut self, part: Part) {
        if part.only.is_some_and(|index| index >= self.size()) {
            self.give_up(vec![part], Hopeless::Resized);
        } else {
            self.queue.put(part);
        }
    }

    fn give_up(&mut self, parts: Vec<Part>, why: Hopeless) {
        if !parts.is_empty() {
            self.actions.push(Action::GiveUp(parts, why));
        }
    }

    /// A worker is done with its part.
    fn release(&mut self, id: WorkerId) {
        let size = self.size();
        let Some(worker) = self.workers.get_mut(&id) else {
            return;
        };
        let worn_out = self.policy.max_tasks.is_some_and(|max| worker.tasks >= max);
        if worker.to_retire || worn_out || worker.index >= size {
            self.leave(id);
        } else {
            worker.activity = Activity::Idle;
            self.idle.push(id);
        }
    }

    /// A worker that has nothing to do goes.
    fn leave(&mut self, id: WorkerId) {
        if let Some(worker) = self.workers.get_mut(&id) {
            worker.activity = Activity::Leaving;
            self.actions.push(Action::Retire(id));
        }
    }

    /// Gives idle workers what waits, and starts or retires workers.
    fn settle(&mut self) {
        self.give();
        self.start();
        if self.phase != Phase::Open && self.queue.is_empty() {
            for id in std::mem::take(&mut self.idle) {
                self.leave(id);
            }
        }
    }

    /// Gives idle workers what waits.
    fn give(&mut self) {
        if self.idle.is_empty() || self.queue.is_empty() {
            return;
        }
        // Those that are busy will want some of a series, too.
        let able = self.workers.values().filter(|it| it.can_work()).count();
        let able = u32::try_from(able).unwrap_or(u32::MAX);
        let mut place = self.idle.len();
        while place > 0 && !self.queue.is_empty() {
            place -= 1;
            let id = self.idle[place];
            let Some(worker) = self.workers.get_mut(&id) else {
                continue;
            };
            let Some(mut part) = self.queue.take(worker.index) else {
                continue;
            };
            self.idle.remove(place);
            // Others that are idle and get no part of their own share this one.
            let others = (self.idle.len() + 1)
                .saturating_sub(self.queue.shared_parts())
                .max(1);
            let mut share = part
                .count
                .div_ceil(u32::try_from(others).unwrap_or(u32::MAX));
            if let Some(kind) = part.kind {
                let pace = self.paces.get(kind as usize).copied().unwrap_or(1);
                share = part.count.div_ceil(able.max(1)).min(share).min(pace);
            }
            if let Some(max) = self.policy.max_tasks {
                let left = max.saturating_sub(worker.tasks).max(1);
                share = share.min(u32::try_from(left).unwrap_or(u32::MAX));
            }
            if let Some(rest) = part.cut(share) {
                self.queue.put(rest);
            }
            worker.activity = Activity::Busy(part, 0);
            self.actions.push(Action::Send(id, part));
        }
    }

    /// Starts workers for what waits, and those that are always to be there.
    fn start(&mut self) {
        let size = self.size();
        let (mut present, mut busy, mut launching) = (0_usize, 0_usize, 0);
        for worker in self.workers.values().filter(|it| !it.is_leaving()) {
            launching += usize::from(worker.is_launching());
            if worker.index < size {
                present += 1;
                busy += usize::from(worker.is_busy());
            }
        }
        let queued = self.queue.shared_tasks();
        let needed = match self.phase {
            Phase::Open => self.policy.floor.max(busy.saturating_add(queued)),
            Phase::Draining => busy.saturating_add(queued),
            Phase::Closed => 0,
        };
        let missing = needed.min(self.policy.workers).saturating_sub(present);
        if missing == 0 && self.queue.wanted().next().is_none() {
            return;
        }
        let staying = self.workers.values().filter(|it| !it.is_leaving());
        let taken: BTreeSet<u32> = staying.map(|worker| worker.index).collect();
        let is_wanted = |index: &u32| !taken.contains(index);
        let wanted: Vec<u32> = self.queue.wanted().filter(is_wanted).collect();
        if self.starts.are_stalled() && queued == 0 && wanted.is_empty() {
            return;
        }
        let futile = match self.starts.counted() {
            // There are tasks that wait for it.
            counted if self.starts.are_stalled() => counted.min(FUTILE - 1),
            counted => counted,
        };
        // After futile starts one is tried at a time.
        let most = match futile {
            0 => usize::MAX,
            _ => 1_usize.saturating_sub(launching),
        };
        let count = missing.max(wanted.len()).min(most);
        let free = (0..).filter(|index| !taken.contains(index) && !wanted.contains(index));
        let indices: Vec<u32> = wanted.iter().copied().chain(free).take(count).collect();
        for (started, index) in indices.into_iter().enumerate() {
            let id = self.next;
            self.next += 1;
            let place = present + started + 1;
            let worker = WorkerRecord {
                activity: Activity::Launching,
                tasks: 0,
                to_retire: false,
                era: self.starts.now(),
                replaces: place <= self.places,
                index,
            };
            self.places = self.places.max(place);
            self.workers.insert(id, worker);
            self.actions.push(Action::Launch(id, futile));
        }
    }
}
