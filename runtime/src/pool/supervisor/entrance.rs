//! Who may submit, where the number of waiting tasks is limited.
//!
//! A submitter asks for room, and is let in at once or gets a turn to wait for, a [`Latch`]. Being let in
//! means that room is kept for it: it counts like a task that waits, until the submitter has handed
//! its tasks in, or leaves without. So what it does in between (encoding arguments, waking up) needs
//! no lock, and no other submitter takes its room.
//!
//! | a submitter | is counted | next |
//! |---|---|---|
//! | is lined up | not | let in when there is room and none is before it, or when the pool takes no more tasks; or leaves |
//! | is let in | in `kept` | its tasks wait or are refused; or it leaves |
//!
//! The line is looked at after each change of the pool's state, under the lock of that, and a
//! submitter that is let in is told when the lock is free. A submitter that leaves between the two
//! gives its room back as any other that was let in. There is no other place where room is taken or
//! given, so that no wake-up call can be lost: it is not a call that opens the way, but the state.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::pool::latch::Latch;
use crate::pool::load::{Load, QueueLimits};

/// A submitter, for the life of its pool.
pub(in crate::pool) type SubmitterId = u64;

#[derive(Debug)]
pub(super) struct Entrance {
    limits: QueueLimits,
    /// What is let in and has not been handed in.
    kept: Load,
    /// Those who wait, first come first.
    line: BTreeMap<SubmitterId, (Load, Arc<Latch>)>,
    next: SubmitterId,
}

impl Entrance {
    pub(super) fn new(limits: QueueLimits) -> Entrance {
        Entrance {
            limits,
            kept: Load::default(),
            line: BTreeMap::new(),
            next: 0,
        }
    }

    /// Lets a submitter in, if there is room beside what waits and no other is before it, or if no
    /// room is needed any more.
    pub(super) fn enter(
        &mut self,
        more: Load,
        waiting: Load,
        is_closed: bool,
    ) -> Option<SubmitterId> {
        let has_room = || self.limits.allow(waiting + self.kept, more);
        let may_enter = is_closed || (self.line.is_empty() && has_room());
        may_enter.then(|| {
            self.kept += more;
            self.number()
        })
    }

    /// Has a submitter wait behind the others.
    pub(super) fn line_up(&mut self, more: Load) -> (SubmitterId, Arc<Latch>) {
        let (id, turn) = (self.number(), Arc::<Latch>::default());
        self.line.insert(id, (more, Arc::clone(&turn)));
        (id, turn)
    }

    /// Lets in who is first, if there is room now or if none is needed any more. To be repeated until
    /// it is `None`.
    pub(super) fn admit(&mut self, waiting: Load, is_closed: bool) -> Option<Arc<Latch>> {
        let first = self.line.first_entry()?;
        let more = first.get().0;
        if !is_closed && !self.limits.allow(waiting + self.kept, more) {
            return None;
        }
        self.kept += more;
        Some(first.remove().1)
    }

    /// A submitter has handed in what it had, or leaves, wherever it was.
    pub(super) fn leave(&mut self, id: SubmitterId, load: Load) {
        if self.line.remove(&id).is_none() {
            self.kept -= load;
        }
    }

    /// Whether submitters wait.
    pub(super) fn has_line(&self) -> bool {
        !self.line.is_empty()
    }

    /// How much more may wait, for one who would not line up.
    pub(super) fn room(&self, waiting: Load) -> Load {
        if self.has_line() {
            return Load::default();
        }
        self.limits.left(waiting + self.kept)
    }

