//! What is sent: a head, splices beside it, descriptors.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::bulk::{self, ElementKind};
use super::de::Decoder;
use super::depth::Depth;
use super::handle::{self, CommonFiles, Departure, Record, Token};
use super::names::Names;
use super::word::low_byte;
use super::{Error, SPLICE_MINIMUM, Word, memory, tag};

use crate::sys::fd::OwnedFd;

/// A message being written. Long runs of bytes may be borrowed from the values until it is sent.
#[derive(Debug, Default)]
pub(crate) struct Output<'e> {
    pub(crate) head: Vec<u8>,
    pub(crate) splices: Vec<Cow<'e, [u8]>>,
    pub(crate) attachments: Vec<Arc<OwnedFd>>,
    departures: Vec<Departure>,
    content: Content,
    pub(super) names: Names,
    pub(super) depth: Depth,
    /// Whether only numbers, and structs and tuples of them, were written since this was set.
    pub(super) only_numbers: bool,
}

/// What a message holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Content {
    /// Nothing but data, or what is as good as data: no descriptors, and nothing that leaves with it.
    #[default]
    Data,
    /// Descriptors, all of [common](handle::HandleKind::is_common) handles.
    Common,
    /// Any descriptors, or handles that leave with the message.
    Handles,
}

/// More than a tag, a name's number and a length take: there is one look at the room for all of them.
const ROOM: usize = 32;

