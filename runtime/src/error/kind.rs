//! The categories of errors.

/// The category of an [`Error`](crate::Error).
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
    /// The worker panicked. [`Error::panic`](crate::Error::panic) has the message and the place.
    Panicked,
    /// The process ended by itself before the worker returned, by [`std::process::exit`] or the
    /// like, with any code, even 0.
    Exited,
    /// The process was ended by a signal: a crash, [`std::process::abort`], the kernel's
    /// out-of-memory killer, `kill`. [`Error::signal`](crate::Error::signal) says which, and
    /// [`Error::crash`](crate::Error::crash) where a crash was. `Display` tells the out-of-memory killer from
    /// others who send `SIGKILL`, as far as the process's control group shows that.
    Signaled,
    /// The process exceeded its [`timeout`](crate::Call::timeout) and was killed.
    /// [`Error::backtrace`](crate::Error::backtrace) has where it was then.
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
    /// The worker returned an error of its own: a [`RemoteError`](crate::RemoteError), which `?` has
    /// converted. The [`source`] is what it says.
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
