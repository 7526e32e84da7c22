use std::fmt;
use std::io;
use std::sync::{LockResult, PoisonError};
use std::time::{Duration, Instant};

use super::{Mutex, MutexGuard};
use crate::raw;
use crate::shm::{CellHandle, pass_on_cell_handle};
use crate::sys::deadline;

/// Waiting for a change of what a [`Mutex`] protects.
///
/// The names and shapes are those of [`std::sync::Condvar`]. Those who wait are notified in the
/// order in which they began to. A notification that was given to a process which then died goes
/// to another waiter; nobody waits for an answer.
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
    /// A condition variable that nobody waits for yet.
    ///
    /// # Errors
    ///
    /// There is no room in shared memory, or no descriptor left.
    pub fn new() -> io::Result<Condvar> {
        Ok(Condvar(CellHandle::new(())?))
    }

    /// Gives the lock back, waits for a notification, and takes the lock again.
    ///
    /// # Errors
    ///
    /// A [`PoisonError`] with the guard, if the mutex is poisoned by then.
    pub fn wait<'a, T: ?Sized>(&self, guard: MutexGuard<'a, T>) -> LockResult<MutexGuard<'a, T>> {
        self.wait_until(guard, None).0
    }

    /// Waits as long as `condition` holds.
    ///
    /// # Errors
    ///
    /// As [`wait`](Condvar::wait).
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

    /// Waits for a notification no longer than `timeout`, and takes the lock again, which can
    /// take longer if a living thread has it.
    ///
    /// # Errors
    ///
    /// As [`wait`](Condvar::wait).
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

    /// Waits as long as `condition` holds, but no longer than `timeout`.
    ///
    /// The result says that time is up only if the condition still holds.
    ///
    /// # Errors
    ///
    /// As [`wait`](Condvar::wait).
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

    /// Wakes the one who has waited longest.
    pub fn notify_one(&self) {
        self.notify_n(1);
    }

    /// Wakes the `count` who have waited longest, or all if there are fewer.
    pub fn notify_n(&self, count: usize) {
        self.0.machine().notify(self.0.holders(), count);
    }

    /// Wakes all who wait.
    pub fn notify_all(&self) {
        self.notify_n(usize::MAX);
    }
}

/// Whether a wait ended because its time was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether time was up.
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
