//! Handles: values that stand for something outside of them, a descriptor or a place in shared
//! memory.
//!
//! A handle is more than its bytes: two of one [exclusive](Kind::is_exclusive) thing, or a lock
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
//! The numbers of scopes cannot be guessed, but nothing depends on that: a token that is made up
//! well stands for a handle that is in the message anyway, and is looked up like the real one.

mod departure;
mod parts;
mod scope;
mod token;

use serde::de::{self, Deserializer};
use serde::ser::{self, Serializer};
use std::any::TypeId;
use std::hash::{DefaultHasher, Hash, Hasher};

pub(crate) use departure::{Depart, Departure};
pub(crate) use parts::Parts;
pub(super) use scope::{claim, collecting, is_reading, offering, present};
pub(super) use token::{LAYERS, Token, TokenDeserializer};

use super::Error;

/// The name of the newtype that tokens are in. By it our format knows them.
pub(super) static NAME: &str = "$multiproc::handle";

/// The kinds of handles; the number is the byte in the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// `Fd`.
    Descriptor = 1,
    /// `Shared`, and all of `sync`.
    Cell,
    Chunk,
    Buffer,
    Sender,
    Receiver,
    Duplex,
    Queue,
}

impl Kind {
    pub(super) fn from_wire(byte: u8) -> Result<Kind, Error> {
        [
            Kind::Descriptor,
            Kind::Cell,
            Kind::Chunk,
            Kind::Buffer,
            Kind::Sender,
            Kind::Receiver,
            Kind::Duplex,
            Kind::Queue,
        ]
        .into_iter()
        .find(|kind| *kind as u8 == byte)
        .ok_or_else(|| Error::new(format!("corrupt message: no kind of handle {byte}")))
    }

    /// Whether there can be one handle to a thing only.
    fn is_exclusive(self) -> bool {
        match self {
            Kind::Descriptor | Kind::Cell | Kind::Sender | Kind::Queue => false,
            Kind::Chunk | Kind::Buffer | Kind::Receiver | Kind::Duplex => true,
        }
    }

    /// What error messages call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Descriptor => "a descriptor",
            Kind::Cell => "a handle to shared memory",
            Kind::Chunk => "a chunk of a buffer",
            Kind::Buffer => "a buffer",
            Kind::Sender => "a sender",
            Kind::Receiver => "a receiver",
            Kind::Duplex => "an end of a duplex connection",
            Kind::Queue => "a queue",
        }
    }
}

/// What a handle says of itself: its kind, and a number for the types it has to do with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(super) kind: Kind,
    pub(super) types: u64,
}

impl Identity {
    /// A handle that is the same whatever its type parameters are.
    pub(crate) const fn of_kind(kind: Kind) -> Identity {
        Identity { kind, types: 0 }
    }

    /// A handle to or for values of type `T`.
    pub(crate) fn new<T: ?Sized>(kind: Kind) -> Identity {
        Identity {
            kind,
            types: number(typeid::of::<T>()),
        }
    }

    /// The number for the types.
    pub(crate) fn types(self) -> u64 {
        self.types
    }
}

/// The same in all processes of a program: they run the same image.
fn number(id: TypeId) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

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

/// A handle as it stands in a message.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) identity: Identity,
    pub(super) parts: Parts,
}
