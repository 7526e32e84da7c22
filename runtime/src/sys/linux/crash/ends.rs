//! How a thread leaves a handler that it does not return from.

use std::ptr;

use super::ids::{process, thread};
use crate::sys::linux::signal;

/// Ends this process by a signal.
pub(super) fn end_by(signal: libc::c_int) {
    set_default(signal);
    signal::unblock(signal);
    // SAFETY: it takes numbers.
    unsafe { libc::syscall(libc::SYS_tgkill, process(), thread(), signal) };
}

pub(super) fn set_default(signal: libc::c_int) {
    // SAFETY: the disposition is a valid one, and what had the handler is over.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}

/// Waits for a second, in which another thread is to end the process.
pub(super) fn wait_for_end() {
    wait(1000);
}

/// Waits for the parent, which is to kill the process.
pub(super) fn wait_for_ever() -> ! {
    loop {
        wait(-1);
    }
}

fn wait(milliseconds: libc::c_int) {
    // SAFETY: no places are given, so it only waits.
    unsafe { libc::poll(ptr::null_mut(), 0, milliseconds) };
}
