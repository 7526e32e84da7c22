//! The one message type that ipc-channel sees, and what a packet with one looks like.
//!
//! ipc-channel puts two lengths before what it sends: that of the packet, and that of the message,
//! which would be longer if it came in several packets. Behind them stands the frame in postcard's
//! format. All but the bytes of the head comes first, so that [`FrameHeader::read`] can tell what it is by the
//! [beginning](BEGINNING) of a packet and its length.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ipc_channel::ipc::IpcReceiver;
use ipc_channel::platform::OsIpcSender;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::sys::crash::PREFACE;

/// No head that stands in a frame is longer.
pub(super) const INLINE_MAXIMUM: usize = 128 * 1024;

/// Heads up to this length stand in the frame itself, longer ones go through the annex.
///
/// A frame must fit one packet, else ipc-channel would take it apart. How long a packet can be, the
/// system's administrator says.
pub(super) fn inline_maximum() -> usize {
    INLINE_MAXIMUM.min(OsIpcSender::get_max_fragment_size().saturating_sub(BEGINNING))
}

/// The beginning of a message, and all of it when it is short and carries no descriptors.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Frame {
    pub(super) rest: Rest,
    /// The head if it is short, else empty; before it, if the rest is in blocks, the lengths of the splices.
    pub(super) head: FrameBytes,
}

/// Where that is which does not stand in the frame.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) enum Rest {
    Nothing,
    Annex(AnnexFrame),
    Blocks(BlocksPlan),
    /// The frame is no message, but offers a depot.
    Depot(DepotFrame),
}

/// Which bytes of a depot a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct BlocksPlan {
    pub(super) depot: u64,
    /// A bit for each block.
    pub(super) blocks: u64,
    /// Bytes of the head; 0 if it stands in the frame.
    pub(super) head: usize,
    pub(super) splices: usize,
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct DepotFrame {
    /// Not a receiver: ipc-channel has no other way to carry a descriptor.
    pub(super) file: IpcReceiver<()>,
    pub(super) depot: u64,
}

/// The rest, as the beginning of a packet tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Announced {
    Nothing,
    Annex(Plan),
    Blocks(BlocksPlan),
    Depot(u64),
}

/// What is to be expected from the annex.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct AnnexFrame {
    pub(super) socket: IpcReceiver<()>,
    pub(super) plan: Plan,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Plan {
    /// What the annex begins with, so that a descriptor taken for it can be told from another.
    pub(super) nonce: u64,
    pub(super) attachments: usize,
    /// Bytes of the head; 0 if it stands in the frame.
    pub(super) head: usize,
    pub(super) splices: usize,
}

/// How much of a packet has to be seen to know what it is: two lengths, a tag, and seven numbers
/// of up to ten bytes each.
pub(super) const BEGINNING: usize = 2 * size_of::<usize>() + 1 + 7 * 10;

/// What stands in a packet before the bytes of the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) rest: Announced,
    /// Where the bytes of the head begin. They go on to the end of the packet.
    pub(super) head: usize,
}

