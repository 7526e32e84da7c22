//! What holds for all tasks of a pool.

use std::path::PathBuf;
use std::time::Duration;

use super::builder::PoolBuilder;

impl PoolBuilder {
    /// Kills a worker whose task runs for longer than this, unless the task's call has a
    /// [timeout](crate::Call::timeout) of its own. The task's result is
    /// [`TimedOut`](crate::ErrorKind::TimedOut).
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
    /// [`Call::retries`](crate::Call::retries) says it for one call. It is run again at once, as soon as
    /// there is a worker, or after a [delay](PoolBuilder::retry_delay).
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
    /// Arrows lead from where tasks were submitted to where they ran. Counters show how many tasks
    /// wait, and the resident memory of each worker. Processes that the program starts by calls
    /// meanwhile, such as [`Call::spawn`](crate::Call::spawn), have a row, too.
    ///
    /// The file grows while the pool runs, and can be viewed at any time. If it cannot be written
    /// any more, as on a full disk, the pool goes on without.
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

    /// Limits the number of tasks that wait: [`submit`](super::Pool::submit) then blocks until there
    /// is room. By default any number may wait.
    ///
    /// A task waits from its submission until it is given to a worker, which is at once if one is
    /// idle. A task that goes back to the queue, because its worker died, waits again: it is not held
    /// up by the limit, but others are until there is room again. When a waiting task is cancelled,
    /// there is room at once. Blocked submitters get in one after another, in the order in which they
    /// came; if the pool is shut down or fails,
    /// they go on at once, and their tasks have that error.
    ///
    /// | | when there is no room |
    /// |---|---|
    /// | [`submit`](super::Pool::submit) | blocks. A blocked call holds its encoded arguments |
    /// | [`try_submit`](super::Pool::try_submit) | gives the call back |
    /// | [`submit_async`](super::Pool::submit_async) | waits as a future, which holds the encoded arguments |
    /// | [`map`](super::Pool::map), [`map_unordered`](super::Pool::map_unordered) | take no more inputs until there is room, but one if none of theirs is under way: each map adds at most one task to the limit |
    ///
    /// [A page of the guide](crate::guide::back_pressure) has an example of each.
    ///
    /// Callbacks of [`on_done`](super::Task::on_done) may block in `submit`, as any thread may: the
    /// workers go on meanwhile. A [`Waker`](std::task::Waker) should not block; where its blocking
    /// would stop the pool, the task is let in beyond the limit.
    ///
    /// # Examples
    ///
    /// Endless input in bounded memory:
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    ///
    /// #[worker]
    /// fn check(line: &str) -> bool {
    ///     line.len() < 80
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(2).queue_limit(100).build()?;
    /// for number in 0..1000 {
    ///     let line = format!("line {number}");
    ///     pool.submit(check::call(&line)).on_done(|result| assert!(result.is_ok()));
    ///     assert!(pool.queued() <= 102);
    /// }
    /// pool.shutdown()
    /// # }
    /// ```
    pub fn queue_limit(mut self, tasks: usize) -> Self {
        self.queue_limits.tasks = Some(tasks);
        self
    }

    /// Limits the memory for the arguments of tasks that wait, in bytes. All that is said of
    /// [`queue_limit`](PoolBuilder::queue_limit), which can be set as well, is true of this limit.
    ///
    /// The bytes of the encoded arguments count, from the submission of a task until it is given to
    /// a worker. What they refer to does not: shared memory and open files behind handles. The few
    /// hundred bytes that each task takes besides do not count either.
    ///
    /// If the arguments of a single task are longer, it gets in when no other waits.
    /// [`try_submit`](super::Pool::try_submit), which looks before it encodes, lets a task in as long
    /// as the limit is not reached: what waits may then be longer by that task.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    ///
    /// #[worker]
    /// fn checksum(bytes: &[u8]) -> u64 {
    ///     bytes.iter().map(|byte| u64::from(*byte)).sum()
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(2).queue_memory(1 << 20).build()?;
    /// let mut tasks = Vec::new();
    /// for byte in 0..100 {
    ///     let bytes = vec![byte; 100_000];
    ///     tasks.push(pool.submit(checksum::call(&bytes)));
    ///     assert!(pool.queued() <= 12);
    /// }
    /// for (byte, task) in (0..).zip(tasks) {
    ///     assert_eq!(task.wait()?, byte * 100_000);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn queue_memory(mut self, bytes: u64) -> Self {
        self.queue_limits.bytes = Some(bytes);
        self
    }

    /// Has a lost task wait before it is run again, as [`retries`](PoolBuilder::retries) or
    /// [`Call::retries`](crate::Call::retries) allow: `first` before the first retry, and twice as long
    /// before each further one, up to a minute, or `first` if that is longer. By default it does not
    /// wait.
    ///
    /// It waits at least a half of that time. How much of the other half it waits is random, so that
    /// tasks that were lost together do not come back together.
    ///
    /// Meanwhile it counts as queued, and can be cancelled. [`shutdown`](super::Pool::shutdown) waits for
    /// it; dropping the pool cancels it. Then it has the place among the queued tasks that it had. No worker
    /// is kept busy by it.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::shm::Shared;
    /// use multiproc::{Pool, worker};
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use std::time::{Duration, Instant};
    ///
    /// #[worker]
    /// fn crash_twice(attempts: Shared<AtomicU32>) -> u32 {
    ///     if attempts.fetch_add(1, Ordering::Relaxed) < 2 {
    ///         std::process::abort();
    ///     }
    ///     42
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let delay = Duration::from_millis(20);
    /// let pool = Pool::builder().workers(1).retries(2).retry_delay(delay).build()?;
    /// let begin = Instant::now();
    /// assert_eq!(pool.submit(crash_twice::call(Shared::new(AtomicU32::new(0))?)).wait()?, 42);
    /// assert!(begin.elapsed() >= delay / 2 + delay); // halves of 20 and 40 milliseconds
    /// # Ok(())
    /// # }
    /// ```
    pub fn retry_delay(mut self, first: Duration) -> Self {
        self.retry_delay = Some(first);
        self
    }
}
