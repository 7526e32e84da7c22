//! How far a map runs ahead of its results.
//!
//! A pure function of what it is told: inputs are taken, results arrive, results are given out. It is
//! bounded three ways.
//!
//! * In time: workers are sent groups of tasks that take them a few milliseconds, and have two of
//!   them each before results are waited for, or four if results cannot be given out, because one
//!   before them is not there yet.
//!   If the user says how many are a group, several groups are sent together while those take less than
//!   half of that: what is not begun in time is taken back, so whole groups do not wait behind a long
//!   task.
//! * In number: a group does not grow without end, however short its tasks are; and
//!   [`limit`](Window::limit) says how many in all.
//! * In bytes of arguments under way and results that wait. But each worker has one task and the next. How
//!   long results are is known when they arrive, so no more are sent together than lately would have been
//!   half of what a worker may take.

use std::time::Duration;

/// How long the tasks that are sent together shall take.
const CHUNK_TIME: Duration = Duration::from_millis(4);

/// How many tasks are sent together at most, if the user does not say. With twice or four times as many, a million
/// tiny ones take 4 or 9 % less, but inputs are taken by the hundred thousand before their results are asked for.
const CHUNK_LIMIT: usize = 4 << 10;

/// How many tasks are sent together at most, whatever the user says.
const CHUNK_MAXIMUM: usize = 16 << 10;

/// How many tasks are sent together at most before one has ended.
const FIRST_CHUNK: usize = 16;

/// How much of a group that is cut short to share the last tasks is left: what takes less time is
/// not worth sending.
const SHORTEST: usize = 16;

/// How many bytes of arguments and results there are for each worker.
const BYTES: usize = 4 << 20;

/// The inputs and results of a map, as numbers.
#[derive(Debug)]
pub(super) struct Window {
    workers: usize,
    /// How many tasks are to be sent together, if the user says it.
    chunk_size: Option<usize>,
    /// How many inputs may be taken beyond the results given out, if the user says it.
    limit: Option<usize>,
    /// How many tasks take a few milliseconds, as far as is known.
    chunk: usize,
    /// Inputs taken.
    taken: u64,
    /// Results that arrived.
    arrived: u64,
    /// Results given out.
    given: u64,
    /// The length of arguments under way, and of results that wait.
    bytes: usize,
    /// How long results are: the longest one lately.
    longest: usize,
}

impl Window {
    /// For a pool with so many workers, and inputs of a number that may be known.
    pub(super) fn new(workers: usize, inputs: Option<usize>) -> Window {
        // Of many inputs a few can be sent together before it is known how long they take: what is
        // not begun in time is taken back. Of an input that may be endless, none is taken too much.
        let chunk = inputs.map_or(1, |inputs| inputs / workers.saturating_mul(16));
        Window {
            workers,
            chunk_size: None,
            limit: None,
            chunk: chunk.clamp(1, FIRST_CHUNK),
            taken: 0,
            arrived: 0,
            given: 0,
            bytes: 0,
            longest: 0,
        }
    }

    /// For so many workers from now on.
    pub(super) fn set_workers(&mut self, workers: usize) {
        self.workers = workers;
    }

    pub(super) fn set_chunk_size(&mut self, size: usize) {
        self.chunk_size = Some(size.clamp(1, CHUNK_MAXIMUM));
        // Nothing is sent together with a group before it is known how long its tasks take.
        self.chunk = 1;
    }

    /// How many are a group, if the user says it.
    pub(super) fn chunk_size(&self) -> Option<usize> {
        self.chunk_size
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        self.limit = Some(limit.max(1));
    }

    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    pub(super) fn arrived(&self) -> u64 {
        self.arrived
    }

    pub(super) fn given(&self) -> u64 {
        self.given
    }

    /// Inputs taken whose results have not been given out.
    pub(super) fn ahead(&self) -> u64 {
        self.taken - self.given
    }

    /// Inputs taken whose results have not arrived.
    pub(super) fn under_way(&self) -> u64 {
        self.taken - self.arrived
    }

    /// Takes the next inputs.
    pub(super) fn take(&mut self, count: u64) {
        self.taken += count;
    }

    /// So many results have arrived, which are so long, and the longest of them.
    pub(super) fn arrive(&mut self, count: u32, bytes: usize, longest: usize) {
        self.arrived += u64::from(count);
        self.note_lengths(count, longest);
        self.hold(bytes);
    }

    /// A result of this length is given out.
    #[inline]
    pub(super) fn give(&mut self, bytes: usize) {
        self.given += 1;
        self.release(bytes);
    }

    /// All that was taken is as good as given out.
    pub(super) fn give_all(&mut self) {
        self.given = self.taken;
    }

