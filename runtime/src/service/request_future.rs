//! Sending a request, and waiting for its result, without blocking a thread.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use super::departure::{Departure, Progress};
use super::link::Link;
use super::pending::Pending;
use super::request::Request;
use super::request_info::RequestInfo;
use super::wire::RequestHead;
use crate::channel::Overflow;
use crate::codec::Output;
use crate::dispatch::ResultCodec;
use crate::error::{Error, ErrorKind, Result};
use crate::readiness::Readiness;
use crate::sys::deadline;

/// Sends the request when it is first polled, and waits for its result.
///
/// # Examples
///
/// With tokio; any other executor works as well.
///
/// ```
/// # struct Greeter;
/// # #[multiproc::service]
/// # impl Greeter {
/// #     fn new() -> Self { Greeter }
/// #     fn greet(&self, name: &str) -> String { format!("Hello, {name}!") }
/// # }
/// # fn main() -> multiproc::Result<()> {
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let greeter = GreeterClient::new().spawn()?;
/// assert_eq!(greeter.greet("Alice").await?, "Hello, Alice!");
/// # Ok(())
/// # })
/// # }
/// ```
impl<'a, R> IntoFuture for Request<'a, R> {
    type Output = Result<R>;
    type IntoFuture = RequestFuture<'a, R>;

    fn into_future(self) -> RequestFuture<'a, R> {
        RequestFuture(match Unsent::new(self) {
            Ok(unsent) => State::Unsent(Box::new(unsent)),
            Err(error) => State::Failed(error),
        })
    }
}

/// A future of the result of a [`Request`]. Returned by its
/// [`into_future`](IntoFuture::into_future), that is, by `await`.
///
/// Dropping it before the request has begun withdraws the request.
///
/// # Examples
///
/// ```
/// # struct Greeter;
/// # #[multiproc::service]
/// # impl Greeter {
/// #     fn new() -> Self { Greeter }
/// #     fn greet(&self, name: &str) -> String { format!("Hello, {name}!") }
/// # }
/// use multiproc::RequestFuture;
///
/// # fn main() -> multiproc::Result<()> {
/// let greeter = GreeterClient::new().spawn()?;
/// let greeting: RequestFuture<'_, String> = greeter.greet("Alice").into_future();
/// assert_eq!(smol::block_on(greeting)?, "Hello, Alice!");
/// # Ok(())
/// # }
/// ```
#[must_use = "futures do nothing unless they are polled or awaited"]
pub struct RequestFuture<'a, R>(State<'a, R>);

enum State<'a, R> {
    Failed(Error),
    Unsent(Box<Unsent<'a, R>>),
    Blocked(Box<Blocked<R>>),
    Sent(Pending<R>),
    Over,
}

/// A request whose arguments are written, since executors move futures to other threads, where the arguments
/// themselves may not go.
struct Unsent<'a, R> {
    link: &'a Arc<Link>,
    info: RequestInfo,
    output: Output<'static>,
    result: ResultCodec<R>,
    timeout: Option<Duration>,
}

impl<'a, R> Unsent<'a, R> {
    fn new(request: Request<'a, R>) -> Result<Unsent<'a, R>> {
        let Request {
            link,
            info,
            arguments,
            result,
            timeout,
        } = request;
        // What stands in the head is known when the request is sent.
        let mut output = RequestHead::default().output();
        info.write(&arguments, &mut output)?;
        let output = output.into_owned().map_err(|error| info.unwritten(error))?;
        Ok(Unsent {
            link,
            info,
            output,
            result,
            timeout,
        })
    }
}

/// A request for which there was no room.
struct Blocked<R> {
    departure: Departure,
    output: Output<'static>,
    result: ResultCodec<R>,
    /// What tells that there may be room, and that the time is over.
    room: Option<Readiness>,
    timer: Option<Readiness>,
}

// Nothing in it is pinned.
impl<R> Unpin for RequestFuture<'_, R> {}

impl<R> Future for RequestFuture<'_, R> {
    type Output = Result<R>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<R>> {
        let state = &mut self.get_mut().0;
        loop {
            *state = match std::mem::replace(state, State::Over) {
                State::Failed(error) => return Poll::Ready(Err(error)),
                State::Unsent(unsent) => match Blocked::new(*unsent) {
                    Ok(blocked) => State::Blocked(Box::new(blocked)),
                    Err(error) => return Poll::Ready(Err(error)),
                },
                State::Blocked(mut blocked) => match blocked.poll(context) {
                    Poll::Ready(Ok(item)) => {
                        let what = blocked.departure.info.what();
                        let (sent, slot) = blocked.departure.sent(item);
                        State::Sent(Pending::new(sent, slot, what, blocked.result))
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                    Poll::Pending => {
                        *state = State::Blocked(blocked);
                        return Poll::Pending;
                    }
                },
                State::Sent(mut pending) => {
                    let polled = Pin::new(&mut pending).poll(context);
                    if polled.is_pending() {
                        *state = State::Sent(pending);
                    }
                    return polled;
                }
                State::Over => {
                    let text = "the result of the request was already taken";
                    return Poll::Ready(Err(Error::new(ErrorKind::Closed, text)));
                }
            };
        }
    }
}

impl<R> Blocked<R> {
    fn new(unsent: Unsent<'_, R>) -> Result<Blocked<R>> {
        let departure = Departure::new(unsent.link, &unsent.info, unsent.timeout, true)?;
        let mut output = unsent.output;
        departure.head().write(&mut output);
        Ok(Blocked {
            departure,
            output,
            result: unsent.result,
            room: None,
            timer: None,
        })
    }

    /// The number of the item, once there was room for it.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<u64>> {
        for is_announced in [false, true] {
            self.departure.connection.check()?;
            match self.departure.push(&mut self.output, Overflow::Allowed)? {
                Progress::Sent(item) => {
                    if self.room.is_some() {
                        self.departure.connection.queue().tell_room();
                    }
                    return Poll::Ready(Ok(item));
                }
                Progress::Blocked(_) => {}
            }
            if deadline::is_past(self.departure.deadline) {
                return Poll::Ready(Err(self.departure.no_room()));
            }
            if !is_announced {
                // Announced, then looked once more.
                self.announce(context).map_err(|error| {
                    let text = format!("{} cannot wait for room", self.departure.info.what());
                    Error::new(ErrorKind::Closed, text).with_source(error)
                })?;
            }
        }
        Poll::Pending
    }

    fn announce(&mut self, context: &Context<'_>) -> std::io::Result<()> {
        let queue = self.departure.connection.queue();
        queue.quiet();
        let bell = queue.watch_room();
        let room = match &self.room {
            Some(room) => room,
            None => self.room.insert(Readiness::new(bell)?),
        };
        room.wake(context.waker())?;
        if let Some(deadline) = self.departure.deadline {
            let timer = match &self.timer {
                Some(timer) => timer,
                None => self.timer.insert(Readiness::at(deadline)?),
            };
            timer.wake(context.waker())?;
        }
        Ok(())
    }
}

impl<R> fmt::Debug for RequestFuture<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.0 {
            State::Failed(_) => "failed",
            State::Unsent(_) => "unsent",
            State::Blocked(_) => "blocked",
            State::Sent(_) => "sent",
            State::Over => "over",
        };
        f.debug_tuple("RequestFuture").field(&state).finish()
    }
}
