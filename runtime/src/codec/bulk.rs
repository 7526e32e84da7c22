//! Slices of numbers as memory.
//!
//! serde hands a `Vec<u8>` to a format element by element, which is some fifty times slower
//! than a copy. This module recognises the handful of types for which the elements' memory *is*
//! the value (integers and floats: any bit pattern is one, there is no padding) and gives the
//! memory instead. Writing recognises the slice by its type; reading recognises serde's own
//! visitor for `Vec<T>` by *its* type, which it learns by asking `Vec::<T>::deserialize` for it.
//! A user-defined visitor therefore never loses its say.

#![expect(
    unsafe_code,
    reason = "numbers are viewed as bytes, and types proven equal are exchanged"
)]

use std::any::TypeId;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::slice;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Visitor};

use super::{Error, memory, spare};

/// The element type of a packed sequence; its number is the byte on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum ElementKind {
    U8,
    U16,
    U32,
    U64,
    U128,
    Usize,
    I8,
    I16,
    I32,
    I64,
    I128,
    Isize,
    F32,
    F64,
}

/// A type whose memory is its value.
///
/// # Safety
///
/// The type has no padding and no invalid bit patterns.
pub(super) unsafe trait Plain: Copy + 'static {}

/// A number.
pub(super) trait Number: Plain + for<'de> Deserialize<'de> {
    const KIND: ElementKind;
}

// SAFETY: an array is its items, one behind the other (reference, "Array layout").
unsafe impl<T: Number, const N: usize> Plain for [T; N] {}

/// Calls `$call!(type)` with each number type in turn.
macro_rules! for_each_number {
    ($call:ident) => {
        $call!(u8 U8);
        $call!(u16 U16);
        $call!(u32 U32);
        $call!(u64 U64);
        $call!(u128 U128);
        $call!(usize Usize);
        $call!(i8 I8);
        $call!(i16 I16);
        $call!(i32 I32);
        $call!(i64 I64);
        $call!(i128 I128);
        $call!(isize Isize);
        $call!(f32 F32);
        $call!(f64 F64);
    };
}

macro_rules! number {
    ($type:ident $kind:ident) => {
        // SAFETY: the primitive integers and floats have no padding and every bit pattern is a
        // value (reference, "Type layout" and "Numeric types").
        unsafe impl Plain for $type {}

        impl Number for $type {
            const KIND: ElementKind = ElementKind::$kind;
        }
    };
}
for_each_number!(number);

impl ElementKind {
    pub(super) fn from_wire(byte: u8) -> Result<ElementKind, Error> {
        macro_rules! try_kind {
            ($type:ident $kind:ident) => {
                if byte == ElementKind::$kind as u8 {
                    return Ok(ElementKind::$kind);
                }
            };
        }
        for_each_number!(try_kind);
        Err(Error::new(format!(
            "corrupt message: no element kind {byte}"
        )))
    }

    pub(super) fn width(self) -> usize {
        match self {
            ElementKind::U8 | ElementKind::I8 => 1,
            ElementKind::U16 | ElementKind::I16 => 2,
            ElementKind::U32 | ElementKind::I32 | ElementKind::F32 => 4,
            ElementKind::U64 | ElementKind::I64 | ElementKind::F64 => 8,
            ElementKind::U128 | ElementKind::I128 => 16,
            ElementKind::Usize | ElementKind::Isize => size_of::<usize>(),
        }
    }
}

/// Whether values of this type hold no handle, as is known of some of the most common types.
pub(super) fn is_plain<T: ?Sized>() -> bool {
    let id = typeid::of::<T>();
    macro_rules! try_number {
        ($type:ident $kind:ident) => {
            if id == TypeId::of::<$type>() {
                return true;
            }
        };
    }
    for_each_number!(try_number);
    [
        TypeId::of::<()>(),
        TypeId::of::<bool>(),
        TypeId::of::<char>(),
        TypeId::of::<str>(),
        TypeId::of::<String>(),
    ]
    .contains(&id)
}

/// A type that is the same wherever it is named: it has no lifetimes.
///
/// # Safety
///
/// It has none, nor anything else that its [`TypeId`] does not tell.
pub(super) unsafe trait Scalar: Copy + 'static {}

macro_rules! scalar {
    ($($type:ty,)*) => {$(
        // SAFETY: a primitive type has no lifetimes.
        unsafe impl Scalar for $type {}
    )*};
}
scalar!(
    u8,
    u16,
    u32,
    u64,
    usize,
    i8,
    i16,
    i32,
    i64,
    isize,
    f64,
    bool,
    (),
);

