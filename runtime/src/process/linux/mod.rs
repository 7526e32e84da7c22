//! Starting a process, and being one, on Linux.

pub(super) mod capture;
mod destination;
pub(super) mod fork_server;
mod hook;
pub(super) mod launch;
mod lifeline;
mod limits;
pub(super) mod relay;
mod serve;
mod spawn;
mod spawn_refusal;
mod streams;
mod zygote;

pub(crate) use serve::end_of_panic;
pub(super) use spawn_refusal::spawn_refusal;
