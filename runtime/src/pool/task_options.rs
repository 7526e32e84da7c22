//! What holds for all tasks of a pool.

use std::path::PathBuf;
use std::time::Duration;

use super::builder::PoolBuilder;

impl PoolBuilder {
    /// Kills a worker whose task runs for longer than this, unless the task's call has a
    /// [timeout](Call::timeout) of its own. The task's result is
    /// [`TimedOut`](ErrorKind::TimedOut).
    ///
    /// The time runs from the moment the worker begins the task, also while the worker is stopped
    /// (`SIGSTOP`). A worker that does not begin a task with a timeout, because it is stopped, is
    /// killed after that time too, though not before a second has passed; another worker then
    /// begins the task, with the full time.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{ErrorKind, Pool, worker};
    /// use std::time::Duration;
    ///
    /// #[worker]
    /// fn search_for_ever() {
    ///     loop {
    ///         std::thread::park();
    ///     }
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(1).task_timeout(Duration::from_millis(50)).build()?;
    /// let error = pool.submit(search_for_ever::call()).wait().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::TimedOut);
    /// # Ok(())
    /// # }
    /// ```
    pub fn task_timeout(mut self, timeout: Duration) -> Self {
        self.task_timeout = Some(timeout);
        self
    }

    /// Runs a task again, up to this many times, if its worker died while it ran the task: by a
    /// crash, a kill, an exit. A panic, an error, a timeout and a cancelled task are results and
    /// not tried again.
    ///
    /// Effects that the task had before its worker died happen twice.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::shm::Shared;
    /// use multiproc::{Pool, worker};
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
    /// let pool = Pool::builder().workers(1).retries(1).build()?;
    /// let attempts = Shared::new(AtomicU32::new(0))?;
    /// assert_eq!(pool.submit(crash_once::call(attempts.clone())).wait()?, 42);
    /// assert_eq!(attempts.load(Ordering::Relaxed), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn retries(mut self, count: u32) -> Self {
        self.retries = count;
        self
    }

    /// Writes a file that shows which worker ran which task when, and which processes died: a
    /// Chrome trace, for <https://ui.perfetto.dev> or `chrome://tracing`.
    ///
    /// The file grows while the pool runs, and can be viewed at any time.
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
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let path = std::env::temp_dir().join(format!("trace-{}.json", std::process::id()));
    /// let pool = Pool::builder().workers(1).trace(&path).build()?;
    /// pool.submit(square::call(7)).wait()?;
    /// pool.shutdown()?;
    /// assert!(std::fs::read_to_string(&path)?.contains("square"));
    /// # std::fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn trace(mut self, path: impl Into<PathBuf>) -> Self {
        self.trace = Some(path.into());
        self
    }

    /// Gives a task some time to stop when its [timeout](PoolBuilder::task_timeout) is over, unless the
    /// task's call has a [grace](crate::Call::grace) of its own, which says what happens.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    /// use std::time::Duration;
    ///
    /// /// Returns the best solution found by then.
    /// #[worker]
    /// fn improve(mut solution: u64) -> u64 {
    ///     while !multiproc::is_cancelled() {
    ///         solution += 1;
    ///     }
    ///     solution
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder()
    ///     .workers(1)
    ///     .task_timeout(Duration::from_millis(50))
    ///     .task_grace(Duration::from_secs(10))
    ///     .build()?;
    /// assert!(pool.submit(improve::call(7)).wait()? >= 7);
    /// # Ok(())
    /// # }
    /// ```
    pub fn task_grace(mut self, grace: Duration) -> Self {
        self.task_grace = Some(grace);
        self
    }
}
