use std::fmt;
use std::io;
use std::time::Duration;

use crate::raw;
use crate::shm::{CellHandle, pass_on_cell_handle};
use crate::sys::deadline;

/// A flag that processes can wait for.
///
/// [`set`](Event::set) lets go everybody who waits, also if the flag is cleared right after it.
/// Setting, clearing and asking make no system call unless somebody waits.
///
/// # Examples
///
/// ```
/// use multiproc::sync::Event;
/// use multiproc::worker;
///
/// #[worker]
/// fn work(start: Event) -> u32 {
///     start.wait();
///     42
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let start = Event::new()?;
/// let worker = work::spawn(start.clone())?;
/// // Prepare what the worker needs, then:
/// start.set();
/// assert_eq!(worker.join()?, 42);
/// # Ok(())
/// # }
/// ```
pub struct Event(CellHandle<raw::Event, ()>);

impl Event {
    /// An event that is not set.
    ///
    /// # Errors
    ///
    /// There is no room in shared memory, or no descriptor left.
    pub fn new() -> io::Result<Event> {
        Ok(Event(CellHandle::new(())?))
    }

    /// Sets the flag and lets go all who wait for it.
    ///
    /// What was written before is seen by whoever finds the flag set.
    pub fn set(&self) {
        self.0.machine().set();
    }

    /// Clears the flag.
    pub fn clear(&self) {
        self.0.machine().clear();
    }

    /// Whether the flag is set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.machine().is_set()
    }

    /// Waits until the flag is set.
    pub fn wait(&self) {
        self.0.machine().wait_until(None);
    }

    /// Waits until the flag is set, but no longer than `timeout`; whether it was.
    #[expect(clippy::must_use_candidate, reason = "one may just wait")]
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        self.0.machine().wait_until(deadline::after(timeout))
    }
}

pass_on_cell_handle!(Event);

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("is_set", &self.is_set())
            .finish_non_exhaustive()
    }
}
