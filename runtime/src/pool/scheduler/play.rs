//! Games of random events, in which no task is lost and none ends twice.

use super::tests::{death, policy};
use super::*;
use crate::random::Random;

/// Whatever happens in whatever order, each task ends exactly once, and a pool that is shut
/// down is over in the end.
#[test]
fn each_task_ends_once() {
    for seed in 1..600 {
        let mut game = Game::new(Random(seed * 0x9e37_79b9_7f4a));
        for _ in 0..300 {
            game.act();
            game.turn();
        }
        game.finish();
    }
}

/// What a worker was sent, how much of it is begun, how much answered.
type Busy = (Part, u32, u32);

struct Game {
    random: Random,
    scheduler: Scheduler,
    size: usize,
    launching: BTreeSet<WorkerId>,
    leaving: BTreeSet<WorkerId>,
    busy: BTreeMap<WorkerId, Busy>,
    held: BTreeSet<(JobId, u32)>,
    /// Tasks that have not ended.
    open: BTreeSet<(JobId, u32)>,
    jobs: JobId,
    /// How many tasks the last job has, and its terms, if it is a series.
    series: Option<(u32, Terms)>,
    /// Whether workers can be started now.
    has_processes: bool,
}

impl Game {
    fn new(mut random: Random) -> Game {
        let size = 1 + random.place(4);
        let scheduler = Scheduler::new(Policy {
            floor: random.place(size + 1),
            max_tasks: (random.below(2) == 0).then(|| 1 + random.below(9)),
            retries: small(&mut random, 3),
            holds_back: random.below(2) == 0,
            ..policy(size)
        });
        Game {
            random,
            scheduler,
            size,
            launching: BTreeSet::new(),
            leaving: BTreeSet::new(),
            busy: BTreeMap::new(),
            held: BTreeSet::new(),
            open: BTreeSet::new(),
            jobs: 0,
            series: None,
            has_processes: true,
        }
    }

    /// Does what the scheduler wants done.
    fn act(&mut self) {
        loop {
            let actions = self.scheduler.actions();
            if actions.is_empty() {
                return;
            }
            for action in actions {
                match action {
                    Action::Launch(id, _) => {
                        assert!(self.scheduler.index(id) < self.size);
                        assert!(self.launching.insert(id));
                    }
                    Action::Send(id, part) => {
                        assert!(part.count > 0);
                        let index = self.scheduler.index(id);
                        assert!(index < self.size);
                        assert!(part.only.is_none_or(|only| only as usize == index));
                        assert!(part.kind.is_none_or(|_| part.count <= 5));
                        assert!(self.busy.insert(id, (part, 0, 0)).is_none());
                    }
                    Action::Recall(id) => self.recall(id),
                    Action::Retire(id) => {
                        assert!(!self.busy.contains_key(&id));
                        assert!(self.leaving.insert(id));
                    }
                    Action::Hold(job, task, attempts) => {
                        assert!(attempts > 0);
                        self.held.insert((job, task));
                    }
                    Action::GiveUp(parts, _) => parts.into_iter().for_each(|part| self.end(part)),
                    Action::Break(_) => unreachable!("workers die with tasks only"),
                }
            }
            // No two workers that can work have the same index.
            let working = self.launching.iter().chain(self.busy.keys());
            let mut indices: Vec<_> = working.map(|id| self.scheduler.index(*id)).collect();
            let count = indices.len();
            indices.sort_unstable();
            indices.dedup();
            assert_eq!(indices.len(), count);
        }
    }

