use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use ipc_channel::IpcError;
use ipc_channel::ipc::OpaqueIpcSender;

use super::frame::{AnnexFrame, Bytes, Frame, INLINE_MAXIMUM, Plan, nonce};
use super::{adopt, annex};
use crate::codec::Output;

/// The end of a connection that messages are sent into.
#[derive(Debug, Clone)]
pub(crate) struct Sender(OpaqueIpcSender);

impl Sender {
    /// Sends into one end of a connection's socket pair. It keeps a duplicate.
    pub(crate) fn new(end: BorrowedFd<'_>) -> io::Result<Sender> {
        Ok(Sender(adopt::sender::<Frame>(end)?.to_opaque()))
    }

    /// Sends a message.
    ///
    /// Short messages are left in the socket; a long one blocks until the receiver has taken
    /// nearly all of it. Several threads may send at once.
    ///
    /// # Errors
    ///
    /// A broken pipe when the receiver is gone, before or during the message.
    pub(crate) fn send(&self, mut output: Output<'_>) -> io::Result<()> {
        let inline = output.head.len() <= INLINE_MAXIMUM;
        if inline && output.splices.is_empty() && output.attachments.is_empty() {
            let head = Bytes(Arc::new(output.head));
            return self.send_frame(|| {
                Ok(Frame {
                    head: head.clone(),
                    annex: None,
                })
            });
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
        self.send_frame(|| {
            let socket = adopt::receiver(theirs.as_fd())?;
            Ok(Frame {
                head: head.clone(),
                annex: Some(AnnexFrame { socket, plan }),
            })
        })?;
        drop(theirs);
        annex::write(&ours, &plan, &output)
    }

    /// Sends a frame, again if a signal came in between. ipc-channel takes the frame's
    /// descriptor even when it fails, so each try makes its own.
    pub(super) fn send_frame(&self, frame: impl Fn() -> io::Result<Frame>) -> io::Result<()> {
        loop {
            return match self.0.clone().to::<Frame>().send(frame()?) {
                Ok(()) => Ok(()),
                Err(IpcError::Io(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
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
