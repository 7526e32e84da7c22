use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::process::{ChildStderr, ChildStdin, ChildStdout, ExitStatus};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use super::capture::Captured;
use super::end::End;
use super::killer::Killer;
use super::launched::Launched;
use super::monitor::{Child, ProcessMonitor};
use super::start_method::StartMethod;
use super::stdio::ParentEnds;
use crate::completion::{Completion, Ending};
use crate::dispatch::ResultCodec;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::deadline;
use crate::sys::fd::{AsFd, BorrowedFd};
use crate::sys::pidfd::Status;
use crate::usage::Usage;

/// A worker running in a process of its own.
///
/// Returned by the `spawn` function beside each [`worker`](macro@crate::worker), and by
/// [`Call::spawn`](crate::Call::spawn).
///
/// Dropping it detaches the process: it runs on, is reaped when it ends, and dies with its
/// parent. If its call says [`kill_on_drop`](crate::Call::kill_on_drop), dropping it ends the
/// process. Nothing is left behind in any order of drops and joins.
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
///   for end with it, like those of a program when `main` returns.
/// * A process that the worker starts by other means than this library is not killed with it.
/// * Joining does not read piped streams. A worker that prints more than a pipe holds (64 KiB)
///   waits until the pipe is read, and joining it waits as well: [take](Process::take_stdout) the
///   stream and read it first.
/// * A process that is stopped (`SIGSTOP`), or held by a debugger, has not ended. Its
///   [`timeout`](crate::Call::timeout) kills it all the same.
/// * A worker can make it impossible to send its result. If it ends its own thread (C's
///   `pthread_exit`, a filter on system calls that kills threads) its process exits with code 70;
///   if it closes descriptors that are not its own, as daemons do, with code 74.
/// * A worker may fork and return twice, as a C library that starts a helper process does. The copy
///   ends when it returns; the result is the original's. A copy that does not return is a process of
///   the worker's own: it does not end with the worker or the program, unless its call [kills
///   descendants](crate::Call::kill_descendants), and holds open what the worker had open, such as its
///   standard streams.
/// * A `Process` belongs to the process that started it. In a copy of that process made by `fork`,
///   dropping and killing it do nothing, and joining it is [`Unsupported`](ErrorKind::Unsupported).
#[must_use = "the process is detached when this is dropped, and ends with the program: join it, or bind it to a name"]
pub struct Process<R> {
    pub(super) child: Arc<Child>,
    result: ResultCodec<R>,
    streams: ParentEnds,
    captured: Option<Captured>,
    start_method: StartMethod,
    /// Set while it has been waited for and the result is still to be given out.
    end: Option<Box<End>>,
    /// Set when the result has been given out, by `try_join` or `join_timeout`.
    given_out: Option<(Status, Option<Usage>)>,
    /// Ends it when this is dropped, if its call wants that.
    _kill_on_drop: Option<KillOnDrop>,
}

/// Stays consistent if a thread panics: its state changes in single steps.
impl<R> UnwindSafe for Process<R> {}

/// Stays consistent if a thread panics: its state changes in single steps.
impl<R> RefUnwindSafe for Process<R> {}

impl<R> Process<R> {
    pub(super) fn launched(
        launched: Launched,
        result: ResultCodec<R>,
        kill_on_drop: bool,
        captured: Option<Captured>,
    ) -> Process<R> {
        Process {
            _kill_on_drop: kill_on_drop.then(|| KillOnDrop(Arc::clone(&launched.child))),
            child: launched.child,
            result,
            streams: launched.streams,
            captured,
            start_method: launched.start_method,
            end: None,
            given_out: None,
        }
    }

    /// Returns the process id.
    ///
    /// Once the process has ended, it is reaped, and the system may give its id to another process.
    /// [`kill`](Process::kill) and [`terminate`](Process::terminate) never confuse the two.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the name of the process: its worker's, unless [`Call::name`](crate::Call::name) gave
    /// another.
    #[must_use]
    pub fn name(&self) -> &str {
        self.child.name()
    }

