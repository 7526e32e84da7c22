use std::cell::Cell;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::error::{ItemError, RecvError, RecvTimeoutError, TryRecvError};
use super::item::{self, decode};
use super::wait::{Source, WaitFor};
use crate::codec::handle::{self, Depart, HandleKind, Identity, Parts};
use crate::codec::{self, Message};
use crate::lock::lock;
use crate::readiness::Readiness;
use crate::sys::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::sys::{deadline, poll};
use crate::transport::{Inbox, PackedDepot, Received};

/// The receiving end of a [`channel`](super::channel()).
///
/// A channel has one receiver. Sending it to another process, as an argument, a result or an item
/// of a channel, moves it there, together with the items that wait in it. If the local value is
/// used afterwards, receiving from it is an error ([`RecvError::Sent`]). If sending fails, the
/// receiver stays.
///
/// When the process that has the receiver ends, even by being killed, the senders see that it is
/// gone.
///
/// # Examples
///
/// ```
/// use multiproc::channel::{Receiver, channel};
/// use multiproc::worker;
///
/// #[worker]
/// fn sum(numbers: Receiver<u64>) -> u64 {
///     numbers.iter().sum()
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (sender, receiver) = channel()?;
/// let process = sum::spawn(receiver)?;
/// for number in [1, 2, 3] {
///     sender.send(number)?;
/// }
/// drop(sender);
/// assert_eq!(process.join()?, 6);
/// # Ok(())
/// # }
/// ```
pub struct Receiver<T> {
    core: Arc<ReceiverCore>,
    /// One thread at a time receives.
    items: PhantomData<Cell<fn() -> T>>,
}

/// The end, while it is here.
struct ReceiverCore(Mutex<EndLocation>);

enum EndLocation {
    Here(Box<ReceivingEnd>),
    /// Written into a message of which it is not known yet whether it will be sent.
    Leaving(Box<ReceivingEnd>),
    Gone,
}

struct ReceivingEnd {
    socket: Arc<OwnedFd>,
    /// Made when it is first asked for items: many ends are only passed on.
    inbox: Option<Inbox>,
    /// What it goes on with that was in use in another process.
    depots: Vec<PackedDepot>,
    /// Received, but not yet asked for.
    pending: Option<Message>,
    /// Not received, which no caller was told yet.
    failed: Option<RecvError>,
    readiness: Option<Readiness>,
}

/// How long an item that is arriving may stand still while its end is to be sent away. Its sender
/// may be stopped, or sick.
const STANDSTILL: Duration = Duration::from_secs(10);

/// What [`ReceivingEnd::look`] sees.
enum Seen {
    Item(Message),
    Nothing,
    Closed,
}

impl<T> Receiver<T> {
    pub(super) fn new(socket: Arc<OwnedFd>) -> Receiver<T> {
        Receiver::moved(socket, Vec::new(), None)
    }

    fn moved(
        socket: Arc<OwnedFd>,
        depots: Vec<PackedDepot>,
        pending: Option<Message>,
    ) -> Receiver<T> {
        let end = Box::new(ReceivingEnd {
            socket,
            inbox: None,
            depots,
            pending,
            failed: None,
            readiness: None,
        });
        Receiver {
            core: Arc::new(ReceiverCore(Mutex::new(EndLocation::Here(end)))),
            items: PhantomData,
        }
    }
}

impl<T: DeserializeOwned> Receiver<T> {
    /// Waits for an item.
    ///
    /// # Errors
    ///
    /// * [`Disconnected`](RecvError::Disconnected): all senders are gone, and everything they sent
    ///   has been received. An item whose sender died while sending it counts as not sent.
    /// * [`Item`](RecvError::Item): an item came that cannot be read. The next may be fine.
    /// * [`Sent`](RecvError::Sent): this end was sent to another process.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = multiproc::channel::channel()?;
    /// sender.send(7).unwrap();
    /// assert_eq!(receiver.recv(), Ok(7));
    /// drop(sender);
    /// assert!(receiver.recv().is_err());
    /// # std::io::Result::Ok(())
    /// ```
    pub fn recv(&self) -> Result<T, RecvError> {
        match self.recv_until(None)? {
            Some(item) => Ok(item),
            None => Err(RecvError::Disconnected),
        }
    }

