use std::fmt;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{ChildStderr, ChildStdin, ChildStdout, ExitStatus};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::end::Status;
use super::launched::Launched;
use super::monitor::{Child, Monitor};
use super::start_method::StartMethod;
use super::stdio::ParentEnds;
use crate::dispatch::ResultCodec;
use crate::error::{Error, ErrorKind, Result};

/// A worker running in a process of its own.
///
/// Made by the `spawn` function beside each [`worker`](macro@crate::worker), or by
/// [`Call::spawn`](crate::Call::spawn).
///
/// Dropping it detaches the process: it runs on, is reaped when it ends, and dies with its
/// parent. Nothing is left behind in any order of drops and joins.
///
/// # Examples
///
/// ```
/// use multiproc::worker;
///
/// #[worker]
/// fn sum(numbers: &[u64]) -> u64 {
///     numbers.iter().sum()
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let one = sum::spawn(&[1, 2, 3])?;
/// let other = sum::spawn(&[4, 5, 6])?;
/// assert_eq!(one.join()? + other.join()?, 21);
/// # Ok(())
/// # }
/// ```
///
/// # Caveats
///
/// * The process ends when the worker returns; threads that the worker started and did not wait
///   for end with it, as those of a program do when `main` returns.
/// * A process that the worker starts by other means than this library is not killed with it.
/// * Joining does not read piped streams. A worker that prints more than a pipe holds (64 KiB)
///   waits until somebody reads, and so does who joins it: [take](Process::take_stdout) the stream
///   and read it first.
/// * A worker may fork and return twice, as a C library does that wants a helper. The copy ends when
///   it returns; the result is the original's. A copy that does not return is a process of the
///   worker's own: it does not end with the worker or the program, and holds open what the worker
///   had open, such as its standard streams.
/// * A `Process` belongs to the process that started it. In a copy of that made by `fork`, dropping
///   and killing it do nothing, and joining it is [`Unsupported`](ErrorKind::Unsupported).
/// * A process that is stopped (`SIGSTOP`) has not ended. Its [`timeout`](crate::Call::timeout)
///   kills it all the same.
pub struct Process<R> {
    child: Arc<Child>,
    result: ResultCodec<R>,
    streams: ParentEnds,
    start_method: StartMethod,
    /// Set when the result has been given out, by `try_join` or `join_timeout`.
    given_out: Option<Status>,
}

impl<R> Process<R> {
    pub(super) fn new(launched: Launched, result: ResultCodec<R>) -> Process<R> {
        Process {
            child: launched.child,
            result,
            streams: launched.streams,
            start_method: launched.start_method,
            given_out: None,
        }
    }

    /// The process id.
    ///
    /// Once the process has ended and was reaped, which happens without anybody's doing, the
    /// number may come to mean another process. [`kill`](Process::kill) and
    /// [`terminate`](Process::terminate) never mix the two up.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The name of the process: its worker's, unless [`Call::name`](crate::Call::name) gave
    /// another.
    #[must_use]
    pub fn name(&self) -> &str {
        self.child.name()
    }

    /// How the process was started.
    ///
    /// That is what its call asked for, unless that could not be done: see [`StartMethod`].
    #[must_use]
    pub fn start_method(&self) -> StartMethod {
        self.start_method
    }

    /// Waits for the worker's result and for the end of its process.
    ///
    /// The standard input, if it is piped and was not taken, is closed first.
    ///
    /// # Errors
    ///
    /// The worker gave no value; [`Error::kind`] tells why:
    ///
    /// | the worker | kind |
    /// |---|---|
    /// | panicked | [`Panicked`](ErrorKind::Panicked) |
    /// | called `exit`, with whatever code | [`Exited`](ErrorKind::Exited) |
    /// | crashed, aborted, was killed | [`Signaled`](ErrorKind::Signaled) |
    /// | was killed because of its own [`timeout`](crate::Call::timeout) | [`TimedOut`](ErrorKind::TimedOut) |
    /// | returned a value that cannot be sent | [`Encode`](ErrorKind::Encode) |
    /// | was sent or returned what cannot be read back | [`Decode`](ErrorKind::Decode) |
    ///
    /// [`Closed`](ErrorKind::Closed): `try_join` or `join_timeout` has given out the result
    /// before.
    pub fn join(mut self) -> Result<R> {
        self.check_here()?;
        match self.wait(None) {
            Some(result) => result,
            None => Err(self.no_result()),
        }
    }

    /// The worker's result if its process has ended, without waiting; `None` while it is running.
    ///
    /// # Errors
    ///
    /// As [`join`](Process::join). The result is given out once.
    pub fn try_join(&mut self) -> Result<Option<R>> {
        self.check_here()?;
        if self.given_out.is_some() {
            return Err(self.no_result());
        }
        match self.child.has_ended() {
            Some(true) => self.wait(None).transpose(),
            _ => Ok(None),
        }
    }

