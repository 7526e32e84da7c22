//! How far a map runs ahead of its results, and how many calls go together.
//!
//! A pure function of what it is told, as the pool's is; but a group costs a round trip through a server, and
//! so is longer.

use std::time::Duration;

/// How long the calls that are sent together shall take.
const GROUP_TIME: Duration = Duration::from_millis(40);

/// How many calls are sent together at most.
const GROUP_LIMIT: usize = 2048;

/// How many bytes of arguments are under way for each worker, but two groups in any case.
const BYTES: usize = 4 << 20;

#[derive(Debug)]
pub(crate) struct Window {
    workers: usize,
    /// How many calls go together, and how many inputs may be taken ahead, if the user says it.
    chunk_size: Option<usize>,
    limit: Option<usize>,
    /// How long a call takes, as far as is known.
    time: Option<Duration>,
    taken: usize,
    arrived: usize,
    given: usize,
    groups: usize,
    bytes: usize,
}

impl Window {
    pub(crate) fn new() -> Window {
        Window {
            workers: 1,
            chunk_size: None,
            limit: None,
            time: None,
            taken: 0,
            arrived: 0,
            given: 0,
            groups: 0,
            bytes: 0,
        }
    }

    pub(crate) fn set_workers(&mut self, workers: usize) {
        self.workers = workers.max(1);
    }

    pub(crate) fn set_chunk_size(&mut self, size: usize) {
        self.chunk_size = Some(size.max(1));
    }

    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = Some(limit.max(1));
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken
    }

    pub(crate) fn arrived(&self) -> usize {
        self.arrived
    }

    pub(crate) fn given(&self) -> usize {
        self.given
    }

    /// Takes the next input, and says its number.
    pub(crate) fn take(&mut self) -> usize {
        self.taken += 1;
        self.taken - 1
    }

    pub(crate) fn arrive(&mut self) {
        self.arrived += 1;
    }

    pub(crate) fn give(&mut self) {
        self.given += 1;
    }

    pub(crate) fn begin_group(&mut self, bytes: usize) {
        self.groups += 1;
        self.bytes += bytes;
    }

    pub(crate) fn end_group(&mut self, bytes: usize) {
        self.groups = self.groups.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
    }

    /// Notes that so many calls took so long, one after another.
    pub(crate) fn note_time(&mut self, calls: usize, ran: Duration) {
        let calls = u32::try_from(calls.max(1)).unwrap_or(u32::MAX);
        let time = ran / calls;
        // What was is forgotten soon, but not because of one.
        self.time = Some(match self.time {
            Some(before) => (before * 3 + time) / 4,
            None => time,
        });
    }

    /// How many inputs may be taken for the next group, when so many are left, if that is known.
    pub(crate) fn room(&self, left: Option<usize>) -> usize {
        let ahead = self.taken - self.given;
        let size = self.size(left);
        // One for each worker, the next, and one on its way.
        let groups = 2 * self.workers + 1;
        // Results that wait for one before them count, too.
        let limit = self.limit.unwrap_or(2 * groups * size.max(self.usual()));
        if self.groups >= groups
            || ahead >= limit
            || (self.bytes >= BYTES.saturating_mul(self.workers) && self.groups >= 2)
        {
            return 0;
        }
        size.min(limit - ahead)
    }

    /// How many calls go together.
    fn size(&self, left: Option<usize>) -> usize {
        if let Some(size) = self.chunk_size {
            return size;
        }
        let mut size = self.usual();
        if let Some(limit) = self.limit {
            size = size.min((limit / (2 * self.workers)).max(1));
        }
        if let Some(left) = left {
            // The last ones are shared.
            let shortest = size.div_ceil(8);
            size = size.min((left / (2 * self.workers)).max(shortest));
        }
        size.max(1)
    }

    fn usual(&self) -> usize {
        let Some(time) = self.time else {
            return 1;
        };
        let size = GROUP_TIME.as_nanos() / time.as_nanos().max(1);
        usize::try_from(size)
            .unwrap_or(GROUP_LIMIT)
            .clamp(1, GROUP_LIMIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(workers: usize) -> Window {
        let mut window = Window::new();
        window.set_workers(workers);
        window
    }

    fn send(window: &mut Window, size: usize) {
        for _ in 0..size {
            window.take();
        }
        window.begin_group(8 * size);
    }

    #[test]
    fn short_calls_go_together_and_long_ones_alone() {
        let mut window = window(2);
        assert_eq!(window.room(None), 1);
        window.note_time(1, Duration::from_millis(1));
        assert_eq!(window.room(None), 40);
        window.note_time(1, Duration::from_secs(10));
        window.note_time(1, Duration::from_secs(10));
        assert_eq!(window.room(None), 1);
    }

    #[test]
    fn it_runs_ahead_by_a_bounded_number() {
        let mut window = window(2);
        window.note_time(1, Duration::from_millis(1));
        let mut groups = 0;
        while window.room(None) > 0 {
            let size = window.room(None);
            send(&mut window, size);
            groups += 1;
            assert!(groups < 100);
        }
        assert_eq!(groups, 5);
        window.set_limit(3);
        window.end_group(0);
        assert_eq!(window.room(None), 0);
    }

    #[test]
    fn a_limit_makes_small_groups() {
        let mut window = window(2);
        window.note_time(1, Duration::from_micros(1));
        window.set_limit(10);
        assert_eq!(window.room(None), 2);
        window.set_limit(1);
        assert_eq!(window.room(None), 1);
    }

    #[test]
    fn the_last_ones_are_shared() {
        let mut window = window(4);
        window.note_time(1, Duration::from_millis(1));
        assert_eq!(window.room(Some(80)), 10);
        assert_eq!(window.room(Some(8)), 5);
    }
}
