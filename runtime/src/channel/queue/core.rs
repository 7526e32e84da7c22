//! The queue itself: bytes and descriptors, no types.
//!
//! # What lies where
//!
//! The queue's file begins with a [`QueueHeader`] and a ring of slots, which every process maps. A slot
//! has an [`ItemRecord`] and room for a short item; the bytes of longer ones lie behind, in one of two
//! rings of bytes: the first ([`Warm`]) is small, so that its memory stays warm, and mapped as well; the second
//! ([`Area`]) has no bounds that matter, and its memory is given back. Descriptors are in flight in a socket pair
//! that all processes have both ends of.
//!
//! Items are numbered. `head` is the number of the first that is there, `tail` of the next that
//! will be; the item `n` is in slot `n % capacity`.
//!
//! # Who may do what
//!
//! The holder of the lock `push` may write the slots that no item is in, and `tail`. The holder of the
//! lock `pop` may read the slots that an item is in, and write `head`. Both locks are
//! [monitors](Monitor): when the process of their holder dies, the next one gets them. No process sleeps
//! with a lock, and the user's code (encoding, decoding) runs without.
//!
//! # What if the process dies right after it
//!
//! | push | state |
//! |---|---|
//! | 1. take the lock, see that there is room | as before |
//! | 2. write the bytes of a long item into an area | as before: where the area's items end was not moved |
//! | 3. send the descriptors, under numbers that come once | the next process that pops drops them, since no item has their numbers |
//! | 4. move the area's end | the bytes are lost to the area until a later item is popped, which gives its own and all before it back |
//! | 5. write the slot | as before: no item is in it |
//! | 6. move `tail`: **the item is there** | those who sleep were not told: they look by themselves after [`POLL_INTERVAL`](super::event::POLL_INTERVAL) |
//! | 7. give the lock back, tell the sleepers | |
//!
//! | pop | state |
//! |---|---|
//! | 1. take the lock, see an item | as before |
//! | 2. copy its bytes | as before |
//! | 3. move `head`: **the item is this process's**, and dies with it | its bytes in an area and its descriptors are given back by the next pop |
//! | 4. take its descriptors out of the socket, dropping those of lower numbers | likewise |
//! | 5. give the bytes in the areas back | |
//! | 6. give the lock back, tell who waits for room | those who sleep look by themselves after [`POLL_INTERVAL`](super::event::POLL_INTERVAL) |
//!
//! So there is nothing to repair when a lock's holder died. The tests end one that has the queue
//! after each of these steps, and kill processes at any instruction.
//!
//! # What if something writes over the memory
//!
//! Every process has it mapped to write, and a process that goes astray can write anything. So
//! nothing is believed: sizes are this process's own, lengths have to fit between what areas hold
//! and how much memory the file has, and are checked before anything is allocated or read. If the
//! numbers contradict each other the queue is *damaged*, which is an error of every push and pop
//! from then on. If an item alone does, that item is an error.

#![expect(unsafe_code, reason = "slots in shared memory are read and written")]

use std::io;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::area::Area;
use super::event::EventCount;
use super::warm::{WARM, Warm};
use crate::codec::{Message, Output};
use crate::raw::{Inside, Monitor, Participant};
use crate::spin::spin_a_little;
use crate::sys::atomic::{AtomicU32, AtomicU64, step};
use crate::sys::descriptors::{self, ReceivedFds};
use crate::sys::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::sys::memory::{self, Mapping};
use crate::sys::notify_fd::NotifyFd;
use crate::sys::scarcity;
use crate::transport;

/// Slots of short queues are large: together they take at least this many bytes.
const SLOTS: u64 = 128 * 1024;
const SMALLEST_SLOT: u64 = 128;
const LARGEST_SLOT: u64 = 4096;

/// More than any memory holds.
const COLD: u64 = 1 << 42;

/// Descriptors that are sent at once; the kernel takes up to 253.
const BATCH: usize = 240;

const MAGIC: u64 = u64::from_ne_bytes(*b"mpqueue1");
const PAGE: u64 = 4096;

