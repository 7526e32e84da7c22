//! A mutex in shared memory that notices the death of its owner.
//!
//! The kernel keeps a list of the robust mutexes that a thread holds and marks them when the
//! thread ends, however it ends, before anybody can see that it has, and wakes one waiter. libc
//! owns that list, so libc's mutex is used.
//!
//! One thing neither of them does: a waiter that was woken by an unlock and is killed before it
//! has run takes that wake-up call with it. If a third thread has taken the mutex meanwhile, it
//! knows of no waiters, and wakes none; those that are left would sleep on beside a free mutex.
//! So nobody here sleeps without an end: a waiter looks again after a while.
//!
//! Two rules follow from the list:
//!
//! * It holds addresses: a mutex is locked and unlocked through one mapping, which must not go
//!   away in between. So nobody has one while code of the user's runs, which may do anything.
//! * It must be the list of the calling thread. In a process made by a bare `clone`, libc's
//!   record of the first thread is still the parent's; so nothing may lock there, and nothing
//!   does: workers run on a thread of their own.

#![expect(unsafe_code, reason = "robust mutexes are only to be had from libc")]

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

/// The mutex, in place. It never moves.
#[derive(Debug)]
#[repr(transparent)]
pub(crate) struct RobustMutex(UnsafeCell<libc::pthread_mutex_t>);

// SAFETY: a mutex is made to be used by several threads; it has the attribute that lets these be
// of several processes.
unsafe impl Sync for RobustMutex {}
// SAFETY: as above.
unsafe impl Send for RobustMutex {}

/// How often a waiter looks before it sleeps.
const SPINS: u32 = 50;

/// How long a waiter sleeps before it looks again, at first and at last.
const FIRST_SLICE: Duration = Duration::from_millis(4);
const LAST_SLICE: Duration = Duration::from_millis(200);

/// What the previous owner did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acquired {
    /// It unlocked.
    Clean,
    /// It ended without. What the mutex protects may be in any state between two steps.
    OwnerDied,
}

/// The calling thread already holds the mutex.
#[derive(Debug)]
pub(crate) struct WouldWaitForItself;

impl RobustMutex {
    /// Makes a mutex at `place`.
    ///
    /// # Safety
    ///
    /// The place is valid for writes, aligned, and not in use.
    pub(crate) unsafe fn init(place: *mut RobustMutex) {
        let mut attributes = MaybeUninit::<libc::pthread_mutexattr_t>::uninit();
        let attributes = attributes.as_mut_ptr();
        // SAFETY: initialised here before any other use.
        check(unsafe { libc::pthread_mutexattr_init(attributes) });
        // SAFETY: the attributes are initialised.
        check(unsafe {
            libc::pthread_mutexattr_setpshared(attributes, libc::PTHREAD_PROCESS_SHARED)
        });
        // SAFETY: as above.
        check(unsafe { libc::pthread_mutexattr_setrobust(attributes, libc::PTHREAD_MUTEX_ROBUST) });
        // SAFETY: as above.
        check(unsafe {
            libc::pthread_mutexattr_settype(attributes, libc::PTHREAD_MUTEX_ERRORCHECK)
        });
        // SAFETY: `RobustMutex` is transparent; the caller promises that the place is ours.
        check(unsafe { libc::pthread_mutex_init(place.cast(), attributes) });
        // SAFETY: initialised above and not used afterwards.
        check(unsafe { libc::pthread_mutexattr_destroy(attributes) });
    }

    /// The mutex, if it is free or its owner is dead.
    #[inline]
    pub(crate) fn try_lock(&self) -> Option<Acquired> {
        #[cfg(test)]
        crate::probe::before_lock(self.0.get().addr());
        // SAFETY: as in `lock`.
        match unsafe { libc::pthread_mutex_trylock(self.0.get()) } {
            libc::EBUSY | libc::EDEADLK => None,
            code => {
                #[cfg(test)]
                crate::probe::after_lock(self.0.get().addr());
                Some(self.acquired(code))
            }
        }
    }

    /// Waits for the mutex until `deadline`; for ever without one. `None` when time is up.
    ///
    /// A thread that holds the mutex itself waits until the deadline.
    pub(crate) fn lock_until(
        &self,
        deadline: Option<Instant>,
    ) -> Result<Option<Acquired>, WouldWaitForItself> {
        match self.try_lock() {
            Some(acquired) => Ok(Some(acquired)),
            None => self.wait_until(deadline),
        }
    }

