//! Signals: dispositions that std's start-up would have set, signals from descriptors, names.

#![expect(
    unsafe_code,
    reason = "rustix sets no signal dispositions and no owners of descriptors"
)]

use std::borrow::Cow;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// Ignores `SIGPIPE`, as std does before `main`: a write into a closed pipe is an error, not the
/// end of the process.
pub(crate) fn ignore_broken_pipes() {
    // SAFETY: `SIG_IGN` is a valid disposition, and no handler of this library depends on the old one.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}

/// Has the kernel kill this process at the next event of the socket: its hang-up, if nothing else
/// is to come.
///
/// Who asks a socket that has hung up already is not told.
pub(crate) fn die_at_event(socket: BorrowedFd<'_>) -> io::Result<()> {
    // The libc crate lacks it for some of our targets.
    const F_SETSIG: libc::c_int = 10;

    let number = socket.as_raw_fd();
    let own = rustix::process::getpid().as_raw_nonzero().get();
    // SAFETY: it takes numbers, of which the first is an open descriptor's.
    let owned = unsafe { libc::fcntl(number, libc::F_SETOWN, own) };
    // SAFETY: as above.
    let signal = unsafe { libc::fcntl(number, F_SETSIG, libc::SIGKILL) };
    if owned < 0 || signal < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(fcntl_setfl(socket, fcntl_getfl(socket)? | OFlags::ASYNC)?)
}

/// Takes [`die_at_event`] back.
pub(crate) fn live_on(socket: BorrowedFd<'_>) -> io::Result<()> {
    Ok(fcntl_setfl(socket, fcntl_getfl(socket)? - OFlags::ASYNC)?)
}

/// All signals kept from this thread, and what was kept from it before.
pub(crate) struct Blocked(libc::sigset_t);

impl Blocked {
    /// Blocks all signals that can be blocked.
    pub(crate) fn all() -> Blocked {
        let mut all = MaybeUninit::uninit();
        let mut before = MaybeUninit::uninit();
        // SAFETY: it writes the set that it is given the place of.
        unsafe { libc::sigfillset(all.as_mut_ptr()) };
        // SAFETY: both places are valid, and the first is initialised.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr()) };
        // SAFETY: the call cannot fail with these arguments, and so has written the old set.
        Blocked(unsafe { before.assume_init() })
    }

    /// Blocks what was blocked before, and nothing else.
    pub(crate) fn restore(&self) {
        // SAFETY: the set is a valid one.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, std::ptr::null_mut())
        };
    }
}

/// A set of signals, the lowest bit for the first.
pub(crate) type Signals = u64;

/// The signals there are.
const NUMBERS: std::ops::RangeInclusive<libc::c_int> = 1..=64;

/// The signals that are kept from this thread.
pub(crate) fn blocked() -> Signals {
    let mut set = MaybeUninit::uninit();
    // SAFETY: without a new set it only writes the old one, and it cannot fail then.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, std::ptr::null(), set.as_mut_ptr()) };
    // SAFETY: it has been written.
    let set = unsafe { set.assume_init() };
    let is_member = |number: &libc::c_int| {
        // SAFETY: the set is a valid one; a number that is no signal's is an error.
        unsafe { libc::sigismember(&raw const set, *number) == 1 }
    };
    NUMBERS
        .filter(is_member)
        .fold(0, |signals, number| signals | bit(number))
}

/// Keeps these signals from this thread, and no others.
pub(crate) fn block(signals: Signals) {
    let mut set = MaybeUninit::uninit();
    // SAFETY: it writes the set that it is given the place of.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    for number in NUMBERS.filter(|number| signals & bit(*number) != 0) {
        // SAFETY: the set is initialised; a number that is no signal's changes nothing.
        unsafe { libc::sigaddset(set.as_mut_ptr(), number) };
    }
    // SAFETY: the set is a valid one.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, set.as_ptr(), std::ptr::null_mut()) };
}

/// Ignores these signals of those that differ from what they were, and lets the others do what they
/// do by default.
pub(crate) fn ignore(signals: Signals, changed: Signals) {
    for number in NUMBERS.filter(|number| changed & bit(*number) != 0) {
        let disposition = match signals & bit(number) {
            0 => libc::SIG_DFL,
            _ => libc::SIG_IGN,
        };
        // SAFETY: both are valid dispositions, and no handler of this library depends on the old one. What
        // can have none (`SIGKILL`, those of libc's own) is an error.
        unsafe { libc::signal(number, disposition) };
    }
}

fn bit(number: libc::c_int) -> Signals {
    1 << (number - 1)
}

/// The name of a signal as in `signal(7)`, such as `SIGSEGV`.
pub(crate) fn name(signal: i32) -> Cow<'static, str> {
    Cow::Borrowed(match signal {
        libc::SIGHUP => "SIGHUP",
        libc::SIGINT => "SIGINT",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGILL => "SIGILL",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGKILL => "SIGKILL",
        libc::SIGUSR1 => "SIGUSR1",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGUSR2 => "SIGUSR2",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGALRM => "SIGALRM",
        libc::SIGTERM => "SIGTERM",
        libc::SIGSTKFLT => "SIGSTKFLT",
        libc::SIGVTALRM => "SIGVTALRM",
        libc::SIGPROF => "SIGPROF",
        libc::SIGIO => "SIGIO",
        libc::SIGPWR => "SIGPWR",
        libc::SIGSYS => "SIGSYS",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGXFSZ => "SIGXFSZ",
        other => return Cow::Owned(format!("signal {other}")),
    })
}
