//! A library that uses multiproc, and hands it on to crates that do not depend on it.

pub use multiproc;

/// The length of a text, computed in a process of its own.
///
/// # Errors
///
/// As of [`multiproc::Process::join`].
pub fn length_elsewhere(text: &str) -> multiproc::Result<usize> {
    length::run(text)
}

#[multiproc::worker]
fn length(text: &str) -> usize {
    text.len()
}

/// A value and its clone.
#[multiproc::worker]
pub fn twice<T: Clone>(value: T) -> (T, T) {
    (value.clone(), value)
}
