//! A request that was not sent yet.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use super::client::Client;
use super::connection::{Connection, What};
use super::graph::Edge;
use super::link::Link;
use super::pending::{Pending, Sent, deadlock};
use super::serving;
use super::wire::RequestHead;
use crate::channel::{Overflow, Pushed};
use crate::codec::{self, Output};
use crate::dispatch::{Argument, ResultCodec};
use crate::error::{Error, ErrorKind, Result};
use crate::pool::Slot;
use crate::readiness::Readiness;
use crate::sys::deadline;

/// A request to a service, bound to its arguments and not sent yet. Returned by the methods of a
/// client, which [`service`](macro@crate::service) makes.
///
/// [`run`](Request::run) waits for the result, as `await` does without blocking a thread;
/// [`start`](Request::start) only sends it; [`notify`](Request::notify) wants no result. The requests of
/// one client are begun in the order in which they were sent.
///
/// The queue of a service is bounded. While it is full, sending waits, and an `await` is suspended.
///
/// # Examples
///
/// ```
/// use multiproc::service;
/// use std::time::Duration;
///
/// #[derive(Default)]
/// struct Log(Vec<String>);
///
/// #[service]
/// impl Log {
///     fn new() -> Self {
///         Log::default()
///     }
///
///     fn add(&mut self, line: &str) {
///         self.0.push(line.to_owned());
///     }
///
///     fn len(&self) -> usize {
///         self.0.len()
///     }
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let log = LogClient::new().spawn()?;
/// log.add("first").notify()?;
/// log.add("second").run()?;
/// assert_eq!(log.len().timeout(Duration::from_secs(10)).run()?, 2);
/// # Ok(())
/// # }
/// ```
#[must_use = "a request does nothing until it is run, started or awaited"]
pub struct Request<'a, R> {
    link: &'a Arc<Link>,
    info: RequestInfo,
    arguments: Vec<Argument<'a>>,
    result: ResultCodec<R>,
    timeout: Option<Duration>,
}

/// What generated code knows of a method.
#[derive(Debug, Clone, Copy)]
pub struct RequestInfo {
    /// Its number in the type.
    pub number: u16,
    /// Its name.
    pub name: &'static str,
    /// The name of the type.
    pub service: &'static str,
    /// The option `timeout`.
    pub timeout: Option<Duration>,
}

impl RequestInfo {
    fn what(&self) -> What {
        What {
            request: self.name,
            service: self.service,
        }
    }

    fn write<'e>(&self, arguments: &'e [Argument<'_>], output: &mut Output<'e>) -> Result<()> {
        let mut arguments = arguments.iter();
        let written = arguments.try_for_each(|argument| argument.write(output));
        written.map_err(|error| self.unwritten(error))
    }

    fn unwritten(&self, error: codec::Error) -> Error {
        let text = format!("cannot encode an argument of {}", self.what());
        Error::new(ErrorKind::Encode, text).with_source(error)
    }
}

/// Binds a method to its arguments.
pub fn request<'a, C, R>(
    client: &'a Client<C>,
    info: RequestInfo,
    arguments: Vec<Argument<'a>>,
    result: ResultCodec<R>,
) -> Request<'a, R> {
    Request {
        link: client.link(),
        info,
        arguments,
        result,
        timeout: info.timeout,
    }
}

