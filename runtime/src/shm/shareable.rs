//! What may live in memory shared between processes.

#![expect(unsafe_code, reason = "the trait is a promise")]

use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::{self, MaybeUninit};
use std::num::{NonZero, Wrapping};
use std::ptr;
use std::sync::atomic::{
    AtomicBool, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize, AtomicU8, AtomicU16,
    AtomicU32, AtomicU64, AtomicUsize,
};
use std::time::Duration;

/// A type that may live in memory shared between processes: of fixed size, without pointers,
/// without a destructor.
///
/// Integers, floats, `bool`, `char`, atomics and `Duration` implement it, and so do `Cell`,
/// `Option`, `Result`, arrays and tuples of such types. Derive it for types of your own.
///
/// # Examples
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
/// # Types that cannot implement it
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
/// checks this, field by field. It also tells locks how to find out whether the bytes that a killed
/// process left are a value; an implementation by hand promises that all bytes are.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot live in memory shared between processes",
    label = "not of fixed size and free of pointers",
    note = "add `#[derive(multiproc::Shareable)]` to types of your own",
    note = "instead of `String`, `Vec`, `Box` or a reference use an array such as `[u8; 64]`, or send the value as an argument, a result or through a channel"
)]
pub unsafe trait Shareable: Send + Sized + 'static {
    #[doc(hidden)]
    fn __check_fields() {}

    /// Whether bytes that are all zero are a value, and the one that `Default` gives each time. To
    /// write such bytes takes no time even where nothing is optimised.
    #[doc(hidden)]
    const __DEFAULT_IS_ZERO: bool = false;

    /// Whether the bytes are a value of this type, though a process was killed while writing them.
    /// What was written with one instruction, such as the variant of an `enum`, is whole if that was
    /// `by_the_dead`; otherwise something wrote any bytes there.
    ///
    /// # Safety
    ///
    /// The place can be read, if not as `Self`, aligned or not, and no thread writes there meanwhile.
    #[doc(hidden)]
    unsafe fn __is_value(_place: *const Self, _by_the_dead: bool) -> bool {
        true
    }

    /// Whether the bytes are those of a value. For `enum`s without content, which have no padding:
    /// the bytes of each variant are known.
    ///
    /// # Safety
    ///
    /// As [`__is_value`](Shareable::__is_value); and the type has no padding.
    #[doc(hidden)]
    unsafe fn __has_bytes_of(place: *const Self, value: &Self) -> bool {
        let value = ptr::from_ref(value);
        (0..size_of::<Self>()).all(|index| {
            // SAFETY: the caller's promise; any byte is a number.
            let here = unsafe { place.cast::<u8>().wrapping_add(index).read() };
            // SAFETY: as above.
            let there = unsafe { value.cast::<u8>().wrapping_add(index).read() };
            here == there
        })
    }
}

macro_rules! shareable {
    ($($type:ty),*) => {
        $(
            // SAFETY: a plain value of fixed size, without pointers or a destructor; whatever
            // its bytes are, they are one.
            unsafe impl Shareable for $type {
                const __DEFAULT_IS_ZERO: bool = true;
            }
        )*
    };
}

/// Types for which not all bits are a value; the function reads those of the other type.
macro_rules! picky {
    ($($type:ty, $bits:ty, $is_value:expr, $default_is_zero:expr;)*) => {
        $(
            // SAFETY: a plain value of fixed size, without pointers or a destructor.
            unsafe impl Shareable for $type {
                const __DEFAULT_IS_ZERO: bool = $default_is_zero;

                unsafe fn __is_value(place: *const Self, _: bool) -> bool {
                    const { assert!(size_of::<$type>() == size_of::<$bits>()) }
                    // SAFETY: the caller's promise; any bits are a number.
                    let bits = unsafe { place.cast::<$bits>().read_unaligned() };
                    $is_value(bits)
                }
            }
        )*
    };
}

shareable!(
    u8, u16, u32, u64, u128, usize, i8, i16, i32, i64, i128, isize
);
shareable!(f32, f64, ());
shareable!(AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize);
shareable!(AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicIsize);
picky!(
    bool, u8, |bits| bits < 2, true;
    AtomicBool, u8, |bits| bits < 2, true;
    char, u32, |bits| char::from_u32(bits).is_some(), true;
    Duration, [u32; 4], |bits: [u32; 4]| bits[NANOSECONDS] < 1_000_000_000, false;
    NonZero<u8>, u8, |bits| bits != 0, false;
    NonZero<u16>, u16, |bits| bits != 0, false;
    NonZero<u32>, u32, |bits| bits != 0, false;
    NonZero<u64>, u64, |bits| bits != 0, false;
    NonZero<u128>, u128, |bits| bits != 0, false;
    NonZero<usize>, usize, |bits| bits != 0, false;
    NonZero<i8>, i8, |bits| bits != 0, false;
    NonZero<i16>, i16, |bits| bits != 0, false;
    NonZero<i32>, i32, |bits| bits != 0, false;
    NonZero<i64>, i64, |bits| bits != 0, false;
    NonZero<i128>, i128, |bits| bits != 0, false;
    NonZero<isize>, isize, |bits| bits != 0, false;
);

