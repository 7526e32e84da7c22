use std::cell::RefCell;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use ipc_channel::IpcError;
use ipc_channel::ipc::IpcReceiver;
use rustix::io::Errno;
use rustix::net::RecvFlags;

use super::annex::{self, Assembly, Wait};
use super::depot::{Depots, IDLE, PackedDepot};
use super::frame::{Announced, BEGINNING, Frame, FrameHeader};
use super::locals;
use super::send::into_io;
use crate::codec::Message;
use crate::sys::descriptors::{self, Packet};
use crate::sys::{deadline, poll};
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
    depots: Depots,
}

impl Inbox {
    /// Takes over one end of a connection's socket pair.
    pub(crate) fn new(end: impl Into<Arc<OwnedFd>>) -> io::Result<Inbox> {
        let end = end.into();
        let receiver = super::adopt::receiver(end.as_fd())?;
        Ok(Inbox::from_ipc(receiver, end))
    }

    /// The same, for an end that was read in another process, with what is in use there.
    pub(crate) fn moved(end: Arc<OwnedFd>, depots: Vec<PackedDepot>) -> io::Result<Inbox> {
        Ok(Inbox {
            depots: Depots::unpack(depots),
            ..Inbox::new(end)?
        })
    }

    /// What has to move along when the end goes to another process.
    pub(crate) fn depots(&self) -> Vec<PackedDepot> {
        self.depots.pack()
    }

    /// How long to wait before [`give_back`](Inbox::give_back) has something to do; `None` if it never will.
    pub(crate) fn keeps_memory_for(&self) -> Option<Duration> {
        (!self.depots.are_none()).then_some(IDLE)
    }

    /// Gives back memory that has not been in use lately.
    pub(crate) fn give_back(&mut self) {
        self.depots.give_back();
    }

    pub(super) fn from_ipc(receiver: IpcReceiver<Frame>, socket: Arc<OwnedFd>) -> Inbox {
        Inbox {
            receiver,
            socket,
            assembly: None,
            depots: Depots::default(),
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
            none => match take(
                self.socket.as_fd(),
                &self.receiver,
                &mut self.depots,
                RecvFlags::DONTWAIT,
            )? {
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
    depots: RefCell<Depots>,
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
        Receiver {
            receiver,
            socket,
            depots: RefCell::default(),
        }
    }

    /// Waits for the next message, or for the end of the connection.
    ///
    /// # Errors
    ///
    /// As [`Inbox::receive`].
    pub(crate) fn receive(&self) -> io::Result<Received> {
        let mut depots = self.depots.borrow_mut();
        loop {
            let socket = self.socket.as_fd();
            // Memory that is not in use is given back before the wait becomes a long one.
            if !depots.are_none() && !poll::wait_readable(socket, deadline::after(IDLE)) {
                depots.give_back();
            }
            match take(socket, &self.receiver, &mut depots, RecvFlags::empty())? {
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
    depots: &mut Depots,
    flags: RecvFlags,
) -> io::Result<Taken> {
    loop {
        match look_and_take(socket, receiver, depots, flags) {
            Ok(None) => {}
            Ok(Some(taken)) => return Ok(taken),
            Err(error) if is_to_be_repeated(&error) => {}
            // A copy of this process, made by `fork`, has taken it.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Taken::Nothing),
            Err(error) => return Err(error),
        }
    }
}

/// `None` if there was no message in the packet.
///
/// What is no frame is dropped here, with all that it carries. What is one, ipc-channel takes in
/// one system call, unless a descriptor comes with it: then ipc-channel would panic if the process
/// had no room for that, or if another came along, so such a packet is taken here.
fn look_and_take(
    socket: BorrowedFd<'_>,
    receiver: &IpcReceiver<Frame>,
    depots: &mut Depots,
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
    let Some(FrameHeader { rest, head }) = FrameHeader::read(&beginning, length) else {
        return refuse(socket);
    };
    match rest {
        Announced::Nothing if !is_carrying => locals::RECEIVING
            .using(|| take_by_ipc(receiver))
            .unwrap_or_else(|_| {
                let head = take_plain(socket, length, head)?;
                Ok(Taken::Message(Message {
                    head,
                    ..Message::default()
                }))
            })
            .map(Some),
        Announced::Blocks(plan) if !is_carrying => {
            let packet = take_plain(socket, length, head)?;
            let message = depots.take(&plan, packet)?;
            Ok(Some(Taken::Message(message)))
        }
        Announced::Annex(plan) if is_carrying => {
            let (head, annex) = take_carrying(socket, length, head)?;
            // The process had no room for it.
            let annex = annex.ok_or(Errno::MFILE)?;
            if !annex::is_one(&annex) {
                return Err(nonsense());
            }
            Ok(Some(Taken::Beginning(Assembly::new(annex, plan, head))))
        }
        Announced::Depot(depot) if is_carrying => {
            if let (_, Some(file)) = take_carrying(socket, length, head)? {
                depots.accept(depot, file);
            }
            Ok(None)
        }
        _ => refuse(socket),
    }
}

/// Drops the next packet.
fn refuse(socket: BorrowedFd<'_>) -> io::Result<Option<Taken>> {
    descriptors::skip(socket);
    Err(nonsense())
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

/// Takes a frame that comes with nothing, and gives the bytes of its head.
fn take_plain(socket: BorrowedFd<'_>, length: usize, head: usize) -> io::Result<Vec<u8>> {
    let mut packet = vec![0; length];
    let received = descriptors::receive_any(socket, &mut packet, RecvFlags::DONTWAIT)?;
    if received.bytes != length {
        return Err(nonsense());
    }
    packet.drain(..head);
    Ok(packet)
}

/// A signal came in between, or the other end was closed with packets from here unread. The packet is
/// still there.
fn is_to_be_repeated(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Interrupted | io::ErrorKind::ConnectionReset
    )
}

/// Takes a frame that comes with a descriptor, and gives the bytes of its head, and the descriptor if there
/// was room for it.
fn take_carrying(
    socket: BorrowedFd<'_>,
    length: usize,
    head: usize,
) -> io::Result<(Vec<u8>, Option<OwnedFd>)> {
    let mut packet = vec![0; length];
    let mut received = descriptors::receive_any(socket, &mut packet, RecvFlags::DONTWAIT)?;
    if received.descriptors.len() > 1 || received.bytes != length {
        return Err(nonsense());
    }
    packet.drain(..head);
    Ok((packet, received.descriptors.pop()))
}
