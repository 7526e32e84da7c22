//! The pool, as users hold it.

use std::fmt;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::builder::PoolBuilder;
use super::inputs::Inputs;
use super::into_call::IntoCall;
use super::map::Map;
use super::stats::PoolStats;
use super::submit::Submission;
use super::supervisor::SharedPool;
use super::task::Task;
use crate::error::Result;
use crate::process::Call;

/// A set of worker processes that run one task after another.
///
/// A task that crashes, exits, runs out of memory or out of time takes its worker with it and
/// nothing else: the worker is replaced, all other tasks go on.
///
/// Dropping the pool cancels the queued tasks and kills the running ones;
/// [`shutdown`](Pool::shutdown) waits for them instead.
///
/// # Examples
///
/// ```
/// use multiproc::{ErrorKind, Pool, worker};
///
/// #[worker]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// #[worker]
/// fn crash() {
///     std::process::abort();
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let pool = Pool::builder().workers(2).build()?;
/// let task = pool.submit(square::call(7));
/// let crash = pool.submit(crash::call());
/// let squares: Vec<u64> = pool.map(square::call, 0..100).collect::<multiproc::Result<_>>()?;
/// assert_eq!(squares[9], 81);
/// assert_eq!(task.wait()?, 49);
/// assert_eq!(crash.wait().unwrap_err().kind(), ErrorKind::Signaled);
/// # Ok(())
/// # }
/// ```
///
/// # Caveats
///
/// * A task finds what earlier tasks in the same process left behind (globals, threads, the working
///   directory).
/// * Tasks begin in the order in which they were submitted, unless they have
///   [priorities](Call::priority), but may end in any order.
/// * The processes have the environment that the program had when they were started.
/// * [`submit`](Pool::submit) encodes the arguments, and the pool keeps them until the task is done,
///   with the descriptors inside them. How many tasks may wait is not limited, unless
///   [`queue_limit`](PoolBuilder::queue_limit) or [`queue_memory`](PoolBuilder::queue_memory) says
///   so; [`map`](Pool::map) takes its inputs as it goes.
/// * A result is kept as long as its [`Task`] is, whatever the limits are: a program that submits
///   without end has to let go of tasks as well.
/// * A worker that is stopped (`SIGSTOP`) is not dead. The task that it runs waits, but the task's
///   timeout goes on and ends it. Tasks that it has received and not begun are given to idle
///   workers. If no other worker can begin such a task, it waits, unless it has a timeout: then the
///   stopped worker is killed, after a second at least, and another begins the task; after three
///   such workers in a row the task fails.
/// * Workers that die are replaced at once. If they die soon after their start, before they have
///   begun a task, they are started one at a time, later and later, and after five such starts in
///   a row the pool gives up: see [`initializer`](PoolBuilder::initializer). A worker that the pool
///   itself has ended, because of a timeout or a cancelled task, does not count.
/// * If there are no processes to be had, because of a limit of the system, the pool goes on with the
///   workers that it has, and tries again later and later, up to every ten seconds. If it has none
///   after five tries in a row, the tasks that wait fail with that error, and the pool rests. For
///   tasks that are submitted then it tries once more, though not sooner than 0.6 seconds after the
///   last time. When a process can be started, all is as it was.
/// * If a task forks and returns twice, as code that calls a C library may, only the original's
///   result counts: the copy ends when it returns, without running destructors or exit handlers. A
///   copy that does not return is a process of the task's own: it does not end with the pool or the
///   program, unless the pool [kills descendants](PoolBuilder::kill_descendants), and holds open what
///   the worker had open, such as the standard streams.
/// * A pool belongs to the process that made it. In a copy of that process made by `fork`, dropping
///   a pool, a task or a map does nothing, nothing is waited for, and the result of all else is
///   [`Unsupported`](crate::ErrorKind::Unsupported), or empty. A map that was begun before may first
///   give results that had arrived.
/// * A task that writes to wrong addresses can damage the memory that its worker shares with the
///   pool. That costs at most that worker and the tasks it was sent, which fail with
///   [`Decode`](crate::ErrorKind::Decode); the pool and the tasks of other workers go on.
pub struct Pool {
    pub(super) shared: Arc<SharedPool>,
    supervisor: Option<JoinHandle<()>>,
}

