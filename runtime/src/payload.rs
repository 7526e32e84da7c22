//! What can cross a process boundary: the two bounds a user can miss, in the user's words.

use serde::{Serialize, de::DeserializeOwned};

use crate::dispatch::{BorrowedCodec, OwnedCodec, ResultCodec, borrowed, owned};

/// A value that can be an argument or a result of a worker.
///
/// Everything that serde can write and read back has it: derive `serde::Serialize` and
/// `serde::Deserialize` for types of your own. Handles of this library (locks, channels, shared
/// memory) have it too, alone or as fields of your types.
///
/// The trait is implemented for all such types and cannot be implemented by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot cross a process boundary",
    label = "serde cannot both write and read this type",
    note = "add `#[derive(serde::Serialize, serde::Deserialize)]` to every type of yours in it; crates often have a feature `serde` that adds it to theirs",
    note = "an error that serde cannot carry can be returned as `multiproc::RemoteError`"
)]
pub trait Payload: Serialize + DeserializeOwned + 'static {
    #[doc(hidden)]
    #[must_use]
    fn owned() -> OwnedCodec<Self> {
        owned()
    }

    #[doc(hidden)]
    #[must_use]
    fn result() -> ResultCodec<Self> {
        owned()
    }
}

// Without `do_not_recommend`, rustc looks through this impl and reports its bounds, one by one
// and in serde's words.
#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + 'static> Payload for T {}

/// What a worker can borrow: `&T` is encoded from the borrow and lent to the function in the
/// other process from the owned form, so `&str` arrives out of a `String` and `&[f64]` out of a
/// `Vec<f64>`.
///
/// The trait is implemented for all types that serde can write and whose
/// [`ToOwned::Owned`] can be sent; it cannot be implemented by hand.
#[diagnostic::on_unimplemented(
    message = "`&{Self}` cannot cross a process boundary",
    label = "serde cannot both write this type and read its owned form",
    note = "add `#[derive(Clone, serde::Serialize, serde::Deserialize)]` to every type of yours in it; crates often have a feature `serde` that adds it to theirs"
)]
pub trait PayloadRef: ToOwned<Owned: Payload> + Serialize + 'static {
    #[doc(hidden)]
    #[must_use]
    fn borrowed() -> BorrowedCodec<Self> {
        borrowed()
    }
}

#[diagnostic::do_not_recommend]
impl<T> PayloadRef for T
where
    T: ?Sized + ToOwned + Serialize + 'static,
    T::Owned: Payload,
{
}
