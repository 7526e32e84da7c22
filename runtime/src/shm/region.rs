//! A file in memory that several processes map, divided into equal cells.
//!
//! Where things lie in it is for [`layout`](super::layout) to say, who its processes and messages
//! are for [`holder`](super::holder), and which cells they have for [`cells`](super::cells).
//!
//! When the creator dies the others go on; the region ends with its last mapping, descriptor
//! and message, as every file does.
//!
//! # One mapping a process
//!
//! Robust mutexes must be unlocked at the address they were locked at. A process therefore maps a
//! region once, however many handles into it arrive: [`Region::open`] keeps a table by the file's
//! identity.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::holder::Holder;
use super::layout::Layout;
use super::object::Object;
use crate::sync::raw::Holders;
use crate::sys::memory::{self, Identity};

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

/// A region as this process sees it.
#[derive(Debug)]
pub(crate) struct Region {
    /// This process.
    holder: Holder,
    identity: Identity,
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
        let id = |identity| RandomState::new().hash_one(identity);
        let (file, layout) = Layout::create(cell_size, cells, id)?;
        Region::enter(file.as_fd(), layout, Some(Mutex::default()), &mut table())
    }

    /// The region that a descriptor stands for.
    pub(super) fn open(file: BorrowedFd<'_>) -> io::Result<Arc<Region>> {
        let identity = memory::identity(file)?;
        let mut table = table();
        let regions = table.get_or_insert_default();
        if let Some(region) = regions.get(&identity).and_then(Weak::upgrade) {
            return Ok(region);
        }
        let layout = Layout::open(file)?;
        Region::enter(file, layout, None, &mut table)
    }

    fn enter(
        file: BorrowedFd<'_>,
        layout: Layout,
        free: Option<Mutex<Free>>,
        table: &mut Table<'_>,
    ) -> io::Result<Arc<Region>> {
        let region = Arc::new(Region {
            holder: Holder::enter(file, layout)?,
            identity: memory::identity(file)?,
            objects: Mutex::default(),
            transit: Mutex::default(),
            free,
        });
        table
            .get_or_insert_default()
            .insert(region.identity, Arc::downgrade(&region));
        Ok(region)
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
                descriptor: Arc::clone(self.holder.file()),
                holder: self.holder.me(),
                lent: true,
            },
        }
    }

    fn new_passage(&self) -> io::Result<Option<(Arc<OwnedFd>, u32)>> {
        if self.is_dedicated() {
            return Ok(Some((self.holder.opening()?, self.holder.me())));
        }
        self.holder.for_message()
    }

    /// A free cell for an object of ours; `None` if there is none or the region is another's.
    pub(super) fn allocate(self: &Arc<Self>) -> Option<Arc<Object>> {
        // No handle that arrives damaged can take the cell for its own before this is over.
        let mut objects = self.objects();
        let cell = lock(self.free.as_ref()?).next(self.layout().cells())?;
        let object = Arc::new(Object::new(self, cell, self.holder.take(cell)));
        objects.insert(cell, Arc::downgrade(&object));
        Some(object)
    }

    /// Gives our hold on a cell up, and frees the cell if that was the last.
    pub(super) fn release(&self, cell: u32) {
        self.holder.release(cell);
        // A dedicated region is its object's as long as any descriptor is on its way.
        if !self.is_dedicated()
            && let Some(free) = &self.free
            && self.holder.try_free(cell)
        {
            lock(free).again.push(cell);
        }
    }

    /// Frees what nobody alive holds, and says how many cells are free then.
    pub(super) fn sweep(&self) -> usize {
        let Some(free) = &self.free else { return 0 };
        let fresh = lock(free).fresh;
        // Nothing of ours is asked for: our own bit keeps it.
        let mut found: Vec<u32> = (0..fresh)
            .filter(|cell| self.holder.try_free(*cell))
            .collect();
        let mut free = lock(free);
        free.again.append(&mut found);
        free.again.len() + (self.layout().cells() - free.fresh) as usize
    }

    /// Who holds cells here, seen from this process.
    #[inline]
    pub(super) fn holder(&self) -> &Holder {
        &self.holder
    }

    #[inline]
    pub(super) fn layout(&self) -> &Layout {
        &self.holder.layout
    }

    pub(super) fn objects(&self) -> MutexGuard<'_, HashMap<u32, Weak<Object>>> {
        lock(&self.objects)
    }

    /// Whether the region is there for one object alone, and so lives exactly as long.
    pub(super) fn is_dedicated(&self) -> bool {
        self.layout().cells() == 1
    }
}

impl Free {
    fn next(&mut self, cells: u32) -> Option<u32> {
        self.again.pop().or_else(|| {
            let cell = self.fresh;
            self.fresh += u32::from(cell < cells);
            (cell < cells).then_some(cell)
        })
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
