//! Values of a word at most, which are written and read without a message being begun.
//!
//! Of a million tasks that do nothing, each has an argument and a result, which nearly always are numbers, and
//! to begin a message for a number takes several times as long as to write it. What stands here is what
//! a message has of such a value: to read it, one need not know how it was written.

use super::{bulk, tag};

/// What a message has of a value. It is in parts that are written as they are: to put them together as bytes first
/// takes as long as all else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word {
    /// The bytes behind the first, the lowest first.
    rest: u64,
    first: u8,
    /// How many bytes of the rest count.
    length: u8,
}

impl Word {
    /// What a message has of this value, if that is known of its type.
    #[inline]
    pub(crate) fn of<T: ?Sized>(value: &T) -> Option<Word> {
        macro_rules! try_types {
            ($write:ident: $($type:ident)*) => {$(
                if let Some(value) = bulk::scalar_of::<T, $type>(value) {
                    return Some(Word::$write((*value).into()));
                }
            )*};
        }
        try_types!(unsigned: u64 u32 u16 u8);
        if let Some(value) = bulk::scalar_of::<T, usize>(value) {
            return Some(Word::unsigned(*value as u64));
        }
        try_types!(signed: i64 i32 i16 i8);
        if let Some(value) = bulk::scalar_of::<T, isize>(value) {
            return Some(Word::signed(*value as i64));
        }
        try_types!(double: f64);
        if let Some(value) = bulk::scalar_of::<T, bool>(value) {
            return Some(Word::byte(if *value { tag::TRUE } else { tag::FALSE }));
        }
        bulk::scalar_of::<T, ()>(value).map(|()| Word::byte(tag::UNIT))
    }

    /// The value of which a message has exactly these bytes. `None`: it has others, or is read by other code.
    #[inline]
    pub(crate) fn read<T>(bytes: &[u8]) -> Option<T> {
        macro_rules! try_types {
            ($read:ident: $($type:ident)*) => {$(
                if bulk::is_scalar::<T, $type>() {
                    let value = <$type>::try_from($read(bytes)?).ok()?;
                    return bulk::from_scalar(value);
                }
            )*};
        }
        try_types!(unsigned: u64 u32 u16 u8 usize);
        try_types!(signed: i64 i32 i16 i8 isize);
        try_types!(double: f64);
        match bytes {
            [tag::FALSE] => bulk::from_scalar(false),
            [tag::TRUE] => bulk::from_scalar(true),
            [tag::UNIT] => bulk::from_scalar(()),
            _ => None,
        }
    }

    #[inline]
    fn byte(first: u8) -> Word {
        Word {
            rest: 0,
            first,
            length: 0,
        }
    }

    #[inline]
    fn unsigned(value: u64) -> Word {
        match u8::try_from(value) {
            Ok(value @ ..tag::SMALL) => Word::byte(tag::SMALL | value),
            _ => Word::wide(tag::U8, value, u64::BITS - value.leading_zeros()),
        }
    }

    #[inline]
    fn signed(value: i64) -> Word {
        match u64::try_from(value) {
            Ok(value) => Word::unsigned(value),
            // One bit more, for the sign.
            Err(_) => {
                let bits = u64::BITS + 1 - value.leading_ones();
                Word::wide(tag::I8, value.cast_unsigned(), bits)
            }
        }
    }

    /// An integer of so many bits that count, in the fewest of 1, 2, 4 and 8 bytes.
    #[inline]
    pub(super) fn wide(one_byte: u8, value: u64, bits: u32) -> Word {
        // Of 1 to 8 bits 0, of 9 to 16 bits 1, of 17 to 32 bits 2, of more 3.
        let class = low_byte((bits.max(8) - 1).ilog2() - 2);
        Word {
            rest: value,
            first: one_byte + class,
            length: 1 << class,
        }
    }

    #[inline]
    fn double(value: f64) -> Word {
        Word {
            rest: value.to_bits(),
            first: tag::F64,
            length: 8,
        }
    }

    /// How many bytes there are.
    #[inline]
    pub(crate) fn length(&self) -> usize {
        1 + usize::from(self.length)
    }

    /// Appends the bytes. All that there may be are written, and those that count stay: to write a number of bytes
    /// that is known takes less than to write fewer.
    #[inline]
    pub(crate) fn append_to(&self, head: &mut Vec<u8>) {
        let end = head.len() + self.length();
        head.push(self.first);
        head.extend_from_slice(&self.rest.to_le_bytes());
        head.truncate(end);
    }
}

