//! Memory shared between processes.
//!
//! | type | what it is | in Python |
//! |---|---|---|
//! | [`Shared<T>`] | an `Arc` across processes, for atomics and read-only values | `Value`, without its race |
//! | [`Shared<[T]>`](Shared) | bulk data read in place | `SharedMemory`, `Array(lock=False)` |
//! | [`Buffer<T>`] | bulk data written in place: divided into [`Chunk`]s, each of which has one owner | |
//! | [`Frozen<T>`] | any value that serde can write, or the contents of a file: sent once, decoded once in each process | `initargs` of a pool |
//!
//! Values that several processes change in more than one step belong into a lock of
//! [`sync`](crate::sync).
//!
//! All of them are handles: an argument, a result, or a field of any type of yours that serde can
//! write. The memory is freed when the last holder in any process is gone, also when it was
//! killed; a handle in a message that was never received holds nothing.
//!
//! # Examples
//!
//! ```
//! use multiproc::shm::Shared;
//! use multiproc::worker;
//! use std::sync::atomic::{AtomicU64, Ordering};
//!
//! #[worker]
//! fn count(total: Shared<AtomicU64>) {
//!     total.fetch_add(1, Ordering::Relaxed);
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let total = Shared::new(AtomicU64::new(0))?;
//! count::run(total.clone())?;
//! assert_eq!(total.load(Ordering::Relaxed), 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Caveats
//!
//! * Small objects share regions of memory, each of which is one descriptor in every process that
//!   knows it; buffers, and objects above 16 KiB, have a region each. At most 256 processes and messages under
//!   way share a region at a time; with more messages than that, an object lives as long as
//!   the process that sent it.
//! * What a killed holder leaves is freed when room is needed, not at once.
//! * Memory is reserved when an object is made: a lack of memory is an error then, never a `SIGBUS`
//!   later. Above 16 MiB, the constructor also checks what the system and the limits of control
//!   groups leave. Below that, or if others take the memory meanwhile, the kernel may kill a
//!   process, as for any other memory.
//! * Every process with a handle has the memory mapped to write. Types keep safe code from writing
//!   to what is read-only; `unsafe` code and C libraries that write to wrong addresses can damage
//!   it for all.
//! * A process that was made by `fork` must not use the handles it finds there. If it drops them,
//!   nothing happens.
//! * `/proc` must be mounted.
//! * A handle can only be serialized into a message to another process; elsewhere that is an error.

mod buffer;
mod frozen;
mod shareable;
mod shared;

mod arena;
mod cell_handle;
mod cells;
mod conversion;
mod division;
mod holder;
#[cfg(test)]
mod interleavings;
mod kind;
mod layout;
mod no_state;
mod object;
mod region;
mod sealed;
#[cfg(test)]
mod tests;
mod thawed;
mod transfer_token;

pub use buffer::{Buffer, Chunk, JoinError};
pub use frozen::Frozen;
pub use shareable::Shareable;
pub use shared::Shared;

pub(crate) use cell_handle::{CellHandle, pass_on_cell_handle};