    /// Waits for the worker's result and for the end of its process, but not longer than
    /// `timeout`; `None` if it is running then. The process is left alone.
    ///
    /// # Errors
    ///
    /// As [`join`](Process::join). The result is given out once.
    pub fn join_timeout(&mut self, timeout: Duration) -> Result<Option<R>> {
        self.check_here()?;
        if self.given_out.is_some() {
            return Err(self.no_result());
        }
        match Instant::now().checked_add(timeout) {
            Some(limit) => self.wait(Some(limit)).transpose(),
            None => self.wait(None).transpose(),
        }
    }

    /// Whether the process has not ended.
    pub fn is_running(&mut self) -> bool {
        self.is_here() && self.given_out.is_none() && self.child.has_ended() == Some(false)
    }

    /// How the process ended; `None` while it is running, or if that cannot be known because
    /// something else in this program waited for it.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        if let Some(status) = self.given_out {
            return status.known();
        }
        if !self.is_here() {
            return None;
        }
        self.child.status()?.known()
    }

    /// Asks the process to end: sends it `SIGTERM`. Does nothing if it has ended.
    ///
    /// Unless the worker handles the signal, joining it gives
    /// [`Signaled`](ErrorKind::Signaled).
    pub fn terminate(&self) {
        if self.is_here() {
            self.child.pidfd.signal(Signal::TERM);
        }
    }

    /// Ends the process: sends it `SIGKILL`. Does nothing if it has ended.
    ///
    /// The processes that the worker itself started through this library end with it.
    pub fn kill(&self) {
        if self.is_here() {
            self.child.pidfd.signal(Signal::KILL);
        }
    }

    /// The writing end of the standard input, if it is [piped](crate::Stdio::piped) and not yet
    /// taken.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.streams.stdin.take()
    }

    /// The reading end of the standard output, if it is [piped](crate::Stdio::piped) and not yet
    /// taken.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.streams.stdout.take()
    }

    /// The reading end of the standard error, if it is [piped](crate::Stdio::piped) and not yet
    /// taken.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.streams.stderr.take()
    }

    /// The result once there is one; until then, `waker` is woken when that changes.
    pub(super) fn poll_join(&mut self, waker: &Waker) -> Poll<Result<R>> {
        if let Err(error) = self.check_here() {
            return Poll::Ready(Err(error));
        }
        if self.given_out.is_some() {
            return Poll::Ready(Err(self.no_result()));
        }
        if !self.child.poll_ended(waker) {
            return Poll::Pending;
        }
        match self.wait(None) {
            Some(result) => Poll::Ready(result),
            None => Poll::Ready(Err(self.no_result())),
        }
    }

    /// Minds the child until it has ended or `limit` has come, and then resolves its end.
    fn wait(&mut self, limit: Option<Instant>) -> Option<Result<R>> {
        let monitor = Monitor::get().ok()?;
        let mut watch = monitor.release(&self.child)?;
        if limit.is_none() {
            self.streams.stdin = None;
        }
        loop {
            watch.wait(limit);
            if watch.advance() {
                break;
            }
            if limit.is_some_and(|limit| limit <= Instant::now()) {
                // Should the monitor not take it back, dropping the watch ends the child.
                let _ = monitor.mind(&self.child, watch);
                return None;
            }
        }
        monitor.forget(&self.child);
        let end = watch.into_end();
        self.given_out = Some(end.status);
        Some(end.resolve(self.child.who(), &self.result))
    }

    /// Whether this process is the one whose child it is, and not a copy of that.
    fn is_here(&self) -> bool {
        self.child.home.is_here()
    }

    fn check_here(&self) -> Result<()> {
        if self.is_here() {
            return Ok(());
        }
        let worker = self.child.worker();
        let text = format!(
            "the process of worker `{worker}` is another one's child: this one is a copy of that, made by `fork`"
        );
        Err(Error::new(ErrorKind::Unsupported, text).with_worker(worker))
    }

    fn no_result(&self) -> Error {
        let text = format!(
            "the result of worker `{}` was given out before",
            self.child.worker()
        );
        Error::new(ErrorKind::Closed, text).with_worker(self.child.worker())
    }
}

/// The pidfd: readable when the process has ended.
///
/// It is for waiting in an event loop beside other descriptors. The process is reaped without
/// the loop's doing; [`try_join`](Process::try_join) then has the result.
impl<R> AsFd for Process<R> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.child.pidfd.as_fd()
    }
}

impl<R> fmt::Debug for Process<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process")
            .field("id", &self.id())
            .field("name", &self.name())
            .field("worker", &self.child.worker())
            .finish_non_exhaustive()
    }
}
