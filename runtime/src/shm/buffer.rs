#![expect(
    unsafe_code,
    reason = "each chunk has its own part of the buffer's memory"
)]

use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::cell_handle::CellHandle;
use super::no_state::Divided;
use super::shareable::Shareable;
use super::transfer_token::{Redeemed, TransferToken};
use crate::codec::Error;
use crate::codec::handle::{self, Depart, HandleKind, Identity, Parts};
use crate::lock::lock;
use crate::raw;
use crate::sys::deadline;

/// A slice in shared memory that is written in place, by one owner at a time.
///
/// A buffer is [split](Buffer::split) into [`Chunk`]s, which go to workers, come back as their
/// results, and are [joined](Buffer::join) again. No element is ever copied. Both deref to
/// `&mut [T]`.
///
/// # Examples
///
/// ```
/// use multiproc::shm::{Buffer, Chunk};
/// use multiproc::worker;
///
/// #[worker]
/// fn double(mut chunk: Chunk<u32>) -> Chunk<u32> {
///     chunk.iter_mut().for_each(|number| *number *= 2);
///     chunk
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let buffer = Buffer::from_slice(&[1, 2, 3, 4, 5])?;
/// let workers: Vec<_> = buffer
///     .split(2)
///     .into_iter()
///     .map(double::spawn)
///     .collect::<Result<_, _>>()?;
/// let chunks: Vec<_> = workers
///     .into_iter()
///     .map(|worker| worker.join())
///     .collect::<Result<_, _>>()?;
/// let buffer = Buffer::join(chunks)?;
/// assert_eq!(*buffer, [2, 4, 6, 8, 10]);
/// # Ok(())
/// # }
/// ```
pub struct Buffer<T>(Chunk<T>);

/// A part of a [`Buffer`] with exactly one owner.
///
/// A chunk is not `Clone`. Sending it moves it: if it was sent through a reference, using what is
/// left here panics, and sending that again is an error. If the receiver died or dropped the chunk,
/// it can be sent once more.
///
/// # Panics
///
/// Dereferencing a chunk that was sent panics.
///
/// # Errors
///
/// A chunk can only be serialized into a message to another process; elsewhere that is an error of
/// the serializer.
///
/// # Examples
///
/// ```
/// use multiproc::shm::{Buffer, Chunk};
/// use multiproc::worker;
///
/// #[worker]
/// fn fill(mut chunk: Chunk<usize>) -> Chunk<usize> {
///     let offset = chunk.offset();
///     for (index, element) in chunk.iter_mut().enumerate() {
///         *element = offset + index;
///     }
///     chunk
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut chunks = Buffer::new(4)?.split(2);
/// let second = fill::run(chunks.pop().unwrap())?;
/// assert_eq!(*second, [2, 3]);
/// # Ok(())
/// # }
/// ```
///
/// There is no second handle to the same elements:
///
/// ```compile_fail,E0599
/// let chunks = multiproc::shm::Buffer::<u8>::new(4).unwrap().split(2);
/// let both = (chunks[0].clone(), &chunks[0]);
/// ```
///
/// # Caveats
///
/// * Hand chunks over by value. If a chunk stays behind, in an `Arc` that was sent or behind a
///   `Serialize` of yours that wrote it through a reference, a thread may still be reading its
///   elements: then the receiver waits until it is dropped, and gets an error after five seconds.
/// * A chunk that can be sent again because its receiver was killed holds what that process left in
///   it.
/// * The chunk of a worker that was killed is lost to [`Buffer::join`].
pub struct Chunk<T> {
    cell: CellHandle<Divided, [T]>,
    start: usize,
    length: usize,
    /// What it was received with, so that the sender can tell whether it is still here.
    received: Option<CellHandle<TransferToken, ()>>,
    /// Whether there may be a `&[T]` into it.
    is_looked_at: AtomicBool,
    sent: Arc<Sent>,
    elements: PhantomData<T>,
}

/// Whether a chunk was sent, and with what.
#[derive(Debug, Default)]
struct Sent {
    is_sent: AtomicBool,
    token: Mutex<Option<CellHandle<TransferToken, ()>>>,
}

impl<T: Shareable> Buffer<T> {
    /// Creates a buffer of `length` elements, all of them `T::default()`.
    ///
    /// # Errors
    ///
    /// There is no room, or no descriptor left. A length of 0 is
    /// [`InvalidInput`](io::ErrorKind::InvalidInput).
    ///
    /// # Examples
    ///
    /// ```
    /// let mut buffer = multiproc::shm::Buffer::<u32>::new(3)?;
    /// buffer[1] = 7;
    /// assert_eq!(*buffer, [0, 7, 0]);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn new(length: usize) -> io::Result<Buffer<T>>
    where
        T: Default,
    {
        Ok(Buffer::whole(CellHandle::of_defaults(length)?))
    }

