//! A worker of the pool, as the supervisor knows it.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::crash::CrashReport;
use crate::pool::files::Lent;
use crate::pool::ledger::{Ledger, now};
use crate::pool::scheduler::{Cause, Part, WorkerId};
use crate::pool::settings::Initializer;
use crate::process::{Inquiry, Killed, Member};
use crate::sys::deadline;
use crate::sys::notify_fd::NotifyFd;
use crate::sys::poller::{Interest, Poller};
use crate::trace::Span;
use crate::transport::{EncodedMessage, Outbox};

/// How long a process may take to begin a task that has a timeout, unless that is longer.
const BEGINNING: Duration = Duration::from_secs(1);

/// How long nothing may be heard of a worker before what it has not begun is given to others that
/// are idle, and what it has done is looked for.
pub(super) const STANDSTILL: Duration = Duration::from_millis(10);

/// What the supervisor knows of a worker.
pub(super) struct WorkerState {
    pub(super) process: Member,
    pub(super) ledger: Arc<Ledger>,
    pub(super) outbox: Option<Outbox>,
    pub(super) round: u16,
    /// The files that it has.
    pub(super) lent: Lent,
    pub(super) stage: WorkerStage,
    /// What it has to run first, until it has.
    pub(super) initializer: Option<Arc<Initializer>>,
    /// When its start began, by the clock of the ledger.
    pub(super) started: u64,
    /// When it was last heard of, or took in a piece of what it is sent.
    pub(super) heard: Instant,
    /// Until when it is known what it did, by the clock of the ledger.
    pub(super) noted: u64,
    /// When to look at its board.
    pub(super) look: Option<Instant>,
    /// When to look whether its task takes too long.
    pub(super) check: Option<Instant>,
    /// When it is to have left.
    pub(super) leave: Option<Instant>,
    /// When it became ready to work.
    pub(super) ready: Option<Instant>,
    /// That its task is asked to stop.
    pub(super) asked: Option<Asked>,
    pub(super) killed: Option<Purpose>,
    /// Until it is killed, if it was asked where it is.
    pub(super) inquiry: Option<Inquiry>,
    /// Why its last message could not be taken.
    pub(super) broken: Option<io::Error>,
    /// What it said of a crash, or when it was asked where it is.
    pub(super) crash: CrashReport,
    /// Nothing more is to be heard.
    pub(super) closed: bool,
    pub(super) reader: Reader,
    /// Wakes the thread that reads in the supervisor's place.
    pub(super) notify_fd: Option<NotifyFd>,
}

/// What the supervisor hears of a worker from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WorkerSource {
    Pidfd,
    Connection,
    /// A long message that arrives beside the connection.
    Annex,
    /// There is room for more of a long message to it.
    Outbox,
}

impl WorkerSource {
    const ALL: [WorkerSource; 4] = [
        WorkerSource::Pidfd,
        WorkerSource::Connection,
        WorkerSource::Annex,
        WorkerSource::Outbox,
    ];

    /// The key under which the poller tells of a worker's source.
    pub(super) fn key(self, id: WorkerId) -> u64 {
        id << 2 | self as u64
    }

    /// Whose source it is that the poller has told of, and which.
    pub(super) fn of(key: u64) -> (WorkerId, WorkerSource) {
        (key >> 2, WorkerSource::ALL[(key & 3) as usize])
    }
}

/// What the pool has ended a worker for. Whether that is how it ended is another question: it may
/// have died by itself before, or have done meanwhile what it was ended for not doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It did not reach its dispatch in time.
    Handshake,
    /// The time of the initializer was over.
    Initializer,
    /// The time of this task of its part was over.
    Timeout(u32),
    /// What it ran was cancelled.
    Cancelled,
    /// It was sent a task that has a timeout, and does not begin it.
    Standstill,
    /// What it says or writes makes no sense, or cannot be taken.
    Nonsense,
    /// It is to be there no more: it has nothing to do, takes its time to leave, or holds half of
    /// a message.
    Leaving,
}

impl Purpose {
    /// Whether the worker may be asked before it is ended where it is.
    pub(super) fn is_inquired(self) -> bool {
        matches!(
            self,
            Purpose::Initializer | Purpose::Timeout(_) | Purpose::Cancelled
        )
    }

