//! What a pool is to be like.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::scheduler::Policy;
use super::settings::{Initialized, Initializer, Settings};
use super::trace::Trace;
use crate::error::{Error, ErrorKind, Result};
use crate::process::{Call, Setup, StartMethod};

/// A configuration of a [`Pool`](crate::Pool), from which [`build`](PoolBuilder::build) creates
/// one. Returned by [`Pool::builder`](crate::Pool::builder).
///
/// # Examples
///
/// ```
/// use multiproc::{Pool, worker};
/// use std::time::Duration;
///
/// #[worker]
/// fn parse(text: &str) -> Option<u32> {
///     text.parse().ok()
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let pool = Pool::builder()
///     .workers(2)
///     .name("parser")
///     .task_timeout(Duration::from_secs(10))
///     .max_tasks_per_worker(1000)
///     .build()?;
/// assert_eq!(pool.submit(parse::call("7")).wait()?, Some(7));
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until it builds"]
pub struct PoolBuilder {
    workers: Option<usize>,
    min_workers: Option<usize>,
    name: Option<String>,
    start_method: Option<StartMethod>,
    initializer: Option<Result<(Setup, Initializer)>>,
    memory_limit: Option<u64>,
    max_tasks: Option<u64>,
    max_memory: Option<u64>,
    task_timeout: Option<Duration>,
    idle_timeout: Option<Duration>,
    retries: u32,
    trace: Option<PathBuf>,
}

impl PoolBuilder {
    pub(super) fn new() -> PoolBuilder {
        PoolBuilder {
            workers: None,
            min_workers: None,
            name: None,
            start_method: None,
            initializer: None,
            memory_limit: None,
            max_tasks: None,
            max_memory: None,
            task_timeout: None,
            idle_timeout: None,
            retries: 0,
            trace: None,
        }
    }

    /// Sets the number of worker processes. The default is
    /// [`available_parallelism`](std::thread::available_parallelism).
    ///
    /// # Examples
    ///
    /// ```
    /// let pool = multiproc::Pool::builder().workers(3).build()?;
    /// assert_eq!(pool.workers(), 3);
    /// # Ok::<(), multiproc::Error>(())
    /// ```
    pub fn workers(mut self, count: usize) -> Self {
        self.workers = Some(count);
        self
    }

    /// Sets the number of workers that stay when there is nothing to do for longer than
    /// [`idle_timeout`](PoolBuilder::idle_timeout). The default is 1.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::Pool;
    /// use std::time::Duration;
    ///
    /// let pool = Pool::builder()
    ///     .workers(3)
    ///     .min_workers(2)
    ///     .idle_timeout(Duration::from_secs(60))
    ///     .build()?;
    /// assert_eq!(pool.workers(), 3); // as many as there can be
    /// # Ok::<(), multiproc::Error>(())
    /// ```
    pub fn min_workers(mut self, count: usize) -> Self {
        self.min_workers = Some(count);
        self
    }

