//! The sender's side: when a depot is made, and what is put into it.

use std::hint::spin_loop;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use super::{BLOCK, CLOSED, Depot, MOST, MOST_BLOCKS, OPEN};
use crate::spin::{Awaited, spin_until};
use crate::sys::copy::Home;
use crate::sys::fd::OwnedFd;
use crate::transport::ipc::frame::{BlocksPlan, inline_maximum, nonce};

/// Of messages up to this length two fit, so one can be written while the other is read. Of longer ones
/// one fits: there it is the memory of two that would cost more.
const TWICE: usize = MOST_BLOCKS as usize / 2 * BLOCK;

/// The bytes of a depot at least.
const LEAST: usize = 16 * BLOCK;

/// The first depot is made with this long message of a sender.
const SECOND: u32 = 2;

/// A depot for messages of which one fits is made with this one of them. It takes as long to make as several
/// of them take without.
const EIGHTH: u32 = 8;

/// So many long messages later it is tried again, if the receiver did not take a depot or there was
/// no memory for one.
const AGAIN: u32 = 64;

/// How often a thread looks whether another has done with the lock, before it does without a depot.
const LOOKS: u32 = 200;

/// The depot of a sender, if it has one.
#[derive(Debug)]
pub(in crate::transport::ipc) struct Supply {
    stage: Mutex<Stage>,
    /// The longest message for which one is made.
    longest: usize,
}

#[derive(Debug)]
enum Stage {
    /// There is none; it is to be made after so many more long messages. Of some only one would fit.
    None { left: u32, longer: u32 },
    /// It was offered, so many long messages ago.
    Offered { depot: Arc<Shared>, ago: u32 },
    /// So many messages were longer, of which a larger one would hold only one.
    Open { depot: Arc<Shared>, longer: u32 },
}

/// A depot of this process's making. It is closed when no thread uses it any more.
#[derive(Debug)]
struct Shared {
    depot: Depot,
    id: u64,
    home: Home,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The original goes on using what a copy of this process has dropped.
        if self.home.is_here() {
            self.depot.close();
        }
    }
}

/// What came of looking for blocks.
enum Found {
    Blocks(Arc<Shared>, u64),
    Nothing,
    /// A new depot is to be offered.
    Offer(Arc<Shared>, OwnedFd),
}

/// A message whose bytes are in a depot. Dropped before its frame was sent, it gives them back.
#[derive(Debug)]
pub(in crate::transport::ipc) struct Stored {
    shared: Arc<Shared>,
    pub(in crate::transport::ipc) plan: BlocksPlan,
    /// What the frame carries: the lengths of the splices, and the head if it is short.
    pub(in crate::transport::ipc) head: Vec<u8>,
}

impl Stored {
    /// The frame was sent: the bytes are the receiver's.
    pub(in crate::transport::ipc) fn confirm_sent(mut self) {
        self.plan.blocks = 0;
    }
}

impl Drop for Stored {
    fn drop(&mut self) {
        if self.plan.blocks != 0 {
            self.shared.depot.give_back(self.plan.blocks);
        }
    }
}

impl Default for Supply {
    fn default() -> Supply {
        Supply::for_up_to(TWICE)
    }
}

impl Supply {
    /// One for long messages, too, to a receiver that gives memory back when it waits: there is more to
    /// give back.
    pub(in crate::transport::ipc) fn for_long_ones() -> Supply {
        Supply::for_up_to(MOST)
    }

    fn for_up_to(longest: usize) -> Supply {
        Supply {
            stage: Mutex::new(Stage::none(SECOND)),
            longest,
        }
    }

    /// Puts the bytes of a message into the depot, if there is one and they fit, and waits for room for so
    /// long. `offer` sends the receiver a new one; false if that was not possible.
    pub(in crate::transport::ipc) fn store(
        &self,
        head: &[u8],
        splices: &[&[u8]],
        patience: Duration,
        offer: impl FnOnce(OwnedFd, u64) -> bool,
    ) -> Option<Stored> {
        let lengths = splices.len().checked_mul(size_of::<usize>())?;
        let is_inline = lengths + head.len() <= inline_maximum();
        let beside: &[u8] = if is_inline { &[] } else { head };
        let total = splices
            .iter()
            .try_fold(beside.len(), |total, it| total.checked_add(it.len()))?;
        if total == 0 || total > self.longest || lengths > inline_maximum() {
            return None;
        }
        let (shared, blocks) = match self.find(total, patience) {
            Found::Blocks(shared, blocks) => (shared, blocks),
            Found::Nothing => return None,
            Found::Offer(shared, file) => {
                let is_offered = offer(file, shared.id);
                if is_offered && let Some(mut stage) = self.lock() {
                    *stage = Stage::Offered {
                        depot: shared,
                        ago: 0,
                    };
                }
                return None;
            }
        };
        let mut cursor = shared.depot.cursor(blocks);
        cursor.write(beside);
        for splice in splices {
            cursor.write(splice);
        }
        let mut packet = Vec::with_capacity(lengths + if is_inline { head.len() } else { 0 });
        packet.extend(splices.iter().flat_map(|splice| splice.len().to_ne_bytes()));
        if is_inline {
            packet.extend_from_slice(head);
        }
        Some(Stored {
            plan: BlocksPlan {
                depot: shared.id,
                blocks,
                head: beside.len(),
                splices: splices.len(),
            },
            head: packet,
            shared,
        })
    }

