//! Queues of many producers and many consumers.

mod area;
mod core;
mod event;
#[cfg(test)]
mod interleavings;
mod message;
mod parcels;
mod ring;
#[cfg(test)]
mod tests;
mod warm;

use std::fmt;
use std::io;
use std::marker::PhantomData;
#[cfg(any(test, fuzzing))]
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{Serialize, Serializer};

pub(crate) use self::core::{Overflow, Popped, Pushed};

use self::core::{Core, QueueHandles};
use self::event::POLL_INTERVAL;
use self::parcels::Parcels;
use self::ring::damaged;
use super::error::{
    ItemError, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};
use super::item;
use super::wait::{Source, WaitFor};
use crate::codec::handle::{self, HandleKind, Identity};
use crate::codec::{self, Output};
use crate::sys::deadline;
use crate::sys::notify_fd::NotifyFd;

/// A bounded queue in shared memory, for any number of producers and consumers in any processes.
///
/// Every clone can push and pop. A queue can be an argument, a result, an item of a channel, alone
/// or inside of your types. Items are of any type that serde can write and read back, of any size,
/// with handles inside. The items of one producer are popped in the order in which it pushed them.
///
/// A process that is killed, at whatever instruction, leaves the queue intact: at most the item
/// that it was pushing or popping is lost.
///
/// # Examples
///
/// ```
/// use multiproc::channel::Queue;
/// use multiproc::worker;
///
/// #[worker]
/// fn square(inputs: Queue<u64>, outputs: Queue<u64>) {
///     for input in &inputs {
///         outputs.push(input * input).unwrap();
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let inputs = Queue::bounded(16)?;
/// let outputs = Queue::bounded(16)?;
/// let one = square::spawn(inputs.clone(), outputs.clone())?;
/// let other = square::spawn(inputs.clone(), outputs.clone())?;
/// for number in 1..=10 {
///     inputs.push(number)?;
/// }
/// inputs.close();
/// one.join()?;
/// other.join()?;
/// assert_eq!(outputs.drain().sum::<u64>(), 385);
/// # Ok(())
/// # }
/// ```
///
/// # Caveats
///
/// * A queue does not know its producers: when they are gone, `pop` waits until the queue is
///   [closed](Queue::close). A [`channel`](super::channel()) ends with its senders.
/// * If a process pops an item and is then killed, the item is lost, and unless it was reported
///   [done](Queue::task_done), [`join`](Queue::join) waits for ever.
/// * A process that is stopped (`SIGSTOP`) in the middle of a push or a pop holds up the others
///   until it goes on or dies.
/// * A push that waits may go on up to a tenth of a second late while more than half of the places
///   are taken: the consumers have enough to do then.
/// * A few hundred batches of items with descriptors inside can be in a queue at a time: a push
///   waits then as if the queue were full.
/// * A process that writes to wrong addresses can damage the queue, which is mapped into all
///   processes that have it. Then an item is an error, or each push and pop is,
///   [`join`](Queue::join) panics, and iterators end. No caller waits for an item that cannot come
///   any more.
/// * A queue costs five descriptors in each process that has it, and 128 bytes of memory for each
///   place, 128 KiB at least. Longer items take more as long as they are in the queue, and up to
///   4 MiB are kept for them, which each process maps.
pub struct Queue<T> {
    core: Arc<Core>,
    items: PhantomData<fn(T) -> T>,
}

/// What is shorter lies in the head: to copy it costs less than to have it apart.
const SPLICE_MINIMUM: usize = 4096;

/// How long a push waits for the memory that is warm before it takes other.
const WARM_PATIENCE: Duration = Duration::from_millis(2);