#[inline]
fn low_byte(value: u32) -> u8 {
    value.to_le_bytes()[0]
}

#[inline]
fn unsigned(bytes: &[u8]) -> Option<u64> {
    Some(match *bytes {
        [first @ tag::SMALL..=u8::MAX] => (first - tag::SMALL).into(),
        [tag::U8, a] => a.into(),
        [tag::U16, a, b] => u16::from_le_bytes([a, b]).into(),
        [tag::U32, a, b, c, d] => u32::from_le_bytes([a, b, c, d]).into(),
        [tag::U64, a, b, c, d, e, f, g, h] => u64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => return None,
    })
}

#[inline]
fn signed(bytes: &[u8]) -> Option<i64> {
    Some(match *bytes {
        [tag::I8, a] => i8::from_le_bytes([a]).into(),
        [tag::I16, a, b] => i16::from_le_bytes([a, b]).into(),
        [tag::I32, a, b, c, d] => i32::from_le_bytes([a, b, c, d]).into(),
        [tag::I64, a, b, c, d, e, f, g, h] => i64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => return i64::try_from(unsigned(bytes)?).ok(),
    })
}

#[inline]
fn double(bytes: &[u8]) -> Option<f64> {
    match *bytes {
        [tag::F64, a, b, c, d, e, f, g, h] => Some(f64::from_le_bytes([a, b, c, d, e, f, g, h])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use serde::{Serialize, de::DeserializeOwned};

    use super::*;
    use crate::codec::{Input, Output};

    /// Whether a value is written and read as in a message.
    fn check<T: Serialize + DeserializeOwned + PartialEq + Debug + Copy>(value: T) {
        let mut out = Output::default();
        out.write(&value).unwrap();
        let word = Word::of(&value).unwrap();
        let mut head = vec![7];
        word.append_to(&mut head);
        assert_eq!(head[1..], out.head, "{value:?}");
        assert_eq!(word.length(), out.head.len());
        assert_eq!(Word::read::<T>(&out.head), Some(value));
        assert_eq!(Input::over(&head[1..]).read::<T>().unwrap(), value);
        // Neither less nor more than it.
        out.head.push(0);
        assert_eq!(Word::read::<T>(&out.head), None);
        out.head.truncate(out.head.len() - 2);
        assert_eq!(Word::read::<T>(&out.head), None);
    }

    #[test]
    fn a_number_is_written_and_read_as_in_a_message() {
        for bit in 0..64 {
            for value in [(1 << bit) - 1, 1_u64 << bit, u64::MAX >> bit] {
                check(value);
                check(value.cast_signed());
                check(value.cast_signed().wrapping_neg());
                check(usize::try_from(value).unwrap());
                check(isize::try_from(value.cast_signed()).unwrap());
                let bytes = value.to_le_bytes();
                let [a, b, c, d, ..] = bytes;
                check(u32::from_le_bytes([a, b, c, d]));
                check(i32::from_le_bytes([a, b, c, d]));
                check(u16::from_le_bytes([a, b]));
                check(i16::from_le_bytes([a, b]));
                check(a);
                check(i8::from_le_bytes([a]));
            }
        }
        for value in [0.0, -1.5, f64::MIN, f64::INFINITY] {
            check(value);
        }
    }

    #[test]
    fn so_is_what_is_true_or_says_nothing() {
        check(true);
        check(false);
        check(());
    }

    #[test]
    fn what_is_no_word_is_left_to_others() {
        assert_eq!(Word::of("text"), None);
        assert_eq!(Word::of(&[1_u8, 2]), None);
        assert_eq!(Word::of(&Some(1_u8)), None);
        assert_eq!(Word::of(&&1_u8), None);
        assert_eq!(Word::read::<String>(&[tag::STR, 0]), None);
        assert_eq!(Word::read::<Option<()>>(&[tag::UNIT]), None);
        // It fits into no byte.
        assert_eq!(Word::read::<u8>(&[tag::U16, 0, 1]), None);
        assert_eq!(Word::read::<u64>(&[tag::I8, 0xff]), None);
        assert_eq!(Word::read::<bool>(&[tag::UNIT]), None);
    }
}
