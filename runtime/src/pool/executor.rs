//! What a pool is to code that does not care where its tasks run.

use std::future::Future;
use std::time::Duration;

use super::handle::Pool;
use super::indexed::Indexed;
use super::map::Map;
use super::task::Task;
use crate::error::Result;
use crate::process::Call;

/// A place where calls of workers are run as tasks.
///
/// A [`Pool`] is one, on the processes of one machine. Code that is generic over this trait runs on
/// others as well: the machines of a cluster, or a stand-in for tests. Such a back end has types of its own for
/// [tasks](ExecutorTask) and [maps](ExecutorMap). `Pool` has the same methods itself, so
/// that code which uses a pool needs no trait.
///
/// The functions of a task run somewhere else in any case: what they read beside their arguments, such as
/// files, a back end on other machines may not have there.
///
/// # Examples
///
/// ```
/// use multiproc::{Executor, ExecutorMap, ExecutorTask, Pool, Result, worker};
///
/// #[worker]
/// fn count_words(text: &str) -> usize {
///     text.split_whitespace().count()
/// }
///
/// /// Counts the words of many texts, wherever that is done.
/// fn count_all<E: Executor>(executor: &E, texts: &[String]) -> Result<usize> {
///     let title = executor.submit(count_words::call("A Study in Scarlet"));
///     let mut sum = 0;
///     let counts = executor.map_unordered(|text| count_words::call(text), texts);
///     for (index, count) in counts.buffered(100).indexed() {
///         let count = count?;
///         println!("text {index} has {count} words");
///         sum += count;
///     }
///     Ok(sum + title.wait()?)
/// }
///
/// # fn main() -> Result<()> {
/// let pool = Pool::builder().workers(2).build()?;
/// let texts = ["In the year 1878".to_owned(), "I took my degree".to_owned()];
/// assert_eq!(count_all(&pool, &texts)?, 12);
/// # Ok(())
/// # }
/// ```
pub trait Executor {
    /// A call that was submitted.
    type Task<R>: ExecutorTask<R>;

    /// The results of a function on many inputs.
    type Map<'e, 'c, R, I, F>: ExecutorMap<R>
    where
        Self: 'e,
        I: Iterator,
        F: FnMut(I::Item) -> Call<'c, R>;

    /// Submits a call, as [`Pool::submit`] does. What is wrong with it is the result of the task.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Executor, ExecutorTask, Pool, Result, worker};
    ///
    /// #[worker]
    /// fn square(x: u64) -> u64 {
    ///     x * x
    /// }
    ///
    /// fn sum_of_squares(executor: &impl Executor) -> Result<u64> {
    ///     let tasks = [3, 4].map(|x| executor.submit(square::call(x)));
    ///     tasks.into_iter().map(ExecutorTask::wait).sum()
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// assert_eq!(sum_of_squares(&Pool::builder().workers(2).build()?)?, 25);
    /// # Ok(())
    /// # }
    /// ```
    fn submit<R>(&self, call: Call<'_, R>) -> Self::Task<R>;

    /// Runs a function on each input, as [`Pool::map`] does. The results come in the order of the
    /// inputs.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Executor, Pool, Result, worker};
    ///
    /// #[worker]
    /// fn square(x: u64) -> u64 {
    ///     x * x
    /// }
    ///
    /// fn squares(executor: &impl Executor) -> Result<Vec<u64>> {
    ///     executor.map(square::call, 0..4).collect()
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// assert_eq!(squares(&Pool::builder().workers(2).build()?)?, [0, 1, 4, 9]);
    /// # Ok(())
    /// # }
    /// ```
    fn map<'c, R, I, F>(&self, bind: F, inputs: I) -> Self::Map<'_, 'c, R, I::IntoIter, F>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> Call<'c, R>;

    /// Runs a function on each input, as [`Pool::map_unordered`] does. The results come in the order
    /// in which they are ready.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Executor, Pool, Result, worker};
    ///
    /// #[worker]
    /// fn square(x: u64) -> u64 {
    ///     x * x
    /// }
    ///
    /// fn sum_of_squares(executor: &impl Executor) -> Result<u64> {
    ///     executor.map_unordered(square::call, 0..4).sum()
    /// }
    ///
    /// # fn main() -> Result<()> {
    /// assert_eq!(sum_of_squares(&Pool::builder().workers(2).build()?)?, 14);
    /// # Ok(())
    /// # }
    /// ```
    fn map_unordered<'c, R, I, F>(
        &self,
        bind: F,
        inputs: I,
    ) -> Self::Map<'_, 'c, R, I::IntoIter, F>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> Call<'c, R>;
}

