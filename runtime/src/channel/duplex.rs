use std::io;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError};
use super::receiver::{IntoIter, Iter, Receiver};
use super::sender::Sender;
use super::wait::{Source, WaitFor};
use crate::codec;
use crate::codec::handle::{self, HandleKind, Identity};

/// One of the two ends of a [`duplex`] connection: sends items of type `S`, receives items of
/// type `R`.
///
/// Like a [`Receiver`], it is in one process at a time: sending it moves it.
///
/// # Examples
///
/// ```
/// let (ours, theirs) = multiproc::channel::duplex::<u32, String>()?;
/// ours.send(7).unwrap();
/// let number = theirs.recv().unwrap();
/// theirs.send(number.to_string()).unwrap();
/// assert_eq!(ours.recv().unwrap(), "7");
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
pub struct Duplex<S, R> {
    sender: Sender<S>,
    receiver: Receiver<R>,
}

/// Creates a connection whose two ends both send and receive: Python's `Pipe`.
///
/// # Errors
///
/// The process has too many open files.
///
/// # Examples
///
/// ```
/// use multiproc::channel::{Duplex, duplex};
/// use multiproc::worker;
///
/// #[worker]
/// fn measure(client: Duplex<usize, String>) {
///     while let Ok(text) = client.recv() {
///         client.send(text.len()).unwrap();
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (ours, theirs) = duplex::<String, usize>()?;
/// let process = measure::spawn(theirs)?;
/// ours.send("hello".to_owned())?;
/// assert_eq!(ours.recv()?, 5);
/// drop(ours);
/// process.join()?;
/// # Ok(())
/// # }
/// ```
///
/// # Caveats
///
/// Both sides may send without the other receiving only as long as there is room, as
/// [`Sender::send`] says: two sides that first send something long and then receive wait for each
/// other.
pub fn duplex<A, B>() -> io::Result<(Duplex<A, B>, Duplex<B, A>)> {
    let (to_second, at_second) = super::channel()?;
    let (to_first, at_first) = super::channel()?;
    let first = Duplex {
        sender: to_second,
        receiver: at_first,
    };
    let second = Duplex {
        sender: to_first,
        receiver: at_second,
    };
    Ok((first, second))
}

impl<S, R> Duplex<S, R> {
    /// Separates the two halves, to be used in different places.
    ///
    /// The other side sees the end of each half by itself.
    ///
    /// # Examples
    ///
    /// ```
    /// let (ours, theirs) = multiproc::channel::duplex::<u32, u32>()?;
    /// let (sender, receiver) = ours.split();
    /// sender.send(1).unwrap();
    /// theirs.send(theirs.recv().unwrap() + 1).unwrap();
    /// assert_eq!(receiver.recv(), Ok(2));
    /// # std::io::Result::Ok(())
    /// ```
    #[must_use]
    pub fn split(self) -> (Sender<S>, Receiver<R>) {
        (self.sender, self.receiver)
    }
}

impl<S: Serialize, R> Duplex<S, R> {
    /// Sends an item, as [`Sender::send`] does.
    ///
    /// # Errors
    ///
    /// As [`Sender::send`].
    ///
    /// # Examples
    ///
    /// ```
    /// let (ours, theirs) = multiproc::channel::duplex::<u32, u32>()?;
    /// ours.send(1).unwrap();
    /// assert_eq!(theirs.recv(), Ok(1));
    /// # std::io::Result::Ok(())
    /// ```
    pub fn send(&self, item: S) -> Result<(), SendError<S>> {
        match self.receiver.check_here() {
            Ok(()) => self.sender.send(item),
            Err(error) => Err(SendError(item, Some(error))),
        }
    }

    /// Sends an item within a time, as [`Sender::send_timeout`] does.
    ///
    /// # Errors
    ///
    /// As [`Sender::send_timeout`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let (ours, theirs) = multiproc::channel::duplex::<Vec<u8>, ()>()?;
    /// // The other side does not receive.
    /// assert!(ours.send_timeout(vec![0; 16 << 20], Duration::from_millis(10)).is_err());
    /// # drop(theirs);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn send_timeout(&self, item: S, timeout: Duration) -> Result<(), SendTimeoutError<S>> {
        match self.receiver.check_here() {
            Ok(()) => self.sender.send_timeout(item, timeout),
            Err(error) => Err(SendTimeoutError::Item(item, error)),
        }
    }
}

impl<S, R> Duplex<S, R> {
    /// Sends an item from a borrow of it, as [`Sender::send_ref`] does.
    ///
    /// # Errors
    ///
    /// As [`Sender::send_ref`].
    ///
    /// # Examples
    ///
    /// ```
    /// let (ours, theirs) = multiproc::channel::duplex::<String, ()>()?;
    /// ours.send_ref("hello").unwrap();
    /// assert_eq!(theirs.recv().as_deref(), Ok("hello"));
    /// # std::io::Result::Ok(())
    /// ```
    pub fn send_ref<U>(&self, item: &U) -> Result<(), SendError<()>>
    where
        U: ?Sized + ToOwned<Owned = S> + Serialize,
    {
        match self.receiver.check_here() {
            Ok(()) => self.sender.send_ref(item),
            Err(error) => Err(SendError((), Some(error))),
        }
    }
}