impl<T> Queue<T> {
    /// Creates a queue for up to `capacity` items.
    ///
    /// # Errors
    ///
    /// The capacity is 0, there is no room in memory, or the process has too many open files.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::channel::Queue;
    ///
    /// let queue = Queue::<u64>::bounded(16)?;
    /// assert_eq!(queue.capacity(), 16);
    /// assert!(Queue::<u64>::bounded(0).is_err());
    /// # std::io::Result::Ok(())
    /// ```
    pub fn bounded(capacity: usize) -> io::Result<Queue<T>> {
        if capacity == 0 {
            let text = "the capacity of a queue must not be 0";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        Ok(Queue::new(Core::create(capacity)?))
    }

    /// What a process that goes astray can write to.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn memory(&self) -> BorrowedFd<'_> {
        self.core.handles().memory.as_fd()
    }

    /// Where it can send what does not belong there.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn socket(&self) -> BorrowedFd<'_> {
        self.core.handles().parcels.inlet.as_fd()
    }

    fn new(core: Core) -> Queue<T> {
        Queue {
            core: Arc::new(core),
            items: PhantomData,
        }
    }

    /// Returns the number of items in the queue. Other processes may change it at any time.
    #[must_use]
    pub fn len(&self) -> usize {
        self.core.len()
    }

    /// Returns `true` if the queue has no items. Other processes may change that at any time.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of items for which the queue has room.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.core.capacity()
    }

    /// Returns `true` if the queue was closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.core.is_closed()
    }

    /// Closes the queue, for all processes.
    ///
    /// Nothing can be pushed any more; the items in the queue can still be popped. All waiting
    /// callers are woken.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::channel::{Queue, RecvError};
    ///
    /// let queue = Queue::bounded(4)?;
    /// queue.push(1).unwrap();
    /// queue.close();
    /// assert!(queue.push(2).unwrap_err().is_disconnected());
    /// assert_eq!(queue.pop(), Ok(1));
    /// assert_eq!(queue.pop(), Err(RecvError::Disconnected));
    /// # std::io::Result::Ok(())
    /// ```
    pub fn close(&self) {
        self.core.close();
    }

    /// Reports that an item that was popped has been dealt with, for [`join`](Queue::join).
    ///
    /// # Panics
    ///
    /// If it is called more often than items were pushed, or if the queue is damaged (see
    /// [caveats](Queue#caveats)).
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = multiproc::channel::Queue::bounded(4)?;
    /// queue.push("a job".to_owned()).unwrap();
    /// let job = queue.pop().unwrap();
    /// println!("doing {job}");
    /// queue.task_done();
    /// queue.join(); // returns at once: all is done
    /// # std::io::Result::Ok(())
    /// ```
    #[track_caller]
    pub fn task_done(&self) {
        let is_counted = self.core.finish_task();
        self.assert_not_damaged();
        assert!(is_counted, "more tasks are done than items were pushed");
    }

    /// Waits until [`task_done`](Queue::task_done) was called for each item that was pushed.
    ///
    /// # Panics
    ///
    /// If the queue is damaged (see [caveats](Queue#caveats)).
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::channel::Queue;
    /// use multiproc::worker;
    ///
    /// #[worker]
    /// fn work(jobs: Queue<u32>) {
    ///     for job in &jobs {
    ///         println!("doing {job}");
    ///         jobs.task_done();
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let jobs = Queue::bounded(4)?;
    /// let process = work::spawn(jobs.clone())?;
    /// for job in 0..3 {
    ///     jobs.push(job)?;
    /// }
    /// jobs.join();
    /// jobs.close();
    /// process.join()?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn join(&self) {
        self.join_until(None);
    }

    /// Waits as [`join`](Queue::join) does, but not longer than `timeout`. Returns `false` if the
    /// time is over.
    ///
    /// # Panics
    ///
    /// As [`join`](Queue::join).
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::channel::Queue;
    /// use std::time::Duration;
    ///
    /// let queue = Queue::bounded(4)?;
    /// queue.push(1).unwrap();
    /// assert!(!queue.join_timeout(Duration::from_millis(1)));
    /// # std::io::Result::Ok(())
    /// ```
    #[must_use = "it says whether all is done"]
    #[track_caller]
    pub fn join_timeout(&self, timeout: Duration) -> bool {
        self.join_until(deadline::after(timeout))
    }

    #[track_caller]
    fn assert_not_damaged(&self) {
        assert!(!self.core.is_damaged(), "{}", damaged());
    }

    #[track_caller]
    fn join_until(&self, deadline: Option<Instant>) -> bool {
        loop {
            let ticket = self.core.idle().enter();
            self.assert_not_damaged();
            if self.core.is_idle() {
                return true;
            }
            if !self.core.idle().sleep(ticket, deadline, POLL_INTERVAL) {
                return false;
            }
        }
    }
}

