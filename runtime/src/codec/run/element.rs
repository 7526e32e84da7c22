//! Reading the items of a run.

use std::fmt;
use std::mem::MaybeUninit;

use serde::de::{self, DeserializeSeed, Deserializer, Visitor};

use super::super::arrays;
use super::super::bulk::{self, Bytes, ElementKind};
use super::super::depth::{Depth, WRAPPER};
use super::super::integer::Integer;
use super::super::{Error, HUMAN_READABLE, LARGEST_HINT, spare};
use super::quick::{self, Plan};
use super::shape::{Shape, step};

/// A run being read.
#[derive(Debug)]
pub(in super::super) struct Run<'m> {
    plan: Plan<'m>,
    /// The numbers of the items.
    bytes: Bytes<'m>,
    /// Where those of the next one begin.
    at: usize,
    /// Whether items are not read as they were written.
    is_by_name: bool,
}

impl<'m> Run<'m> {
    /// `depth` is that of the items.
    pub(in super::super) fn new(shape: Shape<'m>, bytes: Bytes<'m>, depth: Depth) -> Run<'m> {
        Run {
            plan: Plan::new(shape, depth),
            bytes,
            at: 0,
            is_by_name: false,
        }
    }

    pub(in super::super) fn is_empty(&self) -> bool {
        self.at == self.bytes.as_ref().len()
    }

    /// How many items are left.
    pub(in super::super) fn left(&self) -> usize {
        (self.bytes.as_ref().len() - self.at) / self.plan.shape.width
    }

    /// Hands those to a visitor, one after the other.
    #[inline(always)]
    pub(in super::super) fn read_all<V: Visitor<'m>>(
        &mut self,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if let Some(arrays) = self.arrays::<V>()? {
            return Ok(arrays);
        }
        let mut items = self.items();
        let value = visitor
            .visit_seq(&mut items)
            .map_err(|apart| apart.reason)?;
        items.close()?;
        Ok(value)
    }

    /// All of them, if they are what can be copied at once.
    #[inline(never)]
    fn arrays<V: Visitor<'m>>(&mut self) -> Result<Option<V::Value>, Error> {
        let Some(shape) = self.plan.shape.as_array() else {
            return Ok(None);
        };
        let bytes = &mut self.bytes;
        arrays::build_vec::<V>(shape, || std::mem::replace(bytes, Bytes::Borrowed(&[])))
    }

    fn items(&mut self) -> RunItems<'_, 'm> {
        RunItems {
            plan: &self.plan,
            bytes: self.bytes.as_ref(),
            at: self.at,
            is_by_name: self.is_by_name,
        }
    }

    /// Reads the next item.
    #[inline(never)]
    pub(in super::super) fn read<S: DeserializeSeed<'m>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, Error> {
        let mut items = self.items();
        let value = items.read(seed).map_err(|apart| apart.reason);
        self.is_by_name = items.is_by_name;
        self.at += self.plan.shape.width;
        value?.ok_or_else(torn)
    }
}

/// The items of a run that are left.
struct RunItems<'r, 'm> {
    plan: &'r Plan<'m>,
    bytes: &'r [u8],
    /// Where those of the next one begin.
    at: usize,
    is_by_name: bool,
}

impl<'m> RunItems<'_, 'm> {
    #[inline(always)]
    fn read<S: DeserializeSeed<'m>>(&mut self, seed: S) -> Result<Option<S::Value>, Apart> {
        let end = self.at + self.plan.shape.width;
        let Some(bytes) = self.bytes.get(self.at..end) else {
            return Ok(None);
        };
        self.at = end;
        if !self.is_by_name
            && let Some(again) = bulk::stateless_seed::<S>()
        {
            if let Ok(value) = quick::read(again, self.plan, bytes) {
                return Ok(Some(value));
            }
            self.is_by_name = true;
        }
        let value = in_words(seed, self.plan, bytes)?;
        Ok(Some(value))
    }
}

