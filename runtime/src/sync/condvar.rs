use std::fmt;
use std::io;
use std::sync::{LockResult, PoisonError};
use std::time::{Duration, Instant};

use super::{Mutex, MutexGuard};
use crate::raw;
use crate::shm::{CellHandle, pass_on_cell_handle};
use crate::sys::deadline;

/// A condition variable: waits for a change of what a [`Mutex`] protects.
///
/// The names and shapes are those of [`std::sync::Condvar`]. Waiters are notified in the order in
/// which they began to wait. If a process dies after it was notified, its notification goes to
/// another waiter; the notifier does not wait for an answer.
///
/// As with std's, a wait can end without a notification: use [`wait_while`](Condvar::wait_while),
/// or wait in a loop. One condition variable can serve several mutexes.
///
/// # Examples
///
/// ```
/// use multiproc::sync::{Condvar, Mutex};
/// use multiproc::worker;
///
/// #[worker]
/// fn open(gate: Mutex<bool>, opened: Condvar) {
///     *gate.lock().unwrap() = true;
///     opened.notify_all();
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (gate, opened) = (Mutex::new(false)?, Condvar::new()?);
/// let worker = open::spawn(gate.clone(), opened.clone())?;
/// let guard = opened.wait_while(gate.lock().unwrap(), |open| !*open).unwrap();
/// assert!(*guard);
/// # drop(guard);
/// # worker.join()?;
/// # Ok(())
/// # }
/// ```
pub struct Condvar(CellHandle<raw::Condvar, ()>);

impl Condvar {
    /// Creates a condition variable.
    ///
    /// # Errors
    ///
    /// There is no room in shared memory, or no descriptor left.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::sync::Condvar;
    ///
    /// let changed = Condvar::new()?;
    /// changed.notify_one(); // wakes nothing: there is no waiter yet
    /// # std::io::Result::Ok(())
    /// ```
    pub fn new() -> io::Result<Condvar> {
        Ok(Condvar(CellHandle::new(())?))
    }

