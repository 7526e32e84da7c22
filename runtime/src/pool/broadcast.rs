//! The same call on each worker.

use super::handle::Pool;
use super::submit::Submission;
use super::task::Task;
use crate::error::Result;
use crate::process::Call;

impl Pool {
    /// Runs a call once on each worker, waits for the results, and returns them in the order of the
    /// workers' [indices](crate::Current::worker_index).
    ///
    /// `call` is called once for each of the pool's [`workers`](Pool::workers), by this thread, before
    /// any of the calls begins. Each is the next thing that its worker does after the task that it has
    /// just now, whatever waits. (If very many such calls wait for a worker, older tasks get their turn
    /// between them, as with [priorities](Call::priority).) The calls need no room in a
    /// [limited queue](crate::PoolBuilder::queue_limit).
    ///
    /// | when a worker | then |
    /// |---|---|
    /// | is not there, because there was nothing to do | it is started |
    /// | dies, or is replaced, before it has begun the call | the one in its place runs it |
    /// | dies in the call | the result is that error, or the call is run again by the one in its place if it may be [tried again](Call::retries) |
    /// | cannot be started, again and again | the result is an error: [`Spawn`](crate::ErrorKind::Spawn) |
    /// | has left, since the pool [got smaller](Pool::resize) meanwhile | the result is [`Cancelled`](crate::ErrorKind::Cancelled); what it had begun, it has finished |
    /// | has come, since the pool got larger meanwhile | it does not run the call |
    ///
    /// [`cancel_queued`](Pool::cancel_queued) cancels what has not begun of it. If the pool is shut
    /// down meanwhile, all still run; after that, all results are
    /// [`Closed`](crate::ErrorKind::Closed). A worker is replaced in the course of time, and the new
    /// one has not run the call: what each has to know belongs into an
    /// [initializer](crate::PoolBuilder::initializer).
    ///
    /// # Panics
    ///
    /// If `call` panics. No call is run then.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    /// use std::sync::Mutex;
    ///
    /// static TABLE: Mutex<Vec<u64>> = Mutex::new(Vec::new());
    ///
    /// #[worker]
    /// fn load(table: &[u64]) -> Option<usize> {
    ///     *TABLE.lock().unwrap() = table.to_vec();
    ///     multiproc::current()?.worker_index()
    /// }
    ///
    /// #[worker]
    /// fn look_up(place: usize) -> u64 {
    ///     TABLE.lock().unwrap()[place]
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(3).build()?;
    /// let table = [1, 2, 4, 8];
    /// let indices: Vec<_> = pool.broadcast(|| load::call(&table)).into_iter().collect::<Result<_, _>>()?;
    /// assert_eq!(indices, [Some(0), Some(1), Some(2)]);
    /// assert_eq!(pool.submit(look_up::call(3)).wait()?, 8);
    /// # Ok(())
    /// # }
    /// ```
    pub fn broadcast<'c, R>(&self, mut call: impl FnMut() -> Call<'c, R>) -> Vec<Result<R>> {
        let submissions: Vec<_> = (0..self.workers())
            .map(|_| Submission::new(&self.shared, call()))
            .collect();
        let tasks: Vec<_> = (0..)
            .zip(submissions)
            .map(|(index, submission)| submission.submit_to(index))
            .collect();
        tasks.into_iter().map(Task::wait).collect()
    }
}
