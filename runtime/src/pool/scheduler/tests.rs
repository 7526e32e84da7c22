//! What the scheduler decides, event by event.

use std::collections::VecDeque;

use super::*;

impl Scheduler {
    pub(super) fn submitted(&mut self, job: JobId, count: u32) {
        self.submitted_with(job, count, Terms::default());
    }
}

pub(super) fn policy(workers: usize) -> Policy {
    Policy {
        workers,
        floor: workers,
        max_tasks: None,
        retries: 0,
        holds_back: false,
    }
}

fn part(job: JobId, first: u32, count: u32) -> Part {
    Part {
        job,
        first,
        count,
        attempts: 0,
        retries: 0,
        priority: 0,
        only: None,
        kind: None,
        spoiled: Spoiled::default(),
    }
}

/// The death of a worker that had begun so much, by itself and soon.
pub(super) fn death(begun: u32, retry: bool) -> Death {
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

/// What says of a series which kind it is.
const SERIES: Terms = Terms {
    priority: 0,
    retries: None,
    only: None,
    kind: Some(0),
};

/// Tasks of a series.
fn series(first: u32, count: u32) -> Part {
    Part {
        kind: Some(0),
        ..part(2, first, count)
    }
}

/// A scheduler whose workers are busy, and a series of so many tasks that wait.
fn with_series(workers: usize, count: u32) -> Scheduler {
    let mut scheduler = ready(policy(workers));
    scheduler.submitted(1, u32::try_from(workers).unwrap());
    scheduler.submitted_with(2, 1, SERIES);
    (1..count).for_each(|task| scheduler.extended(2, task, SERIES));
    assert_eq!(scheduler.actions().len(), workers);
    scheduler
}

#[test]
fn tasks_of_a_series_are_sent_alone_until_they_are_known_to_be_short() {
    let mut scheduler = with_series(1, 9);
    scheduler.answered(0, 1);
    assert_eq!(scheduler.actions(), [Action::Send(0, series(0, 1))]);
    scheduler.paced(0, 5);
    scheduler.answered(0, 1);
    assert_eq!(scheduler.actions(), [Action::Send(0, series(1, 5))]);
    scheduler.extended(2, 9, SERIES);
    scheduler.answered(0, 5);
    assert_eq!(scheduler.actions(), [Action::Send(0, series(6, 4))]);
    assert_eq!(scheduler.queued(), 0);
}

#[test]
fn a_worker_gets_its_share_of_a_series() {
    let mut scheduler = with_series(3, 10);
    scheduler.paced(0, 100);
    scheduler.answered(2, 1);
    assert_eq!(scheduler.actions(), [Action::Send(2, series(0, 4))]);
    scheduler.answered(1, 1);
    assert_eq!(scheduler.actions(), [Action::Send(1, series(4, 2))]);
}

#[test]
fn what_was_sent_ahead_of_a_series_keeps_its_place() {
    let mut scheduler = with_series(1, 5);
    scheduler.submitted(7, 1);
    scheduler.paced(0, 100);
    scheduler.answered(0, 1);
    assert_eq!(scheduler.actions(), [Action::Send(0, series(0, 5))]);
    scheduler.recalled(0, 2, true);
    scheduler.answered(0, 2);
    assert_eq!(scheduler.actions(), [Action::Send(0, series(2, 3))]);
}

#[test]
fn a_task_of_a_series_is_withdrawn_wherever_it_is() {
    let mut scheduler = with_series(1, 6);
    assert!(scheduler.withdraw_task(2, 1));
    assert!(!scheduler.withdraw_task(2, 1));
    scheduler.paced(0, 100);
    scheduler.answered(0, 1);
    assert_eq!(scheduler.actions(), [Action::Send(0, series(0, 1))]);
    scheduler.answered(0, 1);
    assert_eq!(scheduler.actions(), [Action::Send(0, series(2, 4))]);
    assert!(!scheduler.withdraw_task(2, 3));
    assert_eq!(scheduler.worker_with(2, 3), Some(0));
    assert!(!scheduler.recalled_without(0, 1, 2));
    assert!(scheduler.withdraw_task(2, 4));
    scheduler.answered(0, 1);
    assert_eq!(scheduler.actions(), [Action::Send(0, series(3, 1))]);
    // It has not begun that one, which is not wanted any more.
    assert!(scheduler.recalled_without(0, 0, 3));
    assert_eq!(scheduler.actions(), [Action::Send(0, series(5, 1))]);
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
        scheduler.starts.was_of_use(scheduler.starts.now());
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

fn terms(priority: i32) -> Terms {
    Terms {
        priority,
        ..Terms::default()
    }
}

fn only(index: u32) -> Terms {
    Terms {
        only: Some(index),
        ..Terms::default()
    }
}

/// The job of each part that was sent, and to whom.
fn sent(actions: Vec<Action>) -> Vec<(WorkerId, JobId)> {
    let sent = actions.into_iter().filter_map(|action| match action {
        Action::Send(id, part) => Some((id, part.job)),
        _ => None,
    });
    sent.collect()
}

/// The ids of the workers that are to be started.
fn launched(actions: Vec<Action>) -> Vec<WorkerId> {
    let launched = actions.into_iter().filter_map(|action| match action {
        Action::Launch(id, _) => Some(id),
        _ => None,
    });
    launched.collect()
}

#[test]
fn a_higher_priority_is_first_and_equals_go_in_order() {
    let mut scheduler = ready(policy(1));
    scheduler.submitted(0, 1);
    for (job, priority) in [(1, 0), (2, -5), (3, 7), (4, 7), (5, 0)] {
        scheduler.submitted_with(job, 1, terms(priority));
    }
    let mut order = sent(scheduler.actions());
    for _ in 0..5 {
        scheduler.answered(0, 1);
        order.extend(sent(scheduler.actions()));
    }
    let jobs: Vec<JobId> = order.into_iter().map(|(_, job)| job).collect();
    // What has begun is not overtaken.
    assert_eq!(jobs, [0, 3, 4, 1, 5, 2]);
}

#[test]
fn nothing_waits_for_ever() {
    let mut scheduler = ready(policy(1));
    scheduler.submitted_with(0, 1, terms(9));
    scheduler.submitted_with(1, 1, terms(i32::MIN));
    let mut order = sent(scheduler.actions());
    // There is always something else.
    for job in 2..100 {
        scheduler.submitted_with(job, 1, terms(9));
        scheduler.answered(0, 1);
        order.extend(sent(scheduler.actions()));
    }
    let place = order.iter().position(|(_, job)| *job == 1).unwrap();
    assert_eq!(place as u64 + 1, queue::PATIENCE);
}

#[test]
fn what_returns_keeps_its_place() {
    let mut scheduler = ready(policy(2));
    scheduler.submitted(1, 1);
    scheduler.submitted_with(2, 6, terms(3));
    scheduler.submitted_with(3, 1, terms(3));
    scheduler.submitted_with(4, 1, terms(4));
    assert_eq!(sent(scheduler.actions()), [(1, 1), (0, 2)]);
    scheduler.recalled(0, 2, true);
    scheduler.answered(1, 1);
    scheduler.answered(1, 1);
    scheduler.answered(0, 2);
    let next = scheduler.actions();
    assert_eq!(sent(next.clone()), [(1, 4), (1, 2), (0, 3)]);
    let Action::Send(_, rest) = next[1] else {
        panic!("{next:?}");
    };
    assert_eq!((rest.first, rest.count, rest.priority), (2, 4, 3));
}

#[test]
fn a_call_says_how_often_it_may_be_tried_again() {
    let mut scheduler = ready(Policy {
        retries: 1,
        ..policy(1)
    });
    let mut next = 0;
    for (job, retries, expected) in [(1, None, 1), (2, Some(0), 0), (3, Some(3), 3)] {
        let terms = Terms {
            retries,
            ..Terms::default()
        };
        scheduler.submitted_with(job, 1, terms);
        let mut tries = 0;
        while scheduler.died(next, death(1, true)).is_none() {
            tries += 1;
            next += 1;
            scheduler.ready(next);
        }
        next += 1;
        scheduler.ready(next);
        assert_eq!(tries, expected, "{job}");
    }
    assert_eq!(scheduler.retried, 4);
}

#[test]
fn a_lost_task_is_held_back_before_it_is_tried_again() {
    let mut scheduler = ready(Policy {
        retries: 2,
        holds_back: true,
        ..policy(1)
    });
    scheduler.submitted(7, 1);
    scheduler.submitted(8, 1);
    scheduler.actions();
    scheduler.died(0, death(1, true));
    assert!(scheduler.actions().contains(&Action::Hold(7, 0, 1)));
    assert_eq!((scheduler.queued(), scheduler.retried), (2, 1));
    scheduler.ready(1);
    // Others need not wait for it.
    assert_eq!(sent(scheduler.actions()), [(1, 8)]);
    scheduler.drain();
    scheduler.answered(1, 1);
    // The worker stays for it, and the pool is not over.
    assert_eq!(scheduler.actions(), []);
    assert!(!scheduler.is_over());
    scheduler.released(7, 1);
    assert_eq!(scheduler.actions(), []);
    scheduler.released(7, 0);
    assert_eq!(sent(scheduler.actions()), [(1, 7)]);
    scheduler.died(1, death(1, true));
    assert!(scheduler.actions().contains(&Action::Hold(7, 0, 2)));
    // It can be withdrawn as all that waits.
    assert_eq!(scheduler.withdraw(7), 1);
    scheduler.released(7, 0);
    assert_eq!(scheduler.queued(), 0);
    assert!(launched(scheduler.actions()).is_empty());
    assert!(scheduler.is_over());
}

#[test]
fn a_pool_that_is_closed_forgets_what_is_held_back() {
    let mut scheduler = ready(Policy {
        retries: 1,
        holds_back: true,
        ..policy(1)
    });
    scheduler.submitted(7, 1);
    scheduler.died(0, death(1, true));
    scheduler.close();
    scheduler.not_started(1);
    assert!(scheduler.is_over());
}

#[test]
fn a_pool_that_grows_starts_workers_at_once() {
    let mut scheduler = ready(policy(1));
    scheduler.resize(3, 3);
    assert_eq!(launched(scheduler.actions()), [1, 2]);
    assert_eq!([1, 2].map(|id| scheduler.index(id)), [1, 2]);
    assert!(!scheduler.replaces(2));
    // If they are not needed, when they are.
    let mut scheduler = ready(policy(1));
    scheduler.resize(3, 1);
    assert_eq!(scheduler.actions(), []);
    (1..4).for_each(|job| scheduler.submitted(job, 1));
    assert_eq!(launched(scheduler.actions()), [1, 2]);
}

#[test]
fn of_a_pool_that_shrinks_idle_workers_leave_and_busy_ones_after_their_task() {
    let mut scheduler = ready(policy(4));
    scheduler.submitted(1, 1);
    scheduler.submitted(2, 8);
    // The one with the highest index is the first to get something.
    scheduler.answered(3, 1);
    scheduler.actions();
    let busy: Vec<_> = (0..4).filter(|id| scheduler.part(*id).is_some()).collect();
    assert_eq!(busy, [0, 1, 2]);
    scheduler.resize(1, 1);
    let expected = [Action::Recall(1), Action::Recall(2), Action::Retire(3)];
    assert_eq!(scheduler.actions(), expected);
    scheduler.recalled(1, 1, true);
    scheduler.recalled(2, 0, true);
    assert_eq!(scheduler.actions(), [Action::Retire(2)]);
    scheduler.answered(1, 1);
    assert_eq!(scheduler.actions(), [Action::Retire(1)]);
    // The others are one that is replaced as ever.
    scheduler.died(0, death(1, false));
    let next = launched(scheduler.actions());
    assert_eq!(next.len(), 1);
    assert_eq!(scheduler.index(next[0]), 0);
}

#[test]
fn a_worker_that_is_being_started_when_its_pool_shrinks_gets_nothing() {
    let mut scheduler = Scheduler::new(policy(2));
    scheduler.actions();
    scheduler.resize(1, 1);
    scheduler.submitted(1, 1);
    scheduler.ready(1);
    assert_eq!(scheduler.actions(), [Action::Retire(1)]);
    scheduler.ready(0);
    assert_eq!(sent(scheduler.actions()), [(0, 1)]);
}

#[test]
fn a_worker_that_was_to_leave_stays_if_the_pool_grows_again() {
    let mut scheduler = ready(policy(2));
    scheduler.submitted(1, 1);
    scheduler.submitted(2, 1);
    scheduler.resize(1, 1);
    scheduler.resize(2, 2);
    scheduler.answered(0, 1);
    scheduler.answered(1, 1);
    let actions = scheduler.actions();
    assert!(!actions.iter().any(|it| matches!(it, Action::Retire(_))));
    assert!(launched(actions).is_empty());
}

#[test]
fn a_place_is_filled_though_one_that_is_to_leave_is_busy() {
    let mut scheduler = ready(policy(3));
    (0..3).for_each(|job| scheduler.submitted(job, 1));
    scheduler.resize(2, 2);
    scheduler.actions();
    scheduler.died(0, death(1, false));
    assert_eq!(launched(scheduler.actions()), [3]);
    assert_eq!(scheduler.index(3), 0);
}

#[test]
fn what_is_for_one_worker_goes_there_and_before_all_others() {
    let mut scheduler = ready(policy(2));
    scheduler.submitted(0, 1);
    scheduler.submitted(1, 1);
    scheduler.submitted_with(2, 1, terms(9));
    for index in [0, 1] {
        scheduler.submitted_with(3 + u64::from(index), 1, only(index));
    }
    scheduler.actions();
    scheduler.answered(0, 1);
    scheduler.answered(1, 1);
    assert_eq!(sent(scheduler.actions()), [(0, 3), (1, 4)]);
    scheduler.answered(1, 1);
    assert_eq!(sent(scheduler.actions()), [(1, 2)]);
}

#[test]
fn a_worker_is_started_for_what_it_alone_may_run() {
    let mut scheduler = ready(Policy {
        floor: 1,
        ..policy(3)
    });
    scheduler.submitted_with(1, 1, only(2));
    let next = launched(scheduler.actions());
    assert_eq!(next, [1]);
    assert_eq!(scheduler.index(1), 2);
    // If it dies before it has begun that, the next one is it.
    scheduler.ready(1);
    assert_eq!(sent(scheduler.actions()), [(1, 1)]);
    assert_eq!(scheduler.died(1, death(0, false)), None);
    assert_eq!(launched(scheduler.actions()), [2]);
    assert_eq!(scheduler.index(2), 2);
    scheduler.ready(2);
    assert_eq!(sent(scheduler.actions()), [(2, 1)]);
    // Then it is lost as any other.
    assert_eq!(scheduler.died(2, death(1, false)).unwrap().job, 1);
    assert_eq!(scheduler.queued(), 0);
    // Also when the pool is about to be over.
    scheduler.submitted_with(2, 1, only(1));
    scheduler.drain();
    assert_eq!(launched(scheduler.actions()), [3]);
    assert_eq!(scheduler.index(3), 1);
}

#[test]
fn what_was_for_a_worker_that_is_no_more_is_given_up() {
    let mut scheduler = ready(Policy {
        retries: 1,
        holds_back: true,
        ..policy(4)
    });
    for index in 0..4 {
        scheduler.submitted_with(u64::from(index), 1, only(index));
        scheduler.submitted_with(10 + u64::from(index), 1, only(index));
    }
    // One is held back.
    scheduler.died(3, death(1, true));
    scheduler.actions();
    scheduler.resize(2, 2);
    let mut given_up = BTreeSet::new();
    let mut collect = |scheduler: &mut Scheduler| {
        for action in scheduler.actions() {
            if let Action::GiveUp(parts, why) = action {
                assert_eq!(why, Hopeless::Resized);
                given_up.extend(parts.iter().map(|part| part.job));
            }
        }
    };
    collect(&mut scheduler);
    // It was sent, and had not begun.
    scheduler.recalled(2, 0, true);
    scheduler.released(3, 0);
    scheduler.submitted_with(20, 1, only(2));
    collect(&mut scheduler);
    assert_eq!(given_up, [2, 3, 12, 13, 20].into());
    assert_eq!(scheduler.queued(), 2);
}

#[test]
fn a_pool_for_which_there_are_no_processes_gives_up_what_waits_and_tries_again() {
    let mut scheduler = ready(policy(2));
    scheduler.submitted(1, 1);
    scheduler.submitted(2, 3);
    scheduler.actions();
    scheduler.died(0, death(1, false));
    scheduler.died(1, death(1, false));
    scheduler.submitted(3, 1);
    scheduler.not_started(2);
    scheduler.not_started(3);
    let mut id = 4;
    let given_up = loop {
        let mut actions = scheduler.actions();
        match actions.pop() {
            Some(Action::GiveUp(parts, why)) => break (parts, why),
            Some(Action::Launch(next, futile)) => {
                assert_eq!((next, u64::from(futile)), (id, id - 3));
            }
            other => panic!("{other:?}"),
        }
        scheduler.not_started(id);
        id += 1;
    };
    assert_eq!(id - 3, u64::from(FUTILE));
    assert_eq!(given_up.1, Hopeless::NotStarted);
    assert_eq!(
        given_up.0.iter().map(|part| part.job).collect::<Vec<_>>(),
        [2, 3]
    );
    assert_eq!((scheduler.actions(), scheduler.queued()), (vec![], 0));
    // One start for what comes then, and not for what comes while it is tried.
    scheduler.submitted(4, 1);
    scheduler.submitted(5, 1);
    assert_eq!(scheduler.actions(), [Action::Launch(id, FUTILE - 1)]);
    scheduler.not_started(id);
    let actions = scheduler.actions();
    assert!(matches!(&actions[..], [Action::GiveUp(parts, _)] if parts.len() == 2));
    // And when there are processes again, all is as it was.
    scheduler.submitted(6, 1);
    assert_eq!(launched(scheduler.actions()), [id + 1]);
    scheduler.ready(id + 1);
    let actions = scheduler.actions();
    assert_eq!(sent(actions.clone()), [(id + 1, 6)]);
    assert_eq!(launched(actions), [id + 2]);
    scheduler.answered(id + 1, 1);
    scheduler.not_started(id + 2);
    assert_eq!(scheduler.actions(), [Action::Launch(id + 3, 1)]);
}

#[test]
fn a_pool_for_which_there_are_no_processes_can_be_shut_down() {
    let mut scheduler = Scheduler::new(policy(1));
    for id in 0..u64::from(FUTILE) {
        scheduler.not_started(id);
    }
    scheduler.drain();
    assert!(scheduler.is_over());
}

#[test]
fn a_pool_whose_workers_die_gives_up_even_if_some_could_not_be_started() {
    let mut scheduler = Scheduler::new(policy(1));
    for id in 0..u64::from(FUTILE) - 1 {
        scheduler.not_started(id);
    }
    scheduler.died(u64::from(FUTILE) - 1, death(0, false));
    let last = scheduler.actions().pop();
    assert_eq!(last, Some(Action::Break(Cause::Itself)));
}

#[test]
fn what_only_a_worker_may_run_that_cannot_be_started_is_given_up() {
    let mut scheduler = ready(policy(2));
    scheduler.died(1, ended(Cause::Pool));
    for index in [0, 1] {
        scheduler.submitted_with(u64::from(index), 1, only(index));
    }
    scheduler.submitted(2, 1);
    scheduler.actions();
    let mut given_up = Vec::new();
    for id in 2..2 + u64::from(FUTILE) {
        scheduler.not_started(id);
        let actions = scheduler.actions();
        given_up.extend(actions.into_iter().filter_map(|action| match action {
            Action::GiveUp(parts, Hopeless::NotStarted) => Some((id, parts[0].job)),
            _ => None,
        }));
    }
    assert_eq!(given_up, [(1 + u64::from(FUTILE), 1)]);
    // The others go on.
    scheduler.answered(0, 1);
    assert_eq!(sent(scheduler.actions()), [(0, 2)]);
}

#[test]
fn a_worker_that_wants_to_leave_does_after_its_task() {
    let mut scheduler = ready(policy(1));
    scheduler.submitted(1, 5);
    scheduler.actions();
    scheduler.answered(0, 1);
    // It has begun the second, and said so.
    scheduler.retire_when_idle(0);
    scheduler.recalled(0, 2, true);
    assert_eq!((scheduler.actions(), scheduler.queued()), (vec![], 3));
    scheduler.answered(0, 1);
    assert_eq!(
        scheduler.actions(),
        [Action::Retire(0), Action::Launch(1, 0)]
    );
    scheduler.ready(1);
    assert_eq!(scheduler.actions(), [Action::Send(1, part(1, 2, 3))]);
}
