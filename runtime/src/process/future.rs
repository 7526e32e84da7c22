//! Waiting for workers without blocking a thread, on any executor.

use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

use super::call::Call;
use super::handle::Process;
use crate::error::{Error, Result};

/// Waits for the worker's result and for the end of its process, as [`join`](Process::join) does.
///
/// No runtime is needed: the library's own thread wakes the task. Dropping the process before it
/// has ended detaches it.
///
/// # Examples
///
/// With tokio; any other executor works as well.
///
/// ```
/// use multiproc::worker;
///
/// #[worker]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let process = square::spawn(7)?;
/// assert_eq!(process.await?, 49);
/// # Ok(())
/// # })
/// # }
/// ```
impl<R> Future for Process<R> {
    type Output = Result<R>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<R>> {
        self.get_mut().poll_join(context.waker())
    }
}

/// Starts the process at once, and waits for its result.
///
/// # Examples
///
/// ```
/// use multiproc::worker;
/// use std::time::Duration;
///
/// #[worker]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// assert_eq!(square::call(7).timeout(Duration::from_secs(5)).await?, 49);
/// # Ok(())
/// # })
/// # }
/// ```
///
/// # Caveats
///
/// Long arguments are sent before `into_future` returns, which takes as long as copying them.
impl<R> IntoFuture for Call<'_, R> {
    type Output = Result<R>;
    type IntoFuture = CallFuture<R>;

    fn into_future(self) -> CallFuture<R> {
        CallFuture(match self.spawn() {
            Ok(process) => CallState::Started(process),
            Err(error) => CallState::Failed(Some(error)),
        })
    }
}

/// A future of the result of a [`Call`]. Returned by its
/// [`into_future`](IntoFuture::into_future), which `.await` calls.
///
/// # Examples
///
/// ```
/// use multiproc::worker;
///
/// #[worker]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let one = square::call(3).into_future(); // starts the process
/// let other = square::call(4).into_future();
/// assert_eq!(one.await? + other.await?, 25);
/// # Ok(())
/// # })
/// # }
/// ```
#[derive(Debug)]
#[must_use = "the process runs, but its result is not waited for"]
pub struct CallFuture<R>(CallState<R>);

#[derive(Debug)]
enum CallState<R> {
    Started(Process<R>),
    Failed(Option<Error>),
}

impl<R> Future for CallFuture<R> {
    type Output = Result<R>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<R>> {
        match &mut self.get_mut().0 {
            CallState::Started(process) => Pin::new(process).poll(context),
            CallState::Failed(error) => error
                .take()
                .map_or(Poll::Pending, |error| Poll::Ready(Err(error))),
        }
    }
}
