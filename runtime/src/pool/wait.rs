//! Waiting for several tasks and processes.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::iter::FusedIterator;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use crate::completion::{Completion, Ending, Listening};
use crate::lock::{lock, wait_until};
use crate::sys::deadline;

/// Iterates over the results of tasks, or of processes, in the order in which they come, each with
/// the index of its task in `tasks`. The tasks may be of different pools.
///
/// For tasks whose results are of different types, see [`wait_any`].
///
/// # Examples
///
/// ```
/// use multiproc::{Pool, as_completed, worker};
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
/// let tasks = [300, 1].map(|millis| pool.submit(doze::call(millis)));
/// let mut results = as_completed(tasks);
/// assert!(matches!(results.next(), Some((1, Ok(1)))));
/// assert!(matches!(results.next(), Some((0, Ok(300)))));
/// assert!(results.next().is_none());
/// # Ok(())
/// # }
/// ```
pub fn as_completed<C>(tasks: impl IntoIterator<Item = C>) -> AsCompleted<C>
where
    C: Completion + Future + Unpin,
{
    let tasks: Vec<_> = tasks.into_iter().collect();
    AsCompleted {
        left: tasks.len(),
        listeners: Listeners::new(tasks.iter()),
        tasks: tasks.into_iter().map(Some).collect(),
    }
}

/// An iterator over the results of tasks in the order in which they come. Returned by
/// [`as_completed`].
///
/// # Examples
///
/// ```
/// # use multiproc::{Pool, as_completed, worker};
/// # #[worker]
/// # fn square(x: u64) -> u64 {
/// #     x * x
/// # }
/// # fn main() -> multiproc::Result<()> {
/// # let pool = Pool::builder().workers(2).build()?;
/// let results = as_completed([3, 4].map(|x| pool.submit(square::call(x))));
/// assert_eq!(results.len(), 2);
/// for (index, result) in results {
///     println!("task {index}: {}", result?);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "iterators are lazy"]
pub struct AsCompleted<C> {
    tasks: Vec<Option<C>>,
    left: usize,
    listeners: Listeners,
}

impl<C: Completion + Future + Unpin> AsCompleted<C> {
    /// Waits for the next result, but not longer than `timeout`. Returns `None` if there is none
    /// left.
    ///
    /// # Errors
    ///
    /// [`WaitTimeoutError`] if no result came in time.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, as_completed, worker};
    /// use std::time::Duration;
    ///
    /// #[worker]
    /// fn doze(millis: u64) {
    ///     std::thread::sleep(Duration::from_millis(millis));
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = Pool::builder().workers(2).build()?;
    /// let tasks = [60_000, 1].map(|millis| pool.submit(doze::call(millis)));
    /// let mut results = as_completed(tasks);
    /// assert!(matches!(results.next_timeout(Duration::from_secs(10))?, Some((1, Ok(())))));
    /// assert!(results.next_timeout(Duration::from_millis(10)).is_err());
    /// drop(pool);
    /// assert!(matches!(results.next_timeout(Duration::from_secs(10))?, Some((0, Err(_)))));
    /// assert!(results.next_timeout(Duration::from_secs(10))?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn next_timeout(
        &mut self,
        timeout: Duration,
    ) -> Result<Option<(usize, C::Output)>, WaitTimeoutError> {
        self.take(deadline::after(timeout))
    }

    /// The place of a task of another process, of which this one is a copy: there is nothing to wait
    /// for.
    fn elsewhere(&self) -> Option<usize> {
        if self.listeners.listening.is_here() {
            return None;
        }
        self.tasks.iter().position(Option::is_some)
    }

    fn take(
        &mut self,
        limit: Option<Instant>,
    ) -> Result<Option<(usize, C::Output)>, WaitTimeoutError> {
        while self.left > 0 {
            let place = match self.elsewhere() {
                Some(place) => place,
                None => self
                    .listeners
                    .done
                    .wait(limit)
                    .ok_or(WaitTimeoutError(()))?,
            };
            let Some(mut task) = self.tasks[place].take() else {
                continue;
            };
            let mut context = Context::from_waker(Waker::noop());
            match Pin::new(&mut task).poll(&mut context) {
                Poll::Ready(result) => {
                    self.left -= 1;
                    return Ok(Some((place, result)));
                }
                // It was woken for another reason.
                Poll::Pending => {
                    self.listeners.listen(place, task.ending());
                    self.tasks[place] = Some(task);
                }
            }
        }
        Ok(None)
    }
}

impl<C: Completion + Future + Unpin> Iterator for AsCompleted<C> {
    type Item = (usize, C::Output);

    fn next(&mut self) -> Option<Self::Item> {
        // Without a limit, none is exceeded.
        self.take(None).ok().flatten()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<C: Completion + Future + Unpin> ExactSizeIterator for AsCompleted<C> {}
impl<C: Completion + Future + Unpin> FusedIterator for AsCompleted<C> {}

impl<C> fmt::Debug for AsCompleted<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

/// The error of [`AsCompleted::next_timeout`] when no result came in time.
///
/// # Examples
///
/// ```
/// use multiproc::{Pool, WaitTimeoutError, as_completed, worker};
/// use std::time::Duration;
///
/// #[worker]
/// fn doze(millis: u64) {
///     std::thread::sleep(Duration::from_millis(millis));
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let pool = Pool::builder().workers(1).build()?;
/// let mut results = as_completed([pool.submit(doze::call(60_000))]);
/// let error: WaitTimeoutError = results.next_timeout(Duration::ZERO).unwrap_err();
/// assert_eq!(error.to_string(), "no task finished in time");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitTimeoutError(());

impl fmt::Display for WaitTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no task finished in time")
    }
}

