//! A reference to a cell: counted in this process, recorded in the region for the others.
//!
//! # One mapping a process
//!
//! A process is one holder in a region, under one number, and has one object for each cell that it
//! holds. So it maps a region once, however many handles into it arrive: [`Attached::open`] keeps a
//! table by the file's identity.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::cells::Cells;
use super::kind::CellKind;
use super::region::Region;
use crate::codec::Error;
use crate::codec::handle::Parts;
use crate::lock::lock;
use crate::raw::Holders;
use crate::sys::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::sys::memory::{self, FileId};

/// A handle as it is in a message; the region's descriptor stands beside it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address {
    pub(super) region: u64,
    pub(super) cell: u32,
    pub(super) generation: u32,
}

impl Address {
    pub(super) fn to_numbers(self) -> [u64; 2] {
        let place = u64::from(self.cell) << 32 | u64::from(self.generation);
        [self.region, place]
    }

    pub(super) fn from_numbers([region, place]: [u64; 2]) -> Option<Address> {
        Some(Address {
            region,
            cell: u32::try_from(place >> 32).ok()?,
            generation: u32::try_from(place & u64::from(u32::MAX)).ok()?,
        })
    }
}

/// A region that this process has mapped, and what it holds there.
#[derive(Debug)]
pub(super) struct Attached {
    region: Region,
    objects: Mutex<HashMap<u32, Weak<Object>>>,
}

/// What this process has of a cell. There is one for all handles to it.
pub(crate) struct Object {
    attached: Arc<Attached>,
    cell: u32,
    generation: u32,
    /// Whether a message may hold the cell under this process's number.
    lent: AtomicBool,
}

static ATTACHED: Mutex<Option<HashMap<FileId, Weak<Attached>>>> = Mutex::new(None);

impl Attached {
    /// A new region of `cells` cells.
    pub(super) fn create(cell_size: usize, cells: u32) -> io::Result<Arc<Attached>> {
        let region = Region::create(cell_size, cells)?;
        Ok(Attached::register(region, &mut table()))
    }

    /// The region that a descriptor stands for.
    fn open(file: BorrowedFd<'_>) -> io::Result<Arc<Attached>> {
        let identity = memory::identity(file)?;
        let mut table = table();
        let known = table.get_or_insert_default().get(&identity);
        if let Some(attached) = known.and_then(Weak::upgrade) {
            return Ok(attached);
        }
        Ok(Attached::register(Region::open(file)?, &mut table))
    }

    fn register(region: Region, table: &mut Table<'_>) -> Arc<Attached> {
        let attached = Arc::new(Attached {
            region,
            objects: Mutex::default(),
        });
        table
            .get_or_insert_default()
            .insert(attached.region.identity(), Arc::downgrade(&attached));
        attached
    }

    pub(super) fn region(&self) -> &Region {
        &self.region
    }

    /// An object with a free cell; `None` if there is none, or if another process made the region.
    pub(super) fn allocate(self: &Arc<Self>) -> Option<Arc<Object>> {
        // No handle that arrives damaged can take the cell for its own before this is over.
        let mut objects = lock(&self.objects);
        let (cell, generation) = self.region.take()?;
        let object = Arc::new(Object::new(self, cell, generation));
        objects.insert(cell, Arc::downgrade(&object));
        Some(object)
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        if let Some(attached) = &mut *table()
            && let Some(entry) = attached.get(&self.region.identity())
            && entry.strong_count() == 0
        {
            attached.remove(&self.region.identity());
        }
    }
}

type Table<'a> = MutexGuard<'a, Option<HashMap<FileId, Weak<Attached>>>>;

fn table() -> Table<'static> {
    lock(&ATTACHED)
}

impl Object {
    fn new(attached: &Arc<Attached>, cell: u32, generation: u32) -> Object {
        Object {
            attached: Arc::clone(attached),
            cell,
            generation,
            lent: AtomicBool::new(false),
        }
    }

    fn region(&self) -> &Region {
        &self.attached.region
    }