    fn number(&mut self) -> SubmitterId {
        let id = self.next;
        self.next += 1;
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(tasks: usize, bytes: u64) -> Load {
        Load { tasks, bytes }
    }

    fn limited(tasks: usize, bytes: u64) -> Entrance {
        Entrance::new(QueueLimits {
            tasks: Some(tasks),
            bytes: Some(bytes),
        })
    }

    #[test]
    fn what_is_let_in_counts_until_it_is_handed_in() {
        let mut entrance = limited(2, 100);
        let first = entrance.enter(load(1, 10), load(0, 0), false).unwrap();
        let second = entrance.enter(load(1, 10), load(0, 0), false).unwrap();
        assert_eq!(entrance.enter(load(1, 10), load(0, 0), false), None);
        // The first one's task waits, and then it does not.
        entrance.leave(first, load(1, 10));
        assert_eq!(entrance.enter(load(1, 10), load(1, 10), false), None);
        assert!(entrance.enter(load(1, 10), load(0, 0), false).is_some());
        entrance.leave(second, load(1, 10));
        assert_eq!(entrance.room(load(0, 0)), load(1, 90));
    }

    #[test]
    fn bytes_are_limited_as_tasks_are() {
        let mut entrance = limited(10, 100);
        assert!(entrance.enter(load(1, 61), load(1, 40), false).is_none());
        assert!(entrance.enter(load(1, 60), load(1, 40), false).is_some());
        assert_eq!(entrance.room(load(1, 40)), load(8, 0));
    }

    #[test]
    fn what_is_longer_than_all_gets_in_alone() {
        let mut entrance = limited(10, 100);
        assert!(entrance.enter(load(1, 1000), load(1, 1), false).is_none());
        let alone = entrance.enter(load(1, 1000), load(0, 0), false).unwrap();
        assert!(entrance.enter(load(1, 1), load(0, 0), false).is_none());
        entrance.leave(alone, load(1, 1000));
        assert!(entrance.enter(load(1, 1), load(0, 0), false).is_some());
    }

    #[test]
    fn who_came_first_is_first() {
        let mut entrance = limited(2, 100);
        let (large, its_turn) = entrance.line_up(load(1, 90));
        let (_, small) = entrance.line_up(load(1, 1));
        // There would be room for the small one.
        assert!(entrance.admit(load(1, 20), false).is_none());
        assert!(entrance.enter(load(1, 1), load(0, 0), false).is_none());
        assert_eq!(entrance.room(load(0, 0)), load(0, 0));
        let turn = entrance.admit(load(0, 0), false).unwrap();
        assert!(Arc::ptr_eq(&turn, &its_turn));
        let turn = entrance.admit(load(0, 0), false).unwrap();
        assert!(Arc::ptr_eq(&turn, &small));
        assert!(entrance.admit(load(0, 0), false).is_none());
        entrance.leave(large, load(1, 90));
        assert_eq!(entrance.room(load(0, 0)), load(1, 99));
    }

    #[test]
    fn who_leaves_the_line_takes_no_room() {
        let mut entrance = limited(1, 100);
        let (first, _) = entrance.line_up(load(1, 1));
        let (second, turn) = entrance.line_up(load(1, 1));
        entrance.leave(first, load(1, 1));
        assert!(Arc::ptr_eq(
            &entrance.admit(load(0, 0), false).unwrap(),
            &turn
        ));
        // Let in, and gone before it was told.
        entrance.leave(second, load(1, 1));
        assert_eq!(entrance.room(load(0, 0)), load(1, 100));
        assert!(!entrance.has_line());
    }

    #[test]
    fn a_closed_pool_lets_all_in() {
        let mut entrance = limited(1, 100);
        let waiting = [(); 3].map(|()| entrance.line_up(load(1, 80)).0);
        assert!(entrance.admit(load(1, 80), false).is_none());
        for _ in waiting {
            assert!(entrance.admit(load(1, 80), true).is_some());
        }
        assert!(entrance.admit(load(1, 80), true).is_none());
        assert!(entrance.enter(load(1, 1), load(1, 80), false).is_none());
        let last = entrance.enter(load(1, 1), load(1, 80), true).unwrap();
        entrance.leave(last, load(1, 1));
        for id in waiting {
            entrance.leave(id, load(1, 80));
        }
        assert_eq!(entrance.room(load(0, 0)), load(1, 100));
    }
}