    /// Gives the lock back, waits for a notification, and takes the lock again.
    ///
    /// # Errors
    ///
    /// A [`PoisonError`] with the guard, if the mutex is poisoned by then.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::sync::{Condvar, Mutex};
    ///
    /// let (gate, opened) = (Mutex::new(false)?, Condvar::new()?);
    /// let (its_gate, its_opened) = (gate.clone(), opened.clone());
    /// let thread = std::thread::spawn(move || {
    ///     *its_gate.lock().unwrap() = true;
    ///     its_opened.notify_one();
    /// });
    /// let mut open = gate.lock().unwrap();
    /// while !*open {
    ///     open = opened.wait(open).unwrap();
    /// }
    /// # drop(open);
    /// # thread.join().unwrap();
    /// # std::io::Result::Ok(())
    /// ```
    pub fn wait<'a, T: ?Sized>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        self.wait_until(guard, None).0
    }

    /// Waits as long as `condition` holds.
    ///
    /// # Errors
    ///
    /// As [`wait`](Condvar::wait).
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::sync::{Condvar, Mutex};
    ///
    /// let (count, changed) = (Mutex::new(0)?, Condvar::new()?);
    /// let (its_count, its_changed) = (count.clone(), changed.clone());
    /// let thread = std::thread::spawn(move || {
    ///     for _ in 0..3 {
    ///         *its_count.lock().unwrap() += 1;
    ///         its_changed.notify_one();
    ///     }
    /// });
    /// let guard = changed.wait_while(count.lock().unwrap(), |count| *count < 3).unwrap();
    /// assert_eq!(*guard, 3);
    /// # drop(guard);
    /// # thread.join().unwrap();
    /// # std::io::Result::Ok(())
    /// ```
    pub fn wait_while<'a, T: ?Sized>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<MutexGuard<'a, T>> {
        while condition(&mut guard) {
            guard = self.wait(guard)?;
        }
        Ok(guard)
    }

    /// Waits for a notification, but not longer than `timeout`, and takes the lock again.
    ///
    /// Taking the lock again can take longer, if a living thread has it.
    ///
    /// # Errors
    ///
    /// As [`wait`](Condvar::wait).
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::sync::{Condvar, Mutex};
    /// use std::time::Duration;
    ///
    /// let (state, changed) = (Mutex::new(())?, Condvar::new()?);
    /// let guard = state.lock().unwrap();
    /// let (_guard, result) = changed.wait_timeout(guard, Duration::from_millis(1)).unwrap();
    /// assert!(result.timed_out());
    /// # std::io::Result::Ok(())
    /// ```
    pub fn wait_timeout<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let (result, notified) = self.wait_until(guard, deadline::after(timeout));
        let timed_out = WaitTimeoutResult(!notified);
        match result {
            Ok(guard) => Ok((guard, timed_out)),
            Err(error) => Err(PoisonError::new((error.into_inner(), timed_out))),
        }
    }

    /// Waits as long as `condition` holds, but not longer than `timeout`.
    ///
    /// The result says that the wait timed out only if the condition still holds.
    ///
    /// # Errors
    ///
    /// As [`wait`](Condvar::wait).
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::sync::{Condvar, Mutex};
    /// use std::time::Duration;
    ///
    /// let (ready, changed) = (Mutex::new(false)?, Condvar::new()?);
    /// let guard = ready.lock().unwrap();
    /// let limit = Duration::from_millis(1);
    /// let (guard, result) = changed.wait_timeout_while(guard, limit, |ready| !*ready).unwrap();
    /// assert!(result.timed_out() && !*guard);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn wait_timeout_while<'a, T: ?Sized>(
        &self,
        mut guard: MutexGuard<'a, T>,
        timeout: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let deadline = deadline::after(timeout);
        loop {
            if !condition(&mut guard) {
                return Ok((guard, WaitTimeoutResult(false)));
            }
            let (result, notified) = self.wait_until(guard, deadline);
            match result {
                Ok(locked) => guard = locked,
                Err(error) => {
                    let result = (error.into_inner(), WaitTimeoutResult(!notified));
                    return Err(PoisonError::new(result));
                }
            }
            if !notified {
                let holds = condition(&mut guard);
                return Ok((guard, WaitTimeoutResult(holds)));
            }
        }
    }

    fn wait_until<'a, T: ?Sized>(
        &self,
        guard: MutexGuard<'a, T>,
        deadline: Option<Instant>,
    ) -> (LockResult<MutexGuard<'a, T>>, bool) {
        let (machine, holders) = (self.0.machine(), self.0.holders());
        let mutex: &'a Mutex<T> = guard.mutex();
        let token = machine.queue(holders);
        drop(guard);
        let notified = machine.sleep(token, holders, deadline);
        (mutex.lock(), notified)
    }

    /// Wakes the waiter that has waited longest.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::sync::{Condvar, Mutex};
    ///
    /// let (ready, changed) = (Mutex::new(false)?, Condvar::new()?);
    /// let (its_ready, its_changed) = (ready.clone(), changed.clone());
    /// let thread = std::thread::spawn(move || {
    ///     let guard = its_ready.lock().unwrap();
    ///     drop(its_changed.wait_while(guard, |ready| !*ready).unwrap());
    /// });
    /// *ready.lock().unwrap() = true;
    /// changed.notify_one();
    /// thread.join().unwrap();
    /// # std::io::Result::Ok(())
    /// ```
    pub fn notify_one(&self) {
        self.notify_n(1);
    }

    /// Wakes the `count` waiters that have waited longest, or all if there are fewer.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::sync::{Condvar, Mutex};
    ///
    /// // A number of places, for which threads of any processes wait.
    /// let (places, freed) = (Mutex::new(0)?, Condvar::new()?);
    /// *places.lock().unwrap() += 3;
    /// freed.notify_n(3); // one waiter for each
    /// # std::io::Result::Ok(())
    /// ```
    pub fn notify_n(&self, count: usize) {
        self.0.machine().notify(self.0.holders(), count);
    }

    /// Wakes all waiters.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::sync::{Condvar, Mutex};
    ///
    /// let (closed, changed) = (Mutex::new(false)?, Condvar::new()?);
    /// *closed.lock().unwrap() = true;
    /// changed.notify_all(); // each of them looks whether it is closed
    /// # std::io::Result::Ok(())
    /// ```
    pub fn notify_all(&self) {
        self.notify_n(usize::MAX);
    }
}

/// Tells whether a wait with a timeout ended because of the timeout.
///
/// # Examples
///
/// ```
/// use multiproc::sync::{Condvar, Mutex};
/// use std::time::Duration;
///
/// let (state, changed) = (Mutex::new(())?, Condvar::new()?);
/// let guard = state.lock().unwrap();
/// let (_guard, result) = changed.wait_timeout(guard, Duration::ZERO).unwrap();
/// assert!(result.timed_out());
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Returns `true` if the wait timed out.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

pass_on_cell_handle!(Condvar);

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}
