//! A reference to a cell: counted in this process, recorded in the region for the others.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use super::arena;
use super::region::{Address, Region};
use crate::codec::Error;
use crate::codec::handle::Parts;
use crate::sync::raw::{Holders, Kind};

/// What this process has of a cell. There is one for all handles to it.
pub(crate) struct Object {
    region: Arc<Region>,
    cell: u32,
    generation: u32,
    /// A message may hold the cell in our name.
    lent: AtomicBool,
}

impl Object {
    /// A new cell. What is in it has still to be made and [published](Object::publish).
    pub(super) fn allocate(size: usize, align: usize) -> io::Result<Arc<Object>> {
        arena::allocate(size, align)
    }

    pub(super) fn new(region: &Arc<Region>, cell: u32, generation: u32) -> Object {
        Object {
            region: Arc::clone(region),
            cell,
            generation,
            lent: AtomicBool::new(false),
        }
    }

    /// Says what lives in the cell.
    pub(super) fn publish(&self, kind: Kind, type_hash: u64, elements: usize) {
        self.region
            .layout()
            .record(self.cell)
            .publish(kind, type_hash, elements);
    }

    /// The number of elements, if it is this that lives in the cell.
    pub(super) fn is(&self, kind: Kind, type_hash: u64) -> Option<usize> {
        self.region.layout().record(self.cell).is(kind, type_hash)
    }

    /// The memory of the cell.
    pub(super) fn payload(&self) -> NonNull<u8> {
        self.region.layout().payload(self.cell)
    }

    /// How much memory that is.
    pub(super) fn size(&self) -> usize {
        self.region.layout().cell_size()
    }

    /// Adds a reference to what a handle is made of: a descriptor, and an address.
    pub(super) fn pack(&self, parts: &mut Parts) -> Result<(), Error> {
        let passage = self.region.passage();
        if self.region.is_dedicated() {
            // The region, and with it the object, lives as long as any descriptor of it.
        } else if passage.lent {
            self.lent.store(true, Ordering::Relaxed);
        } else if !self
            .region
            .holder()
            .acquire(self.cell, self.generation, passage.holder)
        {
            return Err(Error::damaged_handle());
        }
        parts.attach(&passage.descriptor);
        let address = Address {
            region: self.region.layout().id(),
            cell: self.cell,
            generation: self.generation,
        };
        parts.numbers.extend(address.to_numbers());
        Ok(())
    }

    /// Takes the reference that a handle is made of. The message's descriptor is still open.
    pub(super) fn unpack(descriptor: &OwnedFd, address: [u64; 2]) -> Result<Arc<Object>, Error> {
        let address = Address::from_numbers(address).ok_or_else(Error::damaged_handle)?;
        let region = Region::open(descriptor.as_fd()).map_err(Error::display)?;
        if region.layout().id() != address.region || address.cell >= region.layout().cells() {
            return Err(Error::damaged_handle());
        }
        let mut objects = region.objects();
        if let Some(object) = objects.get(&address.cell).and_then(Weak::upgrade) {
            drop(objects);
            return if object.generation == address.generation {
                Ok(object)
            } else {
                Err(Error::damaged_handle())
            };
        }
        if !region
            .holder()
            .acquire(address.cell, address.generation, region.holder().me())
        {
            return Err(Error::damaged_handle());
        }
        let object = Arc::new(Object::new(&region, address.cell, address.generation));
        objects.insert(address.cell, Arc::downgrade(&object));
        drop(objects);
        Ok(object)
    }

    /// Who is alive among those that hold cells of the region.
    #[inline]
    pub(crate) fn holders(&self) -> &dyn Holders {
        self.region.holder()
    }

    /// Whether nobody but the caller has the cell: no handle here, no process, no message.
    pub(super) fn is_alone(self: &Arc<Self>) -> bool {
        // A message that arrives here gives up its hold when there is a handle already.
        !self.lent.load(Ordering::Relaxed)
            && self.region.holder().is_alone(self.cell)
            && Arc::strong_count(self) == 1
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        if self.region.holder().is_copied() {
            // The cell is held by the original, which has not dropped anything.
            return;
        }
        let mut objects = self.region.objects();
        // A handle may have arrived since the last one went; then the cell is its.
        let ours = std::ptr::from_ref(self);
        match objects.get(&self.cell) {
            Some(entry) if std::ptr::eq(entry.as_ptr(), ours) => {}
            _ => return,
        }
        objects.remove(&self.cell);
        if !self.lent.load(Ordering::Relaxed) {
            self.region.release(self.cell);
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