impl FrameHeader {
    /// Reads the beginning of a packet of this length. `None` unless it is one that a
    /// [`Sender`](super::send::Sender) sends: the whole of a frame, and nothing but that.
    pub(super) fn read(beginning: &[u8], length: usize) -> Option<FrameHeader> {
        let mut rest = beginning.get(..length).unwrap_or(beginning);
        let lengths = 2 * size_of::<usize>();
        if fixed(&mut rest)? != length || fixed(&mut rest)? != length.checked_sub(lengths)? {
            return None;
        }
        let (tag, behind) = rest.split_first()?;
        rest = behind;
        let announced = match tag {
            0 => Announced::Nothing,
            1 => {
                // The annex is the only descriptor that comes with the packet.
                if number(&mut rest)? != 0 {
                    return None;
                }
                let nonce = number(&mut rest)?;
                let mut count = || usize::try_from(number(&mut rest)?).ok();
                Announced::Annex(Plan {
                    nonce,
                    attachments: count()?,
                    head: count()?,
                    splices: count()?,
                })
            }
            2 => {
                let (depot, blocks) = (number(&mut rest)?, number(&mut rest)?);
                let mut count = || usize::try_from(number(&mut rest)?).ok();
                Announced::Blocks(BlocksPlan {
                    depot,
                    blocks,
                    head: count()?,
                    splices: count()?,
                })
            }
            3 => {
                // So is the depot.
                if number(&mut rest)? != 0 {
                    return None;
                }
                Announced::Depot(number(&mut rest)?)
            }
            _ => return None,
        };
        let bytes = usize::try_from(number(&mut rest)?).ok()?;
        let head = beginning.len().min(length) - rest.len();
        let is_whole = bytes <= inline_maximum() && head + bytes == length;
        is_whole.then_some(FrameHeader {
            rest: announced,
            head,
        })
    }
}

/// The beginning of the packet of a frame that is no more than a short head, which stands behind it: for a
/// signal handler, in which ipc-channel cannot be used. And how long that beginning is.
pub(crate) fn preface(head: usize) -> ([u8; PREFACE], usize) {
    let mut bytes = [0; PREFACE];
    let lengths = 2 * size_of::<usize>();
    // Behind the tag.
    let mut end = lengths + 1;
    let mut rest = head;
    loop {
        let [lowest, ..] = rest.to_le_bytes();
        rest >>= 7;
        let is_last = rest == 0;
        bytes[end] = lowest & 0x7f | if is_last { 0 } else { 0x80 };
        end += 1;
        if is_last {
            break;
        }
    }
    let length = end + head;
    bytes[..size_of::<usize>()].copy_from_slice(&length.to_ne_bytes());
    bytes[size_of::<usize>()..lengths].copy_from_slice(&(length - lengths).to_ne_bytes());
    (bytes, end)
}

/// A number in the machine's own format.
fn fixed(rest: &mut &[u8]) -> Option<usize> {
    let (bytes, behind) = rest.split_first_chunk()?;
    *rest = behind;
    Some(usize::from_ne_bytes(*bytes))
}

/// A number in postcard's format: seven bits a byte, the lowest first.
fn number(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for place in 0..10 {
        let (byte, behind) = rest.split_first()?;
        *rest = behind;
        let bits = u64::from(byte & 0x7f);
        value |= bits << (7 * place);
        if byte & 0x80 == 0 {
            // Neither more bits than there is room for, nor zeros that need not be there.
            let fits = value >> (7 * place) == bits;
            return (fits && (bits != 0 || place == 0)).then_some(value);
        }
    }
    None
}

/// Bytes that ipc-channel's format copies as a whole.
#[derive(Clone)]
pub(super) struct FrameBytes(pub(super) Arc<Vec<u8>>);

impl fmt::Debug for FrameBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

impl Serialize for FrameBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for FrameBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FrameBytes, D::Error> {
        struct BytesVisitor;

        impl Visitor<'_> for BytesVisitor {
            type Value = FrameBytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<FrameBytes, E> {
                Ok(FrameBytes(Arc::new(bytes.to_vec())))
            }
        }

        deserializer.deserialize_bytes(BytesVisitor)
    }
}

