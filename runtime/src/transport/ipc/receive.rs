//! What arrives.
//!
//! Packets are those that ipc-channel sends, but received here, each in one system call, since ipc-channel
//! cannot look before it takes. Items of 16 bytes one way: 3.1 µs each, 3.5 with a look before each; a bare
//! pair takes 1.4. The rest is spent by the kernel on packets, and by the sender.

use std::cell::{Cell, RefCell};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::RecvFlags;

use super::annex::{self, Assembly, Wait};
use super::depot::{Depots, IDLE, PackedDepot};
use super::frame::{Announced, BEGINNING, FrameHeader, INLINE_MAXIMUM};
use crate::codec::{Message, spare};
use crate::sys::descriptors::{self, Carried, Packet};
use crate::sys::memory::Untouched;
use crate::sys::{deadline, poll};
use crate::transport::error::nonsense;
use crate::transport::message::Received;

/// The end of a connection that is read in no time, or not at all.
///
/// For a thread that waits for several connections: poll [`Inbox::source`], then [`Inbox::receive`].
#[derive(Debug)]
pub(crate) struct Inbox {
    socket: Arc<OwnedFd>,
    assembly: Option<Assembly>,
    depots: Depots,
}

impl Inbox {
    /// Takes over one end of a connection's socket pair.
    pub(crate) fn new(end: impl Into<Arc<OwnedFd>>) -> Inbox {
        Inbox::moved(end.into(), Vec::new())
    }

    /// The same, for an end that was read in another process, with what is in use there.
    pub(crate) fn moved(end: Arc<OwnedFd>, depots: Vec<PackedDepot>) -> Inbox {
        Inbox {
            socket: end,
            assembly: None,
            depots: Depots::unpack(depots),
        }
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
            none => match take(self.socket.as_fd(), &mut self.depots, RecvFlags::DONTWAIT)? {
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
    socket: Arc<OwnedFd>,
    depots: RefCell<Depots>,
}

impl Receiver {
    /// Takes over one end of a connection's socket pair.
    pub(crate) fn new(end: impl Into<Arc<OwnedFd>>) -> Receiver {
        Receiver {
            socket: end.into(),
            depots: RefCell::default(),
        }
    }

    /// Whether there is something to [receive](Receiver::receive) within this time, for which it waits.
    pub(crate) fn waits_at_most(&self, time: Duration) -> bool {
        poll::wait_readable(self.socket.as_fd(), deadline::after(time))
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
            let is_some = !depots.are_none() || spare::is_kept(IDLE);
            if is_some && !poll::wait_readable(socket, deadline::after(IDLE)) {
                depots.give_back();
                spare::give_back();
            }
            match take(socket, &mut depots, RecvFlags::empty())? {
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

/// Takes the next message of a connection, or what there is of it.
fn take(socket: BorrowedFd<'_>, depots: &mut Depots, flags: RecvFlags) -> io::Result<Taken> {
    with_room(|room| {
        loop {
            let (length, carried) = match descriptors::take_packet(socket, room, flags)? {
                Packet::Bytes { length, carried } => (length, carried),
                // It says nothing, and does no harm.
                Packet::Empty => continue,
                Packet::None => return Ok(Taken::Nothing),
                Packet::End => return Ok(Taken::Closed),
            };
            // What is longer is no frame.
            let packet = room.get(..length).ok_or_else(nonsense)?;
            if let Some(taken) = open(packet, carried, depots)? {
                return Ok(taken);
            }
        }
    })
}

/// Reads a packet; `None` if no message is in it. What is no frame is dropped, with all that it carries.
fn open(packet: &[u8], carried: Carried, depots: &mut Depots) -> io::Result<Option<Taken>> {
    let header = FrameHeader::read(packet, packet.len()).ok_or_else(nonsense)?;
    let head = &packet[header.head..];
    match (header.rest, carried) {
        (Announced::Nothing, Carried::Nothing) => Ok(Some(Taken::Message(Message {
            head: head.to_vec(),
            ..Message::default()
        }))),
        (Announced::Blocks(plan), Carried::Nothing) => {
            let message = depots.take(&plan, head)?;
            Ok(Some(Taken::Message(message)))
        }
        (Announced::Annex(plan), Carried::One(annex)) if annex::is_one(&annex) => {
            let assembly = Assembly::new(annex, plan, head.to_vec());
            Ok(Some(Taken::Beginning(assembly)))
        }
        (Announced::Annex(_), Carried::Lost) => Err(Errno::MFILE.into()),
        (Announced::Depot(depot), Carried::One(file)) => {
            depots.accept(depot, file);
            Ok(None)
        }
        // Its sender goes on without.
        (Announced::Depot(_), Carried::Lost) => Ok(None),
        _ => Err(nonsense()),
    }
}

/// As long as the longest packet that is a frame.
const ROOM: usize = INLINE_MAXIMUM + BEGINNING;

thread_local! {
    /// Where packets are received, since their length is not known before. Of the memory, only as much is in
    /// use as the longest packet of this thread was long.
    static ROOMS: Cell<Option<Untouched>> = const { Cell::new(None) };
}

/// Calls `receive` with room for any frame.
fn with_room<R>(receive: impl FnOnce(&mut [u8]) -> io::Result<R>) -> io::Result<R> {
    // Where the thread ends, it has none that it could keep.
    let kept = ROOMS.try_with(Cell::take).ok().flatten();
    let mut room = match kept {
        Some(room) => room,
        None => Untouched::new(ROOM)?,
    };
    let received = receive(room.as_mut_slice());
    let _ = ROOMS.try_with(|rooms| rooms.set(Some(room)));
    received
}
