//! The two ends of a connection, and what sends into and receives from them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::net::{
    AddressFamily, Shutdown, SocketFlags, SocketType, shutdown, socketpair, sockopt,
};

use super::adopt::PlaceholderChannel;
use super::receive::{Inbox, Receiver};
use super::send::Sender;
use crate::sys::refused::Naming as _;

/// What sends into and receives from an end of a connection.
pub(crate) fn open(end: Arc<OwnedFd>) -> io::Result<(Sender, Receiver)> {
    open_with(PlaceholderChannel::new()?, end)
}

/// The same, for a process that has prepared itself.
pub(crate) fn open_with(
    blank: PlaceholderChannel,
    end: Arc<OwnedFd>,
) -> io::Result<(Sender, Receiver)> {
    let sender = blank.sender(end.as_fd())?;
    Ok((
        Sender::from_ipc(sender, Arc::clone(&end)),
        Receiver::new(end),
    ))
}

/// What sends into and receives from an end of a connection, neither of which blocks from then on.
pub(crate) fn open_polled(end: impl Into<Arc<OwnedFd>>) -> io::Result<(Sender, Inbox)> {
    let end = end.into();
    set_nonblocking(&end)?;
    Ok((Sender::new(Arc::clone(&end))?, Inbox::new(end)))
}

/// The two ends of a new connection.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    pair_with(SocketFlags::empty())
}

/// The two ends of a new connection, neither of which blocks.
pub(crate) fn nonblocking_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    pair_with(SocketFlags::NONBLOCK)
}

fn pair_with(flags: SocketFlags) -> io::Result<(OwnedFd, OwnedFd)> {
    let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
    socketpair(family, kind, SocketFlags::CLOEXEC | flags, None).naming("socketpair")
}

/// Whether a descriptor that arrived can be an end of a connection.
pub(crate) fn is_end(descriptor: &OwnedFd) -> bool {
    sockopt::socket_type(descriptor) == Ok(SocketType::SEQPACKET)
        && sockopt::socket_domain(descriptor) == Ok(AddressFamily::UNIX)
}

/// Lets the other end know that nothing more will be sent to it, which takes no room in the
/// connection. It can still send.
pub(crate) fn end_sending(end: BorrowedFd<'_>) {
    // An error means that the other end is gone.
    let _ = shutdown(end, Shutdown::Write);
}

/// Makes an end never block.
pub(crate) fn set_nonblocking(end: &OwnedFd) -> io::Result<()> {
    Ok(rustix::io::ioctl_fionbio(end, true)?)
}