impl<T: Serialize> Queue<T> {
    /// Puts an item in, waiting for room if there is none.
    ///
    /// # Errors
    ///
    /// The error gives the item back: the queue is closed, or the item cannot be encoded, or there
    /// is no memory for it. The queue is as before.
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = multiproc::channel::Queue::bounded(4)?;
    /// queue.push(7).unwrap();
    /// assert_eq!(queue.len(), 1);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn push(&self, item: T) -> Result<(), SendError<T>> {
        match self.push_until(&item, WaitMode::ForEver) {
            Ok(()) => Ok(()),
            Err(PushFailure::Closed) => Err(SendError(item, None)),
            Err(PushFailure::NoRoom) => Err(SendError(item, Some(ItemError::new("no room")))),
            Err(PushFailure::Item(error)) => Err(SendError(item, Some(error))),
        }
    }

    /// Puts an item in if there is room.
    ///
    /// # Errors
    ///
    /// As [`push`](Queue::push), or [`Full`](TrySendError::Full).
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = multiproc::channel::Queue::bounded(1)?;
    /// assert!(queue.try_push(1).is_ok());
    /// assert_eq!(queue.try_push(2).unwrap_err().into_inner(), 2);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn try_push(&self, item: T) -> Result<(), TrySendError<T>> {
        match self.push_until(&item, WaitMode::Not) {
            Ok(()) => Ok(()),
            Err(PushFailure::Closed) => Err(TrySendError::Disconnected(item)),
            Err(PushFailure::NoRoom) => Err(TrySendError::Full(item)),
            Err(PushFailure::Item(error)) => Err(TrySendError::Item(item, error)),
        }
    }

    /// Puts an item in, waiting for room, but not longer than `timeout`.
    ///
    /// # Errors
    ///
    /// As [`push`](Queue::push), or [`Timeout`](SendTimeoutError::Timeout).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let queue = multiproc::channel::Queue::bounded(1)?;
    /// queue.push(1).unwrap();
    /// assert!(queue.push_timeout(2, Duration::from_millis(1)).is_err());
    /// # std::io::Result::Ok(())
    /// ```
    pub fn push_timeout(&self, item: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
        let wait = deadline::after(timeout).map_or(WaitMode::ForEver, WaitMode::Until);
        match self.push_until(&item, wait) {
            Ok(()) => Ok(()),
            Err(PushFailure::Closed) => Err(SendTimeoutError::Disconnected(item)),
            Err(PushFailure::NoRoom) => Err(SendTimeoutError::Timeout(item)),
            Err(PushFailure::Item(error)) => Err(SendTimeoutError::Item(item, error)),
        }
    }
}

