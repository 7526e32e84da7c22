//! The results of a map as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::{FusedStream, Stream};

use super::map::Map;
use super::mapping::{Advance, Mapping};
use crate::error::Result;

/// The results of a map as a [`Stream`]. Returned by [`Map::into_stream`](crate::Map::into_stream).
///
/// It works as the [`Map`](crate::Map) does, on any executor: it takes inputs when it is polled, runs
/// ahead of its results by a [bounded number](crate::Map::buffered) of them, and when it is dropped,
/// tasks that have not begun are cancelled. The iterator of inputs is asked for the next one by
/// the thread that polls, so it should not block.
///
/// It does not borrow the pool. When that is dropped or [shut down](crate::Pool::shutdown), the
/// stream gives what has become of the tasks that it has submitted, then the error of one more if
/// there is another input, and ends.
///
/// # Examples
///
/// ```
/// use multiproc::{Pool, worker};
///
/// #[worker]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let pool = Pool::builder().workers(2).build()?;
/// // `futures_lite::StreamExt`, as smol has it; that of other crates does as well.
/// use smol::stream::StreamExt;
/// smol::block_on(async {
///     let mut squares = pool.map(square::call, 0..).into_stream();
///     let mut sum = 0;
///     while let Some(square) = squares.next().await {
///         sum += square?;
///         if sum > 1000 {
///             break;
///         }
///     }
///     assert_eq!(sum, 1015);
///
///     let mut squares = pool.map_unordered(square::call, [3, 4]).indexed().into_stream();
///     while let Some((index, square)) = squares.next().await {
///         assert_eq!(square?, [9, 16][index]);
///     }
///     Ok(())
/// })
/// # }
/// ```
#[must_use = "streams are lazy: no task is started before a result is asked for"]
pub struct MapStream<R, I, F> {
    mapping: Mapping<R, I, F>,
    ended: bool,
}

impl<R, I: Iterator, F> Map<'_, R, I, F> {
    /// Makes a [`Stream`](futures_core::Stream) of the results, which does not borrow the pool.
    ///
    /// # Panics
    ///
    /// If there is a function for the [`progress`](Map::progress), which may borrow what the stream
    /// must not: count the results of the stream instead.
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
    /// let squares = pool.map(square::call, 0..4).into_stream();
    /// let squares: Vec<u64> = smol::block_on(squares.map(Result::unwrap).collect());
    /// assert_eq!(squares, [0, 1, 4, 9]);
    /// # Ok(())
    /// # }
    /// ```
    #[cfg_attr(docsrs, doc(cfg(feature = "stream")))]
    #[track_caller]
    pub fn into_stream(self) -> MapStream<R, I, F> {
        assert!(
            self.progress.is_none(),
            "a map with a function for its progress cannot be a stream: count the results of the stream instead"
        );
        let mut mapping = self.mapping;
        mapping.ends_with_pool = true;
        MapStream {
            mapping,
            ended: false,
        }
    }
}

impl<R, I: Iterator, F> MapStream<R, I, F> {
    pub(super) fn poll_indexed(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<(usize, Result<R>)>> {
        loop {
            match self.mapping.advance(None) {
                Advance::Result(number, result) => return Poll::Ready(Some((number, result))),
                Advance::End => {
                    self.ended = true;
                    return Poll::Ready(None);
                }
                Advance::Wait if self.mapping.mailbox.poll(context.waker()) => {}
                Advance::Wait => return Poll::Pending,
            }
        }
    }
}

/// Nothing in it is pinned.
impl<R, I, F> Unpin for MapStream<R, I, F> {}

impl<R, I: Iterator, F> Stream for MapStream<R, I, F> {
    type Item = Result<R>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<R>>> {
        let next = self.poll_indexed(context);
        next.map(|next| next.map(|(_, result)| result))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.mapping.size_hint()
    }
}

impl<R, I: Iterator, F> FusedStream for MapStream<R, I, F> {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl<R, I, F> fmt::Debug for MapStream<R, I, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.mapping.debug("MapStream", f)
    }
}