    /// Returns how the process was started.
    ///
    /// That is the method that its call asked for, unless it was not possible: see [`StartMethod`].
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
    /// | called `exit`, with any code | [`Exited`](ErrorKind::Exited) |
    /// | crashed, aborted, was killed | [`Signaled`](ErrorKind::Signaled) |
    /// | exceeded its [`timeout`](crate::Call::timeout) and was killed | [`TimedOut`](ErrorKind::TimedOut) |
    /// | was asked to stop by [`cancel_within`](Process::cancel_within) | [`Cancelled`](ErrorKind::Cancelled) |
    /// | returned a value that cannot be sent | [`Encode`](ErrorKind::Encode) |
    /// | was sent or returned a value that cannot be read back, or for which there is no memory | [`Decode`](ErrorKind::Decode) |
    /// | wrote to a descriptor of this library | [`Decode`](ErrorKind::Decode): it is killed at once |
    ///
    /// The error is [`Closed`](ErrorKind::Closed) if `try_join` or `join_timeout` has given out the
    /// result before.
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
    /// # fn main() -> multiproc::Result<()> {
    /// let one = divide::spawn(6, 2)?;
    /// let other = divide::spawn(6, 0)?;
    /// assert_eq!(one.join()?, 3);
    /// assert_eq!(other.join().unwrap_err().kind(), ErrorKind::Panicked);
    /// # Ok(())
    /// # }
    /// ```
    pub fn join(mut self) -> Result<R> {
        self.check_here()?;
        match self.finish(None) {
            Some(result) => result,
            None => Err(self.no_result()),
        }
    }

    /// Waits for the end of the process, and keeps the result for [`join`](Process::join). Returns the
    /// exit status, as [`exit_status`](Process::exit_status) does.
    ///
    /// The standard input, if it is piped and was not taken, is closed first. If the result was given
    /// out already, `wait` returns at once.
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

    /// Gives the worker's result if its process has ended, without waiting. Returns `None` while it
    /// is running.
    ///
    /// # Errors
    ///
    /// As [`join`](Process::join). The result is given out once.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    /// use std::time::Duration;
    ///
    /// #[worker]
    /// fn answer() -> u32 {
    ///     42
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let mut process = answer::spawn()?;
    /// let answer = loop {
    ///     if let Some(answer) = process.try_join()? {
    ///         break answer;
    ///     }
    ///     std::thread::sleep(Duration::from_millis(1)); // or do something useful
    /// };
    /// assert_eq!(answer, 42);
    /// # Ok(())
    /// # }
    /// ```
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

