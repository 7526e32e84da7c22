#![expect(unsafe_code, reason = "the guard stands for the lock")]

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::{LockResult, PoisonError, TryLockError, TryLockResult};
use std::thread;
use std::time::Duration;

use super::{debug_lock, is_in_pieces, waits_for_itself};
use crate::raw::Lock;
use crate::shm::{CellHandle, Shareable, pass_on_cell_handle};
use crate::sys::deadline;

/// A mutual exclusion lock between processes, and the value it protects.
///
/// The names and shapes are those of [`std::sync::Mutex`], with two differences: [`new`] can
/// fail, and **a holder that was killed poisons the mutex like one that panicked**. Within a
/// second, the next `lock` returns a [`PoisonError`] that has the guard.
///
/// `Mutex<()>` is a bare lock. `Mutex<[T]>` is an array with its lock, made by [`from_slice`].
///
/// [`new`]: Mutex::new
/// [`from_slice`]: Mutex::from_slice
///
/// # Examples
///
/// ```
/// use multiproc::sync::Mutex;
/// use multiproc::worker;
///
/// #[worker]
/// fn crash(balance: Mutex<i64>) {
///     let mut balance = balance.lock().unwrap();
///     *balance -= 100;
///     std::process::abort(); // before the other half of the transfer
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let balance = Mutex::new(500)?;
/// assert!(crash::run(balance.clone()).is_err());
///
/// let mut guard = balance.lock().unwrap_err().into_inner();
/// *guard = 500;
/// balance.clear_poison();
/// drop(guard);
/// assert_eq!(*balance.lock().unwrap(), 500);
/// # Ok(())
/// # }
/// ```
///
/// A guard stays on its thread:
///
/// ```compile_fail,E0277
/// let mutex = multiproc::sync::Mutex::new(0).unwrap();
/// let guard = mutex.lock().unwrap();
/// std::thread::scope(|scope| scope.spawn(move || drop(guard)));
/// ```
pub struct Mutex<T: ?Sized>(CellHandle<Lock, T>);

impl<T: Shareable> Mutex<T> {
    /// Puts a value and its lock into shared memory.
    ///
    /// # Errors
    ///
    /// There is no room, or no descriptor left.
    ///
    /// # Examples
    ///
    /// ```
    /// let balance = multiproc::sync::Mutex::new(500)?;
    /// assert_eq!(*balance.lock().unwrap(), 500);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn new(value: T) -> io::Result<Mutex<T>> {
        Ok(Mutex(CellHandle::new(value)?))
    }
}

impl<T: Shareable> Mutex<[T]> {
    /// Copies a slice into shared memory, with one lock for all of it.
    ///
    /// # Errors
    ///
    /// As [`new`](Mutex::new). An empty slice is
    /// [`InvalidInput`](io::ErrorKind::InvalidInput).
    ///
    /// # Examples
    ///
    /// ```
    /// let counts = multiproc::sync::Mutex::from_slice(&[0_u32; 4])?;
    /// counts.lock().unwrap()[2] += 1;
    /// assert_eq!(*counts.lock().unwrap(), [0, 0, 1, 0]);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn from_slice(slice: &[T]) -> io::Result<Mutex<[T]>>
    where
        T: Copy,
    {
        Ok(Mutex(CellHandle::from_slice(slice)?))
    }

    /// Puts `length` copies of a value into shared memory, with one lock for all of them, as `vec![value; length]` puts them
    /// on the heap.
    ///
    /// # Errors
    ///
    /// As [`from_slice`](Mutex::from_slice), for a length of 0.
    ///
    /// # Examples
    ///
    /// ```
    /// let counts = multiproc::sync::Mutex::from_elem(0_u32, 1 << 20)?;
    /// counts.lock().unwrap()[7] += 1;
    /// assert_eq!(counts.lock().unwrap()[6..9], [0, 1, 0]);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn from_elem(value: T, length: usize) -> io::Result<Mutex<[T]>>
    where
        T: Copy,
    {
        Ok(Mutex(CellHandle::from_elem(value, length)?))
    }
}

