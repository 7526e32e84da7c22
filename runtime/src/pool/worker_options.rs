//! What a pool's processes are to be like.

use std::sync::Arc;
use std::time::Duration;

use super::builder::PoolBuilder;
use super::recipe::InitializerSource;
use super::settings::{Initialized, Initializer};
use crate::process::{Call, StartMethod};

impl PoolBuilder {
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
        self.recipe.name = Some(name.into());
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
        self.recipe.start_method = Some(start_method);
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
    /// however often. (If the last of the five could not even be started, the pool does not give up:
    /// see [`Pool`](crate::Pool#caveats).)
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
    pub fn initializer<R: Initialized + 'static>(mut self, call: Call<'_, R>) -> Self {
        match Initializer::new(call) {
            Ok((setup, initializer)) => {
                let initializer = Arc::new(initializer);
                self.recipe.initializer = InitializerSource::Same(Box::new(setup), initializer);
                self.refusal = None;
            }
            Err(refusal) => self.refusal = Some(refusal),
        }
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
        self.recipe.memory_limit = Some(bytes);
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

    /// Runs a call in each worker process before its first task, as
    /// [`initializer`](PoolBuilder::initializer) does: another one for each
    /// [index](crate::Current::worker_index).
    ///
    /// What the call says of its process applies to that process. The function is called each time that
    /// a process is started, by any thread; it is dropped, with what it has captured, when the pool is
    /// over. If it panics, or its call cannot be encoded, that process cannot be started: for the first
    /// ones, that is an error of [`build`](PoolBuilder::build).
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    /// use std::sync::OnceLock;
    ///
    /// static SHARD: OnceLock<String> = OnceLock::new();
    ///
    /// #[worker]
    /// fn open_shard(path: &str) {
    ///     SHARD.set(path.to_owned()).unwrap();
    /// }
    ///
    /// #[worker]
    /// fn shard() -> (Option<usize>, String) {
    ///     let index = multiproc::current().unwrap().worker_index();
    ///     (index, SHARD.get().unwrap().clone())
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// const SHARDS: [&str; 2] = ["a.db", "b.db"];
    ///
    /// let pool = Pool::builder()
    ///     .workers(SHARDS.len())
    ///     .initializer_with(|index| open_shard::call(SHARDS[index]))
    ///     .build()?;
    /// let (index, shard) = pool.submit(shard::call()).wait()?;
    /// assert_eq!(shard, SHARDS[index.unwrap()]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn initializer_with<R, F>(mut self, bind: F) -> Self
    where
        F: Fn(usize) -> Call<'static, R> + Send + Sync + 'static,
        R: Initialized + 'static,
    {
        let bind = Box::new(move |index| Initializer::new(bind(index)));
        self.recipe.initializer = InitializerSource::Each(bind);
        self.refusal = None;
        self
    }

    /// Lets the processes go on when the user presses Ctrl-C, which a terminal tells all processes of a
    /// program. What becomes of them the program decides: it can handle the signal and
    /// [cancel](crate::Pool::cancel_queued) what has not begun, for instance, as
    /// [a page of the guide](crate::guide::stopping#ctrl-c) shows. If it does not, it ends, and the
    /// processes with it.
    ///
    /// [`Call::ignore_interrupts`] says what that means exactly. It has the same effect on the call of
    /// an [initializer](PoolBuilder::initializer) as here. A process that Ctrl-C ends before it has got
    /// so far is replaced.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    ///
    /// #[worker]
    /// fn square(x: u64) -> u64 {
    ///     // As Ctrl-C does.
    ///     let id = std::process::id().to_string();
    ///     std::process::Command::new("kill").args(["-INT", &id]).status().unwrap();
    ///     x * x
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(1).ignore_interrupts().build()?;
    /// assert_eq!(pool.submit(square::call(7)).wait()?, 49);
    /// # Ok(())
    /// # }
    /// ```
    pub fn ignore_interrupts(mut self) -> Self {
        self.recipe.ignore_interrupts = true;
        self
    }
}
