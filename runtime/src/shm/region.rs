//! A file in memory that several processes map, divided into equal cells.
//!
//! ```text
//! header │ records, one a cell │ cells
//! ```
//!
//! # Who holds what
//!
//! A *holder* is a number below [`HOLDERS`]. It belongs to a process that has the region mapped,
//! or to a message on its way that carries handles into the region. Whoever has the number keeps
//! the lock on the region's byte of that number ([`presence`]) through an opening of the file of
//! its own; the message carries its opening as a descriptor. The kernel unlocks the byte when the
//! process has died or the message was thrown away, so anybody can ask whether a holder is alive,
//! and the number of a dead one can be claimed by the next.
//!
//! A cell's record has a bit for each holder. The cell lives while a living holder's bit is set.
//!
//! | step | why it is safe to die right after it |
//! |---|---|
//! | a number is claimed (its byte locked) | the byte is unlocked; the next claimant begins anew |
//! | the number is marked used | the next claimant wipes what its predecessor left: nothing |
//! | leftovers of the predecessor are wiped from each cell | the next claimant wipes the rest |
//! | a bit is set | a dead holder's bit counts for nothing |
//! | the record's change count is raised | likewise |
//! | a bit is cleared | the cell is free if it was the last: found by the next sweep |
//!
//! # Who frees
//!
//! Only the process that created a region allocates in it, so the list of free cells is that
//! process's own. It frees a cell when it finds no bit of a living holder: on dropping its own
//! handle, and on sweeping when it needs room. Bits are looked at one word after the other, while
//! a reference may move from a word not yet seen to one already seen. But a new bit is set, and
//! the change count raised, before the old one goes; so the cell is only freed if the record has
//! not changed since before the first look.
//!
//! When the creator dies the others go on; the region ends with its last mapping, descriptor
//! and message, as every file does.
//!
//! # One mapping a process
//!
//! Robust mutexes must be unlocked at the address they were locked at. A process therefore maps a
//! region once, however many handles into it arrive: [`Region::open`] keeps a table by the file's
//! identity.

#![expect(
    unsafe_code,
    reason = "the region's header and records are reached through pointers"
)]

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::object::Object;
use crate::sync::raw::{HOLDERS, Holders, Kind};
use crate::sys::memory::{self, Identity, Mapping};
use crate::sys::presence;

const MAGIC: u64 = u64::from_ne_bytes(*b"mpregion");
const PAGE: usize = 4096;

/// Messages take their numbers from here on, so that many messages do not keep processes out.
const FIRST_FOR_MESSAGES: u32 = HOLDERS / 4;

const WORDS: usize = HOLDERS as usize / 64;

/// Written once, before anybody else sees it; only `cursor` and `used` change later.
#[repr(C, align(64))]
struct Header {
    magic: AtomicU64,
    /// A number of its own, so that a handle can be told from one into another region.
    id: AtomicU64,
    cell_size: AtomicU64,
    cells: AtomicU64,
    /// Where the search for a message's number begins.
    cursor: AtomicU32,
    /// Holders that may have left something in the cells.
    used: [AtomicU64; WORDS],
    /// How often each number was given out to a process or message.
    claims: [AtomicU32; HOLDERS as usize],
}

/// What is known of a cell.
#[repr(C, align(64))]
pub(super) struct Record {
    state: AtomicU64,
    holders: [AtomicU64; WORDS],
    /// The type that lives there.
    kind: AtomicU32,
    type_hash: AtomicU64,
    elements: AtomicU64,
}

/// The state of a record: generation, whether it is alive, number of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State(u64);

impl State {
    const ALIVE: u64 = 1 << 31;
    const CHANGES: u64 = Self::ALIVE - 1;

    fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }

    fn is_alive(self) -> bool {
        self.0 & Self::ALIVE != 0
    }

    fn changed(self) -> State {
        State(self.0 & !Self::CHANGES | (self.0 + 1) & Self::CHANGES)
    }

    fn born(self) -> State {
        State(self.0 | Self::ALIVE)
    }

    /// Not alive, of the next generation.
    fn freed(self) -> State {
        State(u64::from(self.generation().wrapping_add(1)) << 32)
    }
}

/// A handle as it is written into a message; the region's descriptor stands beside it.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(super) struct Address {
    pub(super) region: u64,
    pub(super) cell: u32,
    pub(super) generation: u32,
}