/// A call that was submitted to an [`Executor`]: a [`Task`], or what another back end has in its place.
///
/// It can be awaited, too.
///
/// # Examples
///
/// ```
/// use multiproc::{Executor, ExecutorTask, Pool, Result, worker};
/// use std::time::Duration;
///
/// #[worker]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// /// Waits for a while, and gives up.
/// fn wait_or_cancel<R>(task: &impl ExecutorTask<R>, limit: Duration) -> Result<Option<R>> {
///     let result = task.wait_timeout(limit)?;
///     if result.is_none() {
///         task.cancel();
///     }
///     Ok(result)
/// }
///
/// # fn main() -> Result<()> {
/// let pool = Pool::builder().workers(1).build()?;
/// let task = Executor::submit(&pool, square::call(3));
/// assert_eq!(wait_or_cancel(&task, Duration::from_secs(60))?, Some(9));
/// # Ok(())
/// # }
/// ```
pub trait ExecutorTask<R>: Future<Output = Result<R>> + Sized {
    /// Waits for the result: see [`Task::wait`].
    ///
    /// # Errors
    ///
    /// As [`Task::wait`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use multiproc::{Executor, ExecutorMap, ExecutorTask, Pool, worker};
    /// # #[worker]
    /// # fn square(x: u64) -> u64 {
    /// #     x * x
    /// # }
    /// # fn main() -> multiproc::Result<()> {
    /// # let executor = Pool::builder().workers(2).build()?;
    /// let task = Executor::submit(&executor, square::call(3));
    /// assert_eq!(ExecutorTask::wait(task)?, 9);
    /// # Ok(())
    /// # }
    /// ```
    fn wait(self) -> Result<R>;

    /// Waits for the result, but not longer than `timeout`: see [`Task::wait_timeout`].
    ///
    /// # Errors
    ///
    /// As [`Task::wait_timeout`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use multiproc::{Executor, ExecutorMap, ExecutorTask, Pool, worker};
    /// # #[worker]
    /// # fn square(x: u64) -> u64 {
    /// #     x * x
    /// # }
    /// use std::time::Duration;
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// # let executor = Pool::builder().workers(2).build()?;
    /// let task = Executor::submit(&executor, square::call(3));
    /// let result = ExecutorTask::wait_timeout(&task, Duration::from_secs(60))?;
    /// assert_eq!(result, Some(9));
    /// # Ok(())
    /// # }
    /// ```
    fn wait_timeout(&self, timeout: Duration) -> Result<Option<R>>;

    /// Returns `true` if there is a result.
    fn is_finished(&self) -> bool;

    /// Cancels the task, and returns `false` if it was finished already: see [`Task::cancel`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use multiproc::{Executor, ExecutorMap, ExecutorTask, Pool, worker};
    /// # #[worker]
    /// # fn square(x: u64) -> u64 {
    /// #     x * x
    /// # }
    /// # fn main() -> multiproc::Result<()> {
    /// # let executor = Pool::builder().workers(2).build()?;
    /// let task = Executor::submit(&executor, square::call(3));
    /// let in_time = ExecutorTask::cancel(&task);
    /// assert_eq!(ExecutorTask::wait(task).is_err(), in_time);
    /// # Ok(())
    /// # }
    /// ```
    fn cancel(&self) -> bool;
}

/// The results of a function on many inputs, on an [`Executor`]: a [`Map`], or what another back end
/// has in its place.
///
/// # Examples
///
/// ```
/// use multiproc::{Executor, ExecutorMap, Pool, worker};
/// use std::time::Duration;
///
/// #[worker]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// /// Says which inputs have no result.
/// fn failures<R>(results: impl ExecutorMap<R>) -> Vec<usize> {
///     let results = results.timeout(Duration::from_secs(60)).indexed();
///     results.filter(|(_, result)| result.is_err()).map(|(index, _)| index).collect()
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let pool = Pool::builder().workers(2).build()?;
/// assert!(failures(Executor::map(&pool, square::call, 0..10)).is_empty());
/// # Ok(())
/// # }
/// ```
pub trait ExecutorMap<R>: Iterator<Item = Result<R>> + Sized {
    /// The same, with the numbers of the inputs.
    type Indexed: Iterator<Item = (usize, Result<R>)>;

