//! What waits for a worker, and in which order it gets one.
//!
//! | a part | is given |
//! |---|---|
//! | that any worker may run | the one with the highest priority first; among equals, the one that was submitted first |
//! | that one worker alone may run | to that one before all others |
//! | to a worker in every [`PATIENCE`]th of its turns, whatever it is | the one that was submitted first of all that the worker may run |
//!
//! So nothing waits for ever. In some turns of each worker, one goes that was submitted before all
//! others, and only so many were submitted before any: a part of the lowest priority is the oldest in
//! the end. What one worker alone may run waits for older such parts, and for older ones of others in
//! those turns. Turns are counted for each worker, lest those in which the oldest is given always be
//! another's; they do not come in all workers at once.
//!
//! A part that comes back, from a worker that could not begin it or to be tried again, has the place
//! that it had: before all that were submitted later, of the same priority.
//!
//! Parts that are held back wait as all others, but are not given before they are
//! [released](Queue::release).
//!
//! A step takes no more time if more waits, but for the logarithm of it; to withdraw a job may.

use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};

use super::part::{JobId, Part};

/// In one of so many turns of a worker, the part that has waited longest is given.
pub(super) const PATIENCE: u64 = 16;

#[derive(Debug, Default)]
pub(super) struct Queue {
    shared: Lane,
    /// What the worker with this index alone may run.
    own: BTreeMap<u32, Lane>,
    held: BTreeMap<Age, Part>,
    /// How many tasks there are in all.
    tasks: usize,
    /// How many parts were given to the worker with each index.
    given: BTreeMap<u32, u64>,
}

impl Queue {
    /// How many tasks wait.
    pub(super) fn tasks(&self) -> usize {
        self.tasks
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tasks == 0
    }

    /// How many parts there are that any worker may run.
    pub(super) fn shared_parts(&self) -> usize {
        self.shared.parts
    }

    /// How many tasks there are that any worker may run.
    pub(super) fn shared_tasks(&self) -> usize {
        self.shared.tasks
    }

    /// The indices of workers that have something which they alone may run.
    pub(super) fn wanted(&self) -> impl Iterator<Item = u32> {
        self.own.keys().copied()
    }

    pub(super) fn put(&mut self, part: Part) {
        self.tasks += part.count as usize;
        match part.only {
            Some(index) => self.own.entry(index).or_default().put(part),
            None => self.shared.put(part),
        }
    }

    /// Takes in a part that any worker may run, behind all others of its priority: as the end of the last
    /// of them, if they are of one job.
    pub(super) fn put_behind(&mut self, part: Part) {
        if self.shared.lengthen(&part) {
            self.tasks += part.count as usize;
        } else {
            self.put(part);
        }
    }

    /// Takes in a part that is not to be given yet.
    pub(super) fn hold(&mut self, part: Part) {
        self.tasks += part.count as usize;
        self.held.insert(age(&part), part);
    }

    /// Takes out a part that was held back, if it still is.
    pub(super) fn release(&mut self, job: JobId, task: u32) -> Option<Part> {
        let part = self.held.remove(&(job, task))?;
        self.tasks -= part.count as usize;
        Some(part)
    }

    /// Gives the worker with this index its next part.
    pub(super) fn take(&mut self, index: u32) -> Option<Part> {
        let given = self.given.get(&index).copied().unwrap_or(0);
        let is_turn = (given + 1 + u64::from(index)).is_multiple_of(PATIENCE);
        let own = self.own.get(&index).and_then(Lane::oldest);
        let others = self.shared.oldest();
        let is_own = match (own, others) {
            (Some(own), Some(other)) => !is_turn || own < other,
            (own, _) => own.is_some(),
        };
        let part = if is_own {
            self.take_own(index, is_turn)
        } else {
            self.shared.take(is_turn)
        }?;
        self.given.insert(index, given + 1);
        self.tasks -= part.count as usize;
        Some(part)
    }