impl<T> Queue<T> {
    /// Puts an item in from a borrow of it, waiting for room if there is none: a `&str` is popped as a
    /// `String`, a `&[u8]` as a `Vec<u8>`, a `&T` as a `T`.
    ///
    /// Otherwise it is [`push`](Queue::push). No copy is made to be given away: long texts and
    /// slices of numbers are put in from where they are.
    ///
    /// # Errors
    ///
    /// As [`push`](Queue::push), but there is nothing to give back.
    ///
    /// # Examples
    ///
    /// ```
    /// let lines = multiproc::channel::Queue::<String>::bounded(4)?;
    /// for line in "one\ntwo".lines() {
    ///     lines.push_ref(line)?;
    /// }
    /// assert_eq!(lines.drain().collect::<Vec<_>>(), ["one", "two"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn push_ref<U>(&self, item: &U) -> Result<(), SendError<()>>
    where
        U: ?Sized + ToOwned<Owned = T> + Serialize,
    {
        self.push_until(item, WaitMode::ForEver)
            .map_err(|failure| match failure {
                PushFailure::Closed => SendError((), None),
                PushFailure::NoRoom => SendError((), Some(ItemError::new("no room"))),
                PushFailure::Item(error) => SendError((), Some(error)),
            })
    }

    fn push_until<U>(&self, item: &U, wait: WaitMode) -> Result<(), PushFailure>
    where
        U: ?Sized + Serialize,
    {
        let mut output = Output::new(item::ITEM);
        output
            .write_spliced(item, SPLICE_MINIMUM)
            .map_err(|error| PushFailure::Item(error.into()))?;
        self.push_output(&mut output, wait)
    }

    fn push_output(&self, output: &mut Output<'_>, wait: WaitMode) -> Result<(), PushFailure> {
        let core = &*self.core;
        let deadline = wait.deadline();
        let mut overflow = match wait {
            WaitMode::Not => Overflow::Allowed,
            WaitMode::Until(_) | WaitMode::ForEver => Overflow::NotYet,
        };
        let mut ticket = None;
        let mut spun = false;
        loop {
            let pushed = core
                .push(output, overflow, deadline)
                .ok_or(PushFailure::NoRoom)?
                .map_err(|error| PushFailure::Item(ItemError::new(error)))?;
            let again = match pushed {
                Pushed::Done(_) => {
                    output.confirm_sent();
                    return Ok(());
                }
                Pushed::Closed => return Err(PushFailure::Closed),
                Pushed::Full => POLL_INTERVAL,
                Pushed::WarmFull => WARM_PATIENCE,
            };
            if let WaitMode::Not = wait {
                return Err(PushFailure::NoRoom);
            }
            match ticket.take() {
                None if !spun => {
                    spun = true;
                    // Room is more than a place: bytes and descriptors need theirs. So it may not
                    // do to have seen some.
                    core.spin_for_room();
                }
                // Announced, then looked once more.
                None => ticket = Some(core.room().enter()),
                Some(ticket) => {
                    spun = false;
                    let length = core.len();
                    let in_time = core.room().sleep(ticket, deadline, again);
                    if let Pushed::WarmFull = pushed {
                        // There is a place. If no process pops, it is taken at once.
                        if !in_time || core.len() >= length {
                            overflow = Overflow::Allowed;
                        }
                    } else if !in_time {
                        return Err(PushFailure::NoRoom);
                    }
                }
            }
        }
    }
}

impl<T: DeserializeOwned> Queue<T> {
    /// Takes the first item out, waiting for one if there is none.
    ///
    /// # Errors
    ///
    /// * [`Disconnected`](RecvError::Disconnected): the queue is closed and empty.
    /// * [`Item`](RecvError::Item): an item cannot be read. It is out of the queue.
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = multiproc::channel::Queue::bounded(4)?;
    /// queue.push(1).unwrap();
    /// queue.push(2).unwrap();
    /// assert_eq!(queue.pop(), Ok(1));
    /// assert_eq!(queue.pop(), Ok(2));
    /// # std::io::Result::Ok(())
    /// ```
    pub fn pop(&self) -> Result<T, RecvError> {
        match self.pop_until(WaitMode::ForEver)? {
            Some(item) => Ok(item),
            None => Err(RecvError::Disconnected),
        }
    }

