//! A descriptor by which threads and processes notify one another.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::event::{EventfdFlags, eventfd};

use crate::sys::refused::Naming as _;

/// A descriptor that is readable from a [`notify`](NotifyFd::notify) to a
/// [`clear`](NotifyFd::clear).
#[derive(Debug, Clone)]
pub(crate) struct NotifyFd(Arc<OwnedFd>);

impl NotifyFd {
    pub(crate) fn new() -> io::Result<NotifyFd> {
        let descriptor = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        Ok(NotifyFd(Arc::new(descriptor.naming("eventfd2")?)))
    }

    /// Makes the descriptor readable.
    pub(crate) fn notify(&self) {
        // An error is that it has been written to more often than it can count.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }

    /// Takes in all notifications.
    pub(crate) fn clear(&self) {
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }

    /// The descriptor, to be sent to another process.
    pub(crate) fn descriptor(&self) -> &Arc<OwnedFd> {
        &self.0
    }

    /// Takes over a descriptor that came from another process.
    pub(crate) fn received(descriptor: Arc<OwnedFd>) -> NotifyFd {
        NotifyFd(descriptor)
    }
}

impl AsFd for NotifyFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
