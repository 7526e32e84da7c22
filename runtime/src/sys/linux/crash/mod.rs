//! Telling the parent why this process crashes, in its last moment.
//!
//! A handler of the signals by which code ends itself sends two notes into the connection to the
//! parent, and lets the signal take its course: the exit status and the core dump are what they would
//! have been. The first note says what happened; the second, where: the return addresses on the
//! stack, and which files they lie in. What they mean, the parent looks up: it has the same image, and
//! all the time it wants.
//!
//! # What a handler may do
//!
//! The thread may have been interrupted anywhere: in the allocator, with any lock held, with its
//! stack used up. So the handler runs on a stack of its own where there is one
//! ([`AlternateStack`]), allocates nothing, takes no lock and calls nothing of std but what is
//! arithmetic. It makes system calls. The one exception is the unwinder (`trace`), which is not
//! promised to be safe here, and is run after the first note, with a net below:
//!
//! | what goes wrong | what happens |
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
//! A copy of this process made by `fork` sends nothing: it would speak for the original.
//!
//! # Which threads
//!
//! Handlers are the process's, so a crash of any thread is told. A stack that is used up is told of
//! the threads that run workers, which have an [`AlternateStack`]; of others, such as those that
//! workers start, the parent learns the signal.

#![expect(unsafe_code, reason = "a signal handler asks the kernel")]

mod alternate_stack;
mod context;
mod ids;
mod memory_at;
mod modules;
mod note;
mod trace;

use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering::Relaxed};

pub(crate) use alternate_stack::AlternateStack;
pub(crate) use note::{PREFACE, Preface};

use self::context::Context;
use self::ids::{process, thread};
use self::note::Note;
use super::memory::{self, FileId};
use super::signal::{self, Handler};
use super::{exhaustion, image};

/// The signals that code ends itself with.
const CRASHES: [libc::c_int; 7] = [
    libc::SIGABRT,
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGILL,
    libc::SIGFPE,
    libc::SIGTRAP,
    libc::SIGSYS,
];

/// How long the handler may take, in nanoseconds.
const PATIENCE: i64 = 500_000_000;

/// How long it waits for room in the connection, in milliseconds.
const ROOM: libc::c_int = 100;

/// Where notes go.
#[derive(Debug)]
struct Destination {
    socket: RawFd,
    file: FileId,
    preface: Preface,
    /// The first byte of each note.
    kind: u8,
    /// The process whose crash is meant.
    owner: libc::pid_t,
    program: image::Range,
}

static DESTINATION: OnceLock<Destination> = OnceLock::new();

/// The thread that is in the handler, and the signal that has brought it there.
static THREAD: AtomicI32 = AtomicI32::new(0);
static SIGNAL: AtomicI32 = AtomicI32::new(0);

/// Has crashes of this process be told through a socket, in packets with this preface, whose first byte
/// is `kind`.
///
/// Where a signal has a handler already, or gets one later, that is used.
pub(crate) fn tell(socket: BorrowedFd<'_>, preface: Preface, kind: u8) {
    let Ok(file) = memory::identity(socket) else {
        return;
    };
    let set = DESTINATION.set(Destination {
        socket: socket.as_raw_fd(),
        file,
        preface,
        kind,
        owner: process(),
        program: image::range(),
    });
    if set.is_err() {
        return;
    }
    for signal in CRASHES {
        // Without a handler, the signal does what it does.
        let _ = signal::install(
            signal,
            Handler::Informed(on_crash),
            // Entered again if it crashes itself, with the same signal or another.
            libc::SA_ONSTACK | libc::SA_NODEFER,
            &[libc::SIG_DFL],
        );
    }
}

extern "C" fn on_crash(signal: libc::c_int, info: *const libc::siginfo_t, context: *const ()) {
    let thread = thread();
    match THREAD.compare_exchange(0, thread, Relaxed, Relaxed) {
        Ok(_) => SIGNAL.store(signal, Relaxed),
        // It has crashed in here, or has taken too long.
        Err(first) if first == thread => end_by(SIGNAL.load(Relaxed)),
        Err(_) => {
            wait_for_end();
            end_by(signal);
        }
    }
    // SAFETY: the kernel passes a valid description of the signal.
    let info = unsafe { &*info };
    // SAFETY: the kernel passes the context of what it has interrupted.
    let Some(context) = (unsafe { Context::new(context) }) else {
        return end_by(signal);
    };
    exhaustion::note_if_refused(signal, context.stack_pointer());
    if let Some(destination) = DESTINATION.get()
        && destination.owner == process()
        && is_own(info)
    {
        limit_time(signal, thread);
        tell_what(destination, info, &context);
        // What another thread has sent, may have come to any.
        if info.si_code != libc::SI_USER {
            tell_where(destination, &context);
        }
    }
    // What an instruction has caused, it causes again; not so a breakpoint, and what was sent.
    let is_repeated = matches!(
        signal,
        libc::SIGSEGV | libc::SIGBUS | libc::SIGILL | libc::SIGFPE
    );
    if info.si_code > 0 && is_repeated {
        set_default(signal);
    } else {
        end_by(signal);
    }
}

/// Whether this process has caused the signal, and not another one that sent it.
fn is_own(info: &libc::siginfo_t) -> bool {
    // SAFETY: what was sent by a process or thread says by which.
    info.si_code > 0 || unsafe { info.si_pid() } == process()
}

