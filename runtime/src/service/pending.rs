//! A request that was sent, and the place where its reply arrives.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use super::connection::{Connection, What};
use super::graph::Edge;
use super::serving;
use crate::channel::{Source, WaitFor};
use crate::completion::{Completion, Ending};
use crate::dispatch::ResultCodec;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::lock;
use crate::pool::{Callbacks, Outcome, Slot};
use crate::process::Subject;
use crate::readiness::Readiness;
use crate::sys::{copy::Home, deadline};

/// A request that was sent to a service. Returned by [`Request::start`](crate::Request::start).
///
/// It is a [`Future`] on any executor, and a [`Completion`], so that it can be waited for with tasks and
/// processes. Dropping it withdraws the request, if the service has not begun it; one that is begun runs
/// on, and its result is dropped.
///
/// # Examples
///
/// ```
/// use multiproc::service;
///
/// struct Counter(u64);
///
/// #[service]
/// impl Counter {
///     fn new() -> Self {
///         Counter(0)
///     }
///
///     fn add(&mut self, more: u64) -> u64 {
///         self.0 += more;
///         self.0
///     }
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let counter = CounterClient::new().spawn()?;
/// let first = counter.add(2).start();
/// let second = counter.add(3).start();
/// assert_eq!(second.wait()?, 5);
/// assert_eq!(first.wait()?, 2);
/// # Ok(())
/// # }
/// ```
#[must_use = "the request is withdrawn when this is dropped, unless it is begun"]
pub struct Pending<R> {
    /// `None`: it was never sent, and is finished.
    sent: Option<Sent>,
    slot: Arc<Slot>,
    what: What,
    result: ResultCodec<R>,
    timer: Mutex<Option<Readiness>>,
    home: Home,
}

/// Where a request is.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) connection: Arc<Connection>,
    pub(super) request: u64,
    pub(super) item: u64,
    pub(super) deadline: Option<Instant>,
    /// How long there was for it.
    pub(super) timeout: Option<Duration>,
}

impl<R> Pending<R> {
    pub(super) fn new(sent: Sent, slot: Arc<Slot>, what: What, result: ResultCodec<R>) -> Self {
        Pending {
            sent: Some(sent),
            slot,
            what,
            result,
            timer: Mutex::default(),
            home: Home::here(),
        }
    }

    /// A request that was not sent.
    pub(super) fn failed(error: Error, what: What, result: ResultCodec<R>) -> Self {
        Pending {
            sent: None,
            slot: Arc::new(Slot::finished(Outcome::Failed(error))),
            what,
            result,
            timer: Mutex::default(),
            home: Home::here(),
        }
    }

    /// Waits for the reply.
    ///
    /// # Errors
    ///
    /// The process of the service ended while it ran the request: the error says how, as that of a call
    /// does. Or the request could not be sent, there is no service any more
    /// ([`Closed`](ErrorKind::Closed)), its time was over, or services would wait for one another in a
    /// circle ([`Deadlock`](ErrorKind::Deadlock)).
    ///
    /// # Examples
    ///
    /// ```
    /// # struct Divider;
    /// # #[multiproc::service]
    /// # impl Divider {
    /// #     fn new() -> Self { Divider }
    /// #     fn divide(&self, number: i32, by: i32) -> i32 { number / by }
    /// # }
    /// use multiproc::ErrorKind;
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let divider = DividerClient::new().spawn()?;
    /// let [half, none] = [2, 0].map(|by| divider.divide(10, by).start());
    /// assert_eq!(half.wait()?, 5);
    /// assert_eq!(none.wait().unwrap_err().kind(), ErrorKind::Panicked);
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait(self) -> Result<R> {
        self.check_here()?;
        self.wait_until(None)?;
        self.take()
    }

