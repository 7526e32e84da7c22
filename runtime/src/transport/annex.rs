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

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Instant;

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair,
};

use super::frame::{AnnexFrame, Plan};
use crate::codec::{Message, Output};
use crate::sys::descriptors;
use crate::sys::refused::Naming as _;

/// Descriptors that are sent at once; the kernel takes up to 253.
pub(super) const BATCH: usize = 240;

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

/// Writes what the frame could not hold. Blocks until the receiver has taken nearly all of it, or
/// until the deadline.
pub(super) fn write(
    socket: &OwnedFd,
    plan: &Plan,
    output: &Output<'_>,
    deadline: Option<Instant>,
) -> io::Result<()> {
    if deadline.is_some() {
        rustix::io::ioctl_fionbio(socket, true)?;
    }
    let writer = Writer { socket, deadline };
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
    deadline: Option<Instant>,
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
        super::wait_writable(self.socket.as_fd(), self.deadline)
    }
}

/// A message whose annex is being read.
#[derive(Debug)]
pub(super) struct Assembly {
    socket: OwnedFd,
    plan: Plan,
    stage: Stage,
    /// What the stage reads into, and how much of it is there.
    buffer: Vec<u8>,
    filled: usize,
    lengths: Vec<usize>,
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
    /// Begins with the frame. `head` is what stood in it.
    pub(super) fn new(annex: AnnexFrame, head: Vec<u8>) -> io::Result<Assembly> {
        Ok(Assembly {
            socket: super::adopt::release(annex.socket)?,
            plan: annex.plan,
            stage: Stage::Nonce,
            buffer: vec![0; size_of::<u64>()],
            filled: 0,
            lengths: Vec::new(),
            message: Message {
                head,
                ..Message::default()
            },
        })
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
            if self.stage == Stage::Descriptors {
                if !self.read_descriptors(wait)? {
                    return Ok(None);
                }
            } else if self.filled < self.buffer.len() && !self.read_bytes(wait)? {
                return Ok(None);
            }
            self.finish_stage()?;
        }
        Ok(Some(std::mem::take(&mut self.message)))
    }

    /// Fills the buffer; false if that has to wait.
    fn read_bytes(&mut self, wait: Wait) -> io::Result<bool> {
        while self.filled < self.buffer.len() {
            match recv(&self.socket, &mut self.buffer[self.filled..], wait.flags()) {
                Ok((_, 0)) => return Err(ended()),
                Ok((_, received)) => self.filled += received,
                Err(rustix::io::Errno::AGAIN) => return Ok(false),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
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
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    fn finish_stage(&mut self) -> io::Result<()> {
        let read = std::mem::take(&mut self.buffer);
        self.filled = 0;
        match self.stage {
            Stage::Nonce => {
                if read != self.plan.nonce.to_ne_bytes() {
                    return Err(io::Error::other(
                        "this version of ipc-channel does not show its descriptors",
                    ));
                }
                self.stage = Stage::Descriptors;
            }
            Stage::Descriptors => {
                self.buffer = vec![0; self.plan.splices * size_of::<usize>()];
                self.stage = Stage::Lengths;
            }
            Stage::Lengths => {
                let (lengths, _) = read.as_chunks();
                self.lengths = lengths
                    .iter()
                    .map(|bytes| usize::from_ne_bytes(*bytes))
                    .collect();
                self.buffer = vec![0; self.plan.head];
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
        match self.lengths.get(self.message.splices.len()) {
            Some(length) => {
                self.buffer = vec![0; *length];
                self.stage = Stage::Splices;
            }
            None => self.stage = Stage::Complete,
        }
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
