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
            few: [const { Cell::new(ptr::null()) }; FEW],
            more: RefCell::new(Vec::new()),
        }
    };
}

struct Held {
    /// Null where there is none.
    few: [Cell<*const Lock>; FEW],
    more: RefCell<Vec<*const Lock>>,
}

/// More locks than this at a time are rare.
const FEW: usize = 4;

impl Drop for Held {
    fn drop(&mut self) {
        let few = self.few.iter().map(|place| place.replace(ptr::null()));
        let noted = few.filter(|lock| !lock.is_null());
        for lock in noted.chain(self.more.take()) {
            // SAFETY: a thread that ends does not wait for a lock, so it has what it noted. And
            // whoever drops the last handle to a lock that is taken keeps its memory mapped for
            // ever, so the lock is where it was.
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
    let _ = HELD.try_with(
        |held| match held.few.iter().find(|place| place.get().is_null()) {
            Some(place) => place.set(lock),
            None => held.more.borrow_mut().push(lock),
        },
    );
}

#[inline]
pub(super) fn remove(lock: &Lock) {
    let _ = HELD.try_with(
        |held| match held.few.iter().find(|place| ptr::eq(place.get(), lock)) {
            Some(place) => place.set(ptr::null()),
            None => remove_from_more(held, lock),
        },
    );
}

#[cold]
fn remove_from_more(held: &Held, lock: &Lock) {
    let mut more = held.more.borrow_mut();
    if let Some(place) = more.iter().rposition(|other| ptr::eq(*other, lock)) {
        more.swap_remove(place);
    }
}

pub(super) fn has(lock: &Lock) -> bool {
    HELD.try_with(|held| {
        let lock = ptr::from_ref(lock);
        held.few.iter().any(|place| place.get() == lock) || held.more.borrow().contains(&lock)
    })
    .unwrap_or(false)
}