    /// Waits for the reply, but not longer than `timeout`. `None` then: the request goes on, and this can
    /// be called again.
    ///
    /// # Errors
    ///
    /// As [`wait`](Pending::wait). Once the result or the error was given out, it is
    /// [`Closed`](ErrorKind::Closed).
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
    /// use std::time::Duration;
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let sleeper = SleeperClient::new().spawn()?;
    /// let nap = sleeper.nap(300).start();
    /// assert!(nap.wait_timeout(Duration::from_millis(1))?.is_none());
    /// assert!(nap.wait_timeout(Duration::from_secs(60))?.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub fn wait_timeout(&self, timeout: Duration) -> Result<Option<R>> {
        self.check_here()?;
        if self.wait_until(deadline::after(timeout))? {
            self.take().map(Some)
        } else {
            Ok(None)
        }
    }

    /// Returns `true` if there is a reply or an error.
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
    /// let greeting = greeter.greet("Alice").start();
    /// while !greeting.is_finished() {
    ///     // Other work.
    /// }
    /// assert_eq!(greeting.wait()?, "Hello, Alice!");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn is_finished(&self) -> bool {
        if !self.home.is_here() || self.slot.is_finished() {
            return true;
        }
        // What has come is taken in, so that a loop over this ends.
        if let Some(sent) = &self.sent
            && !sent
                .connection
                .wait(sent.request, &self.slot, Some(Instant::now()))
        {
            self.expire_if_late(sent);
        }
        self.slot.is_finished()
    }

    /// Waits until there is a reply, or the limit has come. Fails the request when its time is over.
    fn wait_until(&self, limit: Option<Instant>) -> Result<bool> {
        let Some(sent) = &self.sent else {
            return Ok(true);
        };
        if self.slot.is_finished() {
            return Ok(true);
        }
        let until = match (limit, sent.deadline) {
            (Some(limit), Some(deadline)) => Some(limit.min(deadline)),
            (limit, deadline) => limit.or(deadline),
        };
        let seat = serving::current().and_then(|serving| serving.seat);
        let waiting = match (&seat, sent.connection.node()) {
            (Some(seat), Some(node)) => seat.wait(node, Edge::Reply(sent.item)),
            _ => Ok(None),
        };
        let _waiting = match waiting {
            Ok(waiting) => waiting,
            Err(circle) => {
                sent.connection.withdraw(sent.request);
                return Err(deadlock(self.what, &circle));
            }
        };
        if sent.connection.wait(sent.request, &self.slot, until) {
            return Ok(true);
        }
        Ok(self.expire_if_late(sent))
    }

    /// Fails the request if its time is over.
    fn expire_if_late(&self, sent: &Sent) -> bool {
        let is_late = deadline::is_past(sent.deadline);
        if is_late {
            expire(sent, &self.slot, self.what);
        }
        is_late
    }

    /// Withdraws a request of a service to itself, which is run when the method that waits for it has
    /// returned.
    fn waits_for_itself(&self) -> Option<Error> {
        let sent = self.sent.as_ref()?;
        let seat = serving::current()?.seat?;
        let circle = seat.circle_with(sent.connection.node()?)?;
        sent.connection.withdraw(sent.request);
        Some(deadlock(self.what, &circle))
    }

    fn take(&self) -> Result<R> {
        let what = self.what.to_string();
        match self.slot.take() {
            Some(outcome) => outcome
                .after_logs()
                .resolve(Subject::Request(&what), &self.result),
            None => {
                let text = format!("the result of {what} was already taken");
                Err(Error::new(ErrorKind::Closed, text))
            }
        }
    }

    fn check_here(&self) -> Result<()> {
        if self.home.is_here() {
            return Ok(());
        }
        let text = "this process is a copy of another one, made by `fork`, to which no reply comes";
        Err(Error::new(ErrorKind::Unsupported, text))
    }

    /// Has the reply arrive without a thread that waits for it, and the request end when its time is over.
    fn attend(&self) {
        let Some(sent) = &self.sent else {
            return;
        };
        sent.connection.read_in_background();
        if let Some(deadline) = sent.deadline {
            let mut timer = lock(&self.timer);
            if timer.is_none() {
                let alarm = Waker::from(Arc::new(Alarm {
                    sent: sent.clone(),
                    slot: Arc::clone(&self.slot),
                    what: self.what,
                }));
                let set = || {
                    let readiness = Readiness::at(deadline)?;
                    readiness.wake(&alarm)?;
                    std::io::Result::Ok(readiness)
                };
                match set() {
                    Ok(readiness) => *timer = Some(readiness),
                    Err(error) => {
                        drop(timer);
                        let text = format!("the timeout of {} cannot be kept", self.what);
                        let error = Error::new(ErrorKind::Closed, text).with_source(error);
                        sent.connection.withdraw(sent.request);
                        let outcome = Outcome::Failed(error);
                        self.slot.finish(outcome, &Callbacks::default());
                    }
                }
            }
        }
    }
}

/// The time of a request is over.
fn expire(sent: &Sent, slot: &Slot, what: What) {
    let was_queued = sent.connection.is_queued(sent.item);
    sent.connection.withdraw(sent.request);
    let state = if was_queued {
        "it had not begun"
    } else {
        "it may run on"
    };
    let text = match sent.timeout {
        Some(timeout) => format!("{what} was not answered within {timeout:?}: {state}"),
        None => format!("{what} was not answered in time: {state}"),
    };
    let error = Error::new(ErrorKind::TimedOut, text);
    slot.finish(Outcome::Failed(error), &Callbacks::default());
}

/// What a request ends with that would never be answered.
pub(super) fn deadlock(what: What, circle: &super::graph::Circle) -> Error {
    let text = format!(
        "{what} would never be answered: services wait for one another in a circle: {circle}"
    );
    Error::new(ErrorKind::Deadlock, text)
}

/// Ends a request when its time is over.
struct Alarm {
    sent: Sent,
    slot: Arc<Slot>,
    what: What,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        if !self.slot.is_finished() {
            expire(&self.sent, &self.slot, self.what);
        }
    }
}

impl<R> Drop for Pending<R> {
    fn drop(&mut self) {
        if let Some(sent) = &self.sent
            && self.home.is_here()
            && !self.slot.is_finished()
        {
            sent.connection.withdraw(sent.request);
        }
    }
}

impl<R> Future for Pending<R> {
    type Output = Result<R>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<R>> {
        if let Err(error) = self.check_here() {
            return Poll::Ready(Err(error));
        }
        if self.slot.poll(context.waker()) {
            return Poll::Ready(self.take());
        }
        if let Some(error) = self.waits_for_itself() {
            return Poll::Ready(Err(error));
        }
        self.attend();
        // It may have come meanwhile, and the waker have been woken for nothing.
        if self.slot.is_finished() {
            Poll::Ready(self.take())
        } else {
            Poll::Pending
        }
    }
}

impl<R> Completion for Pending<R> {
    fn ending(&self) -> Option<Arc<dyn Ending>> {
        if !self.home.is_here() || self.slot.is_finished() {
            return None;
        }
        self.attend();
        (!self.slot.is_finished()).then(|| Arc::clone(&self.slot) as _)
    }
}

impl<R> Source for Pending<R> {
    fn watch(&self) -> WaitFor<'_> {
        self.ending().map_or(WaitFor::Ready, WaitFor::Ending)
    }

    fn confirm(&self) -> bool {
        !self.home.is_here() || self.slot.is_finished()
    }
}

impl<R> fmt::Debug for Pending<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending")
            .field("request", &format_args!("{}", self.what))
            .field("finished", &self.slot.is_finished())
            .finish_non_exhaustive()
    }
}
