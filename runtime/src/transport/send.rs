use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Instant;

use ipc_channel::IpcError;
use ipc_channel::ipc::{IpcSender, OpaqueIpcSender};

use super::frame::{AnnexFrame, Bytes, Frame, INLINE_MAXIMUM, Plan, nonce};
use super::{adopt, annex, wait_writable};
use crate::codec::Output;

/// The end of a connection that messages are sent into.
#[derive(Debug, Clone)]
pub(crate) struct Sender(OpaqueIpcSender);

impl Sender {
    /// Sends into one end of a connection's socket pair. It keeps a duplicate.
    pub(crate) fn new(end: BorrowedFd<'_>) -> io::Result<Sender> {
        Ok(Sender::from_ipc(adopt::sender::<Frame>(end)?))
    }

    pub(super) fn from_ipc(sender: IpcSender<Frame>) -> Sender {
        Sender(sender.to_opaque())
    }

    /// Sends a message.
    ///
    /// Short messages are left in the socket; a long one blocks until the receiver has taken
    /// nearly all of it. Several threads may send at once.
    ///
    /// # Errors
    ///
    /// A broken pipe when the receiver is gone, before or during the message.
    pub(crate) fn send(&self, output: Output<'_>) -> io::Result<()> {
        self.send_with(output, &mut || Err(io::ErrorKind::WouldBlock.into()), None)
    }

    /// Sends a message through a connection whose `end`, the one this was made from, does not
    /// block; waits until `deadline`, if there is one.
    ///
    /// A message that was not sent in time, or not to its end, is not received.
    ///
    /// # Errors
    ///
    /// As [`send`](Sender::send); "timed out".
    pub(crate) fn send_until(
        &self,
        end: BorrowedFd<'_>,
        output: Output<'_>,
        deadline: Option<Instant>,
    ) -> io::Result<()> {
        self.send_with(output, &mut || wait_writable(end, deadline), deadline)
    }

    /// `wait` is called when the connection would block.
    fn send_with(
        &self,
        mut output: Output<'_>,
        wait: &mut dyn FnMut() -> io::Result<()>,
        deadline: Option<Instant>,
    ) -> io::Result<()> {
        let inline = output.head.len() <= INLINE_MAXIMUM;
        if inline && output.splices.is_empty() && output.attachments.is_empty() {
            let head = Bytes(Arc::new(std::mem::take(&mut output.head)));
            let frame = || {
                Ok(Frame {
                    head: head.clone(),
                    annex: None,
                })
            };
            self.send_frame(frame, wait)?;
            output.confirm_sent();
            return Ok(());
        }
        let plan = Plan {
            nonce: nonce(),
            attachments: output.attachments.len(),
            head: if inline { 0 } else { output.head.len() },
            splices: output.splices.len(),
        };
        let head = Bytes(Arc::new(if inline {
            std::mem::take(&mut output.head)
        } else {
            Vec::new()
        }));
        let (ours, theirs) = annex::pair()?;
        let frame = || {
            let socket = adopt::receiver(theirs.as_fd())?;
            Ok(Frame {
                head: head.clone(),
                annex: Some(AnnexFrame { socket, plan }),
            })
        };
        self.send_frame(frame, wait)?;
        drop(theirs);
        annex::write(&ours, &plan, &output, deadline)?;
        output.confirm_sent();
        Ok(())
    }

    /// Sends a frame, again if a signal came in between. ipc-channel takes the frame's
    /// descriptor even when it fails, so each try makes its own.
    pub(super) fn send_frame(
        &self,
        frame: impl Fn() -> io::Result<Frame>,
        wait: &mut dyn FnMut() -> io::Result<()>,
    ) -> io::Result<()> {
        loop {
            return match self.0.clone().to::<Frame>().send(frame()?) {
                Ok(()) => Ok(()),
                Err(IpcError::Io(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(IpcError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait()?;
                    continue;
                }
                Err(error) => Err(into_io(error)),
            };
        }
    }
}

pub(super) fn into_io(error: IpcError) -> io::Error {
    match error {
        IpcError::Io(error) => error,
        IpcError::Disconnected => io::ErrorKind::BrokenPipe.into(),
        error @ IpcError::SerializationError(_) => {
            io::Error::new(io::ErrorKind::InvalidData, error)
        }
    }
}
