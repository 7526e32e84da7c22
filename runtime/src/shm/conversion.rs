use std::time::Duration;

use super::buffer::Buffer;
use super::shareable::Shareable;
use super::shared::Shared;

/// How long others are waited for: those that have sent what the buffer is made of and are about to drop it,
/// and those that may be about to drop a handle, or may not.
const TIMEOUT: Duration = Duration::from_secs(1);

impl<T: Shareable + Sync> Buffer<T> {
    /// Makes the buffer a slice that all processes can read and none can write to, without a copy.
    ///
    /// The way back is [`Shared::try_into_buffer`].
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::shm::{Buffer, Chunk, Shared};
    /// use multiproc::worker;
    ///
    /// /// The average of each element and its neighbours.
    /// #[worker]
    /// fn smooth(old: Shared<[f64]>, mut new: Chunk<f64>) -> Chunk<f64> {
    ///     for (place, element) in (new.offset()..).zip(new.iter_mut()) {
    ///         let neighbours = &old[place.saturating_sub(1)..old.len().min(place + 2)];
    ///         *element = neighbours.iter().sum::<f64>() / neighbours.len() as f64;
    ///     }
    ///     new
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut old = Buffer::from_slice(&[0.0, 0.0, 9.0, 0.0, 0.0, 0.0])?;
    /// let mut new = Buffer::new(6)?;
    /// for _pass in 0..2 {
    ///     let shared = old.into_shared();
    ///     let workers: Vec<_> = new
    ///         .chunks(3)
    ///         .into_iter()
    ///         .map(|chunk| smooth::spawn(shared.clone(), chunk))
    ///         .collect::<Result<_, _>>()?;
    ///     let chunks: Vec<_> = workers
    ///         .into_iter()
    ///         .map(|worker| worker.join())
    ///         .collect::<Result<_, _>>()?;
    ///     // What was written is read in the next pass, and what was read is written over.
    ///     old = Buffer::join(chunks)?;
    ///     new = shared.try_into_buffer().expect("the workers have ended");
    /// }
    /// assert_eq!(*old, [1.5, 2.0, 3.0, 2.0, 1.0, 0.0]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the buffer was sent, through a reference.
    ///
    /// # Caveats
    ///
    /// If a process keeps what it has sent, such as a chunk in an `Arc` that it has sent too, this takes a second,
    /// and there is no way back.
    #[must_use]
    #[track_caller]
    pub fn into_shared(self) -> Shared<[T]> {
        let cell = self.into_cell();
        // Who had it before may still have a handle, but one that is sent and void: it is never read or
        // sent again. It goes soon, and would be taken for one of those that are made from now on.
        cell.is_soon_alone(TIMEOUT);
        Shared(cell.with_machine())
    }
}

impl<T: Shareable + Sync> Shared<[T]> {
    /// Makes the slice a [`Buffer`], to be written to again, without a copy, if this is the only handle to it.
    ///
    /// A handle in another process counts, and one in a message, but not that of a process that has ended: one
    /// that was [joined](crate::Process::join), or was killed. A worker of a pool has dropped its argument when
    /// the result is there, if the function has taken it by value. For handles of other processes, which may be
    /// about to go, the function waits up to a second.
    ///
    /// # Errors
    ///
    /// The handle, if it is not the only one.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::shm::Shared;
    ///
    /// let shared = Shared::from_slice(&[1, 2, 3])?;
    /// let other = shared.clone();
    /// let shared = shared.try_into_buffer().unwrap_err();
    /// drop(other);
    /// let mut buffer = shared.try_into_buffer().unwrap();
    /// buffer[0] = 7;
    /// assert_eq!(*buffer, [7, 2, 3]);
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// # Caveats
    ///
    /// * If more than about 190 messages with handles to one slice were under way at a time, it stays what it is.
    /// * A slice of up to 16 KiB that was made by a constructor of `Shared`, not of `Buffer`, has memory in common
    ///   with others. It is not found to be the only one before messages with handles to those have arrived,
    ///   too.
    pub fn try_into_buffer(self) -> Result<Buffer<T>, Shared<[T]>> {
        if self.0.is_soon_alone(TIMEOUT) {
            Ok(Buffer::whole(self.0.with_machine()))
        } else {
            Err(self)
        }
    }
}

impl<T: Shareable + Sync> From<Buffer<T>> for Shared<[T]> {
    /// See [`Buffer::into_shared`].
    fn from(buffer: Buffer<T>) -> Shared<[T]> {
        buffer.into_shared()
    }
}

impl<T: Shareable + Sync> TryFrom<Shared<[T]>> for Buffer<T> {
    type Error = Shared<[T]>;

    /// See [`Shared::try_into_buffer`].
    fn try_from(shared: Shared<[T]>) -> Result<Buffer<T>, Shared<[T]>> {
        shared.try_into_buffer()
    }
}
