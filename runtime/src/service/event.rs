//! What happens to a service.

use std::sync::mpsc;
use std::time::Duration;

use crate::error::Error;

/// Something that has happened to a service. Yielded by [`ServiceEvents`].
///
/// # Examples
///
/// ```
/// use multiproc::ServiceEvent;
///
/// fn describe(event: &ServiceEvent) -> String {
///     match event {
///         ServiceEvent::Started { id } => format!("process {id} serves"),
///         ServiceEvent::Died(error) => format!("a process is gone: {error}"),
///         ServiceEvent::Ended => "the service has ended".to_owned(),
///         other => format!("{other:?}"),
///     }
/// }
///
/// assert_eq!(describe(&ServiceEvent::Started { id: 7 }), "process 7 serves");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ServiceEvent {
    /// A process has made its object and serves.
    Started {
        /// Its process id.
        id: u32,
    },
    /// A process has died, or its constructor has failed: the error says how. Another follows, unless
    /// the next event is [`Ended`](ServiceEvent::Ended).
    Died(Error),
    /// There is no process any more, and there will be none.
    Ended,
}

/// The events of a service from a time on, as they come. Returned by
/// [`Service::events`](crate::Service::events).
///
/// As an iterator it waits for the next event, and ends after [`Ended`](ServiceEvent::Ended).
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
/// use multiproc::ServiceEvent;
///
/// # fn main() -> multiproc::Result<()> {
/// let greeter = GreeterClient::new().spawn()?;
/// let events = greeter.events();
/// let thread = std::thread::spawn(|| events.filter(|it| matches!(it, ServiceEvent::Died(_))).count());
/// greeter.shutdown()?;
/// assert_eq!(thread.join().unwrap(), 0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ServiceEvents(pub(super) mpsc::Receiver<ServiceEvent>);

impl ServiceEvents {
    /// Returns the next event if there is one. Does not wait.
    ///
    /// # Examples
    ///
    /// See [`Service::events`](crate::Service::events).
    pub fn try_next(&mut self) -> Option<ServiceEvent> {
        self.0.try_recv().ok()
    }

    /// Waits for the next event, but not longer than `timeout`. `None` also if there are no more.
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
    /// use multiproc::ServiceEvent;
    /// use std::time::Duration;
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let greeter = GreeterClient::new().spawn()?;
    /// let mut events = greeter.events();
    /// assert!(events.next_timeout(Duration::from_millis(10)).is_none());
    /// greeter.shutdown()?;
    /// let event = events.next_timeout(Duration::from_secs(10));
    /// assert!(matches!(event, Some(ServiceEvent::Ended)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn next_timeout(&mut self, timeout: Duration) -> Option<ServiceEvent> {
        self.0.recv_timeout(timeout).ok()
    }
}

impl Iterator for ServiceEvents {
    type Item = ServiceEvent;

    fn next(&mut self) -> Option<ServiceEvent> {
        self.0.recv().ok()
    }
}

/// Those who want to know.
#[derive(Debug, Default)]
pub(super) struct Listeners {
    senders: Vec<mpsc::Sender<ServiceEvent>>,
    is_over: bool,
}

impl Listeners {
    pub(super) fn listen(&mut self) -> ServiceEvents {
        let (sender, receiver) = mpsc::channel();
        if self.is_over {
            // Never fails: the receiver is there.
            let _ = sender.send(ServiceEvent::Ended);
        } else {
            self.senders.push(sender);
        }
        ServiceEvents(receiver)
    }

    pub(super) fn started(&mut self, id: u32) {
        self.tell(|| ServiceEvent::Started { id });
    }

    pub(super) fn died(&mut self, error: &Error) {
        self.tell(|| ServiceEvent::Died(error.duplicate()));
    }

    pub(super) fn ended(&mut self) {
        self.tell(|| ServiceEvent::Ended);
        self.senders.clear();
        self.is_over = true;
    }

    fn tell(&mut self, event: impl Fn() -> ServiceEvent) {
        self.senders.retain(|sender| sender.send(event()).is_ok());
    }
}
