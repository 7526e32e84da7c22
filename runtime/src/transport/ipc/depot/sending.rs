//! The sender's side: when a depot is made, and what is put into it.

use std::hint::spin_loop;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use super::{BLOCK, CLOSED, Depot, MOST_BLOCKS, OPEN, blocks_for};
use crate::spin::{Awaited, spin_until};
use crate::sys::copy::Home;
use crate::sys::fd::OwnedFd;
use crate::transport::ipc::frame::{BlocksPlan, inline_maximum, nonce};

/// The longest message that goes through a depot: two of them fit, so one can be written while the
/// other is read.
const LONGEST: usize = MOST_BLOCKS as usize / 2 * BLOCK;

/// How many blocks a depot has at least.
const FEWEST_BLOCKS: u32 = 16;

/// The first depot is made with this long message of a sender.
const SECOND: u32 = 2;

/// So many long messages later it is tried again, if the receiver did not take a depot or there was
/// no memory for one.
const AGAIN: u32 = 64;

/// How often a thread looks whether another has done with the lock, before it does without a depot.
const LOOKS: u32 = 200;

/// The depot of a sender, if it has one.
#[derive(Debug)]
pub(in crate::transport::ipc) struct Supply(Mutex<Stage>);

#[derive(Debug)]
enum Stage {
    /// There is none; it is to be made after so many more long messages.
    None {
        left: u32,
    },
    /// It was offered, so many long messages ago.
    Offered {
        depot: Arc<Shared>,
        ago: u32,
    },
    Open(Arc<Shared>),
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
        Supply(Mutex::new(Stage::None { left: SECOND }))
    }
}

impl Supply {
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
        if total == 0 || total > LONGEST || lengths > inline_maximum() {
            return None;
        }
        let wanted = blocks_for(total);
        let (shared, blocks) = match self.find(wanted, patience) {
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
        (0..LOOKS).find_map(|_| match self.0.try_lock() {
            Ok(stage) => Some(stage),
            Err(TryLockError::Poisoned(stage)) => Some(PoisonError::into_inner(stage)),
            Err(TryLockError::WouldBlock) => {
                spin_loop();
                None
            }
        })
    }

    fn find(&self, wanted: u32, patience: Duration) -> Found {
        let shared = match self.stage(wanted) {
            Ok(shared) => shared,
            Err(found) => return found,
        };
        let depot = &shared.depot;
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

    /// The depot that a message of so many blocks goes through now.
    fn stage(&self, wanted: u32) -> Result<Arc<Shared>, Found> {
        let mut stage = self.lock().ok_or(Found::Nothing)?;
        if let Stage::Offered { depot, .. } = &*stage
            && depot.depot.state() == OPEN
        {
            let open = Arc::clone(depot);
            *stage = Stage::Open(open);
        }
        match &mut *stage {
            Stage::None { left } => {
                *left = left.saturating_sub(1);
                if *left > 0 {
                    return Err(Found::Nothing);
                }
                // Another thread that comes meanwhile does without.
                *left = AGAIN;
                drop(stage);
                Err(make(wanted))
            }
            Stage::Offered { depot, ago } => {
                *ago += 1;
                if depot.depot.state() == CLOSED {
                    *stage = Stage::None { left: SECOND };
                } else if *ago > AGAIN {
                    *stage = Stage::None { left: AGAIN };
                }
                Err(Found::Nothing)
            }
            Stage::Open(shared) if shared.depot.state() != OPEN => {
                *stage = Stage::None { left: SECOND };
                Err(Found::Nothing)
            }
            Stage::Open(shared) if wanted > shared.depot.blocks / 2 => {
                // Longer messages than it was made for: the next is larger.
                let before = mem::replace(&mut *stage, Stage::None { left: AGAIN });
                drop(stage);
                drop(before);
                Err(make(wanted))
            }
            Stage::Open(shared) => Ok(Arc::clone(shared)),
        }
    }
}

/// A new depot for messages of so many blocks.
fn make(wanted: u32) -> Found {
    let blocks = wanted.saturating_mul(4).next_power_of_two();
    match Depot::create(blocks.clamp(FEWEST_BLOCKS, MOST_BLOCKS)) {
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
