//! Writing an item of a run.

use std::fmt;

use serde::ser::{self, Impossible, Serialize, Serializer};

use super::super::bulk::ElementKind;
use super::super::{Output, handle};
use super::shape::{LARGEST, Shape, count_byte, step};

/// Where an item is written, and what is behind it: of one size for all, so that the compiler knows which
/// numbers are within it.
pub(in super::super) type Place = [u8; LARGEST];

/// Writes one item that has to be of the shape.
///
/// Not the same as a value [inside of one](Cursor): that it begins with the first step is known without looking
/// wherever its `serialize` is compiled, also where that is not put into the loop.
#[derive(Debug)]
struct Item<'a> {
    shape: &'a Shape<'static>,
    place: &'a mut Place,
}

/// Writes values inside of an item, where the shape says that they stand.
#[derive(Debug)]
struct Cursor<'a> {
    shape: &'a Shape<'static>,
    place: &'a mut Place,
    /// The next step.
    at: usize,
    /// Where its number stands.
    offset: usize,
    /// Not 0 after any step that was not the expected one.
    differences: u8,
}

/// A struct or tuple that is an item.
#[derive(Debug)]
struct Whole<'a>(Cursor<'a>);

/// A struct or tuple inside of an item.
///
/// It has a cursor of its own, and puts it back at its end. So where its `serialize` is not put into that of
/// what it is in, what changes with each step is in registers all the same.
#[derive(Debug)]
struct Part<'o> {
    cursor: Cursor<'o>,
    at: &'o mut usize,
    offset: &'o mut usize,
    differences: &'o mut u8,
}

/// Goes through an item with care, where time does not matter.
#[derive(Debug)]
struct Careful<'a> {
    task: Task<'a>,
    /// There was something that has no shape.
    is_failed: bool,
}

#[derive(Debug)]
enum Task<'a> {
    /// To learn the shape.
    Learn(&'a mut Shape<'static>),
    /// To write it. Names are compared by what they say, and not by where they lie.
    Write(Cursor<'a>),
}

/// Says so of an item in which something failed, also to who goes on writing it all the same.
const ALL: u8 = u8::MAX;

/// The item is of another shape, or of none.
#[derive(Debug)]
pub(in super::super) struct OtherShape;

/// The shape of an item, if it is nothing but numbers.
pub(in super::super) fn learn(item: &impl Serialize) -> Option<Shape<'static>> {
    let mut shape = Shape::new();
    let is_learnt = Careful::new(Task::Learn(&mut shape)).go_through(item);
    (is_learnt && shape.width > 0).then_some(shape)
}

/// Writes an item where its place begins. Says whether it is of the shape, and the names of its fields lie where
/// those of the shape do. If not, something was written all the same.
#[inline(always)]
pub(in super::super) fn fill(
    shape: &Shape<'static>,
    item: &impl Serialize,
    place: &mut Place,
) -> bool {
    item.serialize(Item { shape, place }).is_ok()
}

/// The same for names wherever they lie: a compiler may put the same name into several places.
#[cold]
#[inline(never)]
pub(in super::super) fn fill_by_text(
    shape: &Shape<'static>,
    item: &impl Serialize,
    place: &mut Place,
) -> bool {
    let cursor = Item { shape, place }.begin();
    Careful::new(Task::Write(cursor)).go_through(item)
}

impl<'a> Item<'a> {
    #[inline(always)]
    fn begin(self) -> Cursor<'a> {
        Cursor {
            shape: self.shape,
            place: self.place,
            at: 0,
            offset: 0,
            differences: 0,
        }
    }

    /// Writes an item that is a number.
    #[inline(always)]
    fn number<const N: usize>(self, step: u8, bytes: [u8; N]) -> Result<(), OtherShape> {
        let mut cursor = self.begin();
        cursor.number(step, bytes)?;
        cursor.end()
    }

    #[inline(always)]
    #[expect(
        clippy::unused_self,
        reason = "where an item fails, nothing goes on that would have to know"
    )]
    fn fail<T>(self) -> Result<T, OtherShape> {
        Err(OtherShape)
    }

    #[inline(always)]
    fn tuple(self, length: usize) -> Result<Whole<'a>, OtherShape> {
        let mut cursor = self.begin();
        cursor.begin_tuple(length)?;
        Ok(Whole(cursor))
    }

    #[inline(always)]
    #[expect(clippy::unnecessary_wraps, reason = "that of others may fail")]
    fn fields(self) -> Result<Whole<'a>, OtherShape> {
        let mut cursor = self.begin();
        cursor.step(step::STRUCT);
        Ok(Whole(cursor))
    }
}

