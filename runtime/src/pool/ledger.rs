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
//! | [`STARTED`] and on | when the latest [`STARTS`] were claimed, in nanoseconds of the monotonic clock, [as far as the worker looked](super::watch) |
//! | [`SENT`] | the latest round whose message the pool has sent |
//! | [`ANSWERED`] | the latest round whose last reply the worker has sent |
//! | [`ASKED`] | the round (as in `CLAIMS`) and, counted from 1, the task of it that is asked to stop; or 0 |
//! | [`EXHAUSTED`] | what is not 0 if the worker crashed when it had been refused memory, in a task with a limit |
//! | [`LEAVING`] | not 0 if a task of this round has said that it is to be the last of its process |
//! | [`FORGOTTEN`] | how often the worker has forgotten the [files](super::files) that it had |
//! | [`TAKEN`] | how many bytes of the worker's standard error the pool has taken out of its pipe; with [`BUSY`] while it may be taking some |
//! | [`WRITTEN`] | how many bytes the worker had written to it before it claimed its latest task |
//! | [`RESULTS`] | the number of the first task whose result is on the board (high half), and how many bytes of results there are (low half) |
//!
//! Each message of tasks has a number, its round. The pool begins a new one only when all that was
//! claimed in the last has been answered; the message of a round of which nothing was claimed may
//! still be on its way then, and the worker finds that it is over.
//!
//! `ASKED` is written by the pool and read by the task. It says which task is meant, so a task that
//! has taken the place of that one meanwhile is not concerned; and a new round begins without, so
//! that a number which comes again is not mistaken for it. It is written when the task is claimed, and
//! stays: a task cannot miss it by not looking, whatever it does. Nothing else depends on it: a worker that
//! does not heed it is killed in the end.
//!
//! `LEAVING` is written by a task, and by the pool, which begins each round without: what was said
//! between two rounds, or by an initializer, is forgotten so. The worker looks at it before it claims the
//! next task of the round, and the pool when it takes in an answer, before it begins another round. The
//! task that said so was claimed, wrote it, and answered, in this order; so the pool sees it with
//! that answer at the latest, takes back what is not claimed, and lets the worker go when the rest is answered.
//! It does not matter which of the two looks first: a task that the worker does not claim any more is
//! taken back, as one that it could claim still. If the process dies right after it wrote, it has left.
//!
//! `TAKEN` and `WRITTEN` are of use if the pool keeps the last of what its workers write to the standard
//! error: they say where in it a task begins. What a worker has written is what the pool has taken out
//! of the pipe and what is still in there, which the kernel tells. So the worker reads `TAKEN`, asks the
//! kernel, and reads `TAKEN` again: if it is the same and not busy, the pool took nothing out between, and
//! the sum is right. The pool makes it busy before it reads from the pipe, and the kernel lets one
//! process at a time at a pipe: a worker that finds less in it than there was sees the busy word, or a
//! later one, when it reads again. It tries for a fifth of a second, in case the pool's thread is stopped in
//! between; then the sum may be too small by what was taken out just then, and the task's text begins too
//! early. The worker writes `WRITTEN` before it claims: if the process dies right after, no task is begun
//! for which it would count.
//!
//! `SENT` and `ANSWERED` are hints for who waits awake; nothing depends on them.
//!
//! # What if the worker writes nonsense
//!
//! | what it overwrites | then |
//! |---|---|
//! | claims | they are not what the pool offered: none of its tasks can be said not to have begun. A task that it answers in a message is answered; in the middle of a batch it is killed |
//! | starts | one before the round was offered, or after it was seen, is taken for that moment |
//! | results | more than were claimed is nonsense, as above, and so are all beside claims that cannot be. What else can be read is believed: a worker's results are its own |
//! | that it was refused memory | the error of a task that has a memory limit, and dies, blames that |
//! | what it is asked | its task stops, or does not until it is killed; the pool never reads it |
//! | how often it has forgotten its files | they are sent once more |
//! | that it is to leave | it leaves after its task, and another takes its place; or it does not |
//! | how much it has written | the text that the error of its task has of the standard error begins elsewhere, or is missing |
//! | hints | who waits awake does so for some microseconds |
//!
//! A batch ends for the worker when it cannot claim any more of it; the pool sees the nonsense when
//! it next looks ([`Ledger::claimed`]), and it looks while it waits for a batch.

