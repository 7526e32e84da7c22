use std::fmt;
use std::io;
use std::time::Duration;

use crate::raw;
use crate::shm::{CellHandle, pass_on_cell_handle};
use crate::sys::deadline;

/// A flag that processes can wait for.
///
/// [`set`](Event::set) releases all waiters, even if the flag is cleared right after it. Setting,
/// clearing and asking make no system call unless a thread waits.
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
    /// Creates an event that is not set.
    ///
    /// # Errors
    ///
    /// There is no room in shared memory, or no descriptor left.
    ///
    /// # Examples
    ///
    /// ```
    /// let event = multiproc::sync::Event::new()?;
    /// assert!(!event.is_set());
    /// # std::io::Result::Ok(())
    /// ```
    pub fn new() -> io::Result<Event> {
        Ok(Event(CellHandle::new(())?))
    }

    /// Sets the flag and releases all waiters.
    ///
    /// What was written before is visible to every thread that finds the flag set.
    ///
    /// # Examples
    ///
    /// ```
    /// let event = multiproc::sync::Event::new()?;
    /// let other = event.clone();
    /// let thread = std::thread::spawn(move || other.wait());
    /// event.set();
    /// thread.join().unwrap();
    /// # std::io::Result::Ok(())
    /// ```
    pub fn set(&self) {
        self.0.machine().set();
    }

    /// Clears the flag.
    ///
    /// # Examples
    ///
    /// ```
    /// let event = multiproc::sync::Event::new()?;
    /// event.set();
    /// event.clear();
    /// assert!(!event.is_set());
    /// # std::io::Result::Ok(())
    /// ```
    pub fn clear(&self) {
        self.0.machine().clear();
    }

    /// Returns `true` if the flag is set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.machine().is_set()
    }

    /// Waits until the flag is set.
    ///
    /// # Examples
    ///
    /// ```
    /// let event = multiproc::sync::Event::new()?;
    /// event.set();
    /// event.wait(); // returns at once
    /// # std::io::Result::Ok(())
    /// ```
    pub fn wait(&self) {
        self.0.machine().wait_until(None);
    }

    /// Waits until the flag is set, but not longer than `timeout`. Returns `true` if the flag was
    /// set.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let event = multiproc::sync::Event::new()?;
    /// assert!(!event.wait_timeout(Duration::from_millis(1)));
    /// event.set();
    /// assert!(event.wait_timeout(Duration::from_millis(1)));
    /// # std::io::Result::Ok(())
    /// ```
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
