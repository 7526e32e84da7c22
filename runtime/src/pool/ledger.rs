//! Who has begun what: the board that a pool shares with one of its workers.
//!
//! The pool hands a worker several tasks at once; the worker claims them one by one, in order,
//! right before it runs them. The pool can take back those that are not claimed. Both sides change
//! one word, so that each task is either claimed or taken back, never both, and what was claimed
//! stands there for ever, also if the worker is killed in the next instant.
//!
//! The result of a task in a batch goes onto the board before the next one is claimed, and in a
//! message some time later, together with others. A worker that dies in between leaves it there,
//! and if the next task takes long, the pool takes it from there.
//!
//! | word | |
//! |---|---|
//! | [`CLAIMS`] | the round (16 bits), how many of its tasks may be claimed (24 bits), how many are (24 bits) |
//! | [`STARTED`] and on | when the latest [`STARTS`] were claimed, in nanoseconds of the monotonic clock |
//! | [`SENT`] | the latest round whose message the pool has sent |
//! | [`ANSWERED`] | the latest round whose last reply the worker has sent |
//! | [`RESULTS`] | the number of the first task whose result is on the board (high half), and how many bytes of results there are (low half) |
//!
//! Each message of tasks has a number, its round. The pool begins a new one only when all that was
//! claimed in the last has been answered; the message of a round of which nothing was claimed may
//! still be on its way then, and the worker finds that it is over.
//!
//! The last two words are hints for who waits awake; nothing depends on them.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use std::sync::atomic::fence;

use rustix::time::{ClockId, clock_gettime};

use crate::sys::board::{BYTES, Board, WORDS};

const CLAIMS: usize = 0;
const RESULTS: usize = 1;
const SENT: usize = 2;
const ANSWERED: usize = 3;
const STARTED: usize = 8;

/// How many starts are remembered.
const STARTS: usize = WORDS - STARTED;

/// The pool's side.
#[derive(Debug)]
pub(super) struct Ledger(Board);

impl Ledger {
    pub(super) fn new() -> io::Result<Ledger> {
        Ok(Ledger(Board::new()?))
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.descriptor()
    }

    /// Lets the worker, which has nothing to do, claim this many tasks in a new round.
    pub(super) fn offer(&self, round: u16, count: u32) {
        self.0.words()[RESULTS].store(0, Relaxed);
        let round = Round {
            number: round,
            limit: count.min(MAXIMUM),
            claimed: 0,
        };
        self.0.words()[CLAIMS].store(round.pack(), Release);
    }

    /// The message of a round has been sent.
    pub(super) fn sent(&self, round: u16) {
        self.0.words()[SENT].store(round.into(), Release);
    }

    /// Whether the worker has sent its last reply of a round.
    pub(super) fn is_answered(&self, round: u16) -> bool {
        self.0.words()[ANSWERED].load(Acquire) == u64::from(round)
    }

    /// How many tasks were claimed.
    pub(super) fn claimed(&self) -> u32 {
        Round::unpack(self.0.words()[CLAIMS].load(Acquire)).claimed
    }

    /// Takes back what is not claimed, and says how many are.
    pub(super) fn recall(&self) -> u32 {
        let word = &self.0.words()[CLAIMS];
        let update = |word| {
            let round = Round::unpack(word);
            let limit = round.claimed;
            Some(Round { limit, ..round }.pack())
        };
        match word.fetch_update(AcqRel, Acquire, update) {
            Ok(word) | Err(word) => Round::unpack(word).claimed,
        }
    }

    /// When the latest task was claimed.
    pub(super) fn started(&self) -> u64 {
        let latest = self.claimed().saturating_sub(1);
        self.0.words()[place(latest)].load(Acquire)
    }