/// What all processes share. Its fields change as the module says.
#[repr(C)]
struct QueueHeader {
    magic: AtomicU64,
    capacity: AtomicU64,
    slot: AtomicU64,
    closed: AtomicU32,
    /// How many processes have got a mark.
    marks: AtomicU32,
    pushing: CacheLinePair<Pushing>,
    popping: CacheLinePair<Popping>,
    items: CacheLinePair<EventCount>,
    room: CacheLinePair<EventCount>,
    /// Tasks that are done.
    done: CacheLinePair<AtomicU64>,
    idle: CacheLinePair<EventCount>,
}

/// A cache line of its own; two, since they are fetched in pairs.
#[repr(C, align(128))]
struct CacheLinePair<T>(T);

#[repr(C)]
struct Pushing {
    lock: Monitor,
    tail: AtomicU64,
    /// The number that the next batch of descriptors gets.
    parcel: AtomicU64,
    /// Where the items in the areas end.
    warm: AtomicU64,
    cold: AtomicU64,
}

#[repr(C)]
struct Popping {
    lock: Monitor,
    head: AtomicU64,
    /// Where the items in the areas begin.
    warm: AtomicU64,
    cold: AtomicU64,
}

/// What is in a slot, before the bytes of a short item.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
struct ItemRecord {
    /// A [`Storage`].
    place: u32,
    splices: u32,
    attachments: u32,
    /// Bytes of the head, and of all: the lengths of the splices, the head, the splices.
    head: u64,
    length: u64,
    /// Where the items in the areas ended with this one.
    warm: u64,
    cold: u64,
    /// The number of its first batch of descriptors.
    parcel: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
enum Storage {
    Slot = 1,
    Warm = 2,
    Cold = 3,
}

impl Storage {
    fn from_number(number: u32) -> Option<Storage> {
        [Storage::Slot, Storage::Warm, Storage::Cold]
            .into_iter()
            .find(|place| *place as u32 == number)
    }
}

/// Whether a push that finds the warm area full may go on with the cold one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Overflow {
    Allowed,
    /// A process is about to pop: better wait a little.
    NotYet,
}

/// What came of looking for room.
#[derive(Debug)]
pub(crate) enum Pushed {
    /// The item has this number.
    Done(u64),
    Full,
    /// Only the warm area is.
    WarmFull,
    Closed,
}

/// What came of looking for an item.
#[derive(Debug)]
pub(crate) enum Popped {
    /// The item of this number.
    Item(u64, Message),
    /// The item of this number could not be taken; what there is of its head.
    Failed(u64, io::Error, Vec<u8>),
    Empty,
    Closed,
    /// Something wrote over the queue.
    Damaged,
}

/// A queue, as one process sees it.
#[derive(Debug)]
pub(super) struct Core {
    mapping: Arc<Mapping>,
    warm: Warm,
    member: Participant,
    /// Whether this process has seen numbers that contradict each other.
    contradicts: AtomicBool,
    capacity: u64,
    slot: u64,
    handles: QueueHandles,
}

/// What stands for the queue in a message.
#[derive(Debug, Clone)]
pub(super) struct QueueHandles {
    pub(super) memory: Arc<OwnedFd>,
    /// Readable when those who poll have to look.
    pub(super) bell: NotifyFd,
    /// Where descriptors are sent into, and come out of.
    pub(super) parcels_in: Arc<OwnedFd>,
    pub(super) parcels_out: Arc<OwnedFd>,
}

impl Core {
    /// Makes a queue.
    pub(super) fn create(capacity: usize) -> io::Result<Core> {
        let too_large = scarcity::no_memory;
        let capacity = u64::try_from(capacity).map_err(|_| too_large())?;
        let slot = (SLOTS / capacity).clamp(SMALLEST_SLOT, LARGEST_SLOT);
        let slot = 1 << slot.ilog2();
        let length = mapped_length(capacity, slot).ok_or_else(too_large)?;
        let memory = memory::create_growing(to_usize(length)?)?;
        let (parcels_in, parcels_out) = transport::nonblocking_pair()?;
        let handles = QueueHandles {
            memory: Arc::new(memory),
            bell: NotifyFd::new()?,
            parcels_in: Arc::new(parcels_in),
            parcels_out: Arc::new(parcels_out),
        };
        let mapping = Mapping::new(handles.memory.as_fd(), to_usize(length + WARM)?)?;
        let header = header(&mapping);
        header.pushing.0.lock.init();
        header.popping.0.lock.init();
        header.capacity.store(capacity, Ordering::Relaxed);
        header.slot.store(slot, Ordering::Relaxed);
        header.magic.store(MAGIC, Ordering::Release);
        Core::enter(handles, mapping.into(), capacity, slot)
    }