    /// Something happens.
    fn turn(&mut self) {
        match self.random.below(30) {
            0..6 => self.submit(),
            24 => self.begin_series(),
            25..28 => self.extend(),
            28 => self.scheduler.paced(0, 1 + small(&mut self.random, 5)),
            29 => self.cancel_task(),
            6 => self.broadcast(),
            7 => {
                self.size = 1 + self.random.place(5);
                let floor = self.random.place(self.size + 1);
                self.scheduler.resize(self.size, floor);
            }
            8 => {
                if let Some((job, task)) = self.held.pop_first() {
                    self.scheduler.released(job, task);
                }
            }
            9 => {
                let job = self.random.below(self.jobs + 1);
                let waiting = self.scheduler.withdraw(job);
                self.cancel(job, waiting);
            }
            10 if self.random.below(4) == 0 => {
                for part in self.scheduler.withdraw_all() {
                    self.end(part);
                }
            }
            11 => self.has_processes = self.random.below(4) > 0,
            _ => self.work(),
        }
    }

    fn submit(&mut self) {
        let count = 1 + small(&mut self.random, 12);
        let priority = i32::try_from(self.random.below(5)).unwrap() - 2;
        let retries = (self.random.below(2) == 0).then(|| small(&mut self.random, 4));
        self.add(
            count,
            Terms {
                priority,
                retries,
                ..Terms::default()
            },
        );
    }

    fn begin_series(&mut self) {
        let terms = Terms {
            priority: i32::try_from(self.random.below(3)).unwrap(),
            kind: Some(small(&mut self.random, 2)),
            ..Terms::default()
        };
        self.add(1, terms);
        self.series = Some((1, terms));
    }

    /// Tasks are added to the series that was submitted last.
    fn extend(&mut self) {
        let Some((count, terms)) = &mut self.series else {
            return;
        };
        let job = self.jobs - 1;
        for _ in 0..=self.random.below(4) {
            self.open.insert((job, *count));
            self.scheduler.extended(job, *count, *terms);
            *count += 1;
        }
    }

    /// A task is given up that no worker has begun.
    fn cancel_task(&mut self) {
        let place = self.random.place(self.open.len());
        let Some((job, task)) = self.open.iter().nth(place).copied() else {
            return;
        };
        if let Some(id) = self.scheduler.worker_with(job, task) {
            let (part, begun, answered) = self.busy[&id];
            let begun = begun.max(answered);
            let is_begun = task < part.first + begun;
            let count = begun;
            if begun == answered {
                self.busy.remove(&id);
            } else {
                self.busy
                    .insert(id, (Part { count, ..part }, begun, answered));
            }
            assert_eq!(self.scheduler.recalled_without(id, begun, task), !is_begun);
            if !is_begun {
                assert!(self.open.remove(&(job, task)));
            }
        } else if self.scheduler.withdraw_task(job, task) {
            assert!(self.open.remove(&(job, task)));
            self.held.remove(&(job, task));
        }
        assert!(!self.scheduler.withdraw_task(job, task));
    }

    /// A task for each worker.
    fn broadcast(&mut self) {
        for index in 0..u32::try_from(self.size).unwrap() {
            self.add(
                1,
                Terms {
                    only: Some(index),
                    ..Terms::default()
                },
            );
        }
    }

    fn add(&mut self, count: u32, terms: Terms) {
        self.open.extend((0..count).map(|task| (self.jobs, task)));
        self.scheduler.submitted_with(self.jobs, count, terms);
        self.jobs += 1;
        self.series = None;
    }

    /// A worker, or what was to be one, comes on.
    fn work(&mut self) {
        if let Some(id) = self.launching.pop_first() {
            return if self.has_processes {
                self.scheduler.ready(id);
            } else {
                self.scheduler.not_started(id);
            };
        }
        if let Some(id) = self.leaving.pop_first() {
            assert_eq!(self.scheduler.died(id, death(0, true)), None);
            return;
        }
        let place = self.random.place(self.busy.len());
        let Some(id) = self.busy.keys().nth(place).copied() else {
            return;
        };
        let (part, begun, answered) = self.busy[&id];
        match self.random.below(6) {
            0 if begun < part.count => {
                self.busy.insert(id, (part, begun + 1, answered));
            }
            1 => self.recall(id),
            2 => self.die(id),
            3 => {
                // As when a task says that it is to be the worker's last.
                self.scheduler.retire_when_idle(id);
                self.recall(id);
            }
            _ => {
                let begun = begun.max(answered + 1);
                self.busy.insert(id, (part, begun, answered));
                self.answer(id, 1);
            }
        }
    }

