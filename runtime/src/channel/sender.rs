use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::error::{ItemError, SendError, SendTimeoutError};
use super::item::{self, ITEM};
use crate::codec::handle::{self, HandleKind, Identity, Parts};
use crate::codec::{self, Output};
use crate::sys::deadline;
use crate::sys::fd::OwnedFd;
use crate::transport::{self, Limit};

/// The sending end of a [`channel`](super::channel()).
///
/// Clones send to the same receiver, from any thread and any process: a sender can be an
/// argument, a result or an item of a channel, alone or inside of your types. Sending it sends a
/// clone.
///
/// The receiver sees the end of the channel when the last clone is gone, even if its process was
/// killed.
///
/// # Examples
///
/// ```
/// use multiproc::channel::{Sender, channel};
/// use multiproc::worker;
///
/// #[worker]
/// fn report(progress: Sender<String>) {
///     progress.send("half done".into()).unwrap();
///     progress.send("done".into()).unwrap();
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (sender, receiver) = channel()?;
/// let process = report::spawn(sender)?;
/// assert_eq!(receiver.iter().collect::<Vec<_>>(), ["half done", "done"]);
/// process.join()?;
/// # Ok(())
/// # }
/// ```
pub struct Sender<T> {
    core: Arc<SenderCore>,
    items: PhantomData<fn(T)>,
}

struct SenderCore {
    /// Never blocks.
    socket: Arc<OwnedFd>,
    /// Made when the first item is sent: many ends are only passed on.
    sender: OnceLock<transport::Sender>,
}

impl<T> Sender<T> {
    pub(super) fn new(socket: Arc<OwnedFd>) -> Sender<T> {
        Sender {
            core: Arc::new(SenderCore {
                socket,
                sender: OnceLock::new(),
            }),
            items: PhantomData,
        }
    }
}

impl<T: Serialize> Sender<T> {
    /// Sends an item.
    ///
    /// Short items are left for the receiver, and a few long ones (above 64 KiB or so) when both sides are
    /// used to them. When more of them wait, this blocks until the receiver takes some.
    ///
    /// # Errors
    ///
    /// The error gives the item back: the receiver is gone, or the item cannot be encoded. If the
    /// receiver goes away while a long item is being sent, that is an error at once. `Ok` means
    /// that the item is on its way, not that it was received.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = multiproc::channel::channel()?;
    /// sender.send("hello".to_owned()).unwrap();
    /// assert_eq!(receiver.recv().unwrap(), "hello");
    /// # std::io::Result::Ok(())
    /// ```
    pub fn send(&self, item: T) -> Result<(), SendError<T>> {
        match self.core.send(&item, None) {
            Ok(()) => Ok(()),
            Err(SendFailure::Gone) => Err(SendError(item, None)),
            Err(SendFailure::TimedOut) => Err(SendError(item, Some(ItemError::new("timed out")))),
            Err(SendFailure::Item(error)) => Err(SendError(item, Some(error))),
        }
    }

    /// Sends an item, but does not wait longer than `timeout` for the receiver to make room.
    ///
    /// # Errors
    ///
    /// The error gives the item back, for the reasons of [`send`](Sender::send) or because the time
    /// is over. The item was not received then, and will not be.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::channel::{SendTimeoutError, channel};
    /// use std::time::Duration;
    ///
    /// let (sender, receiver) = channel()?;
    /// // The receiver does not take anything, so there is no room for a long item.
    /// let item = vec![0_u8; 16 << 20];
    /// let error = sender.send_timeout(item, Duration::from_millis(10)).unwrap_err();
    /// assert!(matches!(error, SendTimeoutError::Timeout(_)));
    /// # drop(receiver);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn send_timeout(&self, item: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        match self.core.send(&item, deadline::after(timeout)) {
            Ok(()) => Ok(()),
            Err(SendFailure::Gone) => Err(SendTimeoutError::Disconnected(item)),
            Err(SendFailure::TimedOut) => Err(SendTimeoutError::Timeout(item)),
            Err(SendFailure::Item(error)) => Err(SendTimeoutError::Item(item, error)),
        }
    }
}

impl<T> Sender<T> {
    /// Sends an item from a borrow of it: a `&str` arrives as a `String`, a `&[u8]` as a
    /// `Vec<u8>`, a `&T` as a `T`.
    ///
    /// Otherwise it is [`send`](Sender::send). No copy is made to be given away: long texts and
    /// slices of numbers are sent from where they are.
    ///
    /// # Errors
    ///
    /// As [`send`](Sender::send), but there is nothing to give back.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = multiproc::channel::channel::<Vec<u8>>()?;
    /// let picture = vec![7; 1 << 10];
    /// sender.send_ref(&picture)?;
    /// sender.send_ref(&picture[..16])?;
    /// assert_eq!(receiver.recv()?, picture);
    /// assert_eq!(receiver.recv()?, [7; 16]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn send_ref<U>(&self, item: &U) -> Result<(), SendError<()>>
    where
        U: ?Sized + ToOwned<Owned = T> + Serialize,
    {
        self.core.send(item, None).map_err(|failure| match failure {
            SendFailure::Gone => SendError((), None),
            SendFailure::TimedOut => SendError((), Some(ItemError::new("timed out"))),
            SendFailure::Item(error) => SendError((), Some(error)),
        })
    }
}

enum SendFailure {
    Gone,
    TimedOut,
    Item(ItemError),
}

impl SenderCore {
    fn send<T: ?Sized + Serialize>(
        &self,
        item: &T,
        deadline: Option<Instant>,
    ) -> Result<(), SendFailure> {
        let mut output = Output::new(ITEM);
        output
            .write_borrowed(item)
            .map_err(|error| SendFailure::Item(error.into()))?;
        self.send_message(output, deadline)
            .map_err(|error| match error.kind() {
                io::ErrorKind::BrokenPipe
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::NotConnected => SendFailure::Gone,
                io::ErrorKind::TimedOut => SendFailure::TimedOut,
                _ => SendFailure::Item(ItemError::new(error)),
            })
    }

    fn send_message(&self, output: Output<'_>, deadline: Option<Instant>) -> io::Result<()> {
        let sender = match self.sender.get() {
            Some(sender) => sender,
            None => {
                transport::warm_up()?;
                let sender = transport::Sender::new(Arc::clone(&self.socket))?;
                self.sender.get_or_init(|| sender)
            }
        };
        sender.send_within(output, Limit::until(deadline))
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        Sender {
            core: Arc::clone(&self.core),
            items: PhantomData,
        }
    }
}

impl<T> Sender<T> {
    /// Adds the end to what a handle is made of.
    pub(super) fn pack(&self, parts: &mut Parts) {
        parts.attach(&self.core.socket);
    }

    /// The end that a handle is made of.
    pub(super) fn unpack(socket: &Arc<OwnedFd>) -> Result<Sender<T>, codec::Error> {
        item::check_socket(socket)?;
        Ok(Sender::new(Arc::clone(socket)))
    }
}

impl<T> Serialize for Sender<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        handle::serialize(
            serializer,
            Identity::new::<T>(HandleKind::Sender),
            |parts| {
                self.pack(parts);
                Ok(())
            },
        )
    }
}

impl<'de, T> Deserialize<'de> for Sender<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Sender<T>, D::Error> {
        handle::deserialize(
            deserializer,
            Identity::new::<T>(HandleKind::Sender),
            |parts| {
                let ([], [socket]) = parts.exactly()?;
                Sender::unpack(socket)
            },
        )
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
