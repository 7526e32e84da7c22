//! How a process notices that its parent is gone, or the thread that does its work; and that it is
//! to stop.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, getpid, getppid, kill_process};

use crate::process::request_to_stop;
use crate::sys::lineage;
use crate::sys::memory::{self, FileId};
use crate::sys::process_id;
use crate::sys::runner::Runner;
use crate::sys::signal;
use crate::sys::unused_pages;

/// After this time, the end of the worker's thread is listened for too.
const SHORT: Duration = Duration::from_millis(100);

/// How often to look for what cannot be listened for.
const LONG: Duration = Duration::from_secs(1);

/// The two signs of a parent's end.
#[derive(Debug)]
pub(super) struct Lifeline {
    /// Hung up when no process holds the parent's end any more.
    connection: Arc<OwnedFd>,
    /// Which socket that is. The worker may put another file in its place.
    socket: Option<FileId>,
    /// Readable when the parent has ended, also if a process it forked still holds its end.
    parent: Option<OwnedFd>,
    parent_id: Option<Pid>,
}

impl Lifeline {
    /// Ends this process if the parent is gone already: then the process that took its children in must not
    /// be followed, and a process that the parent forked may keep the connection open.
    pub(super) fn new(connection: Arc<OwnedFd>) -> Lifeline {
        let parent = process_id::peer(connection.as_fd());
        let pidfd = parent.as_ref().ok().copied().flatten();
        let pidfd = pidfd.and_then(|parent| process_id::open(parent).ok());
        // Looked at last: as long as it is the parent, the number is no other process's.
        let parent_id = getppid();
        if parent.ok() != Some(parent_id) {
            die();
        }
        Lifeline {
            socket: memory::identity(connection.as_fd()).ok(),
            connection,
            parent: pidfd,
            parent_id,
        }
    }

    /// The lifeline of a clone of this process: of the same parent, with a connection of its own.
    pub(super) fn of_clone(self, connection: OwnedFd) -> Lifeline {
        Lifeline {
            socket: memory::identity(connection.as_fd()).ok(),
            connection: Arc::new(connection),
            parent: self.parent,
            parent_id: self.parent_id,
        }
    }

    pub(super) fn connection(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }

    /// The same, to be kept.
    pub(super) fn share(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.connection)
    }

    /// Runs user code on the thread that should wait for the parent's end.
    ///
    /// Meanwhile the kernel does, by the connection alone.
    pub(super) fn meanwhile<R>(&self, run: impl FnOnce() -> R) -> io::Result<R> {
        let death = signal::DeathAtHangUp::of(self.connection())?;
        // It may have come before.
        let mut connection = [PollFd::new(&self.connection, PollFlags::empty())];
        if poll(&mut connection, Some(&Timespec::default())).is_ok_and(|gone| gone > 0) {
            die();
        }
        let result = run();
        death.stop()?;
        Ok(result)
    }

    /// Waits until the parent is gone, and ends this process with it; returns if the thread that
    /// runs the worker is gone. Meanwhile it notes that the parent asks this process to stop.
    pub(super) fn follow(&self, runner: &Runner) {
        let mut thread: Option<OwnedFd> = None;
        // Most workers are done before anything is opened for that.
        let mut timeout = SHORT;
        // When to look again whether the worker rests, and how long that is after the look before: each
        // time twice as long.
        let mut look = None;
        let mut pause = SHORT;
        // A hang-up is always told. The parent ends its direction first, to ask for an end.
        let mut events = PollFlags::RDHUP;
        loop {
            let happened = self.wait(events, thread.as_ref(), Some(timeout));
            if happened.contains(PollFlags::RDHUP) {
                // It stays so.
                events = PollFlags::empty();
                // It could be said by a file that the worker has put in its place.
                if self.is_connected() {
                    request_to_stop::note();
                }
            }
            if runner.is_gone() {
                return;
            }
            // The worker has closed or replaced what it does not know. Then nothing can be heard any
            // more.
            while happened.contains(PollFlags::NVAL) {
                std::thread::sleep(LONG);
                if getppid() != self.parent_id {
                    die();
                }
                if runner.is_gone() {
                    return;
                }
            }
            if thread.is_none() {
                thread = runner.descriptor();
            }
            let now = Instant::now();
            let mut at = look.unwrap_or(now);
            if at <= now {
                pause *= 2;
                at = now + pause;
                if unused_pages::can_be_seen() && runner.rests() {
                    // What cannot be forgotten takes memory, as before.
                    let _ = unused_pages::forget();
                }
            }
            look = Some(at);
            timeout = at.saturating_duration_since(now);
            if thread.is_none() {
                timeout = timeout.min(LONG);
            }
        }
    }

    /// Waits until the parent has said something; if it is gone without a word, ends this process.
    pub(super) fn listen(&self) {
        while let happened = self.wait(PollFlags::IN, None, None)
            && !happened.contains(PollFlags::IN)
        {
            if happened.contains(PollFlags::NVAL) {
                die();
            }
        }
    }

    /// Waits for events of the connection, and ends this process if the parent's end comes first.
    /// Returns also when `thread` is readable, or it has waited for so long; with `NVAL` if what it
    /// listens to is not there any more.
    fn wait(
        &self,
        events: PollFlags,
        thread: Option<&OwnedFd>,
        timeout: Option<Duration>,
    ) -> PollFlags {
        // Not on the heap: a fork server waits here between two clones, and what it writes to then, the
        // kernel has to copy.
        let mut sources = [(); 3].map(|()| PollFd::new(&self.connection, events));
        let mut count = 1;
        let parent = self.parent.as_ref();
        for other in [parent, thread].into_iter().flatten() {
            sources[count] = PollFd::new(other, PollFlags::IN);
            count += 1;
        }
        let timeout = timeout.and_then(|timeout| Timespec::try_from(timeout).ok());
        // A signal that comes in between is an error: wait on.
        while poll(&mut sources[..count], timeout.as_ref()).is_err() {}
        let happened = sources[0].revents();
        let parent = match parent {
            Some(_) => sources[1].revents(),
            None => PollFlags::empty(),
        };
        let hung_up = happened.intersects(PollFlags::HUP | PollFlags::ERR)
            && !happened.contains(PollFlags::IN);
        // Either could be said by a file that the worker has put in their place.
        if (parent.contains(PollFlags::IN) && getppid() != self.parent_id)
            || (hung_up && self.is_connected())
        {
            die();
        }
        if parent.contains(PollFlags::IN) || hung_up {
            return happened | PollFlags::NVAL;
        }
        happened | parent & PollFlags::NVAL
    }

    /// Whether the connection is still the one that it was.
    fn is_connected(&self) -> bool {
        memory::identity(self.connection.as_fd()).ok() == self.socket
    }
}

/// Ends this process at once, because its parent is gone. No process is left to see how, or to end what
/// this one has started.
pub(super) fn die() -> ! {
    lineage::end_own();
    loop {
        let _ = kill_process(getpid(), Signal::KILL);
    }
}
