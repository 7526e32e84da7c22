//! What happens when the parent asks where this process is.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::context::Context;
use super::destination::Destination;
use super::ends::{end_by, wait_for_ever};
use super::ids::{parent, process, thread};
use super::turn::Turn;
use super::worker_thread;
use crate::sys::linux::signal::{self, Handler, INQUIRY};

/// Whether the parent has asked.
static IS_ASKED: AtomicBool = AtomicBool::new(false);

/// Handles inquiries, if nothing else handles their signal.
pub(super) fn install() {
    // Without a handler, the signal ends the process, which the parent is about to do.
    let _ = signal::install(
        INQUIRY,
        Handler::Informed(on_inquiry),
        libc::SA_ONSTACK | libc::SA_RESTART,
        &[libc::SIG_DFL],
    );
}

extern "C" fn on_inquiry(signal: libc::c_int, info: *const libc::siginfo_t, context: *const ()) {
    // SAFETY: the kernel passes a valid description of the signal.
    let info = unsafe { &*info };
    // SAFETY: a signal that no instruction causes was sent, and says by which process.
    let sender = unsafe { info.si_pid() };
    if !IS_ASKED.load(Relaxed) {
        // As if there were no handler.
        if sender != parent() {
            return end_by(signal);
        }
        // What would tell is not there yet.
        if Destination::get().is_none() {
            return;
        }
        IS_ASKED.store(true, Relaxed);
    }
    let thread = thread();
    let worker = worker_thread::current();
    if thread != worker {
        return pass_on(worker, signal);
    }
    match Turn::take(thread, signal) {
        Turn::First => {}
        // It tells of a crash.
        Turn::Again(_) => return,
        Turn::Late => wait_for_ever(),
    }
    // SAFETY: the kernel passes the context of what it has interrupted.
    let context = unsafe { Context::new(context) };
    if let (Some(destination), Some(context)) = (Destination::get(), context) {
        destination.tell_what(info, &context);
        destination.tell_where(&context);
    }
    wait_for_ever()
}

/// Sends the signal to another thread, of which a wrong number is of no consequence.
fn pass_on(thread: libc::pid_t, signal: libc::c_int) {
    // What was interrupted may be about to read it.
    let errno = io::Error::last_os_error().raw_os_error();
    // SAFETY: it takes numbers.
    unsafe { libc::syscall(libc::SYS_tgkill, process(), thread, signal) };
    // SAFETY: it takes nothing.
    let place = unsafe { libc::__errno_location() };
    // SAFETY: it is this thread's own, for as long as that runs.
    unsafe { *place = errno.unwrap_or(0) };
}
