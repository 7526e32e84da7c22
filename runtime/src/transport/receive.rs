use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use ipc_channel::ipc::IpcReceiver;
use ipc_channel::{IpcError, TryRecvError};

use super::annex::{Assembly, Wait};
use super::frame::Frame;
use super::reserve;
use super::send::into_io;
use crate::codec::Message;
use crate::sys::descriptors;

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
        // A message that stayed would block its sender for ever: nobody would come back for it.
        let is_lost = || descriptors::drop_if_carrying(self.socket.as_fd());
        let frame = match reserve::spending(is_lost, || self.receiver.try_recv())? {
            Ok(frame) => frame,
            Err(TryRecvError::Empty) => return Ok(Received::Nothing),
            Err(TryRecvError::IpcError(error)) => return closed_or(error),
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
pub(crate) struct Receiver(IpcReceiver<Frame>);

impl Receiver {
    /// Receives from one end of a connection's socket pair. It keeps a duplicate.
    #[cfg(test)]
    pub(crate) fn new(end: BorrowedFd<'_>) -> io::Result<Receiver> {
        Ok(Receiver::from_ipc(super::adopt::receiver(end)?))
    }

    pub(super) fn from_ipc(receiver: IpcReceiver<Frame>) -> Receiver {
        Receiver(receiver)
    }

    /// Waits for the next message, or for the end of the connection.
    ///
    /// # Errors
    ///
    /// As [`Inbox::receive`].
    pub(crate) fn receive(&self) -> io::Result<Received> {
        match reserve::spending(|| true, || self.0.recv())? {
            Ok(frame) => match begin(frame)? {
                Begun::Message(message) => Ok(Received::Message(message)),
                Begun::Assembly(mut assembly) => match assembly.advance(Wait::Yes)? {
                    Some(message) => Ok(Received::Message(message)),
                    None => Err(io::ErrorKind::WouldBlock.into()),
                },
            },
            Err(error) => match closed_or(error)? {
                // A signal came in between.
                Received::Nothing => self.receive(),
                received => Ok(received),
            },
        }
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

fn closed_or(error: IpcError) -> io::Result<Received> {
    match error {
        IpcError::Disconnected => Ok(Received::Closed),
        IpcError::Io(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Received::Nothing),
        error => {
            let error = into_io(error);
            match error.kind() {
                // The other end was closed with messages of ours unread.
                io::ErrorKind::ConnectionReset => Ok(Received::Closed),
                _ => Err(error),
            }
        }
    }
}
