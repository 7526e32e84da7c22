//! Handles: values that stand for something outside of them, a descriptor or a place in shared
//! memory.
//!
//! A handle is more than its bytes: two of one [exclusive](HandleKind::is_exclusive) thing, or a lock
//! read as a file, are unsound. So a handle never is data to serde. What it is made of, its
//! [`Parts`], goes around serde: into a record of the message on one side, out of it on the other.
//! serde sees a [`Token`] that says which record is meant.
//!
//! ```text
//! Serialize:    parts ── scope of the message being written ──▶ record in the head
//!                 └ token ─▶ any serializer or buffer ─▶ `Output`: looks the token up ┘
//!
//! Deserialize:  record in the head ─▶ scope of the message being read ──▶ parts
//!                 └ token ─▶ any deserializer or buffer ─▶ the handle's visitor: looks it up ┘
//! ```
//!
//! So handles go through all that carries serde's data model unchanged (`flatten`, tagged and
//! untagged enums, buffers) and through nothing else. What foreign code does with tokens is of no
//! consequence, because everything is checked where they are looked up:
//!
//! | what | then |
//! |---|---|
//! | a handle is serialized or deserialized outside of a message | an error, before anything happens |
//! | its token ends in another format, or nowhere | an error when the message is complete: a record was not written |
//! | a token is written twice | an error |
//! | a token is kept for another message or thread, or made up | an error: scopes have numbers of their own |
//! | a token is read twice | two handles, or an error if the kind is exclusive |
//! | a token is read as another kind, or as a handle for another type | an error; the right one can still read it |
//! | a token is read as data | as what is in [`LAYERS`] newtypes, bytes that are not text: nothing reads that but buffers |
//!
//! The numbers of scopes are hard to guess, but nothing depends on that: a token that is made up
//! well stands for a handle that is in the message anyway, and is looked up like the real one.

mod common;
mod departure;
mod identity;
mod parts;
mod record;
mod scope;
mod token;

use serde::de::{self, Deserializer};
use serde::ser::{self, Serializer};

pub(crate) use common::{CommonFile, CommonFiles};
pub(crate) use departure::{Depart, Departure};
pub(crate) use identity::{HandleKind, Identity};
pub(crate) use parts::Parts;
pub(super) use record::Record;
pub(super) use scope::{claim, collecting, is_reading, offering, present};
pub(super) use token::{LAYERS, NAME, Token, TokenDeserializer, asks_for_token};

use super::Error;

/// Writes a handle made of what `pack` puts together.
pub(crate) fn serialize<S: Serializer>(
    serializer: S,
    identity: Identity,
    pack: impl FnOnce(&mut Parts) -> Result<(), Error>,
) -> Result<S::Ok, S::Error> {
    let token = add(identity, pack).map_err(ser::Error::custom)?;
    serializer.serialize_newtype_struct(NAME, &token)
}

fn add(
    identity: Identity,
    pack: impl FnOnce(&mut Parts) -> Result<(), Error>,
) -> Result<Token, Error> {
    scope::check_writing()?;
    let mut parts = Parts::default();
    pack(&mut parts)?;
    scope::add(Record { identity, parts })
}

/// Reads a handle that `unpack` puts together of its parts. Those of an exclusive kind are gone
/// when it has.
pub(crate) fn deserialize<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    identity: Identity,
    unpack: impl FnOnce(&mut Parts) -> Result<T, Error>,
) -> Result<T, D::Error> {
    scope::check_reading().map_err(de::Error::custom)?;
    let visitor = token::TokenVisitor::new(identity.kind);
    let token = deserializer.deserialize_newtype_struct(NAME, visitor)?;
    take(token, identity, unpack).map_err(de::Error::custom)
}

fn take<T>(
    token: Token,
    identity: Identity,
    unpack: impl FnOnce(&mut Parts) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut parts = scope::take(token, identity)?;
    let handle = unpack(&mut parts);
    if handle.is_err() || !identity.kind.is_exclusive() {
        scope::give_back(token, parts);
    }
    handle
}
