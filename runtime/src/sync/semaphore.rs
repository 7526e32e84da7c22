use std::fmt;
use std::io;
use std::time::Duration;

use super::is_overwritten;
use crate::raw;
use crate::shm::{CellHandle, pass_on_cell_handle};
use crate::sys::deadline;

/// A counting semaphore shared between processes.
///
/// It limits how many threads, in all processes together, do something at a time. A permit goes
/// back when it is dropped, and within a second when its process dies. Taking and giving back make
/// no system call unless a thread has to wait.
///
/// # Examples
///
/// ```
/// use multiproc::sync::Semaphore;
/// use multiproc::worker;
///
/// #[worker]
/// fn fetch(connections: Semaphore) {
///     let _permit = connections.acquire();
///     // At most two processes are here.
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let connections = Semaphore::new(2)?;
/// let workers: Vec<_> = (0..4)
///     .map(|_| fetch::spawn(connections.clone()))
///     .collect::<Result<_, _>>()?;
/// for worker in workers {
///     worker.join()?;
/// }
/// assert_eq!(connections.available(), 2);
/// # Ok(())
/// # }
/// ```
pub struct Semaphore(CellHandle<raw::Semaphore, ()>);

impl Semaphore {
    /// The largest number of permits that a semaphore can have, including those taken.
    pub const MAX_PERMITS: usize = raw::MOST_PERMITS as usize;

    /// Creates a semaphore with this many permits, which may be 0.
    ///
    /// # Errors
    ///
    /// More than [`MAX_PERMITS`](Semaphore::MAX_PERMITS) are
    /// [`InvalidInput`](io::ErrorKind::InvalidInput). Other errors mean that there is no room in
    /// shared memory, or no descriptor left.
    ///
    /// # Examples
    ///
    /// ```
    /// let semaphore = multiproc::sync::Semaphore::new(3)?;
    /// assert_eq!(semaphore.available(), 3);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn new(permits: usize) -> io::Result<Semaphore> {
        let cell: CellHandle<raw::Semaphore, ()> = CellHandle::new(())?;
        if !u32::try_from(permits).is_ok_and(|permits| cell.machine().add(cell.holders(), permits))
        {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("a semaphore has {} permits at most", Self::MAX_PERMITS),
            ));
        }
        Ok(Semaphore(cell))
    }

    /// Acquires a permit, waiting until one is free.
    ///
    /// # Panics
    ///
    /// If a process wrote over the semaphore's memory, so that no permit can come any more (see
    /// [the module](super#caveats)).
    ///
    /// # Examples
    ///
    /// ```
    /// let semaphore = multiproc::sync::Semaphore::new(1)?;
    /// let permit = semaphore.acquire();
    /// assert_eq!(semaphore.available(), 0);
    /// drop(permit);
    /// assert_eq!(semaphore.available(), 1);
    /// # std::io::Result::Ok(())
    /// ```
    #[inline]
    #[track_caller]
    pub fn acquire(&self) -> Permit<'_> {
        if !self.0.machine().acquire_until(self.0.holders(), None) {
            is_overwritten("semaphore");
        }
        Permit(self)
    }

    /// Acquires a permit if one is free.
    ///
    /// # Examples
    ///
    /// ```
    /// let semaphore = multiproc::sync::Semaphore::new(1)?;
    /// let permit = semaphore.try_acquire();
    /// assert!(permit.is_some());
    /// assert!(semaphore.try_acquire().is_none());
    /// # std::io::Result::Ok(())
    /// ```
    #[inline]
    #[must_use]
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.0
            .machine()
            .try_acquire(self.0.holders())
            .then(|| Permit(self))
    }

    /// Acquires a permit, waiting no longer than `timeout`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let semaphore = multiproc::sync::Semaphore::new(0)?;
    /// assert!(semaphore.try_acquire_for(Duration::from_millis(1)).is_none());
    /// # std::io::Result::Ok(())
    /// ```
    #[must_use]
    pub fn try_acquire_for(&self, timeout: Duration) -> Option<Permit<'_>> {
        let deadline = deadline::after(timeout);
        self.0
            .machine()
            .acquire_until(self.0.holders(), deadline)
            .then(|| Permit(self))
    }

    /// Adds free permits.
    ///
    /// # Panics
    ///
    /// If there would be more than [`MAX_PERMITS`](Semaphore::MAX_PERMITS), and as
    /// [`acquire`](Semaphore::acquire).
    ///
    /// # Examples
    ///
    /// ```
    /// let jobs = multiproc::sync::Semaphore::new(0)?;
    /// jobs.add_permits(2);
    /// assert_eq!(jobs.available(), 2);
    /// # std::io::Result::Ok(())
    /// ```
    #[track_caller]
    pub fn add_permits(&self, permits: usize) {
        let (machine, holders) = (self.0.machine(), self.0.holders());
        if !machine.is_whole() {
            is_overwritten("semaphore");
        }
        let added = u32::try_from(permits).is_ok_and(|permits| machine.add(holders, permits));
        assert!(
            added,
            "a semaphore has {} permits at most",
            Self::MAX_PERMITS
        );
    }

    /// Returns the number of permits that are free at the moment.
    #[must_use]
    pub fn available(&self) -> usize {
        self.0.machine().available(self.0.holders()) as usize
    }
}

/// A permit of a [`Semaphore`], given back when dropped.
///
/// It can go to another thread of the process, but not to another process. A permit that is leaked
/// with [`std::mem::forget`] goes back when the process ends; [`forget`](Permit::forget) removes it
/// for good.
///
/// # Examples
///
/// ```
/// let semaphore = multiproc::sync::Semaphore::new(1)?;
/// {
///     let _permit = semaphore.acquire();
///     assert_eq!(semaphore.available(), 0);
/// }
/// assert_eq!(semaphore.available(), 1);
/// # std::io::Result::Ok(())
/// ```
#[must_use = "the permit goes back at once if it is not kept"]
pub struct Permit<'a>(&'a Semaphore);

impl Permit<'_> {
    /// Removes the permit: the semaphore has one less from now on.
    ///
    /// # Examples
    ///
    /// ```
    /// let tickets = multiproc::sync::Semaphore::new(10)?;
    /// tickets.acquire().forget(); // sold
    /// assert_eq!(tickets.available(), 9);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn forget(self) {
        let cell = &self.0.0;
        cell.machine().forget(cell.holders());
        #[expect(clippy::mem_forget, reason = "the permit is not to go back")]
        std::mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        let cell = &self.0.0;
        cell.machine().release(cell.holders());
    }
}

pass_on_cell_handle!(Semaphore);

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("available", &self.available())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}
