#![expect(unsafe_code, reason = "the guard stands for the lock")]

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};
use std::thread;
use std::time::{Duration, Instant};

use super::{debug_lock, is_in_pieces};
use crate::raw;
use crate::shm::{CellHandle, Shareable, pass_on_cell_handle};
use crate::sys::deadline;

/// A lock that a thread may take again while it holds it: Python's `RLock`.
///
/// Its guards give `&T` only, because there may be several; a `Cell` inside can be changed.
/// Unlike std's, it is poisoned when a holder panics or dies.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
///
/// use multiproc::sync::ReentrantLock;
///
/// fn add(total: &ReentrantLock<Cell<u32>>, number: u32) {
///     let total = total.lock().unwrap();
///     total.set(total.get() + number);
/// }
///
/// # fn main() -> std::io::Result<()> {
/// let total = ReentrantLock::new(Cell::new(0))?;
/// let guard = total.lock().unwrap();
/// add(&total, 40); // takes the lock again
/// add(&total, 2);
/// assert_eq!(guard.get(), 42);
/// # Ok(())
/// # }
/// ```
pub struct ReentrantLock<T>(CellHandle<raw::ReentrantLock, T>);

impl<T: Shareable> ReentrantLock<T> {
    /// Puts a value and its lock into shared memory.
    ///
    /// # Errors
    ///
    /// There is no room, or no descriptor left.
    ///
    /// # Examples
    ///
    /// ```
    /// let lock = multiproc::sync::ReentrantLock::new(7)?;
    /// assert_eq!(*lock.lock().unwrap(), 7);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn new(value: T) -> io::Result<ReentrantLock<T>> {
        Ok(ReentrantLock(CellHandle::new(value)?))
    }
}

impl<T> ReentrantLock<T> {
    /// Acquires the lock, waiting until no other thread holds it.
    ///
    /// # Errors
    ///
    /// A [`PoisonError`] with the guard, if a holder panicked or died, until
    /// [`clear_poison`](ReentrantLock::clear_poison).
    ///
    /// # Panics
    ///
    /// If a holder was killed while it wrote and the bytes it left are no value of the type (see
    /// [the module](super#caveats)).
    ///
    /// # Examples
    ///
    /// ```
    /// let lock = multiproc::sync::ReentrantLock::new(7)?;
    /// let outer = lock.lock().unwrap();
    /// let inner = lock.lock().unwrap(); // does not wait
    /// assert_eq!(*outer, *inner);
    /// # drop((outer, inner));
    /// # std::io::Result::Ok(())
    /// ```
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> LockResult<ReentrantLockGuard<'_, T>> {
        self.lock_until(None);
        ReentrantLockGuard::new(self)
    }

    /// Acquires the lock if no other thread holds it.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](TryLockError::WouldBlock) if another thread has it, or the guard in a
    /// [`PoisonError`].
    ///
    /// # Panics
    ///
    /// If a killed holder left no value of the type, as for [`lock`](ReentrantLock::lock).
    ///
    /// # Examples
    ///
    /// ```
    /// let lock = multiproc::sync::ReentrantLock::new(7)?;
    /// let guard = lock.lock().unwrap();
    /// let other = lock.clone();
    /// std::thread::spawn(move || assert!(other.try_lock().is_err())).join().unwrap();
    /// assert!(lock.try_lock().is_ok());
    /// # drop(guard);
    /// # std::io::Result::Ok(())
    /// ```
    #[track_caller]
    pub fn try_lock(&self) -> TryLockResult<ReentrantLockGuard<'_, T>> {
        if !self.0.machine().try_lock(self.0.holders()) {
            return Err(TryLockError::WouldBlock);
        }
        Ok(ReentrantLockGuard::new(self)?)
    }

    /// Acquires the lock, waiting no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](TryLockError::WouldBlock) if it timed out, or the guard in a [`PoisonError`].
    ///
    /// # Panics
    ///
    /// If a killed holder left no value of the type, as for [`lock`](ReentrantLock::lock).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let lock = multiproc::sync::ReentrantLock::new(7)?;
    /// let guard = lock.lock().unwrap();
    /// let other = lock.clone();
    /// std::thread::spawn(move || {
    ///     assert!(other.try_lock_for(Duration::from_millis(10)).is_err());
    /// }).join().unwrap();
    /// # drop(guard);
    /// # std::io::Result::Ok(())
    /// ```
    #[track_caller]
    pub fn try_lock_for(&self, timeout: Duration) -> TryLockResult<ReentrantLockGuard<'_, T>> {
        if !self.lock_until(deadline::after(timeout)) {
            return Err(TryLockError::WouldBlock);
        }
        Ok(ReentrantLockGuard::new(self)?)
    }

    #[inline]
    fn lock_until(&self, deadline: Option<Instant>) -> bool {
        self.0.machine().lock_until(self.0.holders(), deadline)
    }

    /// Returns `true` if a holder panicked or died and the poison was not cleared since.
    ///
    /// The death of a holder is found by the next caller that locks.
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.0.machine().poison().is_set()
    }

    /// Clears the poison: declares the value to be consistent, after a [`PoisonError`] gave access
    /// to it.
    ///
    /// Does nothing if a holder was killed and the lock has not been taken since.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::sync::ReentrantLock;
    ///
    /// let lock = ReentrantLock::new(7)?;
    /// let other = lock.clone();
    /// let thread = std::thread::spawn(move || {
    ///     let _guard = other.lock().unwrap();
    ///     panic!("in the middle of a change");
    /// });
    /// assert!(thread.join().is_err());
    /// assert_eq!(*lock.lock().unwrap_err().into_inner(), 7);
    /// lock.clear_poison();
    /// assert!(lock.lock().is_ok());
    /// # std::io::Result::Ok(())
    /// ```
    pub fn clear_poison(&self) {
        self.0.machine().poison().clear();
    }
}

