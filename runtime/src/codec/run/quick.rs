//! Reading what is read as it was written.
//!
//! Almost all items of a run are read by what has written them: a derived pair, a tuple, a number. Such a
//! reader asks for the very steps of the shape. So there is a deserializer that knows only those, and gives
//! up on anything else, without words: then the item is read again by [`Element`](super::element), which is
//! self-describing and has words for what is wrong.
//!
//! That its error is of no size, and all it does is short, is what it is for: what the compiler puts into the
//! loop over the items leaves the numbers in registers. Where a value is returned through memory, as a part of
//! a `Result` whose other half is a pointer, the processor waits for its own stores: half of the time of
//! reading went into that.
//!
//! Measured as the worker's user time, of a million each, with the copy out of shared memory: pairs of
//! `f64` and `u32` 2.7 ms, and 4.7 by the other way; arrays of three `f32` 6 ms, and 8. A derived
//! `deserialize` that the compiler does not put into the loop takes as long either way: 8.7 ms for structs of
//! three `f32`.

use std::any::TypeId;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, Visitor};

use super::super::HUMAN_READABLE;
use super::super::bulk::ElementKind;
use super::super::depth::{Depth, WRAPPER};
use super::shape::{Shape, step};

/// The visitors of structs, and the steps at which they stand, that have shown that they know the order of
/// the fields.
pub(super) type Visitors = Vec<(usize, TypeId)>;

/// One item, read by the type that has written it.
pub(super) struct Quick<'a, K> {
    shape: &'a Shape<'a>,
    at: usize,
    bytes: &'a [u8],
    depth: Depth,
    known: K,
}

/// It is read in another way.
#[derive(Debug)]
pub(super) struct OtherWay;

/// Whether a struct's visitor is given values without names.
pub(super) trait Known {
    fn has<V>(&mut self, shape: &Shape<'_>, at: usize, fields: &'static [&'static str]) -> bool;
}

/// Those that have shown it.
impl Known for &[(usize, TypeId)] {
    #[inline(always)]
    fn has<V>(&mut self, _: &Shape<'_>, at: usize, _: &'static [&'static str]) -> bool {
        self.contains(&(at, typeid::of::<V>()))
    }
}

/// Those that ask for the names that were written, in that order, are tried.
impl Known for &mut Visitors {
    fn has<V>(&mut self, shape: &Shape<'_>, at: usize, fields: &'static [&'static str]) -> bool {
        let is_so = shape.fields(at + 1).eq(fields.iter().copied());
        if is_so {
            self.push((at, typeid::of::<V>()));
        }
        is_so
    }
}

/// Reads an item.
#[inline(always)]
pub(super) fn read<'de, S: DeserializeSeed<'de>>(
    seed: S,
    shape: &Shape<'_>,
    bytes: &[u8],
    depth: Depth,
    known: impl Known,
) -> Result<S::Value, OtherWay> {
    let mut quick = Quick {
        shape,
        at: 0,
        bytes,
        depth,
        known,
    };
    let value = seed.deserialize(&mut quick)?;
    if !shape.is_end(quick.at) {
        return Err(OtherWay);
    }
    Ok(value)
}

impl<K: Known> Quick<'_, K> {
    #[inline(always)]
    fn step(&mut self, step: u8) -> Result<(), OtherWay> {
        let is_so = self.shape.step(self.at) == step;
        self.at += 1;
        is_so.then_some(()).ok_or(OtherWay)
    }

    #[inline(always)]
    fn number<const N: usize>(&mut self, step: u8) -> Result<[u8; N], OtherWay> {
        let offset = self.shape.offset(self.at);
        self.step(step)?;
        let number = self.bytes.get(offset..).and_then(<[u8]>::first_chunk);
        number.copied().ok_or(OtherWay)
    }

    #[inline(always)]
    fn items<'de, V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, OtherWay> {
        let value = visitor.visit_seq(Items(self))?;
        self.step(step::END)?;
        Ok(value)
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ident $kind:ident)*) => {$(
        #[inline(always)]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, OtherWay> {
            visitor.$visit($type::from_le_bytes(self.number(ElementKind::$kind as u8)?))
        }
    )*};
}

impl<'de, K: Known> Deserializer<'de> for &mut Quick<'_, K> {
    type Error = OtherWay;

    fn is_human_readable(&self) -> bool {
        HUMAN_READABLE
    }

    #[inline(always)]
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, OtherWay> {
        Err(OtherWay)
    }

    numbers! {
        deserialize_i8 visit_i8 i8 I8
        deserialize_i16 visit_i16 i16 I16
        deserialize_i32 visit_i32 i32 I32
        deserialize_i64 visit_i64 i64 I64
        deserialize_u8 visit_u8 u8 U8
        deserialize_u16 visit_u16 u16 U16
        deserialize_u32 visit_u32 u32 U32
        deserialize_u64 visit_u64 u64 U64
        deserialize_i128 visit_i128 i128 I128
        deserialize_u128 visit_u128 u128 U128
        deserialize_f32 visit_f32 f32 F32
        deserialize_f64 visit_f64 f64 F64
    }

    #[inline(always)]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, OtherWay> {
        match self.number(step::BOOL)? {
            [0] => visitor.visit_bool(false),
            [1] => visitor.visit_bool(true),
            _ => Err(OtherWay),
        }
    }

    #[inline(always)]
    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, OtherWay> {
        let number = u32::from_le_bytes(self.number(step::CHAR)?);
        visitor.visit_char(char::from_u32(number).ok_or(OtherWay)?)
    }

    #[inline(always)]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, OtherWay> {
        let outside = self.depth.enter(WRAPPER).map_err(|_| OtherWay)?;
        let value = visitor.visit_newtype_struct(&mut *self);
        self.depth = outside;
        value
    }

    #[inline(always)]
    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, OtherWay> {
        self.step(step::TUPLE)?;
        // Past the number of items.
        self.at += 1;
        self.items(visitor)
    }

    #[inline(always)]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, OtherWay> {
        self.deserialize_tuple(length, visitor)
    }

    #[inline(always)]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, OtherWay> {
        let first = self.at;
        self.step(step::STRUCT)?;
        if !self.known.has::<V>(self.shape, first, fields) {
            return Err(OtherWay);
        }
        self.items(visitor)
    }

    serde::forward_to_deserialize_any! {
        str string bytes byte_buf option unit unit_struct seq map enum identifier ignored_any
    }
}

/// The items of a tuple, or the values of a struct.
struct Items<'q, 'a, K>(&'q mut Quick<'a, K>);

impl<'de, K: Known> de::SeqAccess<'de> for Items<'_, '_, K> {
    type Error = OtherWay;

    #[inline(always)]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, OtherWay> {
        if self.0.shape.step(self.0.at) == step::END {
            return Ok(None);
        }
        seed.deserialize(&mut *self.0).map(Some)
    }
}

impl fmt::Display for OtherWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item is not read as it was written")
    }
}

impl std::error::Error for OtherWay {}

impl de::Error for OtherWay {
    #[inline(always)]
    fn custom<T: fmt::Display>(_: T) -> OtherWay {
        OtherWay
    }
}
