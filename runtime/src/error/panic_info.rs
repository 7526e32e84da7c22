//! A panic, as it reached the caller of a worker.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A panic in a worker, as it reached the caller.
///
/// # Examples
///
/// ```
/// use multiproc::worker;
///
/// #[worker]
/// fn divide(a: u32, b: u32) -> u32 {
///     a / b
/// }
///
/// let error = divide::run(1, 0).unwrap_err();
/// let panic = error.panic().unwrap();
/// assert_eq!(panic.message(), "attempt to divide by zero");
/// assert!(panic.location().is_some());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanicInfo {
    pub(crate) message: String,
    pub(crate) location: Option<Location>,
    pub(crate) backtrace: Option<String>,
}

impl PanicInfo {
    /// Returns the message that was passed to `panic!`, or a fixed text if the payload was no
    /// string.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the place of the panic, or `None` if the worker replaced the panic hook.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        self.location.as_ref()
    }

    /// Returns the stack at the panic, if `RUST_BACKTRACE` or `RUST_LIB_BACKTRACE` asked for it in
    /// the worker's environment. It begins where the panic did and ends with the worker, unless that is
    /// `full`.
    #[must_use]
    pub fn backtrace(&self) -> Option<&str> {
        self.backtrace.as_deref()
    }
}

/// Formats the message and the place: behind it, or on a line of its own if the message has several.
impl fmt::Display for PanicInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(location) = &self.location else {
            return f.write_str(&self.message);
        };
        let message = self.message.trim_end();
        if message.contains('\n') {
            write!(f, "{message}\nat {location}")
        } else {
            write!(f, "{message}, at {location}")
        }
    }
}

/// A place in source code: `file:line:column`.
///
/// # Examples
///
/// ```
/// use multiproc::worker;
///
/// #[worker]
/// fn fail() {
///     panic!("here");
/// }
///
/// let error = fail::run().unwrap_err();
/// let place = error.panic().and_then(|panic| panic.location()).unwrap();
/// println!("{}, in line {}", place.file(), place.line());
/// # assert!(place.line() > 0);
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Location {
    /// Returns the file, as the compiler was given it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns the line, from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }

    /// Returns the column, from 1.
    #[must_use]
    pub fn column(&self) -> u32 {
        self.column
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
