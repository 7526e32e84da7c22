//! The right to one piece of memory, on its way to its next owner.
//!
//! | word | |
//! |---|---|
//! | open | in a message |
//! | redeemed | a process has the piece, and keeps the ticket as long |
//! | void | the piece has gone on, or home |
//!
//! | step | what if the actor dies right after it |
//! |---|---|
//! | the owner makes a ticket and puts it into a message | the piece goes with the message, or ends with it |
//! | the receiver redeems it | the piece is gone; whoever kept the ticket may send the piece again |
//! | the receiver voids it and sends the piece on with another | nobody may send the first again |

use std::sync::atomic::Ordering;

use crate::sync::raw::{Kind, Machine};
use crate::sys::atomic::AtomicU32;

const OPEN: u32 = 0;
const REDEEMED: u32 = 1;
const VOID: u32 = 2;

#[derive(Debug, Default)]
#[repr(transparent)]
pub(super) struct Ticket(AtomicU32);

#[expect(unsafe_code, reason = "machines are made in place")]
// SAFETY: zero is an open ticket.
unsafe impl Machine for Ticket {
    const KIND: Kind = Kind::Ticket;
}

impl Ticket {
    /// True for the first who asks.
    pub(super) fn redeem(&self) -> bool {
        self.0
            .compare_exchange(OPEN, REDEEMED, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    pub(super) fn void(&self) {
        self.0.store(VOID, Ordering::Release);
    }

    pub(super) fn is_void(&self) -> bool {
        self.0.load(Ordering::Acquire) == VOID
    }
}