    /// Takes the first item out if there is one.
    ///
    /// # Errors
    ///
    /// As [`pop`](Queue::pop), or [`Empty`](TryRecvError::Empty).
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = multiproc::channel::Queue::<u32>::bounded(4)?;
    /// assert!(queue.try_pop().is_err());
    /// # std::io::Result::Ok(())
    /// ```
    pub fn try_pop(&self) -> Result<T, TryRecvError> {
        self.pop_until(WaitMode::Not)?.ok_or(TryRecvError::Empty)
    }

    /// Takes the first item out, waiting for one, but not longer than `timeout`.
    ///
    /// # Errors
    ///
    /// As [`pop`](Queue::pop), or [`Timeout`](RecvTimeoutError::Timeout).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let queue = multiproc::channel::Queue::<u32>::bounded(4)?;
    /// assert!(queue.pop_timeout(Duration::from_millis(1)).is_err());
    /// # std::io::Result::Ok(())
    /// ```
    pub fn pop_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
        let wait = deadline::after(timeout).map_or(WaitMode::ForEver, WaitMode::Until);
        self.pop_until(wait)?.ok_or(RecvTimeoutError::Timeout)
    }

    /// Takes out the items that are there, one at a time, without waiting.
    ///
    /// Items that cannot be read are skipped.
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = multiproc::channel::Queue::bounded(4)?;
    /// queue.push(1).unwrap();
    /// queue.push(2).unwrap();
    /// assert_eq!(queue.drain().collect::<Vec<i32>>(), [1, 2]);
    /// assert!(queue.is_empty());
    /// # std::io::Result::Ok(())
    /// ```
    pub fn drain(&self) -> Drain<'_, T> {
        Drain(self)
    }

    /// Takes out items as they come, until the queue is closed and empty.
    ///
    /// Items that cannot be read are skipped; [`pop`](Queue::pop) reports them.
    ///
    /// # Examples
    ///
    /// ```
    /// let queue = multiproc::channel::Queue::bounded(4)?;
    /// queue.push(1).unwrap();
    /// queue.push(2).unwrap();
    /// queue.close();
    /// assert_eq!(queue.iter().sum::<i32>(), 3);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn iter(&self) -> QueueIter<'_, T> {
        QueueIter(self)
    }

    /// An item, or `None` when the time is over.
    fn pop_until(&self, wait: WaitMode) -> Result<Option<T>, RecvError> {
        let core = &*self.core;
        let deadline = wait.deadline();
        let mut ticket = None;
        loop {
            match core.pop(deadline) {
                None => return Ok(None),
                Some(Popped::Item(_, message)) => return item::decode(message).map(Some),
                Some(Popped::Failed(_, error, _)) => {
                    return Err(RecvError::Item(ItemError::new(error)));
                }
                Some(Popped::Closed) => return Err(RecvError::Disconnected),
                Some(Popped::Damaged) => {
                    return Err(RecvError::Item(ItemError::new(damaged())));
                }
                Some(Popped::Empty) => {}
            }
            if let WaitMode::Not = wait {
                return Ok(None);
            }
            match ticket.take() {
                None if core.spin_for_items() => {}
                // Announced, then looked once more.
                None => ticket = Some(core.items().enter()),
                Some(ticket) => {
                    if !core.items().sleep(ticket, deadline, POLL_INTERVAL) {
                        return Ok(None);
                    }
                }
            }
        }
    }
}

/// How long to wait.
#[derive(Debug, Clone, Copy)]
enum WaitMode {
    Not,
    Until(Instant),
    ForEver,
}

impl WaitMode {
    /// Until when a lock is waited for. Those who do not wait wait for that, which is short.
    fn deadline(self) -> Option<Instant> {
        match self {
            WaitMode::Until(deadline) => Some(deadline),
            WaitMode::Not | WaitMode::ForEver => None,
        }
    }
}

enum PushFailure {
    Closed,
    NoRoom,
    Item(ItemError),
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Queue<T> {
        Queue {
            core: Arc::clone(&self.core),
            items: PhantomData,
        }
    }
}