impl<R> Request<'_, R> {
    /// Fails the request with [`TimedOut`](ErrorKind::TimedOut) if it is not answered within this time,
    /// waiting for room in the queue included.
    ///
    /// A request that is not begun by then never is. One that is runs on, and its result is dropped: the
    /// service goes on for others. Requests that the service sends to other services meanwhile have to be
    /// answered in what is left of the time.
    ///
    /// It takes precedence over the `timeout` that the method or the service has as an option.
    ///
    /// # Examples
    ///
    /// ```
    /// # struct Sleeper;
    /// # #[multiproc::service]
    /// # impl Sleeper {
    /// #     fn new() -> Self { Sleeper }
    /// #     fn nap(&self, milliseconds: u64) {
    /// #         std::thread::sleep(std::time::Duration::from_millis(milliseconds));
    /// #     }
    /// # }
    /// use multiproc::ErrorKind;
    /// use std::time::Duration;
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let sleeper = SleeperClient::new().spawn()?;
    /// let error = sleeper.nap(1000).timeout(Duration::from_millis(10)).run().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::TimedOut);
    /// # sleeper.kill();
    /// # Ok(())
    /// # }
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sends the request and waits for its result.
    ///
    /// # Errors
    ///
    /// As [`Pending::wait`], or an argument cannot be encoded.
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
    /// # fn main() -> multiproc::Result<()> {
    /// let greeter = GreeterClient::new().spawn()?;
    /// assert_eq!(greeter.greet("Alice").run()?, "Hello, Alice!");
    /// # Ok(())
    /// # }
    /// ```
    pub fn run(self) -> Result<R> {
        self.start().wait()
    }

    /// Sends the request, waiting for room in the queue if there is none. An error is that of what it
    /// returns.
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
    /// # fn main() -> multiproc::Result<()> {
    /// let greeter = GreeterClient::new().spawn()?;
    /// let greetings = ["Alice", "Bob"].map(|name| greeter.greet(name).start());
    /// let greetings = greetings.map(|greeting| greeting.wait().unwrap());
    /// assert_eq!(greetings, ["Hello, Alice!", "Hello, Bob!"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn start(self) -> Pending<R> {
        let (what, result) = (self.info.what(), self.result);
        match self.send(true) {
            Ok((sent, slot)) => Pending::new(sent, slot, what, result),
            Err(error) => Pending::failed(error, what, result),
        }
    }

    /// Sends the request, waiting for room in the queue if there is none, and wants no result.
    ///
    /// What becomes of it is not told: neither whether the method fails, nor whether the service dies
    /// before it comes to it.
    ///
    /// # Errors
    ///
    /// There is no service any more ([`Closed`](ErrorKind::Closed)), an argument cannot be encoded, there
    /// was no room in time, or services would wait for one another in a circle.
    ///
    /// # Examples
    ///
    /// ```
    /// # struct Total(u64);
    /// # #[multiproc::service]
    /// # impl Total {
    /// #     fn new() -> Self { Total(0) }
    /// #     fn add(&mut self, number: u64) { self.0 += number; }
    /// #     fn get(&self) -> u64 { self.0 }
    /// # }
    /// # fn main() -> multiproc::Result<()> {
    /// let total = TotalClient::new().spawn()?;
    /// for number in 1..=1000 {
    ///     total.add(number).notify()?;
    /// }
    /// assert_eq!(total.get().run()?, 500_500); // begun after those before it
    /// # Ok(())
    /// # }
    /// ```
    pub fn notify(self) -> Result<()> {
        self.send(false).map(drop)
    }

    fn send(self, wants_reply: bool) -> Result<(Sent, Arc<Slot>)> {
        let what = self.info.what();
        let departure = Departure::new(self.link, &self.info, self.timeout, wants_reply)?;
        let mut output = departure.head().output();
        self.info.write(&self.arguments, &mut output)?;
        let connection = &departure.connection;
        let queue = connection.queue();
        let mut overflow = Overflow::NotYet;
        let (mut has_spun, mut ticket) = (false, None);
        loop {
            // Before it is seen to be full: later it may be the first of one that is not.
            let first = queue.head();
            let pushed = match departure.push(&mut output, overflow)? {
                Progress::Sent(item) => return Ok(departure.sent(item)),
                Progress::Blocked(pushed) => pushed,
            };
            let Some(ticket) = ticket.take() else {
                if has_spun {
                    // Announced, then looked once more.
                    ticket = Some(queue.announce_sleep());
                } else {
                    has_spun = true;
                    queue.spin_for_room();
                }
                continue;
            };
            has_spun = false;
            let seat = serving::current().and_then(|serving| serving.seat);
            let waiting = match (&seat, connection.node(), &pushed) {
                (Some(seat), Some(node), Pushed::Full) => seat.wait(node, Edge::Room(first)),
                _ => Ok(None),
            };
            let waiting = waiting.map_err(|circle| deadlock(what, &circle))?;
            let in_time = queue.sleep_for_room(ticket, &pushed, departure.deadline);
            drop(waiting);
            if !in_time {
                return Err(departure.no_room());
            }
            if let Pushed::WarmFull = pushed {
                overflow = Overflow::Allowed;
            }
            connection.check()?;
        }
    }
}

