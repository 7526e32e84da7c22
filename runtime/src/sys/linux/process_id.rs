//! Numbers of other processes, where the answer may be that there is none.
//!
//! The kernel says 0 of a process that is outside this one's PID namespace: of the shell that
//! started a container, for example. `rustix` believes that never happens, but for `getppid`.

#![expect(unsafe_code, reason = "rustix takes no 0 for an answer")]

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::poll;
use crate::sys::deadline;

/// How long the kernel's answer about a peer is.
const SIZE: libc::socklen_t = 12;
const _: () = assert!(size_of::<libc::ucred>() == SIZE as usize);

/// The session this process is in, by its leader.
pub(crate) fn session() -> Option<Pid> {
    // SAFETY: it takes a number, of which 0 is the caller.
    Pid::from_raw(unsafe { libc::getsid(0) }.max(0))
}

/// The process group this process is in, by its leader.
pub(crate) fn process_group() -> Option<Pid> {
    // SAFETY: it takes nothing and cannot fail.
    Pid::from_raw(unsafe { libc::getpgrp() }.max(0))
}

/// Readable when this process has ended.
pub(crate) fn open(process: Pid) -> io::Result<OwnedFd> {
    Ok(pidfd_open(process, PidfdFlags::empty())?)
}

/// Whether there is no such process any more, or no more in a moment: a process that ends gives its
/// children away some time before it is known to have ended.
pub(crate) fn has_ended(process: Pid) -> bool {
    const MOMENT: Duration = Duration::from_secs(3);
    match pidfd_open(process, PidfdFlags::empty()) {
        // Readable when it has ended, and its status was not asked for yet.
        Ok(pidfd) => poll::wait_readable(pidfd.as_fd(), deadline::after(MOMENT)),
        Err(error) => error == Errno::SRCH,
    }
}

/// The process that made the connection to the other end of the socket.
pub(crate) fn peer(socket: BorrowedFd<'_>) -> io::Result<Option<Pid>> {
    let mut peer = MaybeUninit::<libc::ucred>::zeroed();
    let mut size = SIZE;
    // SAFETY: the place is valid for as many bytes as it is said to have.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            peer.as_mut_ptr().cast(),
            &raw mut size,
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it consists of numbers; all are 0 at least.
    let peer = unsafe { peer.assume_init() };
    Ok(Pid::from_raw(peer.pid.max(0)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn the_peer_of_a_pair_is_this_process() {
        let (end, _other) = UnixStream::pair().unwrap();
        let own = rustix::process::getpid();
        assert_eq!(peer(end.as_fd()).unwrap(), Some(own));
    }

    #[test]
    fn a_file_has_no_peer() {
        let file = std::fs::File::open("/dev/null").unwrap();
        assert!(peer(file.as_fd()).is_err());
    }
}
