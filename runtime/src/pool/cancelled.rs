//! What a worker sees of the wish that it stop.

use super::ledger::Claims;
use super::own_board;
use crate::process::was_asked_to_stop;

/// Returns `true` in a worker that was asked to stop: by
/// [`Process::cancel_within`](crate::Process::cancel_within),
/// [`Task::cancel_within`](crate::Task::cancel_within), or because its
/// [`timeout`](crate::Call::timeout) is over and it has a [`grace`](crate::Call::grace).
///
/// A worker that returns a value soon is not killed, and its value is the result. It can ask from any
/// thread, and often: that costs no more than reading a few variables.
///
/// In a process of a pool, the answer is about the task that runs just now. The next task is not
/// concerned. In the main process, the answer is always `false`.
///
/// # Examples
///
/// ```
/// use multiproc::{Pool, worker};
/// use std::time::Duration;
///
/// /// Sums up as many as there is time for.
/// #[worker]
/// fn sum(numbers: Vec<u64>) -> (usize, u64) {
///     let mut result = (0, 0);
///     for number in numbers.iter().cycle().take_while(|_| !multiproc::is_cancelled()) {
///         result = (result.0 + 1, result.1 + number);
///     }
///     result
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let pool = Pool::builder().workers(1).build()?;
/// let task = pool.submit(sum::call(vec![1; 10]));
/// while pool.active() == 0 {
///     std::thread::yield_now();
/// }
/// task.cancel_within(Duration::from_secs(10));
/// let (count, sum) = task.wait()?;
/// assert_eq!(sum, count as u64);
/// assert!(!multiproc::is_cancelled());
/// # Ok(())
/// # }
/// ```
///
/// # Caveats
///
/// A worker that closes descriptors that are not its own is not asked, if it has a process of its own:
/// it is killed when the time is over.
#[must_use]
pub fn is_cancelled() -> bool {
    was_asked_to_stop() || own_board::get().is_some_and(|board| Claims(board).is_asked())
}
