use std::fmt;
use std::io;
use std::ops::Deref;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::path::Path;
use std::sync::Arc;

use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use serde::ser::{Serialize, Serializer};

use super::sealed::{self, Bytes};
use super::thawed::{Content, Lease, Thaw};
use crate::codec::handle::{self, HandleKind, Identity, Parts};
use crate::codec::{Error, Output};
use crate::sys::fd::OwnedFd;

/// A value that many calls use: encoded once, decoded once in each process, and then lent.
///
/// An argument is encoded for each call, and decoded for each. That is a waste if it is large and always the
/// same: a model, a dictionary, a graph. A frozen value is written into shared memory when it is
/// made, which no process can change from then on. What calls carry is a handle; a process that gets the first
/// one decodes the value, and all others in that process, also those of later tasks of a pool, deref to the
/// same `&T`.
///
/// The value can be of any type that serde can write and read, unlike that of a [`Shared`](super::Shared),
/// which is read where it lies. Each process that uses it has a copy of its own, in the form that is fast to use.
/// Bulk data that several processes should not have twice, such as the numbers of a matrix, are better off
/// in a `Shared<[T]>`. The contents of a file need no decoding: [`Frozen::from_file`] makes a `Frozen<[u8]>`, whose
/// memory is shared.
///
/// `clone` gives another handle to the same value. Handles are arguments, results, items, or fields of
/// your types.
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
///
/// use multiproc::shm::Frozen;
/// use multiproc::{Pool, worker};
///
/// #[worker]
/// fn price(list: &Frozen<HashMap<String, f64>>, article: &str) -> Option<f64> {
///     list.get(article).copied()
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let list = HashMap::from([("apple".to_owned(), 0.5), ("pear".to_owned(), 0.75)]);
/// let list = Frozen::new(&list)?;
///
/// let pool = Pool::builder().workers(2).build()?;
/// let prices: Vec<_> = pool
///     .map(|article| price::call(&list, article), ["apple", "pear", "plum"])
///     .collect::<Result<_, _>>()?;
/// assert_eq!(prices, [Some(0.5), Some(0.75), None]);
/// # Ok(())
/// # }
/// ```
///
/// The value is lent to all threads of a process, so its type has to be `Sync`:
///
/// ```compile_fail,E0277
/// let cell = multiproc::shm::Frozen::new(&std::cell::Cell::new(1));
/// ```
///
/// and it cannot be changed:
///
/// ```compile_fail,E0596
/// let mut list = multiproc::shm::Frozen::new(&vec![1, 2]).unwrap();
/// list.push(3);
/// ```
///
/// # Errors
///
/// If a value cannot be decoded where its handle arrives, because there is no memory or its type does not
/// read what it writes, that is the [`Decode`](crate::ErrorKind::Decode) error of the message.
/// In the process that made it, the value is decoded when it is used for the first time.
///
/// A handle can only be serialized into a message to another process; elsewhere that is an error of
/// the serializer.
///
/// # Panics
///
/// Dereferencing the handle in the process that made the value panics if the value cannot be decoded.
///
/// # Caveats
///
/// * It has no handles inside: a lock or a channel stands beside it, in an argument of its own or in a field of
///   a type that has both.
/// * A process keeps a decoded value as long as there is a handle in any process or in a message, but at most 8
///   to which it has no handle itself, and a worker of a pool 16; so a pool that uses more in turn decodes some of
///   them again. When the last handle is gone, the memory is given back within a second or two, by a worker that
///   is busy before its next task.
/// * The process that made a value has the encoded form in memory, and what it was made of until that is dropped.
/// * Interior mutability is a process's own: a cache in a `OnceLock` is filled in each.
/// * Each value is a descriptor in each process that has a handle, two where it is kept.
/// * A process that was made by `fork` must not use the handles it finds there. If it drops them, nothing
///   happens.
pub struct Frozen<T: ?Sized>(Arc<Lease<T>>);

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Frozen<T> {
    /// Encodes a value into shared memory.
    ///
    /// # Errors
    ///
    /// There is no room, or no descriptor left. A value that serde cannot write, or that has handles
    /// inside, is [`InvalidInput`](io::ErrorKind::InvalidInput).
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::shm::Frozen;
    ///
    /// let words = Frozen::new(&vec!["some".to_owned(), "words".to_owned()])?;
    /// assert_eq!(words.len(), 2);
    /// # std::io::Result::Ok(())
    /// ```
    ///
    /// What stands for something shared is no data:
    ///
    /// ```
    /// use multiproc::shm::Frozen;
    /// use multiproc::sync::Mutex;
    ///
    /// let error = Frozen::new(&Mutex::new(0)?).unwrap_err();
    /// assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    /// # std::io::Result::Ok(())
    /// ```
    pub fn new(value: &T) -> io::Result<Frozen<T>> {
        let mut output = Output::after(Vec::new());
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        output.write_borrowed(value).map_err(invalid)?;
        if output.has_handles() {
            return Err(invalid(Error::new(
                "a value that has handles inside cannot be frozen: what they stand for changes, and would \
                 not end; send them beside it",
            )));
        }
        let file = sealed::write(&output)?;
        Ok(Frozen(Lease::create(file, Self::THAW)?))
    }

    const THAW: Thaw<T> = |file| {
        let mut message = sealed::read(file)?;
        let mut input = message.open_at(0);
        let value = input.read()?;
        input.finish()?;
        Ok(Content::Decoded(Box::new(value)))
    };
}

