//! Proof that a type can be sent, asked for once and carried as a value.
//!
//! Generated code asks for each bound in one place, at the type's own span, and gets a codec for
//! it. Writing and reading go through the codec and need no bound, so a type that cannot be sent
//! is one error, there.

use std::borrow::Borrow;
use std::convert::Infallible;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Serialize, de::DeserializeOwned};

use super::reply::Failure;
use crate::codec::{CommonFiles, Error, Input, Output, Word, Written};

type Writer<T> = for<'e> fn(&'e T, &mut Output<'e>) -> Result<(), Error>;
type Reader<T> = fn(&mut Input<'_>) -> Result<T, Error>;

/// Writes and reads an argument or result that is passed by value.
pub struct OwnedCodec<T> {
    write: Writer<T>,
    read: Reader<T>,
}

/// The codec of a worker's result.
pub type ResultCodec<R> = OwnedCodec<R>;

/// Writes an argument that is passed by reference, and reads what can be lent as one.
pub struct BorrowedCodec<T: ?Sized> {
    write: Writer<T>,
    read: Reader<Lent<T>>,
}

/// The codec of an argument that is passed by value.
#[must_use]
pub fn owned<T: Serialize + DeserializeOwned + 'static>() -> OwnedCodec<T> {
    OwnedCodec {
        write: |value, out| out.write_borrowed(value),
        read: |input| input.read(),
    }
}

/// The codec of a result.
#[must_use]
pub fn result<T: Serialize + DeserializeOwned + 'static>() -> ResultCodec<T> {
    owned()
}

/// The codec of an argument that is passed by reference.
#[must_use]
pub fn borrowed<T>() -> BorrowedCodec<T>
where
    T: ?Sized + ToOwned<Owned: DeserializeOwned> + Serialize + 'static,
{
    BorrowedCodec {
        write: |value, out| out.write_borrowed(value),
        read: |input| Ok(Lent(Box::new(input.read::<T::Owned>()?))),
    }
}

/// The codec of a worker that does not return.
#[must_use]
pub fn never() -> ResultCodec<Infallible> {
    OwnedCodec {
        write: |value, _| match *value {},
        read: |_| Err(Error::new("a worker that does not return returned")),
    }
}

impl<T> OwnedCodec<T> {
    pub(crate) fn new(write: Writer<T>, read: Reader<T>) -> OwnedCodec<T> {
        OwnedCodec { write, read }
    }

    /// Binds a value as an argument.
    #[must_use]
    #[inline]
    pub fn own<'call>(&self, value: T) -> Argument<'call>
    where
        T: 'call,
    {
        Argument(match Word::of(&value) {
            Some(word) => Bound::Word(word),
            None => Bound::Value(Box::new(Owned {
                value,
                write: self.write,
            })),
        })
    }

    pub(crate) fn write<'e>(&self, value: &'e T, out: &mut Output<'e>) -> Result<(), Error> {
        (self.write)(value, out)
    }

    pub(crate) fn read(&self, input: &mut Input<'_>) -> Result<T, Error> {
        (self.read)(input)
    }

    /// The value of which a message has exactly these bytes, if it is a number or the like.
    #[inline]
    #[expect(
        clippy::unused_self,
        reason = "it says that the type is read as others are"
    )]
    pub(crate) fn read_word(&self, bytes: &[u8]) -> Option<T> {
        Word::read(bytes)
    }
}

impl<T: ?Sized> BorrowedCodec<T> {
    /// Binds a borrow as an argument.
    #[must_use]
    #[inline]
    pub fn lend<'call>(&self, value: &'call T) -> Argument<'call> {
        Argument(match Word::of(value) {
            Some(word) => Bound::Word(word),
            None => Bound::Value(Box::new(Borrowed {
                value,
                write: self.write,
            })),
        })
    }
}

/// An argument bound to a call, not yet written.
pub struct Argument<'call>(Bound<'call>);

enum Bound<'call> {
    /// A number or the like. All that there is to be written is here.
    Word(Word),
    Value(Box<dyn Write + 'call>),
}

impl Argument<'static> {
    /// All arguments of a call, written before.
    pub(crate) fn written(written: Arc<impl AsRef<Written> + 'static>) -> Argument<'static> {
        Argument(Bound::Value(Box::new(BeforeNow(written))))
    }
}

impl Argument<'_> {
    pub(crate) fn write<'e>(&'e self, out: &mut Output<'e>) -> Result<(), Error> {
        match &self.0 {
            Bound::Word(word) => out.word(word),
            Bound::Value(value) => value.write(out),
        }
    }

    /// What a message has of it, if it is a number or the like.
    #[inline]
    pub(crate) fn word(&self) -> Option<&Word> {
        match &self.0 {
            Bound::Word(word) => Some(word),
            Bound::Value(_) => None,
        }
    }
}

