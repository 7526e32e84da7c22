use std::any::TypeId;
use std::cell::Cell;
use std::fmt;

use serde::de::{self, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use super::super::{Error, tag};
use super::HandleKind;

/// The name of the newtype that tokens are in. By it our format knows them.
pub(in super::super) static NAME: &str = "$multiproc::handle";

/// What stands for a handle in serde's data model: the number of a message's scope, and which
/// record there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Token {
    pub(super) scope: u64,
    pub(super) place: u32,
}

/// How many newtypes a token is in when it is read. It is bytes there, which other types may take
/// for theirs, alone or as a newtype; none is a newtype of a newtype of a newtype of bytes.
pub(in super::super) const LAYERS: u8 = 3;

const LENGTH: usize = 16;

/// No text begins like that, nor any string of C.
const MAGIC: [u8; 4] = [0xff, 0, b'm', b'p'];

impl Token {
    /// The token that a value was written as, if it is one and nothing else.
    pub(in super::super) fn written(head: &[u8]) -> Option<Token> {
        const LENGTH_BYTE: u8 = LENGTH.to_le_bytes()[0];
        match head {
            [tag::BYTES, LENGTH_BYTE, bytes @ ..] => Token::from_bytes(bytes),
            _ => None,
        }
    }

    fn from_bytes(bytes: &[u8]) -> Option<Token> {
        let (magic, rest) = bytes.split_first_chunk()?;
        let (scope, place) = rest.split_first_chunk()?;
        (*magic == MAGIC).then_some(Token {
            scope: u64::from_ne_bytes(*scope),
            place: u32::from_ne_bytes(place.try_into().ok()?),
        })
    }

    fn to_bytes(self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..12].copy_from_slice(&self.scope.to_ne_bytes());
        bytes[12..].copy_from_slice(&self.place.to_ne_bytes());
        bytes
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.to_bytes())
    }
}

/// Reads a token out of whatever carries it.
pub(super) struct TokenVisitor {
    kind: HandleKind,
    layers: u8,
}

/// Whether this is the visitor of a token, and no one else's.
pub(in super::super) fn asks_for_token<V>() -> bool {
    typeid::of::<V>() == TypeId::of::<TokenVisitor>()
}

impl TokenVisitor {
    pub(super) fn new(kind: HandleKind) -> TokenVisitor {
        TokenVisitor {
            kind,
            layers: LAYERS,
        }
    }
}

impl<'de> Visitor<'de> for TokenVisitor {
    type Value = Token;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Token, D::Error> {
        // Where there is no newtype, serde's buffers say that there is one all the same. So it does
        // not matter how many of these were taken for a user's newtype around the handle.
        match self.layers - 1 {
            0 => deserializer.deserialize_bytes(self),
            layers => {
                deserializer.deserialize_newtype_struct(NAME, TokenVisitor { layers, ..self })
            }
        }
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Token, E> {
        Token::from_bytes(bytes).ok_or_else(|| E::invalid_type(de::Unexpected::Bytes(bytes), &self))
    }
}

/// Hands out a token in its layers.
pub(in super::super) struct TokenDeserializer<'a> {
    pub(in super::super) token: Token,
    pub(in super::super) layers: u8,
    /// Set when the token is asked for.
    pub(in super::super) is_used: &'a Cell<bool>,
}

impl<'de> Deserializer<'de> for TokenDeserializer<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.is_used.set(true);
        match self.layers {
            0 if asks_for_token::<V>() => visitor.visit_bytes(&self.token.to_bytes()),
            0 => visitor.visit_byte_buf(self.token.to_bytes().into()),
            layers => visitor.visit_newtype_struct(TokenDeserializer {
                layers: layers - 1,
                ..self
            }),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}
