//! Slices of arrays of numbers as memory.
//!
//! `Vec<[f32; 3]>` is written as a [run](super::run), and read by anything as one. The bytes of such a run are the
//! memory of the arrays. So if what is iterated over is known to be a slice of arrays, by the type of its
//! iterator, they are copied at once, and likewise if what asks for them is serde's own visitor for
//! `Vec<[f32; 3]>`. A million of them, to a warm worker and decoded there: 1.95 ms, as three million `f32` take;
//! one by one it was 4.4.
//!
//! Those of the lengths that programs mostly have are found so; others are written and read one by one.
//! There are many types of arrays. What looks for one among them is compiled once: only the ids of types come from
//! code that is made for each type.

#![expect(unsafe_code, reason = "types proven equal are exchanged")]

use std::any::{Any, TypeId};
use std::ptr;
use std::slice;

use serde::de::{DeserializeOwned, Visitor};

use super::Error;
use super::bulk::{self, Bytes, ElementKind, Number};

/// An array of so many numbers of this kind, as it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct ArrayShape {
    pub(super) kind: ElementKind,
    pub(super) length: usize,
}

/// Calls `$call::<type, length>($arguments)` for the arrays that are written in this shape, until one gives
/// something.
macro_rules! for_arrays {
    ($shape:expr, $call:ident $arguments:tt) => {
        match $shape.kind {
            ElementKind::U8 => for_arrays!(@length $shape, $call u8 $arguments),
            ElementKind::U16 => for_arrays!(@length $shape, $call u16 $arguments),
            ElementKind::U32 => for_arrays!(@length $shape, $call u32 $arguments),
            ElementKind::U64 => for_arrays!(@length $shape, $call u64 $arguments)
                .or_else(|| for_arrays!(@length $shape, $call usize $arguments)),
            ElementKind::I8 => for_arrays!(@length $shape, $call i8 $arguments),
            ElementKind::I16 => for_arrays!(@length $shape, $call i16 $arguments),
            ElementKind::I32 => for_arrays!(@length $shape, $call i32 $arguments),
            ElementKind::I64 => for_arrays!(@length $shape, $call i64 $arguments)
                .or_else(|| for_arrays!(@length $shape, $call isize $arguments)),
            ElementKind::F32 => for_arrays!(@length $shape, $call f32 $arguments),
            ElementKind::F64 => for_arrays!(@length $shape, $call f64 $arguments),
            // These are rare, or written as others are.
            ElementKind::U128 | ElementKind::I128 | ElementKind::Usize | ElementKind::Isize => None,
        }
    };
    (@length $shape:expr, $call:ident $type:ident $arguments:tt) => {
        // Points, colours, quaternions, matrices. Each length makes a program some 15 KiB longer; serde knows
        // 32 of them, which were 520. Arrays of other lengths are copied one by one.
        for_arrays!(@each $shape, $call $type $arguments:
            2 3 4 8 9 16)
    };
    (@each $shape:expr, $call:ident $type:ident $arguments:tt: $($length:literal)*) => {
        // In them, numbers are as in memory: of that size, and with the lowest byte first.
        match $shape.length {
            $($length if $shape.is_memory::<$type>() => $call::<$type, $length> $arguments,)*
            _ => None,
        }
    };
}

impl ArrayShape {
    /// Whether this number is in memory as it is in a run.
    fn is_memory<T: Number>(self) -> bool {
        cfg!(target_endian = "little") && size_of::<T>() == self.kind.width()
    }
}

/// The memory of what an iterator has left, if that is a slice of arrays of this shape.
pub(super) fn memory_of_rest<I>(items: &I, shape: ArrayShape) -> Option<&[u8]> {
    let memory = find_memory(shape, typeid::of::<I>())?;
    // SAFETY: it is for iterators of the type of this id, which `items` has, and `items` is borrowed for as long
    // as what comes back.
    Some(unsafe { memory(ptr::from_ref(items).cast()) })
}

type Memory<'a> = unsafe fn(*const ()) -> &'a [u8];

/// What gives the memory of what is left of an iterator of the type of this id.
fn find_memory<'a>(shape: ArrayShape, id: TypeId) -> Option<Memory<'a>> {
    fn find<'a, T: Number, const N: usize>(id: TypeId) -> Option<Memory<'a>> {
        let is_it = id == TypeId::of::<slice::Iter<'static, [T; N]>>();
        is_it.then_some(memory_of_arrays::<T, N>)
    }

    for_arrays!(shape, find(id))
}

/// # Safety
///
/// `items` points to a [`slice::Iter`] of `[T; N]` that is borrowed for `'a`.
unsafe fn memory_of_arrays<'a, T: Number, const N: usize>(items: *const ()) -> &'a [u8] {
    // SAFETY: the caller promises it.
    let items: &'a slice::Iter<'a, [T; N]> = unsafe { &*items.cast() };
    bulk::bytes_of(items.as_slice())
}

