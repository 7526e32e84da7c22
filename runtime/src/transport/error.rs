//! What the errors of this module stand for.

use std::io;

/// The error of what arrived and is no message.
#[cold]
pub(super) fn nonsense() -> io::Error {
    let text = "it is not a message";
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Whether what arrived was no message: something else than this library has written it.
pub(crate) fn is_nonsense(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}

/// Whether a send failed because the receiver is gone.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    )
}
