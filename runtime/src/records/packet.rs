//! What stands in a packet of the connection by which a child logs.
//!
//! | | |
//! |---|---|
//! | kind | one byte, a [`Kind`] |
//! | lost | four bytes: how many packets were dropped before this one |
//! | task | a text: the function that the process ran |
//! | content | by kind |
//!
//! A text is its length and how many bytes more it had, four bytes each, and the bytes. The packets
//! stand for themselves: no one depends on another, which may have been dropped. What is read was
//! written by another process, which may be sick: it is a value or nothing.

use std::fmt::{self, Write as _};
use std::ops::Range;

/// The most bytes of texts in one packet.
const LONGEST: usize = 32 << 10;

/// A buffer of this length has room for each packet.
pub(super) const BUFFER: usize = 2 * LONGEST;

/// How many values stand in a packet at most.
pub(super) const MOST_VALUES: usize = 100;

/// The longest name.
const LONGEST_NAME: usize = 1 << 10;

/// Where the number of lost packets stands.
const LOST: Range<usize> = 1..5;

/// What a packet tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing but how many were lost.
    Lost = 1,
    /// A record of the crate `log`.
    #[cfg(feature = "log")]
    Record = 2,
    /// What [`trace_packet`](super::trace_packet) writes.
    #[cfg(feature = "tracing")]
    Span = 3,
    #[cfg(feature = "tracing")]
    Event = 4,
    #[cfg(feature = "tracing")]
    Values = 5,
    #[cfg(feature = "tracing")]
    Enter = 6,
    #[cfg(feature = "tracing")]
    Exit = 7,
    #[cfg(feature = "tracing")]
    Close = 8,
    #[cfg(feature = "tracing")]
    Follows = 9,
}

impl Kind {
    pub(super) const ALL: &'static [Kind] = &[
        Kind::Lost,
        #[cfg(feature = "log")]
        Kind::Record,
        #[cfg(feature = "tracing")]
        Kind::Span,
        #[cfg(feature = "tracing")]
        Kind::Event,
        #[cfg(feature = "tracing")]
        Kind::Values,
        #[cfg(feature = "tracing")]
        Kind::Enter,
        #[cfg(feature = "tracing")]
        Kind::Exit,
        #[cfg(feature = "tracing")]
        Kind::Close,
        #[cfg(feature = "tracing")]
        Kind::Follows,
    ];

    fn read(byte: u8) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| *kind as u8 == byte)
    }
}

/// A packet being written.
#[derive(Debug)]
pub(crate) struct Packet {
    bytes: Vec<u8>,
}

