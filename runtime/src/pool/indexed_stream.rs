//! The results of a map as a stream, each with the index of its input.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::{FusedStream, Stream};

use super::indexed::Indexed;
use super::map_stream::MapStream;
use crate::error::Result;

/// The results of a map as a [`Stream`], each with the index of its input. Returned by
/// [`Indexed::into_stream`].
///
/// Apart from the indices it is a [`MapStream`](crate::MapStream).
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
/// // `futures_lite::StreamExt`, as smol has it; that of other crates does as well.
/// use smol::stream::StreamExt;
/// smol::block_on(async {
///     let mut numbers = pool.map_unordered(parse::call, texts).indexed().into_stream();
///     while let Some((index, number)) = numbers.next().await {
///         if let Err(error) = number {
///             assert_eq!(texts[index], "seven");
///             println!("{}: {error}", texts[index]);
///         }
///     }
/// });
/// # Ok(())
/// # }
/// ```
#[must_use = "streams are lazy: no task is started before a result is asked for"]
pub struct IndexedStream<R, I, F>(MapStream<R, I, F>);

impl<R, I: Iterator, F> Indexed<'_, R, I, F> {
    /// Makes a [`Stream`](futures_core::Stream) of the results and the indices of their inputs, as
    /// [`Map::into_stream`](crate::Map::into_stream) does.
    ///
    /// # Panics
    ///
    /// As [`Map::into_stream`](crate::Map::into_stream).
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
    pub fn into_stream(self) -> IndexedStream<R, I, F> {
        IndexedStream(self.0.into_stream())
    }
}

impl<R, I: Iterator, F> Stream for IndexedStream<R, I, F> {
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

impl<R, I: Iterator, F> FusedStream for IndexedStream<R, I, F> {
    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}

impl<R, I, F> fmt::Debug for IndexedStream<R, I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IndexedStream").field(&self.0).finish()
    }
}
