//! Reading: `&mut Decoder` is the deserializer.

use std::cell::Cell;
use std::vec;

use serde::de::{self, DeserializeSeed, Deserializer, IntoDeserializer, Unexpected, Visitor};

use super::bulk::{self, Bytes, ElementKind};
use super::depth::{CONTAINER, Depth, WRAPPER};
use super::handle::{self, Identity, LAYERS, Parts, Record, TokenDeserializer};
use super::integer::Integer;
use super::run::Run;
use super::{Error, LARGEST_HINT, SPLICE_MINIMUM, memory, tag};

/// Reads values from the front of a head.
#[derive(Debug)]
pub(super) struct Decoder<'m> {
    rest: &'m [u8],
    splices: vec::IntoIter<Vec<u8>>,
    names: Vec<&'m str>,
    pub(super) depth: Depth,
}

impl<'m> Decoder<'m> {
    #[inline]
    pub(super) fn new(head: &'m [u8], splices: Vec<Vec<u8>>) -> Decoder<'m> {
        Decoder {
            rest: head,
            splices: splices.into_iter(),
            names: Vec::new(),
            depth: Depth::default(),
        }
    }

    /// Before each value: the last may have been given up half-way.
    pub(super) fn begin(&mut self) {
        self.depth = Depth::default();
    }

    /// What comes is written as if nothing was before it.
    pub(super) fn forget_names(&mut self) {
        self.names.clear();
    }

    /// All that is left.
    pub(super) fn take_rest(&mut self) -> (&'m [u8], Vec<Vec<u8>>) {
        let splices = std::mem::take(&mut self.splices);
        (std::mem::take(&mut self.rest), splices.collect())
    }

    pub(super) fn finish(&self) -> Result<(), Error> {
        if self.rest.is_empty() && self.splices.len() == 0 {
            Ok(())
        } else {
            Err(Error::new(format!(
                "{} bytes are left over: a `Deserialize` read less than its `Serialize` wrote",
                self.rest.len() + self.splices.as_slice().iter().map(Vec::len).sum::<usize>()
            )))
        }
    }

    #[inline]
    fn peek(&self) -> Result<u8, Error> {
        self.rest.first().copied().ok_or_else(ended)
    }

    #[inline]
    pub(super) fn byte(&mut self) -> Result<u8, Error> {
        let (&first, rest) = self.rest.split_first().ok_or_else(ended)?;
        self.rest = rest;
        Ok(first)
    }

    #[inline]
    pub(super) fn take(&mut self, length: usize) -> Result<&'m [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(ended)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(ended)?;
        self.rest = rest;
        Ok(*taken)
    }

    #[inline]
    fn varint(&mut self) -> Result<u64, Error> {
        match self.rest {
            [byte @ ..0x80, rest @ ..] => {
                self.rest = rest;
                Ok((*byte).into())
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Error> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Error::new("corrupt message: a length does not end"))
    }

    #[inline]
    fn length(&mut self) -> Result<usize, Error> {
        usize::try_from(self.varint()?).map_err(|_| ended())
    }

    /// How many values follow. Each takes a byte at least.
    #[inline]
    fn count(&mut self) -> Result<usize, Error> {
        let count = self.length()?;
        if count <= self.rest.len() {
            return Ok(count);
        }
        self.long_count(count)
    }

    /// Those of a long run lie beside the head.
    #[inline(never)]
    fn long_count(&self, count: usize) -> Result<usize, Error> {
        let splices = self.splices.as_slice().iter();
        let bytes = splices.fold(self.rest.len(), |bytes, it| bytes.saturating_add(it.len()));
        (count <= bytes).then_some(count).ok_or_else(ended)
    }

    pub(super) fn splice(&mut self) -> Result<Vec<u8>, Error> {
        self.splices.next().ok_or_else(ended)
    }

    /// The next name, or `None` at the end of a struct.
    #[inline]
    fn name_or_end(&mut self) -> Result<Option<&'m str>, Error> {
        let number = self.varint()?;
        if number == tag::END {
            return Ok(None);
        }
        let place = usize::try_from(number.wrapping_sub(tag::KNOWN_NAMES));
        match place.ok().and_then(|place| self.names.get(place)) {
            Some(name) => Ok(Some(name)),
            None => self.new_name(number).map(Some),
        }
    }