    /// When a task of the round was claimed. Known of the latest ones that were.
    pub(super) fn start_of(&self, task: u32) -> Option<u64> {
        let behind = self.claimed().checked_sub(task)? as usize;
        // The one that is a whole turn behind is about to be overwritten.
        let is_known = (1..STARTS).contains(&behind);
        is_known.then(|| self.0.words()[place(task)].load(Acquire))
    }

    /// The number of the first task whose result is on the board, and the results. `None`: the
    /// worker has just sent them.
    pub(super) fn results(&self) -> Option<(u32, Vec<u8>)> {
        let word = &self.0.words()[RESULTS];
        let (first, length) = unpack(word.load(Acquire));
        let length = BYTES.min(length as usize);
        let bytes = &self.0.bytes()[..length];
        let results = bytes.iter().map(|byte| byte.load(Relaxed)).collect();
        // Pairs with the fence in `sent`: who saw a byte that was written after it sees that the
        // results begin with another task now.
        fence(Acquire);
        let (still, _) = unpack(word.load(Relaxed));
        (still == first).then_some((first, results))
    }
}

/// The worker's side.
#[derive(Debug)]
pub(super) struct Claims<'b>(pub(super) &'b Board);

impl Claims<'_> {
    /// The current round.
    pub(super) fn round(&self) -> u16 {
        Round::unpack(self.0.words()[CLAIMS].load(Acquire)).number
    }

    /// Whether the message of another round than this has been sent.
    pub(super) fn is_sent_after(&self, round: u16) -> bool {
        self.0.words()[SENT].load(Acquire) != u64::from(round)
    }

    /// The last reply of a round has been sent.
    pub(super) fn answered(&self, round: u16) {
        self.0.words()[ANSWERED].store(round.into(), Release);
    }

    /// Claims the next task of a round, which starts now; false if it was taken back.
    pub(super) fn claim(&self, round: u16, now: u64) -> bool {
        let word = &self.0.words()[CLAIMS];
        let task = Round::unpack(word.load(Acquire)).claimed;
        self.0.words()[place(task)].store(now, Release);
        let update = |word| {
            let is = Round::unpack(word);
            let claimed = is.claimed + 1;
            (is.number == round && claimed <= is.limit).then(|| Round { claimed, ..is }.pack())
        };
        word.fetch_update(AcqRel, Acquire, update).is_ok()
    }

    /// Puts a result behind the `length` bytes of results that are there, those of the tasks from
    /// `first` on; false if there is no room.
    pub(super) fn put(&self, first: u32, length: usize, result: &[&[u8]]) -> bool {
        let added: usize = result.iter().map(|part| part.len()).sum();
        let Some(places) = self.0.bytes().get(length..length + added) else {
            return false;
        };
        let bytes = result.iter().copied().flatten();
        for (place, byte) in places.iter().zip(bytes) {
            place.store(*byte, Relaxed);
        }
        self.set(first, length + added);
        true
    }

    /// Says that the results before that of task `first` have been sent.
    pub(super) fn sent(&self, first: u32) {
        self.set(first, 0);
        // The pool may be reading: see `Ledger::results`.
        fence(Release);
    }

    fn set(&self, first: u32, length: usize) {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        self.0.words()[RESULTS].store(pack(first, length), Release);
    }
}

/// Where the start of a task stands.
fn place(task: u32) -> usize {
    STARTED + task as usize % STARTS
}

/// The monotonic clock in nanoseconds, the same in all processes.
pub(super) fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}

/// What stands in [`CLAIMS`].
#[derive(Debug, Clone, Copy)]
struct Round {
    number: u16,
    limit: u32,
    claimed: u32,
}

/// The most tasks in a round.
pub(super) const MAXIMUM: u32 = (1 << 24) - 1;

impl Round {
    fn pack(self) -> u64 {
        u64::from(self.number) << 48 | u64::from(self.limit) << 24 | u64::from(self.claimed)
    }

