//! The way into ipc-channel for a descriptor.
//!
//! ipc-channel's public API creates every descriptor itself. To bring one in, a fresh channel is
//! made and `dup3` puts the foreign descriptor in the place of the channel's own. Only the
//! descriptor's *number* has to be known, and the `Debug` output of an opaque end shows it. That
//! output is no promise, so the numbers are proven before they are used, by sending a nonce between
//! the two and seeing it arrive.
//!
//! A version of ipc-channel that prints something else makes these functions fail with a sentence,
//! and the unit tests with it.

#![expect(
    unsafe_code,
    reason = "descriptors are borrowed by number from ends that outlive the borrow"
)]

use std::fmt;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use ipc_channel::ipc::{self, IpcReceiver, IpcSender, OpaqueIpcReceiver, OpaqueIpcSender};
use rustix::io::{DupFlags, dup3};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use serde::{Deserialize, Serialize};

/// A fresh channel whose descriptors are known, to put others in their places.
#[derive(Debug)]
pub(crate) struct PlaceholderChannel {
    sender: Numbered<OpaqueIpcSender>,
    receiver: Numbered<OpaqueIpcReceiver>,
}

/// An end and the number of its descriptor.
#[derive(Debug)]
struct Numbered<E> {
    end: E,
    number: RawFd,
}

impl PlaceholderChannel {
    pub(crate) fn new() -> io::Result<PlaceholderChannel> {
        let (sender, receiver) = ipc::channel::<()>()?;
        let sender = Numbered::new(sender.to_opaque())?;
        let receiver = Numbered::new(receiver.to_opaque())?;
        prove_connected(sender.number, receiver.number)?;
        Ok(PlaceholderChannel { sender, receiver })
    }

    /// A sender whose messages go into a duplicate of `descriptor`.
    pub(super) fn sender<T>(self, descriptor: BorrowedFd<'_>) -> io::Result<IpcSender<T>>
    where
        T: for<'de> Deserialize<'de> + Serialize,
    {
        Ok(self.sender.replace(descriptor)?.to())
    }
}

impl<E: fmt::Debug> Numbered<E> {
    fn new(end: E) -> io::Result<Numbered<E>> {
        let number = number_in(&end)?;
        Ok(Numbered { end, number })
    }

    /// Puts a duplicate of `descriptor` in the place of the end's own. Only for the ends of a
    /// [`PlaceholderChannel`].
    fn replace(self, descriptor: BorrowedFd<'_>) -> io::Result<E> {
        // SAFETY: the number was proven to be the descriptor of `end`, which is alive here and
        // goes on owning it: `ManuallyDrop` leaves closing to it.
        let mut place = ManuallyDrop::new(unsafe { OwnedFd::from_raw_fd(self.number) });
        dup3(descriptor, &mut place, DupFlags::CLOEXEC)?;
        Ok(self.end)
    }
}

/// A sender whose messages go into a duplicate of `descriptor`.
pub(super) fn sender<T>(descriptor: BorrowedFd<'_>) -> io::Result<IpcSender<T>>
where
    T: for<'de> Deserialize<'de> + Serialize,
{
    PlaceholderChannel::new()?.sender(descriptor)
}

/// A duplicate of `descriptor` as ipc-channel carries one: it has no other type for that.
pub(super) fn receiver<T>(descriptor: BorrowedFd<'_>) -> io::Result<IpcReceiver<T>>
where
    T: for<'de> Deserialize<'de> + Serialize,
{
    Ok(PlaceholderChannel::new()?
        .receiver
        .replace(descriptor)?
        .to())
}

/// Sees a nonce go from one descriptor to the other, so that they are the two ends of the fresh
/// channel and not something else that happens to have these numbers.
fn prove_connected(sender: RawFd, receiver: RawFd) -> io::Result<()> {
    // SAFETY: the ends that these numbers were read from are alive in the caller. Should a number
    // be another descriptor's, nothing is closed or changed here, and the check fails.
    let sender = unsafe { BorrowedFd::borrow_raw(sender) };
    // SAFETY: as above.
    let receiver = unsafe { BorrowedFd::borrow_raw(receiver) };
    let nonce = super::frame::nonce().to_ne_bytes();
    let mut seen = [0; 16];
    let sent = send(sender, &nonce, SendFlags::DONTWAIT | SendFlags::NOSIGNAL).unwrap_or(0);
    let (_, received) =
        recv(receiver.as_fd(), &mut seen[..], RecvFlags::DONTWAIT).unwrap_or((0, 0));
    if sent == nonce.len() && received == nonce.len() && seen[..received] == nonce {
        Ok(())
    } else {
        Err(io::Error::other(
            "this version of ipc-channel keeps its descriptors out of reach",
        ))
    }
}

/// The one descriptor number in the `Debug` output of an opaque end.
fn number_in(end: &impl fmt::Debug) -> io::Result<RawFd> {
    let text = format!("{end:?}");
    let mut numbers = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|digits| !digits.is_empty())
        .map(str::parse::<RawFd>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(number)), None) => Ok(number),
        _ => Err(io::Error::other(
            "this version of ipc-channel does not show its descriptors",
        )),
    }
}