    fn take_own(&mut self, index: u32, oldest: bool) -> Option<Part> {
        let lane = self.own.get_mut(&index)?;
        let part = lane.take(oldest);
        if lane.is_empty() {
            self.own.remove(&index);
        }
        part
    }

    /// Takes out all parts of a job.
    pub(super) fn withdraw(&mut self, job: JobId) -> Vec<Part> {
        let all = (job, 0)..=(job, u32::MAX);
        let held: Vec<Age> = self.held.range(all).map(|(age, _)| *age).collect();
        let mut parts: Vec<Part> = held
            .iter()
            .filter_map(|age| self.held.remove(age))
            .collect();
        parts.extend(self.shared.withdraw(job));
        for lane in self.own.values_mut() {
            parts.extend(lane.withdraw(job));
        }
        self.own.retain(|_, lane| !lane.is_empty());
        self.tasks -= tasks(&parts);
        parts
    }

    /// Takes out one task of a job that any worker may run; false if it does not wait.
    pub(super) fn withdraw_task(&mut self, job: JobId, task: u32) -> bool {
        if self.release(job, task).is_some() {
            return true;
        }
        let Some(part) = self.shared.withdraw_with(job, task) else {
            return false;
        };
        self.tasks -= part.count as usize;
        for part in part.without(task) {
            self.put(part);
        }
        true
    }

    /// Takes out all parts that only workers may run whose index is one of these, held back or not.
    pub(super) fn withdraw_own(&mut self, is_one_of: impl Fn(u32) -> bool) -> Vec<Part> {
        let is_one = |part: &Part| part.only.is_some_and(&is_one_of);
        let mut parts: Vec<Part> = self.held.values().copied().filter(is_one).collect();
        self.held.retain(|_, part| !is_one(part));
        let own = std::mem::take(&mut self.own).into_iter();
        let (taken, left) = own.partition(|(index, _)| is_one_of(*index));
        self.own = left;
        let taken: BTreeMap<u32, Lane> = taken;
        parts.extend(taken.into_values().flat_map(Lane::into_parts));
        self.tasks -= tasks(&parts);
        parts
    }

    /// Takes out all.
    pub(super) fn withdraw_all(&mut self) -> Vec<Part> {
        let Queue {
            shared,
            own,
            held,
            given,
            ..
        } = std::mem::take(self);
        self.given = given;
        let lanes = [shared].into_iter().chain(own.into_values());
        let parts = lanes.flat_map(Lane::into_parts);
        parts.chain(held.into_values()).collect()
    }
}

fn tasks(parts: &[Part]) -> usize {
    parts.iter().map(|part| part.count as usize).sum()
}

/// A smaller one waits longer.
type Age = (JobId, u32);

fn age(part: &Part) -> Age {
    (part.job, part.first)
}

/// Parts that the same workers may run.
#[derive(Debug, Default)]
struct Lane {
    /// Those of each priority, the highest first; none is empty. What is new goes to the end, and what
    /// comes back to where it was: near the front, since all before it have been given.
    levels: BTreeMap<Reverse<i32>, VecDeque<Part>>,
    /// The first of each.
    fronts: BTreeMap<Age, Reverse<i32>>,
    parts: usize,
    tasks: usize,
}

impl Lane {
    fn put(&mut self, part: Part) {
        self.parts += 1;
        self.tasks += part.count as usize;
        let priority = Reverse(part.priority);
        let level = self.levels.entry(priority).or_default();
        let place = level.partition_point(|other| age(other) < age(&part));
        if place == 0 {
            if let Some(front) = level.front() {
                self.fronts.remove(&age(front));
            }
            self.fronts.insert(age(&part), priority);
        }
        level.insert(place, part);
    }

    /// Makes the last part of a level longer, if this one can be the end of it.
    fn lengthen(&mut self, part: &Part) -> bool {
        let level = self.levels.get_mut(&Reverse(part.priority));
        let last = level.and_then(VecDeque::back_mut);
        let is_longer = last.is_some_and(|last| last.join(part));
        if is_longer {
            self.tasks += part.count as usize;
        }
        is_longer
    }