impl Pool {
    /// Creates a pool with as many workers as there are [CPUs
    /// available](std::thread::available_parallelism).
    ///
    /// # Errors
    ///
    /// As [`PoolBuilder::build`].
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
    /// let pool = Pool::new()?;
    /// assert_eq!(pool.submit(square::call(7)).wait()?, 49);
    /// # Ok(())
    /// # }
    /// ```
    pub fn new() -> Result<Pool> {
        Pool::builder().build()
    }

    /// Creates a builder, to configure the pool.
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = multiproc::Pool::builder().workers(2).name("parser").build()?;
    /// assert_eq!(pool.workers(), 2);
    /// # Ok::<(), multiproc::Error>(())
    /// ```
    pub fn builder() -> PoolBuilder {
        PoolBuilder::new()
    }

    /// Submits a call, to be run by the next worker that is idle.
    ///
    /// Of the options of a call, and of its worker's attribute, these apply:
    ///
    /// | option | in a pool |
    /// |---|---|
    /// | [`timeout`](Call::timeout), [`grace`](Call::grace) | the time counts from the moment a worker begins the task |
    /// | [`kill_on_drop`](Call::kill_on_drop) | dropping the [`Task`] cancels it |
    /// | [`retries`](Call::retries), [`priority`](Call::priority) | as they say |
    /// | [`memory_limit`](Call::memory_limit) | holds for the process while the task runs. What earlier tasks have left behind in the process counts |
    /// | [`stack_size`](Call::stack_size), [`nice`](Call::nice) | the task runs on a thread of its own, without the thread-local values of others |
    /// | [`before_worker`](Call::before_worker) | runs in the process before its first task that asks for it, and once. What it does cannot be undone: it holds for the later tasks, too. If it panics, the task has that panic, and the process is replaced |
    ///
    /// Other options of the process are [`Unsupported`](crate::ErrorKind::Unsupported), since the
    /// processes exist already: the error names the builder's method to use instead. The name of the call
    /// is ignored.
    ///
    /// Errors of the call itself are reported by the task.
    ///
    /// If the number or the size of waiting tasks is [limited](PoolBuilder::queue_limit), it waits
    /// until there is room: [`try_submit`](Pool::try_submit) does not wait, and
    /// [`submit_async`](Pool::submit_async) does not block the thread.
    ///
    /// Each task is a message to a worker and one back. For very many short ones,
    /// [`map`](Pool::map) sends several together.
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
    /// # let pool = Pool::builder().workers(2).build()?;
    /// let tasks = [3, 4].map(|x| pool.submit(square::call(x)));
    /// let mut sum = 0;
    /// for task in tasks {
    ///     sum += task.wait()?;
    /// }
    /// assert_eq!(sum, 25);
    /// # Ok(())
    /// # }
    /// ```
    pub fn submit<R>(&self, call: Call<'_, R>) -> Task<R> {
        Submission::new(&self.shared, call).when_there_is_room()
    }

