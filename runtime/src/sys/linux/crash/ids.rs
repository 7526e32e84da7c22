//! Which process and thread this is, from the kernel itself: what libc and std remember may be the
//! original's in a copy.

/// The identifier of this process.
pub(super) fn process() -> libc::pid_t {
    // SAFETY: a system call without arguments.
    let id = unsafe { libc::syscall(libc::SYS_getpid) };
    libc::pid_t::try_from(id).unwrap_or(0)
}

/// The identifier of this thread.
pub(super) fn thread() -> libc::pid_t {
    // SAFETY: as above.
    let id = unsafe { libc::syscall(libc::SYS_gettid) };
    libc::pid_t::try_from(id).unwrap_or(0)
}

/// The identifier of the parent; 0 if it is outside of this PID namespace.
pub(super) fn parent() -> libc::pid_t {
    // SAFETY: as above.
    let id = unsafe { libc::syscall(libc::SYS_getppid) };
    libc::pid_t::try_from(id).unwrap_or(0)
}
