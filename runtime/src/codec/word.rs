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
        let mut rest = bytes;
        let value = Word::take(&mut rest)?;
        rest.is_empty().then_some(value)
    }

    /// Takes the first value off the values of a message, likewise.
    #[inline]
    pub(crate) fn take<T>(rest: &mut &[u8]) -> Option<T> {
        macro_rules! try_types {
            ($read:ident: $($type:ident)*) => {$(
                if bulk::is_scalar::<T, $type>() {
                    let (value, others) = $read(rest)?;
                    let value = <$type>::try_from(value).ok()?;
                    *rest = others;
                    return bulk::from_scalar(value);
                }
            )*};
        }
        try_types!(unsigned: u64 u32 u16 u8 usize);
        try_types!(signed: i64 i32 i16 i8 isize);
        try_types!(double: f64);
        let (first, others) = rest.split_first()?;
        let value = match *first {
            tag::FALSE => bulk::from_scalar(false),
            tag::TRUE => bulk::from_scalar(true),
            tag::UNIT => bulk::from_scalar(()),
            _ => None,
        }?;
        *rest = others;
        Some(value)
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
        let class = low_byte(u64::from((bits.max(8) - 1).ilog2() - 2));
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
pub(super) fn low_byte(value: u64) -> u8 {
    value.to_le_bytes()[0]
}

/// A value, and the bytes behind it.
type Taken<'m, T> = Option<(T, &'m [u8])>;

#[inline]
fn unsigned(bytes: &[u8]) -> Taken<'_, u64> {
    let (value, rest) = match *bytes {
        [first @ tag::SMALL..=u8::MAX, ref rest @ ..] => ((first - tag::SMALL).into(), rest),
        [tag::U8, a, ref rest @ ..] => (a.into(), rest),
        [tag::U16, a, b, ref rest @ ..] => (u16::from_le_bytes([a, b]).into(), rest),
        [tag::U32, ref rest @ ..] => {
            let (bytes, rest) = rest.split_first_chunk()?;
            (u32::from_le_bytes(*bytes).into(), rest)
        }
        [tag::U64, ref rest @ ..] => {
            let (bytes, rest) = rest.split_first_chunk()?;
            (u64::from_le_bytes(*bytes), rest)
        }
        _ => return None,
    };
    Some((value, rest))
}

#[inline]
fn signed(bytes: &[u8]) -> Taken<'_, i64> {
    let (value, rest) = match *bytes {
        [tag::I8, a, ref rest @ ..] => (i8::from_le_bytes([a]).into(), rest),
        [tag::I16, a, b, ref rest @ ..] => (i16::from_le_bytes([a, b]).into(), rest),
        [tag::I32, ref rest @ ..] => {
            let (bytes, rest) = rest.split_first_chunk()?;
            (i32::from_le_bytes(*bytes).into(), rest)
        }
        [tag::I64, ref rest @ ..] => {
            let (bytes, rest) = rest.split_first_chunk()?;
            (i64::from_le_bytes(*bytes), rest)
        }
        _ => {
            let (value, rest) = unsigned(bytes)?;
            (i64::try_from(value).ok()?, rest)
        }
    };
    Some((value, rest))
}

#[inline]
fn double(bytes: &[u8]) -> Taken<'_, f64> {
    let (&first, rest) = bytes.split_first()?;
    let (bytes, rest) = rest.split_first_chunk()?;
    (first == tag::F64).then(|| (f64::from_le_bytes(*bytes), rest))
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
        let mut rest = &*out.head;
        assert_eq!(Word::take::<T>(&mut rest), Some(value));
        assert_eq!(rest, [0]);
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