impl<T: ?Sized> Mutex<T> {
    /// Acquires the lock, waiting until it is free.
    ///
    /// # Errors
    ///
    /// A [`PoisonError`] with the guard, if a holder panicked or died, until
    /// [`clear_poison`](Mutex::clear_poison).
    ///
    /// # Panics
    ///
    /// If this thread has the lock already, or if a holder was killed while it wrote and the bytes
    /// it left are no value of the type (see [the module](super#caveats)).
    ///
    /// # Examples
    ///
    /// ```
    /// let total = multiproc::sync::Mutex::new(1)?;
    /// *total.lock().unwrap() += 1;
    /// assert_eq!(*total.lock().unwrap(), 2);
    /// # std::io::Result::Ok(())
    /// ```
    #[inline]
    #[track_caller]
    pub fn lock(&self) -> LockResult<MutexGuard<'_, T>> {
        let panicking = thread::panicking();
        if !self.0.machine().try_lock_fast(self.0.holders()) {
            self.lock_slowly();
        }
        MutexGuard::new(self, panicking)
    }

    /// Acquires the lock if it is free.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](TryLockError::WouldBlock) if it is not, or the guard in a [`PoisonError`].
    ///
    /// # Panics
    ///
    /// If a killed holder left no value of the type, as for [`lock`](Mutex::lock).
    ///
    /// # Examples
    ///
    /// ```
    /// let total = multiproc::sync::Mutex::new(1)?;
    /// let guard = total.try_lock().unwrap();
    /// assert!(total.try_lock().is_err());
    /// # drop(guard);
    /// # std::io::Result::Ok(())
    /// ```
    #[inline]
    #[track_caller]
    pub fn try_lock(&self) -> TryLockResult<MutexGuard<'_, T>> {
        if !self.0.machine().try_lock(self.0.holders()) {
            return Err(TryLockError::WouldBlock);
        }
        Ok(MutexGuard::new(self, thread::panicking())?)
    }

    /// Acquires the lock, waiting no longer than `timeout`.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](TryLockError::WouldBlock) if it timed out, or the guard in a [`PoisonError`].
    ///
    /// # Panics
    ///
    /// If a killed holder left no value of the type, as for [`lock`](Mutex::lock).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let mutex = multiproc::sync::Mutex::new(1)?;
    /// let guard = mutex.lock().unwrap();
    /// let other = mutex.clone();
    /// std::thread::spawn(move || {
    ///     assert!(other.try_lock_for(Duration::from_millis(10)).is_err());
    /// }).join().unwrap();
    /// # drop(guard);
    /// # std::io::Result::Ok(())
    /// ```
    #[track_caller]
    pub fn try_lock_for(&self, timeout: Duration) -> TryLockResult<MutexGuard<'_, T>> {
        let deadline = deadline::after(timeout);
        if !self.0.machine().lock_until(self.0.holders(), deadline) {
            return Err(TryLockError::WouldBlock);
        }
        Ok(MutexGuard::new(self, thread::panicking())?)
    }

    #[cold]
    #[track_caller]
    fn lock_slowly(&self) {
        let machine = self.0.machine();
        if machine.is_mine() {
            waits_for_itself();
        }
        machine.wait(self.0.holders(), None);
    }

    /// Returns `true` if a holder panicked or died and the poison was not cleared since.
    ///
    /// The death of a holder is found by the next caller that locks.
    #[inline]
    #[must_use]
    pub fn is_poisoned(&self) -> bool {
        self.0.machine().poison().is_set()
    }

    /// Clears the poison: declares the value to be consistent, after a [`PoisonError`] gave access
    /// to it.
    ///
    /// Does nothing if a holder was killed and the mutex has not been locked since.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::sync::Mutex;
    ///
    /// let total = Mutex::new(1)?;
    /// let other = total.clone();
    /// let thread = std::thread::spawn(move || {
    ///     let _guard = other.lock().unwrap();
    ///     panic!("in the middle of a change");
    /// });
    /// assert!(thread.join().is_err() && total.is_poisoned());
    ///
    /// let mut guard = total.lock().unwrap_err().into_inner();
    /// *guard = 0; // repairs what was half changed
    /// total.clear_poison();
    /// drop(guard);
    /// assert!(total.lock().is_ok());
    /// # std::io::Result::Ok(())
    /// ```
    pub fn clear_poison(&self) {
        self.0.machine().poison().clear();
    }

    /// Returns `true` if both are handles to the same mutex.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::sync::Mutex;
    ///
    /// let one = Mutex::new(1)?;
    /// assert!(Mutex::ptr_eq(&one, &one.clone()));
    /// assert!(!Mutex::ptr_eq(&one, &Mutex::new(1)?));
    /// # std::io::Result::Ok(())
    /// ```
    #[must_use]
    pub fn ptr_eq(this: &Mutex<T>, other: &Mutex<T>) -> bool {
        this.0.is(&other.0)
    }
}

