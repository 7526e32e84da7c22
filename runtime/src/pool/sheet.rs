//! Tasks of a map that are to be sent together, while they are written.

use std::sync::Arc;
use std::time::Duration;

use super::files;
use super::job::TaskArguments;
use super::wire::LENGTH;
use crate::dispatch::Entry;
use crate::error::Error;
use crate::process::{Call, TaskOptions};
use crate::sys::clock;
use crate::sys::fd::OwnedFd;
use crate::transport::EncodedMessage;

/// How long it may take to get the inputs of a group together: those that are there are not to wait
/// for the others. It is measured in ticks of a few milliseconds each, of which one may be over at once.
const GATHERING_TIME: Duration = Duration::from_millis(10);

/// Tasks one after another that run the same function with the same options.
#[derive(Debug)]
pub(super) struct Sheet {
    /// What the map says of all its tasks.
    pub(super) own_options: TaskOptions,
    of: Option<Kind>,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    files: Vec<Arc<OwnedFd>>,
    /// When the first input was asked for.
    begin: u64,
    /// How many calls were written since, whatever became of them.
    count: usize,
}

/// What tasks have in common that are sent together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    pub(super) entry: &'static Entry,
    pub(super) options: TaskOptions,
    /// Whether calls of it say nothing but this timeout. It is the short way to see that one is of this kind.
    is_plain: bool,
    timeout: Option<Duration>,
}

/// Where a call was written.
pub(super) enum Written {
    /// Behind the others.
    Behind,
    /// In a place of its own, since it cannot be with others.
    Alone(Kind, Result<EncodedMessage, Error>),
    /// Behind the others, though it is of another kind: [`Sheet::split`] is next.
    OfAnother(Kind),
}

impl Sheet {
    pub(super) fn new(own_options: TaskOptions) -> Sheet {
        Sheet {
            own_options,
            of: None,
            bytes: Vec::new(),
            ends: Vec::new(),
            files: Vec::new(),
            begin: clock::tick(),
            count: 0,
        }
    }

    /// How many tasks are on it.
    pub(super) fn tasks(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether inputs have taken so long that those that are there are to be sent. Nearly always it is not asked.
    #[inline]
    pub(super) fn is_late(&self) -> bool {
        (self.count.is_power_of_two() || self.count.is_multiple_of(8))
            && u128::from(clock::tick() - self.begin) >= GATHERING_TIME.as_nanos()
    }

    /// Writes a call. If its arguments panic, nothing is written.
    #[inline]
    pub(super) fn write<R>(&mut self, call: &Call<'_, R>) -> Written {
        self.count += 1;
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; LENGTH]);
        if self.is_of_same(call) && call.write_words(&mut self.bytes) {
            self.end_call(start);
            return Written::Behind;
        }
        self.bytes.truncate(start + LENGTH);
        self.write_any(call, start)
    }

    /// Whether a call is of the kind of those that are there, as is seen at once.
    #[inline]
    fn is_of_same<R>(&self, call: &Call<'_, R>) -> bool {
        call.is_plain()
            && self.of.is_some_and(|of| {
                of.is_plain
                    && of.timeout == call.timeout_of_task()
                    && std::ptr::eq(of.entry, call.entry())
            })
    }

    /// A call ends here that began at this place, with room for its length.
    #[inline]
    fn end_call(&mut self, start: usize) {
        self.set_length(start);
        self.ends.push(self.bytes.len());
    }

    #[inline]
    fn set_length(&mut self, start: usize) {
        let length = self.bytes.len() - start - LENGTH;
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        self.bytes[start..start + LENGTH].copy_from_slice(&length.to_ne_bytes());
    }

    /// Writes a call behind the room for its length.
    fn write_any<R>(&mut self, call: &Call<'_, R>, start: usize) -> Written {
        let written = call.write_task(&mut self.bytes, &mut self.files, files::MOST);
        let Ok(None) = written else {
            self.forget_half();
            return Written::Alone(self.kind(call), written.map(Option::unwrap_or_default));
        };
        if !self.is_of_same(call) {
            let kind = self.kind(call);
            match &mut self.of {
                Some(of) if !self.ends.is_empty() && !of.is_like(&kind) => {
                    self.set_length(start);
                    return Written::OfAnother(kind);
                }
                of => *of = Some(kind),
            }
        }
        self.end_call(start);
        Written::Behind
    }

    fn kind<R>(&self, call: &Call<'_, R>) -> Kind {
        Kind {
            entry: call.entry(),
            options: self.own_options.or(call.task_options()),
            is_plain: call.is_plain(),
            timeout: call.timeout_of_task(),
        }
    }

    /// Forgets what was written of a call whose arguments panicked.
    pub(super) fn forget_half(&mut self) {
        self.bytes.truncate(self.ends.last().copied().unwrap_or(0));
    }

    /// The tasks that are on it, if there are any, which is empty then. Their kind stays.
    pub(super) fn take(&mut self) -> Option<(Kind, TaskArguments)> {
        let of = self.of?;
        let ends = std::mem::take(&mut self.ends);
        let bytes = std::mem::take(&mut self.bytes);
        let files = std::mem::take(&mut self.files);
        let arguments = match &*ends {
            [] => return None,
            [_] => TaskArguments::One(EncodedMessage::of_files(bytes[LENGTH..].to_vec(), files)),
            _ => TaskArguments::Many(bytes, ends, files),
        };
        Some((of, arguments))
    }

    /// Likewise, but for the last call, which is of another kind and stays.
    pub(super) fn split(&mut self, kind: Kind) -> Option<(Kind, TaskArguments)> {
        let end = self.ends.last().copied().unwrap_or(0);
        let rest = self.bytes.split_off(end);
        let files = self.files.clone();
        let others = self.take();
        self.of = Some(kind);
        self.ends.push(rest.len());
        self.bytes = rest;
        // It means them by their places.
        self.files = files;
        others
    }
}

impl Kind {
    fn is_like(&self, other: &Kind) -> bool {
        std::ptr::eq(self.entry, other.entry) && self.options == other.options
    }
}