impl<S, R: DeserializeOwned> Duplex<S, R> {
    /// Waits for an item.
    ///
    /// # Errors
    ///
    /// As [`Receiver::recv`].
    ///
    /// # Examples
    ///
    /// ```
    /// let (ours, theirs) = multiproc::channel::duplex::<(), u32>()?;
    /// theirs.send(7).unwrap();
    /// assert_eq!(ours.recv(), Ok(7));
    /// # std::io::Result::Ok(())
    /// ```
    pub fn recv(&self) -> Result<R, RecvError> {
        self.receiver.recv()
    }

    /// Receives an item that is there, without waiting.
    ///
    /// # Errors
    ///
    /// As [`Receiver::try_recv`].
    ///
    /// # Examples
    ///
    /// ```
    /// let (ours, theirs) = multiproc::channel::duplex::<(), u32>()?;
    /// assert!(ours.try_recv().is_err());
    /// theirs.send(7).unwrap();
    /// assert_eq!(ours.try_recv(), Ok(7));
    /// # std::io::Result::Ok(())
    /// ```
    pub fn try_recv(&self) -> Result<R, TryRecvError> {
        self.receiver.try_recv()
    }

    /// Waits for an item, but not longer than `timeout`.
    ///
    /// # Errors
    ///
    /// As [`Receiver::recv_timeout`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let (ours, theirs) = multiproc::channel::duplex::<(), u32>()?;
    /// assert!(ours.recv_timeout(Duration::from_millis(1)).is_err());
    /// # drop(theirs);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn recv_timeout(&self, timeout: Duration) -> Result<R, RecvTimeoutError> {
        self.receiver.recv_timeout(timeout)
    }

    /// Waits for an item without blocking the thread, as [`Receiver::recv_async`] does.
    ///
    /// # Errors
    ///
    /// As [`Receiver::recv`].
    ///
    /// # Examples
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let (mut ours, theirs) = multiproc::channel::duplex::<(), u32>()?;
    /// theirs.send(7).unwrap();
    /// assert_eq!(ours.recv_async().await, Ok(7));
    /// # Ok(())
    /// # })
    /// # }
    /// ```
    pub fn recv_async(&mut self) -> super::RecvFuture<'_, R> {
        self.receiver.recv_async()
    }

    /// Iterates over the items until the other side is gone, as [`Receiver::iter`] does.
    ///
    /// # Examples
    ///
    /// ```
    /// let (ours, theirs) = multiproc::channel::duplex::<(), u32>()?;
    /// theirs.send(1).unwrap();
    /// theirs.send(2).unwrap();
    /// drop(theirs);
    /// assert_eq!(ours.iter().sum::<u32>(), 3);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn iter(&self) -> Iter<'_, R> {
        self.receiver.iter()
    }
}

impl<S, R> Serialize for Duplex<S, R> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        handle::serialize(
            serializer,
            Identity::new::<(S, R)>(HandleKind::Duplex),
            |parts| {
                self.sender.pack(parts);
                self.receiver.pack(parts)
            },
        )
    }
}

impl<'de, S, R> Deserialize<'de> for Duplex<S, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Duplex<S, R>, D::Error> {
        handle::deserialize(
            deserializer,
            Identity::new::<(S, R)>(HandleKind::Duplex),
            |parts| {
                let (sender, receiver) = parts
                    .descriptors
                    .split_first()
                    .ok_or_else(codec::Error::damaged_handle)?;
                Ok(Duplex {
                    sender: Sender::unpack(sender)?,
                    receiver: Receiver::unpack(&parts.numbers, receiver, &mut parts.bytes)?,
                })
            },
        )
    }
}

impl<S, R> Source for Duplex<S, R> {
    fn watch(&self) -> WaitFor<'_> {
        self.receiver.watch()
    }

    fn confirm(&self) -> bool {
        self.receiver.confirm()
    }
}

impl<'a, S, R: DeserializeOwned> IntoIterator for &'a Duplex<S, R> {
    type Item = R;
    type IntoIter = Iter<'a, R>;

    fn into_iter(self) -> Iter<'a, R> {
        self.iter()
    }
}

impl<S, R: DeserializeOwned> IntoIterator for Duplex<S, R> {
    type Item = R;
    type IntoIter = IntoIter<R>;

    /// Drops the sending half, whose end the other side sees, and iterates over the items.
    fn into_iter(self) -> IntoIter<R> {
        self.receiver.into_iter()
    }
}
