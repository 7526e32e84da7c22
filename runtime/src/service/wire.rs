//! What clients, services and their parents write to each other.
//!
//! | from | to | message |
//! |---|---|---|
//! | client's process | parent, through the door | [`REGISTER`], with one end of a reply socket |
//! | parent | client's process, through that socket | [`Notice::Welcome`], [`Notice::Died`], [`Notice::Over`] |
//! | client's process | service, through the queue | a [`RequestHead`] and arguments |
//! | service | client's process, through the reply socket | a [`Reply`](crate::protocol::Reply) under an [`Address`] |
//! | parent | service | [`Order`]s |
//! | service | parent | [`Report`]s |

use serde::{Deserialize, Serialize};

use super::graph::Place;
use crate::channel::Queue;
use crate::codec::{self, Message, Output, wire_enum};
use crate::descriptor::Fd;
use crate::error::{Error, ErrorKind, WireError};
use crate::sys::fd::OwnedFd;

/// The packet that a reply socket comes with, through the door.
pub(super) const REGISTER: u8 = 1;

/// What the items of a service's queue are. They are never values: see [`RequestHead`].
#[derive(Debug)]
pub(super) struct Requests;

wire_enum! {
    /// The kinds of messages from a service's parent to a client's process. Replies come the same way, so
    /// the numbers are others than theirs.
    pub(super) enum Notice {
        /// A [`Welcome`].
        Welcome = 101,
        /// A [`Died`].
        Died = 102,
        /// Why there is no service any more, an error as data: all that was not answered never will be.
        Over = 103,
    }
}

/// What a client's process has to know to send requests.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Welcome {
    /// The number of the client's process.
    pub(super) client: u32,
    /// The name of the type that is served.
    pub(super) service: String,
    pub(super) queue: Queue<Requests>,
    /// See [`Board`](super::board::Board).
    pub(super) board: Fd<OwnedFd>,
    /// Where the service is among those that may wait for each other.
    pub(super) node: Option<Place>,
}

/// The process of a service has ended.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Died {
    /// Of the requests before this one, those that were not answered were lost with it.
    pub(super) below: u64,
    pub(super) error: WireError,
}

wire_enum! {
    /// The kinds of messages from a parent to its service.
    pub(super) enum Order {
        /// The number of a constructor, and its arguments: the first message.
        Construct = 1,
        /// The number of a client's process, and where its replies go.
        Register = 2,
        /// The number of a client's process that is gone.
        Forget = 3,
    }
}

wire_enum! {
    /// The kinds of messages from a service to its parent.
    pub(super) enum Report {
        /// Nothing more: there is an object.
        Ready = 1,
        /// Why there is none, a `String`.
        Unbuilt = 2,
    }
}

/// What stands before the arguments of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RequestHead {
    /// The number of the client's process.
    pub(super) client: u32,
    /// The number of the request in that process; 0 if no reply is wanted.
    pub(super) request: u64,
    pub(super) method: u16,
    /// On the clock that all processes share; 0 if there is none.
    pub(super) deadline: u64,
}

impl RequestHead {
    /// With the kind of message before it.
    const LENGTH: usize = 1 + 4 + 8 + 2 + 8;

    /// The beginning of a request.
    pub(super) fn output<'e>(self) -> Output<'e> {
        let mut head = Vec::with_capacity(Self::LENGTH + 64);
        head.extend(self.bytes());
        Output::after(head)
    }

    /// Writes it over the beginning of a request.
    pub(super) fn write(self, output: &mut Output<'_>) {
        output.head.splice(..Self::LENGTH, self.bytes());
    }

    fn bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[1..5].copy_from_slice(&self.client.to_ne_bytes());
        bytes[5..13].copy_from_slice(&self.request.to_ne_bytes());
        bytes[13..15].copy_from_slice(&self.method.to_ne_bytes());
        bytes[15..].copy_from_slice(&self.deadline.to_ne_bytes());
        bytes
    }

    /// What a request begins with, and where its arguments are.
    pub(super) fn read(message: &Message) -> Option<(RequestHead, usize)> {
        let rest = &mut message.head.get(1..)?;
        let head = RequestHead {
            client: u32::from_ne_bytes(take(rest)?),
            request: u64::from_ne_bytes(take(rest)?),
            method: u16::from_ne_bytes(take(rest)?),
            deadline: u64::from_ne_bytes(take(rest)?),
        };
        Some((head, Self::LENGTH))
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(*bytes)
}

/// What stands in a reply behind its kind: which request it is for, and whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) request: u64,
    /// The process of the service.
    pub(super) process: u32,
}

impl Address {
    const LENGTH: usize = 8 + 4;

    pub(super) fn bytes(self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..8].copy_from_slice(&self.request.to_ne_bytes());
        bytes[8..].copy_from_slice(&self.process.to_ne_bytes());
        bytes
    }

    /// Takes it out of a reply, which then is one as a process sends it that has one call.
    pub(super) fn take(message: &mut Message) -> Option<Address> {
        let rest = &mut message.head.get(1..)?;
        let address = Address {
            request: u64::from_ne_bytes(take(rest)?),
            process: u32::from_ne_bytes(take(rest)?),
        };
        message.head.drain(1..=Self::LENGTH);
        Some(address)
    }
}

/// What requests end with when nothing is known but that there is no service any more.
pub(super) fn ended() -> Error {
    Error::new(ErrorKind::Closed, "the service has ended")
}

/// A message of a kind with its content.
pub(super) fn message<T: Serialize>(
    kind: u8,
    content: &T,
) -> Result<Output<'static>, codec::Error> {
    let mut output = Output::new(kind);
    output.write(content)?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_and_addresses_are_read_back() {
        let head = RequestHead {
            client: 7,
            request: 1 << 40,
            method: 3,
            deadline: 12,
        };
        let mut message = Message {
            head: head.output().head,
            ..Message::default()
        };
        assert_eq!(RequestHead::read(&message), Some((head, 23)));
        let mut output = RequestHead::default().output();
        output.head.extend(b"arguments");
        head.write(&mut output);
        assert_eq!(output.head, [&message.head[..], b"arguments"].concat());
        message.head.truncate(10);
        assert_eq!(RequestHead::read(&message), None);

        let address = Address {
            request: 9,
            process: 4,
        };
        let mut reply = Message {
            head: [&[2][..], &address.bytes(), b"value"].concat(),
            ..Message::default()
        };
        assert_eq!(Address::take(&mut reply), Some(address));
        assert_eq!(reply.head, b"\x02value");
        reply.head.truncate(4);
        assert_eq!(Address::take(&mut reply), None);
    }
}
