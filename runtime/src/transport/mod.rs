//! Messages between two processes, over ipc-channel.
//!
//! A connection is one socket pair. Each side makes a [`Sender`] and a receiver of its end:
//! [`Receiver`] blocks, [`Inbox`] never does. What ipc-channel does well it does here: framing,
//! small messages, the end of the connection when the last holder of the other end is gone. What
//! it does badly is kept away from it:
//!
//! | ipc-channel | here |
//! |---|---|
//! | has no way in or out for a descriptor | [`adopt`] |
//! | hangs when the receiver dies during a message above 200 KB | such messages go through an [`annex`] |
//! | carries none but its own descriptors, 64 at most | they go through an annex too |
//! | writes byte buffers element by element | it is given encoded bytes only |
//! | panics when a message with a descriptor arrives and none is free | [`reserve`] |
//! | returns `EINTR` | retried |
//!
//! Only this folder names `ipc_channel`, and only for what is said above: nothing of the user's
//! is ever encoded or decoded inside its calls, so a value that cannot be sent leaves no half
//! message behind.
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
mod outbox;
mod receive;
mod reserve;
mod send;
#[cfg(test)]
#[allow(clippy::pedantic, reason = "tests may be blunt")]
mod tests;

pub(crate) use adopt::Blank;
pub(crate) use outbox::{Outbox, Parcel};
pub(crate) use receive::{Inbox, Received, Receiver};
pub(crate) use reserve::warm_up;
pub(crate) use send::Sender;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use crate::sys::refused::Naming as _;

/// What sends into and receives from an end of a connection. They keep duplicates.
pub(crate) fn open(end: BorrowedFd<'_>) -> io::Result<(Sender, Receiver)> {
    open_with(Blank::new()?, end)
}

/// The same, for a process that has prepared itself.
pub(crate) fn open_with(blank: Blank, end: BorrowedFd<'_>) -> io::Result<(Sender, Receiver)> {
    let (sender, receiver) = blank.both(end)?;
    Ok((
        Sender::from_ipc(sender),
        Receiver::from_ipc(receiver, end.try_clone_to_owned()?),
    ))
}

/// What sends into and receives from an end of a connection, the latter without waiting.
pub(crate) fn open_polled(end: impl Into<Arc<OwnedFd>>) -> io::Result<(Sender, Inbox)> {
    let end = end.into();
    let (sender, receiver) = Blank::new()?.both(end.as_fd())?;
    Ok((Sender::from_ipc(sender), Inbox::from_ipc(receiver, end)))
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

/// Waits until something can be written; "timed out" at the deadline.
fn wait_writable(end: BorrowedFd<'_>, deadline: Option<Instant>) -> io::Result<()> {
    if wait_for(end, PollFlags::OUT, deadline) {
        Ok(())
    } else {
        Err(io::ErrorKind::TimedOut.into())
    }
}

/// Whether a send failed because nobody is left to receive.
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

/// The time left until `deadline`, as the kernel takes it.
pub(crate) fn until(deadline: Instant) -> Timespec {
    // Rounded up, so that the deadline has come when the wait is over.
    let left = deadline.saturating_duration_since(Instant::now());
    let left = if left.is_zero() {
        left
    } else {
        left.saturating_add(Duration::from_nanos(1))
    };
    Timespec::try_from(left).unwrap_or(Timespec {
        tv_sec: i64::MAX,
        tv_nsec: 0,
    })
}
