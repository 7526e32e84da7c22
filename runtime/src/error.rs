//! The error of calling a worker.

mod kind;
mod panic_info;
mod wire;

use std::error::Error as StdError;
use std::fmt;
use std::process::ExitStatus;
use std::sync::Arc;

pub use self::kind::ErrorKind;
pub use self::panic_info::{Location, PanicInfo};

pub(crate) use self::wire::WireError;
use crate::crash::{Crash, Hang};
use crate::remote_error::RemoteError;
use crate::sys::{self, exit_status, scarcity};
use crate::usage::Usage;

/// The result of calling a worker: [`std::result::Result`] with [`Error`] as its error.
///
/// # Examples
///
/// ```
/// use multiproc::worker;
///
/// #[worker]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// fn sum_of_squares(numbers: [u64; 2]) -> multiproc::Result<u64> {
///     let [one, other] = numbers.map(square::spawn);
///     Ok(one?.join()? + other?.join()?)
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// assert_eq!(sum_of_squares([3, 4])?, 25);
/// # Ok(())
/// # }
/// ```
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The error of a worker that could not be started, or that gave no value.
///
/// [`kind`](Error::kind) tells the cases apart; `Display` is one line for people, or several if the message
/// of a panic has:
///
/// ```text
/// worker `decode` was killed by SIGSEGV: address 0x0 not mapped, in `png_read_row` (png.c:120) (pid 4711)
/// ```
///
/// # Examples
///
/// ```
/// use multiproc::{ErrorKind, worker};
///
/// #[worker]
/// fn divide(a: u32, b: u32) -> u32 {
///     a / b
/// }
///
/// let error = divide::run(1, 0).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Panicked);
/// assert_eq!(error.worker(), Some("divide"));
/// assert_eq!(error.panic().unwrap().message(), "attempt to divide by zero");
/// ```
pub struct Error(Box<Repr>);

#[derive(Debug)]
struct Repr {
    kind: ErrorKind,
    /// The line, without the crash, the place and the source.
    message: String,
    /// What the line ends with, behind the crash and the place.
    end: String,
    worker: Option<String>,
    panic: Option<PanicInfo>,
    crash: Option<Arc<Crash>>,
    hang: Option<Arc<Hang>>,
    exit_status: Option<ExitStatus>,
    usage: Option<Usage>,
    stderr_tail: Option<Box<str>>,
    /// The index of the input, in a map.
    input: Option<usize>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Returns the category of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns the name of the worker, if the error concerns one.
    #[must_use]
    pub fn worker(&self) -> Option<&str> {
        self.0.worker.as_deref()
    }

