//! What children log, on its way to the parent's logger.
//!
//! ```text
//!          child                                      parent
//!  log::info! ──── forward ─ packet ┐                                 ┌ log_record ─ log::logger()
//!                                   ├ outlet ══▶ collector ─ emit ────┤
//!  tracing::info! ─ layer ── packet ┘ (a socket  (a thread)           └ spans ─ subscriber
//!                                      for each child)
//! ```
//!
//! Each child has a connection of its own for that, which comes with its request if the parent has a
//! logger that wants anything. It has nothing to do with the one for its reply: neither waits for the
//! other, and the threads that mind children and pools have nothing to do with records.
//!
//! A record is sent by the thread that logs it, as one packet ([`packet`]). So it lies in the kernel
//! when the call of the logger returns, the records of a process stay in order, and they are received
//! even if the process dies of the next instruction. The connection holds some hundred
//! records. When it is full, the thread waits for a moment ([`patience`]), then drops the record and counts it;
//! the next packet says how many were dropped, as does one before each reply.
//!
//! | what happens | then |
//! |---|---|
//! | the child dies after it has logged something | that is received |
//! | it dies in the middle, while a value is formatted | the record is not received |
//! | it dies before it has told how many were dropped | that is not known |
//! | it writes something else into the connection | what is no packet counts as a dropped record; a child has a connection of its own, so those of others are sound |
//! | it closes the connection, or another file takes its place | what it logs from then on is dropped; its result is not concerned |
//! | it makes a copy of itself by `fork` | the copy sends nothing |
//! | the parent dies | the child does, too; until then, what it logs is dropped at once |
//! | the logger panics | the panic is printed as that of the collector's thread; the next record is handed on |
//! | the logger is slow, or never returns | connections fill, and children drop records as said above. A thread that waits for a result waits for the logger a second at most, and not at all while the logger does nothing ([`collector`]) |
//! | the logger uses a pool, or starts a process | it may: on the collector's thread no result waits for the logger |
//! | the child goes on after its result, or leaves a copy behind | its feed ends with its process |
//!
//! What the spans of a child become here says [`spans`], and where their callsites come from,
//! [`callsites`].
//!
//! A result is given out when what was logged before it has been handed on, within the limit said
//! above: of a process, of a task that is waited for alone, of one that has failed, and of all of a pool
//! at its end. That of a task in a map that has gone well is not held up.

#[cfg(feature = "tracing")]
mod callsites;
#[cfg(any(feature = "log", feature = "tracing"))]
mod collector;
#[cfg(feature = "tracing")]
mod description;
#[cfg(any(feature = "log", feature = "tracing"))]
mod emit;
#[cfg(any(feature = "log", feature = "tracing"))]
mod invitation;
#[cfg(any(feature = "log", feature = "tracing"))]
mod levels;
#[cfg(feature = "log")]
pub(crate) mod log_record;
#[cfg(not(any(feature = "log", feature = "tracing")))]
mod none;
#[cfg(any(feature = "log", feature = "tracing"))]
mod outlet;
#[cfg(any(feature = "log", feature = "tracing"))]
mod packet;
#[cfg(any(feature = "log", feature = "tracing"))]
mod patience;
#[cfg(feature = "tracing")]
mod spans;
#[cfg(feature = "tracing")]
pub(crate) mod trace_packet;

#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) use collector::{Source, catch_up, catch_up_with_ended};
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) use emit::Audience;
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) use invitation::{Invitation, invite};
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) use outlet::{accept, outlet, settle};
#[cfg(feature = "tracing")]
pub(crate) use {outlet::Outlet, packet::Packet};

#[cfg(not(any(feature = "log", feature = "tracing")))]
pub(crate) use none::{
    Audience, Invitation, Source, accept, catch_up, catch_up_with_ended, invite, settle,
};
