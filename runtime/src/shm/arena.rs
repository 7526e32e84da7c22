//! Which region an object gets its cell in.
//!
//! Cells of a region are of one size, a power of two, and regions of one size grow with their
//! number: thousands of locks share a handful of descriptors. What is large has a region alone,
//! which the kernel frees with its last descriptor and mapping.

use std::io;
use std::sync::{Arc, Mutex, Weak};

use super::object::{Attached, Object};
use crate::lock::lock;

const SMALLEST: usize = 64;
/// Above this an object has a region of its own.
const LARGEST: usize = 16 * 1024;
const CLASSES: usize = (LARGEST / SMALLEST).ilog2() as usize + 1;

/// What the cells of the first region of a size take up, and of the largest.
const FIRST: usize = 64 * 1024;
const LAST: usize = 1024 * 1024;

const PAGE: usize = 4096;

static ARENA: Mutex<[Vec<Weak<Attached>>; CLASSES]> = Mutex::new([const { Vec::new() }; CLASSES]);

/// A cell of at least `size` bytes, aligned to `align`, held by this process.
pub(super) fn allocate(size: usize, align: usize) -> io::Result<Arc<Object>> {
    let size = size.max(align).max(SMALLEST);
    if size > LARGEST {
        return allocate_alone(size, align);
    }
    check(align)?;
    let size = size.next_power_of_two();
    let class = (size / SMALLEST).ilog2() as usize;
    let mut arena = lock(&ARENA);
    let regions = &mut arena[class];
    regions.retain(|region| region.strong_count() > 0);
    // What something wrote over is left to those who have objects there.
    let living: Vec<Arc<Attached>> = regions
        .iter()
        .filter_map(Weak::upgrade)
        .filter(|region| region.region().layout().is_whole())
        .collect();
    if let Some(found) = find(&living) {
        return Ok(found);
    }
    // A sweep looks at everything; it has to yield enough not to be needed again at once.
    let free: usize = living.iter().map(|region| region.region().sweep()).sum();
    let all: usize = living
        .iter()
        .map(|region| region.region().layout().cells() as usize)
        .sum();
    if free * 4 >= all
        && let Some(found) = find(&living)
    {
        return Ok(found);
    }
    let bytes = (FIRST << living.len().min(8)).min(LAST);
    let cells = u32::try_from(bytes / size).unwrap_or(u32::MAX);
    let region = match Attached::create(size, cells) {
        Ok(region) => region,
        // Then what little there is.
        Err(error) => return find(&living).ok_or(error),
    };
    regions.push(Arc::downgrade(&region));
    first_of(&region)
}

/// Likewise, in a region of its own.
pub(super) fn allocate_alone(size: usize, align: usize) -> io::Result<Arc<Object>> {
    check(align)?;
    let size = size
        .max(SMALLEST)
        .checked_next_multiple_of(PAGE)
        .ok_or(io::ErrorKind::OutOfMemory)?;
    first_of(&Attached::create(size, 1)?)
}

fn check(align: usize) -> io::Result<()> {
    if align <= PAGE {
        return Ok(());
    }
    let text = "memory between processes is aligned to 4096 bytes at most";
    Err(io::Error::new(io::ErrorKind::Unsupported, text))
}

fn find(regions: &[Arc<Attached>]) -> Option<Arc<Object>> {
    regions.iter().rev().find_map(Attached::allocate)
}

fn first_of(region: &Arc<Attached>) -> io::Result<Arc<Object>> {
    region
        .allocate()
        .ok_or_else(|| io::Error::other("a new region has no room"))
}
