use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::codec;

/// Why one item could not be sent or received.
///
/// It could not be turned into a message or read back from one, or the operating system refused
/// (too many open files, no memory). `Display` says which.
///
/// Only this one item is concerned: those before and after it are not. Unless it says that the queue
/// is damaged, which all who use that queue are told from then on.
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

/// An item that was not sent; field `0` is the item.
///
/// Either nobody is left to receive it ([`is_disconnected`](SendError::is_disconnected)), or
/// something is wrong with this item ([`item_error`](SendError::item_error)).
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
    /// The item.
    pub fn into_inner(self) -> T {
        self.0
    }

    /// Whether nobody is left to receive.
    #[must_use]
    pub fn is_disconnected(&self) -> bool {
        self.1.is_none()
    }

    /// What is wrong with the item, if that is the reason.
    #[must_use]
    pub fn item_error(&self) -> Option<&ItemError> {
        self.1.as_ref()
    }
}

/// An item that was not sent at once.
#[derive(Clone, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// There is no room.
    Full(T),
    /// Nobody is left to receive: the queue is closed.
    Disconnected(T),
    /// Something is wrong with this item.
    Item(T, ItemError),
}

impl<T> TrySendError<T> {
    /// The item.
    pub fn into_inner(self) -> T {
        match self {
            TrySendError::Full(item)
            | TrySendError::Disconnected(item)
            | TrySendError::Item(item, _) => item,
        }
    }
}

/// An item that was not sent within the time given.
#[derive(Clone, PartialEq, Eq)]
pub enum SendTimeoutError<T> {
    /// The time is over, and there was no room.
    Timeout(T),
    /// Nobody is left to receive.
    Disconnected(T),
    /// Something is wrong with this item.
    Item(T, ItemError),
}

impl<T> SendTimeoutError<T> {
    /// The item.
    pub fn into_inner(self) -> T {
        match self {
            SendTimeoutError::Timeout(item)
            | SendTimeoutError::Disconnected(item)
            | SendTimeoutError::Item(item, _) => item,
        }
    }
}

/// Why there is no item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecvError {
    /// No item will come: nobody is left to send one.
    Disconnected,
    /// An item came that could not be read. The next may be fine.
    Item(ItemError),
    /// This end was sent to another process, which now has it.
    Sent,
}

/// Why there is no item just now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TryRecvError {
    /// No item is there, one may come.
    Empty,
    /// No item will come: nobody is left to send one.
    Disconnected,
    /// An item came that could not be read. The next may be fine.
    Item(ItemError),
    /// This end was sent to another process, which now has it.
    Sent,
}

/// Why there was no item within the time given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecvTimeoutError {
    /// The time is over, and no item came.
    Timeout,
    /// No item will come: nobody is left to send one.
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

const NOBODY_RECEIVES: &str = "nobody is left to receive";
const NOBODY_SENDS: &str = "nobody is left to send";
const SENT: &str = "this end was sent to another process";

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.1 {
            None => f.write_str(NOBODY_RECEIVES),
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
            TrySendError::Full(_) => f.write_str("there is no room"),
            TrySendError::Disconnected(_) => f.write_str(NOBODY_RECEIVES),
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
            SendTimeoutError::Timeout(_) => f.write_str("there was no room in time"),
            SendTimeoutError::Disconnected(_) => f.write_str(NOBODY_RECEIVES),
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
            RecvError::Disconnected => f.write_str(NOBODY_SENDS),
            RecvError::Item(error) => write!(f, "an item cannot be read: {error}"),
            RecvError::Sent => f.write_str(SENT),
        }
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryRecvError::Empty => f.write_str("no item is there"),
            TryRecvError::Disconnected => f.write_str(NOBODY_SENDS),
            TryRecvError::Item(error) => write!(f, "an item cannot be read: {error}"),
            TryRecvError::Sent => f.write_str(SENT),
        }
    }
}

impl fmt::Display for RecvTimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecvTimeoutError::Timeout => f.write_str("no item came in time"),
            RecvTimeoutError::Disconnected => f.write_str(NOBODY_SENDS),
            RecvTimeoutError::Item(error) => write!(f, "an item cannot be read: {error}"),
            RecvTimeoutError::Sent => f.write_str(SENT),
        }
    }
}

impl Error for RecvError {}
impl Error for TryRecvError {}
impl Error for RecvTimeoutError {}
