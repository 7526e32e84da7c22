//! Connections where there are none.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::limit::Limit;
use super::message::{EncodedMessage, Received};
use crate::codec::Output;
use crate::sys::fd::{BorrowedFd, OwnedFd};
use crate::sys::memory::FileId;
use crate::sys::unsupported_here;

/// The end of a connection that messages are sent into.
#[derive(Debug, Clone)]
pub(crate) struct Sender(Infallible);

impl Sender {
    pub(crate) fn new(_: impl Into<Arc<OwnedFd>>) -> io::Result<Sender> {
        Err(unsupported_here())
    }

    pub(crate) fn for_long_messages(self) -> Sender {
        match self.0 {}
    }

    pub(crate) fn file_id(&self) -> io::Result<FileId> {
        match self.0 {}
    }

    pub(crate) fn send(&self, _: Output<'_>) -> io::Result<()> {
        match self.0 {}
    }

    pub(crate) fn send_within(&self, _: Output<'_>, _: Limit<'_>) -> io::Result<()> {
        match self.0 {}
    }

    pub(crate) fn try_send_long(&self, _: &mut Output<'_>) -> io::Result<bool> {
        match self.0 {}
    }

    pub(crate) fn begin(&self, _: EncodedMessage) -> io::Result<Option<Outbox>> {
        match self.0 {}
    }
}

/// The rest of a long message that is being sent.
#[derive(Debug)]
pub(crate) struct Outbox(Infallible);

impl Outbox {
    pub(crate) fn socket(&self) -> BorrowedFd<'_> {
        match self.0 {}
    }

    pub(crate) fn advance(&mut self) -> io::Result<bool> {
        match self.0 {}
    }
}

/// Memory that moves with a receiver.
pub(crate) type PackedDepot = (u64, Arc<OwnedFd>);

/// The end of a connection that is read in no time, or not at all.
#[derive(Debug)]
pub(crate) struct Inbox(Infallible);

impl Inbox {
    pub(crate) fn new(end: impl Into<Arc<OwnedFd>>) -> Inbox {
        Inbox::moved(end.into(), Vec::new())
    }

    /// There is no end of which one could be made.
    pub(crate) fn moved(_: Arc<OwnedFd>, _: Vec<PackedDepot>) -> Inbox {
        unreachable!("{}", unsupported_here())
    }

    pub(crate) fn depots(&self) -> Vec<PackedDepot> {
        match self.0 {}
    }

    pub(crate) fn keeps_memory_for(&self) -> Option<Duration> {
        match self.0 {}
    }

    pub(crate) fn give_back(&mut self) {
        match self.0 {}
    }

    pub(crate) fn source(&self) -> BorrowedFd<'_> {
        match self.0 {}
    }

    pub(crate) fn connection(&self) -> BorrowedFd<'_> {
        match self.0 {}
    }

    pub(crate) fn share(&self) -> Arc<OwnedFd> {
        match self.0 {}
    }

    pub(crate) fn is_assembling(&self) -> bool {
        match self.0 {}
    }

    pub(crate) fn receive(&mut self) -> io::Result<Received> {
        match self.0 {}
    }
}

/// The end of a connection that is waited on.
#[derive(Debug)]
pub(crate) struct Receiver(Infallible);

impl Receiver {
    pub(crate) fn waits_at_most(&self, _: Duration) -> bool {
        match self.0 {}
    }

    pub(crate) fn receive(&self) -> io::Result<Received> {
        match self.0 {}
    }
}

pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Err(unsupported_here())
}

pub(crate) fn nonblocking_pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Err(unsupported_here())
}

pub(crate) fn is_end(_: &OwnedFd) -> bool {
    false
}

pub(crate) fn end_sending(_: BorrowedFd<'_>) {}

pub(crate) fn set_nonblocking(_: &OwnedFd) -> io::Result<()> {
    Err(unsupported_here())
}

pub(crate) fn warm_up() -> io::Result<()> {
    Err(unsupported_here())
}
