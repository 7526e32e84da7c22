//! Submitting to a pool in which only so many tasks may wait.

use super::handle::Pool;
use super::place::Place;
use super::submit::{ONE, Submission, SubmitFuture, TrySubmitError};
use super::task::Task;
use crate::process::Call;

impl Pool {
    /// Submits a call, as [`submit`](Pool::submit) does, if there is room for it now.
    ///
    /// There is always room if the pool has no [limit](super::PoolBuilder::queue_limit). As with
    /// `submit`, errors of the call itself are reported by the task, and so is
    /// [`Closed`](crate::ErrorKind::Closed) after a [`shutdown`](Pool::shutdown).
    ///
    /// # Errors
    ///
    /// [`Full`](TrySubmitError::Full), with the call, if there is no room, or if other submitters
    /// wait for some. The arguments have not been encoded then.
    ///
    /// # Examples
    ///
    /// A server that is asked too much says so at once:
    ///
    /// ```
    /// use multiproc::{Pool, Task, TrySubmitError, worker};
    /// use std::time::Duration;
    ///
    /// #[worker]
    /// fn doze(millis: u64) {
    ///     std::thread::sleep(Duration::from_millis(millis));
    /// }
    ///
    /// fn serve(pool: &Pool) -> Result<Task<()>, &'static str> {
    ///     match pool.try_submit(doze::call(500)) {
    ///         Ok(task) => Ok(task),
    ///         Err(TrySubmitError::Full(_)) => Err("503 Service Unavailable"),
    ///     }
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(2).queue_limit(4).build()?;
    /// let served: Vec<_> = (0..20).map(|_| serve(&pool)).collect();
    /// assert!(served.iter().filter(|it| it.is_ok()).count() < 10);
    /// # Ok(())
    /// # }
    /// ```
    pub fn try_submit<'a, R>(
        &self,
        call: Call<'a, R>,
    ) -> Result<Task<R>, TrySubmitError<Call<'a, R>>> {
        let needs_place = !self.shared.settings().queue_limits.are_none() && self.shared.is_here();
        let place = if needs_place {
            match Place::now(&self.shared, ONE) {
                None => return Err(TrySubmitError::Full(call)),
                place => place,
            }
        } else {
            None
        };
        Ok(Submission::new(&self.shared, call).submit(place))
    }

    /// Submits a call, as [`submit`](Pool::submit) does, and waits for room without blocking the
    /// thread, on any executor.
    ///
    /// The arguments are encoded at once, so that the future borrows nothing; the call waits for
    /// room, behind those before it, from the moment the future is first polled. If the future is
    /// dropped before it has returned the task, nothing is submitted.
    ///
    /// A future that has been told of its room and is not polled keeps it: another submitter gets it
    /// when the future is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    ///
    /// #[worker]
    /// fn length(text: &str) -> usize {
    ///     text.len()
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let pool = Pool::builder().workers(2).queue_limit(8).build()?;
    /// let mut tasks = Vec::new();
    /// for count in 0..100 {
    ///     tasks.push(pool.submit_async(length::call(&"x".repeat(count))).await);
    /// }
    /// for (count, task) in tasks.into_iter().enumerate() {
    ///     assert_eq!(task.await?, count);
    /// }
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn submit_async<R>(&self, call: Call<'_, R>) -> SubmitFuture<R> {
        SubmitFuture::new(Submission::new(&self.shared, call))
    }
}
