//! What a handle says of itself.

use std::any::TypeId;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::super::{Error, wire_enum};

wire_enum! {
    /// The kinds of handles; the number is the byte in the record.
    pub(crate) enum HandleKind {
        /// `Fd`.
        Descriptor = 1,
        /// `Shared`, and all of `sync`.
        Cell = 2,
        Chunk = 3,
        Buffer = 4,
        Sender = 5,
        Receiver = 6,
        Duplex = 7,
        Queue = 8,
        Function = 9,
        /// A client of a service.
        Client = 10,
        Frozen = 11,
    }
}

impl HandleKind {
    /// The kind that a byte in a message says.
    pub(in super::super) fn read(byte: u8) -> Result<HandleKind, Error> {
        let unknown = || Error::new(format!("corrupt message: no kind of handle {byte}"));
        HandleKind::from_wire(byte).ok_or_else(unknown)
    }

    /// Whether there can be one handle to a thing only.
    pub(super) fn is_exclusive(self) -> bool {
        match self {
            HandleKind::Descriptor
            | HandleKind::Cell
            | HandleKind::Sender
            | HandleKind::Queue
            | HandleKind::Function
            | HandleKind::Client
            | HandleKind::Frozen => false,
            HandleKind::Chunk | HandleKind::Buffer | HandleKind::Receiver | HandleKind::Duplex => {
                true
            }
        }
    }

    /// Whether its descriptors may be in processes that do not use them, before, after and without anyone
    /// noticing: see [`CommonFile`](super::CommonFile).
    pub(in super::super) fn is_common(self) -> bool {
        self == HandleKind::Frozen
    }

    /// What error messages call it.
    pub(in super::super) fn name(self) -> &'static str {
        match self {
            HandleKind::Descriptor => "a descriptor",
            HandleKind::Cell => "a handle to shared memory",
            HandleKind::Chunk => "a chunk of a buffer",
            HandleKind::Buffer => "a buffer",
            HandleKind::Sender => "a sender",
            HandleKind::Receiver => "a receiver",
            HandleKind::Duplex => "an end of a duplex connection",
            HandleKind::Queue => "a queue",
            HandleKind::Function => "a function",
            HandleKind::Client => "a client of a service",
            HandleKind::Frozen => "a frozen value",
        }
    }
}

/// What a handle says of itself: its kind, and a number for the types it has to do with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(in super::super) kind: HandleKind,
    pub(in super::super) types: u64,
}

impl Identity {
    /// A handle that is the same whatever its type parameters are.
    pub(crate) const fn of_kind(kind: HandleKind) -> Identity {
        Identity { kind, types: 0 }
    }

    /// A handle to or for values of type `T`.
    pub(crate) fn new<T: ?Sized>(kind: HandleKind) -> Identity {
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
#[inline]
fn number(id: TypeId) -> u64 {
    let mut hasher = AsItIs::default();
    id.hash(&mut hasher);
    hasher.finish()
}

/// The number of what is a hash already, as the id of a type: to hash that again takes longer than to write all
/// else of a handle.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.0 = self.0.rotate_left(u64::BITS / 2) ^ number;
    }

    fn write(&mut self, bytes: &[u8]) {
        let mut hasher = DefaultHasher::new();
        hasher.write(bytes);
        self.write_u64(hasher.finish());
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}
