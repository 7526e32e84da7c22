//! Memory in which the bytes of long messages lie, of a sender and a receiver that have many of them.
//!
//! An annex makes a socket for each message, and the kernel takes and gives back memory for all that
//! goes through it. So a sender whose messages are often long makes a *depot*, a file in memory that both
//! map, and from then on a frame says in which blocks of it the bytes lie. It is made with the
//! second long message, since a connection that has only one is better off without. The annex stays
//! for all that does not fit: longer messages, descriptors, and what finds no room.
//!
//! # States
//!
//! A depot belongs to one sender, in one process; every sender of a channel has its own. All that is
//! shared are three words in its first page:
//!
//! | word | |
//! |---|---|
//! | `taken` | a bit for each block in which a message is, or is being written |
//! | `state` | [`OFFERED`]: the receiver may not have it; [`OPEN`]: it has; [`CLOSED`]: nothing is taken any more |
//! | `room` | what a sender sleeps on that waits for blocks |
//!
//! A sender offers its depot in a packet that carries the file. The receiver maps it and opens it, or
//! drops it: then the sender goes on with annexes. Only an open depot is used, so each frame that names one
//! comes to a receiver that has it. A receiver that moves to another process takes the files along.
//!
//! The one who closes a depot is its sender, when no thread of it can take blocks any more, or the
//! receiver, once it has taken all the blocks itself, in one step: so no message is in it, and none
//! will be. Blocks that are taken when the sender closes it are given back by the receiver, which lets go of the
//! file then.
//!
//! # What if the process dies right after it
//!
//! | sending | state |
//! |---|---|
//! | 1. offer the depot | the receiver keeps an empty one, until it needs the place for another |
//! | 2. take blocks | they stay taken until the channel ends: less room in a depot that no process uses |
//! | 3. write the bytes | the same |
//! | 4. send the frame: **the message is there** | all of it is received |
//!
//! | receiving | state |
//! |---|---|
//! | 1. take the frame | the receiver is gone, and the channel with it |
//! | 2. copy the bytes | the same |
//! | 3. give the blocks back | a sender that sleeps looks by itself after [`PATIENCE`] |
//! | 4. wake the sender | |
//!
//! No process waits for the other through shared memory for longer than [`PATIENCE`]: who finds no room sends an
//! annex, where the kernel tells at once that the receiver is gone.
//!
//! # Memory
//!
//! A depot has room for about four of the messages it was made for, 4 MiB at most, reserved as a whole
//! when it is made. Where the receiver surely gives it back, as a pool's worker does, one is made for messages of up to
//! 16 MiB, too, of which it holds one; but only after several of them, since it takes 10 ms and more to make.
//! The blocks of such a depot are longer, so that there are never more than `taken` has bits. A receiver has [`Depots::MOST`] at a time. One that nothing has come through for
//! [`IDLE`] is emptied and closed by the receiver when it waits for messages; else it goes with its two ends.
//! The lowest free blocks are taken, so those that were in use last are used again while they are in the
//! processors' caches.
//!
//! # What if something writes over it
//!
//! The words and the bytes are believed no more than a frame is: a length has to fit the number of blocks,
//! and blocks have to lie in the mapping, whose file cannot shrink. What is read may change while it is
//! copied, as any message of a sick process may hold anything.
//!
//! # Measured
//!
//! One way between two processes on two processors, × a bare socket pair that is read into the same buffer again
//! and again; medians of 40 rounds in turns, on a loaded machine:
//!
//! | | annex | depot, by value | depot, from a borrow | bare pair |
//! |---|---|---|---|---|
//! | 64 KiB | 6.5 | 0.8 to 0.9 | 0.8 | 9 µs |
//! | 1 MiB | 1.6 to 1.8 | 0.66 to 0.72 | 0.46 to 0.5 | 112 µs |
//!
//! Twelve megabytes to a warm worker and decoded there, `Vec<f32>`: 1.9 ms; a socket alone took 2 to 3.5 ms for
//! them.
//!
//! By value, the sender's own copy of the item counts; the rest is the time in which a megabyte goes from
//! one processor's cache into the other's.

#![expect(unsafe_code, reason = "blocks in shared memory are read and written")]

#[cfg(test)]
mod interleavings;
mod receiving;
mod sending;
#[cfg(test)]
#[allow(clippy::pedantic, reason = "tests may be blunt")]
mod tests;

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::ptr;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::annex::HUGE;
use crate::codec::spare;
use crate::sys::atomic::{AtomicU32, AtomicU64, fence};
use crate::sys::futex;
use crate::sys::memory::{self, Mapping};
use crate::transport::error::nonsense;

