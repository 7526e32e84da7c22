//! Signals: dispositions that std's start-up would have set, signals from descriptors, names.

#![expect(
    unsafe_code,
    reason = "rustix sets no signal dispositions and no owners of descriptors"
)]

use std::borrow::Cow;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicI32, Ordering};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::lineage;

/// Ignores `SIGPIPE`, as std does before `main`: a write into a closed pipe is an error, not the
/// end of the process.
pub(crate) fn ignore_broken_pipes() {
    // SAFETY: `SIG_IGN` is a valid disposition, and no handler of this library depends on the old one.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
}

/// The signal that tells of events of a socket. By default it is ignored, so one that comes late
/// does no harm.
const EVENT: libc::c_int = libc::SIGURG;

/// The socket whose hang-up ends this process.
static SOCKET: AtomicI32 = AtomicI32::new(-1);

/// Ends this process when a socket hangs up, while its first thread does other things.
///
/// The kernel sends a signal at each event of the socket. It cannot be a deadly one: the event of
/// a message may come after the message itself has been received, when its sender was interrupted
/// in between. So a handler looks whether it was the hang-up. Code that blocks the signal, or that
/// has a handler of its own, is not interrupted: the hang-up is seen after it.
pub(crate) struct DeathAtHangUp<'s> {
    socket: BorrowedFd<'s>,
    was_blocked: bool,
}

