//! Reading the items of a run.

use std::any::TypeId;
use std::cell::RefCell;

use serde::de::{self, DeserializeSeed, Deserializer, Visitor};

use super::super::bulk::{self, ElementKind};
use super::super::depth::{Depth, WRAPPER};
use super::super::integer::Integer;
use super::super::{Error, HUMAN_READABLE};
use super::shape::{Shape, step};

/// A run being read.
#[derive(Debug)]
pub(in super::super) struct Run<'m> {
    shape: Shape<'m>,
    /// The numbers of the items that are left.
    bytes: &'m [u8],
    depth: Depth,
    way: Way,
}

/// How the visitors of structs are given their values.
#[derive(Debug)]
enum Way {
    /// It is not known yet.
    Unknown,
    /// Without names wherever the names are those that are asked for. The visitors are noted, and the
    /// steps at which they stand.
    Trying(RefCell<Vec<(usize, TypeId)>>),
    /// Without names to these, which have shown that they know the order.
    ByPlace(Vec<(usize, TypeId)>),
    /// With names.
    ByName,
}

impl<'m> Run<'m> {
    /// `depth` is that of the items.
    pub(in super::super) fn new(shape: Shape<'m>, bytes: &'m [u8], depth: Depth) -> Run<'m> {
        Run {
            shape,
            bytes,
            depth,
            way: Way::Unknown,
        }
    }

    pub(in super::super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    #[inline(always)]
    pub(in super::super) fn read<S: DeserializeSeed<'m>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, Error> {
        let (bytes, rest) = self
            .bytes
            .split_at_checked(self.shape.width)
            .ok_or_else(torn)?;
        self.bytes = rest;
        if matches!(self.way, Way::Unknown)
            && let Some(value) = self.try_by_place::<S>(bytes)
        {
            return Ok(value);
        }
        let mut element = Element::new(&self.shape, bytes, self.depth, &self.way);
        let value = seed.deserialize(&mut element);
        if value.is_ok() && !element.is_at_end() {
            return Err(torn());
        }
        value
    }

    /// Reads the first item without names. If that cannot be done, nothing has happened.
    #[inline(never)]
    fn try_by_place<S: DeserializeSeed<'m>>(&mut self, bytes: &[u8]) -> Option<S::Value> {
        self.way = Way::ByName;
        let seed = bulk::stateless_seed::<S>()?;
        let way = Way::Trying(RefCell::default());
        let mut element = Element::new(&self.shape, bytes, self.depth, &way);
        let value = seed.deserialize(&mut element).ok()?;
        if !element.is_at_end() {
            return None;
        }
        if let Way::Trying(visitors) = way {
            self.way = Way::ByPlace(visitors.into_inner());
        }
        Some(value)
    }
}

/// One item of a run.
struct Element<'a, 'm> {
    shape: &'a Shape<'m>,
    at: usize,
    /// The numbers behind the place.
    bytes: &'a [u8],
    depth: Depth,
    way: &'a Way,
}

impl<'a, 'm> Element<'a, 'm> {
    #[inline(always)]
    fn new(shape: &'a Shape<'m>, bytes: &'a [u8], depth: Depth, way: &'a Way) -> Element<'a, 'm> {
        Element {
            shape,
            at: 0,
            bytes,
            depth,
            way,
        }
    }

    #[inline(always)]
    fn is_at_end(&self) -> bool {
        self.shape.is_end(self.at) && self.bytes.is_empty()
    }

    #[inline(always)]
    fn step(&self) -> u8 {
        self.shape.step(self.at)
    }

    #[inline(always)]
    fn number<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (number, rest) = self.bytes.split_first_chunk().ok_or_else(torn)?;
        self.bytes = rest;
        self.at += 1;
        Ok(*number)
    }

    /// Leaves a struct or tuple, all of which was read.
    #[inline(always)]
    fn leave(&mut self) -> Result<(), Error> {
        if self.step() != step::END {
            return Err(Error::new("more items than were expected"));
        }
        self.at += 1;
        Ok(())
    }

    /// Whether a struct's visitor is given values without names.
    #[inline(always)]
    fn is_by_place<V>(&self, fields: &'static [&'static str]) -> bool {
        match self.way {
            Way::ByPlace(visitors) => visitors.contains(&(self.at, typeid::of::<V>())),
            Way::Trying(visitors) => {
                let is_so = self.has_fields(fields);
                if is_so {
                    visitors.borrow_mut().push((self.at, typeid::of::<V>()));
                }
                is_so
            }
            Way::Unknown | Way::ByName => false,
        }
    }

    /// Whether the struct that begins here has these fields, in this order.
    fn has_fields(&self, fields: &[&str]) -> bool {
        let names = self.shape.fields(self.at + 1);
        names.eq(fields.iter().copied())
    }

    #[inline(always)]
    fn tuple<V: Visitor<'m>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        // Past the number of items.
        self.at += 2;
        let value = visitor.visit_seq(Items(self));
        if value.is_ok() {
            self.leave()?;
        }
        value
    }

    fn fields<V: Visitor<'m>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        self.at += 1;
        let value = visitor.visit_map(Fields(self));
        if value.is_ok() {
            self.leave()?;
        }
        value
    }

    #[inline(always)]
    fn values<V: Visitor<'m>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        self.at += 1;
        let value = visitor.visit_seq(Values(self));
        if value.is_ok() {
            self.leave()?;
        }
        value
    }

    /// The integer that comes next, if one does.
    fn integer(&mut self) -> Result<Option<Integer>, Error> {
        let kind = ElementKind::from_wire(self.step());
        Ok(Some(match kind {
            Ok(ElementKind::U8) => Integer::Unsigned(u8::from_le_bytes(self.number()?).into()),
            Ok(ElementKind::U16) => Integer::Unsigned(u16::from_le_bytes(self.number()?).into()),
            Ok(ElementKind::U32) => Integer::Unsigned(u32::from_le_bytes(self.number()?).into()),
            Ok(ElementKind::U64) => Integer::Unsigned(u64::from_le_bytes(self.number()?)),
            Ok(ElementKind::U128) => Integer::WideUnsigned(u128::from_le_bytes(self.number()?)),
            Ok(ElementKind::I8) => Integer::Negative(i8::from_le_bytes(self.number()?).into()),
            Ok(ElementKind::I16) => Integer::Negative(i16::from_le_bytes(self.number()?).into()),
            Ok(ElementKind::I32) => Integer::Negative(i32::from_le_bytes(self.number()?).into()),
            Ok(ElementKind::I64) => Integer::Negative(i64::from_le_bytes(self.number()?)),
            Ok(ElementKind::I128) => Integer::WideNegative(i128::from_le_bytes(self.number()?)),
            _ => return Ok(None),
        }))
    }

    /// A number, as the visitor's method that fits any best.
    #[inline(never)]
    fn any_number<V: Visitor<'m>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        if let Some(integer) = self.integer()? {
            return integer.visit(visitor);
        }
        match self.step() {
            F32 => visitor.visit_f32(f32::from_le_bytes(self.number()?)),
            F64 => visitor.visit_f64(f64::from_le_bytes(self.number()?)),
            step::BOOL => match self.number()? {
                [0] => visitor.visit_bool(false),
                [1] => visitor.visit_bool(true),
                _ => Err(Error::new("corrupt message: a truth value that is neither")),
            },
            step::CHAR => {
                let char = char::from_u32(u32::from_le_bytes(self.number()?));
                visitor.visit_char(
                    char.ok_or_else(|| Error::new("corrupt message: no such character"))?,
                )
            }
            _ => Err(torn()),
        }
    }
}