    #[cold]
    fn new_name(&mut self, number: u64) -> Result<&'m str, Error> {
        if number != tag::NEW_NAME {
            return Err(Error::new("corrupt message: a name that was never given"));
        }
        let length = self.length()?;
        let name = text(self.take(length)?)?;
        memory::grow(&mut self.names, 1)?;
        self.names.push(name);
        Ok(name)
    }

    pub(super) fn name(&mut self) -> Result<&'m str, Error> {
        self.name_or_end()?.ok_or_else(ended)
    }

    /// The integer that comes next, if one does.
    #[inline]
    fn integer(&mut self) -> Result<Option<Integer>, Error> {
        match self.rest {
            [first @ tag::SMALL..=u8::MAX, rest @ ..] => {
                self.rest = rest;
                Ok(Some(Integer::Unsigned((*first - tag::SMALL).into())))
            }
            // The next larger ones are read here: what `wide` returns goes through memory, and to look at it
            // right after takes longer than all else.
            [tag::U8, byte, rest @ ..] => {
                self.rest = rest;
                Ok(Some(Integer::Unsigned((*byte).into())))
            }
            [tag::U16, a, b, rest @ ..] => {
                self.rest = rest;
                Ok(Some(Integer::Unsigned(u16::from_le_bytes([*a, *b]).into())))
            }
            [tag::U32, a, b, c, d, rest @ ..] => {
                self.rest = rest;
                let value = u32::from_le_bytes([*a, *b, *c, *d]);
                Ok(Some(Integer::Unsigned(value.into())))
            }
            [first @ tag::U8..=tag::I128, rest @ ..] => {
                self.rest = rest;
                self.wide(*first).map(Some)
            }
            [_, ..] => Ok(None),
            [] => Err(ended()),
        }
    }

    /// The integer after this first byte.
    fn wide(&mut self, first: u8) -> Result<Integer, Error> {
        Ok(match first {
            tag::U8 => Integer::Unsigned(u8::from_le_bytes(self.array()?).into()),
            tag::U16 => Integer::Unsigned(u16::from_le_bytes(self.array()?).into()),
            tag::U32 => Integer::Unsigned(u32::from_le_bytes(self.array()?).into()),
            tag::U64 => Integer::Unsigned(u64::from_le_bytes(self.array()?)),
            tag::U128 => Integer::WideUnsigned(u128::from_le_bytes(self.array()?)),
            tag::I8 => Integer::Negative(i8::from_le_bytes(self.array()?).into()),
            tag::I16 => Integer::Negative(i16::from_le_bytes(self.array()?).into()),
            tag::I32 => Integer::Negative(i32::from_le_bytes(self.array()?).into()),
            tag::I64 => Integer::Negative(i64::from_le_bytes(self.array()?)),
            tag::I128 => Integer::WideNegative(i128::from_le_bytes(self.array()?)),
            other => return Err(unknown(other)),
        })
    }

    /// Text, which is in memory that was asked for if it is long.
    fn text<V: Visitor<'m>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let length = self.length()?;
        let text = text(self.take(length)?)?;
        if length < SPLICE_MINIMUM {
            return visitor.visit_borrowed_str(text);
        }
        let copy = String::from_utf8(memory::copy(text.as_bytes())?);
        visitor.visit_string(copy.map_err(|_| not_text())?)
    }

    /// Bytes, likewise.
    fn bytes<V: Visitor<'m>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let length = self.length()?;
        let bytes = self.take(length)?;
        if length < SPLICE_MINIMUM {
            return visitor.visit_borrowed_bytes(bytes);
        }
        visitor.visit_byte_buf(memory::copy(bytes)?)
    }

    /// The number of an attachment.
    fn place(&mut self) -> Result<u32, Error> {
        u32::try_from(self.length()?).map_err(|_| ended())
    }

    /// The handle that comes next, and the numbers of its attachments.
    fn record(&mut self) -> Result<(Record, Places), Error> {
        let kind = handle::HandleKind::read(self.byte()?)?;
        let types = u64::from_ne_bytes(self.array()?);
        let mut parts = Parts::default();
        let count = self.count()?;
        memory::reserve(&mut parts.numbers, count)?;
        for _ in 0..count {
            parts.numbers.push(u64::from_ne_bytes(self.array()?));
        }
        let descriptors = match self.count()? {
            1 => Places::One([self.place()?]),
            count => {
                let mut places = Vec::new();
                memory::reserve(&mut places, count)?;
                for _ in 0..count {
                    places.push(self.place()?);
                }
                Places::Others(places)
            }
        };
        for _ in 0..self.length()? {
            let bytes = self.splice()?;
            memory::grow(&mut parts.bytes, 1)?;
            parts.bytes.push(bytes);
        }
        let identity = Identity { kind, types };
        Ok((Record { identity, parts }, descriptors))
    }

    /// Hands a packed sequence to a visitor: as a whole to serde's own for `Vec`, else by item.
    fn packed<V: Visitor<'m>>(
        &self,
        kind: u8,
        bytes: Bytes<'_>,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let kind = ElementKind::from_wire(kind)?;
        match bulk::build_vec::<V>(kind, bytes)? {
            Ok(value) => Ok(value),
            Err(bytes) => visitor.visit_seq(Packed {
                kind,
                rest: bytes.as_ref(),
                depth: self.depth,
            }),
        }
    }
}