    /// Waits, in slices: see the module's documentation.
    fn wait_until(
        &self,
        deadline: Option<Instant>,
    ) -> Result<Option<Acquired>, WouldWaitForItself> {
        #[cfg(test)]
        while let Some(in_time) = crate::probe::queue(self.0.get().addr(), deadline) {
            let acquired = self.try_lock();
            if acquired.is_some() || !in_time {
                return Ok(acquired);
            }
        }
        for _ in 0..SPINS {
            std::hint::spin_loop();
            if let Some(acquired) = self.try_lock() {
                return Ok(Some(acquired));
            }
        }
        let mut slice = FIRST_SLICE;
        loop {
            let mut nap = slice;
            if let Some(deadline) = deadline {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Ok(None);
                }
                nap = nap.min(left);
            }
            match self.lock_within(nap) {
                libc::ETIMEDOUT | libc::EINTR => {}
                libc::EDEADLK => match deadline {
                    None => return Err(WouldWaitForItself),
                    Some(_) => std::thread::sleep(nap),
                },
                code => return Ok(Some(self.acquired(code))),
            }
            if let Some(acquired) = self.try_lock() {
                return Ok(Some(acquired));
            }
            slice = (slice * 2).min(LAST_SLICE);
        }
    }

    fn lock_within(&self, left: Duration) -> libc::c_int {
        let deadline = clock::after(left);
        // SAFETY: as in `lock`; the deadline is valid during the call.
        unsafe { clock::lock(self.0.get(), &raw const deadline) }
    }

    #[inline]
    fn acquired(&self, code: libc::c_int) -> Acquired {
        if code == 0 {
            return Acquired::Clean;
        }
        self.acquired_oddly(code)
    }

    #[cold]
    fn acquired_oddly(&self, code: libc::c_int) -> Acquired {
        if code == libc::EOWNERDEAD {
            // The mark comes back if this thread dies before it has unlocked, so it may be wiped
            // before anything is repaired.
            // SAFETY: as in `lock`; this thread holds the mutex and was told of the death.
            check(unsafe { libc::pthread_mutex_consistent(self.0.get()) });
            return Acquired::OwnerDied;
        }
        check(code);
        Acquired::Clean
    }

    /// Gives the mutex back.
    ///
    /// # Safety
    ///
    /// The calling thread holds it, and locked it at this address.
    #[inline]
    pub(crate) unsafe fn unlock(&self) {
        #[cfg(test)]
        if !crate::probe::before_unlock(self.0.get().addr()) {
            return;
        }
        // SAFETY: as in `lock`; the caller promises the rest.
        let code = unsafe { libc::pthread_mutex_unlock(self.0.get()) };
        debug_assert_eq!(
            code, 0,
            "a mutex was unlocked that its thread does not hold"
        );
    }
}

/// glibc can wait by the clock that `Instant` has, which nobody sets.
#[cfg(target_env = "gnu")]
mod clock {
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    unsafe extern "C" {
        fn pthread_mutex_clocklock(
            mutex: *mut libc::pthread_mutex_t,
            clock: libc::clockid_t,
            deadline: *const libc::timespec,
        ) -> libc::c_int;
    }

    pub(super) fn after(left: Duration) -> libc::timespec {
        super::add(clock_gettime(ClockId::Monotonic), left)
    }

    /// # Safety
    ///
    /// Both pointers are valid, and the mutex is initialised.
    pub(super) unsafe fn lock(
        mutex: *mut libc::pthread_mutex_t,
        deadline: *const libc::timespec,
    ) -> libc::c_int {
        // SAFETY: the caller's promise.
        unsafe { pthread_mutex_clocklock(mutex, libc::CLOCK_MONOTONIC, deadline) }
    }
}

/// Elsewhere only the time of day is to be had: short waits, so that setting it does little harm.
#[cfg(not(target_env = "gnu"))]
mod clock {
    use std::time::Duration;

    use rustix::time::{ClockId, clock_gettime};

    pub(super) fn after(left: Duration) -> libc::timespec {
        let slice = left.min(Duration::from_millis(250));
        super::add(clock_gettime(ClockId::Realtime), slice)
    }

    /// # Safety
    ///
    /// Both pointers are valid, and the mutex is initialised.
    pub(super) unsafe fn lock(
        mutex: *mut libc::pthread_mutex_t,
        deadline: *const libc::timespec,
    ) -> libc::c_int {
        // SAFETY: the caller's promise.
        unsafe { libc::pthread_mutex_timedlock(mutex, deadline) }
    }
}

fn add(now: rustix::time::Timespec, left: Duration) -> libc::timespec {
    let nanoseconds = now.tv_nsec + i64::from(left.subsec_nanos());
    libc::timespec {
        tv_sec: now.tv_sec + left.as_secs().cast_signed() + nanoseconds / 1_000_000_000,
        tv_nsec: nanoseconds % 1_000_000_000,
    }
}

#[track_caller]
fn check(code: libc::c_int) {
    assert!(
        code == 0,
        "a mutex in shared memory is damaged: {}",
        std::io::Error::from_raw_os_error(code)
    );
}
