//! A socket of its own for one message that a frame cannot hold.
//!
//! The frame carries the receiving end; the sender keeps none, so its writes fail as soon as the
//! receiver is gone, whether it took the frame or not. In order, the stream holds:
//!
//! | what | how |
//! |---|---|
//! | the frame's nonce | 8 bytes |
//! | the descriptors | a byte for each [`BATCH`] of them |
//! | the lengths of the splices | 8 bytes each |
//! | the head, if the frame has it not | |
//! | the splices | each received into the buffer that it stays in |
//!
//! The sender may be sick: what it says of numbers and lengths is what to expect, and no reason to
//! take memory before anything has come.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::net::sockopt::{socket_domain, socket_type};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, send, socketpair};

use super::frame::Plan;
use crate::codec::{Message, Output, spare};
use crate::sys::refused::Naming as _;
use crate::sys::{descriptors, memory, poll};
use crate::transport::error::nonsense;
use crate::transport::limit::Limit;

/// Descriptors that are sent at once; the kernel takes up to 253.
pub(super) const BATCH: usize = 240;

/// Room for so many bytes is made at once, for more as they come. It takes memory only as it is written
/// to, but addresses, which may be limited: then it is the second.
const STEPS: [usize; 2] = [64 << 20, 4 << 20];

/// Buffers from this length on have [huge pages](memory::prefer_huge_pages). An argument of 64 MiB took 1.6
/// times as long as a copy of it without them; with them, 0.15 to 0.95, on a loaded machine.
pub(super) const HUGE: usize = 8 << 20;

/// The two ends, for the sender and the receiver.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    socketpair(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )
    .naming("socketpair")
}

/// Whether a descriptor can be the end of an annex.
pub(super) fn is_one(descriptor: &OwnedFd) -> bool {
    socket_domain(descriptor) == Ok(AddressFamily::UNIX)
        && socket_type(descriptor) == Ok(SocketType::STREAM)
}

/// Writes what the frame could not hold. Blocks until the receiver has taken nearly all of it, or
/// until the limit.
pub(super) fn write(
    socket: &OwnedFd,
    plan: &Plan,
    output: &Output<'_>,
    limit: Limit<'_>,
) -> io::Result<()> {
    if limit.is_one() {
        rustix::io::ioctl_fionbio(socket, true)?;
    }
    let writer = Writer { socket, limit };
    writer.write(&plan.nonce.to_ne_bytes())?;
    for batch in output.attachments.chunks(BATCH) {
        let batch: Vec<BorrowedFd<'_>> =
            batch.iter().map(|descriptor| descriptor.as_fd()).collect();
        writer.attach(&batch)?;
    }
    let lengths: Vec<u8> = output
        .splices
        .iter()
        .flat_map(|splice| splice.len().to_ne_bytes())
        .collect();
    writer.write(&lengths)?;
    if plan.head > 0 {
        writer.write(&output.head)?;
    }
    output
        .splices
        .iter()
        .try_for_each(|splice| writer.write(splice))
}

struct Writer<'a> {
    socket: &'a OwnedFd,
    limit: Limit<'a>,
}

impl Writer<'_> {
    fn write(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match send(self.socket, bytes, SendFlags::NOSIGNAL) {
                Ok(sent) => bytes = &bytes[sent..],
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => self.wait()?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn attach(&self, batch: &[BorrowedFd<'_>]) -> io::Result<()> {
        loop {
            match descriptors::send(self.socket.as_fd(), &[0], batch) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait()?,
                result => return result,
            }
        }
    }

    fn wait(&self) -> io::Result<()> {
        self.limit.wait_writable(self.socket.as_fd())
    }
}

/// A message whose annex is being read.
#[derive(Debug)]
pub(super) struct Assembly {
    socket: OwnedFd,
    plan: Plan,
    stage: Stage,
    /// What the stage reads, as far as it is there.
    buffer: Vec<u8>,
    /// How long it will be.
    wanted: usize,
    /// Those of the splices, as they came.
    lengths: Vec<u8>,
    message: Message,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Nonce,
    Descriptors,
    Lengths,
    Head,
    Splices,
    Complete,
}

/// Whether to wait for bytes that are not there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    Yes,
    No,
}

impl Assembly {
    /// Begins with what stood in the frame.
    pub(super) fn new(socket: OwnedFd, plan: Plan, head: Vec<u8>) -> Assembly {
        Assembly {
            socket,
            plan,
            stage: Stage::Nonce,
            buffer: Vec::new(),
            wanted: size_of::<u64>(),
            lengths: Vec::new(),
            message: Message {
                head,
                ..Message::default()
            },
        }
    }