/// A number that no other message has just now. It identifies, it does not protect.
pub(super) fn nonce() -> u64 {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    RandomState::new().hash_one(COUNTER.fetch_add(1, Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use ipc_channel::ipc::IpcSender;
    use rustix::net::{RecvFlags, recv};

    use super::*;
    use crate::transport::ipc::{adopt, annex, pair};

    /// The packet in which ipc-channel sends a frame.
    fn packet(head: usize, rest: Announced) -> Vec<u8> {
        let (ours, theirs) = pair().unwrap();
        let (_annex, end) = annex::pair().unwrap();
        let carried = || adopt::receiver(end.as_fd()).unwrap();
        let frame = Frame {
            rest: match rest {
                Announced::Nothing => Rest::Nothing,
                Announced::Annex(plan) => Rest::Annex(AnnexFrame {
                    socket: carried(),
                    plan,
                }),
                Announced::Blocks(plan) => Rest::Blocks(plan),
                Announced::Depot(depot) => Rest::Depot(DepotFrame {
                    file: carried(),
                    depot,
                }),
            },
            head: FrameBytes(Arc::new(vec![0xab; head])),
        };
        let sender: IpcSender<Frame> = adopt::sender(ours.as_fd()).unwrap();
        sender.send(frame).unwrap();
        let mut packet = vec![0; 256 << 10];
        let (_, length) = recv(&theirs, &mut packet, RecvFlags::empty()).unwrap();
        packet.truncate(length);
        packet
    }

    fn rests(number: u64) -> [Announced; 3] {
        let count = usize::try_from(number).unwrap();
        [
            Announced::Annex(Plan {
                nonce: number,
                attachments: count / 2,
                head: count,
                splices: count / 3,
            }),
            Announced::Blocks(BlocksPlan {
                depot: number,
                blocks: number.reverse_bits(),
                head: count,
                splices: count / 3,
            }),
            Announced::Depot(number),
        ]
    }

    /// All the ways to read a packet's beginning, whole or not, agree.
    #[track_caller]
    fn read(packet: &[u8]) -> Option<FrameHeader> {
        let header = FrameHeader::read(packet, packet.len());
        let beginning = &packet[..packet.len().min(BEGINNING)];
        assert_eq!(FrameHeader::read(beginning, packet.len()), header);
        header
    }

    #[test]
    fn what_ipc_channel_sends_is_read() {
        let numbers = (0..64).map(|bits| 1 << bits).chain([0, 127, 300, u64::MAX]);
        let all: Vec<_> = [Announced::Nothing]
            .into_iter()
            .chain(numbers.flat_map(rests))
            .collect();
        for head in [0, 1, 127, 128, 5000, INLINE_MAXIMUM] {
            for rest in &all {
                let packet = packet(head, *rest);
                let header = read(&packet).expect("a frame");
                assert_eq!(header.rest, *rest);
                assert_eq!(packet[header.head..], vec![0xab; head]);
            }
        }
    }

    #[test]
    fn what_is_sent_without_ipc_channel_is_the_same() {
        for head in [0, 1, 127, 128, 5000, 1 << 14, INLINE_MAXIMUM] {
            let (preface, length) = preface(head);
            let expected = packet(head, Announced::Nothing);
            assert_eq!(preface[..length], expected[..expected.len() - head]);
        }
    }

    #[test]
    fn what_is_changed_in_any_byte_before_the_head_is_another_frame_or_none() {
        for rest in rests(1 << 40).into_iter().chain([Announced::Nothing]) {
            let packet = packet(200, rest);
            let header = read(&packet).unwrap();
            for place in 0..header.head {
                for bit in 0..8 {
                    let mut changed = packet.clone();
                    changed[place] ^= 1 << bit;
                    assert_ne!(read(&changed), Some(header), "bit {bit} of byte {place}");
                }
            }
        }
    }

    #[test]
    fn what_is_cut_or_continued_is_no_frame() {
        for rest in rests(1 << 40).into_iter().chain([Announced::Nothing]) {
            let packet = packet(200, rest);
            for length in 0..packet.len() {
                assert_eq!(read(&packet[..length]), None);
            }
            assert_eq!(read(&[&packet[..], &[0]].concat()), None);
            // What comes in several packets, ipc-channel would wait for.
            let mut first = packet.clone();
            first[8..16].copy_from_slice(&(1_usize << 60).to_ne_bytes());
            assert_eq!(read(&first), None);
        }
        assert_eq!(read(&packet(INLINE_MAXIMUM + 1, Announced::Nothing)), None);
    }
}
