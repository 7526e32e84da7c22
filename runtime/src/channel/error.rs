use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::codec;

/// The reason why a single item could not be sent or received.
///
/// The item could not be turned into a message or read back from one, or the operating system
/// refused (too many open files, no memory). `Display` says which.
///
/// Only this item is affected; the items before and after it are not. There is one exception: if a
/// queue is damaged, every later operation on it returns this error.
///
/// # Examples
///
/// ```
/// use multiproc::channel::{RecvError, channel};
/// use serde::{Serialize, Serializer, ser::Error};
///
/// /// A value that refuses to be written.
/// #[derive(Debug)]
/// struct Secret;
///
/// impl Serialize for Secret {
///     fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
///         Err(S::Error::custom("a secret stays here"))
///     }
/// }
///
/// # fn main() -> std::io::Result<()> {
/// let (sender, _receiver) = channel()?;
/// let error = sender.send(Secret).unwrap_err();
/// let reason = error.item_error().unwrap();
/// assert!(reason.to_string().contains("a secret stays here"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemError(Arc<str>);

impl ItemError {
    #[cold]
    pub(super) fn new(reason: impl fmt::Display) -> ItemError {
        ItemError(reason.to_string().into())
    }
}

impl From<codec::Error> for ItemError {
    fn from(error: codec::Error) -> ItemError {
        ItemError::new(error)
    }
}

impl fmt::Display for ItemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for ItemError {}

/// The error of sending an item; field `0` is the item.
///
/// Either the receiver is gone ([`is_disconnected`](SendError::is_disconnected)), or this item
/// cannot be sent ([`item_error`](SendError::item_error)).
///
/// # Examples
///
/// ```
/// use multiproc::channel::channel;
///
/// # fn main() -> std::io::Result<()> {
/// let (sender, receiver) = channel()?;
/// drop(receiver);
/// let error = sender.send("hello".to_owned()).unwrap_err();
/// assert!(error.is_disconnected());
/// assert_eq!(error.0, "hello");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SendError<T>(pub T, pub(super) Option<ItemError>);

impl<T> SendError<T> {
    /// Returns the item.
    pub fn into_inner(self) -> T {
        self.0
    }

    /// Returns `true` if the receiver is gone, or the queue closed.
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        self.1.is_none()
    }

    /// Returns the reason why this item cannot be sent, unless the receiver is gone.
    #[must_use]
    pub fn item_error(&self) -> Option<&ItemError> {
        self.1.as_ref()
    }
}

/// The error of sending an item without waiting.
///
/// # Examples
///
/// ```
/// use multiproc::channel::{Queue, TrySendError};
///
/// let queue = Queue::bounded(1)?;
/// queue.try_push(1).unwrap();
/// assert!(matches!(queue.try_push(2), Err(TrySendError::Full(2))));
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// There is no room.
    Full(T),
    /// The queue is closed.
    Disconnected(T),
    /// This item cannot be sent.
    Item(T, ItemError),
}

impl<T> TrySendError<T> {
    /// Returns the item.
    pub fn into_inner(self) -> T {
        match self {
            TrySendError::Full(item)
            | TrySendError::Disconnected(item)
            | TrySendError::Item(item, _) => item,
        }
    }
}

/// The error of sending an item with a timeout.
///
/// # Examples
///
/// ```
/// use multiproc::channel::{Queue, SendTimeoutError};
/// use std::time::Duration;
///
/// let queue = Queue::bounded(1)?;
/// queue.push(1).unwrap();
/// let error = queue.push_timeout(2, Duration::from_millis(1)).unwrap_err();
/// assert!(matches!(error, SendTimeoutError::Timeout(2)));
/// assert_eq!(error.into_inner(), 2);
/// # std::io::Result::Ok(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub enum SendTimeoutError<T> {
    /// The time is over, and there was no room.
    Timeout(T),
    /// The receiver is gone, or the queue closed.
    Disconnected(T),
    /// This item cannot be sent.
    Item(T, ItemError),
}

impl<T> SendTimeoutError<T> {
    /// Returns the item.
    pub fn into_inner(self) -> T {
        match self {
            SendTimeoutError::Timeout(item)
            | SendTimeoutError::Disconnected(item)
            | SendTimeoutError::Item(item, _) => item,
        }
    }
}

/// The error of waiting for an item.
///
/// # Examples
///
/// ```
/// use multiproc::channel::{RecvError, channel};
///
/// let (sender, receiver) = channel::<u32>()?;
/// drop(sender);
/// assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecvError {
    /// No item will come: all senders are gone, or the queue is closed and empty.
    Disconnected,
    /// An item came that could not be read. The next may be fine.
    Item(ItemError),
    /// This end was sent to another process, which now has it.
    Sent,
}