    /// Takes out the part that has a task of a job.
    fn withdraw_with(&mut self, job: JobId, task: u32) -> Option<Part> {
        let (priority, level, place) = self.levels.iter_mut().find_map(|(priority, level)| {
            let behind = level.partition_point(|part| age(part) <= (job, task));
            let place = behind.checked_sub(1)?;
            level[place]
                .has(job, task)
                .then_some((*priority, level, place))
        })?;
        let part = level.remove(place)?;
        if place == 0 {
            self.fronts.remove(&age(&part));
            self.tidy(priority);
        }
        self.parts -= 1;
        self.tasks -= part.count as usize;
        Some(part)
    }

    /// The age of the part that has waited longest.
    fn oldest(&self) -> Option<Age> {
        self.fronts.keys().next().copied()
    }

    /// Takes out the part that has waited longest, or the one that is first.
    fn take(&mut self, oldest: bool) -> Option<Part> {
        let priority = if oldest {
            *self.fronts.values().next()?
        } else {
            *self.levels.keys().next()?
        };
        let part = self.levels.get_mut(&priority)?.pop_front()?;
        self.fronts.remove(&age(&part));
        self.tidy(priority);
        self.parts -= 1;
        self.tasks -= part.count as usize;
        Some(part)
    }

    /// Notes which part is the first of a level from which the first was taken.
    fn tidy(&mut self, priority: Reverse<i32>) {
        match self.levels.get(&priority).and_then(VecDeque::front) {
            Some(front) => drop(self.fronts.insert(age(front), priority)),
            None => drop(self.levels.remove(&priority)),
        }
    }

    fn withdraw(&mut self, job: JobId) -> Vec<Part> {
        let mut taken = Vec::new();
        // All of a job have the same priority.
        let level = self.levels.iter_mut().find_map(|(priority, level)| {
            let begin = level.partition_point(|part| part.job < job);
            let end = level.partition_point(|part| part.job <= job);
            (begin < end).then_some((*priority, level, begin..end))
        });
        if let Some((priority, level, range)) = level {
            let is_first = range.start == 0;
            taken.extend(level.drain(range));
            if is_first {
                self.fronts.remove(&age(&taken[0]));
                self.tidy(priority);
            }
        }
        self.parts -= taken.len();
        self.tasks -= tasks(&taken);
        taken
    }

    fn is_empty(&self) -> bool {
        self.parts == 0
    }

