//! Receiving without blocking a thread.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use serde::de::DeserializeOwned;

use super::error::RecvError;
use super::receiver::Receiver;

impl<T: DeserializeOwned> Receiver<T> {
    /// Waits for an item without blocking the thread, on any executor.
    ///
    /// The future can be dropped at any time: no item is lost.
    ///
    /// # Errors
    ///
    /// As [`recv`](Receiver::recv).
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let (sender, mut receiver) = multiproc::channel::channel()?;
    /// sender.send(5).unwrap();
    /// assert_eq!(receiver.recv_async().await, Ok(5));
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn recv_async(&mut self) -> RecvFuture<'_, T> {
        RecvFuture(self)
    }
}

/// A future of the next item. Returned by [`Receiver::recv_async`].
///
/// # Examples
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (sender, mut receiver) = multiproc::channel::channel()?;
/// let item = receiver.recv_async();
/// sender.send(5).unwrap();
/// assert_eq!(item.await, Ok(5));
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a future does nothing until it is awaited"]
pub struct RecvFuture<'a, T>(pub(super) &'a mut Receiver<T>);

impl<T: DeserializeOwned> Future for RecvFuture<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T, RecvError>> {
        self.get_mut().0.poll_recv(context.waker())
    }
}

/// Yields the items as they come, until all senders are gone. An item that cannot be read is an
/// error, and not the end.
#[cfg(feature = "stream")]
impl<T: DeserializeOwned> futures_core::Stream for Receiver<T> {
    type Item = Result<T, super::ItemError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut()
            .poll_recv(context.waker())
            .map(|received| match received {
                Ok(item) => Some(Ok(item)),
                Err(RecvError::Item(error)) => Some(Err(error)),
                Err(RecvError::Disconnected | RecvError::Sent) => None,
            })
    }
}