/// Reads an item that the quick way fails at. It is read again from the beginning: nothing has happened.
#[inline(never)]
fn in_words<'m, S: DeserializeSeed<'m>>(
    seed: S,
    plan: &Plan<'m>,
    bytes: &[u8],
) -> Result<S::Value, Apart> {
    let mut element = Element::new(&plan.shape, bytes, plan.depth);
    let value = seed.deserialize(&mut element)?;
    if !element.is_at_end() {
        return Err(torn().into());
    }
    Ok(value)
}

/// Why an item could not be read.
///
/// The reason stands behind the bytes that a value of the usual size takes, in any `Result` of the two. Else the
/// compiler moves such values in the pieces into which the reason divides them, and where a piece is two
/// numbers that have just been stored, the processor waits for the stores: half of the time of reading.
#[derive(Debug)]
#[repr(C)]
struct Apart {
    value: [MaybeUninit<u64>; 5],
    reason: Error,
}

impl From<Error> for Apart {
    #[cold]
    fn from(reason: Error) -> Apart {
        Apart {
            value: [MaybeUninit::uninit(); 5],
            reason,
        }
    }
}

impl fmt::Display for Apart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl std::error::Error for Apart {}

impl de::Error for Apart {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Apart {
        Error::display(message).into()
    }
}

impl<'m> de::SeqAccess<'m> for &mut RunItems<'_, 'm> {
    type Error = Apart;

    #[inline(always)]
    fn next_element_seed<T: DeserializeSeed<'m>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Apart> {
        self.read(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left().min(LARGEST_HINT))
    }
}

impl RunItems<'_, '_> {
    fn left(&self) -> usize {
        (self.bytes.len() - self.at) / self.plan.shape.width
    }

    /// When a visitor has its value: all must have been read.
    fn close(&self) -> Result<(), Error> {
        match self.left() {
            0 => Ok(()),
            left => Err(more(left)),
        }
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        if let Bytes::Owned(bytes) = &mut self.bytes {
            spare::offer(std::mem::take(bytes));
        }
    }
}

/// One item of a run.
struct Element<'a, 'm> {
    shape: &'a Shape<'m>,
    /// The next step.
    at: usize,
    rest: &'a [u8],
    depth: Depth,
}

impl<'a, 'm> Element<'a, 'm> {
    fn new(shape: &'a Shape<'m>, bytes: &'a [u8], depth: Depth) -> Element<'a, 'm> {
        Element {
            shape,
            at: 0,
            rest: bytes,
            depth,
        }
    }

    fn is_at_end(&self) -> bool {
        self.shape.is_end(self.at)
    }

    fn step(&self) -> u8 {
        self.shape.step(self.at)
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (number, rest) = self.rest.split_first_chunk().ok_or_else(torn)?;
        self.rest = rest;
        self.at += 1;
        Ok(*number)
    }

    /// Leaves a struct or tuple, all of which was read.
    fn leave(&mut self) -> Result<(), Error> {
        match self.shape.values(self.at) {
            0 => {
                self.at += 1;
                Ok(())
            }
            left => Err(more(left)),
        }
    }

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

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        if self.step() == step::TUPLE {
            return self.tuple(visitor);
        }
        self.deserialize_any(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.step() == step::STRUCT {
            return self.fields(visitor);
        }
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool char str string bytes byte_buf unit unit_struct seq map enum identifier ignored_any
    }
}

/// The items of a tuple.
struct Items<'e, 'a, 'm>(&'e mut Element<'a, 'm>);

impl<'m> de::SeqAccess<'m> for Items<'_, '_, 'm> {
    type Error = Error;

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
        let name = self.0.shape.name(self.0.at).ok_or_else(torn)?;
        seed.deserialize(de::value::BorrowedStrDeserializer::new(name))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'m>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.0)
    }
}

/// Not all was read.
#[cold]
fn more(left: usize) -> Error {
    Error::new(format!("{left} items more than were expected"))
}

/// What was read is not what was written.
#[cold]
fn torn() -> Error {
    Error::new("corrupt message: an item is not as long as it is said to be")
}