/// The `Vec` of arrays that `V` builds, made from the memory that `bytes` takes, if `V` is serde's own visitor for a
/// `Vec` of arrays of this shape.
pub(super) fn build_vec<'de, V: Visitor<'de>>(
    shape: ArrayShape,
    bytes: impl FnOnce() -> Bytes<'de>,
) -> Result<Option<V::Value>, Error> {
    let Some(build) = find_builder(shape, typeid::of::<V>(), typeid::of::<V::Value>()) else {
        return Ok(None);
    };
    let vec = Box::into_raw(build(bytes())?);
    // SAFETY: what was found for the type of this id builds a value of it, which has no lifetimes: so it is a
    // `V::Value`, in a box of its own.
    let vec = unsafe { Box::from_raw(vec.cast::<V::Value>()) };
    Ok(Some(*vec))
}

type Builder = fn(Bytes<'_>) -> Result<Box<dyn Any>, Error>;

/// What builds a value of the type of this id.
fn find_builder(shape: ArrayShape, visitor: TypeId, value: TypeId) -> Option<Builder> {
    fn builder<T: Number, const N: usize>(visitor: TypeId, value: TypeId) -> Option<Builder>
    where
        [T; N]: DeserializeOwned,
    {
        let is_it =
            value == TypeId::of::<Vec<[T; N]>>() && bulk::vec_visitor::<[T; N]>() == Some(visitor);
        is_it.then_some(|bytes| Ok(Box::new(bulk::vec_from::<[T; N]>(bytes)?)))
    }

    for_arrays!(shape, builder(visitor, value))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::fmt;
    use std::marker::PhantomData;

    use serde::de::SeqAccess;

    use super::*;

    #[test]
    fn arrays_of_numbers_are_known() {
        macro_rules! check {
            ($($type:ident $kind:ident: $($length:literal)*;)*) => {$($({
                let shape = ArrayShape { kind: ElementKind::$kind, length: $length };
                let number: $type = "7".parse().unwrap();
                let arrays = [[number; $length]; 5];
                let mut items = arrays.iter();
                items.next();
                let rest = memory_of_rest(&items, shape).unwrap();
                assert_eq!(rest, bulk::bytes_of(&arrays[1..]));
                let visitor = bulk::vec_visitor::<[$type; $length]>().unwrap();
                let id = TypeId::of::<Vec<[$type; $length]>>();
                let build = find_builder(shape, visitor, id).unwrap();
                let built = build(Bytes::Borrowed(rest)).unwrap();
                assert_eq!(built.downcast_ref::<Vec<[$type; $length]>>().unwrap(), &arrays[1..]);
            })*)*};
        }
        check! {
            u8 U8: 2 3 16;
            u16 U16: 2 4;
            u32 U32: 3;
            u64 U64: 8;
            i8 I8: 9;
            i16 I16: 16;
            i32 I32: 2;
            i64 I64: 4;
            f32 F32: 2 3 4 16;
            f64 F64: 2 3 4 8 9 16;
        }
        #[cfg(target_pointer_width = "64")]
        check! {
            usize U64: 2 3;
            isize I64: 4 16;
        }
    }

    #[test]
    fn what_is_no_slice_of_such_arrays_is_left_to_others() {
        let kind = ElementKind::F32;
        let three = ArrayShape { kind, length: 3 };
        let arrays = [[0_f32; 3]; 5];
        assert!(memory_of_rest(&arrays.iter(), three).is_some());
        assert!(memory_of_rest(&arrays.iter(), ArrayShape { kind, length: 2 }).is_none());
        let integers = ArrayShape {
            kind: ElementKind::U32,
            length: 3,
        };
        assert!(memory_of_rest(&arrays.iter(), integers).is_none());
        assert!(memory_of_rest(&arrays.iter().rev(), three).is_none());
        assert!(memory_of_rest(&VecDeque::from(arrays).iter(), three).is_none());
        assert!(memory_of_rest(&[(0_f32, 0_f32, 0_f32); 5].iter(), three).is_none());
        assert!(memory_of_rest(&[0_f32; 3].iter(), three).is_none());
        let five = ArrayShape { kind, length: 5 };
        assert!(memory_of_rest(&[[0_f32; 5]; 3].iter(), five).is_none());
    }

    /// A visitor that has the type of values that serde's own has.
    struct Others(PhantomData<()>);

    impl<'de> Visitor<'de> for Others {
        type Value = Vec<[f32; 3]>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("arrays")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn visitors_of_others_keep_their_say() {
        let shape = ArrayShape {
            kind: ElementKind::F32,
            length: 3,
        };
        let id = TypeId::of::<Vec<[f32; 3]>>();
        assert!(find_builder(shape, TypeId::of::<Others>(), id).is_none());
        let visitor = bulk::vec_visitor::<[f32; 3]>().unwrap();
        assert!(find_builder(shape, visitor, id).is_some());
        assert!(find_builder(shape, visitor, TypeId::of::<Vec<[f64; 3]>>()).is_none());
        let built = build_vec::<Others>(shape, || unreachable!("it is not asked for"));
        assert_eq!(built, Ok(None));
    }
}
