//! The results of a map, each with the index of its input.

use std::fmt;
use std::iter::FusedIterator;

use multiproc::Result;

use crate::map::Map;

/// An iterator over the results of a map, each with the index of its input. Returned by [`Map::indexed`].
///
/// # Examples
///
/// See [`Cluster::map_unordered`](crate::Cluster::map_unordered).
#[must_use = "iterators are lazy: no task is started before a result is asked for"]
pub struct Indexed<'p, R, I: Iterator, F>(pub(crate) Map<'p, R, I, F>);

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

impl<R, I: Iterator, F> fmt::Debug for Indexed<'_, R, I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Indexed").field(&self.0).finish()
    }
}