impl Frozen<[u8]> {
    /// Copies the contents of a file into shared memory, where all processes read them in place.
    ///
    /// The copy is what makes the slice safe: a file that is mapped itself can be changed by anyone under its
    /// readers, and kills them with `SIGBUS` if it is cut off. It is made once, for all processes, and takes as
    /// much memory as the file is long.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or there is no room, or no descriptor left. What is not a regular file is
    /// [`InvalidInput`](io::ErrorKind::InvalidInput).
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::shm::Frozen;
    /// use multiproc::worker;
    ///
    /// #[worker]
    /// fn count_lines(text: &Frozen<[u8]>) -> usize {
    ///     text.iter().filter(|byte| **byte == b'\n').count()
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let path = std::env::temp_dir().join(format!("lines-{}", std::process::id()));
    /// std::fs::write(&path, "one\ntwo\n")?;
    /// let text = Frozen::from_file(&path)?;
    /// std::fs::remove_file(&path)?;
    /// assert_eq!(count_lines::run(&text)?, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Caveats
    ///
    /// A file that is being written to meanwhile is copied in whatever state its parts are, up to the length that
    /// it has in the beginning.
    pub fn from_file(path: impl AsRef<Path>) -> io::Result<Frozen<[u8]>> {
        let file = sealed::copy(path.as_ref())?;
        Ok(Frozen(Lease::create(file, Self::MAP)?))
    }

    const MAP: Thaw<[u8]> = |file| Ok(Content::Mapped(Bytes::map(file)?, |bytes| bytes));
}

impl<T: ?Sized> Frozen<T> {
    /// Returns `true` if both are handles to the same value.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::shm::Frozen;
    ///
    /// let one = Frozen::new(&1)?;
    /// assert!(Frozen::ptr_eq(&one, &one.clone()));
    /// assert!(!Frozen::ptr_eq(&one, &Frozen::new(&1)?));
    /// # std::io::Result::Ok(())
    /// ```
    #[must_use]
    pub fn ptr_eq(this: &Frozen<T>, other: &Frozen<T>) -> bool {
        Arc::ptr_eq(&this.0, &other.0)
    }
}

impl<T: ?Sized> Deref for Frozen<T> {
    type Target = T;

    #[track_caller]
    fn deref(&self) -> &T {
        match self.0.value() {
            Ok(value) => value,
            Err(error) => panic!("a frozen value cannot be decoded: {error}"),
        }
    }
}

impl<T: ?Sized> Clone for Frozen<T> {
    fn clone(&self) -> Frozen<T> {
        Frozen(Arc::clone(&self.0))
    }
}

// The value is only lent, and what decodes it leaves nothing half done.
impl<T: ?Sized + RefUnwindSafe> UnwindSafe for Frozen<T> {}
impl<T: ?Sized + RefUnwindSafe> RefUnwindSafe for Frozen<T> {}

impl<T: ?Sized> Frozen<T> {
    fn pack(&self, parts: &mut Parts) -> Result<(), Error> {
        parts.attach(self.0.file().ok_or_else(Error::damaged_handle)?);
        Ok(())
    }
}

impl<T: ?Sized + Send + Sync + 'static> Frozen<T> {
    fn identity() -> Identity {
        Identity::new::<T>(HandleKind::Frozen)
    }

    fn receive<'de, D: Deserializer<'de>>(
        deserializer: D,
        thaw: Thaw<T>,
    ) -> Result<Frozen<T>, D::Error> {
        handle::deserialize(deserializer, Self::identity(), |parts| {
            let ([], [file]): (_, &[Arc<OwnedFd>; 1]) = parts.exactly()?;
            let receive = |file: &_| Lease::receive(file, thaw);
            match parts.common_file() {
                Some(common) => common.find_or_make(receive),
                None => receive(file),
            }
            .map(Frozen)
        })
    }
}

// Bounds of both halves are the same: what is said of a type that serde knows by half is not what is
// wrong with these.

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Serialize for Frozen<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        handle::serialize(serializer, Self::identity(), |parts| self.pack(parts))
    }
}

impl<'de, T: Serialize + DeserializeOwned + Send + Sync + 'static> Deserialize<'de> for Frozen<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Frozen<T>, D::Error> {
        Frozen::receive(deserializer, Self::THAW)
    }
}

impl Serialize for Frozen<[u8]> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        handle::serialize(serializer, Self::identity(), |parts| self.pack(parts))
    }
}

impl<'de> Deserialize<'de> for Frozen<[u8]> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Frozen<[u8]>, D::Error> {
        Frozen::receive(deserializer, Self::MAP)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Frozen<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
