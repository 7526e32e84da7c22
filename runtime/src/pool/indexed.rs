//! The results of a map, each with the index of its input.

use std::fmt;
use std::iter::FusedIterator;
#[cfg(feature = "stream")]
use std::pin::Pin;
#[cfg(feature = "stream")]
use std::task::{Context, Poll};

#[cfg(feature = "stream")]
use futures_core::{FusedStream, Stream};

use super::map::Map;
#[cfg(feature = "stream")]
use super::map_stream::MapStream;
use crate::error::Result;

/// The results of a map, each with the index of its input: an iterator, or a stream. Returned by
/// [`Map::indexed`].
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
pub struct Indexed<M>(M);

impl<R, I, F> Map<'_, R, I, F> {
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
    pub fn indexed(self) -> Indexed<Self> {
        Indexed(self)
    }
}

impl<R, I: Iterator, F> Iterator for Indexed<Map<'_, R, I, F>> {
    type Item = (usize, Result<R>);

    fn next(&mut self) -> Option<(usize, Result<R>)> {
        self.0.next_indexed()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<R, I: Iterator, F> FusedIterator for Indexed<Map<'_, R, I, F>> {}

#[cfg(feature = "stream")]
impl<R, I: Iterator, F> Indexed<Map<'_, R, I, F>> {
    /// Makes a [`Stream`](futures_core::Stream) of the results and their numbers, as
    /// [`Map::into_stream`] does.
    ///
    /// # Panics
    ///
    /// As [`Map::into_stream`].
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
    /// use smol::stream::StreamExt; // or that of another crate
    /// let mut squares = pool.map_unordered(square::call, 0..4).indexed().into_stream();
    /// let sum = smol::block_on(async {
    ///     let mut sum = 0;
    ///     while let Some((index, square)) = squares.next().await {
    ///         assert_eq!(square.unwrap(), (index * index) as u64);
    ///         sum += index;
    ///     }
    ///     sum
    /// });
    /// assert_eq!(sum, 6);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "stream")))]
    #[track_caller]
    pub fn into_stream(self) -> Indexed<MapStream<R, I, F>> {
        Indexed(self.0.into_stream())
    }
}

#[cfg(feature = "stream")]
impl<R, I: Iterator, F> Stream for Indexed<MapStream<R, I, F>> {
    type Item = (usize, Result<R>);

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<(usize, Result<R>)>> {
        self.0.poll_indexed(context)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

#[cfg(feature = "stream")]
impl<R, I: Iterator, F> FusedStream for Indexed<MapStream<R, I, F>> {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}

impl<M: fmt::Debug> fmt::Debug for Indexed<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Indexed").field(&self.0).finish()
    }
}
