//! What is submitted: one task or several of the same worker.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::mailbox::Mailbox;
use super::scheduler::Part;
use super::slot::Slot;
use crate::codec::Output;
use crate::dispatch::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::process::callee;
use crate::protocol::Request;
use crate::transport::Parcel;

/// One or several tasks.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) worker: &'static str,
    pub(super) name: Name,
    pub(super) payload: Payload,
    pub(super) recipient: Recipient,
    /// For each task, from its beginning.
    pub(super) timeout: Option<Duration>,
    /// Tasks without an outcome.
    pub(super) remaining: u32,
    /// Which of several tasks have one.
    pub(super) done: Vec<bool>,
}

/// The arguments.
#[derive(Debug)]
pub(super) enum Payload {
    One(Parcel),
    /// Each behind its length in four bytes, and where each ends.
    Many(Vec<u8>, Vec<usize>),
}

/// Who wants the results.
#[derive(Debug)]
pub(super) enum Recipient {
    Slot(Arc<Slot>),
    /// The first task's number there.
    Mailbox(Arc<Mailbox>, u64),
}

impl Payload {
    pub(super) fn count(&self) -> u32 {
        match self {
            Payload::One(_) => 1,
            Payload::Many(_, ends) => u32::try_from(ends.len()).unwrap_or(u32::MAX),
        }
    }
}

impl Job {
    /// These tasks have an outcome.
    pub(super) fn note_done(&mut self, first: u32, count: u32) {
        self.remaining -= count;
        if let Payload::Many(_, ends) = &self.payload {
            self.done.resize(ends.len(), false);
            let range = first as usize..(first + count) as usize;
            self.done[range].fill(true);
        }
    }

    /// The tasks without an outcome.
    pub(super) fn not_done(&self) -> impl Iterator<Item = u32> {
        let is_done = |task: &u32| self.done.get(*task as usize).copied().unwrap_or(false);
        (0..self.payload.count()).filter(move |task| !is_done(task))
    }

    /// The message for a part of it.
    pub(super) fn parcel(&self, part: Part, round: u16) -> Parcel {
        match &self.payload {
            Payload::One(arguments) => one(&self.name, arguments, round),
            Payload::Many(bytes, ends) => {
                let start = match part.first {
                    0 => 0,
                    first => ends[first as usize - 1],
                };
                let end = ends[(part.first + part.count) as usize - 1];
                let mut head = begin(Request::Batch, &self.name, round, end - start);
                head.extend_from_slice(&bytes[start..end]);
                Parcel {
                    head,
                    ..Parcel::default()
                }
            }
        }
    }
}

/// The message for a task that goes alone.
pub(super) fn one(name: &Name, arguments: &Parcel, round: u16) -> Parcel {
    let mut head = begin(Request::Task, name, round, arguments.head.len());
    head.extend_from_slice(&arguments.head);
    Parcel {
        head,
        splices: arguments.splices.clone(),
        attachments: arguments.attachments.clone(),
    }
}

fn begin(kind: Request, name: &Name, round: u16, more: usize) -> Vec<u8> {
    let mut head = Vec::with_capacity(1 + 2 + 4 + name.0.len() + more);
    head.push(kind as u8);
    head.extend(round.to_ne_bytes());
    head.extend(u32::try_from(name.0.len()).unwrap_or(0).to_ne_bytes());
    head.extend_from_slice(&name.0);
    head
}

/// A worker's name in messages.
#[derive(Debug, Clone)]
pub(super) struct Name(Arc<[u8]>);

impl Name {
    /// The name of a worker, which is made once.
    pub(super) fn of(entry: &'static Entry) -> Result<Name> {
        static NAMES: Mutex<Option<HashMap<usize, Name>>> = Mutex::new(None);
        let key = std::ptr::from_ref(entry).addr();
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        let names = names.get_or_insert_default();
        if let Some(name) = names.get(&key) {
            return Ok(name.clone());
        }
        let about_worker = |error: Error| error.with_worker(entry.name());
        let callee = callee(entry).map_err(about_worker)?;
        let mut out = Output::default();
        out.write(&callee)
            .map_err(|error| about_worker(Error::new(ErrorKind::Encode, error.to_string())))?;
        let name = Name(out.head.into());
        names.insert(key, name.clone());
        Ok(name)
    }
}