/// A region as this process sees it.
#[derive(Debug)]
pub(crate) struct Region {
    mapping: Mapping,
    /// Our own opening of the file, with the lock on our number.
    file: Arc<OwnedFd>,
    identity: Identity,
    id: u64,
    cell_size: usize,
    cells: u32,
    me: u32,
    /// Our number and how often it was given out.
    mark: u32,
    /// What this process holds here.
    objects: Mutex<HashMap<u32, Weak<Object>>>,
    /// The opening that handles are sent with, as long as a message that is being written has it.
    transit: Mutex<Option<(Weak<OwnedFd>, u32)>>,
    /// The free cells, if this process created the region.
    free: Option<Mutex<Free>>,
}

#[derive(Debug, Default)]
struct Free {
    /// Cells from here on have never been used.
    fresh: u32,
    again: Vec<u32>,
}

/// What keeps a handle alive on its way.
pub(super) struct Passage {
    pub(super) descriptor: Arc<OwnedFd>,
    /// Whose bit stands for the message; in a dedicated region none has to.
    pub(super) holder: u32,
    /// Whether that is this process itself, because no other number was to be had.
    pub(super) lent: bool,
}

static REGIONS: Mutex<Option<HashMap<Identity, Weak<Region>>>> = Mutex::new(None);

impl Region {
    /// A new region of `cells` cells.
    pub(super) fn create(cell_size: usize, cells: u32) -> io::Result<Arc<Region>> {
        let length = data_offset(cells)
            .and_then(|offset| {
                let data = cell_size.checked_mul(cells as usize)?;
                offset.checked_add(data)
            })
            .ok_or(io::ErrorKind::OutOfMemory)?;
        let file = memory::create(length)?;
        let mapping = Mapping::new(file.as_fd(), length)?;
        let id = RandomState::new().hash_one(memory::identity(file.as_fd())?);
        // SAFETY: the mapping begins with zeros, which are a header, and is longer than one.
        let header = unsafe { mapping.base().cast::<Header>().as_ref() };
        header.id.store(id, Ordering::Relaxed);
        header.cell_size.store(cell_size as u64, Ordering::Relaxed);
        header.cells.store(cells.into(), Ordering::Relaxed);
        header.magic.store(MAGIC, Ordering::Release);
        Region::enter(file.as_fd(), mapping, Some(Mutex::default()), &mut table())
    }

    /// The region that a descriptor stands for.
    pub(super) fn open(file: BorrowedFd<'_>) -> io::Result<Arc<Region>> {
        let identity = memory::identity(file)?;
        let mut table = table();
        let regions = table.get_or_insert_default();
        if let Some(region) = regions.get(&identity).and_then(Weak::upgrade) {
            return Ok(region);
        }
        let (_, length) = memory::inspect(file)?;
        if length < size_of::<Header>() {
            return Err(damaged());
        }
        let mapping = Mapping::new(file, length)?;
        Region::enter(file, mapping, None, &mut table)
    }

    fn enter(
        file: BorrowedFd<'_>,
        mapping: Mapping,
        free: Option<Mutex<Free>>,
        table: &mut Table<'_>,
    ) -> io::Result<Arc<Region>> {
        // SAFETY: the mapping is as long as a header, aligned to a page, and whatever is there
        // is a value: all fields are atomic integers.
        let header = unsafe { mapping.base().cast::<Header>().as_ref() };
        let cells = header.cells.load(Ordering::Relaxed);
        let cell_size = header.cell_size.load(Ordering::Relaxed);
        let (Ok(cells), Ok(cell_size)) = (u32::try_from(cells), usize::try_from(cell_size)) else {
            return Err(damaged());
        };
        let end = data_offset(cells)
            .and_then(|offset| cell_size.checked_mul(cells as usize)?.checked_add(offset));
        if header.magic.load(Ordering::Acquire) != MAGIC
            || end.is_none_or(|end| end > mapping.length())
            || !cell_size.is_multiple_of(64)
        {
            return Err(damaged());
        }
        let file = Arc::new(memory::reopen(file)?);
        let identity = memory::identity(file.as_fd())?;
        let id = header.id.load(Ordering::Relaxed);
        let mut region = Region {
            mapping,
            file,
            identity,
            id,
            cell_size,
            cells,
            me: HOLDERS,
            mark: 0,
            objects: Mutex::default(),
            transit: Mutex::default(),
            free,
        };
        region.me = region
            .claim(region.file.as_fd(), 0..HOLDERS)?
            .ok_or_else(|| {
                io::Error::other(format!(
                    "more than {HOLDERS} processes and messages share one region of memory"
                ))
            })?;
        region.mark = mark(region.me, region.claims(region.me));
        let region = Arc::new(region);
        table
            .get_or_insert_default()
            .insert(region.identity, Arc::downgrade(&region));
        Ok(region)
    }

