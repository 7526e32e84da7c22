//! Ending a pool in good order.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::handle::Pool;
use super::latch::Listener;
use super::supervisor::SharedPool;
use crate::error::Result;
use crate::sys::deadline;

impl Pool {
    /// Waits until all submitted tasks are done, and ends the workers. Tasks that are submitted
    /// from now on are [`Closed`](crate::ErrorKind::Closed).
    ///
    /// Callbacks have been called too when it returns, unless it is called by one.
    ///
    /// # Errors
    ///
    /// The error that made the pool unusable, if there was one: see
    /// [`PoolBuilder::initializer`](crate::PoolBuilder::initializer).
    ///
    /// # Examples
    ///
    /// ```
    /// # use multiproc::{ErrorKind, Pool, worker};
    /// # #[worker]
    /// # fn square(x: u64) -> u64 {
    /// #     x * x
    /// # }
    /// # fn main() -> multiproc::Result<()> {
    /// # let pool = Pool::builder().workers(2).build()?;
    /// let task = pool.submit(square::call(3));
    /// pool.shutdown()?;
    /// assert!(task.is_finished());
    /// let late = pool.submit(square::call(4));
    /// assert_eq!(late.wait().unwrap_err().kind(), ErrorKind::Closed);
    /// # Ok(())
    /// # }
    /// ```
    pub fn shutdown(&self) -> Result<()> {
        self.shared.check_here()?;
        self.shared.drain();
        self.shared.finish(None);
        self.shared.outcome()
    }

    /// Shuts the pool down, as [`shutdown`](Pool::shutdown) does, but waits no longer than `timeout`.
    /// Returns `true` if all was done in time: the tasks, the callbacks, and the workers have ended.
    ///
    /// If it returns `false`, what runs and what is queued goes on, and tasks that are submitted are
    /// [`Closed`](crate::ErrorKind::Closed). It can be called again, to wait longer. To end the tasks,
    /// [cancel](Pool::cancel_queued) what is queued, or drop the pool, which kills what runs.
    ///
    /// # Errors
    ///
    /// As [`shutdown`](Pool::shutdown), when all is done.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    /// use std::time::Duration;
    ///
    /// #[worker]
    /// fn doze(millis: u64) {
    ///     std::thread::sleep(Duration::from_millis(millis));
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(1).build()?;
    /// let task = pool.submit(doze::call(60_000));
    /// if !pool.shutdown_timeout(Duration::from_millis(50))? {
    ///     task.cancel_within(Duration::from_millis(50)); // it has had its time
    /// }
    /// assert!(pool.shutdown_timeout(Duration::from_secs(20))?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn shutdown_timeout(&self, timeout: Duration) -> Result<bool> {
        self.shared.check_here()?;
        self.shared.drain();
        let limit = deadline::after(timeout);
        if self.shared.finish(limit) {
            self.shared.outcome().map(|()| true)
        } else {
            Ok(false)
        }
    }

    /// Shuts the pool down, as [`shutdown`](Pool::shutdown) does, and waits without blocking a thread,
    /// on any executor.
    ///
    /// Tasks that are submitted from now on are [`Closed`](crate::ErrorKind::Closed), whether the
    /// future is polled or not. Dropping the future does not undo that: what was submitted still runs.
    ///
    /// # Examples
    ///
    /// With tokio; any other executor works as well.
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
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let pool = Pool::builder().workers(2).build()?;
    /// let task = pool.submit(square::call(3));
    /// pool.shutdown_async().await?;
    /// assert!(task.is_finished());
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn shutdown_async(&self) -> ShutdownFuture {
        if self.shared.is_here() {
            self.shared.drain();
        }
        ShutdownFuture {
            shared: Arc::clone(&self.shared),
            listener: Listener::new(),
        }
    }
}

/// A future that is ready when a pool has shut down. Returned by
/// [`Pool::shutdown_async`](Pool::shutdown_async).
///
/// Its output is the result of [`Pool::shutdown`](Pool::shutdown). It keeps nothing running: if the
/// pool is dropped first, it is ready then.
///
/// # Examples
///
/// ```
/// use multiproc::{Pool, worker};
/// use std::time::Duration;
///
/// #[worker]
/// fn doze(millis: u64) {
///     std::thread::sleep(Duration::from_millis(millis));
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let pool = Pool::builder().workers(1).build()?;
/// let task = pool.submit(doze::call(60_000));
/// let shutdown = pool.shutdown_async();
/// if tokio::time::timeout(Duration::from_millis(50), shutdown).await.is_err() {
///     task.cancel(); // it has had its time
/// }
/// pool.shutdown_async().await
/// # })
/// # }
/// ```
#[must_use = "the pool shuts down, but that is not waited for"]
pub struct ShutdownFuture {
    shared: Arc<SharedPool>,
    listener: Listener,
}

impl Future for ShutdownFuture {
    type Output = Result<()>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        if let Err(error) = self.shared.check_here() {
            return Poll::Ready(Err(error));
        }
        if self.shared.poll_finish(&self.listener, context) {
            Poll::Ready(self.shared.outcome())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for ShutdownFuture {
    fn drop(&mut self) {
        if self.shared.is_here() {
            self.shared.forget(&self.listener);
        }
    }
}

impl fmt::Debug for ShutdownFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShutdownFuture").finish_non_exhaustive()
    }
}
