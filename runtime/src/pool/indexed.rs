//! Results with the numbers of their inputs.

use std::fmt;

/// The results of a map, each with the number of its input. Returned by
/// [`Map::indexed`](crate::Map::indexed).
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
/// let mut squares = [0; 4];
/// for (index, square) in pool.map_unordered(square::call, 5..9).indexed() {
///     squares[index] = square?;
/// }
/// assert_eq!(squares, [25, 36, 49, 64]);
/// # Ok(())
/// # }
/// ```
#[must_use = "it is as lazy as the map inside: no task is started before a result is asked for"]
pub struct Indexed<M>(pub(super) M);

impl<M: fmt::Debug> fmt::Debug for Indexed<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Indexed").field(&self.0).finish()
    }
}