impl<'e> Output<'e> {
    /// A message whose first byte tells the receiver what it is.
    pub(crate) fn new(kind: u8) -> Output<'e> {
        // Enough for most messages, so that there is one allocation and not several.
        let mut head = Vec::with_capacity(64);
        head.push(kind);
        Output {
            head,
            ..Output::default()
        }
    }

    /// A message that begins with these bytes.
    pub(crate) fn after(head: Vec<u8>) -> Output<'e> {
        Output {
            head,
            ..Output::default()
        }
    }

    /// A message that begins with these bytes, and attachments that are there to be meant by what follows.
    #[inline]
    pub(crate) fn among(head: Vec<u8>, attachments: Vec<Arc<OwnedFd>>) -> Output<'e> {
        Output {
            head,
            attachments,
            ..Output::default()
        }
    }

    /// What has been written so far.
    pub(crate) fn content(&self) -> Content {
        self.content
    }

    /// Appends a value.
    pub(crate) fn write<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
        if bulk::is_plain::<T>() {
            return value.serialize(self);
        }
        self.depth = Depth::default();
        self.room()?;
        let (result, outgoing) = handle::collecting(|| value.serialize(&mut *self));
        result.and_then(|()| outgoing.check())
    }

    /// Begins values that are read without those before them, as those of a message of their own.
    pub(crate) fn begin_anew(&mut self) {
        self.names = Names::default();
    }

    /// Appends values that were written before. They are the only ones since [`begin_anew`], or since the
    /// beginning.
    ///
    /// [`begin_anew`]: Output::begin_anew
    pub(crate) fn append(&mut self, written: &'e Written) -> Result<(), Error> {
        let Written { head, splices } = written;
        memory::grow(&mut self.head, head.len())?;
        self.head.extend_from_slice(head);
        memory::grow(&mut self.splices, splices.len())?;
        let splices = splices.iter().map(|splice| Cow::Borrowed(&**splice));
        self.splices.extend(splices);
        Ok(())
    }

    /// The same without borrows: what is borrowed is copied.
    pub(crate) fn into_owned(self) -> Result<Output<'static>, Error> {
        let splices = self.splices.into_iter().map(|splice| match splice {
            Cow::Owned(bytes) => Ok(Cow::Owned(bytes)),
            Cow::Borrowed(bytes) => memory::copy(bytes).map(Cow::Owned),
        });
        Ok(Output {
            splices: splices.collect::<Result<_, _>>()?,
            head: self.head,
            attachments: self.attachments,
            departures: self.departures,
            content: self.content,
            names: self.names,
            depth: self.depth,
            only_numbers: self.only_numbers,
        })
    }

    /// Whether what was written holds more than data: descriptors, and handles that leave with them.
    pub(crate) fn has_handles(&self) -> bool {
        !self.attachments.is_empty() || !self.departures.is_empty()
    }

    /// The message was sent: the handles that leave with it are gone.
    pub(crate) fn confirm_sent(&mut self) {
        self.departures.iter_mut().for_each(Departure::confirm);
    }

    /// Appends a value that lives until the message is sent: a long text or slice of numbers is
    /// not even copied.
    pub(crate) fn write_borrowed<T: ?Sized + Serialize>(
        &mut self,
        value: &'e T,
    ) -> Result<(), Error> {
        self.write_spliced(value, SPLICE_MINIMUM)
    }

    /// The same, for messages whose splices cost little: long is what has so many bytes.
    pub(crate) fn write_spliced<T: ?Sized + Serialize>(
        &mut self,
        value: &'e T,
        minimum: usize,
    ) -> Result<(), Error> {
        if let Some((kind, bytes)) = bulk::memory_of(value)
            && bytes.len() >= minimum
        {
            self.head.extend([tag::PACKED_SPLICE, kind as u8]);
            self.splices.push(Cow::Borrowed(bytes));
            return Ok(());
        }
        if let Some(text) = bulk::text_of(value)
            && text.len() >= minimum
        {
            self.head.push(tag::STR_SPLICE);
            self.splices.push(Cow::Borrowed(text.as_bytes()));
            return Ok(());
        }
        self.write(value)
    }

    pub(super) fn packed(&mut self, kind: ElementKind, bytes: &[u8]) -> Result<(), Error> {
        self.room()?;
        if bytes.len() >= SPLICE_MINIMUM {
            self.head.extend([tag::PACKED_SPLICE, kind as u8]);
            self.splice(memory::copy(bytes)?)
        } else {
            self.head.extend([tag::PACKED, kind as u8]);
            self.inline(bytes)
        }
    }

    /// Bytes or text: `inline` and a length, or `spliced` and a splice.
    #[inline]
    pub(super) fn bytes(&mut self, inline: u8, spliced: u8, bytes: &[u8]) -> Result<(), Error> {
        if bytes.len() >= SPLICE_MINIMUM {
            self.put([spliced])?;
            return self.splice(memory::copy(bytes)?);
        }
        self.room_for(ROOM + bytes.len())?;
        self.head.push(inline);
        self.length(bytes.len());
        self.head.extend_from_slice(bytes);
        Ok(())
    }

    pub(super) fn splice(&mut self, bytes: Vec<u8>) -> Result<(), Error> {
        memory::grow(&mut self.splices, 1)?;
        self.splices.push(Cow::Owned(bytes));
        Ok(())
    }

    /// A length and so many bytes.
    pub(super) fn inline(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.room_for(ROOM + bytes.len())?;
        self.length(bytes.len());
        self.head.extend_from_slice(bytes);
        Ok(())
    }

    /// Makes room for what is written next, up to [`ROOM`] bytes.
    #[inline]
    pub(super) fn room(&mut self) -> Result<(), Error> {
        self.room_for(ROOM)
    }

    #[inline]
    pub(super) fn room_for(&mut self, length: usize) -> Result<(), Error> {
        if self.head.capacity() - self.head.len() >= length {
            return Ok(());
        }
        self.more_room(length)
    }

    #[cold]
    fn more_room(&mut self, length: usize) -> Result<(), Error> {
        memory::grow(&mut self.head, length)
    }

    /// So few bytes that their number is known.
    #[inline]
    pub(super) fn put<const N: usize>(&mut self, bytes: [u8; N]) -> Result<(), Error> {
        self.room_for(N)?;
        self.head.extend_from_slice(&bytes);
        Ok(())
    }

    /// A value of which this is what a message has.
    #[inline]
    pub(crate) fn word(&mut self, word: &Word) -> Result<(), Error> {
        self.room()?;
        word.append_to(&mut self.head);
        Ok(())
    }

    /// Writes the handle whose token this is. What the token wrote is looked at and taken back.
    pub(super) fn handle(&mut self, token: &(impl ?Sized + Serialize)) -> Result<(), Error> {
        let start = self.head.len();
        token.serialize(&mut *self)?;
        let Some(token) = Token::written(&self.head[start..]) else {
            return Err(Error::new(format!(
                "a newtype has the name {}, which is reserved for multiproc",
                handle::NAME
            )));
        };
        self.head.truncate(start);
        self.only_numbers = false;
        self.record(handle::claim(token)?)
    }

    fn record(&mut self, Record { identity, parts }: Record) -> Result<(), Error> {
        let content = match (&*parts.descriptors, &*parts.departures) {
            _ if identity.kind.is_common() => Content::Common,
            ([], []) => Content::Data,
            _ => Content::Handles,
        };
        self.content = self.content.max(content);
        self.head.extend([tag::HANDLE, identity.kind as u8]);
        self.head.extend(identity.types.to_ne_bytes());
        self.length(parts.numbers.len());
        memory::grow(
            &mut self.head,
            ROOM + parts.numbers.len() * size_of::<u64>(),
        )?;
        self.head
            .extend(parts.numbers.iter().flat_map(|it| it.to_ne_bytes()));
        self.length(parts.descriptors.len());
        for descriptor in parts.descriptors {
            let place = self.attach(descriptor);
            self.room()?;
            self.length(place);
        }
        self.length(parts.bytes.len());
        self.departures.extend(parts.departures);
        parts
            .bytes
            .into_iter()
            .try_for_each(|bytes| self.splice(bytes))
    }

    /// The number of a descriptor among the attachments. It is sent once however often it comes.
    fn attach(&mut self, descriptor: Arc<OwnedFd>) -> usize {
        let mut known = self.attachments.iter();
        known
            .position(|known| Arc::ptr_eq(known, &descriptor))
            .unwrap_or_else(|| {
                self.attachments.push(descriptor);
                self.attachments.len() - 1
            })
    }

    #[inline]
    pub(super) fn length(&mut self, length: usize) {
        self.varint(length as u64);
    }

    #[inline]
    pub(super) fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.head.push(low_bits(value) | 0x80);
            value >>= 7;
        }
        self.head.push(low_bits(value));
    }
}