/// The numbers of a handle's attachments. Nearly all have one, which takes no memory besides.
enum Places {
    One([u32; 1]),
    Others(Vec<u32>),
}

impl Places {
    fn as_slice(&self) -> &[u32] {
        match self {
            Places::One(place) => place,
            Places::Others(places) => places,
        }
    }
}

macro_rules! integer_as {
    ($($method:ident $visit:ident $type:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
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

/// What almost always comes where it is asked for is looked for first.
macro_rules! expected {
    ($($method:ident $tag:ident $read:ident)*) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.rest.first() {
                Some(&tag::$tag) => self.$read(visitor),
                _ => self.deserialize_any(visitor),
            }
        }
    )*};
}

/// One kind of value each, with its tag.
impl<'m> Decoder<'m> {
    /// An option that is there.
    fn some<V: Visitor<'m>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        self.byte()?;
        self.bare_some(visitor)
    }

    /// The value of an option, without a tag.
    fn bare_some<V: Visitor<'m>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let outside = self.depth.enter(WRAPPER)?;
        let value = visitor.visit_some(&mut *self);
        self.depth = outside;
        value
    }

    /// Text, with its tag.
    fn inline_text<V: Visitor<'m>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        self.byte()?;
        self.text(visitor)
    }

    fn f32<V: Visitor<'m>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        self.byte()?;
        visitor.visit_f32(f32::from_le_bytes(self.array()?))
    }

    fn f64<V: Visitor<'m>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        self.byte()?;
        visitor.visit_f64(f64::from_le_bytes(self.array()?))
    }

    fn seq<V: Visitor<'m>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        self.byte()?;
        let mut items = ItemAccess::enter(self)?;
        let value = visitor.visit_seq(&mut items);
        if value.is_ok() {
            items.close()?;
        }
        value
    }

    /// A sequence that is one run, to what asks for a sequence.
    fn seq_of_run<V: Visitor<'m>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        self.byte()?;
        let outside = self.depth.enter(CONTAINER)?;
        let mut run = self.whole_run()?;
        let value = run.read_all(visitor)?;
        self.depth = outside;
        Ok(value)
    }

    /// How many values follow, and the run that they are.
    #[inline(never)]
    fn whole_run(&mut self) -> Result<Box<Run<'m>>, Error> {
        let count = self.count()?;
        match self.peek()? {
            tag::RUN | tag::RUN_SPLICE => {}
            other => return Err(unknown(other)),
        }
        let run = self.run(count)?;
        if run.left() != count {
            return Err(Error::new(
                "corrupt message: a run of fewer items than there are",
            ));
        }
        Ok(run)
    }

    fn map<V: Visitor<'m>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        self.byte()?;
        let mut items = ItemAccess::enter(self)?;
        let value = visitor.visit_map(&mut items);
        if value.is_ok() {
            items.close()?;
        }
        value
    }

    fn fields<V: Visitor<'m>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        self.byte()?;
        let outside = self.depth.enter(CONTAINER)?;
        let mut fields = FieldAccess {
            decoder: self,
            outside,
            ended: false,
        };
        let value = visitor.visit_map(&mut fields);
        if value.is_ok() {
            fields.close()?;
        }
        value
    }

    /// To a visitor that knows no enums.
    fn variant<V: Visitor<'m>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        self.byte()?;
        visitor.visit_map(Variant {
            decoder: self,
            name: None,
        })
    }

    /// A value without others inside.
    fn scalar<V: Visitor<'m>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        if let Some(integer) = self.integer()? {
            return integer.visit(visitor);
        }
        match self.byte()? {
            tag::UNIT => visitor.visit_unit(),
            tag::FALSE => visitor.visit_bool(false),
            tag::TRUE => visitor.visit_bool(true),
            tag::NONE => visitor.visit_none(),
            tag::CHAR => {
                let code = u32::from_le_bytes(self.array()?);
                visitor.visit_char(
                    char::from_u32(code)
                        .ok_or_else(|| Error::new("corrupt message: no such character"))?,
                )
            }
            tag::F32 => visitor.visit_f32(f32::from_le_bytes(self.array()?)),
            tag::F64 => visitor.visit_f64(f64::from_le_bytes(self.array()?)),
            tag::STR => self.text(visitor),
            tag::STR_SPLICE => {
                visitor.visit_string(String::from_utf8(self.splice()?).map_err(|_| not_text())?)
            }
            tag::BYTES => self.bytes(visitor),
            tag::BYTES_SPLICE => visitor.visit_byte_buf(self.splice()?),
            tag::PACKED => {
                let kind = self.byte()?;
                let length = self.length()?;
                let bytes = Bytes::Borrowed(self.take(length)?);
                self.packed(kind, bytes, visitor)
            }
            tag::PACKED_SPLICE => {
                let kind = self.byte()?;
                let bytes = Bytes::Owned(self.splice()?);
                self.packed(kind, bytes, visitor)
            }
            tag::UNIT_VARIANT => visitor.visit_borrowed_str(self.name()?),
            tag::HANDLE => self.handle(visitor),
            other => Err(unknown(other)),
        }
    }

    fn handle<V: Visitor<'m>>(&mut self, visitor: V) -> Result<V::Value, Error> {
        let (record, descriptors) = self.record()?;
        let found = Unexpected::Other(record.identity.kind.name());
        if !handle::is_reading() {
            return Err(de::Error::invalid_type(found, &visitor));
        }
        // To say what was expected takes as long as all else, and who asks for a token takes it.
        let refusal =
            (!handle::asks_for_token::<V>()).then(|| de::Error::invalid_type(found, &visitor));
        let token = handle::present(record, descriptors.as_slice())?;
        let is_used = Cell::new(false);
        visitor
            .visit_newtype_struct(TokenDeserializer {
                token,
                layers: LAYERS - 1,
                is_used: &is_used,
            })
            .map_err(|error| match refusal {
                Some(refusal) if !is_used.get() => refusal,
                _ => error,
            })
    }
}

