//! Linux, on x86-64 and aarch64.

mod available_memory;
pub(crate) mod clock;
pub(crate) mod clone;
pub(crate) mod clone_pids;
pub(crate) mod copy;
pub(crate) mod crash;
pub(crate) mod descriptors;
pub(crate) mod exhaustion;
pub(crate) mod exit_status;
pub(crate) mod futex;
pub(crate) mod image;
pub(crate) mod inheritance;
pub(crate) mod init_array;
pub(crate) mod lineage;
pub(crate) mod memory;
pub(crate) mod memory_limit;
pub(crate) mod notify_fd;
pub(crate) mod ofd_lock;
#[cfg(any(feature = "log", feature = "tracing"))]
pub(crate) mod packets;
pub(crate) mod pidfd;
pub(crate) mod poll;
pub(crate) mod poller;
pub(crate) mod privileges;
pub(crate) mod process_id;
pub(crate) mod runner;
pub(crate) mod scarcity;
pub(crate) mod scheduling;
pub(crate) mod signal;
pub(crate) mod stdio;
pub(crate) mod thread;
mod thread_stat;
pub(crate) mod traced;
pub(crate) mod usage_so_far;
pub(crate) mod wait;