    /// Receives an item that is there, without waiting.
    ///
    /// # Errors
    ///
    /// As [`recv`](Receiver::recv), or [`Empty`](TryRecvError::Empty) if no item is there.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = multiproc::channel::channel()?;
    /// assert!(receiver.try_recv().is_err());
    /// sender.send(7).unwrap();
    /// assert_eq!(receiver.try_recv(), Ok(7));
    /// # std::io::Result::Ok(())
    /// ```
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let seen = self.core.location().here().and_then(ReceivingEnd::look);
        match seen? {
            Seen::Item(message) => Ok(decode(message)?),
            Seen::Nothing => Err(TryRecvError::Empty),
            Seen::Closed => Err(TryRecvError::Disconnected),
        }
    }

    /// Waits for an item, but not longer than `timeout`.
    ///
    /// # Errors
    ///
    /// As [`recv`](Receiver::recv), or [`Timeout`](RecvTimeoutError::Timeout) if no item came.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let (sender, receiver) = multiproc::channel::channel()?;
    /// assert!(receiver.recv_timeout(Duration::from_millis(1)).is_err());
    /// sender.send(7).unwrap();
    /// assert_eq!(receiver.recv_timeout(Duration::from_secs(10)), Ok(7));
    /// # std::io::Result::Ok(())
    /// ```
    pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        self.recv_until(deadline::after(timeout))?
            .ok_or(RecvTimeoutError::Timeout)
    }

    /// Iterates over the items until all senders are gone, waiting for each.
    ///
    /// Items that cannot be read are skipped; [`recv`](Receiver::recv) reports them.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = multiproc::channel::channel()?;
    /// for number in [1, 2, 3] {
    ///     sender.send(number).unwrap();
    /// }
    /// drop(sender);
    /// assert_eq!(receiver.iter().sum::<i32>(), 6);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn iter(&self) -> Iter<'_, T> {
        Iter(self)
    }

    /// Iterates over the items that are there, without waiting.
    ///
    /// Items that cannot be read are skipped.
    ///
    /// # Examples
    ///
    /// ```
    /// let (sender, receiver) = multiproc::channel::channel()?;
    /// sender.send(1).unwrap();
    /// sender.send(2).unwrap();
    /// assert_eq!(receiver.try_iter().collect::<Vec<i32>>(), [1, 2]);
    /// assert_eq!(receiver.try_iter().count(), 0); // though a sender is alive
    /// # std::io::Result::Ok(())
    /// ```
    pub fn try_iter(&self) -> TryIter<'_, T> {
        TryIter(self)
    }

    /// An item, or `None` when the time is over.
    fn recv_until(&self, deadline: Option<Instant>) -> Result<Option<T>, RecvError> {
        let message = {
            let mut location = self.core.location();
            let end = location.here()?;
            loop {
                match end.look()? {
                    Seen::Item(message) => break message,
                    Seen::Closed => return Err(RecvError::Disconnected),
                    Seen::Nothing if end.wait(deadline) => {}
                    Seen::Nothing => return Ok(None),
                }
            }
        };
        decode(message).map(Some)
    }

    pub(super) fn poll_recv(&mut self, waker: &Waker) -> Poll<Result<T, RecvError>> {
        let seen = self.core.location().here().and_then(|end| {
            let seen = end.look()?;
            if let Seen::Nothing = seen {
                end.arm(waker)
                    .map_err(|error| RecvError::Item(ItemError::new(error)))?;
            }
            Ok(seen)
        });
        match seen {
            Ok(Seen::Item(message)) => Poll::Ready(decode(message)),
            Ok(Seen::Nothing) => Poll::Pending,
            Ok(Seen::Closed) => Poll::Ready(Err(RecvError::Disconnected)),
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl ReceiverCore {
    fn location(&self) -> MutexGuard<'_, EndLocation> {
        lock(&self.0)
    }
}

impl EndLocation {
    fn here(&mut self) -> Result<&mut ReceivingEnd, RecvError> {
        match self {
            EndLocation::Here(end) => Ok(end),
            EndLocation::Leaving(_) | EndLocation::Gone => Err(RecvError::Sent),
        }
    }
}

impl ReceivingEnd {
    /// Takes the next item if all of it is there.
    fn look(&mut self) -> Result<Seen, RecvError> {
        if let Some(message) = self.pending.take() {
            return Ok(Seen::Item(message));
        }
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let inbox = self.inbox();
        loop {
            return match inbox.receive() {
                Ok(Received::Message(message)) => Ok(Seen::Item(message)),
                Ok(Received::Nothing) => Ok(Seen::Nothing),
                Ok(Received::Closed) => Ok(Seen::Closed),
                // Its sender died or gave up: it was not sent.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
                Err(error) => Err(RecvError::Item(ItemError::new(error))),
            };
        }
    }

    fn inbox(&mut self) -> &mut Inbox {
        self.inbox.get_or_insert_with(|| {
            let depots = std::mem::take(&mut self.depots);
            Inbox::moved(Arc::clone(&self.socket), depots)
        })
    }

    /// Readable when there is something to look at.
    fn source(&self) -> BorrowedFd<'_> {
        match &self.inbox {
            Some(inbox) => inbox.source(),
            None => self.socket.as_fd(),
        }
    }

    /// Waits until there is something to look at; false if the deadline came first.
    fn wait(&mut self, deadline: Option<Instant>) -> bool {
        let idle = self.inbox.as_ref().and_then(Inbox::keeps_memory_for);
        if let Some(idle) = idle
            && let Some(idle) = deadline::left(deadline, idle)
            && let Some(inbox) = &mut self.inbox
        {
            if poll::wait_readable(inbox.source(), deadline::after(idle)) {
                return true;
            }
            inbox.give_back();
        }
        poll::wait_readable(self.source(), deadline)
    }

    /// Wakes the task when there is something to look at.
    fn arm(&mut self, waker: &Waker) -> io::Result<()> {
        // Each long item has a source of its own.
        let readiness = Readiness::new(self.source())?;
        self.readiness.insert(readiness).wake(waker)
    }

    /// Takes in the rest of an item that is arriving, so that it can move along.
    fn settle(&mut self) -> Result<(), RecvError> {
        while self.inbox.as_ref().is_some_and(Inbox::is_assembling) {
            match self.look() {
                Ok(Seen::Item(message)) => self.pending = Some(message),
                Ok(Seen::Nothing) => {
                    if !self.wait(deadline::after(STANDSTILL)) {
                        let text = "the item that is being received has stalled";
                        return Err(RecvError::Item(ItemError::new(text)));
                    }
                }
                Ok(Seen::Closed) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Depart for ReceiverCore {
    fn settle(&self, sent: bool) {
        let mut location = self.location();
        let before = std::mem::replace(&mut *location, EndLocation::Gone);
        if !sent && let EndLocation::Leaving(end) = before {
            *location = EndLocation::Here(end);
        }
    }
}

impl<T> Receiver<T> {
    /// Whether this end was not sent to another process.
    pub(super) fn check_here(&self) -> Result<(), ItemError> {
        self.core
            .location()
            .here()
            .map(drop)
            .map_err(ItemError::new)
    }

    /// Adds this end, which leaves with the message, to what a handle is made of. An item that was
    /// received here, and not asked for, moves along.
    pub(super) fn pack(&self, parts: &mut Parts) -> Result<(), codec::Error> {
        let mut location = self.core.location();
        let end = location.here().map_err(codec::Error::display)?;
        end.settle().map_err(codec::Error::display)?;
        parts.attach(&end.socket);
        let used_here = end.inbox.as_ref().map(Inbox::depots);
        for (depot, file) in used_here.as_ref().unwrap_or(&end.depots) {
            parts.numbers.push(*depot);
            parts.attach(file);
        }
        if let Some(message) = &end.pending {
            for bytes in std::iter::once(&message.head).chain(&message.splices) {
                parts.bytes.push(codec::copy(bytes)?);
            }
            message.attachments.iter().for_each(|it| parts.attach(it));
        }
        if let EndLocation::Here(end) = std::mem::replace(&mut *location, EndLocation::Gone) {
            *location = EndLocation::Leaving(end);
        }
        drop(location);
        parts.depart(Arc::clone(&self.core) as Arc<dyn Depart>);
        Ok(())
    }

    /// The end that a handle is made of, and what moved along: an item, and memory in which others are.
    pub(super) fn unpack(
        numbers: &[u64],
        descriptors: &[Arc<OwnedFd>],
        bytes: &mut Vec<Vec<u8>>,
    ) -> Result<Receiver<T>, codec::Error> {
        let (socket, rest) = descriptors
            .split_first()
            .ok_or_else(codec::Error::damaged_handle)?;
        let (files, attachments) = rest
            .split_at_checked(numbers.len())
            .ok_or_else(codec::Error::damaged_handle)?;
        let depots = numbers.iter().copied().zip(files.iter().cloned()).collect();
        item::check_socket(socket)?;
        let mut bytes = std::mem::take(bytes).into_iter();
        let pending = bytes.next().map(|head| Message {
            head,
            splices: bytes.collect(),
            attachments: attachments.to_vec(),
        });
        Ok(Receiver::moved(Arc::clone(socket), depots, pending))
    }
}

impl<T> Serialize for Receiver<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        handle::serialize(
            serializer,
            Identity::new::<T>(HandleKind::Receiver),
            |parts| self.pack(parts),
        )
    }
}

impl<'de, T> Deserialize<'de> for Receiver<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Receiver<T>, D::Error> {
        handle::deserialize(
            deserializer,
            Identity::new::<T>(HandleKind::Receiver),
            |parts| Receiver::unpack(&parts.numbers, &parts.descriptors, &mut parts.bytes),
        )
    }
}

impl<T> Source for Receiver<T> {
    fn watch(&self) -> WaitFor<'_> {
        let mut location = self.core.location();
        let Ok(end) = location.here() else {
            return WaitFor::Ready;
        };
        if end.pending.is_some() || end.failed.is_some() {
            return WaitFor::Ready;
        }
        match &end.inbox {
            Some(inbox) if inbox.is_assembling() => {
                match inbox.source().try_clone_to_owned() {
                    Ok(source) => WaitFor::Shared(Arc::new(source)),
                    // Receiving will tell.
                    Err(_) => WaitFor::Ready,
                }
            }
            _ => WaitFor::Shared(Arc::clone(&end.socket)),
        }
    }

    fn confirm(&self) -> bool {
        let mut location = self.core.location();
        let Ok(end) = location.here() else {
            return true;
        };
        match end.look() {
            Ok(Seen::Item(message)) => {
                end.pending = Some(message);
                true
            }
            Ok(Seen::Nothing) => false,
            Ok(Seen::Closed) => true,
            // It cannot be put back, but it can be told again.
            Err(error) => {
                end.failed = Some(error);
                true
            }
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

/// An iterator over items as they come. Returned by [`Receiver::iter`] and [`Duplex::iter`].
///
/// [`Duplex::iter`]: super::Duplex::iter
///
/// # Examples
///
/// ```
/// let (sender, receiver) = multiproc::channel::channel()?;
/// sender.send(1).unwrap();
/// drop(sender);
/// let mut items = receiver.iter();
/// assert_eq!(items.next(), Some(1));
/// assert_eq!(items.next(), None); // all senders are gone
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
#[must_use = "iterators do nothing until they are iterated over"]
pub struct Iter<'a, T>(&'a Receiver<T>);

/// An iterator over items that are there. Returned by [`Receiver::try_iter`].
///
/// # Examples
///
/// ```
/// let (sender, receiver) = multiproc::channel::channel()?;
/// sender.send(1).unwrap();
/// let mut waiting = receiver.try_iter();
/// assert_eq!(waiting.next(), Some(1));
/// assert_eq!(waiting.next(), None);
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
#[must_use = "iterators do nothing until they are iterated over"]
pub struct TryIter<'a, T>(&'a Receiver<T>);

/// An iterator over items as they come, which owns its receiver.
///
/// # Examples
///
/// ```
/// let (sender, receiver) = multiproc::channel::channel()?;
/// sender.send(1).unwrap();
/// drop(sender);
/// assert_eq!(receiver.into_iter().collect::<Vec<i32>>(), [1]);
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
#[must_use = "iterators do nothing until they are iterated over"]
pub struct IntoIter<T>(Receiver<T>);

impl<T: DeserializeOwned> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        loop {
            match self.0.recv() {
                Ok(item) => return Some(item),
                Err(RecvError::Item(_)) => {}
                Err(RecvError::Disconnected | RecvError::Sent) => return None,
            }
        }
    }
}

impl<T: DeserializeOwned> Iterator for TryIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        loop {
            match self.0.try_recv() {
                Ok(item) => return Some(item),
                Err(TryRecvError::Item(_)) => {}
                Err(_) => return None,
            }
        }
    }
}

impl<T: DeserializeOwned> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.iter().next()
    }
}

impl<'a, T: DeserializeOwned> IntoIterator for &'a Receiver<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T: DeserializeOwned> IntoIterator for Receiver<T> {
    type Item = T;
    type IntoIter = IntoIter<T>;

    fn into_iter(self) -> IntoIter<T> {
        IntoIter(self)
    }
}
