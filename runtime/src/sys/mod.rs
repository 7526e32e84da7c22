//! What the operating system is asked for directly: a folder for each system.
//!
//! Nothing outside this folder calls libc. Descriptors leave it as [`fd::OwnedFd`] or
//! [`fd::BorrowedFd`], never as numbers.
//!
//! On a system without support the functions have the same signatures, and are errors of kind
//! `Unsupported` where they would have to do something.

/// Whether processes can be started on this system.
pub(crate) const IS_SUPPORTED: bool = cfg!(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
));

pub(crate) mod atomic;
pub(crate) mod deadline;
pub(crate) mod fd;
pub(crate) mod function;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod linux;
pub(crate) mod refused;
pub(crate) mod scoreboard;
#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
mod unsupported;

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
pub(crate) use unsupported::{
    clock, copy, crash, descriptors, exhaustion, exit_status, futex, image, inheritance, lineage,
    memory, memory_limit, notify_fd, ofd_lock, pidfd, pipe, poll, poller, runner, scarcity,
    scheduling, signal, thread, timer_fd, traced, unsupported_here, usage_so_far, wait,
};

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub(crate) use linux::{
    clock, clone, clone_pids, copy, crash, descriptors, exhaustion, exit_status, futex, image,
    inheritance, init_array, lineage, memory, memory_limit, notify_fd, ofd_lock, pidfd, pipe, poll,
    poller, privileges, process_id, runner, scarcity, scheduling, signal, stdio, thread, timer_fd,
    traced, unused_pages, usage_so_far, wait,
};

#[cfg(all(
    any(feature = "log", feature = "tracing"),
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
pub(crate) use linux::packets;

#[cfg(all(
    any(feature = "log", feature = "tracing"),
    not(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))
))]
pub(crate) use unsupported::packets;
