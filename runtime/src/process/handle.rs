use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::process::{ChildStderr, ChildStdin, ChildStdout, ExitStatus};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use super::end::End;
use super::killer::Killer;
use super::launched::Launched;
use super::monitor::{Child, Monitor};
use super::start_method::StartMethod;
use super::stdio::ParentEnds;
use crate::dispatch::ResultCodec;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::fd::{AsFd, BorrowedFd};
use crate::sys::pidfd::Status;
use crate::usage::Usage;

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
/// * A process that is stopped (`SIGSTOP`), or held by a debugger, has not ended. Its
///   [`timeout`](crate::Call::timeout) kills it all the same.
/// * A worker can make it impossible to say what it returned. If it ends its own thread (C's
///   `pthread_exit`, a filter on system calls that kills threads) its process exits with code 70;
///   if it closes descriptors that are not its own, as daemons do, with code 74.
/// * A worker may fork and return twice, as a C library does that wants a helper. The copy ends when
///   it returns; the result is the original's. A copy that does not return is a process of the
///   worker's own: it does not end with the worker or the program, and holds open what the worker
///   had open, such as its standard streams.
/// * A `Process` belongs to the process that started it. In a copy of that made by `fork`, dropping
///   and killing it do nothing, and joining it is [`Unsupported`](ErrorKind::Unsupported).
#[must_use = "the process is detached when this is dropped, and ends with the program: join it, or bind it to a name"]
pub struct Process<R> {
    child: Arc<Child>,
    result: ResultCodec<R>,
    streams: ParentEnds,
    start_method: StartMethod,
    /// Set while it has been waited for and the result is still to be given out.
    end: Option<Box<End>>,
    /// Set when the result has been given out, by `try_join` or `join_timeout`.
    given_out: Option<(Status, Option<Usage>)>,
}

/// A panic cannot be seen in it: what is known of the process changes as a whole.
impl<R> UnwindSafe for Process<R> {}

/// As above.
impl<R> RefUnwindSafe for Process<R> {}

impl<R> Process<R> {
    pub(super) fn new(launched: Launched, result: ResultCodec<R>) -> Process<R> {
        Process {
            child: launched.child,
            result,
            streams: launched.streams,
            start_method: launched.start_method,
            end: None,
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
    /// | was sent or returned what cannot be read back, or there is no memory for | [`Decode`](ErrorKind::Decode) |
    /// | wrote to a descriptor that is not its own, but this library's | [`Decode`](ErrorKind::Decode): it is killed at once |
    ///
    /// [`Closed`](ErrorKind::Closed): `try_join` or `join_timeout` has given out the result
    /// before.
    pub fn join(mut self) -> Result<R> {
        self.check_here()?;
        match self.finish(None) {
            Some(result) => result,
            None => Err(self.no_result()),
        }
    }

    /// Waits for the end of the process, and keeps the result for [`join`](Process::join). How the
    /// process ended, as [`exit_status`](Process::exit_status) tells it.
    ///
    /// The standard input, if it is piped and was not taken, is closed first. It does not wait if the
    /// result was given out.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    ///
    /// #[worker]
    /// fn fill(bytes: usize) -> usize {
    ///     vec![1_u8; bytes].iter().map(|byte| usize::from(*byte)).sum()
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let mut process = fill::spawn(50 << 20)?;
    /// let status = process.wait().expect("nothing else waits for it");
    /// let usage = process.usage().expect("it has ended");
    /// assert_eq!(process.join()?, 50 << 20);
    /// assert!(status.success());
    /// assert!(usage.max_resident_memory() > 50 << 20);
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(&mut self) -> Option<ExitStatus> {
        if self.is_here() && self.given_out.is_none() && self.end.is_none() {
            self.end = self.see_end(None).map(Box::new);
        }
        self.exit_status()
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
        match self.has_ended() {
            Some(true) => self.finish(None).transpose(),
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
            Some(limit) => self.finish(Some(limit)).transpose(),
            None => self.finish(None).transpose(),
        }
    }

    /// Whether the process has not ended.
    pub fn is_running(&mut self) -> bool {
        self.is_here() && self.given_out.is_none() && self.has_ended() == Some(false)
    }

    /// How the process ended; `None` while it is running, or if that cannot be known because
    /// something else in this program waited for it.
    pub fn exit_status(&mut self) -> Option<ExitStatus> {
        if let Some((status, _)) = self.given_out {
            return status.known();
        }
        match &self.end {
            Some(end) => end.status.known(),
            None if self.is_here() => self.child.status()?.known(),
            None => None,
        }
    }

    /// What the process had used up; `None` while it is running, or if that cannot be known because
    /// something else in this program waited for it.
    ///
    /// Of one that fails, [`Error::usage`] tells it, too.
    ///
    /// # Examples
    ///
    /// See [`wait`](Process::wait).
    pub fn usage(&mut self) -> Option<Usage> {
        if let Some((_, usage)) = self.given_out {
            return usage;
        }
        match &self.end {
            Some(end) => end.usage,
            None if self.is_here() => self.child.usage(),
            None => None,
        }
    }

    /// A handle that can end the process while this one is waited for, from any thread.
    #[must_use]
    pub fn killer(&self) -> Killer {
        Killer::new(Arc::clone(&self.child))
    }

    /// Asks the process to end: sends it `SIGTERM`. Does nothing if it has ended.
    ///
    /// Unless the worker handles the signal, joining it gives
    /// [`Signaled`](ErrorKind::Signaled).
    pub fn terminate(&self) {
        self.child.terminate();
    }

    /// Ends the process: sends it `SIGKILL`. Does nothing if it has ended.
    ///
    /// The processes that the worker itself started through this library end with it.
    pub fn kill(&self) {
        self.child.kill();
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
        if self.end.is_none() && !self.child.poll_ended(waker) {
            return Poll::Pending;
        }
        match self.finish(None) {
            Some(result) => Poll::Ready(result),
            None => Poll::Ready(Err(self.no_result())),
        }
    }

    /// Whether the process has ended; `None` if another thread waits for it.
    fn has_ended(&self) -> Option<bool> {
        match self.end {
            Some(_) => Some(true),
            None => self.child.has_ended(),
        }
    }

    /// Waits until the child has ended or `limit` has come, and then gives out the result.
    fn finish(&mut self, limit: Option<Instant>) -> Option<Result<R>> {
        let end = match self.end.take() {
            Some(end) => *end,
            None => self.see_end(limit)?,
        };
        self.given_out = Some((end.status, end.usage));
        Some(end.resolve(self.child.who(), &self.result))
    }

    /// Minds the child until it has ended or `limit` has come.
    fn see_end(&mut self, limit: Option<Instant>) -> Option<End> {
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
        Some(watch.into_end())
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
