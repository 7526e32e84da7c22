//! Errors that stand for too little of something.

use std::io;

use rustix::io::Errno;

/// What there is too little of, and which limit to look at.
pub(crate) fn hint(error: &io::Error) -> Option<&'static str> {
    Some(match error.raw_os_error()? {
        libc::EMFILE => ", which takes more open files than the limit (`ulimit -n`) allows",
        libc::ENFILE => ", because the system has too many open files",
        libc::EAGAIN => {
            ", which takes more processes, threads (`ulimit -u`) or memory (`ulimit -v`) than the limits allow"
        }
        libc::ENOMEM => ", which takes more memory than there is or a limit (`ulimit -v`) allows",
        _ => return None,
    })
}

/// There is not enough memory.
pub(crate) fn no_memory() -> io::Error {
    Errno::NOMEM.into()
}

/// The process has too many open files.
pub(crate) fn no_descriptors() -> io::Error {
    Errno::MFILE.into()
}