    /// What a worker has not begun goes back.
    fn recall(&mut self, id: WorkerId) {
        let Some((part, begun, answered)) = self.busy.get_mut(&id) else {
            return;
        };
        *begun = (*begun).max(*answered);
        part.count = *begun;
        let (begun, is_done) = (*begun, begun == answered);
        if is_done {
            self.busy.remove(&id);
        }
        assert_eq!(self.scheduler.recalled(id, begun, true), None);
    }

    fn answer(&mut self, id: WorkerId, count: u32) {
        let (part, _, answered) = self.busy.get_mut(&id).unwrap();
        for _ in 0..count {
            assert!(self.open.remove(&(part.job, part.first + *answered)));
            *answered += 1;
        }
        if *answered == part.count {
            self.busy.remove(&id);
        }
        self.scheduler.answered(id, count);
    }

    fn die(&mut self, id: WorkerId) {
        let (part, mut begun, mut answered) = self.busy.remove(&id).unwrap();
        if answered == 0 {
            // Else it might be one too many that dies for nothing.
            begun = begun.max(1);
        }
        // One begins only when all before it are answered; some results may be lost with the
        // worker.
        let unheard = small(&mut self.random, 3);
        while answered + 1 + unheard < begun {
            assert!(self.open.remove(&(part.job, part.first + answered)));
            answered += 1;
            self.scheduler.answered(id, 1);
        }
        if let Some(lost) = self.scheduler.died(id, death(begun, true)) {
            assert_eq!((lost.job, lost.first), (part.job, part.first + answered));
            assert_eq!(lost.count, begun - answered);
            self.end(lost);
        }
    }

    /// A job of which so many tasks waited is given up: they have ended, as has all that a worker has
    /// not begun.
    fn cancel(&mut self, job: JobId, waiting: u32) {
        let mut count = 0;
        let with_workers: BTreeSet<(JobId, u32)> = self
            .busy
            .values()
            .filter(|(part, _, _)| part.job == job)
            .flat_map(|(part, _, answered)| {
                (*answered..part.count).map(|it| (job, part.first + it))
            })
            .collect();
        self.open.retain(|task| {
            let is_withdrawn = task.0 == job && !with_workers.contains(task);
            count += u32::from(is_withdrawn);
            !is_withdrawn
        });
        assert_eq!(count, waiting);
    }

    fn end(&mut self, part: Part) {
        for task in part.first..part.first + part.count {
            assert!(self.open.remove(&(part.job, task)), "{part:?}");
        }
    }

    /// Shuts the pool down, and lets happen what has to.
    fn finish(mut self) {
        self.scheduler.drain();
        while !self.scheduler.is_over() {
            self.act();
            let waiting = self
                .busy
                .values()
                .map(|(part, _, answered)| part.count - answered);
            let waiting = waiting.sum::<u32>() as usize + self.scheduler.queued();
            assert_eq!(waiting, self.open.len());
            if let Some((job, task)) = self.held.pop_first() {
                self.scheduler.released(job, task);
            } else if let Some(id) = self.launching.pop_first() {
                self.scheduler.ready(id);
            } else if let Some(id) = self.leaving.pop_first() {
                self.scheduler.died(id, death(0, true));
            } else if let Some(id) = self.busy.keys().next().copied() {
                let (part, _, answered) = self.busy[&id];
                self.answer(id, part.count - answered);
            } else {
                let scheduler = &self.scheduler;
                assert!(
                    scheduler.is_over(),
                    "nothing happens any more: {scheduler:?}"
                );
            }
        }
        self.act();
        assert!(self.open.is_empty(), "{:?}", self.open);
    }
}

fn small(random: &mut Random, below: u64) -> u32 {
    u32::try_from(random.below(below)).unwrap()
}
