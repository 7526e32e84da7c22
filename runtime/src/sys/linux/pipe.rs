//! Pipes.

use std::os::fd::BorrowedFd;

use rustix::io::ioctl_fionread;

/// How many bytes are in a pipe, whichever end of it this is.
pub(crate) fn unread(pipe: BorrowedFd<'_>) -> Option<u64> {
    ioctl_fionread(pipe).ok()
}

#[cfg(test)]
mod tests {
    use std::io::{self, Read, Write};
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn both_ends_tell_what_is_in_a_pipe() {
        let (mut reader, mut writer) = io::pipe().unwrap();
        assert_eq!(unread(writer.as_fd()), Some(0));
        writer.write_all(b"hello").unwrap();
        assert_eq!(unread(writer.as_fd()), Some(5));
        reader.read_exact(&mut [0; 2]).unwrap();
        assert_eq!(unread(writer.as_fd()), Some(3));
        assert_eq!(unread(reader.as_fd()), Some(3));
    }
}
