//! The calls of a map.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::into_call::IntoCall;
use crate::dispatch::{Entry, ResultCodec};
use crate::error::Result;
use crate::process::TaskOptions;
use crate::transport::EncodedMessage;

pub(super) type Panic = Box<dyn Any + Send>;

/// The inputs of a map, and the function that makes a call of each.
///
/// What the function returns is asked once, where the map is made, and the answer carried as a value: so
/// a function that makes no call is one error of the compiler, there.
pub(super) struct CallSource<R, I, F> {
    inputs: I,
    bind: F,
    exhausted: bool,
    next: fn(&mut I, &mut F, &mut Vec<u8>) -> NextCall<R>,
}

/// What comes next.
pub(super) enum NextCall<R> {
    Call(WrittenCall<R>),
    End,
    /// The iterator of inputs or the function panicked.
    Panicked(Panic),
}

/// A call whose arguments have been written.
pub(super) struct WrittenCall<R> {
    pub(super) entry: &'static Entry,
    pub(super) options: TaskOptions,
    pub(super) result: ResultCodec<R>,
    pub(super) arguments: WrittenArguments,
}

/// What became of the arguments.
pub(super) enum WrittenArguments {
    /// They stand with those before them, behind their length in four bytes.
    Together,
    /// They did not fit in there, and are a message of their own.
    Alone(EncodedMessage),
    /// They cannot be written.
    Failed(crate::error::Error),
    /// Writing them panicked.
    Panicked(Panic),
}

impl<R, I: Iterator, F> CallSource<R, I, F> {
    pub(super) fn new<'c, C>(inputs: I, bind: F) -> CallSource<R, I, F>
    where
        F: FnMut(I::Item) -> C,
        C: IntoCall<'c, Output = R>,
    {
        CallSource {
            inputs,
            bind,
            exhausted: false,
            next,
        }
    }

    /// Takes the next input and appends the arguments of its call to `bytes`.
    pub(super) fn next(&mut self, bytes: &mut Vec<u8>) -> NextCall<R> {
        let next = (self.next)(&mut self.inputs, &mut self.bind, bytes);
        self.exhausted |= matches!(next, NextCall::End);
        next
    }

    /// Takes no more inputs, whether there are any or not.
    pub(super) fn end(&mut self) {
        self.exhausted = true;
    }

    pub(super) fn is_exhausted(&self) -> bool {
        self.exhausted
    }

    pub(super) fn size_hint(&self) -> (usize, Option<usize>) {
        if self.exhausted {
            return (0, Some(0));
        }
        self.inputs.size_hint()
    }

    /// The number of inputs that are left, if it is known.
    pub(super) fn left(&self) -> Option<usize> {
        match self.size_hint() {
            (least, Some(most)) if least == most => Some(most),
            _ => None,
        }
    }
}

fn next<'c, I, F, C>(inputs: &mut I, bind: &mut F, bytes: &mut Vec<u8>) -> NextCall<C::Output>
where
    I: Iterator,
    F: FnMut(I::Item) -> C,
    C: IntoCall<'c>,
{
    match catch_unwind(AssertUnwindSafe(|| inputs.next().map(bind))) {
        Ok(Some(call)) => {
            let call = call.into_call();
            NextCall::Call(WrittenCall {
                entry: call.entry(),
                options: call.task_options(),
                result: call.result(),
                arguments: write(bytes, |bytes| call.write_task(bytes)),
            })
        }
        Ok(None) => NextCall::End,
        Err(panic) => NextCall::Panicked(panic),
    }
}

/// Has arguments written behind their length, and takes back what is not to stand there.
fn write(
    bytes: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<Option<EncodedMessage>>,
) -> WrittenArguments {
    let start = bytes.len();
    bytes.extend([0; 4]);
    let written = match catch_unwind(AssertUnwindSafe(|| write(bytes))) {
        Ok(Ok(None)) => {
            let length = u32::try_from(bytes.len() - start - 4).unwrap_or(u32::MAX);
            bytes[start..start + 4].copy_from_slice(&length.to_ne_bytes());
            return WrittenArguments::Together;
        }
        Ok(Ok(Some(message))) => WrittenArguments::Alone(message),
        Ok(Err(error)) => WrittenArguments::Failed(error),
        Err(panic) => WrittenArguments::Panicked(panic),
    };
    bytes.truncate(start);
    written
}
