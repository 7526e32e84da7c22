//! A file in memory that several processes map, divided into equal cells.
//!
//! Where things lie in it is for [`layout`](super::layout) to say, who its processes and messages
//! are for [`holder`](super::holder), and which cells they have for [`cells`](super::cells).
//!
//! When the creator dies the others go on; the region ends with its last mapping, descriptor
//! and message, as every file does.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::{Arc, Mutex, Weak};

use super::holder::Holder;
use super::layout::Layout;
use crate::lock::lock;
use crate::raw::Holders;
use crate::sys::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::sys::memory::{self, FileId};

/// A region as this process sees it.
#[derive(Debug)]
pub(super) struct Region {
    /// This process.
    holder: Holder,
    identity: FileId,
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
pub(super) struct InTransit {
    pub(super) descriptor: Arc<OwnedFd>,
    /// Whose bit stands for the message.
    pub(super) holder: u32,
    /// Whether that is this process itself, because no other number was to be had.
    pub(super) lent: bool,
}

impl Region {
    /// A new region of `cells` cells.
    pub(super) fn create(cell_size: usize, cells: u32) -> io::Result<Region> {
        let id = |identity| RandomState::new().hash_one(identity);
        let (file, layout) = Layout::create(cell_size, cells, id)?;
        Region::enter(file, layout, Some(Mutex::default()))
    }

    /// The region in a file. A process does this once.
    pub(super) fn open(file: BorrowedFd<'_>) -> io::Result<Region> {
        // What is mapped keeps the opening through which it was: not that of a message, whose number would
        // never be free.
        let file = memory::reopen(file)?;
        let layout = Layout::open(file.as_fd())?;
        Region::enter(file, layout, None)
    }

    fn enter(file: OwnedFd, layout: Layout, free: Option<Mutex<Free>>) -> io::Result<Region> {
        Ok(Region {
            identity: memory::identity(file.as_fd())?,
            holder: Holder::enter(file, layout)?,
            transit: Mutex::default(),
            free,
        })
    }

    /// What a message needs to carry handles into this region.
    pub(super) fn in_transit(&self) -> InTransit {
        let mut transit = lock(&self.transit);
        if let Some((descriptor, holder)) = &*transit
            && let Some(descriptor) = descriptor.upgrade()
        {
            return InTransit {
                descriptor,
                holder: *holder,
                lent: false,
            };
        }
        match self.holder.for_message() {
            Ok(Some((descriptor, holder))) => {
                *transit = Some((Arc::downgrade(&descriptor), holder));
                InTransit {
                    descriptor,
                    holder,
                    lent: false,
                }
            }
            // No number or no descriptor is left: our own carries the handle, too.
            Ok(None) | Err(_) => InTransit {
                descriptor: Arc::clone(self.holder.file()),
                holder: self.holder.me(),
                lent: true,
            },
        }
    }

    /// Takes a free cell, and says which it is and of which generation; `None` if there is none, or
    /// if another process made the region.
    pub(super) fn take(&self) -> Option<(u32, u32)> {
        let cell = lock(self.free.as_ref()?).next(self.layout().cells())?;
        Some((cell, self.holder.cells().take(cell)))
    }

    /// Gives our hold on a cell up, and frees the cell if that was the last.
    pub(super) fn release(&self, cell: u32) {
        self.holder.cells().release(cell);
        // A dedicated region is its object's as long as any descriptor is on its way.
        if !self.is_dedicated()
            && let Some(free) = &self.free
            && self.holder.cells().try_free(cell)
        {
            lock(free).again.push(cell);
        }
    }

    /// Frees what no living process holds, and says how many cells are free then.
    pub(super) fn sweep(&self) -> usize {
        let Some(free) = &self.free else { return 0 };
        let fresh = lock(free).fresh;
        // Cells of this process are safe: its own bit keeps them.
        let cells = self.holder.cells();
        let mut found: Vec<u32> = (0..fresh).filter(|cell| cells.try_free(*cell)).collect();
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

    /// Which file it is.
    pub(super) fn identity(&self) -> FileId {
        self.identity
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
