//! What arrives at a socket: bytes, and descriptors sent along with them (`SCM_RIGHTS`).

#![expect(
    unsafe_code,
    reason = "bytes are received into memory that was not written before"
)]

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recv, recvmsg, sendmsg,
};

use crate::sys::refused::Naming as _;

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
/// "Too many open files" if the process had no place for all of them; "invalid data" if another
/// number came. Not retried when a signal comes in between.
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
    if received.truncated {
        return Err(Errno::MFILE.into());
    }
    if received.descriptors.len() != expected {
        return Err(wrong_number(received.descriptors.len(), expected));
    }
    Ok(Some(received.descriptors))
}

/// What [`receive_any`] got.
#[derive(Debug)]
pub(crate) struct ReceivedFds {
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
) -> io::Result<ReceivedFds> {
    let mut descriptors = Vec::new();
    let (bytes, truncated) = receive_each(socket, bytes, flags, |descriptor| {
        descriptors.push(descriptor);
    })?;
    Ok(ReceivedFds {
        bytes,
        descriptors,
        truncated,
    })
}

/// Waits for a byte and the descriptor that comes with it; `None` at the end of the stream.
///
/// It allocates nothing, for a fork server: what that writes to between two clones, the kernel has to copy.
///
/// # Errors
///
/// As [`receive`].
pub(crate) fn receive_one(socket: BorrowedFd<'_>) -> io::Result<Option<OwnedFd>> {
    let (mut first, mut count) = (None, 0);
    let (bytes, truncated) = receive_each(socket, &mut [0], RecvFlags::empty(), |descriptor| {
        count += 1;
        first.get_or_insert(descriptor);
    })?;
    match first {
        _ if bytes == 0 => Ok(None),
        _ if truncated => Err(Errno::MFILE.into()),
        Some(descriptor) if count == 1 => Ok(Some(descriptor)),
        _ => Err(wrong_number(count, 1)),
    }
}

/// Receives a few bytes and hands over each descriptor that came with them. How many bytes it was, and
/// whether the process had no place for all descriptors.
fn receive_each(
    socket: BorrowedFd<'_>,
    bytes: &mut [u8],
    flags: RecvFlags,
    mut take: impl FnMut(OwnedFd),
) -> io::Result<(usize, bool)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAXIMUM))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(
        socket,
        &mut [IoSliceMut::new(bytes)],
        &mut control,
        flags | RecvFlags::CMSG_CLOEXEC,
    )
    .naming("recvmsg")?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(batch) = message {
            batch.for_each(&mut take);
        }
    }
    Ok((received.bytes, received.flags.contains(ReturnFlags::CTRUNC)))
}

fn wrong_number(count: usize, expected: usize) -> io::Error {
    let text = format!("{count} descriptors came instead of {expected}");
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// As [`receive_any`], but without waiting.
pub(crate) fn try_receive(socket: BorrowedFd<'_>, bytes: &mut [u8]) -> io::Result<ReceivedFds> {
    receive_any(socket, bytes, RecvFlags::DONTWAIT)
}

/// What came of looking for a packet.
#[derive(Debug)]
pub(crate) enum Packet {
    /// It has so many bytes, of which those were taken that there was room for.
    Bytes { length: usize, carried: Carried },
    /// It is there, and has nothing in it.
    Empty,
    /// There is none just now.
    None,
    /// There will be none any more.
    End,
}

/// What came with a packet.
#[derive(Debug)]
pub(crate) enum Carried {
    Nothing,
    One(OwnedFd),
    /// One came at least, but the process had no place for it.
    Lost,
    /// More than one, which are closed.
    Several,
}

/// Takes the next packet. As much of its beginning as fits is put into `beginning`.
pub(crate) fn take_packet(
    socket: BorrowedFd<'_>,
    beginning: &mut [u8],
    flags: RecvFlags,
) -> io::Result<Packet> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut was_reset = false;
    loop {
        let received = recvmsg(
            socket,
            &mut [IoSliceMut::new(beginning)],
            &mut control,
            RecvFlags::TRUNC | RecvFlags::CMSG_CLOEXEC | flags,
        );
        let packet = match received {
            Ok(packet) => packet,
            // The other end was closed with packets from here unread. It is told once, and before
            // the packets that came from there.
            Err(Errno::CONNRESET) if !was_reset => {
                was_reset = true;
                continue;
            }
            Err(Errno::CONNRESET) => return Ok(Packet::End),
            Err(Errno::AGAIN) => return Ok(Packet::None),
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        };
        let mut carried = Carried::Nothing;
        if packet.flags.contains(ReturnFlags::CTRUNC) {
            carried = Carried::Lost;
        }
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(batch) = message {
                for descriptor in batch {
                    carried = match carried {
                        Carried::Nothing => Carried::One(descriptor),
                        _ => Carried::Several,
                    };
                }
            }
        }
        if packet.bytes > 0 || !matches!(carried, Carried::Nothing) {
            return Ok(Packet::Bytes {
                length: packet.bytes,
                carried,
            });
        }
        return Ok(if is_over(socket)? {
            Packet::End
        } else {
            Packet::Empty
        });
    }
}

/// Whether it is the end that looks like a packet of no bytes, and not such a packet.
pub(crate) fn is_over(socket: BorrowedFd<'_>) -> io::Result<bool> {
    let mut polled = [PollFd::from_borrowed_fd(socket, PollFlags::RDHUP)];
    // An error is a signal that came in between.
    while poll(&mut polled, Some(&Timespec::default())).is_err() {}
    let is_closed = polled[0]
        .revents()
        .intersects(PollFlags::RDHUP | PollFlags::HUP);
    // What was sent before it was closed is still to be received.
    Ok(is_closed && rustix::io::ioctl_fionread(socket)? == 0)
}

/// Appends what a socket has to a buffer, up to `limit` bytes and to the buffer's capacity. Gives
/// how many bytes it was, none at the end of the stream. Not retried when a signal comes in
/// between.
pub(crate) fn receive_into(
    socket: BorrowedFd<'_>,
    buffer: &mut Vec<u8>,
    limit: usize,
    flags: RecvFlags,
) -> io::Result<usize> {
    let spare = buffer.spare_capacity_mut();
    let limit = limit.min(spare.len());
    let ((received, _), _) = recv(socket, &mut spare[..limit], flags)?;
    let received = received.len();
    // SAFETY: these bytes, right behind those of the buffer and within its capacity, were handed
    // out as initialized.
    unsafe { buffer.set_len(buffer.len() + received) };
    Ok(received)
}
