//! Writing: `&mut Output` is the serializer.

use serde::ser::{self, Serialize};

use super::depth::{CONTAINER, Depth, WRAPPER};
use super::message::low_bits;
use super::run::{self, LARGEST, Place, Shape, step};
use super::word::low_byte;
use super::{Error, Output, SPLICE_MINIMUM, Word, arrays, bulk, handle, memory, tag};

impl Output<'_> {
    #[inline]
    fn unsigned(&mut self, value: u64) -> Result<(), Error> {
        if value < tag::SMALL.into() {
            return self.put([tag::SMALL | low_byte(value)]);
        }
        self.wide(tag::U8, value, 64 - value.leading_zeros())
    }

    #[inline]
    fn signed(&mut self, value: i64) -> Result<(), Error> {
        match u64::try_from(value) {
            Ok(value) => self.unsigned(value),
            // One bit more, for the sign.
            Err(_) => self.wide(tag::I8, value.cast_unsigned(), 65 - value.leading_ones()),
        }
    }

    /// An integer of so many bits that count, in the fewest of 1, 2, 4 and 8 bytes.
    #[inline]
    fn wide(&mut self, one_byte: u8, value: u64, bits: u32) -> Result<(), Error> {
        self.word(&Word::wide(one_byte, value, bits))
    }

    fn wide_unsigned(&mut self, value: u128) -> Result<(), Error> {
        match u64::try_from(value) {
            Ok(value) => self.unsigned(value),
            Err(_) => self.put_tagged(tag::U128, value.to_le_bytes()),
        }
    }

    fn wide_signed(&mut self, value: i128) -> Result<(), Error> {
        match (i64::try_from(value), u128::try_from(value)) {
            (Ok(value), _) => self.signed(value),
            (_, Ok(value)) => self.wide_unsigned(value),
            _ => self.put_tagged(tag::I128, value.to_le_bytes()),
        }
    }

    #[inline]
    fn put_tagged<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) -> Result<(), Error> {
        self.room_for(1 + N)?;
        self.head.push(tag);
        self.head.extend_from_slice(&bytes);
        Ok(())
    }

    #[inline]
    fn name(&mut self, name: &'static str) -> Result<(), Error> {
        self.room()?;
        if let Some(place) = self.names.place(name) {
            self.varint(tag::KNOWN_NAMES + place as u64);
            Ok(())
        } else {
            self.varint(tag::NEW_NAME);
            self.inline(name.as_bytes())
        }
    }

    #[inline]
    fn items(
        &mut self,
        tag: u8,
        announced: Option<usize>,
    ) -> Result<ItemSerializer<'_, Self>, Error> {
        let outside = self.depth.enter(CONTAINER)?;
        self.room()?;
        self.head.push(tag);
        let length = match announced {
            Some(length) => {
                self.length(length);
                Length::Announced(length)
            }
            None => {
                let place = self.head.len();
                self.head.extend([0; PADDED_LENGTH]);
                Length::Reserved(place)
            }
        };
        Ok(ItemSerializer {
            out: self,
            outside,
            length,
            written: 0,
        })
    }

    /// Begins a run; gives the place where the number of its items stands.
    fn begin_run(&mut self, shape: &Shape<'static>) -> Result<usize, Error> {
        self.put([tag::RUN])?;
        let place = self.head.len();
        self.put([0; size_of::<u64>()])?;
        for (step, name) in shape.steps() {
            if let Some(name) = name {
                self.put([step::FIELD])?;
                self.name(name)?;
            }
            self.put([step])?;
        }
        Ok(place)
    }

    /// Takes in the bytes of a run that were not written into the head.
    fn run_beside(&mut self, place: usize, bytes: Vec<u8>) -> Result<(), Error> {
        if bytes.len() < SPLICE_MINIMUM {
            memory::grow(&mut self.head, bytes.len())?;
            self.head.extend_from_slice(&bytes);
            return Ok(());
        }
        self.head[place - 1] = tag::RUN_SPLICE;
        self.splice(bytes)
    }

    fn end_run(&mut self, place: usize, count: usize) {
        let count = (count as u64).to_le_bytes();
        self.head[place..place + count.len()].copy_from_slice(&count);
    }

    fn variant(&mut self, variant: &'static str) -> Result<(), Error> {
        self.only_numbers = false;
        self.put([tag::VARIANT])?;
        self.name(variant)
    }
}

