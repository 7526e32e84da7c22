#![expect(unsafe_code, reason = "the guards stand for the lock")]

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};
use std::thread;
use std::time::{Duration, Instant};

use super::{debug_lock, is_in_pieces, waits_for_itself};
use crate::raw;
use crate::shm::{CellHandle, Shareable, pass_on_cell_handle};
use crate::sys::deadline;

/// A lock between processes for many readers or one writer, and the value it protects.
///
/// The names and shapes are those of [`std::sync::RwLock`]. A writer that panicked or was killed
/// poisons the lock; the read locks of a killed process are given back within a second. Readers
/// that arrive while a writer waits queue behind it.
///
/// # Examples
///
/// ```
/// use multiproc::sync::RwLock;
/// use multiproc::worker;
///
/// #[worker]
/// fn look(limits: RwLock<[u32; 2]>) -> u32 {
///     limits.read().unwrap()[1]
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let limits = RwLock::new([1, 10])?;
/// limits.write().unwrap()[1] = 20;
/// let reader = limits.read().unwrap();
/// assert_eq!(look::run(limits.clone())?, 20); // readers share
/// assert!(limits.try_write().is_err());
/// # drop(reader);
/// # Ok(())
/// # }
/// ```
pub struct RwLock<T: ?Sized>(CellHandle<raw::RwLock, T>);

impl<T: Shareable + Sync> RwLock<T> {
    /// Puts a value and its lock into shared memory.
    ///
    /// # Errors
    ///
    /// There is no room, or no descriptor left.
    ///
    /// # Examples
    ///
    /// ```
    /// let limit = multiproc::sync::RwLock::new(10)?;
    /// assert_eq!(*limit.read().unwrap(), 10);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn new(value: T) -> io::Result<RwLock<T>> {
        Ok(RwLock(CellHandle::new(value)?))
    }
}

impl<T: Shareable + Sync> RwLock<[T]> {
    /// Copies a slice into shared memory, with one lock for all of it.
    ///
    /// # Errors
    ///
    /// As [`new`](RwLock::new). An empty slice is
    /// [`InvalidInput`](io::ErrorKind::InvalidInput).
    ///
    /// # Examples
    ///
    /// ```
    /// let table = multiproc::sync::RwLock::from_slice(&[1, 2, 3])?;
    /// table.write().unwrap()[0] = 7;
    /// assert_eq!(*table.read().unwrap(), [7, 2, 3]);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn from_slice(slice: &[T]) -> io::Result<RwLock<[T]>>
    where
        T: Copy,
    {
        Ok(RwLock(CellHandle::from_slice(slice)?))
    }

    /// Puts `length` copies of a value into shared memory, with one lock for all of them, as `vec![value; length]` puts them
    /// on the heap.
    ///
    /// # Errors
    ///
    /// As [`from_slice`](RwLock::from_slice), for a length of 0.
    ///
    /// # Examples
    ///
    /// ```
    /// let levels = multiproc::sync::RwLock::from_elem(1.5, 4)?;
    /// levels.write().unwrap()[0] = 2.0;
    /// assert_eq!(*levels.read().unwrap(), [2.0, 1.5, 1.5, 1.5]);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn from_elem(value: T, length: usize) -> io::Result<RwLock<[T]>>
    where
        T: Copy,
    {
        Ok(RwLock(CellHandle::from_elem(value, length)?))
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Acquires the lock for reading, waiting while a writer holds it or waits for it.
    ///
    /// A thread that holds a read lock and asks for another may wait for ever, behind a writer that
    /// waits for the first.
    ///
    /// # Errors
    ///
    /// A [`PoisonError`] with the guard, if a writer panicked or died, until
    /// [`clear_poison`](RwLock::clear_poison).
    ///
    /// # Panics
    ///
    /// If this thread has the lock to write, or if a writer was killed and the bytes it left are no
    /// value of the type (see [the module](super#caveats)).
    ///
    /// # Examples
    ///
    /// ```
    /// let limit = multiproc::sync::RwLock::new(10)?;
    /// let one = limit.read().unwrap();
    /// let other = limit.try_read().unwrap(); // readers share
    /// assert_eq!(*one + *other, 20);
    /// # drop((one, other));
    /// # std::io::Result::Ok(())
    /// ```
    #[inline]
    #[track_caller]
    pub fn read(&self) -> LockResult<RwLockReadGuard<'_, T>> {
        self.read_until(None);
        RwLockReadGuard::new(self)
    }

