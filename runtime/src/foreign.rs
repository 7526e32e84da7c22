//! User code, on the library's threads and beside what has to go on.

use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

/// Calls user code: a waker, a callback, a destructor. Its panic is printed as that of any
/// thread, and has no other consequences.
pub(crate) fn call(code: impl FnOnce()) {
    forget_panic(catch_unwind(AssertUnwindSafe(code)));
}

/// Goes on after user code, which may have panicked.
pub(crate) fn forget_panic(result: thread::Result<()>) {
    if let Err(payload) = result {
        // It has been printed, and a payload may panic when dropped.
        let _ = ManuallyDrop::new(payload);
    }
}
