//! Where the bytes of the longest items lie, and of those for which there is no other room: in the queue's
//! file, behind what is mapped.
//!
//! They are written and read by system calls. So no room is an error and not a signal, a short
//! queue of long items costs what is in it, and there is no pointer that could go wrong.

use std::io;

use crate::sys::fd::OwnedFd;
use crate::sys::memory;

/// A ring of bytes in the file. Positions count up for ever, and around: sizes are powers of two.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    pub(super) start: u64,
    pub(super) size: u64,
}

impl Area {
    /// Writes bytes at a position. The caller knows that there is room.
    pub(super) fn write(self, file: &OwnedFd, position: u64, bytes: &[u8]) -> io::Result<()> {
        let (first, rest) = bytes.split_at(self.before_wrap(position, bytes.len()));
        self.write_run(file, position, first)?;
        self.write_run(file, position.wrapping_add(first.len() as u64), rest)
    }

    fn write_run(self, file: &OwnedFd, position: u64, mut bytes: &[u8]) -> io::Result<()> {
        let mut offset = self.start + position % self.size;
        while !bytes.is_empty() {
            match memory::write_at(file, bytes, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    bytes = &bytes[written..];
                    offset += written as u64;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads so many bytes from a position.
    pub(super) fn read(self, file: &OwnedFd, position: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length)?;
        while bytes.len() < length {
            let before = bytes.len();
            let position = position.wrapping_add(before as u64);
            let run = self.before_wrap(position, length - before);
            let offset = self.start + position % self.size;
            match memory::read_into(file, &mut bytes, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                // It may have read past what was meant.
                Ok(read) => bytes.truncate(before + read.min(run)),
                Err(error) => return Err(error),
            }
        }
        Ok(bytes)
    }

    /// How many of so many bytes lie before the ring's end.
    fn before_wrap(self, position: u64, length: usize) -> usize {
        let left = self.size - position % self.size;
        usize::try_from(left).map_or(length, |left| left.min(length))
    }

    /// Gives the memory between two positions back. The file stays as long as it is.
    pub(super) fn discard(self, file: &OwnedFd, from: u64, to: u64) {
        let mut position = from;
        let mut left = to.wrapping_sub(from).min(self.size);
        while left > 0 {
            let run = left.min(self.size - position % self.size);
            // Memory that cannot be given back now is given back with the file.
            let _ = memory::give_back(file, self.start + position % self.size, run);
            position = position.wrapping_add(run);
            left -= run;
        }
    }
}
