//! How a value becomes a message and a message a value again.
//!
//! The format is ours because no existing one does all the things that workers need:
//!
//! * **Anything serde can write can be read back**: values are tagged with their kind and
//!   structs carry their field names (each name once a message), so `flatten`, `untagged`,
//!   `skip_serializing_if` and `serde_json::Value` work, and a `String` is never mistaken for a
//!   `Vec<u64>`.
//! * **Bulk moves at memory speed**: slices of numbers and of [`arrays`] of them, strings and byte buffers are
//!   copied as memory at any depth ([`bulk`]), and above [`SPLICE_MINIMUM`] they stand beside the head as
//!   *splices*, which the transport sends from where they lie and receives to where they stay.
//! * **What is alike is said once**: items of a sequence that are nothing but numbers, in the same
//!   structs and tuples, are a [`run`]: their shape, and behind it their bytes without tags. Those of
//!   a long run are a splice.
//! * **Handles are not data** ([`handle`]): what they are made of goes around serde, and their
//!   descriptors travel beside the head.
//!
//! The format is private to one version of this crate: both ends are the same program image.
//!
//! | byte | value |
//! |---|---|
//! | `0x80..` | an integer from 0 to 127 |
//! | [`tag`] | the kind, followed by what its comment says |
//!
//! Lengths are LEB128. Numbers have their lowest byte first; those that are copied as memory are in
//! the machine's own order.
//!
//! What is read may have been written by a process that is out of its mind. Whatever the bytes are,
//! reading them ends in a value or an error: no length is believed that is more than the bytes that
//! are there, memory of their size is asked for and may be refused ([`memory`]), and values are
//! nested to a [`depth`] only.
//!
//! Values are written and read by code that is made for each type. So what is common to all comes
//! first in it and is small: the kind that is asked for is compared with the tag before it is asked
//! what else the tag could be, integers are words unless they are wider, and there is one look at the
//! room that is left for what is written at once.

mod arrays;
mod bulk;
mod de;
mod depth;
mod error;
pub(crate) mod handle;
mod integer;
mod memory;
mod message;
mod names;
mod run;
mod run_head;
mod ser;
pub(crate) mod spare;
#[cfg(test)]
#[allow(clippy::pedantic, reason = "tests may be blunt")]
mod tests;
mod wire;
mod word;

pub(crate) use error::Error;
pub(crate) use handle::{CommonFile, CommonFiles};
pub(crate) use memory::copy;
pub(crate) use message::{Content, Input, Message, Output, Written};
pub(crate) use wire::wire_enum;
pub(crate) use word::Word;

/// Runs of bytes at least this long leave the head and become splices.
///
/// Below it a copy is cheaper than one more system call.
pub(crate) const SPLICE_MINIMUM: usize = 64 * 1024;

/// Collections make room for so many items at once. More they get as they come: items may be much
/// larger than what says that there are some.
const LARGEST_HINT: usize = 1 << 16;

/// Which of their two forms types such as `IpAddr` choose.
///
/// It is never read, but inside of `flatten` and of tagged enums serde reads through a buffer that
/// says yes whatever the format says, and must find what was written.
const HUMAN_READABLE: bool = true;

/// First bytes of the values in a head.
mod tag {
    pub(super) const SMALL: u8 = 0x80;

    pub(super) const UNIT: u8 = 0x00;
    pub(super) const FALSE: u8 = 0x01;
    pub(super) const TRUE: u8 = 0x02;
    pub(super) const NONE: u8 = 0x03;
    /// then the value
    pub(super) const SOME: u8 = 0x04;
    /// then 4 bytes
    pub(super) const CHAR: u8 = 0x05;
    /// then 4 bytes
    pub(super) const F32: u8 = 0x06;
    /// then 8 bytes
    pub(super) const F64: u8 = 0x07;

    /// Unsigned integers: then 1, 2, 4, 8 or 16 bytes.
    pub(super) const U8: u8 = 0x10;
    pub(super) const U16: u8 = 0x11;
    pub(super) const U32: u8 = 0x12;
    pub(super) const U64: u8 = 0x13;
    pub(super) const U128: u8 = 0x14;
    /// Negative integers: likewise.
    pub(super) const I8: u8 = 0x18;
    pub(super) const I16: u8 = 0x19;
    pub(super) const I32: u8 = 0x1a;
    pub(super) const I64: u8 = 0x1b;
    pub(super) const I128: u8 = 0x1c;

    /// length, bytes
    pub(super) const STR: u8 = 0x20;
    /// the next splice
    pub(super) const STR_SPLICE: u8 = 0x21;
    /// length, bytes
    pub(super) const BYTES: u8 = 0x22;
    /// the next splice
    pub(super) const BYTES_SPLICE: u8 = 0x23;

    /// length, values
    pub(super) const SEQ: u8 = 0x30;
    /// length, alternating keys and values
    pub(super) const MAP: u8 = 0x31;
    /// pairs of name and value, then [`END`]
    pub(super) const STRUCT: u8 = 0x32;
    /// kind, length in bytes, bytes
    pub(super) const PACKED: u8 = 0x33;
    /// kind, the next splice
    pub(super) const PACKED_SPLICE: u8 = 0x34;
    /// Only where an item of a sequence could begin, for several of them: how many, 8 bytes; steps of the
    /// [shape](super::run) that all have, those of fields followed by a name; the bytes of each
    pub(super) const RUN: u8 = 0x35;
    /// likewise; the bytes are the next splice
    pub(super) const RUN_SPLICE: u8 = 0x36;
    /// length, and a run of all the values
    pub(super) const SEQ_OF_RUN: u8 = 0x37;

    /// name
    pub(super) const UNIT_VARIANT: u8 = 0x40;
    /// name, value
    pub(super) const VARIANT: u8 = 0x41;

    /// kind, types in 8 bytes; numbers, after how many, 8 bytes each; likewise attachments, as
    /// lengths; how many of the next splices
    pub(super) const HANDLE: u8 = 0x50;

    /// A name is a length: [`END`], [`NEW_NAME`] and then length and bytes, or
    /// [`KNOWN_NAMES`] plus the name's place among those already seen in this message.
    pub(super) const END: u64 = 0;
    pub(super) const END_BYTE: u8 = 0;
    pub(super) const NEW_NAME: u64 = 1;
    pub(super) const KNOWN_NAMES: u64 = 2;
}