/// From so many items on it is tried whether they are a run.
const SHORTEST_RUN: usize = 16;

/// About so many bytes of a run are made room for at once: they stay in the fastest cache.
const CHUNK: usize = 4096;

/// A run has room for so many bytes from the start, if it may become as long; for more as they come.
const LARGEST_RESERVED: usize = 64 << 20;

/// Appends items that are arrays in memory, all at once; says how many. `None`: they are something else.
fn copy_run<T: Serialize, I>(
    bytes: &mut Vec<u8>,
    shape: &Shape<'static>,
    first: &T,
    items: &I,
) -> Result<Option<usize>, Error> {
    let array = shape.as_array();
    let Some(rest) = array.and_then(|array| arrays::memory_of_rest(items, array)) else {
        return Ok(None);
    };
    let mut place = [0; LARGEST];
    let (true, Some(first)) = (
        run::fill_by_text(shape, first, &mut place),
        place.get(..shape.width),
    ) else {
        return Ok(None);
    };
    memory::grow(bytes, first.len() + rest.len())?;
    bytes.extend_from_slice(first);
    bytes.extend_from_slice(rest);
    Ok(Some(1 + rest.len() / shape.width))
}

/// What comes behind items that were written.
enum Next<T> {
    /// One that is of another shape.
    Other(T),
    /// One that was not tried yet.
    Untried(T),
    Nothing,
}

/// Appends items for as long as they are of the shape, probably so many. Gives how many there were, and the one
/// that is not with those behind it.
fn fill_run<T: Serialize, I: Iterator<Item = T>>(
    bytes: &mut Vec<u8>,
    shape: &Shape<'static>,
    first: T,
    mut items: I,
    length: usize,
) -> Result<(usize, Option<(T, I)>), Error> {
    let chunk = (CHUNK / shape.width).clamp(1, length.max(1)) * shape.width;
    let begin = bytes.len();
    let mut is_by_text = false;
    let mut item = first;
    let rest = loop {
        let start = bytes.len();
        memory::grow(bytes, chunk + LARGEST)?;
        bytes.resize(start + chunk + LARGEST, 0);
        let places = &mut bytes[start..];
        let (filled, next) = if is_by_text {
            fill_chunk(places, shape, item, &mut items, run::fill_by_text)
        } else {
            fill_chunk(places, shape, item, &mut items, run::fill)
        };
        bytes.truncate(start + filled);
        item = match next {
            Next::Untried(item) => item,
            Next::Other(item) if !is_by_text => {
                is_by_text = true;
                item
            }
            Next::Other(item) => break Some((item, items)),
            Next::Nothing => break None,
        };
    };
    Ok(((bytes.len() - begin) / shape.width, rest))
}

/// Writes items while there is place for one of the [`LARGEST`], which each of them has: what it leaves is the
/// next one's. Gives how many bytes they take.
#[inline]
fn fill_chunk<T: Serialize>(
    places: &mut [u8],
    shape: &Shape<'static>,
    first: T,
    items: &mut impl Iterator<Item = T>,
    fill: impl Fn(&Shape<'static>, &T, &mut Place) -> bool,
) -> (usize, Next<T>) {
    let width = shape.width.min(LARGEST);
    let mut item = first;
    let mut at = 0;
    while let Some(place) = places.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
        if !fill(shape, &item, place) {
            return (at, Next::Other(item));
        }
        at += width;
        item = match items.next() {
            Some(item) => item,
            None => return (at, Next::Nothing),
        };
    }
    (at, Next::Untried(item))
}

/// Bytes of a LEB128 length that is filled in later, padded with empty groups.
const PADDED_LENGTH: usize = 10;

/// Where the number of items stands in the head.
#[derive(Debug)]
enum Length {
    Announced(usize),
    Reserved(usize),
}

/// A sequence, tuple or map being written.
#[derive(Debug)]
pub(crate) struct ItemSerializer<'a, O> {
    out: &'a mut O,
    outside: Depth,
    length: Length,
    written: usize,
}

