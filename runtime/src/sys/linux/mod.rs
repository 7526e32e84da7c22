//! Linux, on x86-64 and aarch64.

pub(crate) mod births;
pub(crate) mod clone;
pub(crate) mod copy;
pub(crate) mod descriptors;
pub(crate) mod exhaustion;
pub(crate) mod exit_status;
pub(crate) mod futex;
pub(crate) mod image;
pub(crate) mod inheritance;
pub(crate) mod init_array;
pub(crate) mod memory;
pub(crate) mod pidfd;
pub(crate) mod poll;
pub(crate) mod presence;
pub(crate) mod process_id;
mod room;
pub(crate) mod runner;
pub(crate) mod scarcity;
mod scheduling;
pub(crate) mod secure;
pub(crate) mod signal;
pub(crate) mod stdio;
pub(crate) mod thread;
mod thread_stat;
pub(crate) mod traced;
pub(crate) mod wait;
