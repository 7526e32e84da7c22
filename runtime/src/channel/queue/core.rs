//! The queue itself: bytes and descriptors, no types.
//!
//! # What lies where
//!
//! The queue's file begins with a header and a ring of slots ([`Ring`]), which every process maps. A slot has an
//! [`ItemRecord`] and room for a short item; the bytes of longer ones lie behind, in one of two rings of bytes: the
//! first ([`Warm`]) is small, so that its memory stays warm, and mapped as well; the second ([`Area`]) has no bounds
//! that matter, and its memory is given back. Descriptors are in flight in a socket pair ([`Parcels`]).
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

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::area::Area;
use super::event::EventCount;
use super::parcels::Parcels;
use super::ring::{ItemRecord, QueueHeader, Ring, Storage, damaged};
use super::warm::{WARM, Warm};
use crate::codec::{Message, Output};
use crate::raw::{Inside, Monitor, Participant};
use crate::spin::spin_a_little;
use crate::sys::atomic::step;
use crate::sys::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::sys::memory;
use crate::sys::notify_fd::NotifyFd;
use crate::sys::scarcity;

/// More than any memory holds.
const COLD: u64 = 1 << 42;

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
    ring: Ring,
    warm: Warm,
    member: Participant,
    /// Whether this process has seen numbers that contradict each other.
    contradicts: AtomicBool,
    handles: QueueHandles,
}

/// What stands for the queue in a message.
#[derive(Debug, Clone)]
pub(super) struct QueueHandles {
    pub(super) memory: Arc<OwnedFd>,
    /// Readable when those who poll have to look.
    pub(super) bell: NotifyFd,
    pub(super) parcels: Parcels,
}

impl Core {
    /// Makes a queue.
    pub(super) fn create(capacity: usize) -> io::Result<Core> {
        let (memory, ring) = Ring::create(capacity)?;
        let handles = QueueHandles {
            memory: Arc::new(memory),
            bell: NotifyFd::new()?,
            parcels: Parcels::new()?,
        };
        Core::enter(handles, ring)
    }

    /// Opens a queue that came in a message.
    pub(super) fn open(handles: QueueHandles) -> io::Result<Core> {
        let ring = Ring::open(&handles.memory)?;
        Core::enter(handles, ring)
    }

    fn enter(handles: QueueHandles, ring: Ring) -> io::Result<Core> {
        Ok(Core {
            member: Participant::enter(handles.memory.as_fd(), &ring.header().marks)?,
            contradicts: AtomicBool::new(false),
            warm: Warm::new(Arc::clone(ring.mapping())),
            ring,
            handles,
        })
    }

    /// The same queue as another process would have it, at the same place in memory.
    #[cfg(test)]
    pub(super) fn of_another_process(&self) -> Core {
        Core::enter(self.handles.clone(), self.ring.clone()).unwrap()
    }

    pub(super) fn handles(&self) -> &QueueHandles {
        &self.handles
    }

    pub(super) fn capacity(&self) -> usize {
        usize::try_from(self.ring.capacity()).unwrap_or(usize::MAX)
    }

    /// How many items are there; old news when it is returned.
    pub(super) fn len(&self) -> usize {
        let head = self.header().popping.0.head.load(Ordering::Acquire);
        let tail = self.header().pushing.0.tail.load(Ordering::Acquire);
        usize::try_from(tail.saturating_sub(head).min(self.ring.capacity())).unwrap_or(usize::MAX)
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
        if self.count(head, tail).ok_or_else(damaged)? == self.ring.capacity() {
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
        if !output.splices.is_empty() || entry.length > self.ring.inline_maximum() {
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
            let parcels = &self.handles.parcels;
            let sent = match parcels.send(&pushing.parcel, &output.attachments) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && head == tail => {
                    // What is in the way belongs to no item.
                    // Who pops does not push meanwhile, so the order of the two locks is always this.
                    let held = self.hold(&popping.lock, None);
                    parcels.discard();
                    drop(held);
                    entry.parcel = pushing.parcel.load(Ordering::Relaxed);
                    parcels.send(&pushing.parcel, &output.attachments)
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
        self.ring.write_slot(tail, &entry, &output.head);
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
        let (entry, inline) = self.ring.read_slot(head);
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
        let parcels = &self.handles.parcels;
        let attachments = parcels.receive(entry.parcel, entry.attachments as usize);
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
            let length = usize::try_from(length).map_err(|_| scarcity::no_memory())?;
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

    /// Takes a lock; `None` if the deadline came first.
    fn hold<'a>(&self, lock: &'a Monitor, deadline: Option<Instant>) -> Option<Inside<'a>> {
        // What the last holder left when it died needs no repair: see the module.
        lock.enter_until(&self.member, deadline, || {})
    }

    fn cold_area(&self) -> Area {
        Area {
            start: self.ring.mapping().length() as u64,
            size: COLD,
        }
    }

    fn header(&self) -> &QueueHeader {
        self.ring.header()
    }

    /// Whether something wrote over the queue, as far as this process has seen.
    pub(super) fn is_damaged(&self) -> bool {
        !self.ring.is_intact() || self.contradicts.load(Ordering::Relaxed)
    }

    /// How many items are there, for one who has a lock; `None` if that cannot be.
    fn count(&self, head: u64, tail: u64) -> Option<u64> {
        let count = tail.wrapping_sub(head);
        let can_be = count <= self.ring.capacity();
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
}

/// What an item is that cannot be one.
fn damaged_item() -> io::Error {
    let text = "the item is damaged: a process overwrote the memory of the queue";
    io::Error::new(io::ErrorKind::InvalidData, text)
}
