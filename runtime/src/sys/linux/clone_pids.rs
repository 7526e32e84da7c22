//! Where the kernel notes the processes that another process makes for this one.
//!
//! A fork server can die right after it has made a clone and before it has told. The clone's
//! first step in the kernel, before it runs a line of code or takes a signal, is to note its pid
//! here; so when all its descriptors are closed, its pid stands here, whichever process was killed when.

#![expect(unsafe_code, reason = "words in shared memory are referred to")]

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::process::Pid;

use super::memory::{self, Mapping};

/// How many clones can be expected at a time.
pub(crate) const SLOTS: usize = 1024;

const LENGTH: usize = SLOTS * size_of::<AtomicI32>();

/// The memory, mapped into this process.
#[derive(Debug)]
pub(crate) struct ClonePids(Mapping);

impl ClonePids {
    /// Fresh memory, and the file to hand over.
    pub(crate) fn new() -> io::Result<(ClonePids, OwnedFd)> {
        let file = memory::create(LENGTH)?;
        Ok((ClonePids::map(&file)?, file))
    }

    /// The memory behind a file that [`ClonePids::new`] made, here or in another process.
    pub(crate) fn map(file: &OwnedFd) -> io::Result<ClonePids> {
        let (_, length) = memory::inspect(file.as_fd())?;
        if length != LENGTH {
            return Err(io::Error::other(
                "the file is not one for the pids of clones",
            ));
        }
        Ok(ClonePids(Mapping::new(file.as_fd(), LENGTH)?))
    }

    /// Where the clone made for this request is noted. Requests are counted from 0.
    pub(crate) fn slot(&self, request: usize) -> &AtomicI32 {
        let slots = self.0.base().cast::<[AtomicI32; SLOTS]>();
        // SAFETY: the mapping is as long as this, aligned to pages, and lives as long as `self`;
        // its file can never shrink, and any bit pattern is an atomic integer.
        let slots = unsafe { slots.as_ref() };
        &slots[request % SLOTS]
    }

    /// Makes ready for this request.
    pub(crate) fn expect(&self, request: usize) {
        self.slot(request).store(0, Ordering::Relaxed);
    }

    /// The clone that was made for this request, if there was one. Clones give the memory up before
    /// they run any user code.
    ///
    /// It is certain when no process is left that holds what was sent with the request.
    pub(crate) fn of(&self, request: usize) -> Option<Pid> {
        let pid = self.slot(request).load(Ordering::Acquire);
        // The memory is the other process's, too, which may have written anything; a number below 0
        // would stand for more than one process.
        (pid > 0).then(|| Pid::from_raw(pid)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_number_of_one_process_is_a_pid() {
        let (clone_pids, _file) = ClonePids::new().unwrap();
        for stray in [0, -1, i32::MIN, -7] {
            clone_pids.slot(3).store(stray, Ordering::Relaxed);
            assert_eq!(clone_pids.of(3), None);
        }
        clone_pids.slot(3 + SLOTS).store(7, Ordering::Relaxed);
        assert_eq!(clone_pids.of(3), Pid::from_raw(7));
        clone_pids.expect(3);
        assert_eq!(clone_pids.of(3), None);
    }
}