    /// Claims a number for whoever has this opening of the file; `None` if all are taken.
    fn claim(
        &self,
        opening: BorrowedFd<'_>,
        mut numbers: impl Iterator<Item = u32>,
    ) -> io::Result<Option<u32>> {
        numbers
            .find_map(|number| match presence::try_hold(opening, number) {
                Ok(false) => None,
                Ok(true) => {
                    let claims = &self.header().claims[number as usize];
                    claims.fetch_add(1, Ordering::SeqCst);
                    self.begin(number);
                    Some(Ok(number))
                }
                Err(error) => Some(Err(error)),
            })
            .transpose()
    }

    /// Wipes what an earlier holder of a number left. The number is ours now, so nobody else
    /// sets its bits.
    fn begin(&self, number: u32) {
        let (word, bit) = place(number);
        let used = &self.header().used[word];
        if used.fetch_or(bit, Ordering::AcqRel) & bit == 0 {
            return;
        }
        for cell in 0..self.cells {
            let holders = &self.record(cell).holders[word];
            // The creator may be freeing the cell, having found the number's holder dead. Once
            // the change count is raised, it can not any more; if it has, the bit is gone.
            if holders.load(Ordering::SeqCst) & bit != 0
                && self.change(cell, |_| true)
                && holders.load(Ordering::SeqCst) & bit != 0
            {
                self.wipe(cell, number);
                holders.fetch_and(!bit, Ordering::SeqCst);
            }
        }
    }

    /// Raises the change count of a cell that is alive, if its generation is right.
    fn change(&self, cell: u32, is_right: impl Fn(u32) -> bool) -> bool {
        let state = &self.record(cell).state;
        let mut known = State(state.load(Ordering::SeqCst));
        while known.is_alive() && is_right(known.generation()) {
            let changed = known.changed();
            match state.compare_exchange(known.0, changed.0, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return true,
                Err(other) => known = State(other),
            }
        }
        false
    }

    /// Takes back what a dead holder, or ourselves through handles that are gone, had taken in
    /// the cell: permits, read locks.
    pub(super) fn wipe(&self, cell: u32, number: u32) {
        let kind = Kind::from_number(self.record(cell).kind.load(Ordering::Acquire));
        // SAFETY: a kind is only recorded when the cell's state machine has been made, and the
        // caller knows that the number's bit is set, so the cell has not been freed since.
        unsafe { kind.wipe(self.payload(cell), self, number) };
    }

    /// Whether a thread of this process has a lock in the cell.
    pub(super) fn is_locked(&self, cell: u32) -> bool {
        let kind = Kind::from_number(self.record(cell).kind.load(Ordering::Acquire));
        // SAFETY: as in `wipe`; the cell is the caller's.
        unsafe { kind.is_locked_by(self.payload(cell), self.mark) }
    }

    /// What a message needs to carry handles into this region.
    pub(super) fn passage(&self) -> Passage {
        let mut transit = lock(&self.transit);
        if let Some((descriptor, holder)) = &*transit
            && let Some(descriptor) = descriptor.upgrade()
        {
            return Passage {
                descriptor,
                holder: *holder,
                lent: false,
            };
        }
        match self.new_passage() {
            Ok(Some((descriptor, holder))) => {
                *transit = Some((Arc::downgrade(&descriptor), holder));
                Passage {
                    descriptor,
                    holder,
                    lent: false,
                }
            }
            // No number or no descriptor is left: our own carries the handle, too.
            Ok(None) | Err(_) => Passage {
                descriptor: Arc::clone(&self.file),
                holder: self.me,
                lent: true,
            },
        }
    }

    fn new_passage(&self) -> io::Result<Option<(Arc<OwnedFd>, u32)>> {
        let opening = memory::reopen(self.file.as_fd())?;
        if self.is_dedicated() {
            return Ok(Some((Arc::new(opening), self.me)));
        }
        let cursor = self.header().cursor.fetch_add(1, Ordering::Relaxed);
        let count = HOLDERS - FIRST_FOR_MESSAGES;
        let numbers = (0..count).map(|step| FIRST_FOR_MESSAGES + cursor.wrapping_add(step) % count);
        let number = self.claim(opening.as_fd(), numbers)?;
        Ok(number.map(|number| (Arc::new(opening), number)))
    }

