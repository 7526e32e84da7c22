//! A place in the source.

use std::fmt::{self, Display};
use std::panic::Location;

use serde::{Deserialize, Serialize};

/// A place in the source, whose file stands in the program, or in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Site<F = &'static str> {
    pub(super) file: F,
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Site {
    pub(super) fn of(location: &Location<'static>) -> Site {
        Site {
            file: location.file(),
            line: location.line(),
            column: location.column(),
        }
    }

    /// A short name for it, since tools show the first 15 bytes of a process's.
    pub(super) fn label(&self) -> String {
        let file = self.file.rsplit(['/', '\\']).next().unwrap_or_default();
        format!("{file}:{}", self.line)
    }
}

impl<F: AsRef<str>> Site<F> {
    pub(super) fn with_file<G>(&self, change: impl FnOnce(&str) -> G) -> Site<G> {
        Site {
            file: change(self.file.as_ref()),
            line: self.line,
            column: self.column,
        }
    }

    pub(super) fn is<G: AsRef<str>>(&self, other: &Site<G>) -> bool {
        (self.line, self.column) == (other.line, other.column)
            && self.file.as_ref() == other.file.as_ref()
    }
}

impl<F: Display> Display for Site<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Site { file, line, column } = self;
        write!(f, "{file}:{line}:{column}")
    }
}
