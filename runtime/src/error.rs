//! The error of calling a worker.

mod wire;

use std::error::Error as StdError;
use std::fmt;
use std::process::ExitStatus;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

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

/// The category of an [`Error`].
///
/// # Examples
///
/// ```
/// use multiproc::{ErrorKind, worker};
///
/// #[worker]
/// fn stop() {
///     std::process::exit(3);
/// }
///
/// match stop::run() {
///     Ok(()) => println!("done"),
///     Err(error) => match error.kind() {
///         ErrorKind::Panicked => println!("a bug: {error}"),
///         ErrorKind::Exited => println!("it has given up: {error}"),
///         _ => println!("{error}"),
///     },
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The process could not be started: the operating system refused. The [`source`] has its
    /// error.
    ///
    /// [`source`]: std::error::Error::source
    Spawn,
    /// The worker panicked. [`Error::panic`] has the message and the place.
    Panicked,
    /// The process ended by itself before the worker returned, by [`std::process::exit`] or the
    /// like, with any code, even 0.
    Exited,
    /// The process was ended by a signal: a crash, [`std::process::abort`], the kernel's
    /// out-of-memory killer, `kill`. [`Error::signal`] says which, and [`Error::crash`] where a crash was.
    /// `Display` tells the out-of-memory killer from others who send `SIGKILL`, as far as the process's
    /// control group shows that.
    Signaled,
    /// The process exceeded its [`timeout`](crate::Call::timeout) and was killed. [`Error::backtrace`] has
    /// where it was then.
    TimedOut,
    /// The call was cancelled before it gave a value.
    Cancelled,
    /// An argument or the result could not be turned into a message.
    Encode,
    /// An argument or the result could not be read back from its message, or there was no memory
    /// for it; or the worker wrote bytes of its own to the connection for its result.
    Decode,
    /// The other end is gone, or the result was already taken.
    Closed,
    /// The call is not possible here: the text of the error says why.
    Unsupported,
    /// The worker returned an error of its own: a [`RemoteError`], which `?` has converted. The
    /// [`source`] is what it says.
    ///
    /// A worker that returns an error has succeeded as a process, so no call gives this kind by itself.
    ///
    /// [`source`]: std::error::Error::source
    Returned,
    /// The request would wait for ever: services wait for one another in a circle, which the text names.
    /// See [`Service`](crate::Service).
    Deadlock,
    /// The task may have run, and how it ended cannot be known: the machine that had begun it is gone, or was
    /// not heard for too long. A call or a pool does not give this kind: tasks on other machines have it, as
    /// those of the package `multiproc-cluster`.
    Lost,
}

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

/// A panic in a worker, as it reached the caller.
///
/// # Examples
///
/// ```
/// use multiproc::worker;
///
/// #[worker]
/// fn divide(a: u32, b: u32) -> u32 {
///     a / b
/// }
///
/// let error = divide::run(1, 0).unwrap_err();
/// let panic = error.panic().unwrap();
/// assert_eq!(panic.message(), "attempt to divide by zero");
/// assert!(panic.location().is_some());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PanicInfo {
    pub(crate) message: String,
    pub(crate) location: Option<Location>,
    pub(crate) backtrace: Option<String>,
}

impl PanicInfo {
    /// Returns the message that was passed to `panic!`, or a fixed text if the payload was no
    /// string.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the place of the panic, or `None` if the worker replaced the panic hook.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        self.location.as_ref()
    }

    /// Returns the stack at the panic, if `RUST_BACKTRACE` or `RUST_LIB_BACKTRACE` asked for it in
    /// the worker's environment. It begins where the panic did and ends with the worker, unless that is
    /// `full`.
    #[must_use]
    pub fn backtrace(&self) -> Option<&str> {
        self.backtrace.as_deref()
    }
}

/// Formats the message and the place: behind it, or on a line of its own if the message has several.
impl fmt::Display for PanicInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(location) = &self.location else {
            return f.write_str(&self.message);
        };
        let message = self.message.trim_end();
        if message.contains('\n') {
            write!(f, "{message}\nat {location}")
        } else {
            write!(f, "{message}, at {location}")
        }
    }
}

/// A place in source code: `file:line:column`.
///
/// # Examples
///
/// ```
/// use multiproc::worker;
///
/// #[worker]
/// fn fail() {
///     panic!("here");
/// }
///
/// let error = fail::run().unwrap_err();
/// let place = error.panic().and_then(|panic| panic.location()).unwrap();
/// println!("{}, in line {}", place.file(), place.line());
/// # assert!(place.line() > 0);
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    pub(crate) file: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Location {
    /// Returns the file, as the compiler was given it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// Returns the line, from 1.
    #[must_use]
    pub fn line(&self) -> u32 {
        self.line
    }

    /// Returns the column, from 1.
    #[must_use]
    pub fn column(&self) -> u32 {
        self.column
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