    /// Creates a buffer of `length` copies of a value, as `vec![value; length]` does.
    ///
    /// # Errors
    ///
    /// As [`new`](Buffer::new).
    ///
    /// # Examples
    ///
    /// ```
    /// let buffer = multiproc::shm::Buffer::from_elem(f32::INFINITY, 1000)?;
    /// assert_eq!(buffer.len(), 1000);
    /// assert!(buffer.iter().all(|element| element.is_infinite()));
    /// # std::io::Result::Ok(())
    /// ```
    pub fn from_elem(value: T, length: usize) -> io::Result<Buffer<T>>
    where
        T: Copy,
    {
        Ok(Buffer::whole(CellHandle::from_elem(value, length)?))
    }

    /// Creates a buffer with a copy of a slice.
    ///
    /// # Errors
    ///
    /// As [`new`](Buffer::new).
    ///
    /// # Examples
    ///
    /// ```
    /// let buffer = multiproc::shm::Buffer::from_slice(&[1.0, 2.5])?;
    /// assert_eq!(buffer.iter().sum::<f64>(), 3.5);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn from_slice(slice: &[T]) -> io::Result<Buffer<T>>
    where
        T: Copy,
    {
        Ok(Buffer::whole(CellHandle::from_slice(slice)?))
    }

    /// Makes one buffer of all its chunks, which may come in any order.
    ///
    /// # Errors
    ///
    /// A [`JoinError`] with the chunks, if they are not all the chunks of one buffer.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::shm::Buffer;
    ///
    /// let mut chunks = Buffer::from_slice(&[1, 2, 3])?.split(3);
    /// chunks.reverse();
    /// assert_eq!(*Buffer::join(chunks)?, [1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn join(chunks: impl IntoIterator<Item = Chunk<T>>) -> Result<Buffer<T>, JoinError<T>> {
        let mut chunks: Vec<Chunk<T>> = chunks.into_iter().collect();
        chunks.sort_by_key(|chunk| (chunk.start, chunk.length));
        match check_whole(&chunks) {
            Ok(cell) => {
                chunks.iter().for_each(Chunk::void);
                Ok(Buffer::whole(cell))
            }
            Err(reason) => Err(JoinError { chunks, reason }),
        }
    }

    /// Chunks of these lengths, one behind the other, which are the whole buffer.
    #[track_caller]
    pub(super) fn divide(self, lengths: impl Iterator<Item = usize>) -> Vec<Chunk<T>> {
        let whole = self.into_cell();
        let mut start = 0;
        let chunks: Vec<_> = lengths
            .map(|length| {
                let chunk = Chunk::new(whole.clone(), start, length, None);
                start += length;
                chunk
            })
            .collect();
        assert_eq!(start, whole.data().len(), "chunks are the whole buffer");
        chunks
    }

    /// The memory, to which there is no other way any more.
    #[track_caller]
    pub(super) fn into_cell(self) -> CellHandle<Divided, [T]> {
        let Buffer(whole) = self;
        whole.check();
        whole.void();
        whole.cell.clone()
    }

    /// The buffer in memory that belongs to the caller alone.
    pub(super) fn whole(cell: CellHandle<Divided, [T]>) -> Buffer<T> {
        let length = cell.data().len();
        Buffer(Chunk::new(cell, 0, length, None))
    }
}

/// The memory that sorted chunks make up, if they do.
fn check_whole<T>(chunks: &[Chunk<T>]) -> Result<CellHandle<Divided, [T]>, &'static str> {
    let Some(first) = chunks.first() else {
        return Err("there are no chunks to be joined");
    };
    let mut end = 0;
    for chunk in chunks {
        if !chunk.cell.is(&first.cell) {
            return Err("the chunks are of different buffers");
        }
        if chunk.sent.is_sent.load(Ordering::Relaxed) {
            return Err("a chunk has been sent to another process");
        }
        if chunk.start != end {
            return Err("a chunk is missing");
        }
        end += chunk.length;
    }
    if end != first.cell.data().len() {
        return Err("a chunk is missing");
    }
    Ok(first.cell.clone())
}

impl<T> Chunk<T> {
    fn new(
        cell: CellHandle<Divided, [T]>,
        start: usize,
        length: usize,
        received: Option<CellHandle<TransferToken, ()>>,
    ) -> Chunk<T> {
        Chunk {
            cell,
            start,
            length,
            received,
            is_looked_at: AtomicBool::new(false),
            sent: Arc::default(),
            elements: PhantomData,
        }
    }