/// Values that were written and are nothing but data.
#[derive(Debug, Clone, Hash, Serialize, Deserialize)]
pub(crate) struct Written {
    head: Vec<u8>,
    splices: Vec<Vec<u8>>,
}

impl Written {
    /// Keeps what was written, which [holds no handles](Output::has_handles).
    pub(crate) fn new(output: Output<'_>) -> Result<Written, Error> {
        let splices = output.splices.into_iter();
        let splices = splices.map(|splice| match splice {
            Cow::Owned(splice) => Ok(splice),
            Cow::Borrowed(splice) => memory::copy(splice),
        });
        Ok(Written {
            head: output.head,
            splices: splices.collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn into_message(self) -> Message {
        Message {
            head: self.head,
            splices: self.splices,
            attachments: Vec::new(),
        }
    }

    /// All of it in one run of bytes: how many splices there are, their lengths, they, and the head.
    pub(crate) fn flatten(self) -> Result<Vec<u8>, Error> {
        let Written { head, splices } = self;
        let mut output = Output::default();
        output.length(splices.len());
        for splice in &splices {
            output.length(splice.len());
        }
        let mut bytes = output.head;
        let length: usize = splices.iter().map(Vec::len).sum();
        memory::grow(&mut bytes, length + head.len())?;
        for splice in &splices {
            bytes.extend_from_slice(splice);
        }
        bytes.extend_from_slice(&head);
        Ok(bytes)
    }
}

/// The lowest seven bits, as a LEB128 group has them.
#[inline]
pub(super) fn low_bits(value: u64) -> u8 {
    low_byte(value) & 0x7f
}

/// Reads what [`Output::length`] wrote.
fn read_length(bytes: &mut &[u8]) -> Result<usize, Error> {
    let mut value = 0_u64;
    for shift in (0..u64::BITS).step_by(7) {
        let Some((byte, rest)) = bytes.split_first() else {
            return Err(Error::new("it ends too early"));
        };
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return usize::try_from(value).map_err(|_| Error::new("it has a length that is none"));
        }
    }
    Err(Error::new("it has a length that is none"))
}

/// A message that arrived, not yet looked at.
#[derive(Debug, Default)]
pub(crate) struct Message {
    pub(crate) head: Vec<u8>,
    pub(crate) splices: Vec<Vec<u8>>,
    pub(crate) attachments: Vec<Arc<OwnedFd>>,
}

impl Message {
    /// A second copy, with descriptors of its own for the same files.
    pub(crate) fn try_clone(&self) -> std::io::Result<Message> {
        let attachments = self.attachments.iter();
        let attachments: std::io::Result<_> = attachments
            .map(|descriptor| descriptor.try_clone().map(Arc::new))
            .collect();
        let copy = |bytes: &Vec<u8>| memory::copy(bytes).map_err(std::io::Error::other);
        Ok(Message {
            head: copy(&self.head)?,
            splices: self.splices.iter().map(copy).collect::<Result<_, _>>()?,
            attachments: attachments?,
        })
    }

    /// Takes apart what [`Written::flatten`] put together: the splices, and the head.
    pub(crate) fn unflatten(bytes: &[u8]) -> Result<(Vec<Vec<u8>>, &[u8]), Error> {
        let mut rest = bytes;
        let count = read_length(&mut rest)?;
        let mut lengths = Vec::new();
        for _ in 0..count {
            lengths.push(read_length(&mut rest)?);
        }
        let mut splices = Vec::new();
        for length in lengths {
            let Some((splice, others)) = rest.split_at_checked(length) else {
                return Err(Error::new("it ends too early"));
            };
            splices.push(memory::copy(splice)?);
            rest = others;
        }
        Ok((splices, rest))
    }

    /// The length of all of its bytes.
    pub(crate) fn length(&self) -> usize {
        self.head.len() + self.splices.iter().map(Vec::len).sum::<usize>()
    }

    /// The byte that tells what this is.
    pub(crate) fn kind(&self) -> Option<u8> {
        self.head.first().copied()
    }

    /// The values in this message, to be read in the order they were written.
    pub(crate) fn open(&mut self) -> Input<'_> {
        self.open_at(1)
    }

    /// The values that begin at this place of the head.
    pub(crate) fn open_at(&mut self, start: usize) -> Input<'_> {
        Input {
            decoder: Decoder::new(
                self.head.get(start..).unwrap_or_default(),
                std::mem::take(&mut self.splices),
            ),
            attachments: std::mem::take(&mut self.attachments),
            common: None,
        }
    }
}