    fn cells(&self) -> Cells<'_> {
        self.region().holder().cells()
    }

    /// Says what lives in the cell.
    pub(super) fn publish(&self, kind: CellKind, type_hash: u64, elements: usize) {
        let record = self.region().layout().record(self.cell);
        record.publish(kind, type_hash, elements);
    }

    /// The number of elements, if it is this that lives in the cell.
    pub(super) fn is(&self, kind: CellKind, type_hash: u64) -> Option<usize> {
        self.region().layout().record(self.cell).is(kind, type_hash)
    }

    /// The memory of the cell.
    pub(super) fn payload(&self) -> NonNull<u8> {
        self.region().layout().payload(self.cell)
    }

    /// How much memory that is.
    pub(super) fn size(&self) -> usize {
        self.region().layout().cell_size()
    }

    /// Whether the cell is the first and the only one of its region: what is not written yet is zero,
    /// as the kernel gives it.
    pub(super) fn is_dedicated(&self) -> bool {
        self.region().is_dedicated()
    }

    /// Adds a reference to what a handle is made of: a descriptor, and an address.
    pub(super) fn pack(&self, parts: &mut Parts) -> Result<(), Error> {
        let transit = self.region().in_transit();
        if transit.lent {
            self.lent.store(true, Ordering::Relaxed);
        } else if !self
            .cells()
            .acquire(self.cell, self.generation, transit.holder)
        {
            return Err(Error::damaged_handle());
        }
        parts.attach(&transit.descriptor);
        let address = Address {
            region: self.region().layout().id(),
            cell: self.cell,
            generation: self.generation,
        };
        parts.numbers.extend(address.to_numbers());
        Ok(())
    }

    /// Takes the reference that a handle is made of. The message's descriptor is still open.
    pub(super) fn unpack(descriptor: &OwnedFd, address: [u64; 2]) -> Result<Arc<Object>, Error> {
        let address = Address::from_numbers(address).ok_or_else(Error::damaged_handle)?;
        let attached = Attached::open(descriptor.as_fd()).map_err(Error::display)?;
        let region = &attached.region;
        if region.layout().id() != address.region || address.cell >= region.layout().cells() {
            return Err(Error::damaged_handle());
        }
        let mut objects = lock(&attached.objects);
        if let Some(object) = objects.get(&address.cell).and_then(Weak::upgrade) {
            drop(objects);
            return if object.generation == address.generation {
                Ok(object)
            } else {
                Err(Error::damaged_handle())
            };
        }
        let holder = region.holder();
        let cells = holder.cells();
        if !cells.acquire(address.cell, address.generation, holder.me()) {
            return Err(Error::damaged_handle());
        }
        let object = Arc::new(Object::new(&attached, address.cell, address.generation));
        objects.insert(address.cell, Arc::downgrade(&object));
        drop(objects);
        Ok(object)
    }

    /// Who is alive among those that hold cells of the region.
    #[inline]
    pub(crate) fn holders(&self) -> &dyn Holders {
        self.region().holder()
    }

    /// Whether only the caller has the cell: no handle here, no process, no message.
    pub(super) fn is_alone(self: &Arc<Self>) -> bool {
        // A message that arrives here gives up its hold when there is a handle already.
        !self.lent.load(Ordering::Relaxed)
            && self.cells().is_alone(self.cell)
            && Arc::strong_count(self) == 1
    }

    /// As [`is_alone`](Object::is_alone), but waits a while for those that are about to let go: a process that
    /// has just sent the cell drops it only afterwards. Other handles in this process are not waited for.
    pub(super) fn is_soon_alone(self: &Arc<Self>, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut pause = Duration::from_micros(10);
        loop {
            if self.is_alone() {
                return true;
            }
            let is_hopeless = self.lent.load(Ordering::Relaxed) || Arc::strong_count(self) > 1;
            if is_hopeless || Instant::now() >= deadline {
                return false;
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(1));
        }
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        if self.region().holder().is_copied() {
            // The cell is held by the original, which has not dropped anything.
            return;
        }
        let mut objects = lock(&self.attached.objects);
        // A handle may have arrived since the last one went; then the cell is its.
        let ours = std::ptr::from_ref(self);
        match objects.get(&self.cell) {
            Some(entry) if std::ptr::eq(entry.as_ptr(), ours) => {}
            _ => return,
        }
        objects.remove(&self.cell);
        if !self.lent.load(Ordering::Relaxed) {
            self.region().release(self.cell);
        }
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("cell", &self.cell)
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}