use std::io;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU64, fence};
use std::thread;
use std::time::Duration;

use crate::process::Gauge;
use crate::sys::clock;
use crate::sys::exhaustion;
use crate::sys::fd::BorrowedFd;
use crate::sys::scoreboard::{BYTES, Scoreboard, WORDS};

const CLAIMS: usize = 0;
const RESULTS: usize = 1;
const SENT: usize = 2;
const ANSWERED: usize = 3;
const ASKED: usize = 4;
const EXHAUSTED: usize = 5;
const LEAVING: usize = 6;
const FORGOTTEN: usize = 7;
const TAKEN: usize = 8;
const WRITTEN: usize = 9;
const STARTED: usize = 16;

/// Stands in `TAKEN` beside the number, while that may change.
const BUSY: u64 = 1 << 63;

/// How many starts are remembered.
const STARTS: usize = WORDS - STARTED;

/// The pool's side.
///
/// The worker's process can write anything at any time, also by mistake: what stands on the board
/// is believed as far as it can be true. What the pool itself has written there it knows by heart.
#[derive(Debug)]
pub(super) struct Ledger {
    board: Scoreboard,
    /// The round as it was offered, and as far as it was seen to be claimed.
    known: AtomicU64,
    /// When it was offered.
    since: AtomicU64,
    /// When it was first seen that so many are claimed.
    seen: AtomicU64,
}

impl Ledger {
    pub(super) fn new() -> io::Result<Ledger> {
        Ok(Ledger {
            board: Scoreboard::new()?,
            known: AtomicU64::new(0),
            since: AtomicU64::new(now()),
            seen: AtomicU64::new(0),
        })
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.board.descriptor()
    }

    /// Lets the worker, which has nothing to do, claim this many tasks in a new round.
    pub(super) fn offer(&self, round: u16, count: u32) {
        self.board.words()[RESULTS].store(0, Relaxed);
        self.board.words()[ASKED].store(0, Relaxed);
        self.board.words()[LEAVING].store(0, Relaxed);
        let round = Round {
            number: round,
            limit: count.min(MAXIMUM),
            claimed: 0,
        };
        self.known.store(round.pack(), Relaxed);
        self.since.store(now(), Relaxed);
        self.board.words()[CLAIMS].store(round.pack(), Release);
    }

    /// Asks a task of the round, which is claimed, to stop.
    pub(super) fn ask(&self, task: u32) {
        let round = Round::unpack(self.known.load(Relaxed));
        self.board.words()[ASKED].store(round.current(task + 1), Relaxed);
    }

    /// Whether a task of the round has said that it is to be the worker's last.
    pub(super) fn is_leaving(&self) -> bool {
        self.board.words()[LEAVING].load(Acquire) != 0
    }

    /// How often the worker has forgotten its files, or is about to, unless it sees the round that was offered.
    pub(super) fn forgotten(&self) -> u64 {
        // See `Claims::forget`.
        fence(SeqCst);
        self.board.words()[FORGOTTEN].load(Relaxed)
    }

    /// The message of a round has been sent.
    pub(super) fn sent(&self, round: u16) {
        self.board.words()[SENT].store(round.into(), Release);
    }

    /// Whether the worker has sent its last reply of a round.
    pub(super) fn is_answered(&self, round: u16) -> bool {
        self.board.words()[ANSWERED].load(Acquire) == u64::from(round)
    }

    /// Whether the worker has noted that it was refused memory before it crashed.
    pub(super) fn is_exhausted(&self) -> bool {
        exhaustion::is_noted_at(&self.board.words()[EXHAUSTED])
    }

    /// How many tasks were claimed. `None`: what stands there cannot be.
    pub(super) fn claimed(&self) -> Option<u32> {
        let word = self.board.words()[CLAIMS].load(Acquire);
        self.understand(word).map(|round| round.claimed)
    }