/// The error of receiving an item without waiting.
///
/// # Examples
///
/// ```
/// use multiproc::channel::{TryRecvError, channel};
///
/// let (sender, receiver) = channel::<u32>()?;
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
/// drop(sender);
/// assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TryRecvError {
    /// No item is there; one may still come.
    Empty,
    /// No item will come: all senders are gone, or the queue is closed and empty.
    Disconnected,
    /// An item came that could not be read. The next may be fine.
    Item(ItemError),
    /// This end was sent to another process, which now has it.
    Sent,
}

/// The error of waiting for an item with a timeout.
///
/// # Examples
///
/// ```
/// use multiproc::channel::{RecvTimeoutError, channel};
/// use std::time::Duration;
///
/// let (_sender, receiver) = channel::<u32>()?;
/// let received = receiver.recv_timeout(Duration::from_millis(1));
/// assert_eq!(received, Err(RecvTimeoutError::Timeout));
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecvTimeoutError {
    /// The time is over, and no item came.
    Timeout,
    /// No item will come: all senders are gone, or the queue is closed and empty.
    Disconnected,
    /// An item came that could not be read. The next may be fine.
    Item(ItemError),
    /// This end was sent to another process, which now has it.
    Sent,
}

impl From<RecvError> for TryRecvError {
    fn from(error: RecvError) -> TryRecvError {
        match error {
            RecvError::Disconnected => TryRecvError::Disconnected,
            RecvError::Item(error) => TryRecvError::Item(error),
            RecvError::Sent => TryRecvError::Sent,
        }
    }
}

impl From<RecvError> for RecvTimeoutError {
    fn from(error: RecvError) -> RecvTimeoutError {
        match error {
            RecvError::Disconnected => RecvTimeoutError::Disconnected,
            RecvError::Item(error) => RecvTimeoutError::Item(error),
            RecvError::Sent => RecvTimeoutError::Sent,
        }
    }
}

const SENDING_CLOSED: &str = "sending on a closed channel";
const RECEIVING_CLOSED: &str = "receiving on a closed channel";
const SENT: &str = "this end was sent to another process";

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.1 {
            None => f.write_str(SENDING_CLOSED),
            Some(error) => write!(f, "the item cannot be sent: {error}"),
        }
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("SendError");
        if let Some(error) = &self.1 {
            debug.field("item_error", error);
        }
        debug.finish_non_exhaustive()
    }
}

impl<T> Error for SendError<T> {}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrySendError::Full(_) => f.write_str("the queue is full"),
            TrySendError::Disconnected(_) => f.write_str(SENDING_CLOSED),
            TrySendError::Item(_, error) => write!(f, "the item cannot be sent: {error}"),
        }
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrySendError::Full(_) => f.write_str("Full(..)"),
            TrySendError::Disconnected(_) => f.write_str("Disconnected(..)"),
            TrySendError::Item(_, error) => write!(f, "Item(.., {error:?})"),
        }
    }
}

impl<T> Error for TrySendError<T> {}

impl<T> fmt::Display for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendTimeoutError::Timeout(_) => f.write_str("timed out waiting for room"),
            SendTimeoutError::Disconnected(_) => f.write_str(SENDING_CLOSED),
            SendTimeoutError::Item(_, error) => write!(f, "the item cannot be sent: {error}"),
        }
    }
}

impl<T> fmt::Debug for SendTimeoutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendTimeoutError::Timeout(_) => f.write_str("Timeout(..)"),
            SendTimeoutError::Disconnected(_) => f.write_str("Disconnected(..)"),
            SendTimeoutError::Item(_, error) => write!(f, "Item(.., {error:?})"),
        }
    }
}

impl<T> Error for SendTimeoutError<T> {}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecvError::Disconnected => f.write_str(RECEIVING_CLOSED),
            RecvError::Item(error) => write!(f, "an item cannot be read: {error}"),
            RecvError::Sent => f.write_str(SENT),
        }
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryRecvError::Empty => f.write_str("no item is available"),
            TryRecvError::Disconnected => f.write_str(RECEIVING_CLOSED),
            TryRecvError::Item(error) => write!(f, "an item cannot be read: {error}"),
            TryRecvError::Sent => f.write_str(SENT),
        }
    }
}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecvTimeoutError::Timeout => f.write_str("timed out waiting for an item"),
            RecvTimeoutError::Disconnected => f.write_str(RECEIVING_CLOSED),
            RecvTimeoutError::Item(error) => write!(f, "an item cannot be read: {error}"),
            RecvTimeoutError::Sent => f.write_str(SENT),
        }
    }
}

impl Error for RecvError {}
impl Error for TryRecvError {}
impl Error for RecvTimeoutError {}
