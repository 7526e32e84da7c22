//! The child's side: sending what is logged to the parent.

use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::invitation::Invitation;
use super::levels::Levels;
use super::packet::{Kind, Packet};
use super::patience::Patience;
use crate::sys::fd::{AsFd, OwnedFd};
use crate::sys::memory::{self, FileId};
use crate::sys::{clock, copy, packets, poll};

static OUTLET: OnceLock<Outlet> = OnceLock::new();

/// The way to the parent's logger.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) levels: Levels,
    socket: OwnedFd,
    /// Which file the socket is. Code that knows nothing of it may put another in its place.
    file: Option<FileId>,
    /// How many packets were dropped since one was sent.
    lost: AtomicU32,
    patience: Patience,
}

/// Takes up what the parent offers.
pub(crate) fn accept(invitation: Invitation) {
    let socket = invitation.socket.into_inner();
    let _ = OUTLET.set(Outlet {
        levels: invitation.levels,
        file: memory::identity(socket.as_fd()).ok(),
        socket,
        lost: AtomicU32::new(0),
        patience: Patience::default(),
    });
}

/// The way to the parent's logger, if that wants anything.
pub(crate) fn outlet() -> Option<&'static Outlet> {
    OUTLET.get()
}

/// Tells the parent of what was dropped, if that is still to be told: before a reply.
pub(crate) fn settle() {
    if let Some(outlet) = OUTLET.get()
        && outlet.lost.load(Relaxed) > 0
    {
        outlet.settle();
    }
}

impl Outlet {
    /// Sends a packet, or drops it if the parent does not take in what was sent before. A copy of this
    /// process made by `fork` does not speak for it.
    pub(crate) fn send(&self, mut packet: Packet) {
        if copy::is_copy() || !self.is_connected() {
            return;
        }
        let lost = self.lost.swap(0, Relaxed);
        packet.set_lost(lost);
        if !self.try_send(&packet) && !self.wait_and_send(&packet) {
            self.note_lost(lost.saturating_add(1));
        }
    }

    fn try_send(&self, packet: &Packet) -> bool {
        packets::send(self.socket.as_fd(), packet.bytes()).is_ok()
    }

    fn wait_and_send(&self, packet: &Packet) -> bool {
        let Some(limit) = self.patience.limit(clock::nanoseconds()) else {
            return false;
        };
        let begin = Instant::now();
        // It is only told when much of what was sent has been taken in, so a look may help all the same.
        poll::wait_writable(self.socket.as_fd(), None, Some(begin + limit));
        self.patience.note(begin.elapsed(), clock::nanoseconds());
        self.try_send(packet)
    }

    fn settle(&self) {
        if copy::is_copy() || !self.is_connected() {
            return;
        }
        let lost = self.lost.swap(0, Relaxed);
        let mut packet = Packet::new(Kind::Lost, "");
        packet.set_lost(lost);
        if !self.try_send(&packet) {
            packets::make_room(self.socket.as_fd());
            if !self.try_send(&packet) {
                self.note_lost(lost);
            }
        }
    }

    fn note_lost(&self, count: u32) {
        let add = |lost: u32| Some(lost.saturating_add(count));
        // It always gives a value.
        let _ = self.lost.fetch_update(Relaxed, Relaxed, add);
    }

    fn is_connected(&self) -> bool {
        memory::identity(self.socket.as_fd()).ok() == self.file
    }
}
