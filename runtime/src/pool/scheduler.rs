//! Who gets what: the decisions of a pool, without its effects.
//!
//! Events go in, [`Action`]s come out. Nothing here starts, sends, waits or looks at a clock.
//!
//! Tasks come as [`Part`]s, runs of tasks of one job. A member has at most one part, and another
//! only when all of that is answered: nothing waits behind a long task that another member could
//! run. A part of several tasks is divided when members are idle, and what is not begun of it can
//! be taken back ([`Scheduler::recalled`]).
//!
//! # A member
//!
//! | state | next |
//! |---|---|
//! | launching | idle when it is ready, gone when it could not be started or died |
//! | idle | busy with a part; leaving when it is retired |
//! | busy | idle when all is answered, leaving if it was doomed meanwhile |
//! | leaving | gone when it has ended |
//!
//! # When a member dies
//!
//! What it had not begun returns to the front of the queue. The task it had begun is lost, or
//! tried again if it may be. A member that dies without having answered or begun anything is
//! nobody's fault but the pool's: several of them in a row are replaced later and later, and in
//! the end not at all ([`Action::Break`]).

use std::collections::{BTreeMap, VecDeque};

/// A member, for the life of its pool.
pub(super) type MemberId = u64;

/// A job, likewise.
pub(super) type JobId = u64;

/// How many members in a row may die without having done anything, for each that there can be.
pub(super) const FUTILE: u32 = 8;

/// What does not change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy {
    /// The most members.
    pub(super) workers: usize,
    /// The members that stay when there is nothing to do.
    pub(super) floor: usize,
    /// After how many tasks a member is replaced.
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
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Start this member; in a while if members have died for nothing this often just now.
    Launch(MemberId, u32),
    /// Send a member a part.
    Send(MemberId, Part),
    /// Let a member go that has nothing to do.
    Retire(MemberId),
    /// The pool is of no use any more.
    Break,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Launching,
    Idle,
    /// A part, and how many of its tasks are answered.
    Busy(Part, u32),
    Leaving,
}

#[derive(Debug)]
struct Member {
    state: State,
    /// Tasks that it answered.
    tasks: u64,
    /// To leave when it is done.
    doomed: bool,
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
    members: BTreeMap<MemberId, Member>,
    /// Those with nothing to do; the last to become so is the first to get something.
    idle: Vec<MemberId>,
    next: MemberId,
    /// How many members in a row died for nothing.
    futile: u32,
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
            members: BTreeMap::new(),
            idle: Vec::new(),
            next: 0,
            futile: 0,
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

    /// Tasks that nobody has been sent.
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

    /// Whether nothing is left to do and nobody left to do it.
    pub(super) fn is_over(&self) -> bool {
        self.phase != Phase::Open && self.members.is_empty() && self.queue.is_empty()
    }

    /// What a member was sent, and how many of those tasks are answered.
    pub(super) fn part(&self, id: MemberId) -> Option<(Part, u32)> {
        match self.members.get(&id)?.state {
            State::Busy(part, answered) => Some((part, answered)),
            _ => None,
        }
    }

    /// Who was sent tasks of a job.
    pub(super) fn members_with(&self, job: JobId) -> Vec<MemberId> {
        let with_job =
            |member: &Member| matches!(member.state, State::Busy(part, _) if part.job == job);
        self.members
            .iter()
            .filter(|(_, member)| with_job(member))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Whether a member has begun to leave.
    pub(super) fn is_leaving(&self, id: MemberId) -> bool {
        self.members
            .get(&id)
            .is_some_and(|member| member.state == State::Leaving)
    }

    pub(super) fn submitted(&mut self, job: JobId, count: u32) {
        self.queue.push_back(Part {
            job,
            first: 0,
            count,
            attempts: 0,
        });
        self.settle();
    }

    /// A member has prepared itself.
    pub(super) fn ready(&mut self, id: MemberId) {
        if let Some(member) = self.members.get_mut(&id)
            && member.state == State::Launching
        {
            member.state = State::Idle;
            self.idle.push(id);
            self.settle();
        }
    }

    /// A member has answered this many more of its tasks.
    pub(super) fn answered(&mut self, id: MemberId, count: u32) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        let State::Busy(part, answered) = &mut member.state else {
            return;
        };
        *answered = part.count.min(*answered + count);
        member.tasks += u64::from(count);
        self.futile = 0;
        let done = *answered == part.count;
        if done {
            self.release(id);
        }
        self.settle();
    }

