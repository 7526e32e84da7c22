//! Memory of a size that a value or a message decides: not having it is an error, not the end.
//!
//! Much of it is to be had in pages of 2 MiB. Twelve megabytes were entered and written in 1.4 to 1.7 ms so, and
//! with pages of 4 KiB in 6 ms and more; memory that has been entered before is written in 0.4 ms.

use super::Error;
use crate::sys::memory::prefer_huge_pages;

/// What has so many bytes has [huge pages](prefer_huge_pages).
pub(super) const HUGE: usize = 4 << 20;

/// A copy of bytes.
pub(crate) fn copy(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let mut copy = Vec::new();
    reserve(&mut copy, bytes.len())?;
    copy.extend_from_slice(bytes);
    Ok(copy)
}

/// Room for exactly so many elements more.
pub(super) fn reserve<T>(vec: &mut Vec<T>, elements: usize) -> Result<(), Error> {
    vec.try_reserve_exact(elements)
        .map_err(|_| no_memory(elements.saturating_mul(size_of::<T>())))?;
    advise(vec);
    Ok(())
}

/// Room for so many elements more, and for others after them.
#[inline]
pub(super) fn grow<T>(vec: &mut Vec<T>, elements: usize) -> Result<(), Error> {
    if vec.capacity() - vec.len() >= elements {
        return Ok(());
    }
    vec.try_reserve(elements).map_err(|_| {
        let length = vec.len().saturating_add(elements);
        no_memory(length.saturating_mul(size_of::<T>()))
    })?;
    advise(vec);
    Ok(())
}

fn advise<T>(vec: &mut Vec<T>) {
    if vec.capacity().saturating_mul(size_of::<T>()) >= HUGE {
        prefer_huge_pages(vec.spare_capacity_mut());
    }
}

#[cold]
fn no_memory(bytes: usize) -> Error {
    Error::new(format!(
        "there is not enough memory for {bytes} bytes of a value"
    ))
}
