//! Watching one child: its reply, its end, its deadline.

use std::io;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::descendants::Descendants;
use super::end::{End, Killed};
use super::end_poll::EndPoll;
use super::inquiry::Inquiry;
use crate::codec::Message;
use crate::crash::CrashReport;
use crate::protocol::Reply;
use crate::sys::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::sys::lineage::Lineage;
use crate::sys::pidfd::{Pidfd, Status};
use crate::sys::{deadline, poll, wait};
use crate::trace;
use crate::transport::{self, Inbox, Received, is_nonsense};
use crate::usage::Usage;

/// How long a re-executed child may take to reach its dispatch. Far more than a loaded machine
/// needs; only a program whose hook never runs takes as long.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// How long a child that has hung up may take to end.
const FAREWELL: Duration = Duration::from_secs(2);

/// When a child's time is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeLimit {
    pub(super) at: Instant,
    /// How long it may take to stop from then on, if it is asked to. It is killed at once if that is
    /// no time.
    pub(super) grace: Duration,
}

/// By when a child that is re-executed now has to have reached its dispatch.
pub(super) fn handshake_deadline() -> Option<Instant> {
    deadline::after(HANDSHAKE)
}

/// One child's affairs, in the hands of the thread that watches it.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) pidfd: Pidfd,
    /// Kept until the end: while it is open, the child knows that its parent lives.
    inbox: Option<Inbox>,
    /// Whether there was one.
    listens: bool,
    reply: Option<Message>,
    broken: Option<io::Error>,
    crash: CrashReport,
    greeted: bool,
    status: Option<Status>,
    usage: Option<Usage>,
    handshake: Option<Instant>,
    timeout: Option<TimeLimit>,
    /// What it was asked to stop for.
    asked: Option<Killed>,
    killed: Option<Killed>,
    /// Until it is killed, if it was asked where it is.
    inquiry: Option<Inquiry>,
    /// Kept from when the child has nothing more to say, or is killed, to its end.
    end_poll: Option<EndPoll>,
    /// Those that are to end with it.
    descendants: Option<Descendants>,
}

impl Watch {
    /// Begins to watch a child that has to reach its dispatch first.
    pub(super) fn re_executed(
        pidfd: Pidfd,
        inbox: Option<Inbox>,
        timeout: Option<TimeLimit>,
    ) -> Watch {
        Watch {
            greeted: false,
            handshake: handshake_deadline(),
            timeout,
            ..Watch::cloned(pidfd, inbox)
        }
    }

    /// Begins to watch a child that is known to be ready for its request.
    pub(super) fn cloned(pidfd: Pidfd, inbox: Option<Inbox>) -> Watch {
        Watch {
            // Of one that says nothing, only the end is of interest, whenever it comes.
            listens: inbox.is_some(),
            pidfd,
            inbox,
            reply: None,
            broken: None,
            crash: CrashReport::default(),
            greeted: true,
            status: None,
            usage: None,
            handshake: None,
            timeout: None,
            asked: None,
            killed: None,
            inquiry: None,
            end_poll: None,
            descendants: None,
        }
    }

    /// Has all that the child starts end with it.
    pub(super) fn set_lineage(&mut self, lineage: Lineage) {
        self.descendants = Some(Descendants::Living(lineage));
    }

    /// Sets when the child's time is over.
    pub(super) fn set_timeout(&mut self, timeout: TimeLimit) {
        self.timeout = Some(timeout);
    }

    /// Takes in all that has happened, without waiting. True once the child has ended, and what was to
    /// end with it.
    pub(super) fn advance(&mut self) -> bool {
        if self.status.is_some() {
            return self.is_over();
        }
        self.drain();
        // The order matters: a child that is gone has sent all that it will ever send.
        self.usage = wait::usage_of_ended(self.pidfd.as_fd());
        let unreapable = || self.end_poll.as_mut()?.look(&self.pidfd);
        if let Some(status) = self.pidfd.reap().or_else(unreapable) {
            self.drain();
            self.inbox = None;
            self.status = Some(status);
            trace::process_ended(self.pidfd.id(), status.known());
            if let Some(descendants) = &mut self.descendants {
                descendants.end();
            }
            return self.is_over();
        }
        if self.handshake.is_some() && self.greeted {
            self.handshake = None;
        }
        if self.killed.is_none()
            && let Some((deadline, why)) = self.next_deadline()
            && deadline <= Instant::now()
        {
            match self.timeout {
                Some(TimeLimit { grace, .. }) if why == Killed::TimedOut && !grace.is_zero() => {
                    self.ask(why, grace);
                }
                _ => self.kill(why),
            }
        }
        let is_silent = self.source().is_none();
        let has_told = |inquiry: &Inquiry| is_silent || inquiry.is_over();
        // It may have been asked by the monitor, too.
        if self.crash.has_answered() || self.inquiry.as_ref().is_some_and(has_told) {
            self.inquiry = None;
            self.pidfd.kill();
        }
        let is_killed = self.killed.is_some() && self.inquiry.is_none();
        if is_killed || (self.listens && self.source().is_none()) {
            self.end_poll.get_or_insert_default();
        }
        false
    }

