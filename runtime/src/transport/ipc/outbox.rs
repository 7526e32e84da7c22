//! Sending without waiting.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{SendFlags, send};

use super::adopt;
use super::annex::{self, BATCH};
use super::frame::{AnnexFrame, Frame, Plan, Rest, inline_maximum, nonce};
use super::send::Sender;
use crate::sys::descriptors;
use crate::transport::message::EncodedMessage;

/// The rest of a long message that is being sent, never waited for: poll [`Outbox::socket`] until
/// it is writable, then [`Outbox::advance`].
///
/// The counterpart of [`Inbox`](super::receive::Inbox).
#[derive(Debug)]
pub(crate) struct Outbox {
    socket: OwnedFd,
    pieces: VecDeque<Piece>,
    /// How much of the first piece is written.
    written: usize,
}

#[derive(Debug)]
enum Piece {
    Bytes(Vec<u8>),
    Shared(Arc<Vec<u8>>),
    /// As many as are sent at once.
    Descriptors(Vec<Arc<OwnedFd>>),
}

impl Sender {
    /// Begins to send a message to a receiver that has taken all before it, and waits for nothing.
    /// What could not be sent at once remains.
    ///
    /// # Errors
    ///
    /// As [`send`](Sender::send).
    pub(crate) fn begin(&self, message: EncodedMessage) -> io::Result<Option<Outbox>> {
        let inline = message.head.len() <= inline_maximum();
        if inline && message.splices.is_empty() && message.attachments.is_empty() {
            self.send_head(message.head, None)?;
            return Ok(None);
        }
        if message.attachments.is_empty() {
            let splices: Vec<&[u8]> = message.splices.iter().map(|splice| &***splice).collect();
            if self.send_in_depot(&message.head, &splices, Duration::ZERO, None)? {
                return Ok(None);
            }
        }
        let plan = Plan {
            nonce: nonce(),
            attachments: message.attachments.len(),
            head: if inline { 0 } else { message.head.len() },
            splices: message.splices.len(),
        };
        let mut pieces = VecDeque::from([Piece::Bytes(plan.nonce.to_ne_bytes().to_vec())]);
        let batches = message.attachments.chunks(BATCH);
        pieces.extend(batches.map(|batch| Piece::Descriptors(batch.to_vec())));
        let lengths = message.splices.iter();
        pieces.push_back(Piece::Bytes(
            lengths
                .flat_map(|splice| splice.len().to_ne_bytes())
                .collect(),
        ));
        let head = if inline {
            message.head
        } else {
            pieces.push_back(Piece::Bytes(message.head));
            Vec::new()
        };
        pieces.extend(message.splices.into_iter().map(Piece::Shared));
        let (ours, theirs) = annex::pair()?;
        let head = super::frame::FrameBytes(Arc::new(head));
        let frame = || {
            let socket = adopt::receiver(theirs.as_fd())?;
            Ok(Frame {
                head: head.clone(),
                rest: Rest::Annex(AnnexFrame { socket, plan }),
            })
        };
        self.send_frame(frame, None)?;
        drop(theirs);
        let mut outbox = Outbox {
            socket: ours,
            pieces,
            written: 0,
        };
        Ok((!outbox.advance()?).then_some(outbox))
    }
}

impl Outbox {
    /// Writable when [`advance`](Outbox::advance) has something to do.
    pub(crate) fn socket(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Sends what can be sent; true when that was the last.
    ///
    /// # Errors
    ///
    /// A broken pipe when the receiver is gone.
    pub(crate) fn advance(&mut self) -> io::Result<bool> {
        while let Some(piece) = self.pieces.front() {
            let bytes = match piece {
                Piece::Bytes(bytes) => bytes,
                Piece::Shared(bytes) => &**bytes,
                Piece::Descriptors(batch) => {
                    let batch: Vec<BorrowedFd<'_>> =
                        batch.iter().map(|descriptor| descriptor.as_fd()).collect();
                    match descriptors::try_send(self.socket.as_fd(), &[0], &batch) {
                        Ok(()) => {}
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                            return Ok(false);
                        }
                        Err(error) => return Err(error),
                    }
                    self.pieces.pop_front();
                    continue;
                }
            };
            while self.written < bytes.len() {
                let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
                match send(&self.socket, &bytes[self.written..], flags) {
                    Ok(sent) => self.written += sent,
                    Err(rustix::io::Errno::INTR) => {}
                    Err(rustix::io::Errno::AGAIN) => return Ok(false),
                    Err(error) => return Err(error.into()),
                }
            }
            self.written = 0;
            self.pieces.pop_front();
        }
        Ok(true)
    }
}
