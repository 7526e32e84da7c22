//! Memory shared between processes.
//!
//! | type | what it is | in Python |
//! |---|---|---|
//! | [`Shared<T>`] | an `Arc` across processes, for atomics and read-only values | `Value`, without its race |
//! | [`Shared<[T]>`](Shared) | bulk data read where it lies | `SharedMemory`, `Array(lock=False)` |
//! | [`Buffer<T>`] | bulk data written where it lies: divided into [`Chunk`]s, each of which has one owner | |
//!
//! Values that several processes change in more than one step belong into a lock of
//! [`sync`](crate::sync).
//!
//! All of them are handles: an argument, a result, or a field of any type of yours that serde can
//! write. The memory is freed when the last holder in any process is gone, also when it was
//! killed; a handle in a message that nobody received holds nothing.
//!
//! # Caveats
//!
//! * Small objects share regions of memory, each of which is one descriptor in every process that
//!   knows it; objects above 16 KiB have a region each. At most 256 processes and messages on
//!   their way share a region at a time; with more messages than that, an object lives as long as
//!   the process that sent it.
//! * What a killed holder leaves is freed when room is needed, not at once.
//! * Memory is reserved when an object is made: no room is an error then, never a `SIGBUS` later.
//!   What the system and the limits of control groups leave is asked for above 16 MiB. Below that,
//!   and if others take it meanwhile, the kernel may kill somebody, as for any other memory.
//! * Every process with a handle has the memory mapped to write. Types keep safe code from writing
//!   what is only to be read; `unsafe` code and C libraries that write where they should not can
//!   damage it for all.
//! * A process that was made by `fork` must not use the handles it finds there. If it drops them,
//!   nothing happens.
//! * `/proc` must be mounted.
//! * Serialized anywhere but into a message to another process, a handle is an error.

mod buffer;
mod shareable;
mod shared;

mod arena;
mod cell_handle;
mod cells;
mod holder;
#[cfg(test)]
mod interleavings;
mod kind;
mod layout;
mod no_state;
mod object;
mod region;
#[cfg(test)]
mod tests;
mod transfer_token;

pub use buffer::{Buffer, Chunk, JoinError};
pub use shareable::Shareable;
pub use shared::Shared;

pub(crate) use cell_handle::{CellHandle, pass_on_cell_handle};
