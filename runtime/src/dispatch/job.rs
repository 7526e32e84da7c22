//! One request being served, in the child.

use std::fmt;
use std::io;

use super::reply::{Failure, ReplyBuffer, Send};
use super::witness::{Arguments, Parameter, ResultCodec};
use crate::codec::{Input, Output};
use crate::protocol::Reply;
use crate::sys::copy;

/// A call of a worker: the arguments not yet read, and the way for the result.
pub struct Job<'a> {
    arguments: Arguments<'a>,
    send: &'a mut Send<'a>,
    /// What the reply is written into, if there is one.
    buffer: Option<&'a ReplyBuffer>,
    /// What stands in a reply behind its kind, before the value.
    address: &'a [u8],
}

impl<'a> Job<'a> {
    #[inline]
    pub(super) fn new(
        input: Input<'a>,
        send: &'a mut Send<'a>,
        buffer: Option<&'a ReplyBuffer>,
    ) -> Job<'a> {
        Job {
            arguments: Arguments::new(input),
            send,
            buffer,
            address: &[],
        }
    }

    /// A job of several that are answered in any order: replies bear an address.
    pub(super) fn addressed(
        input: Input<'a>,
        send: &'a mut Send<'a>,
        address: &'a [u8],
    ) -> Job<'a> {
        Job {
            address,
            ..Job::new(input, send, None)
        }
    }

    /// Reads the next argument.
    pub fn argument<P: Parameter>(&mut self, codec: &P) -> Result<P::Value, Failure> {
        codec.read_from(&mut self.arguments)
    }

    /// All arguments are read and the worker is about to run.
    pub fn begin(&mut self) -> Result<(), Failure> {
        self.arguments.finish()
    }

    /// Sends the worker's result.
    pub fn reply<R>(&mut self, codec: &ResultCodec<R>, value: &R) -> Result<(), Failure> {
        copy::leave_if_copy();
        let mut out = match self.buffer {
            Some(buffer) => buffer.reply(Reply::Returned),
            None => Output::new(Reply::Returned as u8),
        };
        out.head.extend_from_slice(self.address);
        codec.write(value, &mut out).map_err(Failure::not_encoded)?;
        match (self.send)(&mut out) {
            Ok(()) => Ok(()),
            // No receiver is left for it.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(Failure::not_encoded(error)),
        }
    }
}

impl fmt::Debug for Job<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("arguments", &self.arguments)
            .finish_non_exhaustive()
    }
}