    /// Cancels all queued tasks, and returns their number. Tasks that a worker has begun go on.
    ///
    /// A task that is cancelled while it waits is never begun, and one that a worker is about to
    /// begin is either begun or cancelled: no running task is harmed. (In contrast,
    /// [`Task::cancel`] ends a worker that has just begun the task.) The result of each cancelled
    /// task is [`Cancelled`](crate::ErrorKind::Cancelled); a [`map`](Pool::map) under way gives these
    /// results and goes on with its next inputs.
    ///
    /// # Examples
    ///
    /// Ends a program soon, without losing tasks that have begun:
    ///
    /// ```
    /// use multiproc::{ErrorKind, Pool, worker};
    /// use std::time::Duration;
    ///
    /// #[worker]
    /// fn doze(millis: u64) -> u64 {
    ///     std::thread::sleep(Duration::from_millis(millis));
    ///     millis
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(1).build()?;
    /// let tasks: Vec<_> = (0..10).map(|_| pool.submit(doze::call(200))).collect();
    /// while pool.active() == 0 {
    ///     std::thread::yield_now();
    /// }
    /// assert_eq!(pool.cancel_queued(), 9);
    /// pool.shutdown()?;
    /// let results: Vec<_> = tasks.into_iter().map(|task| task.wait()).collect();
    /// assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    /// assert_eq!(results[9].as_ref().unwrap_err().kind(), ErrorKind::Cancelled);
    /// # Ok(())
    /// # }
    /// ```
    #[expect(
        clippy::must_use_candidate,
        reason = "most callers do not care how many there were"
    )]
    pub fn cancel_queued(&self) -> usize {
        if self.shared.is_here() {
            self.shared.cancel_queued()
        } else {
            0
        }
    }

    /// Runs a worker on each input. The results come in the order of the inputs.
    ///
    /// `bind` makes the call: for a worker with one parameter it is the worker's `call`, for more,
    /// `|(a, b)| f::call(a, b)`. The call may borrow from the input and from what is around: its
    /// arguments are encoded at once. Inputs are taken as results are asked for, and only so many ahead
    /// that no worker waits ([`buffered`](Map::buffered) has the numbers); short tasks are sent to the
    /// workers in groups.
    ///
    /// An error of a result names the index of its input; [`Map::indexed`] gives that of all results.
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
    /// # let pool = Pool::builder().workers(2).build()?;
    /// let squares: Vec<u64> = pool.map(square::call, 0..4).collect::<multiproc::Result<_>>()?;
    /// assert_eq!(squares, [0, 1, 4, 9]);
    ///
    /// // Endless input is fine.
    /// let large = pool.map(square::call, 0..).find(|square| *square.as_ref().unwrap() > 1000);
    /// assert_eq!(large.unwrap()?, 1024);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A worker that borrows:
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    /// use std::path::{Path, PathBuf};
    ///
    /// #[worker]
    /// fn length(path: &Path, unit: &str) -> String {
    ///     format!("{} {unit}", path.as_os_str().len())
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// # let pool = Pool::builder().workers(2).build()?;
    /// let paths = [PathBuf::from("/etc/hosts"), PathBuf::from("/etc")];
    /// let unit = String::from("bytes");
    /// let lengths = pool.map(|path| length::call(path, &unit), &paths);
    /// assert_eq!(lengths.collect::<multiproc::Result<Vec<_>>>()?, ["10 bytes", "4 bytes"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn map<'c, T, I, F, C>(&self, bind: F, inputs: I) -> Map<'_, C::Output, I::Iter, F>
    where
        I: Inputs<T>,
        F: FnMut(T) -> C,
        C: IntoCall<'c>,
    {
        Map::new(&self.shared, inputs.into_inputs(), bind, true)
    }

    /// Runs a worker on each input, as [`map`](Pool::map) does. The results come in the order in
    /// which they are ready.
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
    /// # let pool = Pool::builder().workers(2).build()?;
    /// let mut sum = 0;
    /// for square in pool.map_unordered(square::call, 0..4) {
    ///     sum += square?;
    /// }
    /// assert_eq!(sum, 14);
    /// # Ok(())
    /// # }
    /// ```
    pub fn map_unordered<'c, T, I, F, C>(
        &self,
        bind: F,
        inputs: I,
    ) -> Map<'_, C::Output, I::Iter, F>
    where
        I: Inputs<T>,
        F: FnMut(T) -> C,
        C: IntoCall<'c>,
    {
        Map::new(&self.shared, inputs.into_inputs(), bind, false)
    }

    /// Returns the largest number of workers that the pool has: what the builder or
    /// [`resize`](Pool::resize) has set.
    #[must_use]
    pub fn workers(&self) -> usize {
        self.shared.workers()
    }

    /// Returns the number of running tasks.
    #[must_use]
    pub fn active(&self) -> usize {
        self.load().1
    }

    /// Returns the number of tasks that wait for a worker.
    #[must_use]
    pub fn queued(&self) -> usize {
        self.load().0
    }

    /// Returns the ids of the worker processes, oldest first.
    #[must_use]
    pub fn worker_ids(&self) -> Vec<u32> {
        if self.shared.is_here() {
            self.shared.worker_ids()
        } else {
            Vec::new()
        }
    }

    /// Returns statistics of what the pool has done so far.
    #[must_use]
    pub fn stats(&self) -> PoolStats {
        if self.shared.is_here() {
            self.shared.stats()
        } else {
            PoolStats::default()
        }
    }

    /// How many tasks wait, and how many run.
    fn load(&self) -> (usize, usize) {
        if self.shared.is_here() {
            self.shared.load()
        } else {
            (0, 0)
        }
    }
}