/// Where among its words a `Duration` has the part of a second.
const NANOSECONDS: usize = 2;

const _: () = {
    let duration = Duration::new(0, 987_654_321);
    // SAFETY: of the same size, and nothing is asked of bits that may be missing.
    let words: [MaybeUninit<u32>; 4] = unsafe { mem::transmute(duration) };
    // SAFETY: if this word is another one, it is found here, by the compiler.
    assert!(unsafe { words[NANOSECONDS].assume_init() } == 987_654_321);
};

/// A copy of what may be a value, where it is aligned.
///
/// # Safety
///
/// As [`Shareable::__is_value`].
unsafe fn copy<T>(place: *const T) -> MaybeUninit<T> {
    // SAFETY: the caller's promise.
    unsafe { place.cast::<MaybeUninit<T>>().read_unaligned() }
}

// SAFETY: as its content.
unsafe impl<T: Shareable> Shareable for Wrapping<T> {
    const __DEFAULT_IS_ZERO: bool = T::__DEFAULT_IS_ZERO;

    unsafe fn __is_value(place: *const Self, by_the_dead: bool) -> bool {
        // SAFETY: the caller's promise; it has the layout of its content.
        unsafe { T::__is_value(place.cast(), by_the_dead) }
    }
}
// SAFETY: as its content; the representation is the same in all processes of the image.
unsafe impl<T: Shareable> Shareable for Option<T> {
    unsafe fn __is_value(place: *const Self, by_the_dead: bool) -> bool {
        if !by_the_dead {
            // There are variants that none is, and no way to ask for one.
            return false;
        }
        // SAFETY: the caller's promise.
        let copy = unsafe { copy(place) };
        // SAFETY: the variant is whole, and nothing else is read here: the content is only pointed
        // at.
        match unsafe { &*copy.as_ptr() } {
            // SAFETY: the copy can be read.
            Some(content) => unsafe { T::__is_value(content, by_the_dead) },
            None => true,
        }
    }
}
// SAFETY: as above.
unsafe impl<T: Shareable, E: Shareable> Shareable for Result<T, E> {
    unsafe fn __is_value(place: *const Self, by_the_dead: bool) -> bool {
        if !by_the_dead {
            // There are variants that none is, and no way to ask for one.
            return false;
        }
        // SAFETY: the caller's promise.
        let copy = unsafe { copy(place) };
        // SAFETY: as for `Option`.
        match unsafe { &*copy.as_ptr() } {
            // SAFETY: the copy can be read.
            Ok(content) => unsafe { T::__is_value(content, by_the_dead) },
            // SAFETY: as above.
            Err(content) => unsafe { E::__is_value(content, by_the_dead) },
        }
    }
}
// SAFETY: as its content. It is not `Sync`, so only what gives one thread at a time access to its
// content shares it.
unsafe impl<T: Shareable> Shareable for Cell<T> {
    const __DEFAULT_IS_ZERO: bool = T::__DEFAULT_IS_ZERO;

    unsafe fn __is_value(place: *const Self, by_the_dead: bool) -> bool {
        // SAFETY: the caller's promise; it has the layout of its content.
        unsafe { T::__is_value(place.cast(), by_the_dead) }
    }
}
// SAFETY: nothing is there.
unsafe impl<T: Send + 'static> Shareable for PhantomData<T> {}
// SAFETY: as its elements.
unsafe impl<T: Shareable, const N: usize> Shareable for [T; N] {
    const __DEFAULT_IS_ZERO: bool = T::__DEFAULT_IS_ZERO;

    unsafe fn __is_value(place: *const Self, by_the_dead: bool) -> bool {
        let first: *const T = place.cast();
        // SAFETY: the caller's promise; the elements lie one after the other.
        (0..N).all(|index| unsafe { T::__is_value(first.wrapping_add(index), by_the_dead) })
    }
}