impl Error for WaitTimeoutError {}

/// Waits until one of the tasks is finished, and returns its index in `tasks`. Returns `None` if none
/// is finished within this time, or if there are no tasks.
///
/// Tasks of different types, and processes, are waited for together as
/// [`&dyn Completion`](Completion). To wait for a channel or a descriptor as well, use
/// [`channel::wait`](crate::channel::wait()).
///
/// # Examples
///
/// ```
/// use multiproc::{Pool, wait_any, worker};
/// use std::time::Duration;
///
/// #[worker]
/// fn doze(millis: u64) {
///     std::thread::sleep(Duration::from_millis(millis));
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let pool = Pool::builder().workers(2).build()?;
/// let tasks = [60_000, 1].map(|millis| pool.submit(doze::call(millis)));
/// assert_eq!(wait_any(&tasks, Duration::from_secs(10)), Some(1));
/// assert_eq!(wait_any(&tasks[..1], Duration::from_millis(1)), None);
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn wait_any<C: Completion>(tasks: &[C], timeout: Duration) -> Option<usize> {
    if tasks.is_empty() {
        return None;
    }
    let listeners = Listeners::new(tasks.iter());
    listeners.done.wait(deadline::after(timeout))
}

/// Waits until all of the tasks are finished. Returns `false` if they are not within this time.
///
/// As with [`wait_any`], they may be of different types.
///
/// # Examples
///
/// ```
/// use multiproc::{Pool, wait_all, worker};
/// use std::time::Duration;
///
/// #[worker]
/// fn doze(millis: u64) {
///     std::thread::sleep(Duration::from_millis(millis));
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let pool = Pool::builder().workers(2).build()?;
/// let tasks = [60_000, 1].map(|millis| pool.submit(doze::call(millis)));
/// assert!(!wait_all(&tasks, Duration::from_millis(1)));
/// tasks[0].cancel();
/// assert!(wait_all(&tasks, Duration::from_secs(10)));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn wait_all<C: Completion>(tasks: &[C], timeout: Duration) -> bool {
    let limit = deadline::after(timeout);
    let listeners = Listeners::new(tasks.iter());
    tasks.iter().all(|_| listeners.done.wait(limit).is_some())
}

/// One for each of several tasks.
struct Listeners {
    done: Arc<Done>,
    listening: Listening,
}

impl Listeners {
    fn new<'t, C: Completion + 't>(tasks: impl Iterator<Item = &'t C>) -> Listeners {
        Listeners::of(tasks.map(Completion::ending))
    }

    /// Listens to endings. What has none is finished: it has ended, or is of another process, of which
    /// this one is a copy.
    fn of(endings: impl Iterator<Item = Option<Arc<dyn Ending>>>) -> Listeners {
        let mut listeners = Listeners {
            done: Arc::default(),
            listening: Listening::new(),
        };
        for (place, ending) in endings.enumerate() {
            listeners.listen(place, ending);
        }
        listeners
    }

    fn listen(&mut self, place: usize, ending: Option<Arc<dyn Ending>>) {
        let listener = Listener {
            place,
            done: Arc::clone(&self.done),
        };
        let waker = Waker::from(Arc::new(listener));
        let Some(ending) = ending else {
            return waker.wake();
        };
        self.listening.listen(ending, waker);
    }
}

/// The places of tasks that are finished.
#[derive(Debug, Default)]
struct Done {
    places: Mutex<VecDeque<usize>>,
    changed: Condvar,
}

impl Done {
    fn wait(&self, limit: Option<Instant>) -> Option<usize> {
        let mut places = lock(&self.places);
        loop {
            if let Some(place) = places.pop_front() {
                return Some(place);
            }
            let in_time;
            (places, in_time) = wait_until(&self.changed, places, limit);
            if !in_time {
                return None;
            }
        }
    }
}

struct Listener {
    place: usize,
    done: Arc<Done>,
}

impl Wake for Listener {
    fn wake(self: Arc<Self>) {
        lock(&self.done.places).push_back(self.place);
        self.done.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::slot::Slot;

    #[test]
    fn nothing_stays_with_a_task_that_outlasts_a_wait() {
        let slot = Arc::<Slot>::default();
        let (one, other) = (
            || Listeners::of([Some(Arc::clone(&slot) as _)].into_iter()),
            Arc::clone(&slot),
        );
        let kept = one();
        let before = Arc::strong_count(&kept.done);
        for _ in 0..3 {
            let waiting = one();
            assert_eq!(waiting.done.wait(Some(Instant::now())), None);
        }
        assert_eq!(other.listeners(), 1);
        assert_eq!(Arc::strong_count(&kept.done), before);
        drop(kept);
        assert_eq!(other.listeners(), 0);
    }
}