    /// Waits for the worker's result and for the end of its process, but not longer than `timeout`.
    ///
    /// Returns `None` if the process is still running then, and leaves it running.
    ///
    /// # Errors
    ///
    /// As [`join`](Process::join). The result is given out once.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    /// use std::time::Duration;
    ///
    /// #[worker]
    /// fn doze(pause: Duration) {
    ///     std::thread::sleep(pause);
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let mut process = doze::spawn(Duration::from_secs(60))?;
    /// if process.join_timeout(Duration::from_millis(10))?.is_none() {
    ///     process.kill(); // it has had its time
    /// }
    /// assert!(process.join().is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn join_timeout(&mut self, timeout: Duration) -> Result<Option<R>> {
        self.check_here()?;
        if self.given_out.is_some() {
            return Err(self.no_result());
        }
        match deadline::after(timeout) {
            Some(limit) => self.finish(Some(limit)).transpose(),
            None => self.finish(None).transpose(),
        }
    }

    /// Returns `true` if the process has not ended.
    pub fn is_running(&mut self) -> bool {
        self.is_here() && self.given_out.is_none() && self.has_ended() == Some(false)
    }

    /// Returns the exit status of the process.
    ///
    /// It is `None` while the process is running, or if it cannot be known because something else
    /// in this program waited for the process.
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

    /// Returns the resources that the process has used.
    ///
    /// They are `None` while the process is running, or if they cannot be known because something
    /// else in this program waited for the process. For a process that fails, [`Error::usage`]
    /// returns them, too.
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

    /// Returns a handle that can end the process from any thread while this one is waited for.
    #[must_use]
    pub fn killer(&self) -> Killer {
        Killer::new(Arc::clone(&self.child))
    }

    /// Asks the process to end: sends it `SIGTERM`. Does nothing if it has ended.
    ///
    /// Unless the worker handles the signal, joining it gives
    /// [`Signaled`](ErrorKind::Signaled).
    ///
    /// # Examples
    ///
    /// ```
    /// # use multiproc::worker;
    /// # #[worker]
    /// # fn wait_for_ever() {
    /// #     loop {
    /// #         std::thread::park();
    /// #     }
    /// # }
    /// # fn main() -> multiproc::Result<()> {
    /// let process = wait_for_ever::spawn()?;
    /// process.terminate();
    /// assert_eq!(process.join().unwrap_err().signal(), Some(15));
    /// # Ok(())
    /// # }
    /// ```
    pub fn terminate(&self) {
        self.child.terminate();
    }

    /// Ends the process: sends it `SIGKILL`. Does nothing if it has ended.
    ///
    /// The processes that the worker itself started through this library end with it.
    ///
    /// # Examples
    ///
    /// ```
    /// # use multiproc::worker;
    /// # #[worker]
    /// # fn wait_for_ever() {
    /// #     loop {
    /// #         std::thread::park();
    /// #     }
    /// # }
    /// # fn main() -> multiproc::Result<()> {
    /// let process = wait_for_ever::spawn()?;
    /// process.kill();
    /// assert_eq!(process.join().unwrap_err().signal(), Some(9));
    /// # Ok(())
    /// # }
    /// ```
    pub fn kill(&self) {
        self.child.kill();
    }

    /// Takes the writing end of the standard input, if it is [piped](crate::Stdio::piped) and not
    /// yet taken.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Stdio, worker};
    /// use std::io::Write;
    ///
    /// #[worker]
    /// fn read_name() -> String {
    ///     std::io::read_to_string(std::io::stdin()).unwrap()
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut process = read_name::call().stdin(Stdio::piped()).spawn()?;
    /// let mut stdin = process.take_stdin().unwrap();
    /// stdin.write_all(b"Alice")?;
    /// drop(stdin); // the end of the input
    /// assert_eq!(process.join()?, "Alice");
    /// # Ok(())
    /// # }
    /// ```
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.streams.stdin.take()
    }

    /// Takes the reading end of the standard output, if it is [piped](crate::Stdio::piped) and not
    /// yet taken.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Stdio, worker};
    ///
    /// #[worker]
    /// fn greet(name: &str) {
    ///     println!("Hello, {name}!");
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut process = greet::call("Alice").stdout(Stdio::piped()).spawn()?;
    /// let stdout = process.take_stdout().unwrap();
    /// assert_eq!(std::io::read_to_string(stdout)?, "Hello, Alice!\n");
    /// process.join()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.streams.stdout.take()
    }

    /// Takes the reading end of the standard error, if it is [piped](crate::Stdio::piped) and not
    /// yet taken.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Stdio, worker};
    ///
    /// #[worker]
    /// fn warn() {
    ///     eprintln!("warning: it is late");
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut process = warn::call().stderr(Stdio::piped()).spawn()?;
    /// let stderr = process.take_stderr().unwrap();
    /// assert_eq!(std::io::read_to_string(stderr)?, "warning: it is late\n");
    /// process.join()?;
    /// # Ok(())
    /// # }
    /// ```
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
        let monitor = ProcessMonitor::get().ok()?;
        let mut watch = monitor.release(&self.child)?;
        if limit.is_none() {
            self.streams.stdin = None;
        }
        loop {
            watch.wait(limit.filter(|_| watch.status().is_none()));
            if watch.advance() {
                break;
            }
            // What was to end with it takes a moment only.
            let has_ended = watch.status().is_some();
            if limit.is_some_and(|limit| limit <= Instant::now()) && !has_ended {
                // Should the monitor not take it back, dropping the watch ends the child.
                let _ = monitor.watch(&self.child, watch);
                return None;
            }
        }
        monitor.forget(&self.child);
        self.child.catch_up_with_logs();
        let end = self.child.end(watch);
        if let Some(captured) = &self.captured {
            end.settle();
            captured.finish();
        }
        Some(end)
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
            "the process of worker `{worker}` belongs to another process, of which this one is a copy made by `fork`"
        );
        Err(Error::new(ErrorKind::Unsupported, text).with_worker(worker))
    }

    fn no_result(&self) -> Error {
        let text = format!(
            "the result of worker `{}` was already taken",
            self.child.worker()
        );
        Error::new(ErrorKind::Closed, text).with_worker(self.child.worker())
    }
}

/// Ends a process when this is dropped.
struct KillOnDrop(Arc<Child>);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        self.0.kill();
    }
}

impl<R> Completion for Process<R> {
    fn ending(&self) -> Option<Arc<dyn Ending>> {
        let has_ended = !self.is_here() || self.given_out.is_some() || self.end.is_some();
        (!has_ended).then(|| Arc::clone(&self.child) as _)
    }
}

/// Gives the pidfd, which is readable when the process has ended.
///
/// It is for waiting in an event loop beside other descriptors. The library reaps the process;
/// [`try_join`](Process::try_join) then gives the result.
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
