//! The standard descriptors of a child, before `main`.

#![expect(
    unsafe_code,
    reason = "descriptor numbers from the environment are taken over"
)]

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_getfd, fcntl_setfd};
use rustix::stdio::{dup2_stderr, dup2_stdin, dup2_stdout};

use crate::sys::refused::Naming as _;

/// Opens `/dev/null` in place of each standard descriptor that is closed, as std does before
/// `main`: else the next file opened would become the standard output.
pub(crate) fn open_missing() -> io::Result<()> {
    // The lowest free number is given to each, so 0 is filled before 1 and 1 before 2.
    loop {
        let null = rustix::fs::open("/dev/null", OFlags::RDWR, Mode::empty())?;
        if null.as_raw_fd() > 2 {
            return Ok(());
        }
        // Stays open as a standard descriptor, which has no owner.
        let _ = null.into_raw_fd();
    }
}

/// Takes over the connection that stands in place of the standard input.
pub(crate) fn take_stdin() -> io::Result<OwnedFd> {
    let taken = fcntl_dupfd_cloexec(std::io::stdin(), 3).naming("fcntl")?;
    let null = File::options().read(true).open("/dev/null")?;
    dup2_stdin(null)?;
    Ok(taken)
}

/// Makes `descriptor` the standard input.
pub(crate) fn set_stdin(descriptor: OwnedFd) -> io::Result<()> {
    Ok(dup2_stdin(descriptor)?)
}

/// Makes these the standard descriptors.
pub(crate) fn set_all(
    stdin: BorrowedFd<'_>,
    stdout: BorrowedFd<'_>,
    stderr: BorrowedFd<'_>,
) -> io::Result<()> {
    dup2_stdin(stdin)?;
    dup2_stdout(stdout)?;
    Ok(dup2_stderr(stderr)?)
}

/// Takes over a descriptor that was left open across `exec` for this process, by number.
///
/// # Safety
///
/// The descriptor of that number, if there is one, has no other owner.
pub(crate) unsafe fn take(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: only used to ask whether the descriptor is open.
    let borrowed = unsafe { BorrowedFd::borrow_raw(number) };
    fcntl_getfd(borrowed).naming("fcntl")?;
    // SAFETY: it is open, and the caller promises that it has no other owner.
    let owned = unsafe { OwnedFd::from_raw_fd(number) };
    fcntl_setfd(&owned, FdFlags::CLOEXEC)?;
    Ok(owned)
}