    /// Asks the child to stop within this time, and to be killed then.
    fn ask(&mut self, why: Killed, grace: Duration) {
        self.asked = Some(why);
        if let Some(inbox) = &self.inbox {
            transport::end_sending(inbox.connection());
        }
        self.timeout = deadline::after(grace).map(|at| TimeLimit {
            at,
            grace: Duration::ZERO,
        });
    }

    /// Kills the child for this. If it takes too long, it is asked first where it is.
    fn kill(&mut self, why: Killed) {
        self.killed = Some(why);
        if why == Killed::TimedOut && self.greeted && self.source().is_some() {
            self.inquiry = Some(Inquiry::begin(&self.pidfd));
        } else {
            self.pidfd.kill();
        }
    }

    /// Waits until something has happened, but not past `limit`.
    pub(super) fn wait(&self, limit: Option<Instant>) {
        let deadline = match (self.deadline(), limit) {
            (Some(deadline), Some(limit)) => Some(deadline.min(limit)),
            (deadline, limit) => deadline.or(limit),
        };
        let pidfd = self.pidfd.as_fd();
        // An error is told by what is done next: look and come back.
        let _ = match self.source() {
            // The child has ended already.
            Some(source) if self.status.is_some() => poll::wait_any([source], deadline).map(drop),
            Some(source) => poll::wait_any([pidfd, source], deadline).map(drop),
            None => poll::wait_any([pidfd], deadline).map(drop),
        };
    }

    /// Readable when the inbox has something to take in; when the child has ended, when its descendants
    /// have.
    ///
    /// `None` once nothing more can come of it: the child has replied or closed its end, or taking
    /// its message failed, and would fail again and again.
    pub(super) fn source(&self) -> Option<BorrowedFd<'_>> {
        if self.status.is_some() {
            return self.descendants.as_ref()?.source();
        }
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
        if self.status.is_some() {
            return None;
        }
        let limit = match self.killed {
            Some(_) => self.inquiry.as_ref().map(|inquiry| inquiry.until),
            None => self.next_deadline().map(|(deadline, _)| deadline),
        };
        limit
            .into_iter()
            .chain(self.end_poll.as_ref().map(EndPoll::next))
            .min()
    }

    /// Waits for the end of a child that has hung up, and so is about to end.
    pub(super) fn finish(mut self) -> End {
        self.timeout = deadline::after(FAREWELL).map(|at| TimeLimit {
            at,
            grace: Duration::ZERO,
        });
        while !self.advance() {
            self.wait(None);
        }
        self.into_end()
    }

    /// Whether the child has ended, and what was to end with it.
    pub(super) fn is_over(&mut self) -> bool {
        let descendants = &mut self.descendants;
        self.status.is_some() && descendants.as_mut().is_none_or(Descendants::have_ended)
    }

    /// How the child ended, once it has.
    pub(super) fn status(&self) -> Option<Status> {
        self.status
    }

    /// What the child had used up, once it has ended.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// The connection, as long as it is open.
    pub(super) fn share_connection(&self) -> Weak<OwnedFd> {
        self.inbox
            .as_ref()
            .map_or_else(Weak::new, |inbox| Arc::downgrade(&inbox.share()))
    }

    /// The inbox, for a thread that watches the child in another way, and whether the child has
    /// reached its dispatch. No inbox if it has hung up.
    pub(super) fn take_inbox(&mut self) -> (Option<Inbox>, bool) {
        (self.inbox.take(), self.greeted)
    }

    /// All that is known, once the child has ended.
    pub(super) fn into_end(self) -> End {
        End {
            reply: self.reply,
            broken: self.broken,
            crash: self.crash,
            status: self.status.unwrap_or(Status::Lost),
            usage: self.usage,
            asked: self.asked,
            killed: self.killed,
            greeted: self.greeted,
        }
    }

    fn next_deadline(&self) -> Option<(Instant, Killed)> {
        let handshake = self.handshake.map(|at| (at, Killed::NoHandshake));
        let timeout = self.timeout.map(|limit| (limit.at, Killed::TimedOut));
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
                Ok(Received::Message(message)) if message.kind() == Some(Reply::Event as u8) => {
                    self.crash.add_event(&message.head[1..]);
                }
                Ok(Received::Message(message)) if message.kind() == Some(Reply::Places as u8) => {
                    self.crash.add_places(&message.head[1..]);
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
                        self.kill(Killed::Nonsense);
                    }
                    self.broken = Some(error);
                }
            }
        }
    }
}