    /// What is in it, in no order.
    fn into_parts(self) -> impl Iterator<Item = Part> {
        self.levels.into_values().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::super::part::Spoiled;
    use super::*;
    use crate::random::Random;

    fn part(job: JobId, priority: i32) -> Part {
        Part {
            job,
            first: 0,
            count: 1,
            attempts: 0,
            retries: 0,
            priority,
            only: None,
            kind: None,
            spoiled: Spoiled::default(),
        }
    }

    fn taken(queue: &mut Queue, index: u32) -> Vec<JobId> {
        std::iter::from_fn(|| queue.take(index).map(|part| part.job)).collect()
    }

    #[test]
    fn higher_priorities_are_first_and_equals_in_order() {
        let mut queue = Queue::default();
        for (job, priority) in (0..).zip([0, -1, 5, 0, i32::MAX, 5, i32::MIN]) {
            queue.put(part(job, priority));
        }
        assert_eq!(queue.tasks(), 7);
        assert_eq!(taken(&mut queue, 0), [4, 2, 5, 0, 3, 1, 6]);
        assert!(queue.is_empty());
    }

    #[test]
    fn what_comes_back_has_the_place_it_had() {
        let mut queue = Queue::default();
        (0..4).for_each(|job| queue.put(part(job, 0)));
        let first = queue.take(0).unwrap();
        let second = queue.take(0).unwrap();
        queue.put(part(4, 0));
        queue.put(second);
        queue.put(first);
        assert_eq!(taken(&mut queue, 0), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn in_some_turns_the_oldest_is_given() {
        let mut queue = Queue::default();
        queue.put(part(0, -7));
        queue.put(part(1, -7));
        let mut turns = Vec::new();
        for turn in 1..=5 * PATIENCE {
            // There is always something that is more important.
            queue.put(part(1 + turn, 1));
            queue.put(part(1000 + turn, 2));
            let job = queue.take(0).unwrap().job;
            if job < 2 {
                turns.push((turn, job));
            }
        }
        assert_eq!(turns, [(PATIENCE, 0), (2 * PATIENCE, 1)]);
    }

    #[test]
    fn each_worker_gives_the_oldest_a_turn() {
        let mut queue = Queue::default();
        let own = |job, priority| Part {
            only: Some(0),
            ..part(job, priority)
        };
        queue.put(own(0, -7));
        let mut turns = Vec::new();
        // Two workers take turns, and each has always something more important.
        for turn in 1..=5 * PATIENCE {
            queue.put(own(turn, 1));
            queue.put(part(1000 + turn, 1));
            for index in [0, 1] {
                if queue.take(index).unwrap().job == 0 {
                    turns.push((turn, index));
                }
            }
        }
        assert_eq!(turns, [(PATIENCE, 0)]);
    }

    #[test]
    fn what_one_worker_alone_may_run_is_first_there_and_nowhere_else() {
        let mut queue = Queue::default();
        queue.put(part(0, 9));
        for (job, only) in [(1, 2), (2, 1), (3, 2)] {
            queue.put(Part {
                only: Some(only),
                ..part(job, 0)
            });
        }
        assert_eq!(queue.wanted().collect::<Vec<_>>(), [1, 2]);
        assert_eq!((queue.shared_parts(), queue.shared_tasks()), (1, 1));
        assert_eq!(queue.take(2).unwrap().job, 1);
        assert_eq!(taken(&mut queue, 0), [0]);
        assert_eq!(taken(&mut queue, 2), [3]);
        assert_eq!(taken(&mut queue, 1), [2]);
        assert_eq!(queue.wanted().count(), 0);
    }

    #[test]
    fn a_worker_with_parts_of_its_own_runs_those_of_others_in_the_end() {
        let mut queue = Queue::default();
        queue.put(part(0, 0));
        let own = |job| Part {
            only: Some(0),
            ..part(job, 0)
        };
        queue.put(own(1));
        let turn = (1..1000).find(|job| {
            queue.put(own(job + 1));
            queue.take(0).unwrap().job == 0
        });
        assert_eq!(turn, Some(PATIENCE));
    }

    #[test]
    fn what_is_held_back_waits_and_is_not_given() {
        let mut queue = Queue::default();
        queue.hold(part(0, 9));
        queue.put(part(1, 0));
        assert_eq!(queue.tasks(), 2);
        assert_eq!(taken(&mut queue, 0), [1]);
        assert!(!queue.is_empty());
        assert_eq!(queue.release(0, 1), None);
        let released = queue.release(0, 0).unwrap();
        assert_eq!((released, queue.release(0, 0)), (part(0, 9), None));
        assert!(queue.is_empty());
    }

    #[test]
    fn a_part_is_lengthened_by_what_nothing_tells_from_it() {
        let mut queue = Queue::default();
        let task = |first| Part {
            first,
            ..part(0, 0)
        };
        (0..3).for_each(|first| queue.put_behind(task(first)));
        assert_eq!((queue.shared_parts(), queue.tasks()), (1, 3));
        let tried = Part {
            attempts: 1,
            ..task(3)
        };
        for other in [tried, part(1, 0), part(1, 1), task(9)] {
            queue.put_behind(other);
        }
        assert_eq!((queue.shared_parts(), queue.tasks()), (5, 7));
        assert_eq!(taken(&mut queue, 1).len(), 5);
    }

    #[test]
    fn one_task_of_a_part_is_withdrawn_and_the_others_stay() {
        let mut queue = Queue::default();
        let five = Part {
            count: 5,
            ..part(0, 0)
        };
        queue.put(five);
        queue.put(part(1, 3));
        for (task, parts) in [(2, 3), (0, 3), (4, 3), (3, 2)] {
            assert!(queue.withdraw_task(0, task));
            assert!(!queue.withdraw_task(0, task));
            assert_eq!(queue.shared_parts(), parts);
        }
        queue.hold(part(2, 0));
        assert!(queue.withdraw_task(2, 0) && queue.withdraw_task(1, 0));
        assert!(!queue.withdraw_task(1, 1));
        let last = queue.take(0).unwrap();
        assert_eq!((last.first, last.count, queue.tasks()), (1, 1, 0));
        assert!(queue.is_empty());
    }

    #[test]
    fn a_job_is_withdrawn_wherever_it_waits() {
        let mut queue = Queue::default();
        for job in 0..3 {
            let task = |first| Part {
                first,
                ..part(job, 0)
            };
            queue.put(task(0));
            queue.hold(task(1));
            queue.put(Part {
                only: Some(4),
                ..task(2)
            });
            queue.hold(Part {
                only: Some(3),
                ..task(3)
            });
        }
        assert_eq!((queue.withdraw(1).len(), queue.tasks()), (4, 8));
        assert_eq!(queue.withdraw(1), []);
        let own = queue.withdraw_own(|index| index > 3);
        assert_eq!((own.len(), queue.wanted().count()), (2, 0));
        assert_eq!(queue.withdraw_own(|index| index == 3).len(), 2);
        assert_eq!(queue.tasks(), 4);
        assert_eq!(queue.withdraw_all().len(), 4);
        assert!(queue.is_empty());
    }

    /// As a list that is looked through.
    #[test]
    fn it_gives_what_a_plain_list_would() {
        let mut random = Random(9);
        for _ in 0..100 {
            let (mut queue, mut list, mut out) = (Queue::default(), Vec::new(), Vec::new());
            let mut given = [0; 3];
            for job in 0..200 {
                let only = (random.below(4) == 0).then(|| u32::try_from(random.below(2)).unwrap());
                let priority = i32::try_from(random.below(3)).unwrap() - 1;
                for first in 0..u32::try_from(random.below(3)).unwrap() {
                    let part = Part {
                        first,
                        only,
                        ..part(job, priority)
                    };
                    queue.put(part);
                    list.push(part);
                }
                while random.below(2) == 0 {
                    let index = u32::try_from(random.below(3)).unwrap();
                    let may = |part: &&Part| part.only.is_none_or(|only| only == index);
                    let mine = list.iter().filter(may).copied();
                    let turn = &mut given[index as usize];
                    let next = if (*turn + 1 + u64::from(index)) % PATIENCE == 0 {
                        mine.min_by_key(age)
                    } else {
                        mine.min_by_key(|it| (it.only.is_none(), Reverse(it.priority), age(it)))
                    };
                    assert_eq!(queue.take(index), next);
                    list.retain(|part| Some(*part) != next);
                    out.extend(next);
                    *turn += u64::from(next.is_some());
                }
                match random.below(4) {
                    0 if !out.is_empty() => {
                        let part = out.swap_remove(random.place(out.len()));
                        queue.put(part);
                        list.push(part);
                    }
                    1 => {
                        let job = random.below(job + 1);
                        let mut withdrawn = queue.withdraw(job);
                        withdrawn.sort_by_key(age);
                        let mut expected: Vec<Part> =
                            list.extract_if(.., |part| part.job == job).collect();
                        expected.sort_by_key(age);
                        assert_eq!(withdrawn, expected);
                    }
                    _ => {}
                }
                assert_eq!(queue.tasks(), list.len());
                let shared = list.iter().filter(|part| part.only.is_none()).count();
                assert_eq!(queue.shared_parts(), shared);
            }
            assert_eq!(queue.withdraw_all().len(), list.len());
        }
    }
}
