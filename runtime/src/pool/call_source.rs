//! The calls of a map.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::into_call::IntoCall;
use super::sheet::{Kind, Sheet, Written};
use crate::dispatch::ResultCodec;
use crate::error::Result;
use crate::transport::EncodedMessage;

pub(super) type Panic = Box<dyn Any + Send>;

/// The inputs of a map, and the function that makes a call of each.
///
/// What the function returns is asked once, where the map is made, and the answer carried as a value: so
/// a function that makes no call is one error of the compiler, there. It is carried as the loop over many inputs,
/// so that what is done for each of them is one piece of code.
pub(super) struct CallSource<R, I, F> {
    inputs: I,
    bind: F,
    exhausted: bool,
    fill: fn(&mut I, &mut F, &mut Sheet, Room, &mut Option<ResultCodec<R>>) -> Filled,
}

/// How much is to be written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) tasks: usize,
    /// It may be more by the last task.
    pub(super) bytes: usize,
}

/// Why no more was written.
pub(super) enum Filled {
    /// There is no room.
    Enough,
    /// The inputs take long.
    Late,
    End,
    /// The iterator of inputs or the function panicked.
    Panicked(Panic),
    /// The arguments of the next call panicked while they were written.
    PanickedInCall(Panic),
    /// The next call was written in another place.
    Alone(Kind, Result<EncodedMessage>),
    /// The next call is on the sheet, and does not belong there.
    OfAnother(Kind),
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
            fill,
        }
    }

    /// Writes calls of the next inputs, and notes how results of them are read.
    pub(super) fn fill(
        &mut self,
        sheet: &mut Sheet,
        room: Room,
        codec: &mut Option<ResultCodec<R>>,
    ) -> Filled {
        let filled = (self.fill)(&mut self.inputs, &mut self.bind, sheet, room, codec);
        self.exhausted |= matches!(filled, Filled::End);
        filled
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

fn fill<'c, I, F, C>(
    inputs: &mut I,
    bind: &mut F,
    sheet: &mut Sheet,
    room: Room,
    codec: &mut Option<ResultCodec<C::Output>>,
) -> Filled
where
    I: Iterator,
    F: FnMut(I::Item) -> C,
    C: IntoCall<'c>,
{
    let mut writes = false;
    let filled = catch_unwind(AssertUnwindSafe(|| {
        loop {
            if sheet.tasks() >= room.tasks || sheet.bytes() >= room.bytes {
                return Filled::Enough;
            }
            if sheet.is_late() {
                return Filled::Late;
            }
            let Some(input) = inputs.next() else {
                return Filled::End;
            };
            let call = bind(input);
            let call = call.as_call();
            if codec.is_none() {
                *codec = Some(call.result());
            }
            writes = true;
            let written = sheet.write(call);
            writes = false;
            match written {
                Written::Behind => {}
                Written::Alone(kind, message) => return Filled::Alone(kind, message),
                Written::OfAnother(kind) => return Filled::OfAnother(kind),
            }
        }
    }));
    match filled {
        Ok(filled) => filled,
        Err(panic) if writes => {
            sheet.forget_half();
            Filled::PanickedInCall(panic)
        }
        Err(panic) => Filled::Panicked(panic),
    }
}