    /// Readable when there is more to read.
    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Reads on; the message once it is complete.
    ///
    /// With [`Wait::No`] it returns `None` when there is nothing more to read just now.
    pub(super) fn advance(&mut self, wait: Wait) -> io::Result<Option<Message>> {
        while self.stage != Stage::Complete {
            let is_done = match self.stage {
                Stage::Descriptors => self.read_descriptors(wait)?,
                _ => self.read_bytes(wait)?,
            };
            if !is_done {
                return Ok(None);
            }
            self.finish_stage()?;
        }
        Ok(Some(std::mem::take(&mut self.message)))
    }

    /// Reads as many bytes as the stage wants; false if that has to wait.
    ///
    /// How many that is to be, the sender says. Memory is taken as they come.
    fn read_bytes(&mut self, wait: Wait) -> io::Result<bool> {
        while self.buffer.len() < self.wanted {
            let missing = self.wanted - self.buffer.len();
            if self.buffer.capacity() == 0
                && let Some(spare) = spare::take(missing)
            {
                self.buffer = spare;
            }
            if self.buffer.len() == self.buffer.capacity() {
                let has_reserved = STEPS.iter().any(|step| {
                    let step = missing.min(self.buffer.len().max(*step));
                    self.buffer.try_reserve_exact(step).is_ok()
                });
                if !has_reserved {
                    return Err(self.no_memory());
                }
                if self.buffer.capacity() >= HUGE {
                    memory::prefer_huge_pages(self.buffer.spare_capacity_mut());
                }
            }
            let socket = self.socket.as_fd();
            match descriptors::receive_into(socket, &mut self.buffer, missing, wait.flags()) {
                Ok(0) => return Err(ended()),
                Ok(_) => {}
                Err(error) if self.may_go_on(&error, wait) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Receives all descriptors; false if that has to wait.
    fn read_descriptors(&mut self, wait: Wait) -> io::Result<bool> {
        while self.message.attachments.len() < self.plan.attachments {
            let expected = BATCH.min(self.plan.attachments - self.message.attachments.len());
            match descriptors::receive(self.socket.as_fd(), &mut [0], expected, wait.flags()) {
                Ok(Some(batch)) => {
                    let batch = batch.into_iter().map(Arc::new);
                    self.message.attachments.extend(batch);
                }
                Ok(None) => return Err(ended()),
                Err(error) if self.may_go_on(&error, wait) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Whether to receive again after this error; waits for more if `wait` says so.
    fn may_go_on(&self, error: &io::Error, wait: Wait) -> bool {
        match (error.kind(), wait) {
            (io::ErrorKind::Interrupted, _) => true,
            // The socket was made not to block, behind this library's back.
            (io::ErrorKind::WouldBlock, Wait::Yes) => {
                poll::wait_readable(self.socket.as_fd(), None);
                true
            }
            _ => false,
        }
    }

    fn finish_stage(&mut self) -> io::Result<()> {
        let read = std::mem::take(&mut self.buffer);
        self.wanted = 0;
        match self.stage {
            Stage::Nonce => {
                if read != self.plan.nonce.to_ne_bytes() {
                    return Err(nonsense());
                }
                self.stage = Stage::Descriptors;
            }
            Stage::Descriptors => {
                let splices = self.plan.splices;
                let lengths = splices.checked_mul(size_of::<usize>());
                self.wanted = lengths.ok_or_else(nonsense)?;
                self.stage = Stage::Lengths;
            }
            Stage::Lengths => {
                self.lengths = read;
                let splices = &mut self.message.splices;
                let reserved = splices.try_reserve_exact(self.plan.splices);
                reserved.map_err(|_| self.no_memory())?;
                self.wanted = self.plan.head;
                self.stage = Stage::Head;
            }
            Stage::Head => {
                if self.plan.head > 0 {
                    self.message.head = read;
                }
                self.next_splice();
            }
            Stage::Splices => {
                self.message.splices.push(read);
                self.next_splice();
            }
            Stage::Complete => {}
        }
        Ok(())
    }

    fn next_splice(&mut self) {
        match self.splice_lengths().get(self.message.splices.len()) {
            Some(length) => {
                self.wanted = usize::from_ne_bytes(*length);
                self.stage = Stage::Splices;
            }
            None => self.stage = Stage::Complete,
        }
    }

    fn splice_lengths(&self) -> &[[u8; size_of::<usize>()]] {
        self.lengths.as_chunks().0
    }

    #[cold]
    fn no_memory(&self) -> io::Error {
        let lengths = self.splice_lengths().iter();
        let length = lengths
            .map(|length| usize::from_ne_bytes(*length))
            .fold(self.plan.head, usize::saturating_add);
        let text = format!("there is not enough memory for a message of {length} bytes");
        io::Error::new(io::ErrorKind::OutOfMemory, text)
    }
}

impl Wait {
    fn flags(self) -> RecvFlags {
        match self {
            Wait::Yes => RecvFlags::empty(),
            Wait::No => RecvFlags::DONTWAIT,
        }
    }
}

fn ended() -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the sender ended in the middle of a message",
    )
}