impl ItemSerializer<'_, Output<'_>> {
    fn item<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
        self.written += 1;
        value.serialize(&mut *self.out)
    }

    /// Writes the first item, and as many of those behind it in one [`run`](super::run) as can be. Gives those
    /// that are left, if not all of them are in that run.
    fn run<T: Serialize, I: Iterator<Item = T>>(
        &mut self,
        mut items: I,
        length: usize,
    ) -> Result<Option<I>, Error> {
        let Some(first) = items.next() else {
            return Ok(Some(items));
        };
        let (start, names) = (self.out.head.len(), self.out.names.mark());
        self.out.only_numbers = true;
        self.item(&first)?;
        if !self.out.only_numbers || !self.outside.is_shallow() {
            return Ok(Some(items));
        }
        let Some(shape) = run::learn(&first) else {
            return Ok(Some(items));
        };
        // It is written again as the first of the run.
        self.written -= 1;
        self.out.head.truncate(start);
        self.out.names.go_back(names);
        let place = self.out.begin_run(&shape)?;
        let most = length.saturating_mul(shape.width);
        let is_beside = most >= SPLICE_MINIMUM;
        let mut beside = Vec::new();
        let bytes = if is_beside {
            // With room for a last chunk, and what is behind it.
            let room = most.min(LARGEST_RESERVED) + CHUNK + LARGEST;
            memory::reserve(&mut beside, room)?;
            &mut beside
        } else {
            &mut self.out.head
        };
        let (count, rest) = match copy_run(bytes, &shape, &first, &items)? {
            Some(count) => (count, None),
            None => fill_run(bytes, &shape, first, items, length)?,
        };
        if is_beside {
            self.out.run_beside(place, beside)?;
        }
        self.written += count;
        self.out.end_run(place, count);
        let Some((other, items)) = rest else {
            return Ok(None);
        };
        self.item(&other)?;
        Ok(Some(items))
    }

    #[inline]
    fn close(self) -> Result<(), Error> {
        self.out.depth = self.outside;
        match self.length {
            Length::Announced(length) if length != self.written => Err(Error::new(format!(
                "a `Serialize` announced {length} items and wrote {}",
                self.written
            ))),
            Length::Announced(_) => Ok(()),
            Length::Reserved(place) => {
                let mut rest = self.written as u64;
                let (last, groups) = self.out.head[place..place + PADDED_LENGTH]
                    .split_last_mut()
                    .expect("the reserved length is not empty");
                for group in groups {
                    *group = low_bits(rest) | 0x80;
                    rest >>= 7;
                }
                *last = low_bits(rest);
                Ok(())
            }
        }
    }
}

/// A struct being written.
#[derive(Debug)]
pub(crate) struct FieldSerializer<'a, O> {
    out: &'a mut O,
    outside: Depth,
}