pub(super) use receiving::Depots;
pub(crate) use receiving::{IDLE, PackedDepot};
pub(super) use sending::Supply;

/// Bytes of a block, of a depot that has no longer ones.
const BLOCK: usize = 64 << 10;

/// As many as `taken` has bits.
const MOST_BLOCKS: u32 = u64::BITS;

/// The bytes of all blocks together, at most.
const MOST: usize = 16 << 20;

/// Bytes before the blocks.
const HEADER: usize = 4096;

/// How long a sender waits for blocks before it does without.
pub(super) const PATIENCE: Duration = Duration::from_millis(2);

const OFFERED: u32 = 0;
const OPEN: u32 = 1;
const CLOSED: u32 = 2;

/// A thread sleeps on `room`.
const SLEEPER: u32 = 1;
const TOLD: u32 = 2;

#[repr(C)]
struct DepotHeader {
    taken: AtomicU64,
    state: AtomicU32,
    room: AtomicU32,
}

const _: () = assert!(size_of::<DepotHeader>() <= HEADER);

/// A depot, as one process sees it.
#[derive(Debug)]
pub(super) struct Depot {
    mapping: Mapping,
    blocks: u32,
    /// The bytes of each.
    block: usize,
}

impl Depot {
    /// A new one for so many bytes, and the file that stands for it.
    fn create(bytes: usize) -> io::Result<(Depot, OwnedFd)> {
        let block = block_of(bytes).ok_or_else(nonsense)?;
        let bytes = bytes.next_multiple_of(block);
        let file = memory::create(HEADER + bytes)?;
        let depot = Depot::open(&file)?;
        Ok((depot, file))
    }

    /// One that a sender offers.
    fn open(file: &OwnedFd) -> io::Result<Depot> {
        let (_, length) = memory::inspect(file.as_fd())?;
        let bytes = length.checked_sub(HEADER).ok_or_else(nonsense)?;
        let block = block_of(bytes).ok_or_else(nonsense)?;
        let blocks = u32::try_from(bytes / block).unwrap_or(u32::MAX);
        if bytes % block != 0 || !(1..=MOST_BLOCKS).contains(&blocks) {
            return Err(nonsense());
        }
        let mapping = Mapping::populated(file.as_fd(), length)?;
        Ok(Depot {
            mapping,
            blocks,
            block,
        })
    }

    fn header(&self) -> &DepotHeader {
        // SAFETY: depots are mapped with their header, and mappings begin at a page. All fields are
        // atomic integers, of which any bytes are a value.
        unsafe { self.mapping.base().cast().as_ref() }
    }

    /// All the blocks there are.
    fn all(&self) -> u64 {
        u64::MAX >> (MOST_BLOCKS - self.blocks)
    }

    fn state(&self) -> u32 {
        self.header().state.load(Ordering::Acquire)
    }

    /// How many blocks so many bytes take.
    fn blocks_for(&self, length: usize) -> u32 {
        u32::try_from(length.div_ceil(self.block)).unwrap_or(u32::MAX)
    }

    /// Takes so many blocks, if as many are free.
    fn take(&self, wanted: u32) -> Option<u64> {
        let taken = &self.header().taken;
        let mut before = taken.load(Ordering::Relaxed);
        loop {
            let blocks = lowest(!before & self.all(), wanted)?;
            // What was read out of them was read before they were given back.
            match taken.compare_exchange(
                before,
                before | blocks,
                Ordering::SeqCst,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Some(blocks),
                Err(now) => before = now,
            }
        }
    }

    /// Takes them, or sleeps until some are given back, for so long at most.
    fn take_or_sleep(&self, wanted: u32, patience: Duration) -> Option<u64> {
        let room = &self.header().room;
        let announced = room.fetch_or(SLEEPER, Ordering::SeqCst) | SLEEPER;
        fence(Ordering::SeqCst);
        if let Some(blocks) = self.take(wanted) {
            return Some(blocks);
        }
        futex::wait(room, announced, patience);
        self.take(wanted)
    }

