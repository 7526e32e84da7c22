//! Items without types, for queues of the library's own.

use std::io;
use std::time::Instant;

use super::core::{Overflow, Popped, Pushed};
use super::event::{EventKey, POLL_INTERVAL};
use super::{Queue, WARM_PATIENCE};
use crate::codec::Output;
use crate::sys::fd::BorrowedFd;

/// The announcement of a thread that will sleep until there may be room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoomTicket(EventKey);

impl<T> Queue<T> {
    /// Pushes a message if there is room.
    pub(crate) fn try_push_message(
        &self,
        output: &mut Output<'_>,
        overflow: Overflow,
    ) -> io::Result<Pushed> {
        // Without a deadline the lock is always had.
        let pushed = self.core.push(output, overflow, None);
        let pushed = pushed.unwrap_or(Ok(Pushed::Full))?;
        if let Pushed::Done(_) = pushed {
            output.confirm_sent();
        }
        Ok(pushed)
    }

    /// Looks for a free place for a moment.
    pub(crate) fn spin_for_room(&self) {
        self.core.spin_for_room();
    }

    /// Announces a thread that will sleep until there may be room, after one more look.
    pub(crate) fn announce_sleep(&self) -> RoomTicket {
        RoomTicket(self.core.room().enter())
    }

    /// Sleeps until there may be room, or for a moment if only warm memory is missing. False if the
    /// deadline has come.
    pub(crate) fn sleep_for_room(
        &self,
        ticket: RoomTicket,
        missing: &Pushed,
        deadline: Option<Instant>,
    ) -> bool {
        let again = match missing {
            Pushed::WarmFull => WARM_PATIENCE,
            Pushed::Full | Pushed::Done(_) | Pushed::Closed => POLL_INTERVAL,
        };
        self.core.room().sleep(ticket.0, deadline, again)
    }

    /// Takes the next message out. `Empty` if there is none.
    pub(crate) fn try_pop_message(&self) -> Popped {
        // Without a deadline the lock is always had.
        self.core.pop(None).unwrap_or(Popped::Empty)
    }

    /// Whether a pop would find something, were it alone: a message, or that there will be none.
    pub(crate) fn has_news(&self) -> bool {
        self.core.len() > 0 || self.core.is_closed()
    }

    /// Sleeps until there may be news, or for a while.
    pub(crate) fn sleep_for_news(&self) {
        let ticket = self.core.items().enter();
        // Announced, then looked once more.
        if !self.has_news() {
            self.core.items().sleep(ticket, None, POLL_INTERVAL);
        }
    }

    /// The number of the first item that is there, or will be.
    pub(crate) fn head(&self) -> u64 {
        self.core.head()
    }

    /// What is readable when there may be room, after this has been called and it was looked once more.
    pub(crate) fn watch_room(&self) -> BorrowedFd<'_> {
        self.core.room().enter_polling();
        self.core.bell()
    }

    /// What comes before that, for one who has been woken by it: the bell may have rung for others, too,
    /// who are [told](Queue::tell_room) when this one has what it wants.
    pub(crate) fn quiet(&self) {
        self.core.quiet_bell();
    }

    /// Has all look who are [told](Queue::watch_room) of room: a process has died that may have been about to
    /// tell them, or have been told in their place.
    pub(crate) fn retell_room(&self) {
        self.core.ring_bell();
    }

    /// Rings the bell if there is more room.
    pub(crate) fn tell_room(&self) {
        if self.len() < self.capacity() {
            self.core.ring_bell();
        }
    }
}
