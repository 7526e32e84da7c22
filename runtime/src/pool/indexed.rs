//! The results of a map, each with the index of its input.

use std::fmt;
use std::iter::FusedIterator;

use super::map::Map;
use crate::error::Result;

/// An iterator over the results of a map, each with the index of its input. Returned by
/// [`Map::indexed`].
///
/// With the feature `stream`, `into_stream` makes a `Stream` of it.
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
/// let words = [3, 4];
/// for (index, square) in pool.map_unordered(square::call, words).indexed() {
///     assert_eq!(square?, words[index] * words[index]);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "iterators are lazy: no task is started before a result is asked for"]
pub struct Indexed<'p, R, I, F>(pub(super) Map<'p, R, I, F>);

impl<'p, R, I, F> Map<'p, R, I, F> {
    /// Gives each result with the index of its input.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    ///
    /// #[worker]
    /// fn parse(text: &str) -> u32 {
    ///     text.parse().unwrap()
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(2).build()?;
    /// let texts = ["7", "seven", "8"];
    /// for (index, number) in pool.map_unordered(parse::call, texts).indexed() {
    ///     if let Err(error) = number {
    ///         assert_eq!(texts[index], "seven");
    ///         println!("{}: {error}", texts[index]);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn indexed(self) -> Indexed<'p, R, I, F> {
        Indexed(self)
    }
}

impl<R, I: Iterator, F> Iterator for Indexed<'_, R, I, F> {
    type Item = (usize, Result<R>);

    fn next(&mut self) -> Option<(usize, Result<R>)> {
        self.0.next_indexed()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<R, I: Iterator, F> FusedIterator for Indexed<'_, R, I, F> {}

impl<R, I, F> fmt::Debug for Indexed<'_, R, I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Indexed").field(&self.0).finish()
    }
}