    /// Gives the number of its input with each result: see [`Map::indexed`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use multiproc::{Executor, ExecutorMap, ExecutorTask, Pool, worker};
    /// # #[worker]
    /// # fn square(x: u64) -> u64 {
    /// #     x * x
    /// # }
    /// # fn main() -> multiproc::Result<()> {
    /// # let executor = Pool::builder().workers(2).build()?;
    /// let squares = Executor::map(&executor, square::call, 5..9);
    /// for (index, square) in ExecutorMap::indexed(squares) {
    ///     assert_eq!(square?, (index as u64 + 5).pow(2));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    fn indexed(self) -> Self::Indexed;

    /// Takes at most this many inputs whose results have not been given out: see [`Map::buffered`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use multiproc::{Executor, ExecutorMap, ExecutorTask, Pool, worker};
    /// # #[worker]
    /// # fn square(x: u64) -> u64 {
    /// #     x * x
    /// # }
    /// # fn main() -> multiproc::Result<()> {
    /// # let executor = Pool::builder().workers(2).build()?;
    /// let squares = Executor::map(&executor, square::call, 0..);
    /// let mut squares = ExecutorMap::buffered(squares, 10);
    /// assert_eq!(squares.nth(99).unwrap()?, 9801);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    fn buffered(self, inputs: usize) -> Self;

    /// Limits the time of each task: see [`Map::timeout`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use multiproc::{Executor, ExecutorMap, Pool, worker};
    /// # #[worker]
    /// # fn square(x: u64) -> u64 {
    /// #     x * x
    /// # }
    /// use std::time::Duration;
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// # let executor = Pool::builder().workers(2).build()?;
    /// let squares = Executor::map(&executor, square::call, 0..4);
    /// let squares = ExecutorMap::timeout(squares, Duration::from_secs(60));
    /// assert_eq!(squares.sum::<multiproc::Result<u64>>()?, 14);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    fn timeout(self, timeout: Duration) -> Self;
}

impl Executor for Pool {
    type Task<R> = Task<R>;

    type Map<'e, 'c, R, I, F>
        = Map<'e, R, I, F>
    where
        I: Iterator,
        F: FnMut(I::Item) -> Call<'c, R>;

    fn submit<R>(&self, call: Call<'_, R>) -> Task<R> {
        Pool::submit(self, call)
    }

    fn map<'c, R, I, F>(&self, bind: F, inputs: I) -> Map<'_, R, I::IntoIter, F>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> Call<'c, R>,
    {
        Pool::map(self, bind, inputs)
    }

    fn map_unordered<'c, R, I, F>(&self, bind: F, inputs: I) -> Map<'_, R, I::IntoIter, F>
    where
        I: IntoIterator,
        F: FnMut(I::Item) -> Call<'c, R>,
    {
        Pool::map_unordered(self, bind, inputs)
    }
}

impl<R> ExecutorTask<R> for Task<R> {
    fn wait(self) -> Result<R> {
        Task::wait(self)
    }

    fn wait_timeout(&self, timeout: Duration) -> Result<Option<R>> {
        Task::wait_timeout(self, timeout)
    }

    fn is_finished(&self) -> bool {
        Task::is_finished(self)
    }

    fn cancel(&self) -> bool {
        Task::cancel(self)
    }
}

impl<'p, R, I: Iterator, F> ExecutorMap<R> for Map<'p, R, I, F> {
    type Indexed = Indexed<'p, R, I, F>;

    fn indexed(self) -> Indexed<'p, R, I, F> {
        Map::indexed(self)
    }

    fn buffered(self, inputs: usize) -> Self {
        Map::buffered(self, inputs)
    }

    fn timeout(self, timeout: Duration) -> Self {
        Map::timeout(self, timeout)
    }
}