impl Cursor<'_> {
    #[inline(always)]
    fn fail<T>(&mut self) -> Result<T, OtherShape> {
        self.differences = ALL;
        Err(OtherShape)
    }

    /// Looks whether all was written, and nothing else.
    #[inline(always)]
    fn end(&self) -> Result<(), OtherShape> {
        let is_same = self.differences == 0 && self.shape.is_end(self.at);
        is_same.then_some(()).ok_or(OtherShape)
    }

    #[inline(always)]
    fn step(&mut self, step: u8) {
        self.differences |= self.shape.step(self.at) ^ step;
        self.at += 1;
    }

    /// Looks whether the value of a field of this name begins here.
    #[inline(always)]
    fn field(&mut self, name: &'static str) -> Result<(), OtherShape> {
        let known = self.shape.name(self.at);
        if known.is_some_and(|known| std::ptr::eq(known, name)) {
            return Ok(());
        }
        self.fail()
    }

    #[inline(always)]
    fn number<const N: usize>(&mut self, step: u8, bytes: [u8; N]) -> Result<(), OtherShape> {
        self.step(step);
        let place = self.place.get_mut(self.offset..);
        let Some(place) = place.and_then(<[u8]>::first_chunk_mut) else {
            return self.fail();
        };
        *place = bytes;
        self.offset += N;
        Ok(())
    }

    #[inline(always)]
    fn begin_tuple(&mut self, length: usize) -> Result<(), OtherShape> {
        self.step(step::TUPLE);
        let Some(count) = count_byte(length) else {
            return self.fail();
        };
        self.step(count);
        Ok(())
    }

    #[inline(always)]
    fn part(&mut self) -> Part<'_> {
        Part {
            cursor: Cursor {
                shape: self.shape,
                place: self.place,
                at: self.at,
                offset: self.offset,
                // Until it comes to its end.
                differences: std::mem::replace(&mut self.differences, ALL),
            },
            at: &mut self.at,
            offset: &mut self.offset,
            differences: &mut self.differences,
        }
    }

    #[inline(always)]
    fn tuple(&mut self, length: usize) -> Result<Part<'_>, OtherShape> {
        let mut part = self.part();
        part.cursor.begin_tuple(length)?;
        Ok(part)
    }

    #[inline(always)]
    #[expect(clippy::unnecessary_wraps, reason = "that of others may fail")]
    fn fields(&mut self) -> Result<Part<'_>, OtherShape> {
        let mut part = self.part();
        part.cursor.step(step::STRUCT);
        Ok(part)
    }
}

impl<'a> Careful<'a> {
    fn new(task: Task<'a>) -> Careful<'a> {
        Careful {
            task,
            is_failed: false,
        }
    }

    /// Says whether all of it has a shape, and that which it should have.
    fn go_through(mut self, item: &impl Serialize) -> bool {
        let is_through = item.serialize(&mut self).is_ok() && !self.is_failed;
        is_through
            && match self.task {
                Task::Learn(_) => true,
                Task::Write(cursor) => cursor.end().is_ok(),
            }
    }

    fn fail<T>(&mut self) -> Result<T, OtherShape> {
        self.is_failed = true;
        Err(OtherShape)
    }

    fn need(&mut self, is_so: bool) -> Result<(), OtherShape> {
        if is_so { Ok(()) } else { self.fail() }
    }

    fn step(&mut self, step: u8) -> Result<(), OtherShape> {
        let is_so = match &mut self.task {
            Task::Learn(shape) => shape.push(step),
            Task::Write(cursor) => {
                cursor.step(step);
                cursor.differences == 0
            }
        };
        self.need(is_so)
    }

    fn field(&mut self, name: &'static str) -> Result<(), OtherShape> {
        let is_so = match &mut self.task {
            Task::Learn(shape) => shape.name_next(name),
            Task::Write(cursor) => cursor.shape.name(cursor.at) == Some(name),
        };
        self.need(is_so)
    }

    fn number<const N: usize>(&mut self, step: u8, bytes: [u8; N]) -> Result<(), OtherShape> {
        match &mut self.task {
            Task::Learn(_) => self.step(step),
            Task::Write(cursor) => cursor.number(step, bytes),
        }
    }

    fn tuple(&mut self, length: usize) -> Result<&mut Self, OtherShape> {
        let is_so = match &mut self.task {
            Task::Learn(shape) => {
                shape.push(step::TUPLE)
                    && count_byte(length).is_some_and(|count| shape.push_count(count))
            }
            Task::Write(cursor) => cursor.begin_tuple(length).is_ok(),
        };
        self.need(is_so)?;
        Ok(self)
    }

    fn fields(&mut self) -> Result<&mut Self, OtherShape> {
        self.step(step::STRUCT)?;
        Ok(self)
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
            self.fail()
        }
    )*};
}

