use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ipc_channel::IpcError;
use ipc_channel::ipc::IpcReceiver;
use rustix::net::RecvFlags;

use super::annex::{Assembly, Wait};
use super::frame::Frame;
use super::reserve;
use super::send::into_io;
use crate::codec::Message;
use crate::sys::descriptors::{self, Packet};

/// What a receiving end has to say.
#[derive(Debug)]
pub(crate) enum Received {
    Message(Message),
    /// Nothing just now. Only an [`Inbox`] says so.
    Nothing,
    /// Every holder of the other end is gone, and all they sent has been received.
    Closed,
}

/// The end of a connection that is read in no time, or not at all.
///
/// For whoever minds several connections: poll [`Inbox::source`], then [`Inbox::receive`].
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
    /// descriptors or memory left). What follows it can still be received.
    pub(crate) fn receive(&mut self) -> io::Result<Received> {
        if let Some(assembly) = &mut self.assembly {
            return match assembly.advance(Wait::No) {
                Ok(None) => Ok(Received::Nothing),
                Ok(Some(message)) => {
                    self.assembly = None;
                    Ok(Received::Message(message))
                }
                Err(error) => {
                    self.assembly = None;
                    Err(error)
                }
            };
        }
        let frame = match take(self.socket.as_fd(), &self.receiver, RecvFlags::DONTWAIT)? {
            Taken::Frame(frame) => frame,
            Taken::Nothing => return Ok(Received::Nothing),
            Taken::Closed => return Ok(Received::Closed),
        };
        match begin(frame)? {
            Begun::Message(message) => Ok(Received::Message(message)),
            Begun::Assembly(assembly) => {
                self.assembly = Some(assembly);
                self.receive()
            }
        }
    }
}

/// The end of a connection that is waited on.
#[derive(Debug)]
pub(crate) struct Receiver {
    receiver: IpcReceiver<Frame>,
    /// The same socket, to look at what comes.
    socket: OwnedFd,
}

impl Receiver {
    /// Receives from one end of a connection's socket pair. It keeps a duplicate.
    #[cfg(test)]
    pub(crate) fn new(end: BorrowedFd<'_>) -> io::Result<Receiver> {
        let receiver = super::adopt::receiver(end)?;
        Ok(Receiver::from_ipc(receiver, end.try_clone_to_owned()?))
    }

    pub(super) fn from_ipc(receiver: IpcReceiver<Frame>, socket: OwnedFd) -> Receiver {
        Receiver { receiver, socket }
    }

    /// Waits for the next message, or for the end of the connection.
    ///
    /// # Errors
    ///
    /// As [`Inbox::receive`].
    pub(crate) fn receive(&self) -> io::Result<Received> {
        match take(self.socket.as_fd(), &self.receiver, RecvFlags::empty())? {
            Taken::Frame(frame) => match begin(frame)? {
                Begun::Message(message) => Ok(Received::Message(message)),
                Begun::Assembly(mut assembly) => match assembly.advance(Wait::Yes)? {
                    Some(message) => Ok(Received::Message(message)),
                    None => Err(io::ErrorKind::WouldBlock.into()),
                },
            },
            Taken::Nothing => self.receive(),
            Taken::Closed => Ok(Received::Closed),
        }
    }
}

enum Taken {
    Frame(Frame),
    Nothing,
    Closed,
}

/// Takes the next frame of a connection of which nobody else takes any.
///
/// What kind of packet comes is looked at first. ipc-channel can then wait for one that is there,
/// which it does in one system call, and only for one that carries a descriptor the
/// [`reserve`] has to be given up.
fn take(
    socket: BorrowedFd<'_>,
    receiver: &IpcReceiver<Frame>,
    flags: RecvFlags,
) -> io::Result<Taken> {
    let received = match descriptors::peek(socket, flags)? {
        Packet::None => return Ok(Taken::Nothing),
        Packet::End => return Ok(Taken::Closed),
        // ipc-channel panics about some packets that are none of its own.
        Packet::Plain => catch_unwind(AssertUnwindSafe(|| receiver.recv()))
            .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?,
        Packet::Carrying => {
            // A message that stayed would block its sender for ever: nobody would come back.
            let skip = || descriptors::skip(socket);
            reserve::spending(skip, || receiver.recv())?
        }
    };
    match received {
        Ok(frame) => Ok(Taken::Frame(frame)),
        Err(IpcError::Disconnected) => Ok(Taken::Closed),
        Err(IpcError::Io(error)) if error.kind() == io::ErrorKind::Interrupted => {
            take(socket, receiver, flags)
        }
        Err(error) => Err(into_io(error)),
    }
}

enum Begun {
    Message(Message),
    Assembly(Assembly),
}

fn begin(frame: Frame) -> io::Result<Begun> {
    let head = frame.head.into_vec();
    match frame.annex {
        None => Ok(Begun::Message(Message {
            head,
            ..Message::default()
        })),
        Some(annex) => Ok(Begun::Assembly(Assembly::new(annex, head)?)),
    }
}
