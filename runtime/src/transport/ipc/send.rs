use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use ipc_channel::IpcError;
use ipc_channel::ipc::{IpcSender, OpaqueIpcSender};

use super::depot::{PATIENCE, Supply};
use super::frame::{AnnexFrame, DepotFrame, Frame, FrameBytes, Plan, Rest, inline_maximum, nonce};
use super::{adopt, annex, locals};
use crate::codec::Output;
use crate::sys::memory::{self, FileId};
use crate::sys::poll;
use crate::transport::limit::Limit;

/// The end of a connection that messages are sent into.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    ipc: OpaqueIpcSender,
    /// The same socket, to wait for room.
    socket: Arc<OwnedFd>,
    supply: Arc<Supply>,
}

impl Sender {
    /// Sends into one end of a connection's socket pair.
    pub(crate) fn new(end: impl Into<Arc<OwnedFd>>) -> io::Result<Sender> {
        let end = end.into();
        Ok(Sender::from_ipc(adopt::sender(end.as_fd())?, end))
    }

    pub(super) fn from_ipc(sender: IpcSender<Frame>, socket: Arc<OwnedFd>) -> Sender {
        Sender {
            ipc: sender.to_opaque(),
            socket,
            supply: Arc::default(),
        }
    }

    /// The same, which keeps more memory for long messages: the receiver [gives it
    /// back](super::Receiver::receive).
    pub(crate) fn for_long_messages(self) -> Sender {
        Sender {
            supply: Arc::new(Supply::for_long_ones()),
            ..self
        }
    }

    /// Which socket it is. Code that knows nothing of it may put another file in its place.
    pub(crate) fn file_id(&self) -> io::Result<FileId> {
        memory::identity(self.socket.as_fd())
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
        self.send_within(output, Limit::NONE)
    }

    /// Sends a message, but does not wait beyond a limit. If the end of the connection blocks, a
    /// short message may wait longer all the same.
    ///
    /// A message that was not sent in time, or not to its end, is not received.
    ///
    /// # Errors
    ///
    /// As [`send`](Sender::send), and those of the [`Limit`].
    pub(crate) fn send_within(&self, mut output: Output<'_>, limit: Limit<'_>) -> io::Result<()> {
        let inline = output.head.len() <= inline_maximum();
        if inline && output.splices.is_empty() && output.attachments.is_empty() {
            self.send_head(std::mem::take(&mut output.head), Some(limit))?;
            output.confirm_sent();
            return Ok(());
        }
        if output.attachments.is_empty() {
            let splices: Vec<&[u8]> = output.splices.iter().map(|splice| &**splice).collect();
            let patience = limit.at_most(PATIENCE);
            if self.send_in_depot(&output.head, &splices, patience, Some(limit))? {
                output.confirm_sent();
                return Ok(());
            }
        }
        let plan = Plan {
            nonce: nonce(),
            attachments: output.attachments.len(),
            head: if inline { 0 } else { output.head.len() },
            splices: output.splices.len(),
        };
        let head = FrameBytes(Arc::new(if inline {
            std::mem::take(&mut output.head)
        } else {
            Vec::new()
        }));
        let (ours, theirs) = annex::pair()?;
        let frame = || {
            let socket = adopt::receiver(theirs.as_fd())?;
            Ok(Frame {
                rest: Rest::Annex(AnnexFrame { socket, plan }),
                head: head.clone(),
            })
        };
        self.send_frame(frame, Some(limit))?;
        drop(theirs);
        annex::write(&ours, &plan, &output, limit)?;
        output.confirm_sent();
        Ok(())
    }

    /// Sends a long message without waiting and from where it lies, if there is room for it; false if not.
    pub(crate) fn try_send_long(&self, output: &mut Output<'_>) -> io::Result<bool> {
        if output.splices.is_empty() || !output.attachments.is_empty() {
            return Ok(false);
        }
        let splices: Vec<&[u8]> = output.splices.iter().map(|splice| &**splice).collect();
        match self.send_in_depot(&output.head, &splices, Duration::ZERO, None) {
            Ok(true) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            other => return other,
        }
        output.confirm_sent();
        Ok(true)
    }

    /// Sends a long message through the depot; false if it has to go another way.
    pub(super) fn send_in_depot(
        &self,
        head: &[u8],
        splices: &[&[u8]],
        patience: Duration,
        limit: Option<Limit<'_>>,
    ) -> io::Result<bool> {
        let offer = |file: OwnedFd, depot| self.offer(&file, depot).is_ok();
        let Some(mut stored) = self.supply.store(head, splices, patience, offer) else {
            return Ok(false);
        };
        let head = FrameBytes(Arc::new(std::mem::take(&mut stored.head)));
        let frame = || {
            Ok(Frame {
                rest: Rest::Blocks(stored.plan),
                head: head.clone(),
            })
        };
        self.send_frame(frame, limit)?;
        stored.confirm_sent();
        Ok(true)
    }

    /// Offers a depot, without waiting.
    fn offer(&self, file: &OwnedFd, depot: u64) -> io::Result<()> {
        if !poll::is_writable(self.socket.as_fd()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let frame = || {
            Ok(Frame {
                rest: Rest::Depot(DepotFrame {
                    file: adopt::receiver(file.as_fd())?,
                    depot,
                }),
                head: FrameBytes(Arc::default()),
            })
        };
        self.send_frame(frame, None)
    }

    /// Sends a message that is no more than a short head. Without a limit, it does not wait.
    pub(super) fn send_head(&self, head: Vec<u8>, limit: Option<Limit<'_>>) -> io::Result<()> {
        let head = FrameBytes(Arc::new(head));
        let frame = || {
            Ok(Frame {
                rest: Rest::Nothing,
                head: head.clone(),
            })
        };
        self.send_frame(frame, limit)
    }

    /// Sends a frame, again if a signal came in between or there was no room. ipc-channel takes
    /// the frame's descriptor even when it fails, so each try makes its own.
    pub(super) fn send_frame(
        &self,
        frame: impl Fn() -> io::Result<Frame>,
        limit: Option<Limit<'_>>,
    ) -> io::Result<()> {
        loop {
            let (sender, frame) = (self.ipc.clone().to::<Frame>(), frame()?);
            return match locals::SENDING.using_somewhere(move || sender.send(frame))? {
                Ok(()) => Ok(()),
                Err(IpcError::Io(error)) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(IpcError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    match limit {
                        Some(limit) => limit.wait_writable(self.socket.as_fd())?,
                        None => return Err(error),
                    }
                    continue;
                }
                Err(error) => Err(into_io(error)),
            };
        }
    }
}

fn into_io(error: IpcError) -> io::Error {
    match error {
        IpcError::Io(error) => error,
        IpcError::Disconnected => io::ErrorKind::BrokenPipe.into(),
        error @ IpcError::SerializationError(_) => {
            io::Error::new(io::ErrorKind::InvalidData, error)
        }
    }
}
