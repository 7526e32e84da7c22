//! A service as who has started it sees it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use super::client::{Client, ServiceClient};
use super::event::ServiceEvents;
use super::supervised::Supervised;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::deadline;

/// An object that lives in a process of its own. Returned by [`Launch::spawn`](crate::Launch::spawn).
///
/// It derefs to the client, so the methods of the type are called on it. Other threads and processes use
/// [clients](Service::client) of it.
///
/// Dropping it leaves the object to its clients. When the last client is gone, too, the requests that are
/// queued are run, the object is dropped and its process ends; if that was in this process, dropping waits
/// for it. When the process that has started the service ends, the service is killed.
///
/// # Examples
///
/// ```
/// use multiproc::{service, worker};
///
/// #[derive(Default)]
/// struct Total(u64);
///
/// #[service]
/// impl Total {
///     fn new() -> Self {
///         Total::default()
///     }
///
///     fn add(&mut self, number: u64) {
///         self.0 += number;
///     }
///
///     fn get(&self) -> u64 {
///         self.0
///     }
/// }
///
/// #[worker]
/// fn count(up_to: u64, total: TotalClient) {
///     for number in 1..=up_to {
///         total.add(number).run().unwrap();
///     }
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let total = TotalClient::new().spawn()?;
/// let one = count::spawn(10, total.client())?;
/// let other = count::spawn(20, total.client())?;
/// one.join()?;
/// other.join()?;
/// assert_eq!(total.get().run()?, 55 + 210);
/// total.shutdown()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "the service ends when it and its clients are dropped"]
pub struct Service<C> {
    // Dropped first: its owner then asks whether it was the last one.
    client: C,
    owner: Owner,
}

/// The right to end a service.
struct Owner {
    shared: Arc<Supervised>,
    thread: Option<JoinHandle<()>>,
}

impl<C: ServiceClient> Service<C> {
    pub(super) fn new(
        client: Client<C>,
        (shared, thread): (Arc<Supervised>, JoinHandle<()>),
    ) -> Service<C> {
        Service {
            client: C::from_client(client),
            owner: Owner {
                shared,
                thread: Some(thread),
            },
        }
    }

    /// Returns a client, for another thread or process.
    ///
    /// It can be cloned, and be an argument, a result, an item of a channel, or a field of any of these.
    ///
    /// # Examples
    ///
    /// See [`Service`].
    #[must_use]
    pub fn client(&self) -> C {
        self.client.clone()
    }
}

impl<C> Service<C> {
    /// Ends the service in good order: no more requests are let in, those that are queued are run, the
    /// object is dropped, and its process is waited for.
    ///
    /// Requests that come later, of any client, are [`Closed`](ErrorKind::Closed).
    ///
    /// # Errors
    ///
    /// The process died before it was done, or had died before: the error says how.
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
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let sleeper = SleeperClient::new().spawn()?;
    /// let (nap, client) = (sleeper.nap(20).start(), sleeper.client());
    /// sleeper.shutdown()?; // after the nap
    /// nap.wait()?;
    /// assert_eq!(client.nap(20).run().unwrap_err().kind(), ErrorKind::Closed);
    /// # Ok(())
    /// # }
    /// ```
    pub fn shutdown(self) -> Result<()> {
        self.check_here()?;
        self.owner.shared.shut_down();
        self.owner.shared.wait_over(None).unwrap_or(Ok(()))
    }

    /// The same, but the process is killed if it has not ended within `timeout`. `false` then.
    ///
    /// # Errors
    ///
    /// As [`shutdown`](Service::shutdown).
    ///
    /// # Examples
    ///
    /// ```
    /// # struct Sleeper;
    /// # #[multiproc::service]
    /// # impl Sleeper {
    /// #     fn new() -> Self { Sleeper }
    /// #     fn nap(&self, seconds: u64) {
    /// #         std::thread::sleep(std::time::Duration::from_secs(seconds));
    /// #     }
    /// # }
    /// use std::time::Duration;
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let sleeper = SleeperClient::new().spawn()?;
    /// sleeper.nap(1000).notify()?;
    /// assert!(!sleeper.shutdown_timeout(Duration::from_millis(100))?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn shutdown_timeout(self, timeout: Duration) -> Result<bool> {
        self.check_here()?;
        self.owner.shared.shut_down();
        match self.owner.shared.wait_over(deadline::after(timeout)) {
            Some(result) => result.map(|()| true),
            None => {
                self.owner.shared.kill();
                self.owner.shared.wait_over(None);
                Ok(false)
            }
        }
    }

    /// Kills the process. The object is not dropped; all requests fail, and there are no restarts.
    ///
    /// # Examples
    ///
    /// ```
    /// # struct Sleeper;
    /// # #[multiproc::service]
    /// # impl Sleeper {
    /// #     fn new() -> Self { Sleeper }
    /// #     fn nap(&self, seconds: u64) {
    /// #         std::thread::sleep(std::time::Duration::from_secs(seconds));
    /// #     }
    /// # }
    /// # fn main() -> multiproc::Result<()> {
    /// let sleeper = SleeperClient::new().spawn()?;
    /// let nap = sleeper.nap(1000).start();
    /// sleeper.kill();
    /// assert!(nap.wait().is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn kill(&self) {
        if self.owner.shared.home.is_here() {
            self.owner.shared.kill();
        }
    }

    /// Returns the id of the process that serves; between two processes, that of the last one.
    ///
    /// # Examples
    ///
    /// See [`events`](Service::events).
    #[must_use]
    pub fn id(&self) -> u32 {
        self.owner.shared.id()
    }

    /// Returns what happens to the service from now on: starts, deaths, the end.
    ///
    /// # Examples
    ///
    /// ```
    /// # struct Fragile;
    /// # #[multiproc::service]
    /// # impl Fragile {
    /// #     fn new() -> Self { Fragile }
    /// #     fn break_down(&self) { std::process::abort() }
    /// # }
    /// use multiproc::ServiceEvent;
    /// use std::time::Duration;
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let fragile = FragileClient::new().restarts(1, Duration::from_secs(60)).spawn()?;
    /// let (first, mut events) = (fragile.id(), fragile.events());
    /// assert!(fragile.break_down().run().is_err());
    /// let minute = Duration::from_secs(60);
    /// assert!(matches!(events.next_timeout(minute), Some(ServiceEvent::Died(_))));
    /// let Some(ServiceEvent::Started { id }) = events.next_timeout(minute) else {
    ///     panic!("it was not started again")
    /// };
    /// assert_ne!(id, first);
    /// assert!(events.try_next().is_none());
    /// fragile.shutdown()?;
    /// assert!(matches!(events.next(), Some(ServiceEvent::Ended)));
    /// assert!(events.next().is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn events(&self) -> ServiceEvents {
        self.owner.shared.events()
    }

    fn check_here(&self) -> Result<()> {
        if self.owner.shared.home.is_here() {
            return Ok(());
        }
        let text = "this process is a copy of another one, made by `fork`, which has the service";
        Err(Error::new(ErrorKind::Unsupported, text))
    }
}

impl<C> Deref for Service<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.client
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if !self.shared.home.is_here() {
            return;
        }
        self.shared.leave();
        if self
            .shared
            .wait_over(Some(std::time::Instant::now()))
            .is_some()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

impl<C> fmt::Debug for Service<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service")
            .field("service", &self.owner.shared.service)
            .field("id", &self.owner.shared.id())
            .finish_non_exhaustive()
    }
}
