//! The workers of this program, as the linker put them together.
//!
//! Parent and child are the same image, so an entry's place in the slice means the same in both.
//! The name goes along and is checked, so that a mistake in this reasoning is an error and not
//! a call of some other function.

use std::fmt;

use linkme::distributed_slice;

use super::{Failure, Job};

/// Every worker of the program.
#[distributed_slice]
pub static WORKERS: [Entry];

/// Every start-up function of the program.
#[distributed_slice]
pub static STARTUPS: [Startup];

/// A worker as the runtime knows it.
pub struct Entry {
    name: &'static str,
    module: &'static str,
    file: &'static str,
    line: u32,
    dispatch: fn(&mut Job<'_>) -> Result<(), Failure>,
}

impl Entry {
    /// An entry for generated code to put into [`WORKERS`].
    #[must_use]
    pub const fn new(
        name: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
        dispatch: fn(&mut Job<'_>) -> Result<(), Failure>,
    ) -> Entry {
        Entry {
            name,
            module,
            file,
            line,
            dispatch,
        }
    }

    /// The name of the function.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// What identifies the worker to people and to the check in the child.
    pub(crate) fn path(&self) -> String {
        format!(
            "{}::{} ({}:{})",
            self.module, self.name, self.file, self.line
        )
    }

    pub(super) fn dispatch(&self, job: &mut Job<'_>) -> Result<(), Failure> {
        (self.dispatch)(job)
    }

    /// The entry's place in [`WORKERS`].
    pub(crate) fn place(&'static self) -> Option<usize> {
        let offset = std::ptr::from_ref(self)
            .addr()
            .checked_sub(WORKERS.as_ptr().addr())?;
        let place = offset / size_of::<Entry>();
        std::ptr::eq(WORKERS.get(place)?, self).then_some(place)
    }

    /// The entry at this place, if it has this path.
    pub(crate) fn find(place: usize, path: &str) -> Option<&'static Entry> {
        WORKERS.get(place).filter(|entry| entry.path() == path)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Entry").field(&self.path()).finish()
    }
}

/// A function that runs in each child before its worker.
pub struct Startup {
    name: &'static str,
    module: &'static str,
    run: fn(),
}

impl Startup {
    /// An entry for generated code to put into [`STARTUPS`].
    #[must_use]
    pub const fn new(name: &'static str, module: &'static str, run: fn()) -> Startup {
        Startup { name, module, run }
    }

    pub(crate) fn run(&self) {
        (self.run)();
    }
}

impl fmt::Debug for Startup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Startup({}::{})", self.module, self.name)
    }
}