impl<'a, 'e> ser::Serializer for &'a mut Output<'e> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = ItemSerializer<'a, Output<'e>>;
    type SerializeTuple = ItemSerializer<'a, Output<'e>>;
    type SerializeTupleStruct = ItemSerializer<'a, Output<'e>>;
    type SerializeTupleVariant = ItemSerializer<'a, Output<'e>>;
    type SerializeMap = ItemSerializer<'a, Output<'e>>;
    type SerializeStruct = FieldSerializer<'a, Output<'e>>;
    type SerializeStructVariant = FieldSerializer<'a, Output<'e>>;

    fn is_human_readable(&self) -> bool {
        super::HUMAN_READABLE
    }

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.put([if value { tag::TRUE } else { tag::FALSE }])
    }

    #[inline]
    fn serialize_i8(self, value: i8) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    #[inline]
    fn serialize_i16(self, value: i16) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    #[inline]
    fn serialize_i32(self, value: i32) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    #[inline]
    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        self.signed(value)
    }

    fn serialize_i128(self, value: i128) -> Result<(), Error> {
        self.wide_signed(value)
    }

    #[inline]
    fn serialize_u8(self, value: u8) -> Result<(), Error> {
        self.serialize_u64(value.into())
    }

    #[inline]
    fn serialize_u16(self, value: u16) -> Result<(), Error> {
        self.serialize_u64(value.into())
    }

    #[inline]
    fn serialize_u32(self, value: u32) -> Result<(), Error> {
        self.serialize_u64(value.into())
    }

    #[inline]
    fn serialize_u64(self, value: u64) -> Result<(), Error> {
        self.unsigned(value)
    }

    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        self.wide_unsigned(value)
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.put_tagged(tag::F32, value.to_le_bytes())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.put_tagged(tag::F64, value.to_le_bytes())
    }

    #[inline]
    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.put_tagged(tag::CHAR, u32::from(value).to_le_bytes())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.only_numbers = false;
        self.bytes(tag::STR, tag::STR_SPLICE, value.as_bytes())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.only_numbers = false;
        self.bytes(tag::BYTES, tag::BYTES_SPLICE, value)
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Error> {
        self.only_numbers = false;
        self.put([tag::NONE])
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Error> {
        let outside = self.depth.enter(WRAPPER)?;
        self.only_numbers = false;
        self.put([tag::SOME])?;
        let written = value.serialize(&mut *self);
        self.depth = outside;
        written
    }

    #[inline]
    fn serialize_unit(self) -> Result<(), Error> {
        self.only_numbers = false;
        self.put([tag::UNIT])
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Error> {
        self.only_numbers = false;
        self.put([tag::UNIT_VARIANT])?;
        self.name(variant)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        if name == handle::NAME {
            return self.handle(value);
        }
        let outside = self.depth.enter(WRAPPER)?;
        let written = value.serialize(&mut *self);
        self.depth = outside;
        written
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        let outside = self.depth.enter(CONTAINER)?;
        self.variant(variant)?;
        let written = value.serialize(&mut *self);
        self.depth = outside;
        written
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self::SerializeSeq, Error> {
        self.only_numbers = false;
        self.items(tag::SEQ, length)
    }

    fn serialize_tuple(self, length: usize) -> Result<Self::SerializeTuple, Error> {
        self.items(tag::SEQ, Some(length))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleStruct, Error> {
        self.serialize_tuple(length)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        self.variant(variant)?;
        self.serialize_tuple(length)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self::SerializeMap, Error> {
        self.only_numbers = false;
        self.items(tag::MAP, length)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Error> {
        let outside = self.depth.enter(CONTAINER)?;
        self.put([tag::STRUCT])?;
        Ok(FieldSerializer { out: self, outside })
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        self.variant(variant)?;
        self.serialize_struct(name, length)
    }

    fn collect_seq<I>(self, items: I) -> Result<(), Error>
    where
        I: IntoIterator,
        I::Item: Serialize,
    {
        if let Some((kind, bytes)) = bulk::memory_of_iterated(&items) {
            self.only_numbers = false;
            return self.packed(kind, bytes);
        }
        let items = items.into_iter();
        let length = match items.size_hint() {
            (low, Some(high)) if low == high => Some(low),
            _ => None,
        };
        let place = self.head.len();
        let mut seq = self.items(tag::SEQ, length)?;
        let rest = match length.filter(|length| *length >= SHORTEST_RUN) {
            Some(length) => seq.run(items, length)?,
            None => Some(items),
        };
        match rest {
            Some(items) => items.into_iter().try_for_each(|item| seq.item(&item))?,
            None => seq.out.head[place] = tag::SEQ_OF_RUN,
        }
        seq.out.only_numbers = false;
        seq.close()
    }
}

impl ser::SerializeSeq for ItemSerializer<'_, Output<'_>> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeTuple for ItemSerializer<'_, Output<'_>> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeTupleStruct for ItemSerializer<'_, Output<'_>> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeTupleVariant for ItemSerializer<'_, Output<'_>> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeMap for ItemSerializer<'_, Output<'_>> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Error> {
        key.serialize(&mut *self.out)
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
        self.item(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close()
    }
}

impl ser::SerializeStruct for FieldSerializer<'_, Output<'_>> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        self.out.name(name)?;
        value.serialize(&mut *self.out)
    }

    fn end(self) -> Result<(), Error> {
        self.out.put([tag::END_BYTE])?;
        self.out.depth = self.outside;
        Ok(())
    }
}

impl ser::SerializeStructVariant for FieldSerializer<'_, Output<'_>> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        ser::SerializeStruct::serialize_field(self, name, value)
    }

    fn end(self) -> Result<(), Error> {
        ser::SerializeStruct::end(self)
    }
}
