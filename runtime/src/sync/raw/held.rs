//! The locks that a thread has, for the case that it ends with them.
//!
//! Only a guard that was forgotten lets a thread end with a lock. The list is in the memory of its
//! process, so the death of the whole process is not for it to notice.

#![expect(unsafe_code, reason = "a lock outlives its forgotten guard")]

use std::cell::RefCell;
use std::ptr;

use super::Lock;

thread_local! {
    static HELD: Held = const { Held(RefCell::new(Vec::new())) };
}

struct Held(RefCell<Vec<*const Lock>>);

impl Drop for Held {
    fn drop(&mut self) {
        for lock in self.0.take() {
            // SAFETY: whoever drops the last handle to a lock that is held keeps its memory
            // mapped for ever, so the lock is where it was.
            let lock = unsafe { &*lock };
            lock.poison().set();
            lock.give_back();
        }
    }
}

// A thread whose list is gone already is about to end, and runs destructors of the user's. A guard
// that one of those forgets is found when its process ends.

#[inline]
pub(super) fn add(lock: &Lock) {
    let _ = HELD.try_with(|held| held.0.borrow_mut().push(ptr::from_ref(lock)));
}

#[inline]
pub(super) fn remove(lock: &Lock) {
    let _ = HELD.try_with(|held| {
        let mut held = held.0.borrow_mut();
        if held.last() == Some(&ptr::from_ref(lock)) {
            held.pop();
        } else {
            held.retain(|other| !ptr::eq(*other, lock));
        }
    });
}

pub(super) fn has(lock: &Lock) -> bool {
    HELD.try_with(|held| held.0.borrow().contains(&ptr::from_ref(lock)))
        .unwrap_or(false)
}