/// The lock on a [`Mutex`], given back when dropped.
///
/// # Examples
///
/// ```
/// let mutex = multiproc::sync::Mutex::new(1)?;
/// let mut guard = mutex.lock().unwrap();
/// *guard += 1; // the guard derefs to the value
/// drop(guard);
/// assert_eq!(*mutex.lock().unwrap(), 2);
/// # std::io::Result::Ok(())
/// ```
#[must_use = "the lock is given back at once if the guard is not kept"]
pub struct MutexGuard<'a, T: ?Sized> {
    mutex: &'a Mutex<T>,
    /// Whether the thread was panicking already: then it is not for us to blame the value.
    panicking: bool,
    /// The lock is its thread's, as std's; the guard is `!Send`.
    thread: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives `&T` only.
unsafe impl<T: ?Sized + Sync> Sync for MutexGuard<'_, T> {}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    /// The mutex has just been locked by this thread.
    #[inline]
    #[track_caller]
    fn new(mutex: &'a Mutex<T>, panicking: bool) -> LockResult<MutexGuard<'a, T>> {
        let guard = MutexGuard::of(mutex, panicking);
        if mutex.is_poisoned() {
            if !guard.is_whole() {
                is_in_pieces("mutex");
            }
            Err(PoisonError::new(guard))
        } else {
            Ok(guard)
        }
    }

    /// As [`new`](Self::new), but the caller must not look before it has asked whether it
    /// [is whole](Self::is_whole).
    #[inline]
    fn of(mutex: &'a Mutex<T>, panicking: bool) -> MutexGuard<'a, T> {
        MutexGuard {
            mutex,
            panicking,
            thread: PhantomData,
        }
    }

    /// Whether there is a value.
    #[cold]
    fn is_whole(&self) -> bool {
        let cell = &self.mutex.0;
        // SAFETY: we have the lock.
        let is_value = |left| unsafe { cell.is_value(cell.data(), left) };
        cell.machine().poison().look(is_value)
    }

    /// The mutex that the guard has locked.
    pub(super) fn mutex(&self) -> &'a Mutex<T> {
        self.mutex
    }
}

impl<T: ?Sized> Drop for MutexGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let cell = &self.mutex.0;
        if !self.panicking && thread::panicking() {
            cell.machine().poison().set_by_panic();
        }
        cell.machine().unlock();
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: initialised, and we have the lock: no other guard, in any process.
        unsafe { self.mutex.0.data().as_ref() }
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { self.mutex.0.data().as_mut() }
    }
}

pass_on_cell_handle!(Mutex<T: Shareable>, [T]);

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_mine = self.0.machine().try_lock(self.0.holders());
        let guard = is_mine.then(|| MutexGuard::of(self, thread::panicking()));
        let data = guard
            .as_ref()
            .map(|guard| (guard as &dyn fmt::Debug, guard.is_whole()));
        debug_lock(f, "Mutex", data, self.is_poisoned())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized + fmt::Display> fmt::Display for MutexGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
