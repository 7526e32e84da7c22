//! One request being served, in the child.

use std::fmt;
use std::io;

use super::panic::catch;
use super::registry::Entry;
use super::witness::{Parameter, ResultCodec};
use crate::codec::{self, Input, Output};
use crate::protocol::Reply;
use crate::sys::copy;

/// Where replies go. An error means that the parent is gone.
pub(crate) type Send<'a> = dyn FnMut(Output<'_>) -> io::Result<()> + 'a;

/// A call of a worker: the arguments not yet read, and the way for the result.
pub struct Job<'a> {
    input: Input<'a>,
    send: &'a mut Send<'a>,
}

/// Why a job did not come to a reply: something could not be read or written.
#[derive(Debug)]
pub struct Failure(Reply, String);

impl Job<'_> {
    /// Reads the next argument.
    pub fn argument<P: Parameter>(&mut self, codec: &P) -> Result<P::Value, Failure> {
        codec.read_from(self)
    }

    pub(super) fn read<T>(
        &mut self,
        read: fn(&mut Input<'_>) -> Result<T, codec::Error>,
    ) -> Result<T, Failure> {
        read(&mut self.input).map_err(|error| not_decoded(&error))
    }

    /// All arguments are read and the worker is about to run.
    pub fn begin(&mut self) -> Result<(), Failure> {
        self.input.finish().map_err(|error| not_decoded(&error))
    }

    /// Sends the worker's result.
    pub fn reply<R>(&mut self, codec: &ResultCodec<R>, value: &R) -> Result<(), Failure> {
        copy::leave_if_copy();
        let mut out = Output::new(Reply::Returned as u8);
        codec
            .write(value, &mut out)
            .map_err(|error| Failure(Reply::NotEncoded, error.to_string()))?;
        match (self.send)(out) {
            Ok(()) => Ok(()),
            // Nobody is left to hear of it.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
                ) =>
            {
                Ok(())
            }
            Err(error) => Err(Failure(Reply::NotEncoded, error.to_string())),
        }
    }
}

fn not_decoded(error: &codec::Error) -> Failure {
    Failure(Reply::NotDecoded, error.to_string())
}

/// Runs a worker on its arguments and sends one reply, whatever happens.
///
/// A worker may fork and return twice. The copy ends here: it has the connection and all that its
/// original knows, but the answer and whatever comes next are the original's.
pub(crate) fn run(entry: &Entry, input: Input<'_>, send: &mut Send<'_>) -> Ended {
    let mut replied = false;
    let result = catch(|| {
        let mut send = |out: Output<'_>| {
            copy::leave_if_copy();
            let sent = send(out);
            replied = sent.is_ok();
            sent
        };
        entry.dispatch(&mut Job {
            input,
            send: &mut send,
        })
    });
    copy::leave_if_copy();
    let (reply, ended) = match result {
        Ok(Ok(())) => return Ended::Well,
        Ok(Err(Failure(reply, reason))) => (message(reply, &reason), Ended::Well),
        Err(panic) => (message(Reply::Panicked, &panic), Ended::Panicking),
    };
    // A destructor that panics after the reply is no longer the caller's concern.
    if !replied {
        // An error here means that nobody is left to hear of it.
        let _ = send(reply);
    }
    ended
}

/// How a job left its thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Well,
    Panicking,
}

/// A reply of a kind with its content.
pub(crate) fn message(kind: Reply, content: &(impl serde::Serialize + ?Sized)) -> Output<'static> {
    let mut out = Output::new(kind as u8);
    out.write(content)
        .expect("strings and numbers can always be written");
    out
}

impl fmt::Debug for Job<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("input", &self.input)
            .finish_non_exhaustive()
    }
}