impl PoolBuilder {
    /// Creates the pool and starts its processes.
    ///
    /// # Errors
    ///
    /// * [`Unsupported`](crate::ErrorKind::Unsupported): a number of workers or tasks that is 0, or an
    ///   initializer that cannot run in a pool.
    /// * [`Encode`](crate::ErrorKind::Encode): the initializer's arguments cannot be sent.
    /// * [`Spawn`](crate::ErrorKind::Spawn): a process could not be started, and the others are ended; or
    ///   the trace file could not be created.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{ErrorKind, Pool};
    ///
    /// let pool = Pool::builder().workers(2).build()?;
    /// assert_eq!(pool.worker_ids().len(), 2);
    /// let error = Pool::builder().workers(0).build().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Unsupported);
    /// # Ok::<(), multiproc::Error>(())
    /// ```
    pub fn build(self) -> Result<Pool> {
        let (settings, recipe, trace) = self.settings()?;
        let (shared, supervisor) = SharedPool::start(settings, recipe, trace)?;
        Ok(Pool {
            shared,
            supervisor: Some(supervisor),
        })
    }

    /// Creates the pool as [`build`](PoolBuilder::build) does, and waits until its workers are ready:
    /// all of them or, with an [`idle_timeout`](PoolBuilder::idle_timeout), as many as stay.
    ///
    /// Workers are ready when they have run the [initializer](PoolBuilder::initializer). To bound that
    /// time, give its call a [timeout](Call::timeout).
    ///
    /// # Errors
    ///
    /// As [`build`](PoolBuilder::build). Also the error that makes the pool unusable before it is ready,
    /// which all its tasks would get otherwise: of an initializer that panics, returns an error, exceeds
    /// its timeout, or in which one process after the other dies. And if there is no process to be had any
    /// more in the place of one that died.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{ErrorKind, Pool, worker};
    ///
    /// #[worker]
    /// fn connect(address: &str) -> Result<(), String> {
    ///     Err(format!("there is no host {address}"))
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(2).build_and_wait()?;
    /// assert_eq!(pool.worker_ids().len(), 2);
    ///
    /// let builder = Pool::builder().workers(2).initializer(connect::call("db.example"));
    /// let error = builder.build_and_wait().unwrap_err();
    /// assert!(error.to_string().contains("there is no host db.example"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn build_and_wait(self) -> Result<Pool> {
        let pool = self.build()?;
        pool.shared.wait_ready()?;
        Ok(pool)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if !self.shared.is_here() {
            return;
        }
        self.shared.close();
        self.shared.wait_over(None);
        if let Some(supervisor) = self.supervisor.take()
            && supervisor.thread().id() != std::thread::current().id()
        {
            let _ = supervisor.join();
        }
        self.shared.finish_callbacks(None);
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (queued, active) = self.load();
        f.debug_struct("Pool")
            .field("workers", &self.workers())
            .field("queued", &queued)
            .field("active", &active)
            .finish_non_exhaustive()
    }
}
