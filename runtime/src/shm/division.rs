use super::buffer::{Buffer, Chunk};
use super::shareable::Shareable;

impl<T: Shareable> Buffer<T> {
    /// Divides the buffer into `count` chunks whose lengths differ by 1 at most.
    ///
    /// With more chunks than elements, the last ones are empty.
    ///
    /// # Panics
    ///
    /// If `count` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// let buffer = multiproc::shm::Buffer::from_slice(&[1, 2, 3, 4, 5])?;
    /// let chunks = buffer.split(2);
    /// assert_eq!(*chunks[0], [1, 2, 3]);
    /// assert_eq!(*chunks[1], [4, 5]);
    /// assert_eq!(chunks[1].offset(), 3);
    /// # std::io::Result::Ok(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn split(self, count: usize) -> Vec<Chunk<T>> {
        assert!(count > 0, "a buffer cannot be split into no chunks");
        let (quotient, remainder) = (self.len() / count, self.len() % count);
        self.divide((0..count).map(|index| quotient + usize::from(index < remainder)))
    }

    /// Divides the buffer into chunks of `length` elements; the last one may be shorter.
    ///
    /// As [`slice::chunks`], but what it gives are [`Chunk`]s, which can be sent.
    ///
    /// # Panics
    ///
    /// If `length` is 0.
    ///
    /// # Examples
    ///
    /// ```
    /// let buffer = multiproc::shm::Buffer::from_slice(&[1, 2, 3, 4, 5])?;
    /// let chunks = buffer.chunks(2);
    /// assert_eq!(chunks.len(), 3);
    /// assert_eq!(*chunks[1], [3, 4]);
    /// assert_eq!(*chunks[2], [5]);
    /// # std::io::Result::Ok(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn chunks(self, length: usize) -> Vec<Chunk<T>> {
        assert!(
            length > 0,
            "a buffer cannot be divided into chunks of no elements"
        );
        let whole = self.len();
        let starts = (0..whole).step_by(length);
        self.divide(starts.map(|start| length.min(whole - start)))
    }

    /// Divides the buffer into chunks of exactly `length` elements, such as the rows of a picture.
    ///
    /// # Panics
    ///
    /// If `length` is 0, or the buffer is not as long as so many times `length`. A chunk that is left over
    /// could easily be forgotten; [`chunks`](Buffer::chunks) has it as the last one.
    ///
    /// # Examples
    ///
    /// ```
    /// let picture = multiproc::shm::Buffer::<u8>::new(640 * 480)?;
    /// let rows = picture.chunks_exact(640);
    /// assert_eq!(rows.len(), 480);
    /// # std::io::Result::Ok(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn chunks_exact(self, length: usize) -> Vec<Chunk<T>> {
        assert!(
            length > 0 && self.len().is_multiple_of(length),
            "a buffer of {} elements cannot be divided into chunks of exactly {length}",
            self.len()
        );
        self.chunks(length)
    }

    /// Divides the buffer at these indices, in ascending order.
    ///
    /// There is one chunk more than there are indices. It may be empty.
    ///
    /// # Panics
    ///
    /// If an index is less than the one before it, or more than the length of the buffer.
    ///
    /// # Examples
    ///
    /// ```
    /// let buffer = multiproc::shm::Buffer::from_slice(&[1, 2, 3, 4, 5])?;
    /// let chunks = buffer.split_at(&[1, 4]);
    /// assert_eq!(*chunks[0], [1]);
    /// assert_eq!(*chunks[1], [2, 3, 4]);
    /// assert_eq!(*chunks[2], [5]);
    /// # std::io::Result::Ok(())
    /// ```
    #[must_use]
    #[track_caller]
    pub fn split_at(self, indices: &[usize]) -> Vec<Chunk<T>> {
        let length = self.len();
        let ends = indices.iter().copied().chain([length]);
        let mut start = 0;
        for end in ends.clone() {
            assert!(
                start <= end && end <= length,
                "a buffer of {length} elements cannot be split at {indices:?}"
            );
            start = end;
        }
        let starts = [0].into_iter().chain(indices.iter().copied());
        self.divide(starts.zip(ends).map(|(start, end)| end - start))
    }
}