/// Whether `T` is this type.
#[inline]
pub(super) fn is_scalar<T: ?Sized, S: Scalar>() -> bool {
    typeid::of::<T>() == TypeId::of::<S>()
}

/// The value as what it is, if its type is this one.
#[inline]
pub(super) fn scalar_of<T: ?Sized, S: Scalar>(value: &T) -> Option<&S> {
    // SAFETY: equal ids mean equal types up to lifetimes, and a `Scalar` has none. The reference keeps its
    // own lifetime.
    is_scalar::<T, S>().then(|| unsafe { cast_reference(value) })
}

/// Likewise the other way.
#[inline]
pub(super) fn from_scalar<T, S: Scalar>(value: S) -> Option<T> {
    // SAFETY: as above, so that `T` is `S`.
    is_scalar::<T, S>().then(|| unsafe { cast_value(value) })
}

/// The text that `value` is, if it is one.
pub(super) fn text_of<T: ?Sized>(value: &T) -> Option<&str> {
    let id = typeid::of::<T>();
    if id == TypeId::of::<String>() {
        // SAFETY: `T` is `String`: equal ids mean equal types up to lifetimes, and `String` has
        // none. The reference keeps its own lifetime.
        let text: &String = unsafe { cast_reference(value) };
        return Some(text);
    }
    if id == TypeId::of::<str>() {
        // SAFETY: as above; `T` is `str`, so both references are fat.
        return Some(unsafe { cast_reference(value) });
    }
    None
}

/// The memory of `value` if it is a `Vec` or a slice of numbers.
pub(super) fn memory_of<T: ?Sized>(value: &T) -> Option<(ElementKind, &[u8])> {
    let id = typeid::of::<T>();
    macro_rules! try_number {
        ($type:ident $kind:ident) => {
            if id == TypeId::of::<Vec<$type>>() {
                // SAFETY: `T` is `Vec<$type>`: equal ids mean equal types up to lifetimes, and
                // `Vec<$type>` has none. The reference keeps its own lifetime.
                let vec: &Vec<$type> = unsafe { cast_reference(value) };
                return Some((ElementKind::$kind, bytes_of(vec)));
            }
            if id == TypeId::of::<[$type]>() {
                // SAFETY: as above; `T` is `[$type]`, so both references are fat.
                let slice: &[$type] = unsafe { cast_reference(value) };
                return Some((ElementKind::$kind, bytes_of(slice)));
            }
        };
    }
    for_each_number!(try_number);
    None
}

/// The memory behind what a `Serialize` passed to `collect_seq`, if that is a reference to a
/// `Vec` or a slice of numbers.
pub(super) fn memory_of_iterated<I>(iterated: &I) -> Option<(ElementKind, &[u8])> {
    let id = typeid::of::<I>();
    macro_rules! try_number {
        ($type:ident $kind:ident) => {
            if id == TypeId::of::<&'static Vec<$type>>() {
                // SAFETY: `I` is `&Vec<$type>` up to the lifetime of that reference, which
                // outlives the borrow of it that we are given and return.
                let vec: &&Vec<$type> = unsafe { cast_reference(iterated) };
                return Some((ElementKind::$kind, bytes_of(vec)));
            }
            if id == TypeId::of::<&'static [$type]>() {
                // SAFETY: as above.
                let slice: &&[$type] = unsafe { cast_reference(iterated) };
                return Some((ElementKind::$kind, bytes_of(slice)));
            }
        };
    }
    for_each_number!(try_number);
    None
}

/// The `Vec` of numbers that `V` builds, made from its memory, if `V` is serde's own visitor
/// for `Vec` of this kind; else `bytes` comes back.
pub(super) fn build_vec<'de, V: Visitor<'de>>(
    kind: ElementKind,
    bytes: Bytes<'_>,
) -> Result<Result<V::Value, Bytes<'_>>, Error> {
    let visitor = typeid::of::<V>();
    let value = typeid::of::<V::Value>();
    macro_rules! try_number {
        ($type:ident $kind:ident) => {
            if kind == ElementKind::$kind
                && value == TypeId::of::<Vec<$type>>()
                && Some(visitor) == vec_visitor::<$type>()
            {
                let vec: Vec<$type> = vec_of_numbers(bytes)?;
                // SAFETY: equal ids mean equal types up to lifetimes, and `Vec<$type>` has none,
                // so `V::Value` is `Vec<$type>`.
                return Ok(Ok(unsafe { cast_value(vec) }));
            }
        };
    }
    for_each_number!(try_number);
    Ok(Err(bytes))
}