impl Packet {
    pub(super) fn new(kind: Kind, task: &str) -> Packet {
        let mut bytes = Vec::with_capacity(256);
        bytes.push(kind as u8);
        bytes.extend(0_u32.to_ne_bytes());
        let mut packet = Packet { bytes };
        packet.name(task);
        packet
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Says how many packets were dropped before.
    pub(super) fn set_lost(&mut self, lost: u32) {
        self.bytes[LOST].copy_from_slice(&lost.to_ne_bytes());
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(super) fn number(&mut self, number: u32) {
        self.bytes.extend(number.to_ne_bytes());
    }

    #[cfg(feature = "tracing")]
    pub(super) fn long_number(&mut self, number: u64) {
        self.bytes.extend(number.to_ne_bytes());
    }

    /// Writes a part behind its length.
    #[cfg(feature = "tracing")]
    pub(super) fn part(&mut self, write: impl FnOnce(&mut Packet)) {
        let place = self.bytes.len();
        self.number(0);
        write(self);
        let length = u32::try_from(self.bytes.len() - place - 4).unwrap_or(0);
        self.bytes[place..place + 4].copy_from_slice(&length.to_ne_bytes());
    }

    pub(super) fn name(&mut self, name: &str) {
        self.text_within(LONGEST_NAME, format_args!("{name}"));
    }

    /// Writes a text, of which the end is cut off if there is no room for it. User code runs.
    pub(super) fn text(&mut self, text: fmt::Arguments<'_>) {
        self.text_within(LONGEST, text);
    }

    fn text_within(&mut self, most: usize, text: fmt::Arguments<'_>) {
        let place = self.bytes.len();
        self.bytes.extend([0; 8]);
        let begin = self.bytes.len();
        let mut writer = Cutting {
            end: LONGEST.min(begin.saturating_add(most)),
            bytes: &mut self.bytes,
            cut: 0,
        };
        // An error is that of the value, which says no more.
        let _ = writer.write_fmt(text);
        let cut = u32::try_from(writer.cut).unwrap_or(u32::MAX);
        let length = u32::try_from(self.bytes.len() - begin).unwrap_or(0);
        self.bytes[place..place + 4].copy_from_slice(&length.to_ne_bytes());
        self.bytes[place + 4..begin].copy_from_slice(&cut.to_ne_bytes());
    }

    pub(super) fn value(&mut self, value: &Value<'_>) {
        match value {
            #[cfg(feature = "log")]
            Value::Null => self.byte(0),
            Value::Signed(number) => self.fixed(1, &number.to_ne_bytes()),
            Value::Unsigned(number) => self.fixed(2, &number.to_ne_bytes()),
            Value::Float(number) => self.fixed(3, &number.to_ne_bytes()),
            Value::Bool(value) => self.fixed(4, &[u8::from(*value)]),
            Value::Text(text) => {
                self.byte(5);
                self.text(*text);
            }
            #[cfg(feature = "tracing")]
            Value::Debug(text) => {
                self.byte(6);
                self.text(*text);
            }
        }
    }

    fn fixed(&mut self, tag: u8, bytes: &[u8]) {
        self.byte(tag);
        self.bytes.extend_from_slice(bytes);
    }
}

/// A value to be written.
#[derive(Debug)]
pub(super) enum Value<'v> {
    #[cfg(feature = "log")]
    Null,
    Signed(i128),
    Unsigned(u128),
    Float(f64),
    Bool(bool),
    Text(fmt::Arguments<'v>),
    /// A text that a value was written as.
    #[cfg(feature = "tracing")]
    Debug(fmt::Arguments<'v>),
}

/// A value that was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum OwnedValue {
    Null,
    Signed(i128),
    Unsigned(u128),
    Float(f64),
    Bool(bool),
    Text(String),
    #[cfg(feature = "tracing")]
    Debug(String),
}

/// Writes up to a place, and counts what comes behind.
struct Cutting<'b> {
    bytes: &'b mut Vec<u8>,
    end: usize,
    cut: usize,
}

impl fmt::Write for Cutting<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = if self.cut > 0 {
            0
        } else {
            self.end.saturating_sub(self.bytes.len())
        };
        let length = (0..=room.min(text.len()))
            .rev()
            .find(|place| text.is_char_boundary(*place))
            .unwrap_or(0);
        self.bytes.extend_from_slice(&text.as_bytes()[..length]);
        self.cut += text.len() - length;
        Ok(())
    }
}

/// A packet being read. Everything is `None` where it ends too early or makes no sense.
#[derive(Debug)]
pub(super) struct Reader<'p> {
    rest: &'p [u8],
}

/// What each packet says.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) kind: Kind,
    pub(super) lost: u32,
    pub(super) task: String,
}

