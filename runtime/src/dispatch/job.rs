//! One request being served, in the child.

use std::fmt;
use std::io;

use super::reply::{Failure, Outlet, ReplyBuffer};
use super::witness::{Arguments, Parameter, ResultCodec};
use crate::codec::{Output, Word};
use crate::protocol::Reply;
use crate::sys::copy;

/// A call of a worker: the arguments not yet read, and the way for the result.
pub struct Job<'a> {
    arguments: Arguments<'a>,
    outlet: &'a mut (dyn Outlet + 'a),
    /// What the reply is written into, if there is one.
    buffer: Option<&'a ReplyBuffer>,
    /// What stands in a reply behind its kind, before the value.
    address: &'a [u8],
}

impl<'a> Job<'a> {
    #[inline]
    pub(super) fn new(
        arguments: Arguments<'a>,
        outlet: &'a mut (dyn Outlet + 'a),
        buffer: Option<&'a ReplyBuffer>,
    ) -> Job<'a> {
        Job {
            arguments,
            outlet,
            buffer,
            address: &[],
        }
    }

    /// A job of several that are answered in any order: replies bear an address.
    pub(super) fn addressed(
        arguments: Arguments<'a>,
        outlet: &'a mut (dyn Outlet + 'a),
        address: &'a [u8],
    ) -> Job<'a> {
        Job {
            address,
            ..Job::new(arguments, outlet, None)
        }
    }

    /// Reads the next argument.
    #[inline]
    pub fn argument<P: Parameter>(&mut self, codec: &P) -> Result<P::Value, Failure> {
        codec.read_from(&mut self.arguments)
    }

    /// All arguments are read and the worker is about to run.
    #[inline]
    pub fn begin(&mut self) -> Result<(), Failure> {
        self.arguments.finish()
    }

    /// Sends the worker's result.
    pub fn reply<R>(&mut self, codec: &ResultCodec<R>, value: &R) -> Result<(), Failure> {
        copy::leave_if_copy();
        if self.address.is_empty()
            && let Some(word) = Word::of(value)
        {
            return sent(self.outlet.send_word(&word));
        }
        let mut out = match self.buffer {
            Some(buffer) => buffer.reply(Reply::Returned),
            None => Output::new(Reply::Returned as u8),
        };
        out.head.extend_from_slice(self.address);
        codec.write(value, &mut out).map_err(Failure::not_encoded)?;
        sent(self.outlet.send(&mut out))
    }
}

/// What became of a reply.
#[inline]
fn sent(sent: io::Result<()>) -> Result<(), Failure> {
    match sent {
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

impl fmt::Debug for Job<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("arguments", &self.arguments)
            .finish_non_exhaustive()
    }
}