impl<'de> Deserializer<'de> for &mut Decoder<'de> {
    type Error = Error;

    fn is_human_readable(&self) -> bool {
        super::HUMAN_READABLE
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        // In debug builds a frame has room for what each of its arms returns. So there are few in
        // this one, which may be on the stack many times.
        match self.peek()? {
            tag::SOME => self.some(visitor),
            tag::SEQ | tag::SEQ_OF_RUN => self.seq(visitor),
            tag::MAP => self.map(visitor),
            tag::STRUCT => self.fields(visitor),
            tag::VARIANT => self.variant(visitor),
            _ => self.scalar(visitor),
        }
    }

    integer_as! {
        deserialize_i8 visit_i8 i8
        deserialize_i16 visit_i16 i16
        deserialize_i32 visit_i32 i32
        deserialize_i64 visit_i64 i64
        deserialize_i128 visit_i128 i128
        deserialize_u8 visit_u8 u8
        deserialize_u16 visit_u16 u16
        deserialize_u32 visit_u32 u32
        deserialize_u64 visit_u64 u64
        deserialize_u128 visit_u128 u128
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.peek()? {
            // A `Serialize` may write an optional field as unit, or its value bare.
            tag::NONE | tag::UNIT => {
                self.byte()?;
                visitor.visit_none()
            }
            tag::SOME => self.some(visitor),
            _ => self.bare_some(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == handle::NAME && self.peek()? == tag::HANDLE {
            return self.scalar(visitor);
        }
        let outside = self.depth.enter(WRAPPER)?;
        let value = visitor.visit_newtype_struct(&mut *self);
        self.depth = outside;
        value
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.peek()? {
            tag::UNIT_VARIANT => {
                self.byte()?;
                visitor.visit_enum(self.name()?.into_deserializer())
            }
            tag::VARIANT => {
                self.byte()?;
                visitor.visit_enum(Variant {
                    decoder: self,
                    name: None,
                })
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_byte_buf(visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        // A type may write itself as a sequence and read itself as bytes.
        match self.rest {
            [tag::PACKED, kind, ..] if *kind == ElementKind::U8 as u8 => {
                self.take(2)?;
                self.bytes(visitor)
            }
            [tag::PACKED_SPLICE, kind, ..] if *kind == ElementKind::U8 as u8 => {
                self.take(2)?;
                visitor.visit_byte_buf(self.splice()?)
            }
            _ => self.deserialize_any(visitor),
        }
    }

    expected! {
        deserialize_f32 F32 f32
        deserialize_f64 F64 f64
        deserialize_str STR inline_text
        deserialize_string STR inline_text
        deserialize_map MAP map
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.rest.first() {
            Some(&tag::SEQ) => self.seq(visitor),
            Some(&tag::SEQ_OF_RUN) => self.seq_of_run(visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        match self.rest.first() {
            Some(&tag::SEQ) => self.seq(visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_tuple(0, visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.rest.first() {
            Some(&tag::STRUCT) => self.fields(visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    serde::forward_to_deserialize_any! {
        bool char unit unit_struct identifier ignored_any
    }
}

/// The items of a sequence or map.
struct ItemAccess<'a, 'm> {
    decoder: &'a mut Decoder<'m>,
    outside: Depth,
    left: usize,
    /// The items of a sequence that come without tags.
    run: Option<Box<Run<'m>>>,
}

impl<'a, 'm> ItemAccess<'a, 'm> {
    fn enter(decoder: &'a mut Decoder<'m>) -> Result<ItemAccess<'a, 'm>, Error> {
        Ok(ItemAccess {
            outside: decoder.depth.enter(CONTAINER)?,
            left: decoder.count()?,
            run: None,
            decoder,
        })
    }

    /// When its visitor has a value, which is not moved for that: it may be large.
    #[inline]
    fn close(&mut self) -> Result<(), Error> {
        self.decoder.depth = self.outside;
        match self.left {
            0 => Ok(()),
            left => Err(de::Error::custom(format_args!(
                "{left} items more than were expected"
            ))),
        }
    }

    fn hint(&self) -> usize {
        self.left.min(LARGEST_HINT)
    }
}

impl<'m> de::SeqAccess<'m> for &mut ItemAccess<'_, 'm> {
    type Error = Error;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'m>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        // One of no items has been begun and given up.
        while self.run.is_none()
            && let Some(&(tag::RUN | tag::RUN_SPLICE)) = self.decoder.rest.first()
        {
            self.run = Some(self.decoder.run(self.left)?).filter(|run| !run.is_empty());
        }
        self.left -= 1;
        let Some(run) = &mut self.run else {
            return seed.deserialize(&mut *self.decoder).map(Some);
        };
        let value = run.read(seed).map(Some);
        if run.is_empty() {
            self.run = None;
        }
        value
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.hint())
    }
}

impl<'m> de::MapAccess<'m> for &mut ItemAccess<'_, 'm> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'m>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.decoder).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'m>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.decoder)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.hint())
    }
}

/// The fields of a struct.
struct FieldAccess<'a, 'm> {
    decoder: &'a mut Decoder<'m>,
    outside: Depth,
    ended: bool,
}

impl FieldAccess<'_, '_> {
    #[inline]
    fn close(&mut self) -> Result<(), Error> {
        if self.ended || self.decoder.name_or_end()?.is_none() {
            self.decoder.depth = self.outside;
            Ok(())
        } else {
            Err(Error::new("more fields than were expected"))
        }
    }
}

impl<'m> de::MapAccess<'m> for &mut FieldAccess<'_, 'm> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'m>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        match self.decoder.name_or_end()? {
            Some(name) => seed
                .deserialize(de::value::BorrowedStrDeserializer::new(name))
                .map(Some),
            None => {
                self.ended = true;
                Ok(None)
            }
        }
    }

    fn next_value_seed<V: DeserializeSeed<'m>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.decoder)
    }
}

/// An enum's variant with its content; to a visitor that knows no enums, a map of one entry.
struct Variant<'a, 'm> {
    decoder: &'a mut Decoder<'m>,
    name: Option<()>,
}

impl<'m> Variant<'_, 'm> {
    /// What is in the variant. Sequences and structs are a level by themselves.
    fn content<T: DeserializeSeed<'m>>(self, seed: T) -> Result<T::Value, Error> {
        let outside = self.decoder.depth.enter(CONTAINER)?;
        let value = seed.deserialize(&mut *self.decoder);
        self.decoder.depth = outside;
        value
    }
}