    /// Opens a queue that came in a message.
    pub(super) fn open(handles: QueueHandles) -> io::Result<Core> {
        let mut words = [0; 24];
        memory::read_at(&handles.memory, &mut words, 0)?;
        let (words, _) = words.as_chunks();
        let [magic, capacity, slot] = [0, 1, 2].map(|place| u64::from_ne_bytes(words[place]));
        let length = mapped_length(capacity, slot).ok_or_else(damaged)?;
        let in_range = (SMALLEST_SLOT..=LARGEST_SLOT).contains(&slot) && capacity > 0;
        let present = memory::least_length(handles.memory.as_fd())?;
        if magic != MAGIC || !in_range || !slot.is_power_of_two() || present < length {
            return Err(damaged());
        }
        let mapping = Mapping::new(handles.memory.as_fd(), to_usize(length + WARM)?)?;
        Core::enter(handles, mapping.into(), capacity, slot)
    }

    fn enter(
        handles: QueueHandles,
        mapping: Arc<Mapping>,
        capacity: u64,
        slot: u64,
    ) -> io::Result<Core> {
        Ok(Core {
            member: Participant::enter(handles.memory.as_fd(), &header(&mapping).marks)?,
            contradicts: AtomicBool::new(false),
            warm: Warm::new(Arc::clone(&mapping)),
            mapping,
            capacity,
            slot,
            handles,
        })
    }

    /// The same queue as another process would have it, at the same place in memory.
    #[cfg(test)]
    pub(super) fn of_another_process(&self) -> Core {
        let (handles, mapping) = (self.handles.clone(), Arc::clone(&self.mapping));
        Core::enter(handles, mapping, self.capacity, self.slot).unwrap()
    }

    pub(super) fn handles(&self) -> &QueueHandles {
        &self.handles
    }

    pub(super) fn capacity(&self) -> usize {
        usize::try_from(self.capacity).unwrap_or(usize::MAX)
    }

    /// How many items are there; old news when it is returned.
    pub(super) fn len(&self) -> usize {
        let head = self.header().popping.0.head.load(Ordering::Acquire);
        let tail = self.header().pushing.0.tail.load(Ordering::Acquire);
        usize::try_from(tail.saturating_sub(head).min(self.capacity)).unwrap_or(usize::MAX)
    }

    /// The number of the first item that is there, or will be; old news when it is returned.
    pub(crate) fn head(&self) -> u64 {
        self.header().popping.0.head.load(Ordering::SeqCst)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.header().closed.load(Ordering::Acquire) != 0
    }

    /// Lets nothing more in. Who is pushing at the moment is waited for.
    pub(super) fn close(&self) {
        let held = self.hold(&self.header().pushing.0.lock, None);
        self.header().closed.store(1, Ordering::SeqCst);
        drop(held);
        self.tell_items();
        self.room().tell(|| self.ring_bell());
    }

    pub(super) fn items(&self) -> &EventCount {
        &self.header().items.0
    }

    pub(super) fn room(&self) -> &EventCount {
        &self.header().room.0
    }

    pub(super) fn idle(&self) -> &EventCount {
        &self.header().idle.0
    }

    fn tell_items(&self) {
        self.items().tell(|| self.ring_bell());
    }

    /// Looks for an item for a moment, which is cheaper than to sleep if one comes soon.
    pub(super) fn spin_for_items(&self) -> bool {
        spin_a_little(|| self.len() > 0)
    }

    /// Looks for a free place for a moment.
    pub(super) fn spin_for_room(&self) {
        spin_a_little(|| self.len() < self.capacity());
    }