/// The lock on a [`ReentrantLock`], given back when dropped.
///
/// # Examples
///
/// ```
/// let lock = multiproc::sync::ReentrantLock::new(7)?;
/// let guard = lock.lock().unwrap();
/// assert_eq!(*guard, 7);
/// # drop(guard);
/// # std::io::Result::Ok(())
/// ```
#[must_use = "the lock is given back at once if the guard is not kept"]
pub struct ReentrantLockGuard<'a, T> {
    lock: &'a ReentrantLock<T>,
    panicking: bool,
    /// The lock is its thread's; the guard is `!Send`.
    thread: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives `&T` only.
unsafe impl<T: Sync> Sync for ReentrantLockGuard<'_, T> {}

impl<'a, T> ReentrantLockGuard<'a, T> {
    #[inline]
    #[track_caller]
    fn new(lock: &'a ReentrantLock<T>) -> LockResult<ReentrantLockGuard<'a, T>> {
        let guard = ReentrantLockGuard::of(lock);
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

impl<'a, T> ReentrantLockGuard<'a, T> {
    /// As [`new`](Self::new), but the caller must not look before it has asked whether it
    /// [is whole](Self::is_whole).
    fn of(lock: &'a ReentrantLock<T>) -> ReentrantLockGuard<'a, T> {
        ReentrantLockGuard {
            lock,
            panicking: thread::panicking(),
            thread: PhantomData,
        }
    }

    /// Whether there is a value.
    #[cold]
    fn is_whole(&self) -> bool {
        let cell = &self.lock.0;
        // SAFETY: we have the lock, and this thread does nothing else meanwhile.
        let is_value = |left| unsafe { cell.is_value(cell.data(), left) };
        cell.machine().poison().look(is_value)
    }
}

impl<T> Drop for ReentrantLockGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let cell = &self.lock.0;
        if !self.panicking && thread::panicking() {
            cell.machine().poison().set_by_panic();
        }
        cell.machine().unlock();
    }
}

impl<T> Deref for ReentrantLockGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: initialised; only guards of this thread exist, in all processes, and they give
        // shared references only.
        unsafe { self.lock.0.data().as_ref() }
    }
}

pass_on_cell_handle!(ReentrantLock<T: Shareable>);

impl<T: fmt::Debug> fmt::Debug for ReentrantLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_mine = self.0.machine().try_lock(self.0.holders());
        let guard = is_mine.then(|| ReentrantLockGuard::of(self));
        let data = guard
            .as_ref()
            .map(|guard| (guard as &dyn fmt::Debug, guard.is_whole()));
        debug_lock(f, "ReentrantLock", data, self.is_poisoned())
    }
}

impl<T: fmt::Debug> fmt::Debug for ReentrantLockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
