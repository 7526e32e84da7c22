//! What can live in a cell: one table, from which everything follows that is told by a cell's kind.
//!
//! What is in the table must be a [`Machine`], which says what it leaves behind with a holder that
//! is gone; and what is not in the table cannot be put into a cell.

#![expect(unsafe_code, reason = "the kind tells the type of the machine")]

use std::ptr::NonNull;

use super::no_state::{Divided, NoState};
use super::transfer_token::TransferToken;
use crate::raw::{self, Holders, Machine};

/// What may be the machine of a cell.
pub(crate) trait Stored: Machine {
    const KIND: CellKind;
}

/// How many handles there may be to one cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HandleLimit {
    /// Any number, in any number of processes.
    Many,
    /// The cell is a part of something that has one owner, and is never sent but with that.
    One,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $number:literal $name:ident: $machine:ty, $handles:ident;)*) => {
        /// What lives in a cell, for a process that has to clear up after a dead holder.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u32)]
        pub(crate) enum CellKind {
            $($(#[$doc])* $name = $number,)*
        }

        impl CellKind {
            /// The kind that a cell's record says; `None` if nothing lives there yet, or if something
            /// wrote over the record.
            pub(super) fn from_number(number: u32) -> Option<CellKind> {
                match number {
                    $($number => Some(CellKind::$name),)*
                    _ => None,
                }
            }

            /// How much memory the machine takes.
            pub(super) fn size(self) -> usize {
                match self {
                    $(CellKind::$name => size_of::<$machine>(),)*
                }
            }

            /// How many handles there may be to such a cell.
            pub(super) const fn handles(self) -> HandleLimit {
                match self {
                    $(CellKind::$name => HandleLimit::$handles,)*
                }
            }

            /// Whether such a cell is the only one of its region, so that a message with a handle is one to this
            /// cell.
            pub(super) const fn is_alone(self) -> bool {
                matches!(self, CellKind::Buffer)
            }

            /// Takes back what a holder that is gone had taken.
            ///
            /// # Safety
            ///
            /// `place` is aligned to a cache line and can be shared, as long as the machine is; what
            /// is there may be anything, because a machine is made of atomic words.
            pub(super) unsafe fn wipe(
                self,
                place: NonNull<u8>,
                holders: &dyn Holders,
                holder: u32,
            ) {
                match self {
                    // SAFETY: the caller's promise; any bytes are a machine, which is shared by
                    // reference only.
                    $(CellKind::$name => unsafe { place.cast::<$machine>().as_ref() }.wipe(holders, holder),)*
                }
            }
        }

        $(impl Stored for $machine {
            const KIND: CellKind = CellKind::$name;
        })*
    };
}

kinds! {
    /// Data that guard themselves, or do not change.
    1 Plain: NoState, Many;
    2 Lock: raw::Lock, Many;
    3 ReentrantLock: raw::ReentrantLock, Many;
    4 RwLock: raw::RwLock, Many;
    5 Condvar: raw::Condvar, Many;
    6 Semaphore: raw::Semaphore, Many;
    7 Event: raw::Event, Many;
    8 Barrier: raw::Barrier, Many;
    /// Data that are divided among several owners.
    9 Buffer: Divided, One;
    10 TransferToken: TransferToken, One;
}