    /// Returns the index in the buffer at which the chunk begins.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.start
    }

    fn memory(&self) -> NonNull<[T]> {
        self.check();
        self.part()
    }

    /// The chunk's memory, even if it was sent.
    fn part(&self) -> NonNull<[T]> {
        let data: NonNull<T> = self.cell.data().cast();
        // SAFETY: `start + length` is within the cell's slice, by `divide` and `deserialize`.
        let start = unsafe { data.add(self.start) };
        NonNull::slice_from_raw_parts(start, self.length)
    }

    #[track_caller]
    fn check(&self) {
        assert!(
            !self.sent.is_sent.load(Ordering::SeqCst),
            "this chunk has been sent to another process"
        );
    }

    /// The chunk has become part of something else: its sender may not send it again.
    fn void(&self) {
        if let Some(token) = &self.received {
            token.machine().void();
        }
    }
}

// Ownership is what makes the references below unique. There is one chunk for each part of a
// cell that has not been sent: `divide` and `join` consume what they divide and unite. Sending
// makes a token that one receiver can redeem, and marks the chunk; the mark goes only when the
// token was not voided and no other process holds it, so that no receiver has the part any more, or
// when the message was not sent and the token is withdrawn, which was not redeemed.
//
// What if a slice was borrowed from the chunk before it was sent? `serialize` takes `&self`, so
// there is no `&mut [T]`: that borrows the chunk uniquely, and would have to be over. But a `&[T]`
// may be there, and outlive the call, if the chunk was not moved into what is sent but shared with
// it. So a chunk remembers that it was looked at since it was last borrowed uniquely, which is
// when all such slices were gone. If it was, its token is only lent: no receiver redeems it before the
// chunk is dropped, when all its slices are gone too, or its process is dead. What is sent by value
// is dropped as soon as it is sent.
//
// The two flags decide together: a thread that looks sets `is_looked_at` and then finds `is_sent` not
// set; one that sends sets `is_sent` and then reads `is_looked_at`. All four are sequentially
// consistent, so not both miss the other.

impl<T> Deref for Chunk<T> {
    type Target = [T];

    #[track_caller]
    fn deref(&self) -> &[T] {
        if !self.is_looked_at.load(Ordering::Acquire) {
            // A look that fails is none.
            self.check();
            self.is_looked_at.store(true, Ordering::SeqCst);
        }
        // SAFETY: the part is initialised, and no thread changes it as long as we are here (see
        // above).
        unsafe { self.memory().as_ref() }
    }
}

impl<T> DerefMut for Chunk<T> {
    #[track_caller]
    fn deref_mut(&mut self) -> &mut [T] {
        *self.is_looked_at.get_mut() = false;
        // SAFETY: the part is initialised, and ours alone (see above).
        unsafe { self.memory().as_mut() }
    }
}

impl<T> Drop for Chunk<T> {
    fn drop(&mut self) {
        if let Some(token) = &*self.sent.token() {
            token.machine().let_go();
        }
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    #[track_caller]
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> DerefMut for Buffer<T> {
    #[track_caller]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl Sent {
    fn token(&self) -> MutexGuard<'_, Option<CellHandle<TransferToken, ()>>> {
        lock(&self.token)
    }
}

/// A chunk's departure with one token.
struct Leaving {
    sent: Arc<Sent>,
    token: CellHandle<TransferToken, ()>,
}

impl Depart for Leaving {
    fn settle(&self, sent: bool) {
        if sent {
            return;
        }
        let mut token = self.sent.token();
        if token.as_ref().is_some_and(|it| it.is(&self.token)) && self.token.machine().withdraw() {
            // The chunk never left: that token can be redeemed no more.
            *token = None;
            self.sent.is_sent.store(false, Ordering::SeqCst);
        }
    }
}

impl<T> Chunk<T> {
    /// Adds the chunk, which leaves with the message, to what a handle is made of.
    fn pack(&self, parts: &mut Parts) -> Result<(), Error> {
        let mut sent = self.sent.token();
        if let Some(token) = &*sent
            && (token.machine().is_void() || !token.is_alone())
        {
            return Err(Error::new(
                "this chunk has been sent to another process already",
            ));
        }
        // SAFETY: it is our part, and who had it is gone.
        if sent.is_some() && !unsafe { self.cell.is_value(self.part(), raw::Left::ByTheDead) } {
            return Err(Error::new(
                "this chunk is lost: a process was killed while writing it, and its bytes are not \
                 values of its type",
            ));
        }
        let token = CellHandle::<TransferToken, ()>::new(()).map_err(Error::display)?;
        self.cell.pack(parts)?;
        token.pack(parts)?;
        parts
            .numbers
            .extend([self.start as u64, self.length as u64]);
        self.sent.is_sent.store(true, Ordering::SeqCst);
        if self.is_looked_at.load(Ordering::SeqCst) {
            token.machine().lend(token.holders());
        }
        *sent = Some(CellHandle::clone(&token));
        drop(sent);
        self.void();
        parts.depart(Arc::new(Leaving {
            sent: Arc::clone(&self.sent),
            token,
        }));
        Ok(())
    }
}

impl<T: Shareable> Serialize for Chunk<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        handle::serialize(serializer, Identity::new::<T>(HandleKind::Chunk), |parts| {
            self.pack(parts)
        })
    }
}