/// What is common to all of them, whose `number`, `tuple` and `fields` it calls.
macro_rules! serializer {
    () => {
        type Ok = ();
        type Error = OtherShape;
        type SerializeSeq = Impossible<(), OtherShape>;
        type SerializeTupleVariant = Impossible<(), OtherShape>;
        type SerializeMap = Impossible<(), OtherShape>;
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
            self.fail()
        }

        #[inline(always)]
        fn serialize_newtype_struct<T: ?Sized + Serialize>(
            self,
            name: &'static str,
            value: &T,
        ) -> Result<(), OtherShape> {
            if name == handle::NAME {
                withdraw(value);
                return self.fail();
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
            self.fail()
        }

        #[inline(always)]
        fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, OtherShape> {
            self.fail()
        }

        #[inline(always)]
        fn serialize_tuple(self, length: usize) -> Result<Self::SerializeTuple, OtherShape> {
            self.tuple(length)
        }

        #[inline(always)]
        fn serialize_tuple_struct(
            self,
            _: &'static str,
            length: usize,
        ) -> Result<Self::SerializeTupleStruct, OtherShape> {
            self.tuple(length)
        }

        #[inline(always)]
        fn serialize_struct(
            self,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeStruct, OtherShape> {
            self.fields()
        }

        #[inline(always)]
        fn serialize_tuple_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeTupleVariant, OtherShape> {
            self.fail()
        }

        #[inline(always)]
        fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, OtherShape> {
            self.fail()
        }

        #[inline(always)]
        fn serialize_struct_variant(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: usize,
        ) -> Result<Self::SerializeStructVariant, OtherShape> {
            self.fail()
        }

        #[inline(always)]
        fn collect_seq<I: IntoIterator<Item: Serialize>>(self, _: I) -> Result<(), OtherShape> {
            self.fail()
        }

        #[inline(always)]
        fn collect_str<T: ?Sized + fmt::Display>(self, _: &T) -> Result<(), OtherShape> {
            self.fail()
        }
    };
}

impl Serializer for &mut Careful<'_> {
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeStruct = Self;

    serializer!();
}

impl<'a> Serializer for Item<'a> {
    type SerializeTuple = Whole<'a>;
    type SerializeTupleStruct = Whole<'a>;
    type SerializeStruct = Whole<'a>;

    serializer!();
}

impl<'o> Serializer for &'o mut Cursor<'_> {
    type SerializeTuple = Part<'o>;
    type SerializeTupleStruct = Part<'o>;
    type SerializeStruct = Part<'o>;

    serializer!();
}

/// Tuples of either kind.
macro_rules! items {
    ($trait:ident $method:ident: [$($generics:tt)*] $type:ty, $self:ident, $inside:expr, $end:expr) => {
        impl<$($generics)*> ser::$trait for $type {
            type Ok = ();
            type Error = OtherShape;

            #[inline(always)]
            fn $method<T: ?Sized + Serialize>(&mut $self, value: &T) -> Result<(), OtherShape> {
                value.serialize($inside)
            }

            #[inline(always)]
            fn end($self) -> Result<(), OtherShape> {
                $end
            }
        }
    };
}

/// Structs and tuples: `$inside` is what their values are written with, and `$end` ends them.
macro_rules! compound {
    ([$($generics:tt)*] $type:ty, $self:ident, $inside:expr, $end:expr) => {
        items!(SerializeTuple serialize_element: [$($generics)*] $type, $self, $inside, $end);
        items!(SerializeTupleStruct serialize_field: [$($generics)*] $type, $self, $inside, $end);

        impl<$($generics)*> ser::SerializeStruct for $type {
            type Ok = ();
            type Error = OtherShape;

            #[inline(always)]
            fn serialize_field<T: ?Sized + Serialize>(
                &mut $self,
                name: &'static str,
                value: &T,
            ) -> Result<(), OtherShape> {
                $inside.field(name)?;
                value.serialize($inside)
            }

            #[inline(always)]
            fn end($self) -> Result<(), OtherShape> {
                $end
            }
        }
    };
}

compound!([] &mut Careful<'_>, self, &mut **self, self.step(step::END));
compound!(['a] Whole<'a>, self, &mut self.0, self.end());
compound!(['o] Part<'o>, self, &mut self.cursor, self.end());

impl Whole<'_> {
    #[inline(always)]
    fn end(mut self) -> Result<(), OtherShape> {
        self.0.step(step::END);
        self.0.end()
    }
}

impl Part<'_> {
    #[inline(always)]
    #[expect(clippy::unnecessary_wraps, reason = "that of others may fail")]
    fn end(mut self) -> Result<(), OtherShape> {
        self.cursor.step(step::END);
        *self.at = self.cursor.at;
        *self.offset = self.cursor.offset;
        *self.differences = self.cursor.differences;
        Ok(())
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