impl<'m> de::EnumAccess<'m> for Variant<'_, 'm> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'m>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let name = self.decoder.name()?;
        let value = seed.deserialize(de::value::BorrowedStrDeserializer::<Error>::new(name))?;
        Ok((value, self))
    }
}

impl<'m> de::VariantAccess<'m> for Variant<'_, 'm> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        de::Deserialize::deserialize(self.decoder)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'m>>(self, seed: T) -> Result<T::Value, Error> {
        self.content(seed)
    }

    fn tuple_variant<V: Visitor<'m>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.decoder.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'m>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.decoder.deserialize_any(visitor)
    }
}

impl<'m> de::MapAccess<'m> for Variant<'_, 'm> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'m>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        if self.name.replace(()).is_some() {
            return Ok(None);
        }
        let name = self.decoder.name()?;
        seed.deserialize(de::value::BorrowedStrDeserializer::new(name))
            .map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'m>>(&mut self, seed: V) -> Result<V::Value, Error> {
        let variant = Variant {
            decoder: &mut *self.decoder,
            name: None,
        };
        variant.content(seed)
    }
}

/// The numbers of a packed sequence, one by one.
struct Packed<'b> {
    kind: ElementKind,
    rest: &'b [u8],
    depth: Depth,
}

impl<'de> de::SeqAccess<'de> for Packed<'_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Error> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let (number, rest) = self
            .rest
            .split_at_checked(self.kind.width())
            .ok_or_else(ended)?;
        self.rest = rest;
        seed.deserialize(PackedNumber {
            kind: self.kind,
            bytes: number,
            depth: self.depth,
        })
        .map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some((self.rest.len() / self.kind.width()).min(LARGEST_HINT))
    }
}

