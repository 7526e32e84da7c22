//! Telling the parent why this process crashes, in its last moment; or where it is, when the parent
//! asks because it is about to kill it.
//!
//! A handler of the signals by which code ends itself ([`on_crash`]) sends two notes into the connection
//! to the parent, and lets the signal take its course: the exit status and the core dump are what they
//! would have been. The first note says what happened; the second, where: the return addresses on the
//! stack, and which files they lie in. What they mean, the parent looks up: it has the same image, and
//! all the time it wants.
//!
//! The parent asks by a signal that is used for nothing else ([`INQUIRY`]). The kernel has it handled
//! on the first thread, as long as that does not block it, whose handler sends it on to the thread that
//! runs the worker ([`WorkerThread`]). That one sends the same two notes, of this signal
//! ([`on_inquiry`]), and waits to be killed: it does not go on.
//!
//! # What a handler may do
//!
//! The thread may have been interrupted anywhere: in the allocator, with any lock held, with its
//! stack used up. So the handler runs on a stack of its own where there is one
//! ([`AlternateStack`](alternate_stack::AlternateStack)), allocates nothing, takes no lock and calls
//! nothing of std but what is arithmetic. It makes system calls. The one exception is the unwinder
//! (`trace`), which is not promised to be safe here, and is run after the first note, with a net below:
//!
//! | what goes wrong in a crash | what happens |
//! |---|---|
//! | the handler itself crashes, as the unwinder may on a stack that is overwritten | the handler is entered again, sees that, and lets the *first* signal take its course |
//! | it hangs, as the unwinder may on a lock of the dynamic loader's | a timer sends the signal again half a second later: likewise |
//! | another thread crashes meanwhile | it waits for the first, which ends the process; after a second it goes on by itself |
//! | a filter does not allow one of the calls | `SIGSYS`: the handler is entered again; or an error: the note is not sent |
//! | the connection is full, since the parent is slow | it waits for a tenth of a second, then goes on without the note |
//! | the connection was closed, or is another file now | no note |
//! | the process is killed in the handler | the parent has the first note or none: a note is one packet |
//! | there is no handler's stack, and the thread's own is used up | the kernel ends the process by the signal, without a handler |
//! | the signal is blocked | likewise for what an instruction has caused |
//!
//! An inquiry has another net: whatever becomes of it, the parent kills the process a moment later
//! ([`Inquiry`](crate::process::Inquiry)).
//!
//! | what goes wrong in an inquiry | what happens |
//! |---|---|
//! | the process is stopped, all its threads block the signal, or it has another handler | no note |
//! | the worker's thread alone blocks the signal, or sleeps in the kernel where nothing wakes it | no note: the first thread has sent the signal on in vain |
//! | it has no handler, because it executes another program | the signal ends it, which counts as the parent's kill |
//! | the worker's thread is telling of a crash, or begins to | the crash is told, and ends the process |
//! | the handler crashes or hangs | it waits to be killed |
//! | a filter does not allow one of its calls | likewise; or it ends the process, or the worker's thread and thereby the process, which counts as the parent's kill |
//! | another thread crashes after the worker's has been asked | it waits for a second: it is killed |
//! | the process dies before the first note, between the two, or after them | the parent has none, the first, or both; it uses both or none |
//! | the worker sends its result at that time | either the result has been sent whole, and counts; or it is never sent, and the worker was killed |
//! | another process sends the signal | it ends the process, as without a handler |
//! | the parent dies after it has asked | the first thread sees that, as ever; if the worker runs on that, the kernel does |
//!
//! A copy of this process made by `fork` sends nothing: it would speak for the original.
//!
//! # Which threads
//!
//! Handlers are the process's, so a crash of any thread is told. A stack that is used up is told of
//! the threads that run workers, which have an alternate stack; of others, such as those that
//! workers start, the parent learns the signal. An inquiry is about the thread that runs the worker,
//! also when that waits for others.

#![expect(unsafe_code, reason = "a signal handler asks the kernel")]

mod alternate_stack;
mod context;
mod destination;
mod ends;
mod ids;
mod memory_at;
mod modules;
mod note;
mod on_crash;
mod on_inquiry;
mod trace;
mod turn;
mod worker_thread;

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

pub(crate) use destination::Kinds;
pub(crate) use note::{PREFACE, Preface};
pub(crate) use worker_thread::WorkerThread;

use self::destination::Destination;
use super::image;
#[cfg(doc)]
use super::signal::INQUIRY;

/// Whether this process has the handlers: a clone has them from the one that it is a clone of.
static IS_INSTALLED: AtomicBool = AtomicBool::new(false);

/// Handles crashes and inquiries, where the signals have no handlers. Handlers that they get later are
/// used.
pub(crate) fn install() {
    if !IS_INSTALLED.swap(true, Relaxed) {
        // Clones take that over, too.
        image::range();
        install_again();
    }
}

/// The same, after dispositions have been changed.
pub(crate) fn install_again() {
    on_crash::install();
    on_inquiry::install();
}

/// Has what happens to this process be told through a socket, in packets with this preface.
pub(crate) fn tell(socket: BorrowedFd<'_>, preface: Preface, kinds: Kinds) {
    Destination::set(socket, preface, kinds);
}
