//! What the operating system is asked for directly. Everything here is Linux.
//!
//! Nothing outside this folder calls libc, and no raw descriptor leaves it.

pub(crate) mod atomic;
pub(crate) mod births;
pub(crate) mod board;
pub(crate) mod clone;
pub(crate) mod copy;
pub(crate) mod descriptors;
pub(crate) mod exhaustion;
pub(crate) mod function;
pub(crate) mod futex;
pub(crate) mod image;
pub(crate) mod init_array;
pub(crate) mod memory;
pub(crate) mod pidfd;
pub(crate) mod poll;
pub(crate) mod presence;
pub(crate) mod process_id;
pub(crate) mod refused;
pub(crate) mod room;
pub(crate) mod runner;
pub(crate) mod scheduling;
pub(crate) mod secure;
pub(crate) mod signal;
pub(crate) mod stdio;
pub(crate) mod thread;
mod thread_stat;
pub(crate) mod traced;
pub(crate) mod wait;
