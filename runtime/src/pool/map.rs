//! The same worker on many inputs.

use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;
use std::time::Duration;

use super::call_source::CallSource;
use super::into_call::IntoCall;
use super::mapping::{Advance, Mapping};
use super::supervisor::SharedPool;
use crate::error::Result;

/// An iterator over the results of a worker on many inputs. Returned by [`Pool::map`](crate::Pool::map) and
/// [`Pool::map_unordered`](crate::Pool::map_unordered).
///
/// It takes its inputs as it goes, and runs ahead of its results by a bounded number of them, with a
/// bounded amount of memory: see [`buffered`](Map::buffered). Dropping it cancels the tasks that have
/// not begun.
///
/// With the feature `stream`, `into_stream` makes a `Stream` of it.
///
/// If the iterator of inputs or the function that makes the calls panics, [`next`](Iterator::next)
/// gives the results of all inputs before that, and then panics. If writing an argument or reading a
/// result panics, `next` panics in the place of that result, or, if results are not ordered, when it
/// comes. Code that catches the panic can go on.
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
/// let mut squares = pool.map(square::call, [3, 4]);
/// assert_eq!(squares.next().unwrap()?, 9);
/// assert_eq!(squares.next().unwrap()?, 16);
/// assert!(squares.next().is_none());
/// # Ok(())
/// # }
/// ```
#[must_use = "iterators are lazy: no task is started before a result is asked for"]
pub struct Map<'p, R, I, F> {
    pub(super) mapping: Mapping<R, I, F>,
    pub(super) progress: Option<Progress<'p>>,
}

pub(super) type Progress<'p> = Box<dyn FnMut(usize, usize) + Send + 'p>;

impl<R, I: Iterator, F> Map<'_, R, I, F> {
    pub(super) fn new<'c, C>(pool: &Arc<SharedPool>, inputs: I, bind: F, ordered: bool) -> Self
    where
        F: FnMut(I::Item) -> C,
        C: IntoCall<'c, Output = R>,
    {
        let calls = CallSource::new(inputs, bind);
        Map {
            mapping: Mapping::new(Arc::clone(pool), calls, ordered),
            progress: None,
        }
    }
}

impl<'p, R, I: Iterator, F> Map<'p, R, I, F> {
    /// Sends the tasks to workers in groups of this many.
    ///
    /// By default the groups grow with the number of tasks that a worker does in a few
    /// milliseconds; long tasks are sent one at a time. In any case each task of a group succeeds
    /// or fails by itself. Inputs that are slow to come go in smaller groups, since those that are there do
    /// not wait for them.
    ///
    /// Groups whose tasks turn out to be short are sent several at a time. What a worker has not begun of
    /// them while it is in a long task goes to others that have nothing to do.
    ///
    /// A group has at least one task, even if `size` is 0, and no more than one message holds: as
    /// many tasks as have 96 KiB of arguments together, and 16384 at most.
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
    /// let squares = pool.map(square::call, 0..1000).chunk_size(100);
    /// assert_eq!(squares.map(Result::unwrap).sum::<u64>(), 332_833_500);
    /// # Ok(())
    /// # }
    /// ```
    pub fn chunk_size(mut self, size: usize) -> Self {
        self.mapping.window.set_chunk_size(size);
        self
    }

    /// Takes at most this many inputs, and one at least, whose results have not been given out.
    ///
    /// By default that depends on the tasks, so that no worker waits for the next one:
    ///
    /// * Long tasks: 4 for each worker.
    /// * Tasks of less than 4 ms: as many as take each worker 16 ms, but not more than 16384 for each.
    /// * Long arguments and results: as many as have 4 MiB for each worker, but not less than 2 for
    ///   each. The results that count are those which have arrived, and wait to be asked for or for
    ///   one before them.
    ///
    /// [`chunk_size`](Map::chunk_size) makes that 4 groups for each worker. A small number here makes
    /// small groups: each worker has its share, and half of that is sent at a time. Python's
    /// `buffersize` is this number.
    ///
    /// While the iterator of inputs blocks, no results are given out. If inputs come slowly, few are
    /// sent together, and results that are there come before the next input.
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
    /// let taken = std::cell::Cell::new(0);
    /// let inputs = (0..).inspect(|_| taken.set(taken.get() + 1));
    /// let mut squares = pool.map(square::call, inputs).buffered(10);
    /// assert_eq!(squares.nth(99).unwrap()?, 9801);
    /// assert!(taken.get() <= 110);
    /// # Ok(())
    /// # }
    /// ```
    pub fn buffered(mut self, inputs: usize) -> Self {
        self.mapping.window.set_limit(inputs);
        self
    }

    /// Kills a worker whose task runs for longer than this, or asks it to stop first if there is a
    /// [`grace`](Map::grace); the task's result is [`TimedOut`](crate::ErrorKind::TimedOut). The time counts for each task from its start.
    ///
    /// # Examples
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
    /// let pool = Pool::builder().workers(2).build()?;
    /// let results = pool.map(doze::call, [60_000, 60_000]).timeout(Duration::from_millis(50));
    /// for result in results {
    ///     assert_eq!(result.unwrap_err().kind(), ErrorKind::TimedOut);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.mapping.timeout = Some(timeout);
        self
    }

    /// Asks a task to stop when its [`timeout`](Map::timeout) is over, and kills its worker only after
    /// this further time: see [`Call::grace`](crate::Call::grace).
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
    /// let pool = Pool::builder().workers(2).build()?;
    /// let solutions = pool
    ///     .map(improve::call, [7, 8])
    ///     .timeout(Duration::from_millis(50))
    ///     .grace(Duration::from_secs(10));
    /// for solution in solutions {
    ///     assert!(solution? >= 7);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn grace(mut self, grace: Duration) -> Self {
        self.mapping.grace = Some(grace);
        self
    }

    /// Calls a function when results have arrived, with their number and the number of all inputs.
    ///
    /// If the iterator of inputs does not know how many there are, the second number is that of the
    /// inputs taken so far. The function is called by [`next`](Iterator::next), once for results
    /// that arrived together.
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
    /// let mut last = (0, 0);
    /// let squares = pool.map(square::call, 0..10).progress(|done, total| last = (done, total));
    /// assert_eq!(squares.count(), 10);
    /// assert_eq!(last, (10, 10));
    /// # Ok(())
    /// # }
    /// ```
    pub fn progress(mut self, progress: impl FnMut(usize, usize) + Send + 'p) -> Self {
        self.progress = Some(Box::new(progress));
        self
    }
}

impl<R, I: Iterator, F> Map<'_, R, I, F> {
    pub(super) fn next_indexed(&mut self) -> Option<(usize, Result<R>)> {
        loop {
            let progress = self.progress.as_deref_mut();
            match self.mapping.advance(progress.map(|it| it as _)) {
                Advance::Result(number, result) => return Some((number, result)),
                Advance::End => return None,
                Advance::Wait => self.mapping.mailbox.wait(),
            }
        }
    }
}

impl<R, I: Iterator, F> Iterator for Map<'_, R, I, F> {
    type Item = Result<R>;

    fn next(&mut self) -> Option<Result<R>> {
        self.next_indexed().map(|(_, result)| result)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.mapping.size_hint()
    }
}

impl<R, I: Iterator, F> FusedIterator for Map<'_, R, I, F> {}

impl<R, I, F> fmt::Debug for Map<'_, R, I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mapping.debug("Map", f)
    }
}
