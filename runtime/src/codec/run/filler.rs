//! Writing an item of a run.

use std::fmt;

use serde::ser::{self, Impossible, Serialize, Serializer};

use super::super::bulk::ElementKind;
use super::super::{Output, handle};
use super::shape::{Shape, step};

/// Writes one item, and looks whether it is of the shape (`&Shape`); or learns the shape (`&mut Shape`).
///
/// Two types, since what only compares is not changed by any step: so the compiler keeps it in registers, and
/// may compare what stands still before a loop and not in it.
#[derive(Debug)]
pub(in super::super) struct Filler<'a, S> {
    shape: S,
    at: usize,
    /// The item's bytes.
    place: &'a mut [u8],
}

/// The item is of another shape, or of none.
#[derive(Debug)]
pub(in super::super) struct OtherShape;

/// What becomes of a step.
pub(in super::super) trait Steps {
    /// Where the number at a place is to stand. While the shape is learnt, nowhere.
    fn offset(&self, at: usize) -> Option<usize>;

    /// Whether this is the step at a place.
    fn step(&mut self, at: usize, step: u8) -> bool;

    /// Whether the value of a field of this name begins there.
    fn field(&mut self, at: usize, name: &'static str) -> bool;

    /// Whether this is the number of a tuple's items.
    fn count(&mut self, at: usize, count: u8) -> bool;
}

impl Steps for &Shape<'static> {
    #[inline(always)]
    fn offset(&self, at: usize) -> Option<usize> {
        Some(Shape::offset(self, at))
    }

    #[inline(always)]
    fn step(&mut self, at: usize, step: u8) -> bool {
        Shape::step(self, at) == step
    }

    #[inline(always)]
    fn field(&mut self, at: usize, name: &'static str) -> bool {
        let known = self.name(at);
        known.is_some_and(|known| std::ptr::eq(known, name) || is_same(known, name))
    }

    #[inline(always)]
    fn count(&mut self, at: usize, count: u8) -> bool {
        Shape::step(self, at) == count
    }
}

/// The same name may lie in several places.
#[cold]
fn is_same(known: &str, name: &str) -> bool {
    known == name
}

impl Steps for &mut Shape<'static> {
    fn offset(&self, _: usize) -> Option<usize> {
        None
    }

    fn step(&mut self, _: usize, step: u8) -> bool {
        self.push(step)
    }

    fn field(&mut self, _: usize, name: &'static str) -> bool {
        self.name_next(name)
    }

    fn count(&mut self, _: usize, count: u8) -> bool {
        self.push_count(count)
    }
}

/// The shape of an item, if it is nothing but numbers.
pub(in super::super) fn learn(item: &impl Serialize) -> Option<Shape<'static>> {
    let mut shape = Shape::new();
    let mut filler = Filler {
        shape: &mut shape,
        at: 0,
        place: &mut [],
    };
    let is_learnt = item.serialize(&mut filler).is_ok();
    (is_learnt && shape.width > 0).then_some(shape)
}

/// Writes an item into its place. Says whether it is of the shape.
#[inline(always)]
pub(in super::super) fn fill(
    shape: &Shape<'static>,
    item: &impl Serialize,
    place: &mut [u8],
) -> bool {
    let mut filler = Filler {
        shape,
        at: 0,
        place,
    };
    let is_written = item.serialize(&mut filler).is_ok();
    is_written && shape.is_end(filler.at)
}

impl<S: Steps> Filler<'_, S> {
    #[inline(always)]
    fn step(&mut self, step: u8) -> Result<(), OtherShape> {
        let is_so = self.shape.step(self.at, step);
        self.at += 1;
        is_so.then_some(()).ok_or(OtherShape)
    }

    #[inline(always)]
    fn field(&mut self, name: &'static str) -> Result<(), OtherShape> {
        let is_so = self.shape.field(self.at, name);
        is_so.then_some(()).ok_or(OtherShape)
    }

    #[inline(always)]
    fn number<const N: usize>(&mut self, step: u8, bytes: [u8; N]) -> Result<(), OtherShape> {
        let offset = self.shape.offset(self.at);
        self.step(step)?;
        let Some(offset) = offset else {
            return Ok(());
        };
        let place = self.place.get_mut(offset..).ok_or(OtherShape)?;
        *place.first_chunk_mut().ok_or(OtherShape)? = bytes;
        Ok(())
    }

    #[inline(always)]
    fn tuple(&mut self, length: usize) -> Result<(), OtherShape> {
        // Below the steps, so that a count is never taken for one.
        let count = u8::try_from(length)
            .ok()
            .filter(|count| *count < step::BOOL);
        let count = count.ok_or(OtherShape)?;
        self.step(step::TUPLE)?;
        let is_so = self.shape.count(self.at, count);
        self.at += 1;
        is_so.then_some(()).ok_or(OtherShape)
    }
}