/// A message being read.
#[derive(Debug)]
pub(crate) struct Input<'m> {
    decoder: Decoder<'m>,
    attachments: Vec<Arc<OwnedFd>>,
    common: Option<CommonFiles>,
}

impl<'m> Input<'m> {
    /// Values that are nothing but these bytes.
    #[inline]
    pub(crate) fn over(bytes: &'m [u8]) -> Input<'m> {
        Input {
            decoder: Decoder::new(bytes, Vec::new()),
            attachments: Vec::new(),
            common: None,
        }
    }

    /// Values in these bytes, which mean files by their numbers, if there are any.
    #[inline]
    pub(crate) fn among(bytes: &'m [u8], common: Option<CommonFiles>) -> Input<'m> {
        Input {
            decoder: Decoder::new(bytes, Vec::new()),
            attachments: Vec::new(),
            common,
        }
    }

    /// Values that are nothing but these bytes, and the splices beside them.
    pub(crate) fn with_splices(bytes: &'m [u8], splices: Vec<Vec<u8>>) -> Input<'m> {
        Input {
            decoder: Decoder::new(bytes, splices),
            attachments: Vec::new(),
            common: None,
        }
    }

    /// The same values, which mean these files by their numbers, if there are any.
    #[inline]
    pub(crate) fn with_common(self, common: Option<CommonFiles>) -> Input<'m> {
        Input { common, ..self }
    }

    /// Takes all values that are left, without reading them. They must be nothing but data, and the first
    /// of their message, or since [`begin_anew`](Input::begin_anew).
    pub(crate) fn take_rest(&mut self) -> Result<Written, Error> {
        if !self.attachments.is_empty() {
            return Err(Error::new(
                "it holds a handle (a lock, a channel, an open file or the like), which cannot leave its machine",
            ));
        }
        let (head, splices) = self.decoder.take_rest();
        Ok(Written {
            head: memory::copy(head)?,
            splices,
        })
    }

    /// Reads the next value.
    pub(crate) fn read<T: for<'de> Deserialize<'de>>(&mut self) -> Result<T, Error> {
        if bulk::is_plain::<T>() {
            return T::deserialize(&mut self.decoder);
        }
        self.decoder.begin();
        handle::offering(&mut self.attachments, &mut self.common, || {
            T::deserialize(&mut self.decoder)
        })
    }

    /// Begins values that were written without those before them.
    pub(crate) fn begin_anew(&mut self) {
        self.decoder.forget_names();
    }

    /// Says whether all that was written has been read, and lets go of the descriptors: from now
    /// on only the values hold them.
    #[inline]
    pub(crate) fn finish(&mut self) -> Result<(), Error> {
        self.attachments.clear();
        self.common = None;
        self.decoder.finish()
    }
}
