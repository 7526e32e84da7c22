//! Descriptors as arguments and results.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use crate::codec::Error;
use crate::codec::handle::{self, HandleKind, Identity};
use crate::sys::fd::{AsFd, OwnedFd};

/// An open descriptor that can be sent: `Fd<File>`, `Fd<TcpListener>`, `Fd<OwnedFd>`.
///
/// The receiver gets a descriptor of its own for the same open file, socket or pipe, close-on-exec
/// like all of Rust's; the sender keeps its own. `Fd<T>` derefs to `T`, which [`into_inner`]
/// returns. It can be sent like any value, alone or as a field of your types.
///
/// [`into_inner`]: Fd::into_inner
///
/// # Errors
///
/// An `Fd` can only be serialized into a message to another process; elsewhere, for example in a
/// file, that is an error of the serializer. If the receiver has no free descriptor, the error is
/// [`Decode`](crate::ErrorKind::Decode).
///
/// # Examples
///
/// ```
/// use multiproc::{Fd, RemoteError, worker};
/// use std::io::{Read, Write};
///
/// #[worker]
/// fn answer(mut pipe: Fd<std::io::PipeWriter>) -> Result<(), RemoteError> {
///     Ok(pipe.write_all(b"42")?)
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (mut reader, writer) = std::io::pipe()?;
/// answer::run(Fd::new(writer))??;
/// let mut text = String::new();
/// reader.read_to_string(&mut text)?;
/// assert_eq!(text, "42");
/// # Ok(())
/// # }
/// ```
///
/// # Caveats
///
/// * Both descriptors stand for one open file: its position, its flags (`O_NONBLOCK`, `O_APPEND`)
///   and its locks (`flock`) are shared. Two processes that read it each get a part. A receiver
///   that needs all of it should open the file anew, by its path.
/// * A pipe or a socket ends when all descriptors of that end are closed: those of the receiver, and
///   the duplicate of the sender, if it kept one.
pub struct Fd<T>(T);

impl<T> Fd<T> {
    /// Makes a descriptor ready to be sent.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Fd, worker};
    /// use std::net::TcpListener;
    ///
    /// #[worker]
    /// fn local_port(listener: Fd<TcpListener>) -> u16 {
    ///     listener.local_addr().unwrap().port()
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// let port = listener.local_addr()?.port();
    /// assert_eq!(local_port::run(Fd::new(listener))?, port);
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(descriptor: T) -> Fd<T> {
        Fd(descriptor)
    }

    /// Returns the descriptor.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> From<T> for Fd<T> {
    fn from(descriptor: T) -> Fd<T> {
        Fd(descriptor)
    }
}

impl<T> Deref for Fd<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Fd<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// Whatever type the receiver makes of it.
const IDENTITY: Identity = Identity::of_kind(HandleKind::Descriptor);

impl<T: AsFd> Serialize for Fd<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        handle::serialize(serializer, IDENTITY, |parts| {
            let descriptor = self
                .0
                .as_fd()
                .try_clone_to_owned()
                .map_err(Error::display)?;
            parts.attach(&Arc::new(descriptor));
            Ok(())
        })
    }
}

impl<'de, T: From<OwnedFd>> Deserialize<'de> for Fd<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fd<T>, D::Error> {
        handle::deserialize(deserializer, IDENTITY, |parts| {
            let ([], [descriptor]) = parts.exactly()?;
            // The message keeps its own until it has been read.
            descriptor.try_clone().map_err(Error::display)
        })
        .map(|descriptor| Fd(T::from(descriptor)))
    }
}

impl<T: fmt::Debug> fmt::Debug for Fd<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fd").field(&self.0).finish()
    }
}