    /// Sets a holder's bit on a cell; false if the cell is not alive in that generation.
    ///
    /// The number is ours or that of a message of ours.
    pub(super) fn acquire(&self, cell: u32, generation: u32, number: u32) -> bool {
        let (word, bit) = place(number);
        let holders = &self.record(cell).holders[word];
        let before = holders.fetch_or(bit, Ordering::SeqCst);
        let acquired = self.change(cell, |living| living == generation);
        if !acquired && before & bit == 0 {
            holders.fetch_and(!bit, Ordering::SeqCst);
        }
        acquired
    }

    /// Clears our bit on a cell, and frees the cell if that was the last.
    pub(super) fn release(&self, cell: u32) {
        self.wipe(cell, self.me);
        let (word, bit) = place(self.me);
        self.record(cell).holders[word].fetch_and(!bit, Ordering::SeqCst);
        // A dedicated region is its object's as long as any descriptor is on its way.
        if !self.is_dedicated()
            && let Some(free) = &self.free
            && self.try_free(cell)
        {
            lock(free).again.push(cell);
        }
    }

    /// Whether no living holder but this process has the cell.
    pub(super) fn is_alone(&self, cell: u32) -> bool {
        let record = self.record(cell);
        let state = record.state.load(Ordering::SeqCst);
        let others = |holder| holder != self.me && self.is_alive(holder);
        !any_holder(record, others) && record.state.load(Ordering::SeqCst) == state
    }

    /// Frees a cell that no living holder has. Only the creator asks.
    fn try_free(&self, cell: u32) -> bool {
        let record = self.record(cell);
        let state = State(record.state.load(Ordering::SeqCst));
        if !state.is_alive() || any_holder(record, |holder| self.is_alive(holder)) {
            return false;
        }
        let freed = record.state.compare_exchange(
            state.0,
            state.freed().0,
            Ordering::SeqCst,
            Ordering::SeqCst,
        );
        if freed.is_ok() {
            for holders in &record.holders {
                holders.store(0, Ordering::SeqCst);
            }
            record.kind.store(0, Ordering::SeqCst);
        }
        freed.is_ok()
    }

    /// A free cell for an object of ours; `None` if there is none or the region is another's.
    pub(super) fn allocate(self: &Arc<Self>) -> Option<Arc<Object>> {
        // No handle that arrives damaged can take the cell for its own before this is over.
        let mut objects = self.objects();
        let mut free = lock(self.free.as_ref()?);
        let cell = match free.again.pop() {
            Some(cell) => cell,
            None if free.fresh < self.cells => {
                free.fresh += 1;
                free.fresh - 1
            }
            None => return None,
        };
        drop(free);
        let record = self.record(cell);
        let (word, bit) = place(self.me);
        record.holders[word].fetch_or(bit, Ordering::SeqCst);
        let state = State(record.state.load(Ordering::SeqCst)).born();
        record.state.store(state.0, Ordering::SeqCst);
        let object = Arc::new(Object::new(self, cell, state.generation()));
        objects.insert(cell, Arc::downgrade(&object));
        Some(object)
    }

    /// Frees what nobody alive holds, and says how many cells are free then.
    pub(super) fn sweep(&self) -> usize {
        let Some(free) = &self.free else { return 0 };
        let fresh = lock(free).fresh;
        // Nothing of ours is asked for: our own bit keeps it.
        let mut found: Vec<u32> = (0..fresh).filter(|cell| self.try_free(*cell)).collect();
        let mut free = lock(free);
        free.again.append(&mut found);
        free.again.len() + (self.cells - free.fresh) as usize
    }

    pub(super) fn record(&self, cell: u32) -> &Record {
        assert!(cell < self.cells, "a cell beyond the end of its region");
        // The header is as long as a multiple of its alignment, which is a record's too.
        let header = self.mapping.base().cast::<Header>().as_ptr();
        let records = header.wrapping_add(1).cast::<Record>();
        let record = records.wrapping_add(cell as usize);
        // SAFETY: `enter` has checked that the mapping holds the records of all cells; zeros and
        // everything else are values, since all fields are atomic integers.
        unsafe { &*record }
    }

