//! What all processes map of a queue's file: its header, and a ring of slots.
//!
//! [`core`](super::core) knows who may read and write which of it, and when. A process that goes astray can write
//! anything here, so each process keeps for itself how many slots there are and how long they are.

#![expect(unsafe_code, reason = "slots in shared memory are read and written")]

use std::io;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::event::EventCount;
use super::warm::WARM;
use crate::codec::Message;
use crate::raw::Monitor;
use crate::sys::atomic::{AtomicU32, AtomicU64};
use crate::sys::fd::{AsFd, OwnedFd};
use crate::sys::memory::{self, Mapping};
use crate::sys::scarcity;

/// Slots of short queues are large: together they take at least this many bytes.
const SLOTS: u64 = 128 * 1024;
const SMALLEST_SLOT: u64 = 128;
const LARGEST_SLOT: u64 = 4096;

const MAGIC: u64 = u64::from_ne_bytes(*b"mpqueue1");
const PAGE: u64 = 4096;

/// Bytes before the slots.
const HEADER: u64 = PAGE;
const _: () = assert!(size_of::<QueueHeader>() as u64 <= HEADER);
const _: () = assert!(size_of::<ItemRecord>() as u64 + 64 <= SMALLEST_SLOT);

/// The header and the slots, as one process sees them. A clone is the same ones.
#[derive(Debug, Clone)]
pub(super) struct Ring {
    mapping: Arc<Mapping>,
    capacity: u64,
    slot: u64,
}

impl Ring {
    /// Makes the file of a queue for so many items.
    pub(super) fn create(capacity: usize) -> io::Result<(OwnedFd, Ring)> {
        let too_large = scarcity::no_memory;
        let capacity = u64::try_from(capacity).map_err(|_| too_large())?;
        let slot = (SLOTS / capacity).clamp(SMALLEST_SLOT, LARGEST_SLOT);
        let slot = 1 << slot.ilog2();
        let length = mapped_length(capacity, slot).ok_or_else(too_large)?;
        let memory = memory::create_growing(to_usize(length)?)?;
        let ring = Ring::map(&memory, length, capacity, slot)?;
        let header = ring.header();
        header.pushing.0.lock.init();
        header.popping.0.lock.init();
        header.capacity.store(capacity, Ordering::Relaxed);
        header.slot.store(slot, Ordering::Relaxed);
        header.magic.store(MAGIC, Ordering::Release);
        Ok((memory, ring))
    }

    /// Opens the file of a queue.
    pub(super) fn open(memory: &OwnedFd) -> io::Result<Ring> {
        let mut words = [0; 24];
        memory::read_at(memory, &mut words, 0)?;
        let (words, _) = words.as_chunks();
        let [magic, capacity, slot] = [0, 1, 2].map(|place| u64::from_ne_bytes(words[place]));
        let length = mapped_length(capacity, slot).ok_or_else(damaged)?;
        let in_range = (SMALLEST_SLOT..=LARGEST_SLOT).contains(&slot) && capacity > 0;
        let present = memory::least_length(memory.as_fd())?;
        if magic != MAGIC || !in_range || !slot.is_power_of_two() || present < length {
            return Err(damaged());
        }
        Ring::map(memory, length, capacity, slot)
    }

    fn map(memory: &OwnedFd, length: u64, capacity: u64, slot: u64) -> io::Result<Ring> {
        let mapping = Mapping::new(memory.as_fd(), to_usize(length + WARM)?)?;
        Ok(Ring {
            mapping: Arc::new(mapping),
            capacity,
            slot,
        })
    }

    /// The whole, with the [`Warm`](super::warm::Warm) behind.
    pub(super) fn mapping(&self) -> &Arc<Mapping> {
        &self.mapping
    }

    pub(super) fn capacity(&self) -> u64 {
        self.capacity
    }

    pub(super) fn header(&self) -> &QueueHeader {
        // SAFETY: queues are mapped with their header (`mapped_length`), and mappings begin at a page.
        // All fields are atomic integers, of which any bytes are a value.
        unsafe { self.mapping.base().cast().as_ref() }
    }

    /// Whether the header says what it said when the queue was opened. If not, something wrote over
    /// it, and perhaps over the rest.
    pub(super) fn is_intact(&self) -> bool {
        let header = self.header();
        header.magic.load(Ordering::Relaxed) == MAGIC
            && header.capacity.load(Ordering::Relaxed) == self.capacity
            && header.slot.load(Ordering::Relaxed) == self.slot
    }

    /// How many bytes of an item lie in its slot at most.
    pub(super) fn inline_maximum(&self) -> u64 {
        self.slot - size_of::<ItemRecord>() as u64
    }

    fn slot_of(&self, number: u64) -> *mut ItemRecord {
        let offset = HEADER + (number % self.capacity) * self.slot;
        // Does not truncate: the mapping is as long.
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        let base = self.mapping.base().cast::<ItemRecord>();
        base.as_ptr().wrapping_byte_add(offset)
    }