    /// Gives blocks back, and wakes those who wait for some.
    fn give_back(&self, blocks: u64) {
        let DepotHeader { taken, room, .. } = self.header();
        taken.fetch_and(!blocks, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if room.load(Ordering::Relaxed) & SLEEPER == 0 {
            return;
        }
        let told = |word: u32| Some((word & !SLEEPER).wrapping_add(TOLD));
        let before = room.fetch_update(Ordering::SeqCst, Ordering::SeqCst, told);
        if before.is_ok_and(|before| before & SLEEPER != 0) {
            futex::wake_all(room);
        }
    }

    /// Opens one that was offered.
    fn accept(&self) {
        let state = &self.header().state;
        // It may be closed already. Then it is let go of when it is empty.
        let _ = state.compare_exchange(OFFERED, OPEN, Ordering::SeqCst, Ordering::SeqCst);
    }

    /// Lets no thread take blocks from now on; false if a message is in some.
    fn take_all(&self) -> bool {
        let taken = &self.header().taken;
        let exchanged = taken.compare_exchange(0, u64::MAX, Ordering::SeqCst, Ordering::SeqCst);
        exchanged.is_ok()
    }

    fn close(&self) {
        self.header().state.store(CLOSED, Ordering::SeqCst);
    }

    /// Whether it is closed, no message is in it, and none will be.
    fn is_over(&self) -> bool {
        // A copy of the sender's process may not have seen yet that it is closed.
        self.state() == CLOSED && self.take_all()
    }

    /// Where the bytes of these blocks lie, one run after the other.
    fn cursor(&self, blocks: u64) -> Cursor<'_> {
        Cursor {
            depot: self,
            left: blocks & self.all(),
            offset: 0,
        }
    }
}

/// Some of the lowest of these bits; `None` if there are not as many.
fn lowest(free: u64, wanted: u32) -> Option<u64> {
    if free.count_ones() < wanted {
        return None;
    }
    let mut rest = free;
    for _ in 0..wanted {
        rest &= rest.wrapping_sub(1);
    }
    Some(free & !rest)
}

/// The bytes of a block where they are so many together, if there can be so many: the least that makes
/// no more blocks than there may be. Both sides ask by the length of the file.
fn block_of(bytes: usize) -> Option<usize> {
    let least = bytes.div_ceil(MOST_BLOCKS as usize);
    let block = least.checked_next_power_of_two()?.max(BLOCK);
    (bytes <= MOST).then_some(block)
}

/// A place in the bytes of a message's blocks.
struct Cursor<'d> {
    depot: &'d Depot,
    /// The blocks from this one on.
    left: u64,
    /// How far into this one.
    offset: usize,
}

impl Cursor<'_> {
    /// Up to so many bytes from here, in one piece; `None` at the end.
    fn run(&mut self, most: usize) -> Option<(*mut u8, usize)> {
        if self.left == 0 {
            return None;
        }
        let block = self.left.trailing_zeros() as usize;
        let size = self.depot.block;
        let length = most.min(size - self.offset);
        let start = HEADER + block * size + self.offset;
        self.offset += length;
        if self.offset == size {
            self.offset = 0;
            self.left &= self.left.wrapping_sub(1);
        }
        let place = self.depot.mapping.base().as_ptr().wrapping_add(start);
        Some((place, length))
    }

    /// Writes bytes, which the caller knows to fit.
    fn write(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let Some((place, length)) = self.run(bytes.len()) else {
                return;
            };
            let (now, later) = bytes.split_at(length);
            // SAFETY: the run lies in a block of the mapping, as long as the depot, which the cursor
            // borrows. The block was taken for this message, so by the protocol no other process reads or
            // writes there; `bytes` lies in this process's own memory.
            unsafe { ptr::copy_nonoverlapping(now.as_ptr(), place, length) };
            bytes = later;
        }
    }

    /// Reads so many bytes into memory of their own.
    fn read(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = spare::take(length).unwrap_or_default();
        if bytes.capacity() < length {
            bytes.try_reserve_exact(length)?;
            if length >= HUGE {
                memory::prefer_huge_pages(bytes.spare_capacity_mut());
            }
        }
        while bytes.len() < length {
            let (place, run) = self.run(length - bytes.len()).ok_or_else(nonsense)?;
            let target = bytes.spare_capacity_mut().as_mut_ptr().cast::<u8>();
            // SAFETY: the run lies in the mapping, as in `write`. By the protocol its sender has
            // written it before it sent the frame that was received, and none writes there until it
            // is given back; if something does all the same, the bytes are any bytes. `run` is no more than
            // what is missing, for which memory is reserved.
            unsafe { ptr::copy_nonoverlapping(place, target, run) };
            // SAFETY: so many more bytes, within the capacity, have just been written.
            unsafe { bytes.set_len(bytes.len() + run) };
        }
        Ok(bytes)
    }
}