impl<T> Serialize for Queue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        handle::serialize(serializer, Identity::new::<T>(HandleKind::Queue), |parts| {
            let handles = self.core.handles();
            parts.attach(&handles.memory);
            parts.attach(handles.bell.descriptor());
            parts.attach(&handles.parcels.inlet);
            parts.attach(&handles.parcels.outlet);
            Ok(())
        })
    }
}

impl<'de, T> Deserialize<'de> for Queue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Queue<T>, D::Error> {
        handle::deserialize(
            deserializer,
            Identity::new::<T>(HandleKind::Queue),
            |parts| {
                let ([], [memory, bell, inlet, outlet]) = parts.exactly()?;
                item::check_socket(inlet)?;
                item::check_socket(outlet)?;
                let handles = QueueHandles {
                    memory: Arc::clone(memory),
                    bell: NotifyFd::received(Arc::clone(bell)),
                    parcels: Parcels {
                        inlet: Arc::clone(inlet),
                        outlet: Arc::clone(outlet),
                    },
                };
                Core::open(handles)
                    .map(Queue::new)
                    .map_err(codec::Error::display)
            },
        )
    }
}

/// Is ready when an item is there, or none will come.
impl<T> Source for Queue<T> {
    fn watch(&self) -> WaitFor<'_> {
        self.core.items().enter_polling();
        if self.is_ready() {
            return WaitFor::Ready;
        }
        WaitFor::Polling(self.core.bell(), POLL_INTERVAL)
    }

    fn confirm(&self) -> bool {
        if !self.is_ready() {
            self.core.quiet_bell();
            self.core.items().enter_polling();
            if !self.is_ready() {
                return false;
            }
            self.core.ring_bell();
        }
        true
    }
}

impl<T> Queue<T> {
    fn is_ready(&self) -> bool {
        // What is damaged says so to the process that pops.
        !self.is_empty() || self.is_closed() || self.core.is_damaged()
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("is_closed", &self.is_closed())
            .finish()
    }
}

/// An iterator over items as they come. Returned by [`Queue::iter`].
///
/// # Examples
///
/// ```
/// let queue = multiproc::channel::Queue::bounded(4)?;
/// queue.push(1).unwrap();
/// queue.close();
/// let mut items = queue.iter();
/// assert_eq!(items.next(), Some(1));
/// assert_eq!(items.next(), None); // closed and empty
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
#[must_use = "iterators do nothing until they are iterated over"]
pub struct QueueIter<'a, T>(&'a Queue<T>);

/// An iterator over the items that are there. Returned by [`Queue::drain`].
///
/// # Examples
///
/// ```
/// let queue = multiproc::channel::Queue::bounded(4)?;
/// queue.push(1).unwrap();
/// let mut items = queue.drain();
/// assert_eq!(items.next(), Some(1));
/// assert_eq!(items.next(), None); // empty at the moment
/// # std::io::Result::Ok(())
/// ```
#[derive(Debug)]
#[must_use = "iterators do nothing until they are iterated over"]
pub struct Drain<'a, T>(&'a Queue<T>);

impl<T: DeserializeOwned> Iterator for QueueIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        loop {
            match self.0.pop() {
                Ok(item) => return Some(item),
                Err(RecvError::Item(_)) if self.0.core.is_damaged() => return None,
                Err(RecvError::Item(_)) => {}
                Err(RecvError::Disconnected | RecvError::Sent) => return None,
            }
        }
    }
}

impl<T: DeserializeOwned> Iterator for Drain<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        loop {
            match self.0.try_pop() {
                Ok(item) => return Some(item),
                Err(TryRecvError::Item(_)) if self.0.core.is_damaged() => return None,
                Err(TryRecvError::Item(_)) => {}
                Err(_) => return None,
            }
        }
    }
}

impl<'a, T: DeserializeOwned> IntoIterator for &'a Queue<T> {
    type Item = T;
    type IntoIter = QueueIter<'a, T>;

    fn into_iter(self) -> QueueIter<'a, T> {
        self.iter()
    }
}
