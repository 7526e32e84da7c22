//! Sending without waiting.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::net::{SendFlags, send};

use super::annex::{self, BATCH};
use super::frame::{AnnexFrame, Frame, Plan, inline_maximum, nonce};
use super::{Sender, adopt};
use crate::codec::{self, Output};
use crate::sys::descriptors;

/// What a message is made of, kept for as long as it may have to be sent again.
#[derive(Debug, Default)]
pub(crate) struct Parcel {
    pub(crate) head: Vec<u8>,
    pub(crate) splices: Vec<Arc<Vec<u8>>>,
    pub(crate) attachments: Vec<Arc<OwnedFd>>,
}

impl Parcel {
    /// Keeps what was written: what is only borrowed is copied.
    ///
    /// # Errors
    ///
    /// There is no memory for that.
    pub(crate) fn new(mut output: Output<'_>) -> Result<Parcel, codec::Error> {
        let splices = std::mem::take(&mut output.splices).into_iter();
        let splices = splices
            .map(|splice| keep(splice).map(Arc::new))
            .collect::<Result<_, _>>()?;
        // It is on its way from here on, however often it is sent.
        output.confirm_sent();
        Ok(Parcel {
            head: output.head,
            splices,
            attachments: output.attachments,
        })
    }
}

fn keep(splice: Cow<'_, [u8]>) -> Result<Vec<u8>, codec::Error> {
    match splice {
        Cow::Owned(splice) => Ok(splice),
        Cow::Borrowed(splice) => {
            let mut copy = Vec::new();
            copy.try_reserve_exact(splice.len()).map_err(|_| {
                let length = splice.len();
                codec::Error::new(format!("there is not enough memory for {length} bytes"))
            })?;
            copy.extend_from_slice(splice);
            Ok(copy)
        }
    }
}

/// The rest of a long message that is being sent, never waited for: poll [`Outbox::socket`] until
/// it is writable, then [`Outbox::advance`].
///
/// The counterpart of [`Inbox`](super::Inbox).
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
    pub(crate) fn begin(&self, parcel: Parcel) -> io::Result<Option<Outbox>> {
        let inline = parcel.head.len() <= inline_maximum();
        if inline && parcel.splices.is_empty() && parcel.attachments.is_empty() {
            self.send_head(parcel.head, None)?;
            return Ok(None);
        }
        let plan = Plan {
            nonce: nonce(),
            attachments: parcel.attachments.len(),
            head: if inline { 0 } else { parcel.head.len() },
            splices: parcel.splices.len(),
        };
        let mut pieces = VecDeque::from([Piece::Bytes(plan.nonce.to_ne_bytes().to_vec())]);
        let batches = parcel.attachments.chunks(BATCH);
        pieces.extend(batches.map(|batch| Piece::Descriptors(batch.to_vec())));
        let lengths = parcel.splices.iter();
        pieces.push_back(Piece::Bytes(
            lengths
                .flat_map(|splice| splice.len().to_ne_bytes())
                .collect(),
        ));
        let head = if inline {
            parcel.head
        } else {
            pieces.push_back(Piece::Bytes(parcel.head));
            Vec::new()
        };
        pieces.extend(parcel.splices.into_iter().map(Piece::Shared));
        let (ours, theirs) = annex::pair()?;
        let head = super::frame::Bytes(Arc::new(head));
        let frame = || {
            let socket = adopt::receiver(theirs.as_fd())?;
            Ok(Frame {
                head: head.clone(),
                annex: Some(AnnexFrame { socket, plan }),
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