/// How long a receiver waits for the sender to drop what it has sent.
const LENT_TIMEOUT: Duration = Duration::from_secs(5);

impl<T: Shareable> Chunk<T> {
    /// The chunk that a handle is made of, if its length is right for that of the buffer.
    fn unpack(
        parts: &Parts,
        is_right: impl FnOnce(usize, usize) -> bool,
    ) -> Result<Chunk<T>, Error> {
        let ([a, b, c, d, start, length], [memory, right]) = parts.exactly()?;
        let cell = CellHandle::<Divided, [T]>::unpack_slice(memory, [a, b])?;
        let token = CellHandle::<TransferToken, ()>::unpack(right, [c, d])?;
        let whole = cell.data().len();
        let range = usize::try_from(start)
            .ok()
            .zip(usize::try_from(length).ok());
        let (start, length) = range
            .filter(|(start, length)| start.checked_add(*length).is_some_and(|end| end <= whole))
            .filter(|(_, length)| is_right(*length, whole))
            .ok_or_else(Error::damaged_handle)?;
        let deadline = deadline::after(LENT_TIMEOUT);
        match token.machine().redeem(token.holders(), deadline) {
            Redeemed::Yes => Ok(Chunk::new(cell, start, length, Some(token))),
            Redeemed::No => Err(Error::new("a chunk can only be received once")),
            Redeemed::StillLent => Err(Error::new(
                "the sender of a chunk has kept it: hand it over by value, not in an `Arc` or \
                 through a reference",
            )),
        }
    }
}

impl<'de, T: Shareable> Deserialize<'de> for Chunk<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Chunk<T>, D::Error> {
        handle::deserialize(
            deserializer,
            Identity::new::<T>(HandleKind::Chunk),
            |parts| Chunk::unpack(parts, |_, _| true),
        )
    }
}

impl<T: Shareable> Serialize for Buffer<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        handle::serialize(
            serializer,
            Identity::new::<T>(HandleKind::Buffer),
            |parts| self.0.pack(parts),
        )
    }
}

impl<'de, T: Shareable> Deserialize<'de> for Buffer<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Buffer<T>, D::Error> {
        handle::deserialize(
            deserializer,
            Identity::new::<T>(HandleKind::Buffer),
            |parts| Chunk::unpack(parts, |length, whole| length == whole).map(Buffer),
        )
    }
}

impl<T: fmt::Debug> fmt::Debug for Chunk<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sent.is_sent.load(Ordering::Relaxed) {
            return f.write_str("(sent)");
        }
        (**self).fmt(f)
    }
}

impl<T: fmt::Debug> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The error of [`Buffer::join`]: the chunks are not all the chunks of one buffer.
///
/// # Examples
///
/// ```
/// use multiproc::shm::Buffer;
///
/// let mut chunks = Buffer::from_slice(&[1, 2, 3])?.split(3);
/// chunks.pop();
/// let error = Buffer::join(chunks).unwrap_err();
/// assert_eq!(error.to_string(), "a chunk is missing");
/// assert_eq!(error.into_chunks().len(), 2);
/// # std::io::Result::Ok(())
/// ```
pub struct JoinError<T> {
    chunks: Vec<Chunk<T>>,
    reason: &'static str,
}

impl<T> JoinError<T> {
    /// Returns the chunks, sorted by their offsets.
    #[must_use]
    pub fn into_chunks(self) -> Vec<Chunk<T>> {
        self.chunks
    }
}

impl<T> fmt::Debug for JoinError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinError")
            .field("chunks", &self.chunks.len())
            .field("reason", &self.reason)
            .finish()
    }
}

impl<T> fmt::Display for JoinError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason)
    }
}

impl<T> std::error::Error for JoinError<T> {}