    /// What its death means for the pool.
    pub(super) fn cause(self) -> Cause {
        match self {
            Purpose::Handshake | Purpose::Initializer => Cause::Unready,
            Purpose::Timeout(_) | Purpose::Cancelled | Purpose::Leaving => Cause::Pool,
            Purpose::Standstill | Purpose::Nonsense => Cause::Itself,
        }
    }
}

/// A request to a task to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// Which of the worker's part.
    pub(super) task: u32,
    /// What its worker is ended for if it does not.
    pub(super) purpose: Purpose,
    /// When; never, if there is no such time.
    pub(super) until: Option<Instant>,
}

impl Asked {
    /// What the task was asked to stop for, in the words of its result.
    pub(super) fn why(&self) -> Killed {
        match self.purpose {
            Purpose::Timeout(_) => Killed::TimedOut,
            _ => Killed::Cancelled,
        }
    }
}

/// Whether a task's time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    InTime,
    /// It is; so many tasks are begun, and no others will be.
    Over(u32, Purpose),
    /// It was, but the task has ended and another one has begun; so many are, and no others will
    /// be.
    GoneOn(u32),
}

/// Which thread reads what a worker says. How it ends, the supervisor always sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    Supervisor,
    /// The thread that waits for the result of its task.
    Waiter,
    /// None: it has nothing to do, and nothing to say therefore.
    Idle,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WorkerStage {
    Preparing,
    Initializing,
    /// It has run the initializer, and what that returned is being looked at.
    Judged,
    Working,
}

impl WorkerState {
    /// A worker that has just been started.
    pub(super) fn new(
        process: Member,
        ledger: Arc<Ledger>,
        initializer: Option<Arc<Initializer>>,
        started: u64,
    ) -> WorkerState {
        WorkerState {
            process,
            ledger,
            outbox: None,
            round: 0,
            lent: Lent::default(),
            stage: WorkerStage::Preparing,
            initializer,
            heard: Instant::now(),
            started,
            noted: now(),
            look: None,
            check: None,
            leave: None,
            ready: None,
            asked: None,
            killed: None,
            inquiry: None,
            broken: None,
            crash: CrashReport::default(),
            closed: false,
            reader: Reader::Supervisor,
            notify_fd: None,
        }
    }

    /// Sends tasks, which may be claimed from now on. The message is made for this round, and for the files
    /// that the worker has.
    pub(super) fn send(
        &mut self,
        count: u32,
        message: impl FnOnce(u16, &mut Lent) -> EncodedMessage,
    ) -> io::Result<()> {
        self.round = self.round.wrapping_add(1);
        self.ledger.offer(self.round, count);
        self.lent.note_forgotten(self.ledger.forgotten());
        let parcel = message(self.round, &mut self.lent);
        self.heard = Instant::now();
        self.noted = now();
        self.look = (count > 1).then(|| self.heard + STANDSTILL);
        self.outbox = self.process.send(parcel)?;
        self.ledger.sent(self.round);
        Ok(())
    }

    /// From when to when it ran so many tasks after the first `answered`, or until now.
    pub(super) fn ran(&self, answered: u32, count: u32) -> Span {
        let since = self.ledger.start_of(answered).unwrap_or(self.noted);
        let until = self.ledger.start_of(answered.saturating_add(count));
        let until = until.unwrap_or_else(now);
        (since, until)
    }

    /// Lets the supervisor read what it says, or another thread, or none.
    pub(super) fn set_reader(&mut self, poller: &Poller, id: WorkerId, reader: Reader) {
        if (self.reader == Reader::Supervisor) != (reader == Reader::Supervisor) {
            let interest = match reader {
                Reader::Supervisor => Interest::READABLE,
                // A hang-up is told all the same.
                Reader::Waiter | Reader::Idle => Interest::HANG_UP,
            };
            let (connection, _) = self.process.sources();
            // It is not watched any more when nothing more is to be heard.
            let _ = poller.modify(connection, WorkerSource::Connection.key(id), interest);
        }
        self.reader = reader;
    }

    /// What a thread that reads in the supervisor's place can be woken with; `None` if descriptors
    /// have run out.
    pub(super) fn notify_fd(&mut self) -> Option<NotifyFd> {
        if self.notify_fd.is_none() {
            self.notify_fd = Some(NotifyFd::new().ok()?);
        }
        self.notify_fd.clone()
    }

