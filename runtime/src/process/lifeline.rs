//! How a process notices that its parent is gone.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::sockopt::socket_peercred;
use rustix::process::{Pid, PidfdFlags, Signal, getpid, getppid, kill_process, pidfd_open};

use crate::sys::signal;

/// The two signs of a parent's end.
#[derive(Debug)]
pub(super) struct Lifeline {
    /// Hung up when nobody holds the parent's end.
    connection: OwnedFd,
    /// Readable when the parent has ended, also if a process it forked still holds its end.
    parent: Option<OwnedFd>,
}

impl Lifeline {
    /// Ends this process if the parent is gone already: then whoever took its children in must not
    /// be followed, and a process that the parent forked may keep the connection open.
    pub(super) fn new(connection: OwnedFd) -> Lifeline {
        let parent = socket_peercred(&connection).map(|made_by| made_by.pid);
        let pidfd = parent.and_then(|parent| pidfd_open(parent, PidfdFlags::empty()));
        // Looked at last: as long as it is our parent, the number is nobody else's.
        if getppid() != parent.ok() {
            die();
        }
        Lifeline {
            connection,
            parent: pidfd.ok(),
        }
    }

    /// The lifeline of a clone of this process: of the same parent, with a connection of its own.
    pub(super) fn of_clone(self, connection: OwnedFd) -> Lifeline {
        Lifeline {
            connection,
            parent: self.parent,
        }
    }

    pub(super) fn connection(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }

    /// Runs code of the user's on the thread that should wait for the parent's end.
    ///
    /// Meanwhile the kernel does, by the connection alone: from a parent that has sent its
    /// request nothing more is to come but the hang-up.
    pub(super) fn meanwhile<R>(&self, run: impl FnOnce() -> R) -> io::Result<R> {
        signal::die_at_event(self.connection())?;
        // It may have come before.
        let mut connection = [PollFd::new(&self.connection, PollFlags::empty())];
        if poll(&mut connection, Some(&Timespec::default())).is_ok_and(|gone| gone > 0) {
            die();
        }
        let result = run();
        signal::live_on(self.connection())?;
        Ok(result)
    }

    /// Waits until the parent is gone, and ends this process with it.
    pub(super) fn follow(&self) -> ! {
        // No event is asked for: a hang-up is always told.
        loop {
            let happened = self.wait(PollFlags::empty());
            if happened.intersects(PollFlags::HUP | PollFlags::ERR) {
                die();
            }
            // The worker has closed what it does not know. Then nothing can be heard any more.
            while happened.contains(PollFlags::NVAL) {
                std::thread::park();
            }
        }
    }

    /// Waits until the parent has said something; if it is gone without a word, ends this process.
    pub(super) fn listen(&self) {
        while !self.wait(PollFlags::IN).contains(PollFlags::IN) {}
    }

    /// Waits for events of the connection, and ends this process if the parent's end comes first.
    fn wait(&self, events: PollFlags) -> PollFlags {
        let mut sources = vec![PollFd::new(&self.connection, events)];
        sources.extend(
            self.parent
                .as_ref()
                .map(|parent| PollFd::new(parent, PollFlags::IN)),
        );
        // A signal that comes in between is an error: wait on.
        while poll(&mut sources, None).is_err() {}
        let happened = sources[0].revents();
        let parent = sources.get(1).map_or(PollFlags::empty(), PollFd::revents);
        if parent.contains(PollFlags::IN)
            || (happened.contains(PollFlags::HUP) && !happened.contains(PollFlags::IN))
        {
            die();
        }
        happened | parent & PollFlags::NVAL
    }
}

/// Whether there is no such process any more.
pub(super) fn has_ended(process: Pid) -> bool {
    match pidfd_open(process, PidfdFlags::empty()) {
        // Readable when it has ended, and nobody has asked how yet.
        Ok(pidfd) => {
            let mut ended = [PollFd::new(&pidfd, PollFlags::IN)];
            poll(&mut ended, Some(&Timespec::default())).is_ok_and(|ended| ended > 0)
        }
        Err(error) => error == Errno::SRCH,
    }
}

/// Ends this process at once, because its parent is gone. Nobody is left to see how.
pub(super) fn die() -> ! {
    loop {
        let _ = kill_process(getpid(), Signal::KILL);
    }
}