    /// Returns the index of the input that the error concerns, if it is of a
    /// [`map`](crate::Pool::map): 0 for the first. `Display` shows it too.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    ///
    /// #[worker]
    /// fn divide(x: u32) -> u32 {
    ///     12 / x
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(1).build()?;
    /// let errors = pool.map(divide::call, [3, 0, 4]).filter_map(Result::err);
    /// let error = errors.last().unwrap();
    /// assert_eq!(error.input(), Some(1));
    /// assert!(error.to_string().starts_with("input 1: worker `divide` panicked"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn input(&self) -> Option<usize> {
        self.0.input
    }

    /// Returns the worker's panic, if it [`Panicked`](ErrorKind::Panicked).
    #[must_use]
    pub fn panic(&self) -> Option<&PanicInfo> {
        self.0.panic.as_ref()
    }

    /// Returns why and where the worker crashed, if it was [`Signaled`](ErrorKind::Signaled) by a signal
    /// that it raised itself, and could tell.
    #[must_use]
    pub fn crash(&self) -> Option<&Crash> {
        self.0.crash.as_deref()
    }

    /// Returns the functions that were running in the worker, the innermost first, in the format of
    /// std's backtraces:
    ///
    /// | the worker | what it shows |
    /// |---|---|
    /// | crashed | where: see [`Crash::backtrace`] |
    /// | panicked | where, if the environment asks for that: see [`PanicInfo::backtrace`] |
    /// | was killed because it exceeded its [`timeout`](crate::Call::timeout), or did not stop when it was [asked](crate::Process::cancel_within) | where it was then |
    ///
    /// `None` in all other cases. A worker is killed a moment after it has been asked where it is: it
    /// could not tell if it was stopped, blocked or handled the signal `SIGSTKFLT`, or if the kernel
    /// did not let it run. One that is killed at once, by [`kill`](crate::Process::kill) or by
    /// dropping its pool, is not asked.
    ///
    /// A worker that waits is shown from the innermost of the functions that are neither std's, nor the C
    /// library's, nor this library's. What other threads of the process did is not told.
    ///
    /// If the error has another one of a worker as its [source](std::error::Error::source), it is that
    /// one's backtrace.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    /// use std::time::Duration;
    ///
    /// #[worker]
    /// fn wait_for_ever() {
    ///     loop {
    ///         std::thread::park();
    ///     }
    /// }
    ///
    /// let call = wait_for_ever::call().timeout(Duration::from_millis(100));
    /// let error = call.run().unwrap_err();
    /// if let Some(backtrace) = error.backtrace() {
    ///     assert!(backtrace.contains("wait_for_ever"));
    /// }
    /// // .. because it exceeded its timeout: it was in `wait_for_ever` (src/main.rs:7) (pid 4711)
    /// println!("{error}");
    /// ```
    #[must_use]
    pub fn backtrace(&self) -> Option<&str> {
        let crash = self.crash().and_then(Crash::backtrace);
        let panic = || self.panic().and_then(PanicInfo::backtrace);
        let hang = || self.0.hang.as_ref()?.backtrace();
        let source = || {
            let source: Option<&Error> = self.0.source.as_deref()?.downcast_ref();
            source?.backtrace()
        };
        crash.or_else(panic).or_else(hang).or_else(source)
    }

    /// Returns the exit status of the process, if it is known.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.0.exit_status
    }

    /// Returns the resources that the process had used when it ended, if they are known.
    ///
    /// They are not known for a task of a pool, whose process ran other tasks, too.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.0.usage
    }

    /// Returns the last that the worker wrote to its standard error, if its call asks for that with
    /// [`stderr_tail`](crate::Call::stderr_tail), or its pool with
    /// [`PoolBuilder::stderr_tail`](crate::PoolBuilder::stderr_tail). `None` also if it wrote nothing.
    ///
    /// It is as it was written, with ends of lines and escape sequences; bytes that are no text are
    /// replaced. `Display` does not show it.
    ///
    /// # Examples
    ///
    /// See [`Call::stderr_tail`](crate::Call::stderr_tail).
    #[must_use]
    pub fn stderr_tail(&self) -> Option<&str> {
        self.0.stderr_tail.as_deref()
    }

    /// Returns the signal that ended the process, if one did.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        exit_status::signal(self.0.exit_status?)
    }

    #[cold]
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error(Box::new(Repr {
            kind,
            message: message.into(),
            end: String::new(),
            worker: None,
            panic: None,
            crash: None,
            hang: None,
            exit_status: None,
            usage: None,
            stderr_tail: None,
            input: None,
            source: None,
        }))
    }

    /// Something could not be started.
    pub(crate) fn not_started(what: &str, error: std::io::Error) -> Error {
        let why = scarcity::hint(&error).unwrap_or_default();
        let kind = if sys::IS_SUPPORTED {
            ErrorKind::Spawn
        } else {
            ErrorKind::Unsupported
        };
        Error::new(kind, format!("{what}{why}")).with_source(error)
    }

    /// Makes a copy for another receiver, with the source in its text.
    pub(crate) fn duplicate(&self) -> Error {
        let end = match &self.0.source {
            Some(source) => format!("{}: {source:#}", self.0.end),
            None => self.0.end.clone(),
        };
        Error(Box::new(Repr {
            kind: self.0.kind,
            message: self.0.message.clone(),
            end,
            worker: self.0.worker.clone(),
            panic: self.0.panic.clone(),
            crash: self.0.crash.clone(),
            hang: self.0.hang.clone(),
            exit_status: self.0.exit_status,
            usage: self.0.usage,
            stderr_tail: self.0.stderr_tail.clone(),
            input: self.0.input,
            source: None,
        }))
    }

    #[must_use]
    pub(crate) fn with_worker(mut self, worker: impl Into<String>) -> Error {
        self.0.worker = Some(worker.into());
        self
    }

    #[must_use]
    pub(crate) fn with_panic(mut self, panic: PanicInfo) -> Error {
        self.0.panic = Some(panic);
        self
    }

    /// What follows stands at the end of the line.
    #[must_use]
    pub(crate) fn with_crash(mut self, crash: Option<Crash>, end: fmt::Arguments<'_>) -> Error {
        self.0.crash = crash.map(Arc::new);
        self.0.end = end.to_string();
        self
    }

    /// Likewise for a worker that was killed.
    #[must_use]
    pub(crate) fn with_hang(mut self, hang: Option<Hang>, end: fmt::Arguments<'_>) -> Error {
        self.0.hang = hang.map(Arc::new);
        self.0.end = end.to_string();
        self
    }

    #[must_use]
    pub(crate) fn with_exit_status(mut self, status: Option<ExitStatus>) -> Error {
        self.0.exit_status = status;
        self
    }

    #[must_use]
    pub(crate) fn with_usage(mut self, usage: Option<Usage>) -> Error {
        self.0.usage = usage;
        self
    }

    #[must_use]
    pub(crate) fn with_stderr_tail(mut self, text: Option<Box<str>>) -> Error {
        self.0.stderr_tail = text;
        self
    }

    #[must_use]
    pub(crate) fn with_input(mut self, index: usize) -> Error {
        self.0.input = Some(index);
        self
    }

    #[must_use]
    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Error {
        self.0.source = Some(source.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(input) = self.0.input {
            write!(f, "input {input}: ")?;
        }
        Text(&self.0).fmt(f)
    }
}

