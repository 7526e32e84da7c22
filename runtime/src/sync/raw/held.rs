//! The locks that a thread has, for the case that it ends with them.
//!
//! Only a guard that was forgotten lets a thread end with a lock. The list is in the memory of its
//! process, so the death of the whole process is not for it to notice.

#![expect(unsafe_code, reason = "a lock outlives its forgotten guard")]

use std::cell::{Cell, RefCell};
use std::ptr;

use super::Lock;

thread_local! {
    static HELD: Held = const {
        Held {
            last: Cell::new(ptr::null()),
            earlier: RefCell::new(Vec::new()),
        }
    };
}

struct Held {
    /// What was noted last, unless it has been struck out since. Most threads have one lock at most.
    last: Cell<*const Lock>,
    earlier: RefCell<Vec<*const Lock>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        let last = self.last.replace(ptr::null());
        let earlier = self.earlier.take();
        for lock in earlier
            .into_iter()
            .chain([last])
            .filter(|lock| !lock.is_null())
        {
            // SAFETY: whoever drops the last handle to a lock that is taken keeps its memory
            // mapped for ever, so the lock is where it was. No other than this thread, which is
            // not waiting for any, has taken it.
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
    let _ = HELD.try_with(|held| {
        let before = held.last.replace(lock);
        if !before.is_null() {
            held.earlier.borrow_mut().push(before);
        }
    });
}

#[inline]
pub(super) fn remove(lock: &Lock) {
    let _ = HELD.try_with(|held| {
        if ptr::eq(held.last.get(), lock) {
            held.last.set(ptr::null());
        } else {
            remove_earlier(held, lock);
        }
    });
}

#[cold]
fn remove_earlier(held: &Held, lock: &Lock) {
    let mut earlier = held.earlier.borrow_mut();
    if let Some(place) = earlier.iter().rposition(|other| ptr::eq(*other, lock)) {
        earlier.remove(place);
    }
}

pub(super) fn has(lock: &Lock) -> bool {
    HELD.try_with(|held| {
        let lock = ptr::from_ref(lock);
        held.last.get() == lock || held.earlier.borrow().contains(&lock)
    })
    .unwrap_or(false)
}
