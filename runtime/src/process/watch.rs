//! Minding one child: its reply, its end, its deadline.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process, pidfd_send_signal, waitid,
    waitpid,
};

use super::end::{End, Killed, Status};
use super::remains::Vigil;
use crate::codec::Message;
use crate::protocol::Reply;
use crate::sys::deadline::until;
use crate::sys::wait;
use crate::transport::{Inbox, Received, is_nonsense};
use crate::usage::Usage;

/// How long a re-executed child may take to reach its dispatch. Far more than a loaded machine
/// needs; only a program whose hook never runs takes as long.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// How long a child that has hung up may take to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// By when a child that is re-executed now has to have reached its dispatch.
pub(super) fn handshake_deadline() -> Option<Instant> {
    Instant::now().checked_add(HANDSHAKE)
}

/// A child's pidfd. Signals through it reach this child or no process.
#[derive(Debug, Clone)]
pub(crate) struct Pidfd {
    pid: Pid,
    descriptor: Arc<OwnedFd>,
}

impl Pidfd {
    pub(super) fn new(pid: Pid, descriptor: OwnedFd) -> Pidfd {
        Pidfd {
            pid,
            descriptor: Arc::new(descriptor),
        }
    }

    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Sends a signal; to a child that ended, none.
    pub(super) fn signal(&self, signal: Signal) {
        match pidfd_send_signal(&self.descriptor, signal) {
            // A filter forbids it. The number is the child's for as long as that is not reaped,
            // which nothing does before it has ended.
            Err(Errno::PERM | Errno::ACCESS | Errno::NOSYS) if !self.has_ended() => {
                let _ = kill_process(self.pid, signal);
            }
            // Otherwise it fails when the child has ended, which is what is wanted.
            _ => {}
        }
    }

    /// Whether the child is stopped (`SIGSTOP`).
    pub(super) fn is_stopped(&self) -> bool {
        let stops = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::PidFd(self.descriptor.as_fd()), stops);
        status.is_ok_and(|status| status.is_some())
    }

    /// Whether the child has ended and could be reaped, or was.
    fn has_ended(&self) -> bool {
        let mut pidfd = [PollFd::new(&self.descriptor, PollFlags::IN)];
        poll(&mut pidfd, Some(&Timespec::default())) != Ok(0)
    }

    /// Reaps the child if it has ended.
    pub(super) fn reap(&self) -> Option<Status> {
        loop {
            return match waitid(
                WaitId::PidFd(self.descriptor.as_fd()),
                WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
            ) {
                Ok(None) => None,
                Ok(Some(status)) => {
                    let raw = match (status.exit_status(), status.terminating_signal()) {
                        (Some(code), _) => (code & 0xff) << 8,
                        (None, Some(signal)) => signal | if status.dumped() { 0x80 } else { 0 },
                        (None, None) => return Some(Status::Lost),
                    };
                    Some(Status::Known(ExitStatus::from_raw(raw)))
                }
                Err(Errno::INTR) => continue,
                // A filter forbids it, or the kernel does not know that it can be asked so.
                Err(Errno::PERM | Errno::ACCESS | Errno::NOSYS | Errno::INVAL) => {
                    self.reap_by_number()
                }
                Err(_) => Some(Status::Lost),
            };
        }
    }

    fn reap_by_number(&self) -> Option<Status> {
        if !self.has_ended() {
            return None;
        }
        loop {
            return match waitpid(Some(self.pid), WaitOptions::NOHANG) {
                Ok(None) => None,
                Ok(Some((_, status))) => Some(Status::Known(ExitStatus::from_raw(status.as_raw()))),
                Err(Errno::INTR) => continue,
                Err(_) => Some(Status::Lost),
            };
        }
    }
}

impl AsFd for Pidfd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// A process that was just started.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) pid: Pid,
    pub(super) pidfd: Pidfd,
}

/// One child's affairs, in the hands of the thread that minds it.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) pidfd: Pidfd,
    /// Kept until the end: while it is open, the child knows that its parent lives.
    inbox: Option<Inbox>,
    /// Whether there was one.
    listens: bool,
    reply: Option<Message>,
    broken: Option<io::Error>,
    greeted: bool,
    status: Option<Status>,
    usage: Option<Usage>,
    handshake: Option<Instant>,
    timeout: Option<Instant>,
    killed: Option<Killed>,
    /// Kept from when the child has nothing more to say, or is killed, to its end.
    vigil: Option<Vigil>,
}

impl Watch {
    /// Begins to mind a child that has to reach its dispatch first. `timeout` is when to kill it.
    pub(super) fn re_executed(
        pidfd: Pidfd,
        inbox: Option<Inbox>,
        timeout: Option<Instant>,
    ) -> Watch {
        Watch {
            greeted: false,
            handshake: handshake_deadline(),
            timeout,
            ..Watch::cloned(pidfd, inbox)
        }
    }

    /// Begins to mind a child that is known to be ready for its request.
    pub(super) fn cloned(pidfd: Pidfd, inbox: Option<Inbox>) -> Watch {
        Watch {
            // Of one that says nothing, only the end is of interest, whenever it comes.
            listens: inbox.is_some(),
            pidfd,
            inbox,
            reply: None,
            broken: None,
            greeted: true,
            status: None,
            usage: None,
            handshake: None,
            timeout: None,
            killed: None,
            vigil: None,
        }
    }