impl<'s> DeathAtHangUp<'s> {
    /// Begins to listen. A hang-up that has come already is not told.
    pub(crate) fn of(socket: BorrowedFd<'s>) -> io::Result<DeathAtHangUp<'s>> {
        // The libc crate lacks it for some targets.
        const F_SETSIG: libc::c_int = 10;

        let number = socket.as_raw_fd();
        SOCKET.store(number, Ordering::Relaxed);
        install(
            EVENT,
            Handler::Plain(look_at_socket),
            libc::SA_RESTART | libc::SA_ONSTACK,
            &[libc::SIG_DFL, libc::SIG_IGN],
        )?;
        let was_blocked = change_blocked(libc::SIG_UNBLOCK, EVENT);
        let own = rustix::process::getpid().as_raw_nonzero().get();
        // SAFETY: it takes numbers, of which the first is an open descriptor's.
        let owned = unsafe { libc::fcntl(number, libc::F_SETOWN, own) };
        // SAFETY: as above.
        let signal = unsafe { libc::fcntl(number, F_SETSIG, EVENT) };
        if owned < 0 || signal < 0 {
            return Err(io::Error::last_os_error());
        }
        fcntl_setfl(socket, fcntl_getfl(socket)? | OFlags::ASYNC)?;
        Ok(DeathAtHangUp {
            socket,
            was_blocked,
        })
    }

    /// Stops listening.
    pub(crate) fn stop(self) -> io::Result<()> {
        fcntl_setfl(self.socket, fcntl_getfl(self.socket)? - OFlags::ASYNC)?;
        SOCKET.store(-1, Ordering::Relaxed);
        if self.was_blocked {
            change_blocked(libc::SIG_BLOCK, EVENT);
        }
        Ok(())
    }
}

/// The signal by which a process is asked where it is, before it is killed. It is one that the kernel
/// does not send, and hardly any program; where it has no handler, it ends the process.
pub(crate) const INQUIRY: libc::c_int = libc::SIGSTKFLT;

/// The signal by which a filter on system calls ends a process.
pub(crate) const FILTERED: libc::c_int = libc::SIGSYS;

/// Handles `SIGINT` by doing nothing, if it would end this process.
///
/// It is not set to be ignored, because the programs that this process executes would inherit that.
pub(crate) fn take_interrupts() {
    extern "C" fn nothing(_: libc::c_int) {}

    // The signal is one, and so it can be handled.
    let _ = install(
        libc::SIGINT,
        Handler::Plain(nothing),
        libc::SA_RESTART | libc::SA_ONSTACK,
        &[libc::SIG_DFL],
    );
}

/// What handles a signal.
#[derive(Debug, Clone, Copy)]
pub(super) enum Handler {
    /// It is told which signal it is.
    Plain(extern "C" fn(libc::c_int)),
    /// It is told, too, where the signal comes from, and what it has interrupted.
    Informed(extern "C" fn(libc::c_int, *const libc::siginfo_t, *const ())),
}

/// Sets a handler in place of one of these dispositions. Any other is another's, and is left.
pub(super) fn install(
    signal: libc::c_int,
    handler: Handler,
    flags: libc::c_int,
    replaced: &[libc::sighandler_t],
) -> io::Result<()> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: the place is valid; without a new action the call only writes the present one.
    if unsafe { libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has written it.
    let mut action = unsafe { action.assume_init() };
    if !replaced.contains(&action.sa_sigaction) {
        return Ok(());
    }
    (action.sa_sigaction, action.sa_flags) = match handler {
        Handler::Plain(handler) => (handler as usize, flags & !libc::SA_SIGINFO),
        Handler::Informed(handler) => (handler as usize, flags | libc::SA_SIGINFO),
    };
    // SAFETY: the handler has the signature that the flags announce, and does only what a handler
    // may do.
    if unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Ends this process if the socket has hung up.
extern "C" fn look_at_socket(_: libc::c_int) {
    // What was interrupted may be about to read it.
    let errno = io::Error::last_os_error().raw_os_error();
    let mut polled = libc::pollfd {
        fd: SOCKET.load(Ordering::Relaxed),
        events: 0,
        revents: 0,
    };
    // SAFETY: the place is valid, and there is one.
    let happened = unsafe { libc::poll(&raw mut polled, 1, 0) };
    if happened > 0 && polled.revents & libc::POLLHUP != 0 {
        lineage::end_own();
        // SAFETY: a system call without arguments. libc's own may remember another process's.
        let own = unsafe { libc::syscall(libc::SYS_getpid) };
        // SAFETY: it takes numbers.
        unsafe { libc::syscall(libc::SYS_kill, own, libc::SIGKILL) };
    }
    // SAFETY: it takes nothing.
    let place = unsafe { libc::__errno_location() };
    // SAFETY: it is this thread's own, for as long as that runs.
    unsafe { *place = errno.unwrap_or(0) };
}

/// Blocks or unblocks a signal on this thread; says whether it was blocked.
fn change_blocked(how: libc::c_int, signal: libc::c_int) -> bool {
    let mut set = MaybeUninit::uninit();
    let mut before = MaybeUninit::uninit();
    // SAFETY: it writes the set that it is given the place of.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: as above; the signal is one.
    unsafe { libc::sigaddset(set.as_mut_ptr(), signal) };
    // SAFETY: both places are valid, and the first is initialised.
    unsafe { libc::pthread_sigmask(how, set.as_ptr(), before.as_mut_ptr()) };
    // SAFETY: the call cannot fail with these arguments, and so has written the old set.
    unsafe { libc::sigismember(before.as_ptr(), signal) == 1 }
}

/// Lets a signal come to this thread.
pub(super) fn unblock(signal: libc::c_int) {
    change_blocked(libc::SIG_UNBLOCK, signal);
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

/// Why a signal came, in a few words, by the code that came with it (sigaction(2)).
pub(crate) fn reason(signal: i32, code: i32) -> &'static str {
    match (signal, code) {
        // Not because of an instruction.
        (_, ..=0) if signal != libc::SIGABRT => "raised by the process itself",
        (libc::SIGSEGV, SEGV_MAPERR) => "address not mapped",
        (libc::SIGSEGV, SEGV_ACCERR) => "address not accessible in this way",
        (libc::SIGSEGV, SI_KERNEL) => "invalid address",
        (libc::SIGSEGV, _) => "segmentation fault",
        (libc::SIGBUS, libc::BUS_ADRALN) => "address not aligned",
        (libc::SIGBUS, libc::BUS_ADRERR) => "address without memory behind it",
        (libc::SIGBUS, _) => "bus error",
        (libc::SIGFPE, FPE_INTDIV) => "divide by zero",
        (libc::SIGFPE, FPE_INTOVF) => "integer overflow",
        (libc::SIGFPE, _) => "arithmetic error",
        (libc::SIGILL, _) => "illegal instruction",
        (libc::SIGTRAP, _) => "breakpoint",
        (libc::SIGSYS, _) => "system call not allowed",
        (libc::SIGABRT, _) => "abort",
        _ => "for no reason that is known",
    }
}

/// Whether a signal came because of an address that could not be used, and tells which.
pub(crate) fn is_of_address(signal: i32, code: i32) -> bool {
    // The kernel says that it does not know the address.
    matches!(signal, libc::SIGSEGV | libc::SIGBUS) && code > 0 && code != SI_KERNEL
}

// The libc crate lacks these.
const SI_KERNEL: libc::c_int = 0x80;
const SEGV_MAPERR: libc::c_int = 1;
const SEGV_ACCERR: libc::c_int = 2;
const FPE_INTDIV: libc::c_int = 1;
const FPE_INTOVF: libc::c_int = 2;
