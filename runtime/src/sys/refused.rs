//! Naming what the system refuses.
//!
//! "Operation not permitted" is no help to a user who has to find the filter on system calls, or the
//! container without `/proc`, that stands behind it.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;

/// The result of something that is asked of the system.
pub(crate) trait Naming<T> {
    /// Names the call in the error, if it was not allowed or is not known.
    fn naming(self, call: &'static str) -> io::Result<T>;
}

impl<T, E: Into<io::Error>> Naming<T> for Result<T, E> {
    fn naming(self, call: &'static str) -> io::Result<T> {
        self.map_err(|error| named(call, error.into()))
    }
}

/// The error with the name of the call, likewise.
pub(crate) fn named(call: &'static str, error: io::Error) -> io::Error {
    if is_refusal(&error) {
        io::Error::new(error.kind(), Refused { call, error })
    } else {
        error
    }
}

/// Whether the system, or a filter on system calls, does not allow something at all.
pub(crate) fn is_refusal(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported
    )
}

/// Says that `/proc` is missing, if it is for this that something was not found.
pub(crate) fn without_proc(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::NotFound && !Path::new("/proc/self").exists() {
        return io::Error::new(
            error.kind(),
            format!("`/proc` is not mounted here: {error}"),
        );
    }
    error
}

#[derive(Debug)]
struct Refused {
    call: &'static str,
    error: io::Error,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refused { call, error } = self;
        write!(
            f,
            "the system, or a filter on system calls, refuses `{call}`: {error}"
        )
    }
}

impl Error for Refused {}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn a_refused_call_is_named() {
        for errno in [Errno::PERM, Errno::ACCESS, Errno::NOSYS] {
            let error = Err::<(), _>(errno).naming("clone").unwrap_err();
            assert!(error.to_string().contains("refuses `clone`: "), "{error}");
            assert!(is_refusal(&error));
        }
        let error = Err::<(), _>(Errno::MFILE).naming("clone").unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
    }
}
