use std::fmt;
use std::io;
use std::ops::Deref;

use super::cell_handle::{CellHandle, pass_on_cell_handle};
use super::no_state::NoState;
use super::shareable::Shareable;

/// An `Arc` across processes: a value in shared memory that every holder can read.
///
/// It derefs to `&T`. With an atomic inside it is a counter, a flag or a progress report that
/// needs no lock; `Shared<[T]>` is bulk data that workers read in place, without a copy. For
/// everything that changes in more than one step, use a [`Mutex`](crate::sync::Mutex) or an
/// [`RwLock`](crate::sync::RwLock).
///
/// `clone` gives another handle to the same value. Handles are arguments, results, or fields of
/// your types; the memory is freed when the last holder in any process is gone.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use multiproc::shm::Shared;
/// use multiproc::worker;
///
/// #[worker]
/// fn sum(numbers: Shared<[u64]>, total: Shared<AtomicU64>) {
///     total.fetch_add(numbers.iter().sum(), Ordering::Relaxed);
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let numbers = Shared::from_slice(&[1, 2, 3])?;
/// let total = Shared::new(AtomicU64::new(0))?;
/// sum::run(numbers.clone(), total.clone())?;
/// assert_eq!(total.load(Ordering::Relaxed), 6);
/// # Ok(())
/// # }
/// ```
///
/// A type that is not `Sync` cannot be read by several threads at once:
///
/// ```compile_fail,E0277
/// let cell = multiproc::shm::Shared::new(std::cell::Cell::new(1));
/// ```
pub struct Shared<T: ?Sized>(pub(super) CellHandle<NoState, T>);

impl<T: Shareable + Sync> Shared<T> {
    /// Puts a value into shared memory.
    ///
    /// # Errors
    ///
    /// There is no room, or no descriptor left.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::shm::Shared;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    ///
    /// let is_cancelled = Shared::new(AtomicBool::new(false))?;
    /// is_cancelled.store(true, Ordering::Relaxed);
    /// assert!(is_cancelled.clone().load(Ordering::Relaxed));
    /// # std::io::Result::Ok(())
    /// ```
    pub fn new(value: T) -> io::Result<Shared<T>> {
        Ok(Shared(CellHandle::new(value)?))
    }
}

impl<T: Shareable + Sync> Shared<[T]> {
    /// Copies a slice into shared memory.
    ///
    /// # Errors
    ///
    /// As [`new`](Shared::new). An empty slice is
    /// [`InvalidInput`](io::ErrorKind::InvalidInput).
    ///
    /// # Examples
    ///
    /// ```
    /// let primes = multiproc::shm::Shared::from_slice(&[2, 3, 5, 7])?;
    /// assert_eq!(primes.iter().sum::<i32>(), 17);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn from_slice(slice: &[T]) -> io::Result<Shared<[T]>>
    where
        T: Copy,
    {
        Ok(Shared(CellHandle::from_slice(slice)?))
    }

    /// Puts `length` copies of a value into shared memory, as `vec![value; length]` puts them
    /// on the heap.
    ///
    /// # Errors
    ///
    /// As [`from_slice`](Shared::from_slice), for a length of 0.
    ///
    /// # Examples
    ///
    /// ```
    /// let table = multiproc::shm::Shared::from_elem(b'-', 80)?;
    /// assert_eq!(str::from_utf8(&table), Ok(&*"-".repeat(80)));
    /// # std::io::Result::Ok(())
    /// ```
    pub fn from_elem(value: T, length: usize) -> io::Result<Shared<[T]>>
    where
        T: Copy,
    {
        Ok(Shared(CellHandle::from_elem(value, length)?))
    }

    /// Creates a slice in shared memory, element by element, of values that cannot be copied.
    ///
    /// # Errors
    ///
    /// As [`from_slice`](Shared::from_slice).
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::sync::atomic::AtomicU32;
    /// # use multiproc::shm::Shared;
    /// # fn main() -> std::io::Result<()> {
    /// let counters = Shared::from_fn(8, |_| AtomicU32::new(0))?;
    /// assert_eq!(counters.len(), 8);
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_fn(length: usize, element: impl FnMut(usize) -> T) -> io::Result<Shared<[T]>> {
        Ok(Shared(CellHandle::from_fn(length, element)?))
    }
}

impl<T: ?Sized> Shared<T> {
    /// Returns `true` if both are handles to the same value.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::shm::Shared;
    ///
    /// let one = Shared::new(1)?;
    /// assert!(Shared::ptr_eq(&one, &one.clone()));
    /// assert!(!Shared::ptr_eq(&one, &Shared::new(1)?));
    /// # std::io::Result::Ok(())
    /// ```
    #[must_use]
    pub fn ptr_eq(this: &Shared<T>, other: &Shared<T>) -> bool {
        this.0.is(&other.0)
    }
}

impl<T: ?Sized> Deref for Shared<T> {
    type Target = T;

    #[expect(unsafe_code, reason = "the value lies in shared memory")]
    fn deref(&self) -> &T {
        // SAFETY: valid as long as the handle is. `T` is `Sync`, or there would be no `Shared` of
        // it, and there is no unique reference: it gives none.
        unsafe { self.0.data().as_ref() }
    }
}

pass_on_cell_handle!(Shared<T: Shareable + Sync>, [T]);

impl<T: ?Sized + fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