macro_rules! tuples {
    ($first:ident $($rest:ident)*) => {
        // SAFETY: as its fields.
        unsafe impl<$first: Shareable, $($rest: Shareable),*> Shareable for ($first, $($rest,)*) {
            const __DEFAULT_IS_ZERO: bool =
                $first::__DEFAULT_IS_ZERO $(&& $rest::__DEFAULT_IS_ZERO)*;

            #[expect(non_snake_case, reason = "the fields are named after their types")]
            unsafe fn __is_value(place: *const Self, by_the_dead: bool) -> bool {
                // SAFETY: the caller's promise.
                let copy = unsafe { copy(place) };
                // SAFETY: nothing is read here: the fields are only pointed at.
                let ($first, $($rest,)*) = unsafe { &*copy.as_ptr() };
                // SAFETY: the copy can be read.
                (unsafe { $first::__is_value($first, by_the_dead) })
                    // SAFETY: as above.
                    $(&& unsafe { $rest::__is_value($rest, by_the_dead) })*
            }
        }
        tuples!($($rest)*);
    };
    () => {};
}
tuples!(A B C D E F G H I J K L);

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether bits are a value of a type of the same size.
    fn are<T: Shareable, B: Copy>(bits: B) -> bool {
        assert_eq!(size_of::<T>(), size_of::<B>());
        // SAFETY: the bits can be read.
        unsafe { T::__is_value((&raw const bits).cast(), true) }
    }

    #[test]
    fn bits_that_no_value_has_are_found() {
        assert!(are::<bool, u8>(1) && !are::<bool, u8>(2));
        assert!(are::<char, u32>(0x10_ffff) && !are::<char, u32>(0xd800));
        assert!(are::<NonZero<u64>, u64>(1) && !are::<NonZero<u64>, u64>(0));
        assert!(are::<Duration, [u64; 2]>([7, 999_999_999]));
        assert!(!are::<Duration, [u64; 2]>([7, 1_000_000_000]));
        assert!(are::<f64, u64>(u64::MAX) && are::<AtomicU64, u64>(u64::MAX));
    }

    #[test]
    fn defaults_that_are_said_to_be_zero_are() {
        fn check<T: Shareable + Default>() -> bool {
            let value = T::default();
            let bytes = ptr::from_ref(&value).cast::<u8>();
            assert!(T::__DEFAULT_IS_ZERO);
            // SAFETY: none of the types that are asked for has padding.
            (0..size_of::<T>()).all(|index| unsafe { bytes.wrapping_add(index).read() } == 0)
        }
        assert!(check::<u8>() && check::<i128>() && check::<usize>() && check::<f64>());
        assert!(
            check::<bool>() && check::<char>() && check::<AtomicBool>() && check::<AtomicI64>()
        );
        assert!(check::<[Cell<f32>; 3]>() && check::<(u16, Wrapping<i16>)>() && check::<()>());
        const { assert!(!Duration::__DEFAULT_IS_ZERO && !<Option<u8>>::__DEFAULT_IS_ZERO) }
        const { assert!(!<(u8, Duration)>::__DEFAULT_IS_ZERO) }
    }

    #[test]
    fn they_are_found_at_any_depth() {
        assert!(are::<[bool; 3], [u8; 3]>([0, 1, 0]) && !are::<[bool; 3], [u8; 3]>([0, 1, 2]));
        assert!(!are::<(bool, Wrapping<u8>), [u8; 2]>([2, 2]));
        assert!(!are::<Cell<[(bool, bool); 1]>, [u8; 2]>([0, 2]));
        let some = Some((7_u32, 'a'));
        // SAFETY: a value can be read.
        assert!(unsafe { Shareable::__is_value(&raw const some, true) });
        let mut broken = MaybeUninit::new(Ok::<(char, u32), u8>(('a', 7)));
        let Ok((letter, _)) = unsafe_ref(&broken) else {
            unreachable!()
        };
        let offset = ptr::from_ref(letter).addr() - broken.as_ptr().addr();
        let letter = broken.as_mut_ptr().cast::<u32>().wrapping_byte_add(offset);
        // SAFETY: it is where the letter is.
        unsafe { letter.write(0xd800) };
        // SAFETY: the bytes can be read.
        assert!(!unsafe { Shareable::__is_value(broken.as_ptr(), true) });
    }

    #[test]
    fn no_variant_is_asked_for_among_any_bytes() {
        fn may_be_any<T: Shareable>(value: &T) -> bool {
            // SAFETY: a value can be read.
            unsafe { T::__is_value(value, false) }
        }
        assert!(may_be_any(&[(true, Wrapping(Cell::new('a')))]));
        assert!(!may_be_any(&Some(1_u8)) && !may_be_any(&Ok::<u8, u8>(1)));
        assert!(!may_be_any(&(1_u8, [Cell::new(Some(true))])));
    }

    fn unsafe_ref<T>(value: &MaybeUninit<T>) -> &T {
        // SAFETY: the test has made it.
        unsafe { value.assume_init_ref() }
    }

    #[test]
    fn bytes_are_compared_wholly() {
        let number = 0x0102_u16;
        // SAFETY: numbers can be read and have no padding.
        let has_bytes_of = |value: u16| unsafe { u16::__has_bytes_of(&raw const number, &value) };
        assert!(has_bytes_of(0x0102));
        assert!(!has_bytes_of(0x0202) && !has_bytes_of(0x0101));
    }
}
