//! What can cross a process boundary: the two bounds a user can miss, in the user's words.

use serde::{Serialize, de::DeserializeOwned};

use crate::dispatch::{BorrowedCodec, OwnedCodec, ResultCodec, borrowed, owned};

/// A value that can be an argument or a result of a worker.
///
/// Every type that serde can write and read back implements it: derive `serde::Serialize` and
/// `serde::Deserialize` for types of your own. Handles of this library (locks, channels, shared
/// memory) implement it too, alone or as fields of your types. To serde they are opaque: they go
/// through `flatten`, untagged enums and buffers, but not through another format such as JSON, and
/// a handle that is unique, such as a receiver, cannot be duplicated.
///
/// A value can be nested 128 levels deep: a list, map, struct or variant is one level, an option or
/// newtype a quarter of one. A deeper value is an [`Encode`](crate::ErrorKind::Encode) error; a
/// value for which there is no memory is an error on the side that lacks it.
///
/// The trait is implemented for all such types and cannot be implemented by hand.
///
/// # Examples
///
/// ```
/// use multiproc::sync::Mutex;
/// use multiproc::worker;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct Job {
///     name: String,
///     total: Mutex<u64>,
/// }
///
/// #[worker]
/// fn work(job: Job) -> usize {
///     *job.total.lock().unwrap() += 1;
///     job.name.len()
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let total = Mutex::new(0)?;
/// assert_eq!(work::run(Job { name: "one".into(), total: total.clone() })?, 3);
/// assert_eq!(*total.lock().unwrap(), 1);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot cross a process boundary",
    label = "serde cannot both write and read this type",
    note = "add `#[derive(serde::Serialize, serde::Deserialize)]` to the type, or to those inside it that lack it",
    note = "types of other crates often have it behind a feature `serde`; an error can be returned as `multiproc::RemoteError`"
)]
// Two things make a type that cannot be sent one error, in the words above. The bounds are on the
// impl: as supertraits, rustc would check them beside the trait itself. And with
// `do_not_recommend` it does not look through the impl and report its bounds one by one.
pub trait Payload: Sized + 'static {
    #[doc(hidden)]
    #[must_use]
    fn owned() -> OwnedCodec<Self>;

    #[doc(hidden)]
    #[must_use]
    fn result() -> ResultCodec<Self>;
}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> Payload for T {
    fn owned() -> OwnedCodec<Self> {
        owned()
    }

    fn result() -> ResultCodec<Self> {
        owned()
    }
}

/// A type that a worker can borrow as `&T`.
///
/// The argument is encoded from the borrow. In the other process it is decoded into its owned form,
/// which is lent to the function: a `&str` points into a `String` there, a `&[f64]` into a
/// `Vec<f64>`.
///
/// The trait is implemented for all types that serde can write and whose
/// [`ToOwned::Owned`] can be sent; it cannot be implemented by hand.
///
/// # Examples
///
/// ```
/// use multiproc::worker;
/// use std::path::Path;
///
/// #[worker]
/// fn describe(path: &Path, sizes: &[u64]) -> String {
///     format!("{}: {} bytes", path.display(), sizes.iter().sum::<u64>())
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let sizes = vec![1, 2, 3];
/// assert_eq!(describe::run(Path::new("/tmp"), &sizes)?, "/tmp: 6 bytes");
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`&{Self}` cannot cross a process boundary",
    label = "serde cannot both write this type and read its owned form",
    note = "add `#[derive(Clone, serde::Serialize, serde::Deserialize)]` to the type, or to those inside it that lack it",
    note = "types of other crates often have it behind a feature `serde`"
)]
pub trait PayloadRef: 'static {
    #[doc(hidden)]
    #[must_use]
    fn borrowed() -> BorrowedCodec<Self>;
}

#[diagnostic::do_not_recommend]
impl<T> PayloadRef for T
where
    T: ?Sized + ToOwned + Serialize + 'static,
    T::Owned: DeserializeOwned + 'static,
{
    fn borrowed() -> BorrowedCodec<Self> {
        borrowed()
    }
}