    /// How many bytes the worker had written to its standard error before its latest task.
    pub(super) fn written_before(&self) -> u64 {
        self.board.words()[WRITTEN].load(Acquire)
    }

    /// Takes back what is not claimed, and says how many are. `None`: what stands there cannot be.
    pub(super) fn recall(&self) -> Option<u32> {
        let word = &self.board.words()[CLAIMS];
        let cut = |word| {
            let round = self.understand(word)?;
            let limit = round.claimed;
            Some(Round { limit, ..round }.pack())
        };
        let round = Round::unpack(word.fetch_update(AcqRel, Acquire, cut).ok()?);
        let limit = round.claimed;
        self.known.store(Round { limit, ..round }.pack(), Relaxed);
        Some(limit)
    }

    /// What a word says, if it can be so: the round is the one that was offered, and no more are
    /// claimed than may be, or fewer than were.
    fn understand(&self, word: u64) -> Option<Round> {
        let round = Round::unpack(word);
        let known = Round::unpack(self.known.load(Relaxed));
        let can_be = (round.number, round.limit) == (known.number, known.limit)
            && (known.claimed..=known.limit).contains(&round.claimed);
        if can_be && round.claimed > known.claimed {
            self.known.store(word, Relaxed);
            self.seen.store(now(), Relaxed);
        }
        can_be.then_some(round)
    }

    /// When the latest task was claimed, if one was. Not before the round was offered and not
    /// after it was seen, whatever the board says.
    pub(super) fn started(&self) -> u64 {
        let latest = self.claimed().unwrap_or(1).saturating_sub(1);
        let (since, seen) = (self.since.load(Relaxed), self.seen.load(Relaxed));
        let start = self.board.words()[place(latest)].load(Acquire);
        if (since..=now()).contains(&start) {
            start.min(seen.max(since))
        } else {
            since
        }
    }

    /// When a task of the round was claimed. Known of the latest ones that were.
    pub(super) fn start_of(&self, task: u32) -> Option<u64> {
        let behind = self.claimed()?.checked_sub(task)? as usize;
        // The one that is a whole turn behind is about to be overwritten.
        let is_known = (1..STARTS).contains(&behind);
        let start = is_known.then(|| self.board.words()[place(task)].load(Acquire));
        start.filter(|start| (self.since.load(Relaxed)..=now()).contains(start))
    }

    /// The number of the first task whose result is on the board, and the results. `None`: the
    /// worker has just sent them, or has overwritten the board.
    pub(super) fn results(&self) -> Option<(u32, Vec<u8>)> {
        let word = &self.board.words()[RESULTS];
        let (first, length) = unpack(word.load(Acquire));
        let length = BYTES.min(length as usize);
        let bytes = &self.board.bytes()[..length];
        let results = bytes.iter().map(|byte| byte.load(Relaxed)).collect();
        // Pairs with the fence in `sent`: who saw a byte that was written after it sees that the
        // results begin with another task now.
        fence(Acquire);
        let (still, _) = unpack(word.load(Relaxed));
        // Looked at last: bytes of a board that is being overwritten are not results.
        let is_sane = self.claimed().is_some();
        (still == first && is_sane).then_some((first, results))
    }
}

impl Gauge for Ledger {
    fn begin(&self) {
        let taken = &self.board.words()[TAKEN];
        taken.store(taken.load(Relaxed) | BUSY, Release);
    }

    fn taken(&self, count: u64) {
        self.board.words()[TAKEN].store(count, Release);
    }
}

/// The worker's side.
#[derive(Debug)]
pub(super) struct Claims<'b>(pub(super) &'b Scoreboard);