    /// Acquires the lock for reading, unless a writer holds it or waits for it.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](TryLockError::WouldBlock) if there is such a writer, or the guard in a
    /// [`PoisonError`].
    ///
    /// # Panics
    ///
    /// If a killed writer left no value of the type, as for [`read`](RwLock::read).
    ///
    /// # Examples
    ///
    /// ```
    /// let limit = multiproc::sync::RwLock::new(10)?;
    /// let writer = limit.write().unwrap();
    /// assert!(limit.try_read().is_err());
    /// # drop(writer);
    /// # std::io::Result::Ok(())
    /// ```
    #[track_caller]
    pub fn try_read(&self) -> TryLockResult<RwLockReadGuard<'_, T>> {
        if !self.0.machine().try_read(self.0.holders()) {
            return Err(TryLockError::WouldBlock);
        }
        Ok(RwLockReadGuard::new(self)?)
    }

    /// Acquires the lock for reading, waiting no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](TryLockError::WouldBlock) if it timed out, or the guard in a [`PoisonError`].
    ///
    /// # Panics
    ///
    /// As [`read`](RwLock::read).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let limit = multiproc::sync::RwLock::new(10)?;
    /// assert_eq!(*limit.try_read_for(Duration::from_secs(1)).unwrap(), 10);
    /// # std::io::Result::Ok(())
    /// ```
    #[track_caller]
    pub fn try_read_for(&self, timeout: Duration) -> TryLockResult<RwLockReadGuard<'_, T>> {
        if !self.read_until(deadline::after(timeout)) {
            return Err(TryLockError::WouldBlock);
        }
        Ok(RwLockReadGuard::new(self)?)
    }

    /// Acquires the lock for writing, waiting until it is free.
    ///
    /// # Errors
    ///
    /// As [`read`](RwLock::read).
    ///
    /// # Panics
    ///
    /// As [`read`](RwLock::read).
    ///
    /// # Examples
    ///
    /// ```
    /// let limit = multiproc::sync::RwLock::new(10)?;
    /// *limit.write().unwrap() = 20;
    /// assert_eq!(*limit.read().unwrap(), 20);
    /// # std::io::Result::Ok(())
    /// ```
    #[inline]
    #[track_caller]
    pub fn write(&self) -> LockResult<RwLockWriteGuard<'_, T>> {
        self.write_until(None);
        RwLockWriteGuard::new(self)
    }

    /// Acquires the lock for writing if it is free.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](TryLockError::WouldBlock) if a reader or a writer holds it, or the guard in a
    /// [`PoisonError`].
    ///
    /// # Panics
    ///
    /// If a killed writer left no value of the type, as for [`read`](RwLock::read).
    ///
    /// # Examples
    ///
    /// ```
    /// let limit = multiproc::sync::RwLock::new(10)?;
    /// let reader = limit.read().unwrap();
    /// assert!(limit.try_write().is_err());
    /// drop(reader);
    /// *limit.try_write().unwrap() += 1;
    /// # std::io::Result::Ok(())
    /// ```
    #[track_caller]
    pub fn try_write(&self) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        if !self.0.machine().try_write(self.0.holders()) {
            return Err(TryLockError::WouldBlock);
        }
        Ok(RwLockWriteGuard::new(self)?)
    }

    /// Acquires the lock for writing, waiting no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](TryLockError::WouldBlock) if it timed out, or the guard in a [`PoisonError`].
    ///
    /// # Panics
    ///
    /// As [`read`](RwLock::read).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let limit = multiproc::sync::RwLock::new(10)?;
    /// *limit.try_write_for(Duration::from_secs(1)).unwrap() += 1;
    /// assert_eq!(*limit.read().unwrap(), 11);
    /// # std::io::Result::Ok(())
    /// ```
    #[track_caller]
    pub fn try_write_for(&self, timeout: Duration) -> TryLockResult<RwLockWriteGuard<'_, T>> {
        if !self.write_until(deadline::after(timeout)) {
            return Err(TryLockError::WouldBlock);
        }
        Ok(RwLockWriteGuard::new(self)?)
    }

    #[inline]
    #[track_caller]
    fn read_until(&self, deadline: Option<Instant>) -> bool {
        let holders = self.0.holders();
        match self.0.machine().read_until(holders, deadline) {
            Ok(locked) => locked,
            Err(_) => waits_for_itself(),
        }
    }

    #[inline]
    #[track_caller]
    fn write_until(&self, deadline: Option<Instant>) -> bool {
        let holders = self.0.holders();
        match self.0.machine().write_until(holders, deadline) {
            Ok(locked) => locked,
            Err(_) => waits_for_itself(),
        }
    }

    /// Returns `true` if a writer panicked or died and the poison was not cleared since.
    ///
    /// The death of a writer is found by the next caller that locks.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.0.machine().poison().is_set()
    }

    /// Clears the poison: declares the value to be consistent, after a [`PoisonError`] gave access
    /// to it.
    ///
    /// Does nothing if a writer was killed and the lock has not been taken since.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::sync::RwLock;
    ///
    /// let limit = RwLock::new(10)?;
    /// let other = limit.clone();
    /// let thread = std::thread::spawn(move || {
    ///     let _guard = other.write().unwrap();
    ///     panic!("in the middle of a change");
    /// });
    /// assert!(thread.join().is_err());
    ///
    /// let mut guard = limit.write().unwrap_err().into_inner();
    /// *guard = 10; // repairs what was half changed
    /// limit.clear_poison();
    /// drop(guard);
    /// assert!(limit.read().is_ok());
    /// # std::io::Result::Ok(())
    /// ```
    pub fn clear_poison(&self) {
        self.0.machine().poison().clear();
    }
}