    /// Writes an item that is not there yet. The caller holds the lock for pushing.
    pub(super) fn write_slot(&self, number: u64, entry: &ItemRecord, head: &[u8]) {
        let slot = self.slot_of(number);
        // SAFETY: slots lie in the mapping (`mapped_length`) and are aligned, being powers of two
        // of at least 128 bytes behind a header of whole pages. No item is in this one: the
        // caller, who alone writes, has seen by `head` that the last one was copied out of it.
        unsafe { slot.write(*entry) };
        if entry.place == Storage::Slot as u32 {
            debug_assert!(head.len() as u64 <= self.inline_maximum());
            let target = slot.wrapping_add(1).cast::<u8>();
            // SAFETY: as above; the head fits (`inline_maximum`) and lies in this process's memory.
            unsafe { ptr::copy_nonoverlapping(head.as_ptr(), target, head.len()) };
        }
    }

    /// Reads an item that is there, and its bytes if it is short and says of itself what can be. The
    /// caller holds the lock for popping.
    pub(super) fn read_slot(&self, number: u64) -> (ItemRecord, Option<Message>) {
        let slot = self.slot_of(number);
        // SAFETY: as in `write_slot`; an item is in this slot (the caller has seen `tail`), so
        // no process writes to it before `head` is moved. If something does all the same, the entry is
        // integers, of which any bytes are a value, and this copy does not change.
        let entry = unsafe { slot.read_volatile() };
        let is_short = entry.place == Storage::Slot as u32 && entry.length <= self.inline_maximum();
        let Some(length) = usize::try_from(entry.length).ok().filter(|_| is_short) else {
            return (entry, None);
        };
        let mut head: Vec<u8> = Vec::with_capacity(length);
        let bytes = slot.wrapping_add(1).cast::<u8>();
        // SAFETY: as above; the bytes lie in the slot, and the vector has room for them.
        unsafe { ptr::copy_nonoverlapping(bytes, head.as_mut_ptr(), length) };
        // SAFETY: they were just written.
        unsafe { head.set_len(length) };
        let message = Message {
            head,
            ..Message::default()
        };
        (entry, Some(message))
    }
}

/// What all processes share. Its fields change as [`core`](super::core) says.
#[repr(C)]
pub(super) struct QueueHeader {
    magic: AtomicU64,
    capacity: AtomicU64,
    slot: AtomicU64,
    pub(super) closed: AtomicU32,
    /// How many processes have got a mark.
    pub(super) marks: AtomicU32,
    pub(super) pushing: CacheLinePair<Pushing>,
    pub(super) popping: CacheLinePair<Popping>,
    pub(super) items: CacheLinePair<EventCount>,
    pub(super) room: CacheLinePair<EventCount>,
    /// Tasks that are done.
    pub(super) done: CacheLinePair<AtomicU64>,
    pub(super) idle: CacheLinePair<EventCount>,
}

/// A cache line of its own; two, since they are fetched in pairs.
#[repr(C, align(128))]
pub(super) struct CacheLinePair<T>(pub(super) T);

#[repr(C)]
pub(super) struct Pushing {
    pub(super) lock: Monitor,
    pub(super) tail: AtomicU64,
    /// The number that the next batch of descriptors gets.
    pub(super) parcel: AtomicU64,
    /// Where the items in the areas end.
    pub(super) warm: AtomicU64,
    pub(super) cold: AtomicU64,
}

#[repr(C)]
pub(super) struct Popping {
    pub(super) lock: Monitor,
    pub(super) head: AtomicU64,
    /// Where the items in the areas begin.
    pub(super) warm: AtomicU64,
    pub(super) cold: AtomicU64,
}

/// What is in a slot, before the bytes of a short item.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(super) struct ItemRecord {
    /// A [`Storage`].
    pub(super) place: u32,
    pub(super) splices: u32,
    pub(super) attachments: u32,
    /// Bytes of the head, and of all: the lengths of the splices, the head, the splices.
    pub(super) head: u64,
    pub(super) length: u64,
    /// Where the items in the areas ended with this one.
    pub(super) warm: u64,
    pub(super) cold: u64,
    /// The number of its first batch of descriptors.
    pub(super) parcel: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Storage {
    Slot = 1,
    Warm = 2,
    Cold = 3,
}

impl Storage {
    pub(super) fn from_number(number: u32) -> Option<Storage> {
        [Storage::Slot, Storage::Warm, Storage::Cold]
            .into_iter()
            .find(|place| *place as u32 == number)
    }
}

fn to_usize(length: u64) -> io::Result<usize> {
    usize::try_from(length).map_err(|_| scarcity::no_memory())
}

/// Bytes of the header and the slots.
fn mapped_length(capacity: u64, slot: u64) -> Option<u64> {
    let slots = capacity.checked_mul(slot)?;
    slots.checked_add(HEADER)?.checked_next_multiple_of(PAGE)
}

/// What a queue is that something wrote over.
pub(super) fn damaged() -> io::Error {
    let text = "the queue is damaged: a process overwrote its memory";
    io::Error::new(io::ErrorKind::InvalidData, text)
}
