//! The descriptors of items, on their way in a socket pair of which all processes have both ends.
//!
//! They are sent in batches, under numbers that come once. So one who takes an item out knows which batches are
//! its own, and which belong to no item: a process sent those, and died before its item was there.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::sys::atomic::{AtomicU64, step};
use crate::sys::descriptors::{self, ReceivedFds};
use crate::sys::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::sys::scarcity;
use crate::transport;

/// Descriptors that are sent at once; the kernel takes up to 253.
const BATCH: usize = 240;

/// The two ends.
#[derive(Debug, Clone)]
pub(super) struct Parcels {
    /// Where descriptors are sent into.
    pub(super) inlet: Arc<OwnedFd>,
    /// Where they come out of.
    pub(super) outlet: Arc<OwnedFd>,
}

impl Parcels {
    pub(super) fn new() -> io::Result<Parcels> {
        let (inlet, outlet) = transport::nonblocking_pair()?;
        Ok(Parcels {
            inlet: Arc::new(inlet),
            outlet: Arc::new(outlet),
        })
    }

    /// Sends descriptors in batches, each under the next number. The caller holds the lock for pushing.
    pub(super) fn send(&self, next: &AtomicU64, attachments: &[Arc<OwnedFd>]) -> io::Result<()> {
        for batch in attachments.chunks(BATCH) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let batch: Vec<BorrowedFd<'_>> = batch.iter().map(|it| it.as_fd()).collect();
            descriptors::try_send(self.inlet.as_fd(), &number.to_ne_bytes(), &batch)?;
            step();
        }
        Ok(())
    }

    /// Receives so many descriptors, whose first batch has this number, and drops those that come before, which
    /// belong to no item. The caller holds the lock for popping.
    pub(super) fn receive(&self, first: u64, expected: usize) -> io::Result<Vec<Arc<OwnedFd>>> {
        let mut attachments = Vec::new();
        let mut truncated = false;
        while attachments.len() < expected && !truncated {
            let Some((number, parcel)) = self.receive_batch()? else {
                return Err(io::Error::other("the descriptors of the item are lost"));
            };
            step();
            if number >= first {
                truncated = parcel.truncated;
                attachments.extend(parcel.descriptors.into_iter().map(Arc::new));
            }
        }
        if truncated {
            return Err(scarcity::no_descriptors());
        }
        Ok(attachments)
    }

    /// Drops what dead processes have left in the socket. The caller holds both locks, and has seen that the
    /// queue is empty.
    pub(super) fn discard(&self) {
        while let Ok(Some(_)) = self.receive_batch() {}
    }

    /// The next batch and its number. What else a process may have written there, by mistake, is dropped.
    fn receive_batch(&self) -> io::Result<Option<(u64, ReceivedFds)>> {
        let mut number = [0; 8];
        loop {
            let socket = self.outlet.as_fd();
            return match descriptors::try_receive(socket, &mut number) {
                Ok(parcel) if parcel.bytes == number.len() => {
                    Ok(Some((u64::from_ne_bytes(number), parcel)))
                }
                // All processes have this end, so one of them has shut it down.
                Ok(parcel) if parcel.bytes == 0 && descriptors::is_over(socket)? => Ok(None),
                Ok(_) => continue,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
                Err(error) => Err(error),
            };
        }
    }
}
