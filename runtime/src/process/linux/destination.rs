//! Where a stream goes in the end, written to without waiting.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat};
use rustix::net::{SendFlags, send};

/// The least room there is in a pipe that says it has some.
const ROOM: usize = 4096;

/// The target of a stream.
///
/// Whether writing waits is a property of the open file, which other processes share, and is not
/// changed: pipes and terminals are opened once more.
#[derive(Debug)]
pub(super) struct Destination {
    descriptor: OwnedFd,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Socket,
    /// A file that takes all at once, or a pipe or terminal that does not make its writers wait.
    Direct,
    /// A pipe or terminal that could not be opened once more. Between asking whether there is room and
    /// using it, another process may use it; then this one waits.
    Shared,
}

impl Destination {
    pub(super) fn new(descriptor: OwnedFd) -> Destination {
        let kind = fstat(&descriptor).map(|stat| FileType::from_raw_mode(stat.st_mode));
        match kind {
            Ok(FileType::Socket) => Destination {
                descriptor,
                kind: Kind::Socket,
            },
            Ok(FileType::Fifo) => Destination::again(descriptor),
            Ok(FileType::CharacterDevice) if descriptor.is_terminal() => {
                Destination::again(descriptor)
            }
            _ => Destination {
                descriptor,
                kind: Kind::Direct,
            },
        }
    }

    fn again(descriptor: OwnedFd) -> Destination {
        let path = format!("/proc/self/fd/{}", descriptor.as_raw_fd());
        let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        match openat(CWD, path, flags, Mode::empty()) {
            Ok(descriptor) => Destination {
                descriptor,
                kind: Kind::Direct,
            },
            Err(_) => Destination {
                descriptor,
                kind: Kind::Shared,
            },
        }
    }

    /// Writes as much as there is room for; `WouldBlock` if there is none.
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self.kind {
            Kind::Socket => Ok(send(
                &self.descriptor,
                bytes,
                SendFlags::DONTWAIT | SendFlags::NOSIGNAL,
            )?),
            Kind::Direct => Ok(rustix::io::write(&self.descriptor, bytes)?),
            Kind::Shared => {
                let mut polled = [PollFd::new(&self.descriptor, PollFlags::OUT)];
                if poll(&mut polled, Some(&Timespec::default()))? == 0 {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                let bytes = &bytes[..bytes.len().min(ROOM)];
                Ok(rustix::io::write(&self.descriptor, bytes)?)
            }
        }
    }
}

impl AsFd for Destination {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    use super::*;

    /// Fills it, and says how much that was.
    fn fill(destination: &Destination) -> usize {
        let mut count = 0;
        loop {
            match destination.write(&[b'x'; 1000]) {
                Ok(written) => count += written,
                Err(error) => {
                    assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "{error}");
                    return count;
                }
            }
        }
    }

    #[test]
    fn a_full_pipe_does_not_make_it_wait() {
        for kind in [Kind::Direct, Kind::Shared] {
            let (mut reader, writer) = io::pipe().unwrap();
            let other = writer.try_clone().unwrap();
            let destination = match kind {
                Kind::Shared => Destination {
                    descriptor: writer.into(),
                    kind,
                },
                _ => Destination::new(writer.into()),
            };
            let count = fill(&destination);
            assert!(count >= ROOM, "{count}");
            // Others wait as ever.
            let flags = rustix::fs::fcntl_getfl(&other).unwrap();
            assert!(!flags.contains(OFlags::NONBLOCK));
            drop((destination, other));
            assert_eq!(reader.read_to_end(&mut Vec::new()).unwrap(), count);
        }
    }

    #[test]
    fn a_full_socket_does_not_make_it_wait() {
        let (near, far) = UnixStream::pair().unwrap();
        let destination = Destination::new(near.into());
        assert!(fill(&destination) > 0);
        drop(far);
        assert!(destination.write(b"x").is_err());
    }

    #[test]
    fn files_are_written_where_others_have_ended() {
        let descriptor = rustix::fs::memfd_create("test", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        let mut file = std::fs::File::from(descriptor);
        file.write_all(b"before ").unwrap();
        let destination = Destination::new(file.try_clone().unwrap().into());
        assert_eq!(destination.write(b"after").unwrap(), 5);
        io::Seek::rewind(&mut file).unwrap();
        assert_eq!(io::read_to_string(file).unwrap(), "before after");
    }
}
