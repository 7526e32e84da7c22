//! The handles of the message that this thread is writing or reading.
//!
//! serde has no place for them, so they hang on the thread. Scopes nest: a `Serialize` that itself
//! sends something gets one of its own. They have no destructors, so that messages can be written
//! and read while the thread ends.

use std::cell::{Cell, RefCell};
use std::hash::{BuildHasher, RandomState};
use std::mem::ManuallyDrop;
use std::sync::Arc;
use std::thread::LocalKey;

use super::super::{Error, memory};
use super::{CommonFiles, Identity, Parts, Record, Token};

use crate::sys::fd::OwnedFd;

/// The handles of a value being written that are not in the message yet.
#[derive(Debug, Default)]
pub(in super::super) struct Outgoing {
    /// None before the first handle.
    number: Option<u64>,
    records: Vec<Option<Record>>,
}

/// The handles of a value being read that the deserializer has come to.
#[derive(Debug, Default)]
struct Incoming {
    number: Option<u64>,
    attachments: Vec<Arc<OwnedFd>>,
    /// What descriptors are numbers of instead, if there are such.
    common: Option<CommonFiles>,
    records: Vec<Presented>,
}

#[derive(Debug)]
struct Presented {
    identity: Identity,
    /// None when they were taken.
    parts: Option<Parts>,
}

thread_local! {
    static OUTGOING: ScopeSlot<Outgoing> = const { RefCell::new(None) };
    static INCOMING: ScopeSlot<Incoming> = const { RefCell::new(None) };

    /// The number of the last scope that has one.
    static LAST: Cell<Option<u64>> = const { Cell::new(None) };
}

type ScopeSlot<S> = RefCell<Option<ManuallyDrop<S>>>;

impl Outgoing {
    /// Says whether all handles went into the message.
    pub(in super::super) fn check(&self) -> Result<(), Error> {
        match self.records.iter().flatten().next() {
            None => Ok(()),
            Some(record) => Err(Error::new(format!(
                "{} was written into something else than the message, another format or a value \
                 that was thrown away: it can only be a value in the message itself",
                record.identity.kind.name()
            ))),
        }
    }
}

/// Runs `write` with a scope that [`add`] adds to.
pub(in super::super) fn collecting<R>(write: impl FnOnce() -> R) -> (R, Outgoing) {
    within(&OUTGOING, Outgoing::default(), write)
}

/// Runs `read` with these attachments as what [`present`] looks into.
pub(in super::super) fn offering<R>(
    attachments: &mut Vec<Arc<OwnedFd>>,
    common: &mut Option<CommonFiles>,
    read: impl FnOnce() -> R,
) -> R {
    let incoming = Incoming {
        attachments: std::mem::take(attachments),
        common: common.take(),
        ..Incoming::default()
    };
    let (result, incoming) = within(&INCOMING, incoming, read);
    *attachments = incoming.attachments;
    *common = incoming.common;
    result
}

pub(super) fn check_writing() -> Result<(), Error> {
    writing(|_| Ok(()))
}

pub(super) fn check_reading() -> Result<(), Error> {
    reading(|_| Ok(()))
}

/// Whether what is read may hold handles.
pub(in super::super) fn is_reading() -> bool {
    check_reading().is_ok()
}

/// Adds a handle to what is being written.
pub(super) fn add(record: Record) -> Result<Token, Error> {
    writing(|outgoing| {
        let token = token(&mut outgoing.number, outgoing.records.len())?;
        outgoing.records.push(Some(record));
        Ok(token)
    })
}

/// The handle that a token stands for, which goes into the message now.
pub(in super::super) fn claim(token: Token) -> Result<Record, Error> {
    writing(|outgoing| {
        if outgoing.number != Some(token.scope) {
            return Err(strange());
        }
        let record = outgoing.records.get_mut(token.place as usize);
        record
            .ok_or_else(strange)?
            .take()
            .ok_or_else(|| Error::new("a handle was written into a message twice"))
    })
}

