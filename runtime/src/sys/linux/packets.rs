//! Packets from one process to another, which are never waited for.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send as send_packet,
    socketpair, sockopt,
};

use crate::sys::refused::Naming as _;

/// What is there to be received.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Received<'b> {
    Nothing,
    Packet(&'b [u8]),
    /// A packet for which the buffer was too short, which is dropped.
    TooLong,
    /// The other end is closed in all processes.
    End,
}

/// Two connected ends.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
    socketpair(family, kind, SocketFlags::CLOEXEC, None).naming("socketpair")
}

/// Sends a packet. What is sent is received, whatever becomes of this process.
///
/// # Errors
///
/// "Would block" if there is no room now.
pub(crate) fn send(socket: BorrowedFd<'_>, packet: &[u8]) -> io::Result<()> {
    loop {
        match send_packet(socket, packet, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Err(Errno::INTR) => {}
            sent => return Ok(sent.map(drop)?),
        }
    }
}

/// Receives a packet that is there.
pub(crate) fn receive<'b>(socket: BorrowedFd<'_>, buffer: &'b mut [u8]) -> Received<'b> {
    loop {
        let flags = RecvFlags::DONTWAIT | RecvFlags::TRUNC;
        return match recv(socket, &mut *buffer, flags) {
            Err(Errno::INTR | Errno::CONNRESET) => continue,
            Err(Errno::AGAIN) => Received::Nothing,
            Ok((_, 0)) | Err(_) => Received::End,
            Ok((_, length)) => match buffer.get(..length) {
                Some(packet) => Received::Packet(packet),
                None => Received::TooLong,
            },
        };
    }
}

/// Gives a socket that is full room for a few packets more, as far as the system's limit allows it.
pub(crate) fn make_room(socket: BorrowedFd<'_>) {
    let size = sockopt::socket_send_buffer_size(socket).unwrap_or(0);
    // The kernel doubles it, as it has done with what it tells.
    let _ = sockopt::set_socket_send_buffer_size(socket, size / 2 + (16 << 10));
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn what_is_sent_outlives_the_end_it_was_sent_from() {
        let (ours, theirs) = pair().unwrap();
        let mut buffer = [0; 4];
        assert_eq!(receive(ours.as_fd(), &mut buffer), Received::Nothing);
        for packet in [&b"one"[..], b"longer", b"four"] {
            send(theirs.as_fd(), packet).unwrap();
        }
        drop(theirs);
        assert_eq!(receive(ours.as_fd(), &mut buffer), Received::Packet(b"one"));
        assert_eq!(receive(ours.as_fd(), &mut buffer), Received::TooLong);
        assert_eq!(
            receive(ours.as_fd(), &mut buffer),
            Received::Packet(b"four")
        );
        assert_eq!(receive(ours.as_fd(), &mut buffer), Received::End);
    }

    #[test]
    fn a_socket_that_is_full_can_be_given_room() {
        let (ours, theirs) = pair().unwrap();
        while send(theirs.as_fd(), &[1; 500]).is_ok() {}
        let error = send(theirs.as_fd(), b"last").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        make_room(theirs.as_fd());
        send(theirs.as_fd(), b"last").unwrap();
        drop(ours);
        assert!(send(theirs.as_fd(), b"late").is_err());
    }
}
