//! Byte locks on an open file: held for as long as anyone holds that opening of it.
//!
//! An "open file description lock" (`fcntl(2)`) belongs to one opening of a file, not to a
//! process. The kernel lets go of it when the last descriptor of that opening is closed: by its
//! process's death, or with an unread message that carried it. So it answers "is that holder
//! still there?" in one system call, without a process id that could be another's by now.

#![expect(
    unsafe_code,
    reason = "rustix has only the older locks, which belong to processes"
)]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Takes the lock on a byte for this opening of the file; false if another opening has it.
pub(crate) fn try_hold(file: BorrowedFd<'_>, byte: u32) -> io::Result<bool> {
    #[cfg(test)]
    crate::probe::ask(byte);
    let mut lock = lock_on(byte);
    match control(file, libc::F_OFD_SETLK, &mut lock) {
        Ok(()) => Ok(true),
        Err(error) if matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EACCES)) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Whether an opening other than this one holds the lock on a byte.
pub(crate) fn is_held(file: BorrowedFd<'_>, byte: u32) -> io::Result<bool> {
    #[cfg(test)]
    crate::probe::ask(byte);
    let mut lock = lock_on(byte);
    control(file, libc::F_OFD_GETLK, &mut lock)?;
    Ok(i32::from(lock.l_type) != libc::F_UNLCK)
}

fn lock_on(byte: u32) -> libc::flock {
    // SAFETY: `flock` is a struct of integers, for which zeros are values; `l_pid` must be 0.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = byte.into();
    lock.l_len = 1;
    lock
}

#[expect(clippy::cast_possible_truncation, reason = "the constants are 1 and 0")]
const F_WRLCK: libc::c_short = libc::F_WRLCK as libc::c_short;
#[expect(clippy::cast_possible_truncation, reason = "the constants are 1 and 0")]
const SEEK_SET: libc::c_short = libc::SEEK_SET as libc::c_short;

fn control(file: BorrowedFd<'_>, command: libc::c_int, lock: &mut libc::flock) -> io::Result<()> {
    loop {
        let lock: *mut libc::flock = lock;
        // SAFETY: the descriptor is open, and both commands take a pointer to a `flock`, which
        // is valid during the call.
        if unsafe { libc::fcntl(file.as_raw_fd(), command, lock) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;
    use crate::sys::linux::memory;

    #[test]
    fn a_byte_is_held_until_its_opening_is_closed() {
        let _copies = crate::probe::forbid_copies();
        let file = memory::create(4096).unwrap();
        let ours = memory::reopen(file.as_fd()).unwrap();
        let theirs = memory::reopen(file.as_fd()).unwrap();
        assert!(try_hold(theirs.as_fd(), 7).unwrap());
        assert!(is_held(ours.as_fd(), 7).unwrap());
        assert!(!is_held(ours.as_fd(), 8).unwrap());
        assert!(!try_hold(ours.as_fd(), 7).unwrap());
        let duplicate = theirs.try_clone().unwrap();
        drop(theirs);
        assert!(is_held(ours.as_fd(), 7).unwrap());
        drop(duplicate);
        assert!(!is_held(ours.as_fd(), 7).unwrap());
        assert!(try_hold(ours.as_fd(), 7).unwrap());
    }
}