/// Adds a handle to what can be read. Its descriptors are numbers of attachments, or of common files.
pub(in super::super) fn present(record: Record, descriptors: &[u32]) -> Result<Token, Error> {
    let Record {
        identity,
        mut parts,
    } = record;
    reading(|incoming| {
        for number in descriptors {
            let place = *number as usize;
            let common = incoming.common.as_ref().and_then(|it| it.get(place));
            let descriptor = match common {
                Some(file) => Some(file.descriptor()),
                None => incoming.attachments.get(place),
            };
            let descriptor = descriptor.ok_or_else(|| {
                Error::new(format!(
                    "corrupt message: it has no descriptor of number {number}"
                ))
            })?;
            parts.descriptors.push(Arc::clone(descriptor));
            parts.common = common.cloned();
        }
        let token = token(&mut incoming.number, incoming.records.len())?;
        memory::grow(&mut incoming.records, 1)?;
        incoming.records.push(Presented {
            identity,
            parts: Some(parts),
        });
        Ok(token)
    })
}

/// Takes what a handle is made of, if it is such a one.
pub(super) fn take(token: Token, identity: Identity) -> Result<Parts, Error> {
    reading(|incoming| {
        if incoming.number != Some(token.scope) {
            return Err(strange());
        }
        let presented = incoming.records.get_mut(token.place as usize);
        let presented = presented.ok_or_else(strange)?;
        let (expected, found) = (identity.kind.name(), presented.identity.kind.name());
        if presented.identity.kind != identity.kind {
            return Err(Error::new(format!(
                "invalid type: {found}, expected {expected}"
            )));
        }
        if presented.identity != identity {
            return Err(Error::new(format!(
                "invalid type: {found} of another type than {expected} that is expected"
            )));
        }
        presented.parts.take().ok_or_else(|| {
            Error::new(format!(
                "{expected} can only be received once, and a `Deserialize` has received it already"
            ))
        })
    })
}

/// Puts back what was [taken](take), so that it can be taken again.
pub(super) fn give_back(token: Token, parts: Parts) {
    // The handle that took it is still being read from the same message.
    let _ = reading(|incoming| {
        if let Some(presented) = incoming.records.get_mut(token.place as usize) {
            presented.parts = Some(parts);
        }
        Ok(())
    });
}

fn token(number: &mut Option<u64>, place: usize) -> Result<Token, Error> {
    let place = u32::try_from(place).map_err(|_| Error::new("too many handles in one message"))?;
    let scope = *number.get_or_insert_with(scope_number);
    Ok(Token { scope, place })
}

/// A number that no other scope has. Each thread counts from somewhere else: no two hashers have the same keys.
fn scope_number() -> u64 {
    let last = LAST.get();
    let last = last.unwrap_or_else(|| RandomState::new().hash_one(()));
    LAST.set(Some(last.wrapping_add(1)));
    last
}

fn writing<R>(with: impl FnOnce(&mut Outgoing) -> Result<R, Error>) -> Result<R, Error> {
    OUTGOING.with_borrow_mut(|outgoing| with(outgoing.as_mut().ok_or_else(outside)?))
}

fn reading<R>(with: impl FnOnce(&mut Incoming) -> Result<R, Error>) -> Result<R, Error> {
    INCOMING.with_borrow_mut(|incoming| with(incoming.as_mut().ok_or_else(outside)?))
}

#[cold]
fn outside() -> Error {
    Error::new(
        "a handle to something shared between processes can only be written into a message to \
         another process: an argument, a result or an item of a channel",
    )
}

#[cold]
fn strange() -> Error {
    Error::new("a handle is of another message: it was kept, copied or made up")
}

/// Runs `run` while `scope` is in the slot.
fn within<S, R>(
    slot: &'static LocalKey<ScopeSlot<S>>,
    scope: S,
    run: impl FnOnce() -> R,
) -> (R, S) {
    let mut guard = Guard {
        slot,
        outer: slot.replace(Some(ManuallyDrop::new(scope))),
        is_left: false,
    };
    let result = run();
    let scope = guard.leave().expect("a scope is left once");
    (result, scope)
}

/// Puts the outer scope back, also when the user's code in between panics.
struct Guard<S: 'static> {
    slot: &'static LocalKey<ScopeSlot<S>>,
    outer: Option<ManuallyDrop<S>>,
    is_left: bool,
}

impl<S> Guard<S> {
    fn leave(&mut self) -> Option<S> {
        if std::mem::replace(&mut self.is_left, true) {
            return None;
        }
        let scope = self.slot.replace(self.outer.take());
        scope.map(ManuallyDrop::into_inner)
    }
}

impl<S> Drop for Guard<S> {
    fn drop(&mut self) {
        // What was collected is dropped when the slot is no longer borrowed.
        drop(self.leave());
    }
}
