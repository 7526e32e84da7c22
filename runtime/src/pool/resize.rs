//! Changing the number of workers.

use super::handle::Pool;
use crate::error::{Error, ErrorKind, Result};

impl Pool {
    /// Changes the number of [`workers`](Pool::workers) while the pool runs.
    ///
    /// If there are to be more, they are started at once; with an
    /// [`idle_timeout`](crate::PoolBuilder::idle_timeout), when there are tasks for them. If there are
    /// to be fewer, those with the highest [indices](crate::Current::worker_index) leave: those that are
    /// idle at once, the others after the task that they run just now. It does not wait for that.
    /// Until they have left, there can be more processes than this. No task is lost; those that a
    /// [map](Pool::map) has under way go to the workers that remain.
    ///
    /// [`min_workers`](crate::PoolBuilder::min_workers) stays what it is, as far as there are so
    /// many. A larger number that cannot be reached, because processes cannot be started, is no error: the
    /// pool goes on with those that it has, and tries again, later and later.
    ///
    /// # Errors
    ///
    /// * [`Unsupported`](ErrorKind::Unsupported): the number is 0.
    /// * [`Closed`](ErrorKind::Closed): the pool was shut down.
    /// * The error that made the pool unusable, if there was one.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{ErrorKind, Pool};
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(1).build()?;
    /// pool.resize(3)?;
    /// assert_eq!(pool.workers(), 3);
    /// pool.resize(2)?; // at night
    /// assert_eq!(pool.workers(), 2);
    /// assert_eq!(pool.resize(0).unwrap_err().kind(), ErrorKind::Unsupported);
    /// # Ok(())
    /// # }
    /// ```
    pub fn resize(&self, workers: usize) -> Result<()> {
        self.shared.check_here()?;
        if workers == 0 {
            let text = "a pool cannot be resized to 0 workers: it needs at least one";
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        self.shared.resize(workers)
    }
}
