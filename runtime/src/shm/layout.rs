//! What lies where in a region, as this process has it mapped.
//!
//! ```text
//! header │ records, one a cell │ cells
//! ```

#![expect(
    unsafe_code,
    reason = "the region's header and records are reached through pointers"
)]

use std::io;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::kind::CellKind;
use crate::raw::HOLDERS;
use crate::sys::atomic::{AtomicU32, AtomicU64};
use crate::sys::fd::AsFd;
use crate::sys::memory::{self, Mapping};

const MAGIC: u64 = u64::from_ne_bytes(*b"mpregion");
const PAGE: usize = 4096;

/// Words with a bit for each holder.
const WORDS: usize = HOLDERS as usize / 64;

/// Written once, before any other process sees it; only `cursor` and `used` change later.
#[repr(C, align(64))]
pub(super) struct RegionHeader {
    magic: AtomicU64,
    /// A number of its own, so that a handle can be told from one into another region.
    id: AtomicU64,
    cell_size: AtomicU64,
    cells: AtomicU64,
    /// Where the search for a message's number begins.
    pub(super) cursor: AtomicU32,
    /// Holders that may have left something in the cells.
    pub(super) used: [AtomicU64; WORDS],
    /// How often each number was given out to a process or message.
    pub(super) claims: [AtomicU32; HOLDERS as usize],
}

/// What is known of a cell.
#[repr(C, align(64))]
pub(super) struct CellRecord {
    pub(super) state: AtomicU64,
    pub(super) holders: [AtomicU64; WORDS],
    /// The type that lives there.
    pub(super) kind: AtomicU32,
    type_hash: AtomicU64,
    elements: AtomicU64,
}

/// A mapping that was found to be a region.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    mapping: Arc<Mapping>,
    id: u64,
    cell_size: usize,
    cells: u32,
}

impl Layout {
    /// Maps a new region.
    pub(super) fn create(
        cell_size: usize,
        cells: u32,
        id: impl FnOnce(memory::FileId) -> u64,
    ) -> io::Result<(crate::sys::fd::OwnedFd, Layout)> {
        let length = data_offset(cells)
            .and_then(|offset| {
                let data = cell_size.checked_mul(cells as usize)?;
                offset.checked_add(data)
            })
            .ok_or(io::ErrorKind::OutOfMemory)?;
        let file = memory::create(length)?;
        let layout = Layout {
            mapping: Arc::new(Mapping::new(file.as_fd(), length)?),
            id: id(memory::identity(file.as_fd())?),
            cell_size,
            cells,
        };
        let header = layout.header();
        header.id.store(layout.id, Ordering::Relaxed);
        header.cell_size.store(cell_size as u64, Ordering::Relaxed);
        header.cells.store(cells.into(), Ordering::Relaxed);
        header.magic.store(MAGIC, Ordering::Release);
        Ok((file, layout))
    }

    /// Maps the region in a file.
    pub(super) fn open(file: crate::sys::fd::BorrowedFd<'_>) -> io::Result<Layout> {
        let (_, length) = memory::inspect(file)?;
        if length < size_of::<RegionHeader>() {
            return Err(damaged());
        }
        let mapping = Mapping::new(file, length)?;
        // SAFETY: the mapping is as long as a header, aligned to a page, and whatever is there
        // is a value: all fields are atomic integers.
        let header = unsafe { mapping.base().cast::<RegionHeader>().as_ref() };
        let cells = header.cells.load(Ordering::Relaxed);
        let cell_size = header.cell_size.load(Ordering::Relaxed);
        let (Ok(cells), Ok(cell_size)) = (u32::try_from(cells), usize::try_from(cell_size)) else {
            return Err(damaged());
        };
        let end = data_offset(cells)
            .and_then(|offset| cell_size.checked_mul(cells as usize)?.checked_add(offset));
        if header.magic.load(Ordering::Acquire) != MAGIC
            || end.is_none_or(|end| end > mapping.length())
            || !is_cell_size(cell_size, cells)
        {
            return Err(damaged());
        }
        Ok(Layout {
            id: header.id.load(Ordering::Relaxed),
            mapping: Arc::new(mapping),
            cell_size,
            cells,
        })
    }

