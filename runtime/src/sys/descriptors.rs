//! Descriptors sent over a socket (`SCM_RIGHTS`).

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recv, recvmsg, sendmsg,
};

use super::refused::Naming as _;

/// The kernel's limit for one message.
const MAXIMUM: usize = 253;

/// Sends a few bytes that carry `descriptors`.
pub(crate) fn send(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    send_with(socket, bytes, descriptors, SendFlags::empty())
}

/// The same without waiting for room.
pub(crate) fn try_send(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    send_with(socket, bytes, descriptors, SendFlags::DONTWAIT)
}

fn send_with(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
    flags: SendFlags,
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAXIMUM))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::other("too many descriptors for one message"));
    }
    loop {
        match sendmsg(
            socket,
            &[IoSlice::new(bytes)],
            &mut control,
            SendFlags::NOSIGNAL | flags,
        ) {
            Err(Errno::INTR) => {}
            sent => return sent.map(drop).naming("sendmsg"),
        }
    }
}

/// Receives a few bytes and the `expected` number of descriptors with them; `None` at the end of
/// the stream. What arrives is close-on-exec.
///
/// # Errors
///
/// "Too many open files" if the process had no place for all of them. Not retried when a signal
/// comes in between.
pub(crate) fn receive(
    socket: BorrowedFd<'_>,
    bytes: &mut [u8],
    expected: usize,
    flags: RecvFlags,
) -> io::Result<Option<Vec<OwnedFd>>> {
    let received = receive_any(socket, bytes, flags)?;
    if received.bytes == 0 {
        return Ok(None);
    }
    if received.truncated || received.descriptors.len() != expected {
        return Err(Errno::MFILE.into());
    }
    Ok(Some(received.descriptors))
}

/// What [`receive_any`] got.
#[derive(Debug)]
pub(crate) struct Parcel {
    /// How many bytes.
    pub(crate) bytes: usize,
    pub(crate) descriptors: Vec<OwnedFd>,
    /// The process had no place for all descriptors.
    pub(crate) truncated: bool,
}

/// Receives a few bytes and the descriptors that came with them. Not retried when a signal comes
/// in between.
pub(crate) fn receive_any(
    socket: BorrowedFd<'_>,
    bytes: &mut [u8],
    flags: RecvFlags,
) -> io::Result<Parcel> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAXIMUM))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(
        socket,
        &mut [IoSliceMut::new(bytes)],
        &mut control,
        flags | RecvFlags::CMSG_CLOEXEC,
    )
    .naming("recvmsg")?;
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(batch) = message {
            descriptors.extend(batch);
        }
    }
    Ok(Parcel {
        bytes: received.bytes,
        descriptors,
        truncated: received.flags.contains(ReturnFlags::CTRUNC),
    })
}

/// What the next packet of a socket is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packet {
    /// Bytes and nothing else.
    Plain,
    /// Descriptors come with it.
    Carrying,
    /// There is none just now.
    None,
    /// There will be none any more.
    End,
}

/// Looks at the next packet without taking it.
pub(crate) fn peek(socket: BorrowedFd<'_>, flags: RecvFlags) -> io::Result<Packet> {
    loop {
        let peeked = recvmsg(
            socket,
            &mut [IoSliceMut::new(&mut [0])],
            &mut RecvAncillaryBuffer::default(),
            RecvFlags::PEEK | flags,
        );
        return match peeked {
            // There is no room for what it carries.
            Ok(packet) if packet.flags.contains(ReturnFlags::CTRUNC) => Ok(Packet::Carrying),
            Ok(packet) if packet.bytes == 0 => Ok(Packet::End),
            Ok(_) => Ok(Packet::Plain),
            // The other end was closed with packets of ours unread.
            Err(Errno::CONNRESET) => Ok(Packet::End),
            Err(Errno::AGAIN) => Ok(Packet::None),
            Err(Errno::INTR) => continue,
            Err(error) => Err(error.into()),
        };
    }
}

/// Drops the next packet. Does not wait.
pub(crate) fn skip(socket: BorrowedFd<'_>) {
    // The rest of a packet goes with its beginning.
    let _ = recv(socket, &mut [0], RecvFlags::DONTWAIT);
}
