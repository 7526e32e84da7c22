//! A number for each thread that no other thread has, in no process, also when it has ended.
//!
//! A process counts its threads from a number that it draws by lot among 2⁶³, so two processes do
//! not meet. One that was made by `fork` draws anew, because it would go on counting where its
//! original does: for that, libc tells of each fork, and [`clone_sibling`](super::clone) of its
//! own.
//!
//! The number is in a thread-local variable without a destructor. So it is there as long as the
//! thread, also for the destructors of other thread-local variables.

#![expect(unsafe_code, reason = "libc is told what to call after a fork")]

use std::cell::Cell;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::rand::{GetRandomFlags, getrandom};
use rustix::thread::gettid;
use rustix::time::{ClockId, clock_gettime};

thread_local! {
    /// 0 before the thread has asked.
    static OURS: Cell<u64> = const { Cell::new(0) };
}

/// The number of the next thread; 0 before any has asked.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// The kernel's id of the calling thread.
pub(crate) fn id() -> u32 {
    gettid().as_raw_nonzero().get().cast_unsigned()
}

/// The number of the calling thread, which is not 0.
#[inline]
pub(crate) fn number() -> u64 {
    match OURS.get() {
        0 => draw(),
        ours => ours,
    }
}

#[cold]
fn draw() -> u64 {
    static IS_TOLD: Once = Once::new();
    IS_TOLD.call_once(|| {
        // SAFETY: the function may be called at any time, and stays where it is.
        let _ = unsafe { libc::pthread_atfork(None, None, Some(after_fork)) };
    });
    if NEXT.load(Ordering::Relaxed) == 0 {
        // If this fails, another thread has just done it.
        let _ = NEXT.compare_exchange(0, lot(), Ordering::Relaxed, Ordering::Relaxed);
    }
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    OURS.set(number);
    number
}

/// A random number that is not 0, with as many numbers behind it.
fn lot() -> u64 {
    let mut bytes = [0; 8];
    let drawn = getrandom(&mut bytes, GetRandomFlags::NONBLOCK);
    let random = match drawn {
        Ok(8) => u64::from_ne_bytes(bytes),
        // What differs from process to process has to do.
        _ => {
            let now = clock_gettime(ClockId::Monotonic);
            let process = std::process::id();
            RandomState::new().hash_one((process, now.tv_sec, now.tv_nsec))
        }
    };
    random >> 1 | 1
}

extern "C" fn after_fork() {
    renew();
}

/// Forgets the numbers: this process has just been made as a copy of another one, and the calling
/// thread is its only one.
pub(crate) fn renew() {
    OURS.set(0);
    NEXT.store(0, Ordering::Relaxed);
}

/// Gives the calling thread another number, when it asks again.
#[cfg(test)]
pub(crate) fn forget() {
    OURS.set(0);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread;

    use super::*;

    #[test]
    fn no_two_threads_have_the_same_number() {
        let ours = number();
        assert_eq!(ours, number());
        let others = (0..100).map(|_| thread::spawn(number).join().unwrap());
        let numbers: HashSet<u64> = others.chain([ours]).collect();
        assert_eq!(numbers.len(), 101);
        assert!(!numbers.contains(&0));
    }

    #[test]
    fn the_thread_of_a_copy_has_another_number() {
        let ours = number();
        let _copy = crate::probe::allow_copy();
        // SAFETY: the copy only makes system calls and ends.
        let copy = unsafe { libc::fork() };
        if copy == 0 {
            let theirs = number();
            let is_another = theirs != ours && theirs.abs_diff(ours) > 1_000_000;
            // SAFETY: it ends here, without a destructor of the original's.
            unsafe { libc::_exit(if is_another { 42 } else { 1 }) };
        }
        let mut status = 0;
        // SAFETY: it is a child of this process, and the pointer is valid.
        assert_eq!(unsafe { libc::waitpid(copy, &raw mut status, 0) }, copy);
        assert_eq!(libc::WEXITSTATUS(status), 42);
    }
}