    /// Sets when to kill the child.
    pub(super) fn set_timeout(&mut self, timeout: Instant) {
        self.timeout = Some(timeout);
    }

    /// Takes in all that has happened, without waiting. True once the child has ended.
    pub(super) fn advance(&mut self) -> bool {
        if self.status.is_some() {
            return true;
        }
        self.drain();
        // The order matters: a child that is gone has sent all that it will ever send.
        self.usage = wait::usage_of_ended(self.pidfd.as_fd());
        let remains = || self.vigil.as_mut()?.look(&self.pidfd);
        if let Some(status) = self.pidfd.reap().or_else(remains) {
            self.drain();
            self.inbox = None;
            self.status = Some(status);
            return true;
        }
        if self.handshake.is_some() && self.greeted {
            self.handshake = None;
        }
        if self.killed.is_none()
            && let Some((deadline, why)) = self.next_deadline()
            && deadline <= Instant::now()
        {
            self.killed = Some(why);
            self.pidfd.signal(Signal::KILL);
        }
        if self.killed.is_some() || (self.listens && self.source().is_none()) {
            self.vigil.get_or_insert_default();
        }
        false
    }

    /// Waits until something has happened, but not past `limit`.
    pub(super) fn wait(&self, limit: Option<Instant>) {
        let deadline = match (self.deadline(), limit) {
            (Some(deadline), Some(limit)) => Some(deadline.min(limit)),
            (deadline, limit) => deadline.or(limit),
        };
        let timeout = deadline.map(until);
        let pidfd = PollFd::new(&self.pidfd, PollFlags::IN);
        // An error is a signal that came in between: look and come back.
        let _ = match self.source() {
            Some(source) => poll(
                &mut [pidfd, PollFd::from_borrowed_fd(source, PollFlags::IN)],
                timeout.as_ref(),
            ),
            None => poll(&mut [pidfd], timeout.as_ref()),
        };
    }

    /// Readable when the inbox has something to take in.
    ///
    /// `None` once nothing more can come of it: the child has replied or closed its end, or taking
    /// its message failed, and would fail again and again.
    pub(super) fn source(&self) -> Option<BorrowedFd<'_>> {
        match (&self.inbox, &self.reply, &self.broken) {
            (Some(inbox), None, None) => Some(inbox.source()),
            _ => None,
        }
    }

    /// The connection itself, which is the source unless a long message arrives beside it.
    pub(super) fn connection(&self) -> Option<BorrowedFd<'_>> {
        self.inbox.as_ref().map(Inbox::connection)
    }

    /// Whether the source is a long message's own.
    pub(super) fn is_assembling(&self) -> bool {
        self.inbox.as_ref().is_some_and(Inbox::is_assembling)
    }

    /// When to look again even if nothing happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let limit = match self.killed {
            Some(_) => None,
            None => self.next_deadline().map(|(deadline, _)| deadline),
        };
        limit
            .into_iter()
            .chain(self.vigil.as_ref().map(Vigil::next))
            .min()
    }

    /// Waits for the end of a child that has hung up, and so is about to end.
    pub(super) fn finish(mut self) -> End {
        self.timeout = Instant::now().checked_add(FAREWELL);
        while !self.advance() {
            self.wait(None);
        }
        self.into_end()
    }

    /// How the child ended, once it has.
    pub(super) fn status(&self) -> Option<Status> {
        self.status
    }

    /// What the child had used up, once it has ended.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// The inbox, for a thread that minds the child in another way, and whether the child has
    /// reached its dispatch. No inbox if it has hung up.
    pub(super) fn take_inbox(&mut self) -> (Option<Inbox>, bool) {
        (self.inbox.take(), self.greeted)
    }

    /// All that is known, once the child has ended.
    pub(super) fn into_end(self) -> End {
        End {
            reply: self.reply,
            broken: self.broken,
            status: self.status.unwrap_or(Status::Lost),
            usage: self.usage,
            killed: self.killed,
            greeted: self.greeted,
        }
    }

    fn next_deadline(&self) -> Option<(Instant, Killed)> {
        let handshake = self.handshake.map(|at| (at, Killed::NoHandshake));
        let timeout = self.timeout.map(|at| (at, Killed::TimedOut));
        match (handshake, timeout) {
            (Some(handshake), Some(timeout)) if handshake.0 < timeout.0 => Some(handshake),
            (handshake, timeout) => timeout.or(handshake),
        }
    }

    fn drain(&mut self) {
        // A child says nothing after its reply, and what it says after nonsense is none.
        while let (Some(inbox), None, None) = (&mut self.inbox, &self.reply, &self.broken) {
            match inbox.receive() {
                Ok(Received::Message(message)) if message.kind() == Some(Reply::Hello as u8) => {
                    self.greeted = true;
                }
                Ok(Received::Message(message)) => {
                    self.greeted = true;
                    self.reply = Some(message);
                }
                Ok(Received::Nothing) => return,
                Ok(Received::Closed) => self.inbox = None,
                // The connection stays: to the child its end would be the parent's.
                Err(error) => {
                    if is_nonsense(&error) && self.killed.is_none() {
                        self.killed = Some(Killed::Nonsense);
                        self.pidfd.signal(Signal::KILL);
                    }
                    self.broken = Some(error);
                }
            }
        }
    }
}