/// Takes back the handle whose token this is: it is written again, in the ordinary way.
#[cold]
fn withdraw(token: &(impl ?Sized + Serialize)) {
    let mut out = Output::after(Vec::new());
    if token.serialize(&mut out).is_ok()
        && let Some(token) = handle::Token::written(&out.head)
    {
        drop(handle::claim(token));
    }
}

macro_rules! numbers {
    ($($method:ident $type:ident $kind:ident)*) => {$(
        #[inline(always)]
        fn $method(self, value: $type) -> Result<(), OtherShape> {
            self.number(ElementKind::$kind as u8, value.to_le_bytes())
        }
    )*};
}

macro_rules! others {
    ($($method:ident($($argument:ty),*);)*) => {$(
        #[inline(always)]
        fn $method(self $(, _: $argument)*) -> Result<(), OtherShape> {
            Err(OtherShape)
        }
    )*};
}

impl<S: Steps> Serializer for &mut Filler<'_, S> {
    type Ok = ();
    type Error = OtherShape;
    type SerializeSeq = Impossible<(), OtherShape>;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Impossible<(), OtherShape>;
    type SerializeMap = Impossible<(), OtherShape>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Impossible<(), OtherShape>;

    fn is_human_readable(&self) -> bool {
        super::super::HUMAN_READABLE
    }

    numbers! {
        serialize_i8 i8 I8
        serialize_i16 i16 I16
        serialize_i32 i32 I32
        serialize_i64 i64 I64
        serialize_i128 i128 I128
        serialize_u8 u8 U8
        serialize_u16 u16 U16
        serialize_u32 u32 U32
        serialize_u64 u64 U64
        serialize_u128 u128 U128
        serialize_f32 f32 F32
        serialize_f64 f64 F64
    }

    #[inline(always)]
    fn serialize_bool(self, value: bool) -> Result<(), OtherShape> {
        self.number(step::BOOL, [u8::from(value)])
    }

    #[inline(always)]
    fn serialize_char(self, value: char) -> Result<(), OtherShape> {
        self.number(step::CHAR, u32::from(value).to_le_bytes())
    }

    others! {
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    #[inline(always)]
    fn serialize_some<T: ?Sized + Serialize>(self, _: &T) -> Result<(), OtherShape> {
        Err(OtherShape)
    }

    #[inline(always)]
    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), OtherShape> {
        if name == handle::NAME {
            withdraw(value);
            return Err(OtherShape);
        }
        value.serialize(self)
    }

    #[inline(always)]
    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), OtherShape> {
        Err(OtherShape)
    }

    #[inline(always)]
    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, OtherShape> {
        Err(OtherShape)
    }

    #[inline(always)]
    fn serialize_tuple(self, length: usize) -> Result<Self, OtherShape> {
        self.tuple(length)?;
        Ok(self)
    }

    #[inline(always)]
    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Self, OtherShape> {
        self.serialize_tuple(length)
    }

    #[inline(always)]
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, OtherShape> {
        Err(OtherShape)
    }

    #[inline(always)]
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, OtherShape> {
        Err(OtherShape)
    }

    #[inline(always)]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, OtherShape> {
        self.step(step::STRUCT)?;
        Ok(self)
    }

    #[inline(always)]
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, OtherShape> {
        Err(OtherShape)
    }

    #[inline(always)]
    fn collect_seq<I: IntoIterator<Item: Serialize>>(self, _: I) -> Result<(), OtherShape> {
        Err(OtherShape)
    }

    #[inline(always)]
    fn collect_str<T: ?Sized + fmt::Display>(self, _: &T) -> Result<(), OtherShape> {
        Err(OtherShape)
    }
}

impl<S: Steps> ser::SerializeTuple for &mut Filler<'_, S> {
    type Ok = ();
    type Error = OtherShape;

    #[inline(always)]
    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), OtherShape> {
        value.serialize(&mut **self)
    }

    #[inline(always)]
    fn end(self) -> Result<(), OtherShape> {
        self.step(step::END)
    }
}

impl<S: Steps> ser::SerializeTupleStruct for &mut Filler<'_, S> {
    type Ok = ();
    type Error = OtherShape;

    #[inline(always)]
    fn serialize_field<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), OtherShape> {
        value.serialize(&mut **self)
    }

    #[inline(always)]
    fn end(self) -> Result<(), OtherShape> {
        self.step(step::END)
    }
}

impl<S: Steps> ser::SerializeStruct for &mut Filler<'_, S> {
    type Ok = ();
    type Error = OtherShape;

    #[inline(always)]
    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), OtherShape> {
        self.field(name)?;
        value.serialize(&mut **self)
    }

    #[inline(always)]
    fn end(self) -> Result<(), OtherShape> {
        self.step(step::END)
    }
}

impl fmt::Display for OtherShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an item is of another shape")
    }
}

impl std::error::Error for OtherShape {}

impl ser::Error for OtherShape {
    fn custom<T: fmt::Display>(_: T) -> OtherShape {
        OtherShape
    }
}
