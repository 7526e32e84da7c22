//! What can cross a process boundary: the two bounds a user can miss, in the user's words.

use serde::{Serialize, de::DeserializeOwned};

use crate::dispatch::{BorrowedCodec, OwnedCodec, ResultCodec, borrowed, owned};

/// A value that can be an argument or a result of a worker.
///
/// Everything that serde can write and read back has it: derive `serde::Serialize` and
/// `serde::Deserialize` for types of your own. Handles of this library (locks, channels, shared
/// memory) have it too, alone or as fields of your types. To serde they are opaque: they go through
/// `flatten`, untagged enums and buffers, but not through another format such as JSON, and there
/// cannot be made two of one that there is one of.
///
/// A value can be nested 128 levels deep: a list, map, struct or variant is one, an option or
/// newtype a quarter of one. A deeper one is an [`Encode`](crate::ErrorKind::Encode) error; one that
/// there is no memory for, an error of the side that has none.
///
/// The trait is implemented for all such types and cannot be implemented by hand.
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

/// What a worker can borrow: `&T` is encoded from the borrow and lent to the function in the
/// other process from the owned form, so `&str` arrives out of a `String` and `&[f64]` out of a
/// `Vec<f64>`.
///
/// The trait is implemented for all types that serde can write and whose
/// [`ToOwned::Owned`] can be sent; it cannot be implemented by hand.
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
