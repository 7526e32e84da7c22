//! Writing an item of a run.

use std::fmt;

use serde::ser::{self, Impossible, Serialize, Serializer};

use super::super::bulk::ElementKind;
use super::super::{Output, handle};
use super::shape::{Shape, step};

/// Writes one item, and looks whether it is of the shape; or learns the shape.
#[derive(Debug)]
pub(in super::super) struct Filler<'a> {
    shape: &'a mut Shape<'static>,
    is_learning: bool,
    at: usize,
    /// What is left of the item's bytes.
    place: &'a mut [u8],
}

/// The item is of another shape, or of none.
#[derive(Debug)]
pub(in super::super) struct OtherShape;

impl Filler<'_> {
    /// The shape of an item, if it is nothing but numbers.
    pub(in super::super) fn learn(item: &impl Serialize) -> Option<Shape<'static>> {
        let mut shape = Shape::new();
        let mut filler = Filler {
            shape: &mut shape,
            is_learning: true,
            at: 0,
            place: &mut [],
        };
        let is_learnt = item.serialize(&mut filler).is_ok();
        (is_learnt && shape.width > 0).then_some(shape)
    }

    /// Writes an item into its place. Says whether it is of the shape.
    #[inline(always)]
    pub(in super::super) fn fill(
        shape: &mut Shape<'static>,
        item: &impl Serialize,
        place: &mut [u8],
    ) -> bool {
        let mut filler = Filler {
            shape,
            is_learning: false,
            at: 0,
            place,
        };
        let is_written = item.serialize(&mut filler).is_ok();
        is_written && filler.shape.is_end(filler.at) && filler.place.is_empty()
    }

    #[inline(always)]
    fn step(&mut self, step: u8) -> Result<(), OtherShape> {
        if self.shape.step(self.at) != step {
            self.learn_step(step, "")?;
        }
        self.at += 1;
        Ok(())
    }

    #[inline(always)]
    fn field(&mut self, name: &'static str) -> Result<(), OtherShape> {
        let is_expected =
            self.shape.step(self.at) == step::FIELD && std::ptr::eq(self.shape.name(self.at), name);
        if !is_expected {
            self.other_field(name)?;
        }
        self.at += 1;
        Ok(())
    }

    #[cold]
    fn other_field(&mut self, name: &'static str) -> Result<(), OtherShape> {
        // The same name may lie in several places.
        if !self.is_learning
            && self.shape.step(self.at) == step::FIELD
            && self.shape.name(self.at) == name
        {
            return Ok(());
        }
        self.learn_step(step::FIELD, name)
    }

    #[cold]
    fn learn_step(&mut self, step: u8, name: &'static str) -> Result<(), OtherShape> {
        if self.is_learning && self.shape.push(step, name) {
            Ok(())
        } else {
            Err(OtherShape)
        }
    }

    #[inline(always)]
    fn number<const N: usize>(&mut self, step: u8, bytes: [u8; N]) -> Result<(), OtherShape> {
        self.step(step)?;
        match std::mem::take(&mut self.place).split_first_chunk_mut() {
            Some((place, rest)) => {
                *place = bytes;
                self.place = rest;
                Ok(())
            }
            None if self.is_learning => Ok(()),
            None => Err(OtherShape),
        }
    }

    #[inline(always)]
    fn tuple(&mut self, length: usize) -> Result<(), OtherShape> {
        // Below the steps, so that a count is never taken for one.
        let count = u8::try_from(length)
            .ok()
            .filter(|count| *count < step::BOOL);
        let count = count.ok_or(OtherShape)?;
        self.step(step::TUPLE)?;
        if self.shape.step(self.at) != count {
            self.learn_count(count)?;
        }
        self.at += 1;
        Ok(())
    }

    #[cold]
    fn learn_count(&mut self, count: u8) -> Result<(), OtherShape> {
        if self.is_learning && self.shape.push_count(count) {
            Ok(())
        } else {
            Err(OtherShape)
        }
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

impl Serializer for &mut Filler<'_> {
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

impl ser::SerializeTuple for &mut Filler<'_> {
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

impl ser::SerializeTupleStruct for &mut Filler<'_> {
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

impl ser::SerializeStruct for &mut Filler<'_> {
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