/// A read lock on an [`RwLock`], given back when dropped.
///
/// # Examples
///
/// ```
/// let limit = multiproc::sync::RwLock::new(10)?;
/// let guard = limit.read().unwrap();
/// assert_eq!(*guard, 10);
/// # drop(guard);
/// # std::io::Result::Ok(())
/// ```
#[must_use = "the lock is given back at once if the guard is not kept"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    /// As std's, the guard is `!Send`.
    thread: PhantomData<*const ()>,
}

/// The write lock on an [`RwLock`], given back when dropped.
///
/// # Examples
///
/// ```
/// let limit = multiproc::sync::RwLock::new(10)?;
/// let mut guard = limit.write().unwrap();
/// *guard = 20;
/// drop(guard);
/// assert_eq!(*limit.read().unwrap(), 20);
/// # std::io::Result::Ok(())
/// ```
#[must_use = "the lock is given back at once if the guard is not kept"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    lock: &'a RwLock<T>,
    panicking: bool,
    /// The lock is its thread's; the guard is `!Send`.
    thread: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives `&T` only.
unsafe impl<T: ?Sized + Sync> Sync for RwLockReadGuard<'_, T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Sync> Sync for RwLockWriteGuard<'_, T> {}

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    #[inline]
    #[track_caller]
    fn new(lock: &'a RwLock<T>) -> LockResult<RwLockReadGuard<'a, T>> {
        let guard = RwLockReadGuard::of(lock);
        if lock.is_poisoned() {
            if !guard.is_whole() {
                is_in_pieces("lock");
            }
            Err(PoisonError::new(guard))
        } else {
            Ok(guard)
        }
    }
}

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    /// As [`new`](Self::new), but the caller must not look before it has asked whether it
    /// [is whole](Self::is_whole).
    fn of(lock: &'a RwLock<T>) -> RwLockReadGuard<'a, T> {
        RwLockReadGuard {
            lock,
            thread: PhantomData,
        }
    }

    /// Whether there is a value.
    #[cold]
    fn is_whole(&self) -> bool {
        let cell = &self.lock.0;
        // SAFETY: we have the lock, so no thread writes.
        let is_value = |left| unsafe { cell.is_value(cell.data(), left) };
        cell.machine().poison().look(is_value)
    }
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    #[inline]
    #[track_caller]
    fn new(lock: &'a RwLock<T>) -> LockResult<RwLockWriteGuard<'a, T>> {
        let guard = RwLockWriteGuard {
            lock,
            panicking: thread::panicking(),
            thread: PhantomData,
        };
        if lock.is_poisoned() {
            let cell = &lock.0;
            // SAFETY: we have the lock, and do not write.
            let is_value = |left| unsafe { cell.is_value(cell.data(), left) };
            if !cell.machine().poison().look(is_value) {
                is_in_pieces("lock");
            }
            Err(PoisonError::new(guard))
        } else {
            Ok(guard)
        }
    }
}

impl<T: ?Sized> Drop for RwLockReadGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.0.machine().leave(self.lock.0.holders());
    }
}

impl<T: ?Sized> Drop for RwLockWriteGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let cell = &self.lock.0;
        if !self.panicking && thread::panicking() {
            cell.machine().poison().set_by_panic();
        }
        cell.machine().finish();
    }
}

impl<T: ?Sized> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: initialised, and there is no writer; `T` is `Sync`, or there would be no lock.
        unsafe { self.lock.0.data().as_ref() }
    }
}

impl<T: ?Sized> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: initialised, and we have the lock: no other guard, in any process.
        unsafe { self.lock.0.data().as_ref() }
    }
}

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { self.lock.0.data().as_mut() }
    }
}

pass_on_cell_handle!(RwLock<T: Shareable + Sync>, [T]);

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_mine = self.0.machine().try_read(self.0.holders());
        let guard = is_mine.then(|| RwLockReadGuard::of(self));
        let data = guard
            .as_ref()
            .map(|guard| (guard as &dyn fmt::Debug, guard.is_whole()));
        debug_lock(f, "RwLock", data, self.is_poisoned())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockReadGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLockWriteGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
