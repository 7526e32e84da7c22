//! A request that was not sent yet.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::client::Client;
use super::departure::{Departure, Progress};
use super::graph::Edge;
use super::link::Link;
use super::pending::{Pending, Sent, deadlock};
use super::request_info::RequestInfo;
use super::serving;
use crate::channel::{Overflow, Pushed};
use crate::dispatch::{Argument, ResultCodec};
use crate::error::Result;
use crate::pool::Slot;

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
    pub(super) link: &'a Arc<Link>,
    pub(super) info: RequestInfo,
    pub(super) arguments: Vec<Argument<'a>>,
    pub(super) result: ResultCodec<R>,
    pub(super) timeout: Option<Duration>,
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
    /// Fails the request with [`TimedOut`](crate::ErrorKind::TimedOut) if it is not answered within this time,
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
    /// There is no service any more ([`Closed`](crate::ErrorKind::Closed)), an argument cannot be encoded, there
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
impl<R> fmt::Debug for Request<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("request", &format_args!("{}", self.info.what()))
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
