//! Why a worker crashed, or where it was when it was killed: what it noted in its last moment, and what
//! that means.

mod frame;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod functions;
mod hang;
mod report;
mod stack;

use std::fmt;
use std::sync::OnceLock;

pub(crate) use self::hang::Hang;
pub(crate) use self::report::CrashReport;
use self::report::Event;
use self::stack::Stack;
use crate::sys::signal;

/// The reason for which a worker crashed, and the place. Returned by [`Error::crash`](crate::Error::crash).
///
/// A worker that is about to die of a signal which it raised itself tells its parent what happened: a
/// wrong address, a failed `assert` of a C library, `abort`, a stack that is used up. The parent runs the
/// same program, so it looks up which functions were running, in Rust and in C, when it is asked. The
/// exit status and the core dump are those that they would be without that.
///
/// `Display` is a part of a sentence:
///
/// ```text
/// address 0x0 not mapped, in `png_read_row` (png.c:120)
/// ```
///
/// The names of functions come from the symbol table, and lines from debug information: a release
/// build without has functions only, a stripped program none.
///
/// # What is not told
///
/// * A worker that has a handler of its own for a signal has that one's way of dying.
/// * Threads that a worker starts have no room for a handler when their stack is used up: of that, the
///   parent learns the signal only. Their other crashes are told.
/// * A signal that another process has sent, such as `kill -SEGV`, is no crash.
///
/// # Examples
///
/// ```
/// use multiproc::worker;
///
/// #[worker]
/// fn read_from(address: usize) -> u8 {
///     let place = std::ptr::with_exposed_provenance::<u8>(address);
///     // SAFETY: there is no reason why it should be valid: this is how a bug in a C library looks.
///     unsafe { place.read_volatile() }
/// }
///
/// let error = read_from::run(16).unwrap_err();
/// let crash = error.crash().unwrap();
/// assert_eq!(crash.reason(), "address not mapped");
/// assert_eq!(crash.address(), Some(16));
/// println!("{error}");
/// ```
pub struct Crash {
    event: Event,
    report: CrashReport,
    stack: OnceLock<Stack>,
}

impl Crash {
    /// What a process has told that died of this signal; `None` if that was nothing, or not of this.
    pub(crate) fn new(report: CrashReport, signal: i32) -> Option<Crash> {
        let event = report.event()?;
        (event.signal == signal).then(|| Crash {
            event,
            report,
            stack: OnceLock::new(),
        })
    }

    /// What the process has noted.
    pub(crate) fn report(&self) -> &CrashReport {
        &self.report
    }

    /// Returns the signal, of which the process died.
    #[must_use]
    pub fn signal(&self) -> i32 {
        self.event.signal
    }

    /// Returns why the signal came, in a few words, such as `address not mapped`, `stack overflow`,
    /// `divide by zero` or `abort`.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        if self.event.is_stack_overflow() {
            "stack overflow"
        } else {
            signal::reason(self.event.signal, self.event.code)
        }
    }

    /// Returns the address that the worker could not use, if that is why it crashed. `None` too where the
    /// processor does not tell, as x86-64 for addresses that no process can have.
    #[must_use]
    pub fn address(&self) -> Option<usize> {
        signal::is_of_address(self.event.signal, self.event.code).then_some(self.event.address)
    }

    /// Returns the name of the thread that crashed, as the kernel has it: 15 bytes at most.
    #[must_use]
    pub fn thread(&self) -> &str {
        &self.event.thread
    }

    /// Returns the functions that were running on that thread, the innermost first, in the format of
    /// std's backtraces. What is below the worker is left out, and what is further out than 64 calls.
    ///
    /// `None` if the process could not tell: its stack was overwritten, or it was killed meanwhile.
    ///
    /// The first call reads the debug information of the program, which takes some time and memory.
    #[must_use]
    pub fn backtrace(&self) -> Option<&str> {
        self.stack().text()
    }

    fn stack(&self) -> &Stack {
        self.stack
            .get_or_init(|| Stack::of_crash(&self.event, &self.report))
    }
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.address(), self.event.is_stack_overflow()) {
            (Some(address), false) => {
                // The reason begins with that word.
                let rest = self
                    .reason()
                    .strip_prefix("address ")
                    .unwrap_or(self.reason());
                write!(f, "address {address:#x} {rest}")?;
            }
            _ => f.write_str(self.reason())?,
        }
        if let Some(call) = self.event.system_call {
            write!(f, " (number {call})")?;
        }
        match self.stack().place() {
            Some(place) => write!(f, ", in {place}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Crash")
            .field("signal", &self.signal())
            .field("reason", &self.reason())
            .field("address", &self.address())
            .field("thread", &self.thread())
            .field("backtrace", &self.backtrace())
            .finish()
    }
}