    /// Ends workers that have been idle for this long. By default all stay.
    ///
    /// They are started again when there are more tasks than the remaining workers can run at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::Pool;
    /// use std::time::{Duration, Instant};
    ///
    /// let pool = Pool::builder().workers(2).idle_timeout(Duration::from_millis(10)).build()?;
    /// let begin = Instant::now();
    /// while pool.worker_ids().len() > 1 {
    ///     assert!(begin.elapsed() < Duration::from_secs(20));
    ///     std::thread::yield_now();
    /// }
    /// # Ok::<(), multiproc::Error>(())
    /// ```
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = Some(timeout);
        self
    }

    /// Sets the name of the processes. The default is `pool`.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    ///
    /// #[worker]
    /// fn process_name() -> String {
    ///     multiproc::current().unwrap().name().to_owned()
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(1).name("parser").build()?;
    /// assert_eq!(pool.submit(process_name::call()).wait()?, "parser");
    /// # Ok(())
    /// # }
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets how the processes are created.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, StartMethod};
    ///
    /// // Variables that the dynamic loader reads apply to programs that are executed.
    /// let pool = Pool::builder().workers(1).start_method(StartMethod::Spawn).build()?;
    /// assert_eq!(pool.worker_ids().len(), 1);
    /// # Ok::<(), multiproc::Error>(())
    /// ```
    pub fn start_method(mut self, start_method: StartMethod) -> Self {
        self.start_method = Some(start_method);
        self
    }

    /// Runs a call in each worker process before its first task: to load what all tasks need, or
    /// to set up a library.
    ///
    /// The call's options of its process (environment, working directory, limits, rights, the
    /// function to [run before](Call::before_worker)) apply to all processes of the pool.
    ///
    /// If the call panics, returns an error, or exceeds its own [timeout](Call::timeout), the pool
    /// is unusable: all its tasks fail with that error.
    ///
    /// If a process dies during the call, or otherwise soon after its start and before it has begun a
    /// task, another one is tried, one at a time and each later than the one before. After five such
    /// starts in a row, about a second, the pool gives up if no other worker is ready: all its tasks
    /// fail with an error that says how the last process died. A worker that does a task, or lives on
    /// for a tenth of a second, ends the row; workers that die later than that are replaced at once,
    /// however often.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, RemoteError, worker};
    /// use std::sync::OnceLock;
    ///
    /// static MODEL: OnceLock<String> = OnceLock::new();
    ///
    /// #[worker]
    /// fn load(name: &str) -> Result<(), RemoteError> {
    ///     MODEL.get_or_init(|| name.to_uppercase());
    ///     Ok(())
    /// }
    ///
    /// #[worker]
    /// fn apply(question: &str) -> String {
    ///     format!("{}: {question}", MODEL.get().unwrap())
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder()
    ///     .workers(2)
    ///     .initializer(load::call("oracle").env("SEED", "7"))
    ///     .build()?;
    /// assert_eq!(pool.submit(apply::call("who?")).wait()?, "ORACLE: who?");
    /// # Ok(())
    /// # }
    /// ```
    pub fn initializer<R: Initialized + 'static>(mut self, call: Call<'static, R>) -> Self {
        self.initializer = Some(Initializer::new(call));
        self
    }

    /// Limits the private memory of each process, as [`Call::memory_limit`] does: a task that
    /// asks for more is killed.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{ErrorKind, Pool, worker};
    ///
    /// #[worker]
    /// fn allocate(bytes: usize) -> usize {
    ///     vec![1_u8; bytes].len()
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(1).memory_limit(256 << 20).build()?;
    /// assert_eq!(pool.submit(allocate::call(1 << 20)).wait()?, 1 << 20);
    /// let error = pool.submit(allocate::call(1 << 30)).wait().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Signaled);
    /// # Ok(())
    /// # }
    /// ```
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = Some(bytes);
        self
    }

    /// Replaces a worker that has done this many tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    ///
    /// #[worker]
    /// fn process_id() -> u32 {
    ///     std::process::id()
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(1).max_tasks_per_worker(1).build()?;
    /// let one = pool.submit(process_id::call()).wait()?;
    /// let other = pool.submit(process_id::call()).wait()?;
    /// assert_ne!(one, other); // each task has a process of its own
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_tasks_per_worker(mut self, count: u64) -> Self {
        self.max_tasks = Some(count);
        self
    }

    /// Replaces a worker whose resident memory exceeds this number of bytes after a task.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    ///
    /// #[worker]
    /// fn leak(bytes: usize) -> u32 {
    ///     std::hint::black_box(vec![1_u8; bytes].leak());
    ///     std::process::id()
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(1).max_memory_per_worker(64 << 20).build()?;
    /// let one = pool.submit(leak::call(100 << 20)).wait()?;
    /// let other = pool.submit(leak::call(1)).wait()?;
    /// assert_ne!(one, other);
    /// # Ok(())
    /// # }
    /// ```
    pub fn max_memory_per_worker(mut self, bytes: u64) -> Self {
        self.max_memory = Some(bytes);
        self
    }

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
    /// What all this amounts to, and the trace file, which is made.
    pub(super) fn settings(self) -> Result<(Settings, Option<Initializer>, Option<Trace>)> {
        let unsupported = |text: &str| Error::new(ErrorKind::Unsupported, text);
        if self.workers == Some(0) {
            return Err(unsupported("a pool needs at least one worker, not 0"));
        }
        if self.max_tasks == Some(0) {
            return Err(unsupported(
                "a worker of a pool must do at least one task before it is replaced, not 0",
            ));
        }
        let workers = match self.workers {
            Some(workers) => workers,
            None => std::thread::available_parallelism().map_or(1, usize::from),
        };
        let (mut setup, initializer) = match self.initializer {
            Some(initializer) => {
                let (setup, initializer) = initializer?;
                (setup, Some(initializer))
            }
            None => (Setup::new()?, None),
        };
        if let Some(start_method) = self.start_method {
            setup.start_method = start_method;
        }
        match self.name {
            Some(name) => setup.name = name,
            None if setup.name.is_empty() => "pool".clone_into(&mut setup.name),
            None => {}
        }
        if setup.name.contains('\0') {
            let text = format!(
                "the name {:?} of a pool's processes contains a NUL byte",
                setup.name
            );
            return Err(unsupported(&text));
        }
        setup.limits.memory = self.memory_limit.or(setup.limits.memory);
        let trace = self.trace.map(|path| {
            Trace::create(&path, &setup.name).map_err(|error| {
                let text = format!("cannot write the trace {}", path.display());
                Error::new(ErrorKind::Spawn, text).with_source(error)
            })
        });
        let settings = Settings {
            policy: Policy {
                workers,
                floor: match self.idle_timeout {
                    Some(_) => self.min_workers.unwrap_or(1).min(workers),
                    None => workers,
                },
                max_tasks: self.max_tasks,
                retries: self.retries,
            },
            setup,
            max_memory: self.max_memory,
            task_timeout: self.task_timeout,
            idle_timeout: self.idle_timeout,
        };
        Ok((settings, initializer, trace.transpose()?))
    }
}

impl fmt::Debug for PoolBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PoolBuilder {
            workers,
            min_workers,
            name,
            start_method,
            initializer,
            memory_limit,
            max_tasks,
            max_memory,
            task_timeout,
            idle_timeout,
            retries,
            trace,
        } = self;
        f.debug_struct("PoolBuilder")
            .field("workers", workers)
            .field("min_workers", min_workers)
            .field("name", name)
            .field("start_method", start_method)
            .field("initializer", initializer)
            .field("memory_limit", memory_limit)
            .field("max_tasks", max_tasks)
            .field("max_memory", max_memory)
            .field("task_timeout", task_timeout)
            .field("idle_timeout", idle_timeout)
            .field("retries", retries)
            .field("trace", trace)
            .finish()
    }
}