/// A request on its way into the queue. One that does not get there is withdrawn.
struct Departure {
    connection: Arc<Connection>,
    info: RequestInfo,
    /// The number of the request, and the place for its reply, if one is wanted.
    waiting: Option<(u64, Arc<Slot>)>,
    deadline: Option<Instant>,
    timeout: Option<Duration>,
    is_sent: bool,
}

enum Progress {
    /// It is the item with this number.
    Sent(u64),
    Blocked(Pushed),
}

impl Departure {
    fn new(
        link: &Link,
        info: &RequestInfo,
        timeout: Option<Duration>,
        wants_reply: bool,
    ) -> Result<Departure> {
        let own = timeout.and_then(deadline::after);
        let inherited = serving::current().and_then(|serving| serving.deadline);
        let deadline = match (own, inherited) {
            (Some(own), Some(inherited)) => Some(own.min(inherited)),
            (own, inherited) => own.or(inherited),
        };
        let connection = link.connection(deadline)?;
        let waiting = if wants_reply {
            Some(connection.begin(info.what(), deadline)?)
        } else {
            connection.check()?;
            None
        };
        Ok(Departure {
            connection,
            info: *info,
            waiting,
            deadline,
            timeout,
            is_sent: false,
        })
    }

    fn head(&self) -> RequestHead {
        RequestHead {
            client: self.connection.client(),
            request: self.waiting.as_ref().map_or(0, |(request, _)| *request),
            method: self.info.number,
            deadline: serving::to_shared(self.deadline),
        }
    }

    fn push(&self, output: &mut Output<'_>, overflow: Overflow) -> Result<Progress> {
        match self.connection.queue().try_push_message(output, overflow) {
            Ok(Pushed::Done(item)) => Ok(Progress::Sent(item)),
            Ok(Pushed::Closed) => {
                // Why is told by the parent, unless the service is to end in good order.
                self.connection.listen();
                self.connection.check()?;
                let text = format!("{} cannot be sent: the service has ended", self.info.what());
                Err(Error::new(ErrorKind::Closed, text))
            }
            Ok(pushed @ (Pushed::Full | Pushed::WarmFull)) => Ok(Progress::Blocked(pushed)),
            Err(error) => {
                let text = format!("{} cannot be sent", self.info.what());
                Err(Error::new(ErrorKind::Encode, text).with_source(error))
            }
        }
    }

    fn sent(mut self, item: u64) -> (Sent, Arc<Slot>) {
        self.is_sent = true;
        let (request, slot) = match &self.waiting {
            Some((request, slot)) => {
                self.connection.sent(*request, item);
                (*request, Arc::clone(slot))
            }
            None => (0, Arc::default()),
        };
        let sent = Sent {
            connection: Arc::clone(&self.connection),
            request,
            item,
            deadline: self.deadline,
            timeout: self.timeout,
        };
        (sent, slot)
    }

    fn no_room(&self) -> Error {
        let text = format!(
            "{} could not be sent in time: the queue of the service is full",
            self.info.what()
        );
        Error::new(ErrorKind::TimedOut, text)
    }
}

impl Drop for Departure {
    fn drop(&mut self) {
        if let Some((request, _)) = &self.waiting
            && !self.is_sent
        {
            self.connection.withdraw(*request);
        }
    }
}

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
        use crate::sys::fd::AsFd;
        use crate::sys::timer_fd;

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
                None => {
                    let timer = timer_fd::readable_at(deadline)?;
                    self.timer.insert(Readiness::new(timer.as_fd())?)
                }
            };
            timer.wake(context.waker())?;
        }
        Ok(())
    }
}

impl<R> fmt::Debug for Request<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("request", &format_args!("{}", self.info.what()))
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
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
