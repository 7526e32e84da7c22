//! A submitted call, and the place where its result arrives.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::callbacks::Callback;
use super::scheduler::JobId;
use super::slot::Slot;
use super::supervisor::SharedPool;
use crate::channel::{Source, WaitFor};
use crate::completion::{Completion, Ending};
use crate::dispatch::ResultCodec;
use crate::error::{Error, ErrorKind, Result};
use crate::process::Subject;
use crate::sys::deadline;

/// A call that was [submitted](super::Pool::submit) to a pool.
///
/// It is a [`Future`] on any executor. Dropping it has no effect on the task, which still runs, unless
/// its call says [`kill_on_drop`](crate::Call::kill_on_drop).
///
/// # Examples
///
/// ```
/// use multiproc::{Pool, worker};
///
/// #[worker]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let pool = Pool::builder().workers(2).build()?;
/// let first = pool.submit(square::call(3));
/// let second = pool.submit(square::call(4));
/// assert_eq!(second.wait()? + first.wait()?, 25);
/// # Ok(())
/// # }
/// ```
#[must_use = "the task runs, but its result is not waited for"]
pub struct Task<R> {
    pub(super) shared: Arc<SharedPool>,
    /// `None`: it never became one, and is finished.
    pub(super) job: Option<JobId>,
    pub(super) slot: Arc<Slot>,
    pub(super) worker: &'static str,
    pub(super) result: ResultCodec<R>,
    /// Cancels it when this is dropped, if its call wants that.
    pub(super) _kill_on_drop: Option<KillOnDrop>,
}

/// The progress of a [`Task`].
///
/// # Examples
///
/// ```
/// use multiproc::{Pool, TaskState, worker};
///
/// #[worker]
/// fn work() {}
///
/// # fn main() -> multiproc::Result<()> {
/// let pool = Pool::builder().workers(1).build()?;
/// let task = pool.submit(work::call());
/// while task.state() != TaskState::Finished {
///     std::thread::yield_now();
/// }
/// task.wait()
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskState {
    /// No worker has begun the task.
    Queued,
    /// A worker runs the task.
    Running,
    /// The task has a result, which may be an error.
    Finished,
}

impl<R> Task<R> {
    /// Waits for the result.
    ///
    /// # Errors
    ///
    /// As [`Process::join`](crate::Process::join). In addition, the error is
    /// [`Cancelled`](ErrorKind::Cancelled) if the task was [cancelled](Task::cancel) or its pool
    /// dropped, and [`Closed`](ErrorKind::Closed) if the pool was [shut
    /// down](super::Pool::shutdown) before the task was submitted.
    ///
    /// # Examples
    ///
    /// ```
    /// # use multiproc::{Pool, worker};
    /// # #[worker]
    /// # fn square(x: u64) -> u64 {
    /// #     x * x
    /// # }
    /// # fn main() -> multiproc::Result<()> {
    /// # let pool = Pool::builder().workers(1).build()?;
    /// let task = pool.submit(square::call(3));
    /// assert_eq!(task.wait()?, 9);
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(self) -> Result<R> {
        self.check_here()?;
        self.shared.wait(self.job, &self.slot, None);
        self.take()
    }

