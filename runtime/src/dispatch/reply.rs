//! The way back: where replies go, and those that say why there is no result.

use std::cell::Cell;
use std::fmt::Display;
use std::io;

use crate::codec::{Output, Word};
use crate::protocol::Reply;

/// Where replies go.
pub(crate) trait Outlet {
    /// Sends a reply, which is taken out or not. An error means that the parent is gone.
    fn send(&mut self, out: &mut Output<'_>) -> io::Result<()>;

    /// Sends that a worker has returned the value of which this is what a message has.
    fn send_word(&mut self, word: &Word) -> io::Result<()> {
        let mut out = Output::new(Reply::Returned as u8);
        word.append_to(&mut out.head);
        self.send(&mut out)
    }
}

impl<F: FnMut(&mut Output<'_>) -> io::Result<()>> Outlet for F {
    fn send(&mut self, out: &mut Output<'_>) -> io::Result<()> {
        self(out)
    }
}

/// The buffer of a reply that was sent, for the next one. To allocate one for each of a million tasks that do
/// nothing takes a twelfth of the time that they do.
#[derive(Default)]
pub(crate) struct ReplyBuffer(Cell<Vec<u8>>);

impl ReplyBuffer {
    /// Keeps a buffer for the next reply.
    #[inline]
    pub(crate) fn keep(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        self.0.set(buffer);
    }

    /// A reply of a kind, without its content.
    #[inline]
    pub(super) fn reply(&self, kind: Reply) -> Output<'static> {
        let mut buffer = self.0.take();
        if buffer.capacity() == 0 {
            return Output::new(kind as u8);
        }
        buffer.push(kind as u8);
        Output::after(buffer)
    }
}

/// Why a job did not come to a reply: something could not be read or written.
#[derive(Debug)]
pub struct Failure(Reply, String);

impl Failure {
    pub(crate) fn not_decoded(error: impl Display) -> Failure {
        Failure(Reply::NotDecoded, error.to_string())
    }

    pub(super) fn not_encoded(error: impl Display) -> Failure {
        Failure(Reply::NotEncoded, error.to_string())
    }

    /// The reply that tells of it.
    pub(super) fn message(&self) -> Output<'static> {
        message(self.0, &self.1)
    }
}

/// A reply of a kind with its content.
pub(crate) fn message(kind: Reply, content: &(impl serde::Serialize + ?Sized)) -> Output<'static> {
    let mut out = Output::new(kind as u8);
    out.write(content)
        .expect("strings and numbers can always be written");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_written_into_the_buffer_of_the_last() {
        let buffer = ReplyBuffer::default();
        let mut first = buffer.reply(Reply::Returned);
        first.head.extend([0; 1000]);
        let place = first.head.as_ptr();
        buffer.keep(std::mem::take(&mut first.head));
        let second = buffer.reply(Reply::Returned);
        assert_eq!(second.head, [Reply::Returned as u8]);
        assert_eq!(second.head.as_ptr(), place);
        // There is one.
        assert_ne!(buffer.reply(Reply::Returned).head.as_ptr(), place);
    }
}
