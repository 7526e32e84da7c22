//! Messages on their way to one receiver, which the sender never waits for.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use crate::codec::Output;
use crate::sys::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::transport::{EncodedMessage, Outbox, Sender};

/// Sends to one receiver what there is room for, and keeps the rest in order.
#[derive(Debug)]
pub(super) struct Mailer {
    sender: Sender,
    connection: Arc<OwnedFd>,
    /// The rest of a long message.
    outbox: Option<Outbox>,
    waiting: VecDeque<EncodedMessage>,
}

impl Mailer {
    /// Sends into this end of a connection, which does not block.
    pub(super) fn new(connection: Arc<OwnedFd>) -> io::Result<Mailer> {
        Ok(Mailer {
            sender: Sender::new(Arc::clone(&connection))?,
            connection,
            outbox: None,
            waiting: VecDeque::new(),
        })
    }

    pub(super) fn connection(&self) -> &Arc<OwnedFd> {
        &self.connection
    }

    /// Sends a message after those that wait.
    ///
    /// # Errors
    ///
    /// The receiver is gone, or descriptors ran out; the message is lost.
    pub(super) fn post(&mut self, message: EncodedMessage) -> io::Result<()> {
        self.waiting.push_back(message);
        self.advance()
    }

    /// The same for a message that is not kept yet. A long one is sent from where it lies, if it can be sent
    /// now.
    ///
    /// # Errors
    ///
    /// As [`post`](Mailer::post), or there is no memory to keep it.
    pub(super) fn post_written(&mut self, mut message: Output<'_>) -> io::Result<()> {
        if self.blocked_on().is_none() && self.sender.try_send_long(&mut message)? {
            return Ok(());
        }
        let message = EncodedMessage::new(message).map_err(io::Error::other)?;
        self.post(message)
    }

    /// Sends what there is room for.
    pub(super) fn advance(&mut self) -> io::Result<()> {
        loop {
            if let Some(outbox) = &mut self.outbox {
                if !outbox.advance()? {
                    return Ok(());
                }
                self.outbox = None;
            }
            let Some(message) = self.waiting.front() else {
                return Ok(());
            };
            match self.sender.begin(message.clone()) {
                Ok(outbox) => self.outbox = outbox,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => {
                    self.waiting.pop_front();
                    return Err(error);
                }
            }
            self.waiting.pop_front();
        }
    }

    /// What becomes writable when there is room for what waits; `None` if nothing does.
    pub(super) fn blocked_on(&self) -> Option<BorrowedFd<'_>> {
        match &self.outbox {
            Some(outbox) => Some(outbox.socket()),
            None => (!self.waiting.is_empty()).then(|| self.connection.as_fd()),
        }
    }

    /// Forgets the last of the messages that wait, if there are more than so many.
    pub(super) fn drop_last_beyond(&mut self, count: usize) {
        if self.waiting.len() > count {
            self.waiting.pop_back();
        }
    }
}