    /// Waits for room for the rest of what it is sent, if there is a rest.
    pub(super) fn watch_outbox(&self, poller: &Poller, id: WorkerId) -> io::Result<()> {
        let Some(outbox) = &self.outbox else {
            return Ok(());
        };
        poller.add(
            outbox.socket(),
            WorkerSource::Outbox.key(id),
            Interest::WRITABLE,
        )
    }

    /// Reads no more. The connection stays: to the worker, its end would be the parent's.
    pub(super) fn close(&mut self, poller: &Poller) {
        self.closed = true;
        self.process.expect_end();
        let (connection, annex) = self.process.sources();
        for source in [connection].into_iter().chain(annex) {
            poller.remove(source);
        }
    }

    /// Looks whether its task has run for longer than this, and what to end it for if so.
    pub(super) fn check_time(&mut self, timeout: Option<Duration>, answered: u32) -> Verdict {
        self.check = None;
        let Some(timeout) = timeout else {
            return Verdict::InTime;
        };
        // A board that makes no sense is that of a worker that has begun something.
        let claimed = self.ledger.claimed().unwrap_or(answered + 1);
        let left = if claimed > answered {
            let ran = Duration::from_nanos(now().saturating_sub(self.ledger.started()));
            timeout.saturating_sub(ran)
        } else {
            // The task's time has not begun. But it never will if the process is stopped: then
            // another one shall begin it.
            let allowed = timeout.max(BEGINNING);
            timeout.min(allowed.saturating_sub(self.heard.elapsed()))
        };
        if !left.is_zero() {
            self.check = deadline::after(left);
            return Verdict::InTime;
        }
        // It may be done, or begin, just now: what is taken back it cannot begin any more.
        match self.ledger.recall() {
            Some(begun) if begun == claimed && begun > answered => {
                Verdict::Over(begun, Purpose::Timeout(begun - 1))
            }
            Some(begun) if begun == claimed => Verdict::Over(begun, Purpose::Standstill),
            // The one whose time was over is done.
            Some(begun) => {
                self.check = deadline::after(timeout);
                Verdict::GoneOn(begun)
            }
            None => Verdict::Over(u32::MAX, Purpose::Timeout(answered)),
        }
    }

    /// Asks a task of its part, which it has begun, to stop. If it was asked before, the shorter limit
    /// counts.
    pub(super) fn ask(&mut self, request: Asked) {
        self.ledger.ask(request.task);
        let is_sooner = |before: &Asked| match (before.until, request.until) {
            (Some(before), Some(until)) => until < before,
            (before, until) => before.is_none() && until.is_some(),
        };
        let before = self.asked.as_ref();
        if before.is_none_or(|before| before.task != request.task || is_sooner(before)) {
            self.asked = Some(request);
        }
    }

    /// Why this task of its part was asked to stop, if it was.
    pub(super) fn why_asked(&self, task: u32) -> Option<Killed> {
        self.asked
            .filter(|asked| asked.task == task)
            .map(|asked| asked.why())
    }

    /// Whether there are tasks that it has received and not begun.
    pub(super) fn could_give(&self, part: Part, answered: u32) -> bool {
        let begun = self.ledger.claimed().map(|claimed| claimed.max(answered));
        begun.is_some_and(|begun| part.count > begun) && self.outbox.is_none()
    }

    /// The limit on its memory, if it crashed at one. While it ran a task, it may have had that
    /// task's, too.
    pub(super) fn met_memory_limit(&self, of_task: Option<u64>) -> Option<u64> {
        let is_met = self.process.has_met_memory_limit() || self.ledger.is_exhausted();
        let limits = [of_task, self.process.memory_limit()];
        limits.into_iter().flatten().min().filter(|_| is_met)
    }

    /// The last that it wrote to its standard error, since its latest task began. Once it has ended.
    pub(super) fn stderr_tail(&self) -> Option<Box<str>> {
        let stderr_tail = self.process.stderr_tail()?;
        stderr_tail.text(self.ledger.written_before())
    }

    /// Its resident memory in bytes.
    pub(super) fn memory(&self) -> Option<u64> {
        self.process.pidfd().resident_memory()
    }
}
