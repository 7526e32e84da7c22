//! Workers in a library.
//!
//! ```
//! // `main` runs once, also when a doctest starts workers: else there would be no end of it.
//! assert_eq!(multiproc_tests::double_in_a_process(21), 42);
//!
//! #[multiproc::worker]
//! fn of_a_doctest(text: &str) -> usize {
//!     text.len()
//! }
//! assert_eq!(of_a_doctest::run("four").unwrap(), 4);
//! ```

#![expect(
    unsafe_code,
    reason = "a function is exported by its plain name, and descriptors are misused"
)]

pub mod descendants;
pub mod sick;

use multiproc::{ErrorKind, Pool, worker};

/// Doubles a number.
#[worker]
pub fn double(number: u64) -> u64 {
    number * 2
}

/// Doubles a number, and does not tell how.
///
/// # Panics
///
/// If there can be no process for it.
#[must_use]
pub fn double_in_a_process(number: u64) -> u64 {
    double::run(number).expect("a library can start workers")
}

/// For programs that load this library: 0 if they cannot start its workers, as it should be.
#[unsafe(no_mangle)]
pub extern "C" fn multiproc_tests_spawn() -> i32 {
    match double::spawn(1) {
        Err(error) if error.kind() == ErrorKind::Unsupported => 0,
        Err(_) => 1,
        Ok(_) => 2,
    }
}

/// The same for a pool.
#[unsafe(no_mangle)]
pub extern "C" fn multiproc_tests_pool() -> i32 {
    match Pool::new() {
        Err(error)
            if error.kind() == ErrorKind::Unsupported
                && error.to_string().contains("part of a shared library") =>
        {
            0
        }
        Err(_) => 1,
        Ok(_) => 2,
    }
}

/// For programs that load this library, and would call this in a process of their own.
#[unsafe(no_mangle)]
#[must_use]
pub fn multiproc_tests_increment(number: u64) -> u64 {
    number + 1
}
