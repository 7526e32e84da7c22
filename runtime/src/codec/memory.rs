//! Memory of a size that a value or a message decides: not having it is an error, not the end.

use super::Error;

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
        .map_err(|_| no_memory(elements.saturating_mul(size_of::<T>())))
}

/// Room for so many elements more, and for others after them.
pub(super) fn grow<T>(vec: &mut Vec<T>, elements: usize) -> Result<(), Error> {
    vec.try_reserve(elements).map_err(|_| {
        let length = vec.len().saturating_add(elements);
        no_memory(length.saturating_mul(size_of::<T>()))
    })
}

#[cold]
fn no_memory(bytes: usize) -> Error {
    Error::new(format!(
        "there is not enough memory for {bytes} bytes of a value"
    ))
}
