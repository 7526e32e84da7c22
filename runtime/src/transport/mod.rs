//! Messages between two processes, over ipc-channel.
//!
//! A connection is one socket pair. Each side makes a [`Sender`] and a receiver of its end:
//! [`Receiver`] blocks, [`Inbox`] never does. What ipc-channel does well it does here: framing,
//! small messages, the end of the connection when the last holder of the other end is gone. What
//! it does badly is kept away from it:
//!
//! | ipc-channel | here |
//! |---|---|
//! | has no way in for a descriptor | [`adopt`] |
//! | hangs when the receiver dies during a message above 200 KB | such messages go through an [`annex`] |
//! | carries none but its own descriptors, 64 at most | they go through an annex too |
//! | writes byte buffers element by element | it is given encoded bytes only |
//! | panics about packets that are none of its own, or waits for the rest of them | each packet is looked at first |
//! | panics when a message with a descriptor arrives and none is free | such a message is taken without it |
//! | returns `EINTR` | retried |
//! | panics in destructors of thread-locals and exit handlers | [`locals`] |
//!
//! Only this folder names `ipc_channel`, and only for what is said above: no user value
//! is ever encoded or decoded inside its calls, so a value that cannot be sent leaves no half
//! message behind.
//!
//! # What if a process is sick
//!
//! A C library in it may write to the connection, having mistaken its number for one of its own,
//! or make it something that it was not. So what arrives is looked at before it is received:
//!
//! 1. The next packet is peeked at: its length, its beginning, and whether it carries descriptors.
//! 2. If [`Opening::read`](frame::Opening::read) does not know it for the whole of a frame with as
//!    many descriptors, it is dropped, and receiving it is an error, [`is_nonsense`].
//! 3. Else ipc-channel receives it, and neither waits nor panics: the packet is there, is as long
//!    as it says, and parses; or, if it carries the end of an annex, it is received here.
//!
//! Nothing can come between the steps: packets of a socket are received in the order in which they
//! were sent, and one reader has it. [`Inbox::receive`] takes `&mut self`, [`Receiver`] is not
//! `Sync`, neither can be cloned, and a channel's end that is sent to another process is given up
//! here. (A copy of this process that the user's code makes by `fork` can read the same socket.
//! Where a packet is stolen, the parent's end, which does not block, has nothing instead.)
//!
//! What an annex promises is believed when it comes ([`annex`]). What one packet or annex does
//! wrong does not concern the next: channels go on, since other processes may send into them.
//! A child whose connection talks nonsense is ended.
//!
//! Sending has a [`Limit`] where the receiver may be sick.
//!
//! # What if a process dies
//!
//! * The receiver, before or while a message is sent: `send` fails with a broken pipe at once.
//!   The sender keeps no copy of the receiving end of anything while it writes.
//! * The sender, between two messages: the receiver gets what was sent, then
//!   [`Received::Closed`]. In the middle of a message: the annex ends early, which is an error
//!   of this one message, then `Closed`.

mod adopt;
mod annex;
mod frame;
mod locals;
mod outbox;
mod receive;
mod send;
#[cfg(test)]
#[allow(clippy::pedantic, reason = "tests may be blunt")]
mod tests;
mod warm_up;

pub(crate) use adopt::Blank;
pub(crate) use outbox::{Outbox, Parcel};
pub(crate) use receive::{Inbox, Received, Receiver};
pub(crate) use send::Sender;
pub(crate) use warm_up::warm_up;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use crate::sys::deadline::until;
use crate::sys::refused::Naming as _;

/// What sends into and receives from an end of a connection.
pub(crate) fn open(end: Arc<OwnedFd>) -> io::Result<(Sender, Receiver)> {
    open_with(Blank::new()?, end)
}

/// The same, for a process that has prepared itself.
pub(crate) fn open_with(blank: Blank, end: Arc<OwnedFd>) -> io::Result<(Sender, Receiver)> {
    let (sender, receiver) = blank.both(end.as_fd())?;
    Ok((
        Sender::from_ipc(sender, Arc::clone(&end)),
        Receiver::from_ipc(receiver, end),
    ))
}

/// What sends into and receives from an end of a connection, neither of which blocks from then on.
pub(crate) fn open_polled(end: impl Into<Arc<OwnedFd>>) -> io::Result<(Sender, Inbox)> {
    let end = end.into();
    rustix::io::ioctl_fionbio(&end, true)?;
    let (sender, receiver) = Blank::new()?.both(end.as_fd())?;
    Ok((
        Sender::from_ipc(sender, Arc::clone(&end)),
        Inbox::from_ipc(receiver, end),
    ))
}

/// The two ends of a new connection.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )
    .naming("socketpair")
}

/// How long to wait for the receiver of a message to make room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit<'a> {
    deadline: Option<Instant>,
    process: Option<BorrowedFd<'a>>,
}

impl<'a> Limit<'a> {
    /// As long as it takes.
    const NONE: Limit<'static> = Limit {
        deadline: None,
        process: None,
    };

    /// Until this deadline, if there is one: "timed out" then.
    pub(crate) fn until(deadline: Option<Instant>) -> Limit<'a> {
        Limit {
            deadline,
            ..Limit::NONE
        }
    }

    /// Until the process with this pidfd has ended: a broken pipe then, also if another process
    /// could still receive the message.
    pub(crate) fn while_alive(self, process: BorrowedFd<'a>) -> Limit<'a> {
        Limit {
            process: Some(process),
            ..self
        }
    }

    fn is_one(&self) -> bool {
        self.deadline.is_some() || self.process.is_some()
    }

    /// Waits until something can be written.
    fn wait_writable(&self, end: BorrowedFd<'_>) -> io::Result<()> {
        let mut polled = vec![PollFd::from_borrowed_fd(end, PollFlags::OUT)];
        let process = self.process.as_ref();
        polled.extend(process.map(|process| PollFd::new(process, PollFlags::IN)));
        loop {
            let timeout = self.deadline.map(until);
            match poll(&mut polled, timeout.as_ref()) {
                Ok(0)
                    if self
                        .deadline
                        .is_some_and(|deadline| deadline <= Instant::now()) =>
                {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                // Nothing by the deadline; an error is a signal that came in between.
                Ok(0) | Err(_) => {}
                Ok(_) if polled[0].revents().is_empty() => {
                    return Err(io::ErrorKind::BrokenPipe.into());
                }
                Ok(_) => return Ok(()),
            }
        }
    }
}

/// The error of what arrived and is no message.
#[cold]
fn nonsense() -> io::Error {
    let text = "it is not a message";
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Whether what arrived was no message: something else than this library has written it.
pub(crate) fn is_nonsense(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}

/// Whether a send failed because the receiver is gone.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    )
}

/// Waits until a descriptor has something to say; false if the deadline came first.
pub(crate) fn wait_for(
    descriptor: BorrowedFd<'_>,
    events: PollFlags,
    deadline: Option<Instant>,
) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(descriptor, events)];
    loop {
        let timeout = deadline.map(until);
        match poll(&mut polled, timeout.as_ref()) {
            // Nothing by the deadline.
            Ok(0) if deadline.is_some_and(|deadline| deadline <= Instant::now()) => return false,
            // An error is a signal that came in between.
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            _ => return true,
        }
    }
}