/// Bytes on their way into a value: still in the head, or a buffer that can be kept.
#[derive(Debug)]
pub(super) enum Bytes<'a> {
    Borrowed(&'a [u8]),
    Owned(Vec<u8>),
}

impl AsRef<[u8]> for Bytes<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Bytes::Borrowed(bytes) => bytes,
            Bytes::Owned(bytes) => bytes,
        }
    }
}

fn vec_of_numbers<T: Number>(bytes: Bytes<'_>) -> Result<Vec<T>, Error> {
    match bytes {
        // SAFETY: only `u8` has that kind, so this is `Vec<u8>` for `Vec<u8>`.
        Bytes::Owned(bytes) if T::KIND == ElementKind::U8 => Ok(unsafe { cast_value(bytes) }),
        bytes => vec_from(bytes),
    }
}

/// A `Vec` made from its memory.
pub(super) fn vec_from<T: Plain>(bytes: Bytes<'_>) -> Result<Vec<T>, Error> {
    let numbers = bytes.as_ref();
    if !numbers.len().is_multiple_of(size_of::<T>()) {
        return Err(Error::new(
            "corrupt message: a packed sequence ends inside an element",
        ));
    }
    let length = numbers.len() / size_of::<T>();
    let mut vec = Vec::<T>::new();
    memory::reserve(&mut vec, length)?;
    // SAFETY: the capacity holds as many bytes, and a fresh allocation overlaps nothing.
    unsafe {
        let target = vec.as_mut_ptr().cast::<u8>();
        std::ptr::copy_nonoverlapping(numbers.as_ptr(), target, numbers.len());
    }
    // SAFETY: `length` elements were just written; any bytes are values of a `Plain` type.
    unsafe { vec.set_len(length) };
    if let Bytes::Owned(bytes) = bytes {
        spare::offer(bytes);
    }
    Ok(vec)
}

pub(super) fn bytes_of<T: Plain>(numbers: &[T]) -> &[u8] {
    // SAFETY: a `Plain` type has no padding, so all `size_of_val` bytes are initialised; the slice
    // borrows `numbers`, and `u8` has no alignment.
    unsafe { slice::from_raw_parts(numbers.as_ptr().cast::<u8>(), size_of_val(numbers)) }
}

/// Another seed like one, if that is nothing but the wish for its value.
pub(super) fn stateless_seed<'de, S: DeserializeSeed<'de>>() -> Option<S> {
    // SAFETY: equal ids mean equal types up to lifetimes, and a `PhantomData` has no value to which
    // lifetimes could matter: it is of no size, and one can be made wherever the type is known.
    (typeid::of::<S>() == typeid::of::<PhantomData<S::Value>>())
        .then(|| unsafe { cast_value(PhantomData::<S::Value>) })
}

/// # Safety
///
/// `T` and `U` are the same type up to lifetimes, and `U`'s lifetimes may be as long as `'a`.
unsafe fn cast_reference<'a, T: ?Sized, U: ?Sized>(value: &'a T) -> &'a U {
    // SAFETY: references to the same type have the same layout; the caller promises the rest.
    unsafe { std::mem::transmute_copy::<&'a T, &'a U>(&value) }
}

/// # Safety
///
/// `T` and `U` are the same type.
unsafe fn cast_value<T, U>(value: T) -> U {
    let value = ManuallyDrop::new(value);
    // SAFETY: the caller promises that the types are the same; the original is not dropped.
    unsafe { std::mem::transmute_copy::<ManuallyDrop<T>, U>(&value) }
}

/// The identity of the visitor that `Vec::<T>::deserialize` passes to `deserialize_seq`.
pub(super) fn vec_visitor<T: for<'de> Deserialize<'de>>() -> Option<TypeId> {
    let mut seen = None;
    // The probe answers every request with an error; only what it saw matters.
    let _ = Vec::<T>::deserialize(Probe {
        seen: &mut seen,
        lifetime: PhantomData,
    });
    seen
}

struct Probe<'a, 'de> {
    seen: &'a mut Option<TypeId>,
    lifetime: PhantomData<&'de ()>,
}

impl<'de> Deserializer<'de> for Probe<'_, 'de> {
    type Error = ProbeError;

    fn deserialize_seq<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ProbeError> {
        *self.seen = Some(typeid::of::<V>());
        Err(ProbeError)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ProbeError> {
        Err(ProbeError)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[derive(Debug)]
struct ProbeError;

impl std::fmt::Display for ProbeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("this deserializer only looks at its visitor")
    }
}

impl std::error::Error for ProbeError {}

impl serde::de::Error for ProbeError {
    fn custom<T: std::fmt::Display>(_: T) -> ProbeError {
        ProbeError
    }
}
