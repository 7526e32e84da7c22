//! Writing: `&mut Output` is the serializer.

use serde::ser::{self, Serialize};

use super::depth::{CONTAINER, Depth, WRAPPER};
use super::message::low_bits;
use super::{Error, Output, bulk, handle, tag};

impl Output<'_> {
    fn unsigned(&mut self, value: u128) {
        let head = &mut self.head;
        if let Ok(value) = u8::try_from(value) {
            if value < tag::SMALL {
                head.push(tag::SMALL | value);
            } else {
                head.extend([tag::U8, value]);
            }
        } else if let Ok(value) = u16::try_from(value) {
            head.push(tag::U16);
            head.extend(value.to_ne_bytes());
        } else if let Ok(value) = u32::try_from(value) {
            head.push(tag::U32);
            head.extend(value.to_ne_bytes());
        } else if let Ok(value) = u64::try_from(value) {
            head.push(tag::U64);
            head.extend(value.to_ne_bytes());
        } else {
            head.push(tag::U128);
            head.extend(value.to_ne_bytes());
        }
    }

    fn signed(&mut self, value: i128) {
        if let Ok(value) = u128::try_from(value) {
            return self.unsigned(value);
        }
        let head = &mut self.head;
        if let Ok(value) = i8::try_from(value) {
            head.push(tag::I8);
            head.extend(value.to_ne_bytes());
        } else if let Ok(value) = i16::try_from(value) {
            head.push(tag::I16);
            head.extend(value.to_ne_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            head.push(tag::I32);
            head.extend(value.to_ne_bytes());
        } else if let Ok(value) = i64::try_from(value) {
            head.push(tag::I64);
            head.extend(value.to_ne_bytes());
        } else {
            head.push(tag::I128);
            head.extend(value.to_ne_bytes());
        }
    }

    fn name(&mut self, name: &'static str) -> Result<(), Error> {
        if let Some(place) = self.names.place(name) {
            self.varint(tag::KNOWN_NAMES + place as u64);
            Ok(())
        } else {
            self.varint(tag::NEW_NAME);
            self.inline(name.as_bytes())
        }
    }

    fn items(
        &mut self,
        tag: u8,
        announced: Option<usize>,
    ) -> Result<ItemSerializer<'_, Self>, Error> {
        let outside = self.depth.enter(CONTAINER)?;
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

    fn variant(&mut self, variant: &'static str) -> Result<(), Error> {
        self.head.push(tag::VARIANT);
        self.name(variant)
    }
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
        self.out.room()?;
        value.serialize(&mut *self.out)
    }

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

    fn serialize_bool(self, value: bool) -> Result<(), Error> {
        self.head.push(if value { tag::TRUE } else { tag::FALSE });
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Error> {
        self.signed(value.into());
        Ok(())
    }

    fn serialize_i128(self, value: i128) -> Result<(), Error> {
        self.signed(value);
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<(), Error> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Error> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Error> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Error> {
        self.unsigned(value.into());
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<(), Error> {
        self.unsigned(value);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Error> {
        self.head.push(tag::F32);
        self.head.extend(value.to_ne_bytes());
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Error> {
        self.head.push(tag::F64);
        self.head.extend(value.to_ne_bytes());
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Error> {
        self.head.push(tag::CHAR);
        self.head.extend(u32::from(value).to_ne_bytes());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Error> {
        self.bytes(tag::STR, tag::STR_SPLICE, value.as_bytes())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Error> {
        self.bytes(tag::BYTES, tag::BYTES_SPLICE, value)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.head.push(tag::NONE);
        Ok(())
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Error> {
        let outside = self.depth.enter(WRAPPER)?;
        self.head.push(tag::SOME);
        let written = value.serialize(&mut *self);
        self.depth = outside;
        written
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.head.push(tag::UNIT);
        Ok(())
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
        self.head.push(tag::UNIT_VARIANT);
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
        self.items(tag::MAP, length)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Error> {
        let outside = self.depth.enter(CONTAINER)?;
        self.head.push(tag::STRUCT);
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
            return self.packed(kind, bytes);
        }
        let items = items.into_iter();
        let length = match items.size_hint() {
            (low, Some(high)) if low == high => Some(low),
            _ => None,
        };
        let mut seq = self.items(tag::SEQ, length)?;
        for item in items {
            seq.item(&item)?;
        }
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
        self.out.room()?;
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
        self.out.room()?;
        self.out.name(name)?;
        value.serialize(&mut *self.out)
    }

    fn end(self) -> Result<(), Error> {
        self.out.room()?;
        self.out.varint(tag::END);
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