    /// Waits for the result, but not longer than `timeout`. Returns `None` if there is none by
    /// then.
    ///
    /// # Errors
    ///
    /// As [`wait`](Task::wait). The result is given out once; after that the error is
    /// [`Closed`](ErrorKind::Closed).
    ///
    /// # Examples
    ///
    /// ```
    /// # use multiproc::{Pool, worker};
    /// use std::time::Duration;
    ///
    /// #[worker]
    /// fn doze(pause: Duration) {
    ///     std::thread::sleep(pause);
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// # let pool = Pool::builder().workers(1).build()?;
    /// let task = pool.submit(doze::call(Duration::from_secs(60)));
    /// assert!(task.wait_timeout(Duration::from_millis(10))?.is_none());
    /// task.cancel();
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Option<R>> {
        self.check_here()?;
        let limit = deadline::after(timeout);
        if self.shared.wait(self.job, &self.slot, limit) {
            self.take().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Returns `true` if there is a result.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        !self.is_here() || self.slot.is_finished() || {
            self.shared.listen();
            false
        }
    }

    /// Returns the progress of the task.
    ///
    /// A task is running when a worker has begun it, not when it has been sent to one.
    #[must_use]
    pub fn state(&self) -> TaskState {
        if !self.is_here() {
            return TaskState::Finished;
        }
        self.shared.listen();
        // In this order: what is finished is known to the pool no longer.
        let running = self.job.is_some_and(|job| self.shared.is_running(job));
        match (self.slot.is_finished(), running) {
            (true, _) => TaskState::Finished,
            (false, true) => TaskState::Running,
            (false, false) => TaskState::Queued,
        }
    }

    /// Cancels the task. Returns `false` if it was finished already.
    ///
    /// If it is queued, it never starts; if it runs, its worker is killed and replaced. Its result is
    /// [`Cancelled`](ErrorKind::Cancelled) from now on.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{ErrorKind, Pool, worker};
    ///
    /// #[worker]
    /// fn search_for_ever() {
    ///     loop {
    ///         std::thread::park();
    ///     }
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(1).build()?;
    /// let task = pool.submit(search_for_ever::call());
    /// assert!(task.cancel());
    /// assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Cancelled);
    /// # Ok(())
    /// # }
    /// ```
    #[expect(
        clippy::must_use_candidate,
        reason = "most callers do not care whether it was in time"
    )]
    pub fn cancel(&self) -> bool {
        self.is_here() && self.job.is_some_and(|job| self.shared.cancel(job))
    }

    /// Asks the task to stop, and kills its worker if it has not ended after this time. Returns `false`
    /// if it was finished already.
    ///
    /// If it is queued, it never starts. If it runs, it is asked by
    /// [`is_cancelled`](crate::is_cancelled), which is `true` from then on. If it returns a value in
    /// time, that is its result. Otherwise, the result is [`Cancelled`](ErrorKind::Cancelled); if the
    /// task ended by itself in another way, such as a panic, the error's
    /// [source](std::error::Error::source) is what it would be without the request. It is not tried
    /// again.
    ///
    /// This returns at once. If it is called again, the shorter limit counts: the one that comes
    /// first. Without any `grace`, it is as [`cancel`](Task::cancel). After one that is too long to be
    /// added to the present time, the worker is never killed, only asked. A
    /// [`timeout`](crate::Call::timeout) goes on meanwhile. A worker that is stopped (`SIGSTOP`)
    /// cannot see that it is asked, and is killed when the time is over.
    /// [A page of the guide](crate::guide::stopping) has the other ways to stop.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    /// use std::time::Duration;
    ///
    /// #[worker]
    /// fn count() -> u64 {
    ///     let mut count = 0;
    ///     while !multiproc::is_cancelled() {
    ///         count += 1;
    ///     }
    ///     count
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(1).build()?;
    /// let task = pool.submit(count::call());
    /// while pool.active() == 0 {
    ///     std::thread::yield_now();
    /// }
    /// task.cancel_within(Duration::from_secs(10));
    /// println!("it has counted to {}", task.wait()?);
    /// # Ok(())
    /// # }
    /// ```
    #[expect(
        clippy::must_use_candidate,
        reason = "most callers do not care whether it was in time"
    )]
    pub fn cancel_within(&self, grace: Duration) -> bool {
        let cancel = |job| self.shared.cancel_within(job, grace);
        self.is_here() && self.job.is_some_and(cancel)
    }

    /// Calls a function with the result as soon as there is one, which may be at once.
    ///
    /// The function is called on a thread of the pool that runs only callbacks, one after another,
    /// so it may take its time, but delays other callbacks. The task still gives the result as well.
    /// A panic in the function has no consequences.
    ///
    /// The result is given to those who [wait](Task::wait) without regard to callbacks: when `wait`
    /// returns, a callback may still be running, or not have begun. It has been called when
    /// [`Pool::shutdown`](super::Pool::shutdown) has returned, or the pool has been dropped, unless
    /// that is done by a callback. To learn of the end of a callback otherwise, have it tell: by a
    /// channel, for example.
    ///
    /// # Examples
    ///
    /// ```
    /// # use multiproc::{Pool, worker};
    /// # #[worker]
    /// # fn square(x: u64) -> u64 {
    /// #     x * x
    /// # }
    /// # fn main() -> multiproc::Result<()> {
    /// # let pool = Pool::builder().workers(1).build()?;
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// pool.submit(square::call(3)).on_done(move |result| sender.send(result).unwrap());
    /// assert_eq!(receiver.recv().unwrap()?, 9);
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_done(&self, callback: impl FnOnce(Result<R>) + Send + 'static)
    where
        R: 'static,
    {
        if let Err(error) = self.check_here() {
            // There is no such thread in a copy of the program.
            return callback(Err(error));
        }
        let (worker, result) = (self.worker, self.result);
        let callback: Callback = Box::new(move |outcome| {
            let outcome = outcome.after_logs();
            callback(outcome.resolve(Subject::Worker(worker), &result));
        });
        if let Some((callback, outcome)) = self.slot.call_back(callback) {
            self.shared.run_callback(callback, outcome);
        } else {
            self.shared.listen();
        }
    }

    /// Whether this process is the one whose task it is.
    pub(super) fn is_here(&self) -> bool {
        self.shared.is_here()
    }

    pub(super) fn check_here(&self) -> Result<()> {
        let about_worker = |error: Error| error.with_worker(self.worker);
        self.shared.check_here().map_err(about_worker)
    }

    fn take(&self) -> Result<R> {
        match self.slot.take() {
            Some(outcome) => outcome
                .after_logs()
                .resolve(Subject::Worker(self.worker), &self.result),
            None => {
                let text = format!("the result of worker `{}` was already taken", self.worker);
                Err(Error::new(ErrorKind::Closed, text).with_worker(self.worker))
            }
        }
    }
}

/// Cancels a task when this is dropped.
pub(super) struct KillOnDrop {
    shared: Arc<SharedPool>,
    job: JobId,
}

impl KillOnDrop {
    pub(super) fn new(shared: &Arc<SharedPool>, job: JobId) -> KillOnDrop {
        KillOnDrop {
            shared: Arc::clone(shared),
            job,
        }
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if self.shared.is_here() {
            self.shared.cancel(self.job);
        }
    }
}

/// Waits for the result without blocking a thread.
impl<R> Future for Task<R> {
    type Output = Result<R>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<R>> {
        if let Err(error) = self.check_here() {
            return Poll::Ready(Err(error));
        }
        if self.slot.poll(context.waker()) {
            Poll::Ready(self.take())
        } else {
            self.shared.listen();
            Poll::Pending
        }
    }
}

impl<R> Completion for Task<R> {
    fn ending(&self) -> Option<Arc<dyn Ending>> {
        (!self.is_finished()).then(|| Arc::clone(&self.slot) as _)
    }
}

impl<R> Source for Task<R> {
    fn watch(&self) -> WaitFor<'_> {
        self.ending().map_or(WaitFor::Ready, WaitFor::Ending)
    }

    fn confirm(&self) -> bool {
        self.is_finished()
    }
}

impl<R> fmt::Debug for Task<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("worker", &self.worker)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
