//! Messages before they are sent and after they have been received.

use std::borrow::Cow;
use std::sync::Arc;

use crate::codec::{self, Content, Message, Output};
use crate::sys::fd::OwnedFd;

/// What a message is made of, kept for as long as it may have to be sent again.
#[derive(Debug, Clone, Default)]
pub(crate) struct EncodedMessage {
    pub(crate) head: Vec<u8>,
    pub(crate) splices: Vec<Arc<Vec<u8>>>,
    pub(crate) attachments: Vec<Arc<OwnedFd>>,
    pub(crate) content: Content,
}

impl EncodedMessage {
    /// Keeps what was written: what is only borrowed is copied.
    ///
    /// # Errors
    ///
    /// There is no memory for that.
    pub(crate) fn new(mut output: Output<'_>) -> Result<EncodedMessage, codec::Error> {
        let splices = std::mem::take(&mut output.splices).into_iter();
        let splices = splices
            .map(|splice| keep(splice).map(Arc::new))
            .collect::<Result<_, _>>()?;
        // It is on its way from here on, however often it is sent.
        output.confirm_sent();
        Ok(EncodedMessage {
            content: output.content(),
            head: output.head,
            splices,
            attachments: output.attachments,
        })
    }

    /// A head that means files which may be in many messages.
    pub(crate) fn of_files(head: Vec<u8>, attachments: Vec<Arc<OwnedFd>>) -> EncodedMessage {
        let content = match &*attachments {
            [] => Content::Data,
            _ => Content::Common,
        };
        EncodedMessage {
            head,
            attachments,
            content,
            ..EncodedMessage::default()
        }
    }

    /// The length of all of its bytes.
    pub(crate) fn length(&self) -> usize {
        self.head.len() + self.splices.iter().map(|it| it.len()).sum::<usize>()
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

/// What a receiving end has to say.
#[derive(Debug)]
pub(crate) enum Received {
    Message(Message),
    /// Nothing just now. Only an [`Inbox`](super::Inbox) says so.
    Nothing,
    /// Every holder of the other end is gone, and all they sent has been received.
    Closed,
}
