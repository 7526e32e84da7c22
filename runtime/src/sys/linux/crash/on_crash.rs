//! What happens when this process crashes.

use std::hint::spin_loop;
use std::mem::MaybeUninit;
use std::ptr;

use super::context::Context;
use super::destination::Destination;
use super::ends::{end_by, set_default, wait_for_end};
use super::ids::{process, thread};
use super::turn::Turn;
use crate::sys::linux::exhaustion;
use crate::sys::linux::signal::{self, Handler, INQUIRY};

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

/// Handles crashes, where nothing else does.
pub(super) fn install() {
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
    match Turn::take(thread, signal) {
        Turn::First => {}
        // The handler of an inquiry has crashed, or a filter refuses a system call of its. Perhaps it
        // refuses all.
        Turn::Again(INQUIRY) => loop {
            spin_loop();
        },
        // It has crashed in here, or has taken too long.
        Turn::Again(first) => end_by(first),
        Turn::Late => {
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
    if let Some(destination) = Destination::get()
        && is_own(info)
    {
        limit_time(signal, thread);
        destination.tell_what(info, &context);
        // What another thread has sent, may have come to any.
        if info.si_code != libc::SI_USER {
            destination.tell_where(&context);
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
