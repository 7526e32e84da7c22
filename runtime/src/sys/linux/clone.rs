//! Making a process out of this one.

#![expect(
    unsafe_code,
    reason = "clone with CLONE_PARENT is only to be had as a raw system call"
)]

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::AtomicI32;
use std::thread;

use rustix::process::Pid;

use super::thread_stat::Stat;

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
/// libc knows nothing of it: in the new process its cached id of the first thread is stale. Code of
/// the user's runs on a thread started afterwards.
///
/// The new process's pid is stored in `id`, by the kernel and before anything else happens in it.
/// If this memory is shared, others learn of the process also when the caller is killed meanwhile.
///
/// # Safety
///
/// This process has one thread.
pub(crate) unsafe fn clone_sibling(id: &AtomicI32) -> io::Result<Cloned> {
    let flags = libc::CLONE_PARENT | libc::CLONE_PIDFD | libc::CLONE_CHILD_SETTID | libc::SIGCHLD;
    let id = id.as_ptr();
    let mut pidfd: RawFd = -1;
    // SAFETY: with no stack given the new process goes on with a copy of this one's, and with one
    // thread (the caller's promise) every lock is in the state this thread left it in. The kernel
    // writes the pidfd to the third argument in the caller, and in the new process its pid to one
    // of the last two, an atomic that outlives the call; the other, the thread's local storage, is
    // unused with these flags. Architectures disagree on their order, so both are the same.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, &raw mut pidfd, id, id) };
    match i32::try_from(pid) {
        Ok(0) => {
            super::thread::renew();
            Ok(Cloned::Sibling)
        }
        Ok(-1) | Err(_) => Err(io::Error::last_os_error()),
        Ok(pid) => {
            // SAFETY: the kernel just opened this descriptor for us.
            let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
            let pid = Pid::from_raw(pid).ok_or_else(|| io::Error::other("no such pid"))?;
            Ok(Cloned::Caller(pid, pidfd))
        }
    }
}

/// Whether this process has one thread.
pub(crate) fn is_single_threaded() -> bool {
    // One that was detached may be about to end.
    (0..100).any(|_| {
        count_threads().is_ok_and(|threads| threads == 1) || {
            thread::yield_now();
            false
        }
    })
}

/// How many threads run, without those that will not return from the kernel: on a busy machine,
/// that may be long after they were joined.
fn count_threads() -> io::Result<usize> {
    let mut count = 0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        // It may have gone since.
        let stat = Stat::read(thread?.path());
        count += usize::from(stat.is_some_and(|stat| !stat.is_ending()));
    }
    Ok(count)
}