    /// A member begins no more than the first `begun` tasks of its part: the others are free again
    /// or, if they are not to be kept, forgotten.
    pub(super) fn recalled(&mut self, id: MemberId, begun: u32, keep: bool) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        let State::Busy(part, answered) = &mut member.state else {
            return;
        };
        let keep = keep && self.phase != Phase::Closed;
        let rest = cut(part, begun);
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
    }

    /// A member has to leave when it is done with what it does.
    pub(super) fn doom(&mut self, id: MemberId) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        member.doomed = true;
        if member.state == State::Idle {
            self.idle.retain(|idle| *idle != id);
            member.state = State::Leaving;
            self.actions.push(Action::Retire(id));
        }
        self.settle();
    }

    /// A member has ended. `begun` is how many of its part's tasks it had begun, and `retry`
    /// whether the one that it did not answer may be tried again. Returns that one if it is lost.
    pub(super) fn died(&mut self, id: MemberId, begun: u32, retry: bool) -> Option<(JobId, u32)> {
        let member = self.members.remove(&id)?;
        let mut lost = None;
        self.idle.retain(|idle| *idle != id);
        match member.state {
            State::Busy(mut part, answered) => {
                let rest = cut(&mut part, begun);
                let keep = self.phase != Phase::Closed;
                self.queue.extend_front_part(rest.filter(|_| keep));
                let attempts = if answered == 0 { part.attempts } else { 0 };
                if answered < part.count {
                    self.futile = 0;
                    if retry && attempts < self.policy.retries && self.phase != Phase::Closed {
                        self.retried += 1;
                        self.queue.push_front(Part {
                            job: part.job,
                            first: part.first + answered,
                            count: 1,
                            attempts: attempts + 1,
                        });
                    } else {
                        lost = Some((part.job, part.first + answered));
                    }
                } else if member.tasks == 0 {
                    self.futile += 1;
                }
            }
            State::Launching => self.futile += 1,
            State::Idle if member.tasks == 0 && !member.doomed => self.futile += 1,
            State::Idle | State::Leaving => {}
        }
        if self.rounds() >= FUTILE && self.phase != Phase::Closed {
            self.actions.push(Action::Break);
        } else {
            self.settle();
        }
        lost
    }

    /// Forgets what nobody was sent of a job, and says how many tasks that are.
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

    /// How often each member has died for nothing, about.
    fn rounds(&self) -> u32 {
        let workers = u32::try_from(self.policy.workers).unwrap_or(u32::MAX);
        self.futile.div_ceil(workers.max(1))
    }

    /// A member is done with its part.
    fn release(&mut self, id: MemberId) {
        let Some(member) = self.members.get_mut(&id) else {
            return;
        };
        let worn_out = self.policy.max_tasks.is_some_and(|max| member.tasks >= max);
        if member.doomed || worn_out {
            member.state = State::Leaving;
            self.actions.push(Action::Retire(id));
        } else {
            member.state = State::Idle;
            self.idle.push(id);
        }
    }

    /// Gives idle members what waits, and starts or retires members.
    fn settle(&mut self) {
        while !self.idle.is_empty() {
            let Some(mut part) = self.queue.pop_front() else {
                break;
            };
            let Some(id) = self.idle.pop() else { break };
            let Some(member) = self.members.get_mut(&id) else {
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
                let left = max.saturating_sub(member.tasks).max(1);
                share = share.min(u32::try_from(left).unwrap_or(u32::MAX));
            }
            let rest = cut(&mut part, share);
            self.queue.extend_front_part(rest);
            member.state = State::Busy(part, 0);
            self.actions.push(Action::Send(id, part));
        }
        let staying = |member: &Member| member.state != State::Leaving;
        let is_busy = |member: &Member| matches!(member.state, State::Busy(..));
        let present = self.members.values().filter(|it| staying(it)).count();
        let busy = self.members.values().filter(|it| is_busy(it)).count();
        // There is no use in counting all that waits, and it may be much.
        let queue = self.queue.iter().take(self.policy.workers);
        let queued: usize = queue.map(|part| part.count as usize).sum();
        let needed = match self.phase {
            Phase::Open => self.policy.floor.max(busy.saturating_add(queued)),
            Phase::Draining => busy.saturating_add(queued),
            Phase::Closed => 0,
        };
        let rounds = self.rounds();
        for _ in present..needed.min(self.policy.workers) {
            let id = self.next;
            self.next += 1;
            let member = Member {
                state: State::Launching,
                tasks: 0,
                doomed: false,
            };
            self.members.insert(id, member);
            self.actions.push(Action::Launch(id, rounds));
        }
        if self.phase != Phase::Open && self.queue.is_empty() {
            for id in std::mem::take(&mut self.idle) {
                if let Some(member) = self.members.get_mut(&id) {
                    member.state = State::Leaving;
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
    use std::collections::{BTreeSet, HashMap};

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
        }
    }

    /// A scheduler whose members are ready.
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
    fn idle_members_share_a_part() {
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
        assert_eq!(scheduler.died(0, 3, true), Some((7, 2)));
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
            assert_eq!(scheduler.died(id, 1, true), None);
            scheduler.ready(id + 1);
        }
        assert_eq!(scheduler.died(2, 1, true), Some((7, 0)));
        assert_eq!(scheduler.retried, 2);
    }

    #[test]
    fn members_that_die_for_nothing_come_later_and_later_and_then_not_at_all() {
        let mut scheduler = Scheduler::new(policy(1));
        scheduler.actions();
        for times in 1..FUTILE {
            scheduler.died(u64::from(times) - 1, 0, false);
            let launch = Action::Launch(u64::from(times), times);
            assert_eq!(scheduler.actions(), [launch]);
        }
        scheduler.died(u64::from(FUTILE) - 1, 0, false);
        assert_eq!(scheduler.actions(), [Action::Break]);
    }

    #[test]
    fn a_worn_out_member_leaves_and_is_replaced() {
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
        assert_eq!(scheduler.died(0, 1, true), Some((1, 0)));
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
        // What each member was sent, how much is begun, how much answered.
        let mut busy: HashMap<MemberId, (Part, u32, u32)> = HashMap::new();
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
                    Action::Break => unreachable!("members die with tasks only"),
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
                assert_eq!(scheduler.died(id, 0, true), None);
            } else if let Some((&id, (part, begun, answered))) = busy.iter_mut().next() {
                match dice.roll(4) {
                    0 if *begun < part.count => *begun += 1,
                    1 if part.count > 1 => {
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
                        // One begins only when all before it are answered.
                        while answered + 1 < begun {
                            assert!(open.remove(&(part.job, part.first + answered)));
                            answered += 1;
                            scheduler.answered(id, 1);
                        }
                        let lost = scheduler.died(id, begun, true);
                        if let Some(lost) = lost {
                            assert_eq!(lost, (part.job, part.first + answered));
                            assert!(begun > answered);
                            assert!(open.remove(&lost));
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
                    Action::Break => unreachable!("nobody dies"),
                }
            }
            if let Some(id) = launching.pop_first() {
                scheduler.ready(id);
            } else if let Some(id) = leaving.pop_first() {
                scheduler.died(id, 0, true);
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
