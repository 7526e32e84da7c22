use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ipc_channel::IpcError;
use ipc_channel::ipc::IpcReceiver;
use rustix::io::Errno;
use rustix::net::RecvFlags;

use super::annex::{self, Assembly, Wait};
use super::frame::{BEGINNING, Frame, FrameHeader, Plan};
use super::locals;
use super::send::into_io;
use crate::codec::Message;
use crate::sys::descriptors::{self, Packet};
use crate::sys::poll;
use crate::transport::error::nonsense;
use crate::transport::message::Received;

/// The end of a connection that is read in no time, or not at all.
///
/// For a thread that waits for several connections: poll [`Inbox::source`], then [`Inbox::receive`].
#[derive(Debug)]
pub(crate) struct Inbox {
    receiver: IpcReceiver<Frame>,
    /// The same socket, to poll.
    socket: Arc<OwnedFd>,
    assembly: Option<Assembly>,
}

impl Inbox {
    /// Takes over one end of a connection's socket pair.
    pub(crate) fn new(end: impl Into<Arc<OwnedFd>>) -> io::Result<Inbox> {
        let end = end.into();
        let receiver = super::adopt::receiver(end.as_fd())?;
        Ok(Inbox::from_ipc(receiver, end))
    }

    pub(super) fn from_ipc(receiver: IpcReceiver<Frame>, socket: Arc<OwnedFd>) -> Inbox {
        Inbox {
            receiver,
            socket,
            assembly: None,
        }
    }

    /// Readable when [`receive`](Inbox::receive) has something to do.
    ///
    /// This changes while a long message arrives: ask again after each `receive`.
    pub(crate) fn source(&self) -> BorrowedFd<'_> {
        match &self.assembly {
            Some(assembly) => assembly.socket(),
            None => self.socket.as_fd(),
        }
    }

    /// The connection, whatever arrives beside it.
    pub(crate) fn connection(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// The same, which stays open as long as it is held.
    pub(crate) fn share(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.socket)
    }

    /// Whether a long message is arriving.
    pub(crate) fn is_assembling(&self) -> bool {
        self.assembly.is_some()
    }

    /// Receives the next message if all of it is there.
    ///
    /// # Errors
    ///
    /// The sender died in the middle of a message, or the message could not be taken (no
    /// descriptors or memory left), or it was none ([`is_nonsense`](crate::transport::is_nonsense)). What
    /// follows it can still be received.
    pub(crate) fn receive(&mut self) -> io::Result<Received> {
        let assembly = match &mut self.assembly {
            Some(assembly) => assembly,
            none => match take(self.socket.as_fd(), &self.receiver, RecvFlags::DONTWAIT)? {
                Taken::Message(message) => return Ok(Received::Message(message)),
                Taken::Beginning(assembly) => none.insert(assembly),
                Taken::Nothing => return Ok(Received::Nothing),
                Taken::Closed => return Ok(Received::Closed),
            },
        };
        let advanced = assembly.advance(Wait::No);
        if !matches!(advanced, Ok(None)) {
            self.assembly = None;
        }
        Ok(advanced?.map_or(Received::Nothing, Received::Message))
    }
}

/// The end of a connection that is waited on.
#[derive(Debug)]
pub(crate) struct Receiver {
    receiver: IpcReceiver<Frame>,
    /// The same socket, to look at what comes.
    socket: Arc<OwnedFd>,
}

impl Receiver {
    /// Receives from one end of a connection's socket pair. It keeps a duplicate.
    #[cfg(test)]
    pub(crate) fn new(end: BorrowedFd<'_>) -> io::Result<Receiver> {
        let receiver = super::adopt::receiver(end)?;
        let end = end.try_clone_to_owned()?;
        Ok(Receiver::from_ipc(receiver, Arc::new(end)))
    }

    pub(super) fn from_ipc(receiver: IpcReceiver<Frame>, socket: Arc<OwnedFd>) -> Receiver {
        Receiver { receiver, socket }
    }

    /// Waits for the next message, or for the end of the connection.
    ///
    /// # Errors
    ///
    /// As [`Inbox::receive`].
    pub(crate) fn receive(&self) -> io::Result<Received> {
        loop {
            match take(self.socket.as_fd(), &self.receiver, RecvFlags::empty())? {
                Taken::Message(message) => return Ok(Received::Message(message)),
                Taken::Beginning(mut assembly) => {
                    if let Some(message) = assembly.advance(Wait::Yes)? {
                        return Ok(Received::Message(message));
                    }
                }
                // The socket was made not to block, behind this library's back.
                Taken::Nothing => {
                    poll::wait_readable(self.socket.as_fd(), None);
                }
                Taken::Closed => return Ok(Received::Closed),
            }
        }
    }
}

