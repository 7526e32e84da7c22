//! Making a process out of this one.

#![expect(
    unsafe_code,
    reason = "clone with CLONE_PARENT is only to be had as a raw system call"
)]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

use rustix::process::Pid;

/// Which of the two processes this is after [`clone_sibling`].
#[derive(Debug)]
pub(crate) enum Cloned {
    /// The caller: the new process and its pidfd.
    Caller(Pid, OwnedFd),
    /// The new process.
    Sibling,
}

/// Clones this process, as `fork` does, into a child of this process's *parent*.
///
/// libc knows nothing of it: in the new process its cached id of the first thread is stale, and
/// so is what the kernel knows of that thread's robust locks. Code that may lock something runs
/// on a thread started afterwards.
///
/// # Safety
///
/// This process has one thread.
pub(crate) unsafe fn clone_sibling() -> io::Result<Cloned> {
    let flags = libc::CLONE_PARENT | libc::CLONE_PIDFD | libc::SIGCHLD;
    let mut pidfd: RawFd = -1;
    // SAFETY: with no stack given the new process goes on with a copy of this one's, and with one
    // thread (the caller's promise) every lock is in the state this thread left it in. The kernel
    // writes the pidfd to the third argument in the caller; the last two are unused with these
    // flags, so that their order, which architectures disagree on, does not matter.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, &raw mut pidfd, 0, 0) };
    match i32::try_from(pid) {
        Ok(0) => Ok(Cloned::Sibling),
        Ok(-1) | Err(_) => Err(io::Error::last_os_error()),
        Ok(pid) => {
            // SAFETY: the kernel just opened this descriptor for us.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            let pid = Pid::from_raw(pid).ok_or_else(|| io::Error::other("no such pid"))?;
            Ok(Cloned::Caller(pid, pidfd))
        }
    }
}