const F32: u8 = ElementKind::F32 as u8;
const F64: u8 = ElementKind::F64 as u8;

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ident $kind:ident)*) => {$(
        #[inline(always)]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            if self.step() == ElementKind::$kind as u8 {
                return visitor.$visit($type::from_le_bytes(self.number()?));
            }
            self.deserialize_any(visitor)
        }
    )*};
}

macro_rules! integers {
    ($($method:ident $visit:ident $type:ident $kind:ident)*) => {$(
        #[inline(always)]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            if self.step() == ElementKind::$kind as u8 {
                return visitor.$visit($type::from_le_bytes(self.number()?));
            }
            let Some(integer) = self.integer()? else {
                return self.deserialize_any(visitor);
            };
            match integer.fitting::<$type>() {
                Some(value) => visitor.$visit(value),
                None => integer.visit(visitor),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Element<'_, 'de> {
    type Error = Error;

    fn is_human_readable(&self) -> bool {
        HUMAN_READABLE
    }

    #[inline(never)]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.step() {
            step::STRUCT => self.fields(visitor),
            step::TUPLE => self.tuple(visitor),
            _ => self.any_number(visitor),
        }
    }

    integers! {
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
    }

    numbers! {
        deserialize_f32 visit_f32 f32 F32
        deserialize_f64 visit_f64 f64 F64
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let outside = self.depth.enter(WRAPPER)?;
        let value = visitor.visit_some(&mut *self);
        self.depth = outside;
        value
    }

    #[inline(always)]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let outside = self.depth.enter(WRAPPER)?;
        let value = visitor.visit_newtype_struct(&mut *self);
        self.depth = outside;
        value
    }

    #[inline(always)]
    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        if self.step() == step::TUPLE {
            return self.tuple(visitor);
        }
        self.deserialize_any(visitor)
    }

    #[inline(always)]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(length, visitor)
    }

    #[inline(always)]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.step() != step::STRUCT {
            return self.deserialize_any(visitor);
        }
        if self.is_by_place::<V>(fields) {
            self.values(visitor)
        } else {
            self.fields(visitor)
        }
    }

    serde::forward_to_deserialize_any! {
        bool char str string bytes byte_buf unit unit_struct seq map enum identifier ignored_any
    }
}

/// The items of a tuple.
struct Items<'e, 'a, 'm>(&'e mut Element<'a, 'm>);

impl<'m> de::SeqAccess<'m> for Items<'_, '_, 'm> {
    type Error = Error;

    #[inline(always)]
    fn next_element_seed<T: DeserializeSeed<'m>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if self.0.step() == step::END {
            return Ok(None);
        }
        seed.deserialize(&mut *self.0).map(Some)
    }
}

/// The values of a struct, without their names.
struct Values<'e, 'a, 'm>(&'e mut Element<'a, 'm>);

impl<'m> de::SeqAccess<'m> for Values<'_, '_, 'm> {
    type Error = Error;

    #[inline(always)]
    fn next_element_seed<T: DeserializeSeed<'m>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if self.0.step() == step::END {
            return Ok(None);
        }
        // Past the name.
        self.0.at += 1;
        seed.deserialize(&mut *self.0).map(Some)
    }
}

/// The fields of a struct.
struct Fields<'e, 'a, 'm>(&'e mut Element<'a, 'm>);

impl<'m> de::MapAccess<'m> for Fields<'_, '_, 'm> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'m>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        if self.0.step() == step::END {
            return Ok(None);
        }
        let name = self.0.shape.name(self.0.at);
        self.0.at += 1;
        seed.deserialize(de::value::BorrowedStrDeserializer::new(name))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'m>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.0)
    }
}

/// What was read is not what was written.
#[cold]
fn torn() -> Error {
    Error::new("corrupt message: an item is not as long as it is said to be")
}
