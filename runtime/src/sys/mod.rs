//! What the operating system is asked for directly. Everything here is Linux.
//!
//! Nothing outside this folder calls libc, and no raw descriptor leaves it.

pub(crate) mod atomic;
pub(crate) mod available_memory;
pub(crate) mod clone;
pub(crate) mod clone_pids;
pub(crate) mod copy;
pub(crate) mod deadline;
pub(crate) mod descriptors;
pub(crate) mod exhaustion;
pub(crate) mod function;
pub(crate) mod futex;
pub(crate) mod image;
pub(crate) mod init_array;
pub(crate) mod memory;
pub(crate) mod ofd_lock;
pub(crate) mod poller;
pub(crate) mod privileges;
pub(crate) mod process_id;
pub(crate) mod refused;
pub(crate) mod runner;
pub(crate) mod scheduling;
pub(crate) mod scoreboard;
pub(crate) mod signal;
pub(crate) mod stdio;
pub(crate) mod thread;
pub(crate) mod wait;