/// One number of a packed sequence.
struct PackedNumber<'b> {
    kind: ElementKind,
    bytes: &'b [u8],
    /// A type may be options or newtypes of itself without an end.
    depth: Depth,
}

impl<'de> Deserializer<'de> for PackedNumber<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        macro_rules! number {
            ($type:ident) => {
                $type::from_ne_bytes(self.bytes.try_into().map_err(|_| ended())?)
            };
        }
        match self.kind {
            ElementKind::U8 => visitor.visit_u8(number!(u8)),
            ElementKind::U16 => visitor.visit_u16(number!(u16)),
            ElementKind::U32 => visitor.visit_u32(number!(u32)),
            ElementKind::U64 => visitor.visit_u64(number!(u64)),
            ElementKind::U128 => visitor.visit_u128(number!(u128)),
            ElementKind::Usize => visitor.visit_u64(number!(usize) as u64),
            ElementKind::I8 => visitor.visit_i8(number!(i8)),
            ElementKind::I16 => visitor.visit_i16(number!(i16)),
            ElementKind::I32 => visitor.visit_i32(number!(i32)),
            ElementKind::I64 => visitor.visit_i64(number!(i64)),
            ElementKind::I128 => visitor.visit_i128(number!(i128)),
            ElementKind::Isize => visitor.visit_i64(number!(isize) as i64),
            ElementKind::F32 => visitor.visit_f32(number!(f32)),
            ElementKind::F64 => visitor.visit_f64(number!(f64)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Error> {
        self.depth.enter(WRAPPER)?;
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.depth.enter(WRAPPER)?;
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

fn text(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|_| not_text())
}

#[cold]
fn not_text() -> Error {
    Error::new("corrupt message: text is not UTF-8")
}

#[cold]
fn ended() -> Error {
    Error::new("the message ends too early: a `Deserialize` read more than its `Serialize` wrote")
}

#[cold]
fn unknown(tag: u8) -> Error {
    Error::new(format!("corrupt message: no value begins with {tag:#04x}"))
}
