//! [`Payload`] in other words.
//!
//! What rustc says of a type that cannot be sent is one text for all types. Generated code looks at
//! how the type is spelt and asks for the trait here whose words fit best. Whether the type can be
//! sent does not depend on that: each of these traits is implemented for what is `Payload`.

use crate::dispatch::{BorrowedCodec, OwnedCodec, ResultCodec};
use crate::payload::{Payload, PayloadRef};

/// Declares traits that are `Payload` to all types.
macro_rules! payload_as {
    ($($(#[$attr:meta])* $Hint:ident;)*) => {$(
        $(#[$attr])*
        pub trait $Hint: Sized + 'static {
            /// The codec of a parameter.
            #[must_use]
            fn owned() -> OwnedCodec<Self>;

            /// The codec of a result.
            #[must_use]
            fn result() -> ResultCodec<Self>;
        }

        #[diagnostic::do_not_recommend]
        impl<T: Payload> $Hint for T {
            fn owned() -> OwnedCodec<Self> {
                <T as Payload>::owned()
            }

            fn result() -> ResultCodec<Self> {
                <T as Payload>::result()
            }
        }
    )*};
}

payload_as! {
    /// An array that may be too long.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot cross a process boundary",
        label = "serde knows arrays of up to 32 elements",
        note = "write `Vec<T>` for `[T; N]`, or `&[T]` for a parameter, which is sent without a copy",
        note = "inside a type of your own: `#[serde(with = \"..\")]` of the crate `serde-big-array` or `serde_with`"
    )]
    PayloadArray;

    /// An `Arc` or `Rc`.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot cross a process boundary",
        label = "an `Arc` or `Rc` reaches only the threads of one process",
        note = "write the type of what is inside: it is copied, or, for what processes share, a type of `multiproc::sync` or `multiproc::shm::Shared`",
        note = "with the feature `rc` of serde, they are sent as copies of what is inside"
    )]
    PayloadPointer;

    /// An end of a channel.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot cross a process boundary",
        label = "an end of a channel between threads or tasks reaches only those of one process",
        note = "write `multiproc::channel::Sender` or `multiproc::channel::Receiver`, or `multiproc::channel::Queue`",
        note = "to a type of your own, add `#[derive(serde::Serialize, serde::Deserialize)]`"
    )]
    PayloadChannel;

    /// A handle with something inside.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot cross a process boundary",
        label = "what is inside cannot live in memory that processes share",
        note = "what a type of `multiproc::sync` or `multiproc::shm` holds has to be `multiproc::Shareable`: of fixed size and free of pointers; add `#[derive(multiproc::Shareable)]` to types of your own",
        note = "instead of `String` or `Vec` write an array such as `[u8; 64]`, or a slice, as in `Mutex<[u8]>`"
    )]
    PayloadHandle;

    /// A `Result`.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot cross a process boundary",
        label = "serde cannot both write and read this type",
        note = "for an error that serde does not know write `multiproc::RemoteError`, as in `Result<T, multiproc::RemoteError>`: `?` makes one of any error",
        note = "to a type of your own, add `#[derive(serde::Serialize, serde::Deserialize)]`; those of other crates often have it behind a feature `serde`"
    )]
    PayloadResult;
}

/// Declares traits that are `PayloadRef` to all types.
macro_rules! payload_ref_as {
    ($($(#[$attr:meta])* $Hint:ident;)*) => {$(
        $(#[$attr])*
        pub trait $Hint: 'static {
            /// The codec of a parameter.
            #[must_use]
            fn borrowed() -> BorrowedCodec<Self>;
        }

        #[diagnostic::do_not_recommend]
        impl<T: PayloadRef + ?Sized> $Hint for T {
            fn borrowed() -> BorrowedCodec<Self> {
                <T as PayloadRef>::borrowed()
            }
        }
    )*};
}

payload_ref_as! {
    /// An array that may be too long.
    #[diagnostic::on_unimplemented(
        message = "`&{Self}` cannot cross a process boundary",
        label = "serde knows arrays of up to 32 elements",
        note = "write `&[T]` for `&[T; N]`"
    )]
    PayloadRefArray;

    /// A handle with something inside.
    #[diagnostic::on_unimplemented(
        message = "`&{Self}` cannot cross a process boundary",
        label = "what is inside cannot live in memory that processes share",
        note = "what a type of `multiproc::sync` or `multiproc::shm` holds has to be `multiproc::Shareable`: of fixed size and free of pointers; add `#[derive(multiproc::Shareable)]` to types of your own",
        note = "instead of `String` or `Vec` write an array such as `[u8; 64]`, or a slice, as in `Mutex<[u8]>`"
    )]
    PayloadRefHandle;
}