impl<'p> Reader<'p> {
    /// Reads what all packets have, and gives the rest.
    pub(super) fn open(packet: &'p [u8]) -> Option<(Head, Reader<'p>)> {
        let mut reader = Reader { rest: packet };
        let head = Head {
            kind: Kind::read(reader.byte()?)?,
            lost: reader.number()?,
            task: reader.text()?,
        };
        Some((head, reader))
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*bytes)
    }

    pub(super) fn number(&mut self) -> Option<u32> {
        self.array().map(u32::from_ne_bytes)
    }

    #[cfg(feature = "tracing")]
    pub(super) fn over(part: &'p [u8]) -> Reader<'p> {
        Reader { rest: part }
    }

    #[cfg(feature = "tracing")]
    pub(super) fn long_number(&mut self) -> Option<u64> {
        self.array().map(u64::from_ne_bytes)
    }

    /// A part, as it was written.
    #[cfg(feature = "tracing")]
    pub(super) fn part(&mut self) -> Option<&'p [u8]> {
        let length = self.number()?;
        let (part, rest) = self.rest.split_at_checked(length as usize)?;
        self.rest = rest;
        Some(part)
    }

    /// A text, which says so if its end was cut off.
    pub(super) fn text(&mut self) -> Option<String> {
        let (length, cut) = (self.number()?, self.number()?);
        let (text, rest) = self.rest.split_at_checked(length as usize)?;
        self.rest = rest;
        let mut text = String::from_utf8_lossy(text).into_owned();
        if cut > 0 {
            let _ = write!(text, "… ({cut} bytes more)");
        }
        Some(text)
    }

    pub(super) fn value(&mut self) -> Option<OwnedValue> {
        Some(match self.byte()? {
            0 => OwnedValue::Null,
            1 => OwnedValue::Signed(i128::from_ne_bytes(self.array()?)),
            2 => OwnedValue::Unsigned(u128::from_ne_bytes(self.array()?)),
            3 => OwnedValue::Float(f64::from_ne_bytes(self.array()?)),
            4 => OwnedValue::Bool(self.byte()? != 0),
            5 => OwnedValue::Text(self.text()?),
            #[cfg(feature = "tracing")]
            6 => OwnedValue::Debug(self.text()?),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet() -> Packet {
        let mut packet = Packet::new(Kind::Lost, "decode");
        packet.set_lost(7);
        packet.name("src/lib.rs");
        packet.text(format_args!("{} and {}", 1, "two"));
        packet.value(&Value::Signed(i128::MIN));
        packet.value(&Value::Unsigned(u128::MAX));
        packet.value(&Value::Float(0.5));
        packet.value(&Value::Bool(true));
        packet.value(&Value::Bool(false));
        packet.value(&Value::Text(format_args!("text")));
        packet
    }

    fn read(bytes: &[u8]) -> Option<(Head, [String; 2], Vec<OwnedValue>)> {
        let (head, mut reader) = Reader::open(bytes)?;
        let texts = [reader.text()?, reader.text()?];
        let values = (0..6).map(|_| reader.value()).collect::<Option<_>>()?;
        Some((head, texts, values))
    }

    #[test]
    fn what_is_written_is_read() {
        let (head, texts, values) = read(packet().bytes()).unwrap();
        assert_eq!((head.kind, head.lost), (Kind::Lost, 7));
        assert_eq!(head.task, "decode");
        assert_eq!(texts, ["src/lib.rs", "1 and two"]);
        let expected = [
            OwnedValue::Signed(i128::MIN),
            OwnedValue::Unsigned(u128::MAX),
            OwnedValue::Float(0.5),
            OwnedValue::Bool(true),
            OwnedValue::Bool(false),
            OwnedValue::Text("text".to_owned()),
        ];
        assert_eq!(values, expected);
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters_and_says_so() {
        let mut packet = Packet::new(Kind::Lost, "");
        let long = "ä".repeat(LONGEST);
        packet.text(format_args!("{long}{long}"));
        packet.text(format_args!("more"));
        packet.name(&long);
        assert!(packet.bytes().len() < BUFFER);
        let (_, mut reader) = Reader::open(packet.bytes()).unwrap();
        let text = reader.text().unwrap();
        let (kept, rest) = text.split_once('…').unwrap();
        assert!(kept.chars().all(|letter| letter == 'ä') && kept.len() > LONGEST / 2);
        assert_eq!(rest, format!(" ({} bytes more)", 4 * LONGEST - kept.len()));
        assert_eq!(reader.text().unwrap(), "… (4 bytes more)");
        assert!(reader.text().is_some());
    }

    #[test]
    fn what_is_cut_short_or_damaged_is_nothing_or_something_else() {
        let packet = packet();
        for length in 0..packet.bytes().len() {
            assert!(read(&packet.bytes()[..length]).is_none());
        }
        for place in 0..packet.bytes().len() {
            for bit in 0..8 {
                let mut damaged = packet.bytes().to_vec();
                damaged[place] ^= 1 << bit;
                let _ = read(&damaged);
            }
        }
    }
}
