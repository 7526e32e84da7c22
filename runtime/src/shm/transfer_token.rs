//! The right to one piece of memory, on its way to its next owner.
//!
//! | word | |
//! |---|---|
//! | open | in a message |
//! | lent | likewise, but its last owner may still be looking at the piece |
//! | redeemed | a process has the piece, and keeps the token as long |
//! | void | the piece has gone on, or home |
//!
//! | step | what if the actor dies right after it |
//! |---|---|
//! | the owner makes a token and puts it into a message | the piece goes with the message, or ends with it |
//! | the owner says that the token is lent, and who it is | its process is dead, and looks at nothing: a receiver asks, again and again, as all of [`raw`](crate::raw) do |
//! | the owner withdraws the token, since the message was not sent | it cannot be redeemed; the piece ends with its owner, as any |
//! | the owner drops its handle: the token is open | a receiver that sleeps finds it when it next looks |
//! | the receiver redeems it | the piece is gone; its sender, which kept the token, may send the piece again |
//! | the receiver voids it and sends the piece on with another | the first cannot be sent again |

use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::raw::{Backoff, Holders, Machine};
use crate::sys::atomic::AtomicU32;
use crate::sys::futex;

const OPEN: u32 = 0;
const REDEEMED: u32 = 1;
const VOID: u32 = 2;
const LENT: u32 = 3;

#[derive(Debug, Default)]
#[repr(C)]
pub(super) struct TransferToken {
    word: AtomicU32,
    /// The mark of the process that lent it.
    lender: AtomicU32,
}

/// What came of asking for the piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Redeemed {
    Yes,
    /// Another receiver was first.
    No,
    /// Its last owner still has a handle.
    StillLent,
}

#[expect(unsafe_code, reason = "machines are made in place")]
// SAFETY: atomic integers.
unsafe impl Machine for TransferToken {
    /// A receiver asks by its mark whether the one that lent it is gone.
    fn wipe(&self, _: &dyn Holders, _: u32) {}
}

impl TransferToken {
    /// The piece is to be redeemed when this process has let go of it. Before it is sent.
    pub(super) fn lend(&self, holders: &dyn Holders) {
        self.lender.store(holders.mark(), Ordering::Relaxed);
        self.word.store(LENT, Ordering::Release);
    }

    /// This process looks at the piece no more.
    pub(super) fn let_go(&self) {
        if self.replace(LENT, OPEN).is_ok() {
            futex::wake_all(&self.word);
        }
    }

    /// The message with it was not sent. Whether it is void then, and was not redeemed.
    pub(super) fn withdraw(&self) -> bool {
        self.replace(OPEN, VOID)
            .or_else(|_| self.replace(LENT, VOID))
            .is_ok()
    }

    /// For the first that asks, when no other thread can look at the piece any more.
    pub(super) fn redeem(&self, holders: &dyn Holders, deadline: Option<Instant>) -> Redeemed {
        let mut backoff = Backoff::new();
        loop {
            match self.replace(OPEN, REDEEMED) {
                Ok(_) => return Redeemed::Yes,
                Err(LENT) => {}
                Err(_) => return Redeemed::No,
            }
            if !holders.is_mark_alive(self.lender.load(Ordering::Relaxed)) {
                let _ = self.replace(LENT, OPEN);
                continue;
            }
            let Some(timeout) = backoff.timeout(deadline) else {
                return Redeemed::StillLent;
            };
            futex::wait(&self.word, LENT, timeout);
        }
    }

    fn replace(&self, old: u32, new: u32) -> Result<u32, u32> {
        self.word
            .compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire)
    }

    pub(super) fn void(&self) {
        self.word.store(VOID, Ordering::Release);
    }

    pub(super) fn is_void(&self) -> bool {
        self.word.load(Ordering::Acquire) == VOID
    }
}
