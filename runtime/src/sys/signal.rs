//! Signals: dispositions that std's start-up would have set, and names.

#![expect(unsafe_code, reason = "rustix sets no signal dispositions")]

use std::borrow::Cow;
use std::mem::MaybeUninit;

/// Ignores `SIGPIPE`, as std does before `main`: a write into a closed pipe is an error, not the
/// end of the process.
pub(crate) fn ignore_broken_pipes() {
    // SAFETY: `SIG_IGN` is a valid disposition, and no handler of ours depends on the old one.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_IGN) };
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
