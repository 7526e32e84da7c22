//! What may live in memory shared between processes.

#![expect(unsafe_code, reason = "the trait is a promise")]

use std::cell::Cell;
use std::marker::PhantomData;
use std::num::{NonZero, Wrapping};
use std::sync::atomic::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicU8, AtomicU16,
    AtomicU32, AtomicU64, AtomicUsize,
};
use std::time::Duration;

/// A type that may live in memory shared between processes: of fixed size, without pointers,
/// without a destructor.
///
/// Integers, floats, `bool`, `char`, atomics, `Duration`, and `Cell`, `Option`, `Result`, arrays
/// and tuples of such types have it. Derive it for types of your own:
///
/// ```
/// use multiproc::Shareable;
/// use multiproc::sync::Mutex;
///
/// #[derive(Clone, Copy, Shareable)]
/// enum Move {
///     Still,
///     By { x: i32, y: i32 },
/// }
///
/// #[derive(Shareable)]
/// struct Player {
///     name: [u8; 16],
///     next: Option<Move>,
///     score: u64,
/// }
///
/// # fn main() -> std::io::Result<()> {
/// let player = Mutex::new(Player { name: *b"Ada             ", next: None, score: 0 })?;
/// player.lock().unwrap().next = Some(Move::By { x: 1, y: 2 });
/// # Ok(())
/// # }
/// ```
///
/// # What cannot have it
///
/// `String`, `Vec`, `Box` and references point into the memory of one process; elsewhere the
/// address means nothing. Use an array of fixed size, or send the value as an argument, a result
/// or through a channel.
///
/// ```compile_fail,E0277
/// let shared = multiproc::sync::Mutex::new(String::new());
/// ```
///
/// # Safety
///
/// A value must mean the same to every process that runs this program's image: it holds no
/// address and nothing that belongs to one process, such as a descriptor or the key of a
/// thread-local. It has no destructor: none is run when the last process is gone. The derive
/// checks this, field by field.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot live in memory shared between processes",
    label = "not of fixed size and free of pointers",
    note = "add `#[derive(multiproc::Shareable)]` to types of your own",
    note = "instead of `String`, `Vec`, `Box` or a reference use an array such as `[u8; 64]`, or send the value as an argument, a result or through a channel"
)]
pub unsafe trait Shareable: Send + Sized + 'static {
    #[doc(hidden)]
    fn __check_fields() {}
}

macro_rules! shareable {
    ($($type:ty),*) => {
        $(
            // SAFETY: a plain value of fixed size, without pointers or a destructor.
            unsafe impl Shareable for $type {}
        )*
    };
}

shareable!(
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize
);
shareable!(f32, f64, bool, char, (), Duration);
shareable!(AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize);
shareable!(
    AtomicI8,
    AtomicI16,
    AtomicI32,
    AtomicI64,
    AtomicIsize,
    AtomicBool
);
shareable!(
    NonZero<u8>,
    NonZero<u16>,
    NonZero<u32>,
    NonZero<u64>,
    NonZero<u128>,
    NonZero<usize>,
    NonZero<i8>,
    NonZero<i16>,
    NonZero<i32>,
    NonZero<i64>,
    NonZero<i128>,
    NonZero<isize>
);

// SAFETY: as its content.
unsafe impl<T: Shareable> Shareable for Wrapping<T> {}
// SAFETY: as its content; the representation is the same in all processes of the image.
unsafe impl<T: Shareable> Shareable for Option<T> {}
// SAFETY: as above.
unsafe impl<T: Shareable, E: Shareable> Shareable for Result<T, E> {}
// SAFETY: as its content. It is not `Sync`, so only what gives one thread at a time access to its
// content shares it.
unsafe impl<T: Shareable> Shareable for Cell<T> {}
// SAFETY: nothing is there.
unsafe impl<T: Send + 'static> Shareable for PhantomData<T> {}
// SAFETY: as its elements.
unsafe impl<T: Shareable, const N: usize> Shareable for [T; N] {}

macro_rules! tuples {
    ($first:ident $($rest:ident)*) => {
        // SAFETY: as its fields.
        unsafe impl<$first: Shareable, $($rest: Shareable),*> Shareable for ($first, $($rest,)*) {}
        tuples!($($rest)*);
    };
    () => {};
}
tuples!(A B C D E F G H I J K L);