/// The arguments of a call. Most calls have one, which takes no memory besides.
pub(crate) enum ArgumentList<'call> {
    One([Argument<'call>; 1]),
    Others(Vec<Argument<'call>>),
}

impl<'call, const N: usize> From<[Argument<'call>; N]> for ArgumentList<'call> {
    #[inline]
    fn from(arguments: [Argument<'call>; N]) -> ArgumentList<'call> {
        if N != 1 {
            return ArgumentList::Others(Vec::from(arguments));
        }
        let argument = arguments.into_iter().next();
        argument.map_or_else(
            || ArgumentList::Others(Vec::new()),
            |it| ArgumentList::One([it]),
        )
    }
}

impl<'call> From<Vec<Argument<'call>>> for ArgumentList<'call> {
    fn from(arguments: Vec<Argument<'call>>) -> ArgumentList<'call> {
        ArgumentList::Others(arguments)
    }
}

impl<'call> Deref for ArgumentList<'call> {
    type Target = [Argument<'call>];

    #[inline]
    fn deref(&self) -> &[Argument<'call>] {
        match self {
            ArgumentList::One(argument) => argument,
            ArgumentList::Others(arguments) => arguments,
        }
    }
}

trait Write {
    fn write<'e>(&'e self, out: &mut Output<'e>) -> Result<(), Error>;
}

struct Owned<T> {
    value: T,
    write: Writer<T>,
}

impl<T> Write for Owned<T> {
    fn write<'e>(&'e self, out: &mut Output<'e>) -> Result<(), Error> {
        (self.write)(&self.value, out)
    }
}

struct Borrowed<'call, T: ?Sized> {
    value: &'call T,
    write: Writer<T>,
}

impl<T: ?Sized> Write for Borrowed<'_, T> {
    fn write<'e>(&'e self, out: &mut Output<'e>) -> Result<(), Error> {
        (self.write)(self.value, out)
    }
}

struct BeforeNow<W>(Arc<W>);

impl<W: AsRef<Written>> Write for BeforeNow<W> {
    fn write<'e>(&'e self, out: &mut Output<'e>) -> Result<(), Error> {
        out.append((*self.0).as_ref())
    }
}

/// The owned form of a borrowed argument, to be lent to the worker.
pub struct Lent<T: ?Sized>(Box<dyn Borrow<T>>);

impl<T: ?Sized> Deref for Lent<T> {
    type Target = T;

    fn deref(&self) -> &T {
        (*self.0).borrow()
    }
}

/// The arguments of a call, as far as they are not read yet.
#[derive(Debug)]
pub struct Arguments<'a>(Unread<'a>);

#[derive(Debug)]
enum Unread<'a> {
    /// Bytes and nothing beside them, of which nothing but numbers and the like have been read: for these there
    /// need not be more.
    Bytes(&'a [u8]),
    Input(Input<'a>),
}

impl<'a> Arguments<'a> {
    /// Arguments in these bytes, which mean files by their numbers, if there are any.
    #[inline]
    pub(crate) fn among(bytes: &'a [u8], common: Option<&CommonFiles>) -> Arguments<'a> {
        Arguments(match common {
            None => Unread::Bytes(bytes),
            Some(_) => Unread::Input(Input::among(bytes, common.cloned())),
        })
    }

    #[inline]
    fn read<T>(&mut self, read: Reader<T>) -> Result<T, Failure> {
        if let Unread::Bytes(rest) = &mut self.0
            && let Some(value) = Word::take(rest)
        {
            return Ok(value);
        }
        read(self.input()).map_err(Failure::not_decoded)
    }

    /// Says whether all are read.
    #[inline]
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        match &self.0 {
            Unread::Bytes([]) => Ok(()),
            _ => self.input().finish().map_err(Failure::not_decoded),
        }
    }

    fn input(&mut self) -> &mut Input<'a> {
        if let Unread::Bytes(rest) = self.0 {
            self.0 = Unread::Input(Input::over(rest));
        }
        match &mut self.0 {
            Unread::Input(input) => input,
            Unread::Bytes(_) => unreachable!("it was opened above"),
        }
    }
}

impl<'a> From<Input<'a>> for Arguments<'a> {
    fn from(input: Input<'a>) -> Arguments<'a> {
        Arguments(Unread::Input(input))
    }
}

/// What a job can read: the two codecs of arguments.
pub trait Parameter {
    /// The argument as the job holds it.
    type Value;

    /// Reads the next argument.
    fn read_from(&self, arguments: &mut Arguments<'_>) -> Result<Self::Value, Failure>;
}

impl<T> Parameter for OwnedCodec<T> {
    type Value = T;

    #[inline]
    fn read_from(&self, arguments: &mut Arguments<'_>) -> Result<T, Failure> {
        arguments.read(self.read)
    }
}

impl<T: ?Sized> Parameter for BorrowedCodec<T> {
    type Value = Lent<T>;

    fn read_from(&self, arguments: &mut Arguments<'_>) -> Result<Lent<T>, Failure> {
        arguments.read(self.read)
    }
}

impl<T> Clone for OwnedCodec<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for OwnedCodec<T> {}

impl<T: ?Sized> Clone for BorrowedCodec<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: ?Sized> Copy for BorrowedCodec<T> {}

impl<T> fmt::Debug for OwnedCodec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OwnedCodec")
    }
}

impl<T: ?Sized> fmt::Debug for BorrowedCodec<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BorrowedCodec")
    }
}

impl fmt::Debug for Argument<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Argument")
    }
}

impl<T: ?Sized> fmt::Debug for Lent<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lent")
    }
}