/// The text of an error, without the input that it concerns.
struct Text<'a>(&'a Repr);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        // What it says is looked up now, which takes time.
        if let Some(crash) = &self.0.crash {
            write!(f, ": {crash}")?;
        }
        if let Some(place) = self.0.hang.as_ref().and_then(|hang| hang.place()) {
            write!(f, ": it was in {place}")?;
        }
        f.write_str(&self.0.end)?;
        match &self.0.source {
            // A `RemoteError` then shows its own sources, too.
            Some(source) => write!(f, ": {source:#}"),
            None => Ok(()),
        }
    }
}

/// For `f::run(..)??` in functions that return [`Result`].
impl From<RemoteError> for Error {
    fn from(error: RemoteError) -> Error {
        let text = "the worker returned an error";
        Error::new(ErrorKind::Returned, text).with_source(error.into_error())
    }
}

/// Formats the error for people: the line of `Display`, and the worker's backtrace if there is one,
/// because this is what Rust prints when `main` returns an error. `{:#?}` shows the fields.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !f.alternate() {
            fmt::Display::fmt(self, f)?;
            return match self.backtrace() {
                Some(backtrace) => write!(f, "\n\nstack of the worker:\n{backtrace}"),
                None => Ok(()),
            };
        }
        let Repr {
            kind,
            message,
            end,
            worker,
            panic,
            crash,
            hang,
            exit_status,
            usage,
            stderr_tail,
            input,
            source,
        } = &*self.0;
        f.debug_struct("Error")
            .field("kind", kind)
            .field("message", &format_args!("{message}{end}"))
            .field("worker", worker)
            .field("panic", panic)
            .field("crash", crash)
            .field("hang", &hang.as_ref().and_then(|hang| hang.backtrace()))
            .field("exit_status", exit_status)
            .field("usage", usage)
            .field("stderr_tail", stderr_tail)
            .field("input", input)
            .field("source", source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
