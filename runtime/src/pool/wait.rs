//! Waiting for several tasks.

use std::collections::VecDeque;
use std::fmt;
use std::iter::FusedIterator;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use super::slot::Slot;
use super::task::Task;
use crate::error::Result;
use crate::lock::{lock, wait_until};
use crate::sys::copy::Home;

/// Iterates over the results of tasks in the order in which they come, each with the index of its
/// task in `tasks`. The tasks may be of different pools.
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
pub fn as_completed<R>(tasks: impl IntoIterator<Item = Task<R>>) -> AsCompleted<R> {
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
pub struct AsCompleted<R> {
    tasks: Vec<Option<Task<R>>>,
    left: usize,
    listeners: Listeners,
}

impl<R> AsCompleted<R> {
    /// Waits for the next result, but not longer than `timeout`. Returns `None` if none came, or if
    /// there is none left.
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
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(1).build()?;
    /// let mut results = as_completed([pool.submit(doze::call(60_000))]);
    /// assert!(results.next_timeout(Duration::from_millis(10)).is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<(usize, Result<R>)> {
        self.take(Instant::now().checked_add(timeout))
    }

    /// The place of a task of another process, of which this one is a copy: there is nothing to wait
    /// for.
    fn elsewhere(&self) -> Option<usize> {
        if self.listeners.home.is_here() {
            return None;
        }
        self.tasks.iter().position(Option::is_some)
    }

    fn take(&mut self, limit: Option<Instant>) -> Option<(usize, Result<R>)> {
        if self.left == 0 {
            return None;
        }
        let place = match self.elsewhere() {
            Some(place) => place,
            None => self.listeners.done.wait(limit)?,
        };
        self.left -= 1;
        let task = self.tasks[place].take()?;
        Some((place, task.wait()))
    }
}

impl<R> Iterator for AsCompleted<R> {
    type Item = (usize, Result<R>);

    fn next(&mut self) -> Option<Self::Item> {
        self.take(None)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<R> ExactSizeIterator for AsCompleted<R> {}
impl<R> FusedIterator for AsCompleted<R> {}

impl<R> fmt::Debug for AsCompleted<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted")
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

/// Waits until one of the tasks is finished, and returns its index in `tasks`. Returns `None` if none
/// is finished within this time, or if there are no tasks.
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
pub fn wait_any<R>(tasks: &[Task<R>], timeout: Duration) -> Option<usize> {
    if tasks.is_empty() {
        return None;
    }
    let listeners = Listeners::new(tasks.iter());
    listeners.done.wait(Instant::now().checked_add(timeout))
}

/// Waits until all of the tasks are finished. Returns `false` if they are not within this time.
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
pub fn wait_all<R>(tasks: &[Task<R>], timeout: Duration) -> bool {
    let limit = Instant::now().checked_add(timeout);
    let listeners = Listeners::new(tasks.iter());
    tasks.iter().all(|_| listeners.done.wait(limit).is_some())
}

/// One for each of several tasks. They do not stay with tasks that outlast the wait.
#[derive(Debug)]
struct Listeners {
    done: Arc<Done>,
    listening: Vec<(Arc<Slot>, Waker)>,
    home: Home,
}

impl Listeners {
    fn new<'t, R: 't>(tasks: impl Iterator<Item = &'t Task<R>>) -> Listeners {
        Listeners::of(tasks.map(|task| task.is_here().then_some(&task.slot)))
    }

    /// Listens to slots. What is in none is finished: a task of another process, of which this one
    /// is a copy.
    fn of<'s>(slots: impl Iterator<Item = Option<&'s Arc<Slot>>>) -> Listeners {
        let done = Arc::<Done>::default();
        let listen = |(place, slot): (usize, Option<&Arc<Slot>>)| {
            let listener = Listener {
                place,
                done: Arc::clone(&done),
            };
            let waker = Waker::from(Arc::new(listener));
            let Some(slot) = slot else {
                waker.wake();
                return None;
            };
            slot.listen(waker.clone());
            Some((Arc::clone(slot), waker))
        };
        Listeners {
            listening: slots.enumerate().filter_map(listen).collect(),
            done,
            home: Home::here(),
        }
    }
}

impl Drop for Listeners {
    fn drop(&mut self) {
        if !self.home.is_here() {
            return;
        }
        for (slot, waker) in &self.listening {
            slot.forget(waker);
        }
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

    #[test]
    fn nothing_stays_with_a_task_that_outlasts_a_wait() {
        let slot = Arc::<Slot>::default();
        let (one, other) = (
            || Listeners::of([Some(&slot)].into_iter()),
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