    /// Notes that so much memory is in use.
    pub(super) fn hold(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    #[inline]
    pub(super) fn release(&mut self, bytes: usize) {
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Whether the workers have enough to go on with while results are looked at.
    pub(super) fn is_enough_under_way(&self) -> bool {
        self.under_way() >= self.enough() || self.is_memory_full()
    }

    fn enough(&self) -> u64 {
        self.many().saturating_mul(2).min(self.most()) as u64
    }

    /// How many results are to be given out, if nothing else happens, until there may be room.
    pub(super) fn until_room(&self, left: Option<usize>) -> u64 {
        // What is under way becomes less when results arrive, and in no other way.
        if self.under_way() >= self.enough() {
            return u64::MAX;
        }
        if self.is_memory_full() {
            return 0;
        }
        let (_, room, least) = self.size_and_room(left);
        least.saturating_sub(room) as u64
    }

    /// How many inputs may be taken for the next group, when so many are left, if that is known.
    pub(super) fn room(&self, left: Option<usize>) -> usize {
        if self.is_memory_full() {
            return 0;
        }
        let (size, room, least) = self.size_and_room(left);
        if room < least {
            return 0;
        }
        size.min(room)
    }

    /// How many are to be sent together, how many inputs may be taken, and for how many there is to be room at
    /// least.
    fn size_and_room(&self, left: Option<usize>) -> (usize, usize, usize) {
        let mut size = self.together();
        if let Some(left) = left {
            // The last ones are shared.
            let share = left / self.workers.saturating_mul(2).max(1);
            let shared = match self.chunk_size {
                None => share.max(size.div_ceil(SHORTEST)),
                Some(group) => whole(share, group),
            };
            size = size.min(shared);
        }
        let ahead = usize::try_from(self.ahead()).unwrap_or(usize::MAX);
        let room = self.most().saturating_sub(ahead);
        // Else each result that is given out would make room for a group of one task.
        let least = self.chunk_size.unwrap_or(0).max(size.div_ceil(2));
        (size, room, least)
    }

    /// Learns from how long some tasks took.
    pub(super) fn note_time(&mut self, time: Duration, count: u32) {
        let each = (time / count.max(1)).as_nanos().max(1);
        let fit = usize::try_from(CHUNK_TIME.as_nanos() / each).unwrap_or(usize::MAX);
        let fit = fit.clamp(1, CHUNK_LIMIT);
        // By steps: the first ones may be shorter than the others, and a group may have taken long
        // because its worker had to wait for a CPU.
        self.chunk = fit.clamp(self.chunk.div_ceil(2), self.chunk * 8);
    }

    /// Learns from how long results are, of which this is the longest.
    fn note_lengths(&mut self, count: u32, longest: usize) {
        // More of them make no difference.
        for _ in 0..count.min(100) {
            self.longest -= self.longest.div_ceil(8);
        }
        self.longest = self.longest.max(longest);
    }

    /// How many inputs may be taken beyond the results given out.
    fn most(&self) -> usize {
        self.limit
            .unwrap_or_else(|| self.many().saturating_mul(4))
            .max(1)
    }

    /// A group for each worker.
    fn many(&self) -> usize {
        self.workers.saturating_mul(self.together())
    }

    /// How many tasks are to be sent together now.
    fn together(&self) -> usize {
        let size = match self.chunk_size {
            None => self.chunk,
            Some(group) => whole(self.chunk / 2, group),
        };
        let size = size.min(BYTES / 2 / self.longest.max(1));
        // Each worker is to have its share, and the next.
        let share = |limit: usize| limit / self.workers.saturating_mul(2).max(1);
        size.min(self.limit.map_or(size, share)).max(1)
    }

    fn is_memory_full(&self) -> bool {
        self.bytes >= self.workers.saturating_mul(BYTES)
            && self.ahead() >= self.workers.saturating_mul(2) as u64
    }
}

/// As many as are whole groups, and one group at least.
fn whole(count: usize, group: usize) -> usize {
    (count - count % group).max(group)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes inputs as long as there is room, and says how many.
    fn fill(window: &mut Window, bytes: usize) -> u64 {
        let before = window.taken();
        loop {
            let room = window.room(None);
            if room == 0 {
                return window.taken() - before;
            }
            for _ in 0..room {
                window.take(1);
                window.hold(bytes);
            }
        }
    }

    fn short_tasks(window: &mut Window) {
        for _ in 0..20 {
            window.note_time(Duration::from_nanos(10), 1);
        }
    }

    #[test]
    fn of_tasks_whose_time_is_not_known_few_are_taken() {
        let mut window = Window::new(2, None);
        assert_eq!(fill(&mut window, 10), 8);
        let mut window = Window::new(2, Some(3));
        assert_eq!(window.room(Some(3)), 1);
        assert_eq!(fill(&mut window, 10), 8);
    }

    #[test]
    fn short_tasks_are_sent_in_groups_that_do_not_grow_without_end() {
        let mut window = Window::new(2, None);
        short_tasks(&mut window);
        assert_eq!(window.room(None), CHUNK_LIMIT);
        assert_eq!(fill(&mut window, 10), 8 * CHUNK_LIMIT as u64);
        assert!(window.is_enough_under_way());
    }

    #[test]
    fn a_group_is_not_sent_for_each_result_that_is_given_out() {
        let mut window = Window::new(2, None);
        short_tasks(&mut window);
        fill(&mut window, 10);
        for _ in 1..CHUNK_LIMIT / 2 {
            window.give(0);
            assert_eq!(window.room(None), 0);
        }
        window.give(0);
        assert_eq!(window.room(None), CHUNK_LIMIT / 2);
    }

    #[test]
    fn a_long_task_makes_groups_short_again() {
        let mut window = Window::new(2, None);
        short_tasks(&mut window);
        for _ in 0..20 {
            window.note_time(Duration::from_millis(100), 1);
        }
        assert_eq!(window.room(None), 1);
    }

    #[test]
    fn a_limit_is_never_exceeded() {
        for (limit, expected) in [(0, 1), (1, 1), (3, 3), (1000, 1000)] {
            let mut window = Window::new(2, None);
            window.set_limit(limit);
            short_tasks(&mut window);
            assert_eq!(fill(&mut window, 10), expected);
            // It is shared among the workers.
            assert!(window.together() <= usize::max(1, limit / 4));
            // Results that are given out make room.
            window.arrive(1, 0, 0);
            assert_eq!(window.room(None), 0);
            for _ in 0..window.together() {
                window.give(0);
            }
            assert_eq!(window.room(None), window.together());
        }
    }

    #[test]
    fn tasks_with_long_results_are_not_sent_together() {
        for chunk_size in [None, Some(1)] {
            let mut window = Window::new(2, None);
            if let Some(size) = chunk_size {
                window.set_chunk_size(size);
            }
            short_tasks(&mut window);
            assert!(window.room(None) > 1000);
            window.note_lengths(1, BYTES);
            assert_eq!(window.room(None), 1);
            // It was an exception.
            for _ in 0..200 {
                window.note_lengths(1, 10);
            }
            assert!(window.room(None) > 1000);
        }
    }

    #[test]
    fn long_arguments_are_few() {
        let mut window = Window::new(2, None);
        window.set_chunk_size(1);
        window.set_limit(1000);
        assert_eq!(fill(&mut window, BYTES / 4), 8);
        assert!(window.is_enough_under_way());
        // However long they are, each worker has one and the next.
        let mut window = Window::new(2, None);
        assert_eq!(fill(&mut window, 100 * BYTES), 4);
    }

    #[test]
    fn long_results_that_wait_leave_room_for_few_inputs() {
        let mut window = Window::new(2, None);
        for _ in 0..8 {
            window.take(1);
            window.hold(10);
        }
        for _ in 1..8 {
            window.release(10);
            window.arrive(1, 2 * BYTES, 0);
        }
        assert_eq!(window.room(None), 0);
        for _ in 0..6 {
            window.give(2 * BYTES);
        }
        assert_ne!(window.room(None), 0);
    }

    #[test]
    fn the_last_tasks_are_shared() {
        let mut window = Window::new(2, None);
        short_tasks(&mut window);
        assert_eq!(window.room(Some(4000)), 1000);
        // What is shorter is not worth sending.
        assert_eq!(window.room(Some(4)), CHUNK_LIMIT / SHORTEST);
        window.set_chunk_size(100);
        short_tasks(&mut window);
        assert_eq!(window.room(Some(4)), 100);
    }

    #[test]
    fn short_groups_are_sent_several_at_a_time() {
        for group in [1, 7] {
            let mut window = Window::new(2, Some(1_000_000));
            window.set_chunk_size(group);
            assert_eq!(window.room(Some(1_000_000)), group);
            short_tasks(&mut window);
            assert_eq!(window.room(Some(1_000_000)), whole(CHUNK_LIMIT / 2, group));
            assert_eq!(window.room(Some(1000)), whole(250, group));
            assert_eq!(window.room(Some(3)), group);
            for _ in 0..20 {
                window.note_time(Duration::from_millis(2), 1);
            }
            assert_eq!(window.room(None), group);
        }
    }

    #[test]
    fn groups_of_a_size_that_is_given_are_not_shorter() {
        let mut window = Window::new(2, None);
        window.set_chunk_size(100);
        assert_eq!(fill(&mut window, 10), 800);
        for _ in 0..99 {
            window.give(0);
            assert_eq!(window.room(None), 0);
        }
        window.give(0);
        assert_eq!(window.room(None), 100);
    }

    #[test]
    fn it_is_known_when_there_is_room_again() {
        let mut window = Window::new(2, None);
        short_tasks(&mut window);
        fill(&mut window, 10);
        // Workers have enough to go on with, however many results are given out.
        assert_eq!(window.until_room(None), u64::MAX);
        let taken = u32::try_from(window.taken()).unwrap();
        window.arrive(taken, 0, 0);
        let left = window.until_room(None);
        assert!(left > 1);
        for _ in 1..left {
            window.give(0);
            assert_eq!(window.room(None), 0);
        }
        window.give(0);
        assert_ne!(window.room(None), 0);
    }
}
