//! Reading what is read as it was written.
//!
//! Almost all items of a run are read by what has written them: a derived pair, a tuple, a number. Such a
//! reader asks for the very steps of the shape. So there is a deserializer that knows only those, and gives
//! up on anything else, without words: then the item is read again by [`Element`](super::element), which is
//! self-describing and has words for what is wrong.
//!
//! That its error is of no size, and all it does is short, is what it is for: so the compiler puts it into the
//! `deserialize` of the items, and that into the loop over them if it is not long, and leaves the numbers in
//! registers.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, Visitor};

use super::super::HUMAN_READABLE;
use super::super::bulk::ElementKind;
use super::super::depth::{Depth, WRAPPER};
use super::shape::{NOWHERE, Shape, step};

/// What the items of a run have in common.
#[derive(Debug)]
pub(super) struct Plan<'m> {
    pub(super) shape: Shape<'m>,
    /// Of the items.
    pub(super) depth: Depth,
    asked: [Cell<Option<Fields>>; MOST_STRUCTS],
}

/// The names of fields that a struct's `Deserialize` asks for.
type Fields = &'static [&'static str];

/// Of so many structs of an item it is remembered which names were asked for.
const MOST_STRUCTS: usize = 8;

/// One item, read by the type that has written it.
///
/// Not the same as a value [inside of one](Quick): that it begins with the first step is known without looking
/// wherever its `deserialize` is compiled, also where that is not put into the loop.
pub(super) struct Item<'a> {
    plan: &'a Plan<'a>,
    bytes: &'a [u8],
}

/// A value inside of an item.
struct Quick<'a> {
    plan: &'a Plan<'a>,
    /// The next step.
    at: usize,
    /// How many structs have begun.
    structs: usize,
    bytes: &'a [u8],
    /// Where the number of the next step stands.
    offset: usize,
    depth: Depth,
}

/// It is read in another way.
#[derive(Debug)]
pub(super) struct OtherWay;

impl<'m> Plan<'m> {
    pub(super) fn new(shape: Shape<'m>, depth: Depth) -> Plan<'m> {
        Plan {
            shape,
            depth,
            asked: [const { Cell::new(None) }; MOST_STRUCTS],
        }
    }

    /// Whether these fields of the struct at this step are those that were written, in that order. The structs
    /// of an item are numbered in the order of their first steps.
    #[inline(always)]
    fn is_of(&self, number: usize, at: usize, fields: Fields) -> bool {
        let asked = self.asked.get(number).and_then(Cell::get);
        asked.is_some_and(|asked| std::ptr::eq(asked, fields)) || self.compare(number, at, fields)
    }

    #[cold]
    #[inline(never)]
    fn compare(&self, number: usize, at: usize, fields: Fields) -> bool {
        let is_so = self.shape.fields(at + 1).eq(fields.iter().copied());
        if let (true, Some(asked)) = (is_so, self.asked.get(number)) {
            asked.set(Some(fields));
        }
        is_so
    }
}

/// Reads an item.
#[inline(always)]
pub(super) fn read<'de, S: DeserializeSeed<'de>>(
    seed: S,
    plan: &Plan<'_>,
    bytes: &[u8],
) -> Result<S::Value, OtherWay> {
    seed.deserialize(Item { plan, bytes })
}

impl<'a> Item<'a> {
    #[inline(always)]
    fn read<T>(
        self,
        read: impl FnOnce(&mut Quick<'a>) -> Result<T, OtherWay>,
    ) -> Result<T, OtherWay> {
        let mut quick = Quick {
            plan: self.plan,
            at: 0,
            structs: 0,
            bytes: self.bytes,
            offset: 0,
            depth: self.plan.depth,
        };
        let value = read(&mut quick)?;
        if !self.plan.shape.is_end(quick.at) {
            return Err(OtherWay);
        }
        Ok(value)
    }
}

impl Quick<'_> {
    #[inline(always)]
    fn fail<T>(&mut self) -> Result<T, OtherWay> {
        self.at = NOWHERE;
        Err(OtherWay)
    }

    #[inline(always)]
    fn step(&mut self, step: u8) -> Result<(), OtherWay> {
        if self.plan.shape.step(self.at) != step {
            return self.fail();
        }
        self.at += 1;
        Ok(())
    }

    #[inline(always)]
    fn number<const N: usize>(&mut self, step: u8) -> Result<[u8; N], OtherWay> {
        self.step(step)?;
        let number = self.bytes.get(self.offset..self.offset + N);
        let Some(number) = number.and_then(<[u8]>::first_chunk) else {
            return self.fail();
        };
        self.offset += N;
        Ok(*number)
    }

    #[inline(always)]
    fn items<'de, V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, OtherWay> {
        let value = visitor.visit_seq(Items(self))?;
        self.step(step::END)?;
        Ok(value)
    }
}

macro_rules! whole {
    ($($method:ident($($argument:ident: $type:ty),*);)*) => {$(
        #[inline(always)]
        fn $method<V: Visitor<'de>>(
            self,
            $($argument: $type,)*
            visitor: V,
        ) -> Result<V::Value, OtherWay> {
            self.read(|quick| quick.$method($($argument,)* visitor))
        }
    )*};
}

impl<'de> Deserializer<'de> for Item<'_> {
    type Error = OtherWay;

    fn is_human_readable(&self) -> bool {
        HUMAN_READABLE
    }

    whole! {
        deserialize_bool();
        deserialize_char();
        deserialize_i8();
        deserialize_i16();
        deserialize_i32();
        deserialize_i64();
        deserialize_i128();
        deserialize_u8();
        deserialize_u16();
        deserialize_u32();
        deserialize_u64();
        deserialize_u128();
        deserialize_f32();
        deserialize_f64();
        deserialize_newtype_struct(name: &'static str);
        deserialize_tuple(length: usize);
        deserialize_tuple_struct(name: &'static str, length: usize);
        deserialize_struct(name: &'static str, fields: &'static [&'static str]);
    }

    #[inline(always)]
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, OtherWay> {
        Err(OtherWay)
    }

    serde::forward_to_deserialize_any! {
        str string bytes byte_buf option unit unit_struct seq map enum identifier ignored_any
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

impl<'de> Deserializer<'de> for &mut Quick<'_> {
    type Error = OtherWay;

    fn is_human_readable(&self) -> bool {
        HUMAN_READABLE
    }

    #[inline(always)]
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, OtherWay> {
        self.fail()
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
        let number = self.structs;
        self.structs += 1;
        if !self.plan.is_of(number, first, fields) {
            return self.fail();
        }
        self.items(visitor)
    }

    serde::forward_to_deserialize_any! {
        str string bytes byte_buf option unit unit_struct seq map enum identifier ignored_any
    }
}

/// The items of a tuple, or the values of a struct.
struct Items<'q, 'a>(&'q mut Quick<'a>);

impl<'de> de::SeqAccess<'de> for Items<'_, '_> {
    type Error = OtherWay;

    #[inline(always)]
    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, OtherWay> {
        // Behind the last there is another step than any that is asked for.
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