fn tell_what(destination: &Destination, info: &libc::siginfo_t, context: &Context) {
    let mut note = Note::new();
    note.byte(destination.kind);
    note.byte(note::EVENT);
    note.number(u64::from(info.si_signo.cast_unsigned()));
    note.number(i64::from(info.si_code).cast_unsigned());
    // SAFETY: the field is there for each signal that an instruction causes, and it is a number.
    let address = unsafe { info.si_addr() };
    note.number(address.addr() as u64);
    note.number(system_call(info).map_or(0, |call| u64::from(call) + 1));
    note.number(context.program_counter() as u64);
    let guard = context.guard();
    note.number(guard.start as u64);
    note.number(guard.end as u64);
    note.number(destination.program.bias);
    note.number(destination.program.addresses.start);
    note.number(destination.program.addresses.end);
    note.bytes(&thread_name());
    send(destination, &mut note);
}

fn tell_where(destination: &Destination, context: &Context) {
    let mut places = [0; trace::MOST];
    let count = trace::walk(context, &mut places);
    let places = &places[..count];
    let mut note = Note::new();
    note.byte(destination.kind);
    note.byte(note::PLACES);
    note.number(count as u64);
    for place in places {
        note.number(*place as u64);
    }
    let program = &destination.program.addresses;
    if !places
        .iter()
        .all(|place| program.contains(&(*place as u64)))
    {
        modules::note(places, program, &mut note);
    }
    send(destination, &mut note);
}

fn send(destination: &Destination, note: &mut Note) {
    // Code that knows nothing of the connection may have put another file in its place.
    // SAFETY: the number is of no use unless the file is the one that is meant.
    let socket = unsafe { BorrowedFd::borrow_raw(destination.socket) };
    if memory::identity(socket).ok() != Some(destination.file) {
        return;
    }
    let packet = note.packet(destination.preface);
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    for _ in 0..2 {
        let (start, length) = (packet.as_ptr().cast(), packet.len());
        // SAFETY: the bytes are valid for as long as the call takes.
        let sent = unsafe { libc::send(destination.socket, start, length, flags) };
        if sent >= 0 {
            return;
        }
        let mut polled = libc::pollfd {
            fd: destination.socket,
            events: libc::POLLOUT,
            revents: 0,
        };
        // SAFETY: the place is valid, and there is one.
        unsafe { libc::poll(&raw mut polled, 1, ROOM) };
    }
}

/// The number of the system call that a filter has refused, if that is what happened.
fn system_call(info: &libc::siginfo_t) -> Option<u32> {
    /// Behind three numbers, padding, and an address.
    const PLACE: usize = 24;

    if info.si_signo != libc::SIGSYS || info.si_code <= 0 {
        return None;
    }
    let start = ptr::from_ref(info).cast::<u8>();
    // SAFETY: the description is 128 bytes long (sigaction(2)).
    let place = unsafe { start.add(PLACE) };
    // SAFETY: `si_syscall` is a number that stands there on all 64-bit systems; all bits are numbers.
    Some(unsafe { place.cast::<u32>().read_unaligned() })
}

/// The name of this thread as the kernel has it, filled with zeros.
fn thread_name() -> [u8; note::NAME] {
    let mut name = [0; note::NAME];
    // SAFETY: the call writes 16 bytes at most, which there are.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    name
}

/// Has the signal sent again to this thread in a while.
fn limit_time(signal: libc::c_int, thread: libc::pid_t) {
    let mut event = MaybeUninit::<libc::sigevent>::zeroed();
    // SAFETY: zeros are a valid description.
    let event = unsafe { event.assume_init_mut() };
    event.sigev_notify = libc::SIGEV_THREAD_ID;
    event.sigev_signo = signal;
    event.sigev_notify_thread_id = thread;
    let mut timer: libc::c_int = 0;
    let clock = libc::CLOCK_MONOTONIC;
    let (event, place) = (ptr::from_mut(event), &raw mut timer);
    // SAFETY: both places are valid. libc's own function may allocate.
    let made = unsafe { libc::syscall(libc::SYS_timer_create, clock, event, place) };
    if made != 0 {
        return;
    }
    let never = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let times = libc::itimerspec {
        it_interval: never,
        it_value: libc::timespec {
            tv_nsec: PATIENCE,
            ..never
        },
    };
    let none = ptr::null_mut::<libc::itimerspec>();
    // SAFETY: the timer is the one that was made, and the times are valid.
    unsafe { libc::syscall(libc::SYS_timer_settime, timer, 0, &raw const times, none) };
}

/// Waits for a second, in which another thread is to end the process.
fn wait_for_end() {
    // SAFETY: no places are given, so it only waits.
    unsafe { libc::poll(ptr::null_mut(), 0, 1000) };
}

/// Ends this process by a signal.
fn end_by(signal: libc::c_int) {
    set_default(signal);
    signal::unblock(signal);
    // SAFETY: it takes numbers.
    unsafe { libc::syscall(libc::SYS_tgkill, process(), thread(), signal) };
}

fn set_default(signal: libc::c_int) {
    // SAFETY: the disposition is a valid one, and what had the handler is over.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
}