    pub(super) fn header(&self) -> &RegionHeader {
        // SAFETY: `create` and `open` have made sure that the mapping, which lives as long as
        // `self`, begins with a header; it is aligned to a page, and zeros and everything else
        // are values, since all fields are atomic integers.
        unsafe { self.mapping.base().cast::<RegionHeader>().as_ref() }
    }

    pub(super) fn record(&self, cell: u32) -> &CellRecord {
        assert!(cell < self.cells, "a cell beyond the end of its region");
        // The header is as long as a multiple of its alignment, which is a record's too.
        let header = self.mapping.base().cast::<RegionHeader>().as_ptr();
        let records = header.wrapping_add(1).cast::<CellRecord>();
        let record = records.wrapping_add(cell as usize);
        // SAFETY: `create` and `open` have made sure that the mapping holds the records of all cells; zeros and
        // everything else are values, since all fields are atomic integers.
        unsafe { &*record }
    }

    pub(super) fn payload(&self, cell: u32) -> NonNull<u8> {
        assert!(cell < self.cells, "a cell beyond the end of its region");
        let offset = data_offset(self.cells).unwrap_or(0) + cell as usize * self.cell_size;
        // SAFETY: `create` and `open` have made sure that the mapping holds all cells.
        unsafe { self.mapping.base().add(offset) }
    }

    /// The number by which handles name the region.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Whether the header says what it said when it was mapped. If not, something wrote over it, and
    /// perhaps over the rest.
    pub(super) fn is_whole(&self) -> bool {
        let header = self.header();
        header.magic.load(Ordering::Relaxed) == MAGIC
            && header.id.load(Ordering::Relaxed) == self.id
            && header.cell_size.load(Ordering::Relaxed) == self.cell_size as u64
            && header.cells.load(Ordering::Relaxed) == u64::from(self.cells)
    }

    pub(super) fn cells(&self) -> u32 {
        self.cells
    }

    pub(super) fn cell_size(&self) -> usize {
        self.cell_size
    }

    /// Where the header and the records are.
    #[cfg(test)]
    pub(super) fn shared_words(&self) -> std::ops::Range<usize> {
        let start = self.mapping.base().addr().get();
        start..start + size_of::<RegionHeader>() + self.cells as usize * size_of::<CellRecord>()
    }
}

impl CellRecord {
    /// Says what lives in the cell. Only its creator does, or who has it alone.
    pub(super) fn publish(&self, kind: CellKind, type_hash: u64, elements: usize) {
        self.type_hash.store(type_hash, Ordering::Relaxed);
        self.elements.store(elements as u64, Ordering::Relaxed);
        self.kind.store(kind as u32, Ordering::Release);
    }

    /// The number of elements, if it is this that lives in the cell.
    pub(super) fn is(&self, kind: CellKind, type_hash: u64) -> Option<usize> {
        let kind_is = self.kind.load(Ordering::Acquire) == kind as u32;
        let type_is = self.type_hash.load(Ordering::Relaxed) == type_hash;
        if !kind_is || !type_is {
            return None;
        }
        usize::try_from(self.elements.load(Ordering::Relaxed)).ok()
    }
}

/// Whether cells are of such a size: each begins at a multiple of every alignment that fits into it,
/// up to a page.
fn is_cell_size(size: usize, cells: u32) -> bool {
    size >= 64 && size.is_power_of_two() || cells == 1 && size > 0 && size.is_multiple_of(PAGE)
}

/// Where the cells begin.
fn data_offset(cells: u32) -> Option<usize> {
    let records = size_of::<CellRecord>().checked_mul(cells as usize)?;
    records
        .checked_add(size_of::<RegionHeader>())?
        .checked_next_multiple_of(PAGE)
}

/// Which of a record's words has the bit for a holder, and that bit.
pub(super) fn place(number: u32) -> (usize, u64) {
    (number as usize / 64, 1 << (number % 64))
}

pub(super) fn damaged() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "a handle to shared memory is damaged",
    )
}