    /// Readable when those who [poll](EventCount::enter_polling) have to look.
    pub(super) fn bell(&self) -> BorrowedFd<'_> {
        self.handles.bell.as_fd()
    }

    /// Stops the bell. Who does it looks once more, and rings it again if there is something.
    pub(super) fn quiet_bell(&self) {
        self.handles.bell.clear();
    }

    pub(super) fn ring_bell(&self) {
        self.handles.bell.notify();
    }

    /// Counts a task as done; false if all are.
    pub(super) fn finish_task(&self) -> bool {
        let tail = self.header().pushing.0.tail.load(Ordering::SeqCst);
        let one_more = |done| (done < tail).then(|| done + 1);
        let done = &self.header().done.0;
        let counted = done.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_more);
        if counted.is_ok_and(|before| before + 1 == tail) {
            self.idle().tell(|| ());
        }
        counted.is_ok()
    }

    /// Whether all that was pushed is done.
    pub(super) fn is_idle(&self) -> bool {
        let done = self.header().done.0.load(Ordering::SeqCst);
        let tail = self.header().pushing.0.tail.load(Ordering::SeqCst);
        done >= tail
    }

    /// Puts an item in if there is room; `None` if the deadline came before the lock.
    pub(super) fn push(
        &self,
        output: &Output<'_>,
        overflow: Overflow,
        deadline: Option<Instant>,
    ) -> Option<io::Result<Pushed>> {
        let held = self.hold(&self.header().pushing.0.lock, deadline)?;
        let pushed = self.push_locked(output, overflow);
        drop(held);
        step();
        if let Ok(Pushed::Done(_)) = pushed {
            self.tell_items();
        }
        Some(pushed)
    }

    fn push_locked(&self, output: &Output<'_>, overflow: Overflow) -> io::Result<Pushed> {
        let (pushing, popping) = (&self.header().pushing.0, &self.header().popping.0);
        if self.is_damaged() {
            return Err(damaged());
        }
        if self.is_closed() {
            return Ok(Pushed::Closed);
        }
        let tail = pushing.tail.load(Ordering::Relaxed);
        let head = popping.head.load(Ordering::Acquire);
        if self.count(head, tail).ok_or_else(damaged)? == self.capacity {
            return Ok(Pushed::Full);
        }
        let mut entry = ItemRecord {
            place: Storage::Slot as u32,
            splices: 0,
            attachments: 0,
            head: output.head.len() as u64,
            length: output.head.len() as u64,
            warm: pushing.warm.load(Ordering::Relaxed),
            cold: pushing.cold.load(Ordering::Relaxed),
            parcel: 0,
        };
        if !output.splices.is_empty() || entry.length > self.inline_maximum() {
            let lengths: Vec<u8> = output
                .splices
                .iter()
                .flat_map(|splice| (splice.len() as u64).to_ne_bytes())
                .collect();
            let splices: usize = output.splices.iter().map(|splice| splice.len()).sum();
            entry.splices = u32::try_from(output.splices.len()).map_err(io::Error::other)?;
            entry.length = (lengths.len() + output.head.len() + splices) as u64;
            let warm_free = WARM
                .checked_sub(
                    entry
                        .warm
                        .wrapping_sub(popping.warm.load(Ordering::Acquire)),
                )
                .ok_or_else(damaged)?;
            let cold_free = COLD
                .checked_sub(
                    entry
                        .cold
                        .wrapping_sub(popping.cold.load(Ordering::Acquire)),
                )
                .ok_or_else(damaged)?;
            let (place, end) = if entry.length <= warm_free {
                (Storage::Warm, &mut entry.warm)
            } else if overflow == Overflow::Allowed || entry.length > WARM || head == tail {
                if entry.length > cold_free {
                    return Err(scarcity::no_memory());
                }
                (Storage::Cold, &mut entry.cold)
            } else {
                return Ok(Pushed::WarmFull);
            };
            let position = *end;
            *end = end.wrapping_add(entry.length);
            entry.place = place as u32;
            self.write_area(place, position, entry.length, &lengths, output)?;
        }
        if !output.attachments.is_empty() {
            entry.attachments =
                u32::try_from(output.attachments.len()).map_err(io::Error::other)?;
            entry.parcel = pushing.parcel.load(Ordering::Relaxed);
            let sent = match self.send_parcels(&output.attachments) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && head == tail => {
                    // What is in the way belongs to no item.
                    self.drop_parcels();
                    entry.parcel = pushing.parcel.load(Ordering::Relaxed);
                    self.send_parcels(&output.attachments)
                }
                sent => sent,
            };
            match sent {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && head != tail => {
                    return Ok(Pushed::Full);
                }
                Err(error) => return Err(error),
            }
        }
        pushing.warm.store(entry.warm, Ordering::Relaxed);
        step();
        pushing.cold.store(entry.cold, Ordering::Relaxed);
        step();
        self.write_slot(tail, &entry, &output.head);
        step();
        pushing.tail.store(tail.wrapping_add(1), Ordering::SeqCst);
        step();
        Ok(Pushed::Done(tail))
    }

    /// Writes the bytes of a long item at a position, where there is room.
    fn write_area(
        &self,
        place: Storage,
        mut position: u64,
        length: u64,
        lengths: &[u8],
        output: &Output<'_>,
    ) -> io::Result<()> {
        let file = &self.handles.memory;
        let area = self.cold_area();
        if place == Storage::Warm {
            self.warm.reserve(file, position, length)?;
        } else {
            let end = (position % area.size).saturating_add(length);
            memory::check_file_size_limit(area.start + area.size.min(end))?;
        }
        let parts = [lengths, &output.head].into_iter();
        for part in parts.chain(output.splices.iter().map(|splice| &**splice)) {
            if place == Storage::Warm {
                self.warm.write(position, part);
            } else {
                area.write(file, position, part)?;
            }
            position = position.wrapping_add(part.len() as u64);
            step();
        }
        Ok(())
    }

    /// Takes the first item; `None` if the deadline came before the lock.
    pub(super) fn pop(&self, deadline: Option<Instant>) -> Option<Popped> {
        let held = self.hold(&self.header().popping.0.lock, deadline)?;
        let popped = self.pop_locked();
        drop(held);
        step();
        let done = matches!(popped, Popped::Item(..) | Popped::Failed(..));
        // Who waits for room in a queue that is nearly full is not in a hurry: those who pop have
        // enough to do. Woken for each place, it would fill that and sleep again.
        if done && self.len() <= self.capacity() - self.capacity() / 2 {
            self.room().tell(|| self.ring_bell());
        }
        Some(popped)
    }

    fn pop_locked(&self) -> Popped {
        let (pushing, popping) = (&self.header().pushing.0, &self.header().popping.0);
        if self.is_damaged() {
            return Popped::Damaged;
        }
        let head = popping.head.load(Ordering::Relaxed);
        // What was pushed before the queue was closed is seen, since this is asked first.
        let closed = self.is_closed();
        match self.count(head, pushing.tail.load(Ordering::Acquire)) {
            None => return Popped::Damaged,
            Some(0) if closed => return Popped::Closed,
            Some(0) => return Popped::Empty,
            Some(_) => {}
        }
        let (entry, inline) = self.read_slot(head);
        let areas = self.check_areas(&entry);
        let message = match Storage::from_number(entry.place) {
            _ if areas.is_none() => Err(damaged_item()),
            Some(Storage::Slot) => inline.ok_or_else(damaged_item),
            Some(place) => self.read_area(&entry, place),
            None => Err(damaged_item()),
        };
        step();
        popping.head.store(head.wrapping_add(1), Ordering::SeqCst);
        step();
        let attachments = self.receive_parcels(&entry);
        step();
        if let Some(cold) = areas {
            popping.warm.store(entry.warm, Ordering::Release);
            step();
            if cold != entry.cold {
                let area = self.cold_area();
                area.discard(&self.handles.memory, cold, entry.cold);
                step();
                popping.cold.store(entry.cold, Ordering::Release);
            }
        }
        match (message, attachments) {
            (Ok(message), Ok(attachments)) => Popped::Item(
                head,
                Message {
                    attachments,
                    ..message
                },
            ),
            (Ok(message), Err(error)) => Popped::Failed(head, error, message.head),
            (Err(error), _) => Popped::Failed(head, error, Vec::new()),
        }
    }

    /// Where the cold area's items begin, if the item ends in both areas where an item can.
    fn check_areas(&self, entry: &ItemRecord) -> Option<u64> {
        let popping = &self.header().popping.0;
        let warm = popping.warm.load(Ordering::Relaxed);
        let cold = popping.cold.load(Ordering::Relaxed);
        let can_be = entry.warm.wrapping_sub(warm) <= WARM && entry.cold.wrapping_sub(cold) <= COLD;
        can_be.then_some(cold)
    }

    /// Reads an item whose end was [checked](Self::check_areas).
    fn read_area(&self, entry: &ItemRecord, place: Storage) -> io::Result<Message> {
        let popping = &self.header().popping.0;
        let (begin, end) = match place {
            Storage::Slot | Storage::Warm => (popping.warm.load(Ordering::Relaxed), entry.warm),
            Storage::Cold => (popping.cold.load(Ordering::Relaxed), entry.cold),
        };
        let file = &self.handles.memory;
        let is_warm = place != Storage::Cold;
        let mut most = end.wrapping_sub(begin);
        if !is_warm {
            // What is there takes memory, so no length asks for more than that.
            most = most.min(memory::used(file)?);
        }
        if entry.length > most {
            return Err(damaged_item());
        }
        if is_warm {
            self.warm
                .reserve(file, end.wrapping_sub(entry.length), entry.length)?;
        }
        let area = self.cold_area();
        let mut left = entry.length;
        let mut next = |length: u64| {
            let position = end.wrapping_sub(left);
            left = left.checked_sub(length).ok_or_else(damaged_item)?;
            let length = to_usize(length)?;
            if is_warm {
                self.warm.read(position, length)
            } else {
                area.read(file, position, length)
            }
        };
        let lengths = next(u64::from(entry.splices) * size_of::<u64>() as u64)?;
        let head = next(entry.head)?;
        let (lengths, _) = lengths.as_chunks();
        let splices = lengths
            .iter()
            .map(|length| next(u64::from_ne_bytes(*length)))
            .collect::<io::Result<_>>()?;
        if left != 0 {
            return Err(damaged_item());
        }
        Ok(Message {
            head,
            splices,
            ..Message::default()
        })
    }

    /// Sends descriptors in batches, each under the next number.
    fn send_parcels(&self, attachments: &[Arc<OwnedFd>]) -> io::Result<()> {
        let number = &self.header().pushing.0.parcel;
        for batch in attachments.chunks(BATCH) {
            let parcel = number.fetch_add(1, Ordering::Relaxed);
            let batch: Vec<BorrowedFd<'_>> = batch.iter().map(|it| it.as_fd()).collect();
            let socket = self.handles.parcels_in.as_fd();
            descriptors::try_send(socket, &parcel.to_ne_bytes(), &batch)?;
            step();
        }
        Ok(())
    }

    /// Receives an item's descriptors, and drops those that come before, which belong to no item.
    fn receive_parcels(&self, entry: &ItemRecord) -> io::Result<Vec<Arc<OwnedFd>>> {
        let expected = entry.attachments as usize;
        let mut attachments = Vec::new();
        let mut truncated = false;
        while attachments.len() < expected && !truncated {
            let Some((number, parcel)) = self.receive_parcel()? else {
                return Err(io::Error::other("the descriptors of the item are lost"));
            };
            step();
            if number >= entry.parcel {
                truncated = parcel.truncated;
                attachments.extend(parcel.descriptors.into_iter().map(Arc::new));
            }
        }
        if truncated {
            return Err(scarcity::no_descriptors());
        }
        Ok(attachments)
    }

    /// The next batch of descriptors and its number. What else a process may have written there, by
    /// mistake, is dropped.
    fn receive_parcel(&self) -> io::Result<Option<(u64, ReceivedFds)>> {
        let mut number = [0; 8];
        loop {
            let socket = self.handles.parcels_out.as_fd();
            return match descriptors::try_receive(socket, &mut number) {
                Ok(parcel) if parcel.bytes == number.len() => {
                    Ok(Some((u64::from_ne_bytes(number), parcel)))
                }
                // All processes have this end, so one of them has shut it down.
                Ok(parcel) if parcel.bytes == 0 && descriptors::is_over(socket)? => Ok(None),
                Ok(_) => continue,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
                Err(error) => Err(error),
            };
        }
    }

    /// Drops what dead processes have left in the socket. The caller holds the lock for pushing
    /// and has seen that the queue is empty.
    fn drop_parcels(&self) {
        // Who pops does not push meanwhile, so the order of the two locks is always this.
        let held = self.hold(&self.header().popping.0.lock, None);
        while let Ok(Some(_)) = self.receive_parcel() {}
        drop(held);
    }

    /// Takes a lock; `None` if the deadline came first.
    fn hold<'a>(&self, lock: &'a Monitor, deadline: Option<Instant>) -> Option<Inside<'a>> {
        // What the last holder left when it died needs no repair: see the module.
        lock.enter_until(&self.member, deadline, || {})
    }

    fn cold_area(&self) -> Area {
        Area {
            start: self.mapping.length() as u64,
            size: COLD,
        }
    }

    fn header(&self) -> &QueueHeader {
        header(&self.mapping)
    }

    /// Whether the header says what it said when the queue was opened. If not, something wrote over
    /// it, and perhaps over the rest.
    pub(super) fn is_damaged(&self) -> bool {
        let header = self.header();
        header.magic.load(Ordering::Relaxed) != MAGIC
            || header.capacity.load(Ordering::Relaxed) != self.capacity
            || header.slot.load(Ordering::Relaxed) != self.slot
            || self.contradicts.load(Ordering::Relaxed)
    }

    /// How many items are there, for one who has a lock; `None` if that cannot be.
    fn count(&self, head: u64, tail: u64) -> Option<u64> {
        let count = tail.wrapping_sub(head);
        let can_be = count <= self.capacity;
        if !can_be {
            self.contradicts.store(true, Ordering::Relaxed);
        }
        can_be.then_some(count)
    }

    /// Where the header is.
    #[cfg(test)]
    pub(super) fn shared_words(&self) -> std::ops::Range<usize> {
        crate::probe::bytes_of(self.header())
    }

    fn inline_maximum(&self) -> u64 {
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
    fn write_slot(&self, number: u64, entry: &ItemRecord, head: &[u8]) {
        let slot = self.slot_of(number);
        // SAFETY: slots lie in the mapping (`mapped_length`) and are aligned, being powers of two
        // of at least 128 bytes behind a header of whole pages. No item is in this one: the
        // caller, who alone writes, has seen by `head` that the last one was copied out of it.
        unsafe { slot.write(*entry) };
        if entry.place == Storage::Slot as u32 {
            debug_assert!(head.len() as u64 <= self.inline_maximum());
            let target = slot.wrapping_add(1).cast::<u8>();
            // SAFETY: as above; the head fits (`push_locked`) and lies in this process's memory.
            unsafe { ptr::copy_nonoverlapping(head.as_ptr(), target, head.len()) };
        }
    }

    /// Reads an item that is there, and its bytes if it is short and says of itself what can be. The
    /// caller holds the lock for popping.
    fn read_slot(&self, number: u64) -> (ItemRecord, Option<Message>) {
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

fn header(mapping: &Mapping) -> &QueueHeader {
    // SAFETY: queues are mapped with their header (`mapped_length`), and mappings begin at a page.
    // All fields are atomic integers, of which any bytes are a value.
    unsafe { mapping.base().cast().as_ref() }
}

fn to_usize(length: u64) -> io::Result<usize> {
    usize::try_from(length).map_err(|_| scarcity::no_memory())
}

/// What a queue is that something wrote over.
pub(super) fn damaged() -> io::Error {
    let text = "the queue is damaged: a process overwrote its memory";
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// What an item is that cannot be one.
fn damaged_item() -> io::Error {
    let text = "the item is damaged: a process overwrote the memory of the queue";
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// Bytes before the slots.
const HEADER: u64 = PAGE;
const _: () = assert!(size_of::<QueueHeader>() as u64 <= HEADER);
const _: () = assert!(size_of::<ItemRecord>() as u64 + 64 <= SMALLEST_SLOT);

/// Bytes of the header and the slots.
fn mapped_length(capacity: u64, slot: u64) -> Option<u64> {
    let slots = capacity.checked_mul(slot)?;
    slots.checked_add(HEADER)?.checked_next_multiple_of(PAGE)
}