    fn unpack(word: u64) -> Round {
        let part = |shift: u32| u32::try_from(word >> shift & u64::from(MAXIMUM)).unwrap_or(0);
        Round {
            number: u16::try_from(word >> 48).unwrap_or(0),
            limit: part(24),
            claimed: part(0),
        }
    }
}

fn pack(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

fn unpack(word: u64) -> (u32, u32) {
    let low = u32::try_from(word & u64::from(u32::MAX)).unwrap_or(u32::MAX);
    (u32::try_from(word >> 32).unwrap_or(u32::MAX), low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(test: impl FnOnce(&Ledger, &Claims<'_>)) {
        let ledger = Ledger::new().unwrap();
        let descriptor = ledger.descriptor().try_clone_to_owned().unwrap();
        let board = Board::map(descriptor.into()).unwrap();
        test(&ledger, &Claims(&board));
    }

    #[test]
    fn the_latest_starts_are_known() {
        check(|ledger, claims| {
            ledger.offer(7, 1000);
            assert_eq!(ledger.start_of(0), None);
            for task in 0..100 {
                assert!(claims.claim(7, 5000 + task));
            }
            assert_eq!(ledger.start_of(100), None);
            assert_eq!(ledger.start_of(99), Some(5099));
            assert_eq!(ledger.started(), 5099);
            assert_eq!(ledger.start_of(50), Some(5050));
            assert_eq!(ledger.start_of(0), None);
        });
    }

    #[test]
    fn a_task_is_claimed_or_taken_back() {
        check(|ledger, claims| {
            assert!(!claims.claim(7, 0));
            ledger.offer(7, 3);
            assert!(claims.claim(7, 0));
            assert_eq!(ledger.claimed(), 1);
            assert!(claims.claim(7, 0));
            assert_eq!(ledger.recall(), 2);
            assert!(!claims.claim(7, 0));
            assert_eq!(ledger.claimed(), 2);
            ledger.offer(8, 1);
            assert!(!claims.claim(7, 0));
            assert!(claims.claim(8, 0));
        });
    }

    #[test]
    fn results_stay_on_the_board_until_they_are_sent() {
        check(|ledger, claims| {
            ledger.offer(7, 9);
            assert!(claims.put(0, 0, &[b"one", b"!"]));
            assert!(claims.put(0, 4, &[b"two"]));
            assert_eq!(ledger.results(), Some((0, b"one!two".to_vec())));
            claims.sent(2);
            assert_eq!(ledger.results(), Some((2, Vec::new())));
            assert!(!claims.put(2, BYTES, &[b"x"]));
        });
    }

    #[test]
    fn results_are_whole_while_the_worker_goes_on() {
        check(|ledger, claims| {
            const TASKS: u32 = 200_000;
            ledger.offer(7, TASKS);
            std::thread::scope(|scope| {
                let working = scope.spawn(|| {
                    for task in 0..TASKS {
                        let first = task / 8 * 8;
                        claims.put(first, (task - first) as usize * 4, &[&task.to_ne_bytes()]);
                        if task + 1 == first + 8 {
                            claims.sent(task + 1);
                        }
                    }
                });
                while !working.is_finished() {
                    let Some((first, results)) = ledger.results() else {
                        continue;
                    };
                    for (task, bytes) in (first..).zip(results.chunks(4)) {
                        assert_eq!(bytes, task.to_ne_bytes());
                    }
                }
            });
        });
    }

    #[test]
    fn claims_and_recalls_from_two_threads_agree() {
        check(|ledger, claims| {
            const TASKS: u32 = 100_000;
            ledger.offer(7, TASKS);
            let (claimed, recalled) = std::thread::scope(|scope| {
                let claiming =
                    scope.spawn(|| (0..TASKS).take_while(|_| claims.claim(7, 0)).count());
                std::thread::yield_now();
                let recalled = ledger.recall();
                (claiming.join().unwrap(), recalled)
            });
            assert_eq!(claimed, recalled as usize);
        });
    }
}