    pub(super) fn payload(&self, cell: u32) -> NonNull<u8> {
        assert!(cell < self.cells, "a cell beyond the end of its region");
        let offset = data_offset(self.cells).unwrap_or(0) + cell as usize * self.cell_size;
        // SAFETY: `enter` has checked that the mapping holds all cells.
        unsafe { self.mapping.base().add(offset) }
    }

    fn header(&self) -> &Header {
        // SAFETY: as in `enter`; the mapping lives as long as `self`.
        unsafe { self.mapping.base().cast::<Header>().as_ref() }
    }

    fn claims(&self, number: u32) -> u32 {
        self.header().claims[number as usize].load(Ordering::SeqCst)
    }

    pub(super) fn objects(&self) -> MutexGuard<'_, HashMap<u32, Weak<Object>>> {
        lock(&self.objects)
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn cells(&self) -> u32 {
        self.cells
    }

    pub(super) fn cell_size(&self) -> usize {
        self.cell_size
    }

    /// Whether the region is there for one object alone, and so lives exactly as long.
    pub(super) fn is_dedicated(&self) -> bool {
        self.cells == 1
    }
}

impl Record {
    /// Says what lives in the cell. Only its creator does, once.
    pub(super) fn publish(&self, kind: Kind, type_hash: u64, elements: usize) {
        self.type_hash.store(type_hash, Ordering::Relaxed);
        self.elements.store(elements as u64, Ordering::Relaxed);
        self.kind.store(kind as u32, Ordering::Release);
    }

    /// The number of elements, if it is this that lives in the cell.
    pub(super) fn is(&self, kind: Kind, type_hash: u64) -> Option<usize> {
        let kind_is = self.kind.load(Ordering::Acquire) == kind as u32;
        let type_is = self.type_hash.load(Ordering::Relaxed) == type_hash;
        if !kind_is || !type_is {
            return None;
        }
        usize::try_from(self.elements.load(Ordering::Relaxed)).ok()
    }
}

impl Holders for Region {
    fn me(&self) -> u32 {
        self.me
    }

    fn is_alive(&self, holder: u32) -> bool {
        // Where the kernel does not answer, nobody is declared dead.
        holder == self.me || presence::is_held(self.file.as_fd(), holder).unwrap_or(true)
    }

    #[inline]
    fn mark(&self) -> u32 {
        self.mark
    }

    fn is_mark_alive(&self, known: u32) -> bool {
        let number = self.number(known);
        // Given out since, or damaged: whoever had that mark is gone.
        number < HOLDERS && mark(number, self.claims(number)) == known && self.is_alive(number)
    }

    fn number(&self, mark: u32) -> u32 {
        mark % MARKS
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        if let Some(regions) = &mut *table()
            && let Some(entry) = regions.get(&self.identity)
            && entry.strong_count() == 0
        {
            regions.remove(&self.identity);
        }
    }
}

type Table<'a> = MutexGuard<'a, Option<HashMap<Identity, Weak<Region>>>>;

fn table() -> Table<'static> {
    lock(&REGIONS)
}

/// What our own locks protect is whole between any two steps, so a panic leaves nothing broken.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// More than there are numbers.
const MARKS: u32 = HOLDERS * 2;

/// Not 0, and within 31 bits. After millions of claims they repeat.
fn mark(number: u32, claims: u32) -> u32 {
    const MOST: u32 = (1 << 31) / MARKS - 1;
    (claims % MOST + 1) * MARKS + number
}

fn place(number: u32) -> (usize, u64) {
    (number as usize / 64, 1 << (number % 64))
}

/// Whether one of a cell's holders, dead or alive, is such.
fn any_holder(record: &Record, mut is_such: impl FnMut(u32) -> bool) -> bool {
    (0..).zip(&record.holders).any(|(word, holders)| {
        let mut bits = holders.load(Ordering::SeqCst);
        while bits != 0 {
            if is_such(word * 64 + bits.trailing_zeros()) {
                return true;
            }
            bits &= bits - 1;
        }
        false
    })
}

/// Where the cells begin.
fn data_offset(cells: u32) -> Option<usize> {
    let records = size_of::<Record>().checked_mul(cells as usize)?;
    records
        .checked_add(size_of::<Header>())?
        .checked_next_multiple_of(PAGE)
}

fn damaged() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "a handle to shared memory is damaged",
    )
}