enum Taken {
    Message(Message),
    /// The rest comes beside it.
    Beginning(Assembly),
    Nothing,
    Closed,
}

/// Takes the next packet of a connection, after a look at it.
fn take(
    socket: BorrowedFd<'_>,
    receiver: &IpcReceiver<Frame>,
    flags: RecvFlags,
) -> io::Result<Taken> {
    loop {
        match look_and_take(socket, receiver, flags) {
            Ok(None) => {}
            Ok(Some(taken)) => return Ok(taken),
            Err(error) if is_to_be_repeated(&error) => {}
            // A copy of this process, made by `fork`, has taken it.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Taken::Nothing),
            Err(error) => return Err(error),
        }
    }
}

/// `None` if there was nothing in the packet.
///
/// What is no frame is dropped here, with all that it carries. What is one, ipc-channel takes in
/// one system call, unless a descriptor comes with it: then ipc-channel would panic if the process
/// had no room for that, or if another came along, so such a packet is taken here.
fn look_and_take(
    socket: BorrowedFd<'_>,
    receiver: &IpcReceiver<Frame>,
    flags: RecvFlags,
) -> io::Result<Option<Taken>> {
    let mut beginning = [0; BEGINNING];
    let (length, is_carrying) = match descriptors::peek(socket, &mut beginning, flags)? {
        Packet::None => return Ok(Some(Taken::Nothing)),
        Packet::End => return Ok(Some(Taken::Closed)),
        Packet::Plain(length) => (length, false),
        Packet::Carrying(length) => (length, true),
        // It says nothing, and does no harm.
        Packet::Empty => {
            descriptors::skip(socket);
            return Ok(None);
        }
    };
    let taken = match FrameHeader::read(&beginning, length) {
        Some(FrameHeader { plan: None, head }) if !is_carrying => locals::RECEIVING
            .using(|| take_by_ipc(receiver))
            .unwrap_or_else(|_| take_plain(socket, length, head)),
        Some(FrameHeader {
            plan: Some(plan),
            head,
        }) if is_carrying => take_annex(socket, length, plan, head),
        _ => {
            descriptors::skip(socket);
            Err(nonsense())
        }
    };
    taken.map(Some)
}

fn take_by_ipc(receiver: &IpcReceiver<Frame>) -> io::Result<Taken> {
    // Should it be another version than is known here, its panic is an error of this one message.
    let received = catch_unwind(AssertUnwindSafe(|| receiver.recv())).map_err(|_| nonsense())?;
    match received {
        Ok(frame) => Ok(Taken::Message(Message {
            head: frame.head.into_vec(),
            ..Message::default()
        })),
        Err(IpcError::Disconnected) => Ok(Taken::Closed),
        Err(error) => Err(into_io(error)),
    }
}

/// Takes a frame that comes with nothing.
fn take_plain(socket: BorrowedFd<'_>, length: usize, head: usize) -> io::Result<Taken> {
    let mut packet = vec![0; length];
    let received = descriptors::receive_any(socket, &mut packet, RecvFlags::DONTWAIT)?;
    if received.bytes != length {
        return Err(nonsense());
    }
    packet.drain(..head);
    Ok(Taken::Message(Message {
        head: packet,
        ..Message::default()
    }))
}

/// A signal came in between, or the other end was closed with packets from here unread. The packet is
/// still there.
fn is_to_be_repeated(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Interrupted | io::ErrorKind::ConnectionReset
    )
}

/// Takes a frame that comes with the receiving end of its annex.
fn take_annex(socket: BorrowedFd<'_>, length: usize, plan: Plan, head: usize) -> io::Result<Taken> {
    let mut packet = vec![0; length];
    let mut received = descriptors::receive_any(socket, &mut packet, RecvFlags::DONTWAIT)?;
    if received.descriptors.len() > 1 || received.bytes != length {
        return Err(nonsense());
    }
    // The process had no room for it.
    let annex = received.descriptors.pop().ok_or(Errno::MFILE)?;
    if !annex::is_one(&annex) {
        return Err(nonsense());
    }
    packet.drain(..head);
    Ok(Taken::Beginning(Assembly::new(annex, plan, packet)))
}
