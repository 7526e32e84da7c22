//! How a task lets its process be replaced.

use super::ledger::Claims;
use super::own_board;

/// Lets this process of a [`Pool`](crate::Pool) end after the task that runs, as if it had done as many
/// tasks as [`max_tasks_per_worker`](crate::PoolBuilder::max_tasks_per_worker) says. Another process
/// takes its place.
///
/// A task says so that has seen, or caused, what later tasks are not to find: a C library that is in a
/// bad state, memory that leaked, a connection that is lost. The task itself goes on, and its
/// result counts, whatever it is. Tasks that were sent to this process together with it, as those of a
/// [`map`](crate::Pool::map) are, and that it has not begun are run by others.
///
/// It can be called from any thread of the process while the task runs. When no task of a pool runs, it
/// does nothing: in the main process, in a process of its own, in a pool's
/// [initializer](crate::PoolBuilder::initializer), and between two tasks.
///
/// # Examples
///
/// ```
/// use multiproc::{Pool, worker};
///
/// #[worker]
/// fn parse(text: &str) -> (bool, u32) {
///     let is_damaged = text.contains('\0');
///     if is_damaged {
///         multiproc::retire(); // who knows what the parser has done
///     }
///     (is_damaged, std::process::id())
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let pool = Pool::builder().workers(1).build()?;
/// let (_, first) = pool.submit(parse::call("text")).wait()?;
/// assert_eq!(pool.submit(parse::call("te\0t")).wait()?, (true, first));
/// let (_, second) = pool.submit(parse::call("text")).wait()?;
/// assert_ne!(first, second);
/// # Ok(())
/// # }
/// ```
pub fn retire() {
    if let Some(board) = own_board::get() {
        Claims(board).leave();
    }
}