    /// Not waited for: in a copy of this process, another thread may have it for ever. Threads have it
    /// for a moment only.
    fn lock(&self) -> Option<MutexGuard<'_, Stage>> {
        (0..LOOKS).find_map(|_| match self.stage.try_lock() {
            Ok(stage) => Some(stage),
            Err(TryLockError::Poisoned(stage)) => Some(PoisonError::into_inner(stage)),
            Err(TryLockError::WouldBlock) => {
                spin_loop();
                None
            }
        })
    }

    fn find(&self, total: usize, patience: Duration) -> Found {
        let shared = match self.stage(total) {
            Ok(shared) => shared,
            Err(found) => return found,
        };
        let depot = &shared.depot;
        let wanted = depot.blocks_for(total);
        let mut blocks = depot.take(wanted);
        if !patience.is_zero() && blocks.is_none() {
            spin_until(Awaited::Event, || {
                blocks = depot.take(wanted);
                blocks.is_some()
            });
            blocks = blocks.or_else(|| depot.take_or_sleep(wanted, patience));
        }
        match blocks {
            Some(blocks) => Found::Blocks(shared, blocks),
            None => Found::Nothing,
        }
    }

    /// The depot that a message of so many bytes goes through now.
    fn stage(&self, total: usize) -> Result<Arc<Shared>, Found> {
        let mut stage = self.lock().ok_or(Found::Nothing)?;
        if let Stage::Offered { depot, .. } = &*stage
            && depot.depot.state() == OPEN
        {
            let depot = Arc::clone(depot);
            *stage = Stage::Open { depot, longer: 0 };
        }
        match &mut *stage {
            Stage::None { left, longer } => {
                *left = left.saturating_sub(1);
                let is_worth_it = is_worth_it(total, longer);
                if *left > 0 || !is_worth_it {
                    return Err(Found::Nothing);
                }
                // Another thread that comes meanwhile does without.
                *stage = Stage::none(AGAIN);
                drop(stage);
                Err(make(total))
            }
            Stage::Offered { depot, ago } => {
                *ago += 1;
                if depot.depot.state() == CLOSED {
                    *stage = Stage::none(SECOND);
                } else if *ago > AGAIN {
                    *stage = Stage::none(AGAIN);
                }
                Err(Found::Nothing)
            }
            Stage::Open { depot, .. } if depot.depot.state() != OPEN => {
                *stage = Stage::none(SECOND);
                Err(Found::Nothing)
            }
            Stage::Open { depot, longer } if total > depot.longest() => {
                if !is_worth_it(total, longer) {
                    return Err(Found::Nothing);
                }
                // Longer messages than it was made for: the next is larger.
                let before = mem::replace(&mut *stage, Stage::none(AGAIN));
                drop(stage);
                drop(before);
                Err(make(total))
            }
            Stage::Open { depot, .. } => Ok(Arc::clone(depot)),
        }
    }
}

impl Stage {
    fn none(left: u32) -> Stage {
        Stage::None { left, longer: 0 }
    }
}

impl Shared {
    /// The longest message that is put into it.
    fn longest(&self) -> usize {
        let bytes = self.depot.blocks as usize * self.depot.block;
        if bytes <= 2 * TWICE { bytes / 2 } else { bytes }
    }
}

/// Whether a depot for a message of so many bytes is made, after so many of those of which one fits.
fn is_worth_it(total: usize, longer: &mut u32) -> bool {
    if total <= TWICE {
        return true;
    }
    *longer += 1;
    *longer >= EIGHTH
}

/// A new depot for messages of so many bytes.
fn make(total: usize) -> Found {
    let bytes = if total <= TWICE {
        let four = total.next_multiple_of(BLOCK) * 4;
        four.next_power_of_two().clamp(LEAST, 2 * TWICE)
    } else {
        total.next_power_of_two().clamp(4 * TWICE, MOST)
    };
    match Depot::create(bytes) {
        Ok((depot, file)) => {
            let shared = Shared {
                depot,
                id: nonce(),
                home: Home::here(),
            };
            Found::Offer(Arc::new(shared), file)
        }
        // There is no room for it.
        Err(_) => Found::Nothing,
    }
}
