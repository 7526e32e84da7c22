//! What a call says about its run as a task of a pool.

use super::call::Call;

impl<R> Call<'_, R> {
    /// Runs the task again, up to this many times, if its worker died while it ran the task, in the place
    /// of what [`PoolBuilder::retries`](crate::PoolBuilder::retries) says for all tasks of a pool. 0 means
    /// that it is never tried again.
    ///
    /// # Errors
    ///
    /// A process of its own, and a pool's [initializer](crate::PoolBuilder::initializer), are started once:
    /// with this option, they are [`Unsupported`](crate::ErrorKind::Unsupported).
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::shm::Shared;
    /// use multiproc::{ErrorKind, Pool, worker};
    /// use std::sync::atomic::{AtomicU32, Ordering};
    ///
    /// #[worker]
    /// fn crash_once(attempts: Shared<AtomicU32>) -> u32 {
    ///     if attempts.fetch_add(1, Ordering::Relaxed) == 0 {
    ///         std::process::abort();
    ///     }
    ///     42
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = Pool::builder().workers(1).build()?;
    /// let attempts = Shared::new(AtomicU32::new(0))?;
    /// let call = crash_once::call(attempts.clone()).retries(1);
    /// assert_eq!(pool.submit(call).wait()?, 42);
    ///
    /// let error = crash_once::call(attempts).retries(1).run().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Unsupported);
    /// # Ok(())
    /// # }
    /// ```
    pub fn retries(mut self, count: u32) -> Self {
        self.options().retries = Some(count);
        self
    }

    /// Sets the priority of the task among those that wait in a pool: higher ones begin first, equal
    /// ones in the order in which they were submitted. The default is 0.
    ///
    /// Nothing waits for ever: of every sixteen times that a worker is given something, one time it is
    /// what has waited longest, whatever its priority. A task that a worker has been given is not
    /// overtaken. A task that is to be run again, because its worker died, keeps its place.
    ///
    /// In a [`map`](crate::Pool::map), the priority is that of the calls that `bind` makes; tasks of the
    /// same priority are sent to the workers in groups, as ever. How much CPU time a running task gets, the
    /// priority does not say.
    ///
    /// # Errors
    ///
    /// For a process of its own, and for a pool's [initializer](crate::PoolBuilder::initializer), this
    /// option is [`Unsupported`](crate::ErrorKind::Unsupported). ([`nice`](Call::nice) sets the
    /// priority with which a process runs.)
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::channel::{Sender, channel};
    /// use multiproc::{Pool, worker};
    ///
    /// #[worker]
    /// fn note(name: &str, notes: Sender<String>) {
    ///     notes.send(name.to_owned()).unwrap();
    /// }
    ///
    /// #[worker]
    /// fn doze(millis: u64) {
    ///     std::thread::sleep(std::time::Duration::from_millis(millis));
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = Pool::builder().workers(1).build()?;
    /// let (notes, noted) = channel()?;
    /// pool.submit(doze::call(200)).on_done(|_| ()); // the worker has something to do
    /// for (name, priority) in [("backup", -1), ("page", 0), ("key press", 1)] {
    ///     let call = note::call(name, notes.clone()).priority(priority);
    ///     pool.submit(call).on_done(|_| ());
    /// }
    /// drop(notes);
    /// pool.shutdown()?;
    /// let order: Vec<String> = noted.iter().collect();
    /// assert_eq!(order, ["key press", "page", "backup"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn priority(mut self, priority: i32) -> Self {
        self.options().priority = Some(priority);
        self
    }
}