impl Claims<'_> {
    /// The current round.
    pub(super) fn round(&self) -> u16 {
        Round::unpack(self.0.words()[CLAIMS].load(Acquire)).number
    }

    /// Whether the message of a later round than this has been sent. That of this one may have arrived before
    /// the pool has noted so.
    pub(super) fn is_sent_after(&self, round: u16) -> bool {
        let sent = self.0.words()[SENT].load(Acquire) & u64::from(u16::MAX);
        let sent = u16::try_from(sent).unwrap_or(round);
        (1..=u16::MAX / 2).contains(&sent.wrapping_sub(round))
    }

    /// The last reply of a round has been sent.
    pub(super) fn answered(&self, round: u16) {
        self.0.words()[ANSWERED].store(round.into(), Release);
    }

    /// Whether the task that runs, the last that was claimed, is asked to stop.
    pub(super) fn is_asked(&self) -> bool {
        let asked = self.0.words()[ASKED].load(Relaxed);
        if asked == 0 {
            return false;
        }
        let round = Round::unpack(self.0.words()[CLAIMS].load(Relaxed));
        asked == round.current(round.claimed)
    }

    /// Notes that this process has forgotten its files so often, and says whether it may: no message that
    /// counts on them is under way, and none is after that of this round.
    pub(super) fn forget(&self, times: u64, round: u16) -> bool {
        self.0.words()[FORGOTTEN].store(times, Relaxed);
        // The pool offers a round before it looks at this word, with a fence between likewise: if the round
        // is not seen here, the number is seen there.
        fence(SeqCst);
        self.round() == round
    }

    /// The task that runs is to be the last of this process.
    pub(super) fn leave(&self) {
        self.0.words()[LEAVING].store(1, Release);
    }

    /// Whether a task of the round has said so.
    pub(super) fn is_leaving(&self) -> bool {
        self.0.words()[LEAVING].load(Acquire) != 0
    }

    /// Notes how many bytes this process has written to its standard error. `unread` tells how many of
    /// them are still in the pipe.
    pub(super) fn note_written(&self, unread: impl Fn() -> Option<u64>) {
        /// How often it is tried at once, and then once in a millisecond: the pool's thread may have to wait
        /// for a CPU.
        const AT_ONCE: usize = 1000;
        const TRIES: usize = AT_ONCE + 200;

        let word = &self.0.words()[TAKEN];
        for attempt in 1..=TRIES {
            let taken = word.load(Acquire);
            let is_last = attempt == TRIES;
            if taken & BUSY == 0 || is_last {
                let Some(unread) = unread() else {
                    return;
                };
                fence(Acquire);
                if word.load(Relaxed) == taken || is_last {
                    let written = (taken & !BUSY).saturating_add(unread);
                    return self.0.words()[WRITTEN].store(written, Release);
                }
            }
            if attempt < AT_ONCE {
                thread::yield_now();
            } else {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Claims the next task of a round, which starts now; false if it was taken back.
    #[inline]
    pub(super) fn claim(&self, round: u16, now: u64) -> bool {
        let word = &self.0.words()[CLAIMS];
        let mut seen = word.load(Acquire);
        loop {
            let is = Round::unpack(seen);
            if is.number != round || is.claimed >= is.limit {
                return false;
            }
            self.0.words()[place(is.claimed)].store(now, Release);
            // The number of those that are claimed stands in the lowest bits, and there is one more.
            match word.compare_exchange_weak(seen, seen + 1, AcqRel, Acquire) {
                Ok(_) => return true,
                Err(other) => seen = other,
            }
        }
    }

    /// Puts a result behind the `length` bytes of results that are there, those of the tasks from
    /// `first` on; false if there is no room.
    #[inline]
    pub(super) fn put(&self, first: u32, length: usize, result: &[u8]) -> bool {
        let end = length + result.len();
        let Some(places) = self.0.bytes().get(length..end) else {
            return false;
        };
        for (place, byte) in places.iter().zip(result) {
            place.store(*byte, Relaxed);
        }
        self.set(first, end);
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

/// Lets a crash of this process at the memory limit of a task be noted.
pub(super) fn note_exhaustion(board: &'static Scoreboard) {
    exhaustion::note_at(&board.words()[EXHAUSTED]);
}

/// Where the start of a task stands.
fn place(task: u32) -> usize {
    STARTED + task as usize % STARTS
}

/// The monotonic clock in nanoseconds, the same in all processes.
pub(super) fn now() -> u64 {
    clock::nanoseconds()
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

    /// What names the task that runs when so many of the round are claimed.
    fn current(self, claimed: u32) -> u64 {
        let (limit, claimed) = (0, claimed.min(MAXIMUM));
        Round {
            limit,
            claimed,
            ..self
        }
        .pack()
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
        let board = Scoreboard::map(descriptor.into()).unwrap();
        test(&ledger, &Claims(&board));
    }

    #[test]
    fn the_latest_starts_are_known() {
        check(|ledger, claims| {
            ledger.offer(7, 1000);
            assert_eq!(ledger.start_of(0), None);
            let starts: Vec<_> = (0..100).map(|_| now()).collect();
            for start in &starts {
                assert!(claims.claim(7, *start));
            }
            assert_eq!(ledger.start_of(100), None);
            assert_eq!(ledger.start_of(99), Some(starts[99]));
            assert_eq!(ledger.started(), starts[99]);
            assert_eq!(ledger.start_of(50), Some(starts[50]));
            assert_eq!(ledger.start_of(0), None);
        });
    }

    #[test]
    fn a_start_that_cannot_be_is_not_believed() {
        check(|ledger, claims| {
            let before = now();
            ledger.offer(7, 9);
            for start in [0, before - 1, u64::MAX] {
                assert!(claims.claim(7, start));
                let task = ledger.claimed().unwrap() - 1;
                assert_eq!(ledger.start_of(task), None);
                assert!((before..=now()).contains(&ledger.started()));
            }
            // One that moves on while the task runs is not believed either.
            assert!(claims.claim(7, now()));
            let seen = ledger.claimed().map(|_| now()).unwrap();
            ledger.board.words()[place(3)].store(now() + 1, Relaxed);
            std::thread::sleep(std::time::Duration::from_millis(1));
            assert!(ledger.started() <= seen);
        });
    }

    #[test]
    fn claims_that_cannot_be_are_not_believed() {
        check(|ledger, claims| {
            let words = [0, 1, 3, u64::MAX, 0x0101_0101_0101_0101];
            for word in words {
                ledger.offer(7, 4);
                assert!(claims.claim(7, 0));
                assert!(claims.claim(7, 0));
                assert_eq!(ledger.claimed(), Some(2));
                ledger.board.words()[CLAIMS].store(word, Relaxed);
                assert_eq!((ledger.claimed(), ledger.recall()), (None, None));
                assert_eq!(ledger.results(), None);
                assert_eq!(ledger.start_of(0), None);
                assert!(!claims.claim(7, 0));
            }
            // More than may be, another limit, and more than were taken back.
            ledger.offer(7, 4);
            for (limit, claimed) in [(4, 5), (5, 1)] {
                let round = Round {
                    number: 7,
                    limit,
                    claimed,
                };
                ledger.board.words()[CLAIMS].store(round.pack(), Relaxed);
                assert_eq!(ledger.claimed(), None);
            }
            ledger.offer(8, 4);
            assert!(claims.claim(8, 0));
            assert_eq!(ledger.recall(), Some(1));
            let round = Round {
                number: 8,
                limit: 4,
                claimed: 1,
            };
            ledger.board.words()[CLAIMS].store(round.pack(), Relaxed);
            assert_eq!(ledger.claimed(), None);
            // The next round is as good as any.
            ledger.offer(9, 1);
            assert_eq!(ledger.claimed(), Some(0));
        });
    }

    #[test]
    fn a_task_is_claimed_or_taken_back() {
        check(|ledger, claims| {
            assert!(!claims.claim(7, 0));
            ledger.offer(7, 3);
            assert!(claims.claim(7, 0));
            assert_eq!(ledger.claimed(), Some(1));
            assert!(claims.claim(7, 0));
            assert_eq!(ledger.recall(), Some(2));
            assert!(!claims.claim(7, 0));
            assert_eq!(ledger.claimed(), Some(2));
            ledger.offer(8, 1);
            assert!(!claims.claim(7, 0));
            assert!(claims.claim(8, 0));
        });
    }

    #[test]
    fn a_worker_forgets_its_files_unless_a_round_was_offered_since() {
        check(|ledger, claims| {
            ledger.offer(7, 1);
            assert!(claims.forget(1, 7));
            assert_eq!(ledger.forgotten(), 1);
            ledger.offer(8, 1);
            assert!(!claims.forget(2, 7));
            assert_eq!(ledger.forgotten(), 2);
        });
    }

    #[test]
    fn of_a_worker_that_forgets_and_a_pool_that_sends_one_sees_the_other() {
        check(|ledger, claims| {
            for round in 1..2_000 {
                let start = std::sync::Barrier::new(2);
                let (seen, forgets) = std::thread::scope(|scope| {
                    let worker = scope.spawn(|| {
                        start.wait();
                        claims.forget(round.into(), round - 1)
                    });
                    start.wait();
                    ledger.offer(round, 1);
                    let seen = ledger.forgotten() == u64::from(round);
                    (seen, worker.join().unwrap())
                });
                assert!(seen || !forgets);
            }
        });
    }

    #[test]
    fn a_message_is_sent_when_its_round_is_a_later_one() {
        check(|ledger, claims| {
            for round in [0, 7, u16::MAX - 1, u16::MAX] {
                ledger.sent(round.wrapping_sub(1));
                assert!(!claims.is_sent_after(round));
                ledger.sent(round);
                assert!(!claims.is_sent_after(round));
                ledger.sent(round.wrapping_add(1));
                assert!(claims.is_sent_after(round));
            }
        });
    }

    #[test]
    fn a_task_is_asked_to_stop_and_none_after_it() {
        check(|ledger, claims| {
            assert!(!claims.is_asked());
            ledger.offer(7, 4);
            assert!(claims.claim(7, 0));
            assert!(!claims.is_asked());
            ledger.ask(0);
            assert!(claims.is_asked());
            // Taking others back changes nothing for it.
            assert_eq!(ledger.recall(), Some(1));
            assert!(claims.is_asked());
            ledger.offer(8, 4);
            assert!(claims.claim(8, 0));
            assert!(!claims.is_asked());
            // Too late for the first.
            assert!(claims.claim(8, 0));
            ledger.ask(0);
            assert!(!claims.is_asked());
            ledger.ask(1);
            assert!(claims.is_asked());
            assert!(claims.claim(8, 0));
            assert!(!claims.is_asked());
            // The number of a round comes again.
            ledger.ask(2);
            ledger.offer(8, 4);
            assert!((0..3).all(|_| claims.claim(8, 0) && !claims.is_asked()));
        });
    }

    #[test]
    fn what_a_task_says_of_its_process_holds_for_the_round() {
        check(|ledger, claims| {
            // No task runs.
            claims.leave();
            ledger.offer(7, 4);
            assert!(!ledger.is_leaving() && !claims.is_leaving());
            assert!(claims.claim(7, 0));
            claims.leave();
            assert!(ledger.is_leaving() && claims.is_leaving());
            assert_eq!(ledger.recall(), Some(1));
            assert!(!claims.claim(7, 0));
            ledger.offer(8, 4);
            assert!(!ledger.is_leaving() && !claims.is_leaving());
        });
    }

    #[test]
    fn results_stay_on_the_board_until_they_are_sent() {
        check(|ledger, claims| {
            ledger.offer(7, 9);
            assert!(claims.put(0, 0, b"one!"));
            assert!(claims.put(0, 4, b"two"));
            assert_eq!(ledger.results(), Some((0, b"one!two".to_vec())));
            claims.sent(2);
            assert_eq!(ledger.results(), Some((2, Vec::new())));
            assert!(!claims.put(2, BYTES, b"x"));
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
                        claims.put(first, (task - first) as usize * 4, &task.to_ne_bytes());
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
                let recalled = ledger.recall().unwrap();
                (claiming.join().unwrap(), recalled)
            });
            assert_eq!(claimed, recalled as usize);
        });
    }
}
