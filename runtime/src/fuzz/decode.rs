//! Messages of any bytes, read as values of many types.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::channel::{Duplex, Queue, Receiver, Sender, channel, duplex};
use crate::codec::{Message, Output};
use crate::descriptor::Fd;
use crate::dispatch::Callee;
use crate::error::PanicInfo;
use crate::protocol::Header;
use crate::remote_error::RemoteError;
use crate::shm::{Buffer, Chunk, Shared};
use crate::sync::{Barrier, Condvar, Event, Mutex, RwLock, Semaphore};

/// Reads a message. The first byte of the input says what the rest is:
///
/// | it is | then |
/// |---|---|
/// | even | lengths of splices, each a byte after how many in another, and the bytes of splices and head |
/// | odd | changes to a message that was written well and is full of handles: places in two bytes, and for each a byte |
pub fn decode(input: &[u8]) {
    let Some((kind, rest)) = input.split_first() else {
        return;
    };
    let message = if kind.is_multiple_of(2) {
        raw(rest)
    } else {
        changed(rest)
    };
    if let Some(message) = message {
        read_all(&message);
    }
}

fn raw(input: &[u8]) -> Option<Message> {
    let (&count, input) = input.split_first()?;
    let (lengths, mut input) = input.split_at_checked(usize::from(count % 4))?;
    let mut splices = Vec::new();
    for length in lengths {
        let (splice, rest) = input.split_at_checked((*length).into())?;
        splices.push(splice.to_vec());
        input = rest;
    }
    Some(Message {
        head: [&[0], input].concat(),
        splices,
        attachments: attachments(),
    })
}

fn changed(input: &[u8]) -> Option<Message> {
    let mut message = written()?;
    let (changes, _) = input.as_chunks();
    for [low, high, byte] in changes {
        let length = message.head.len();
        let place = usize::from(u16::from_le_bytes([*low, *high])) % length;
        message.head[place] = *byte;
    }
    Some(message)
}

/// Descriptors of several kinds, that a message may carry for no reason.
fn attachments() -> Vec<Arc<OwnedFd>> {
    static OPEN: OnceLock<Vec<Arc<OwnedFd>>> = OnceLock::new();
    let open = || {
        let mut out = Output::new(0);
        // All there is.
        let _ = out.write(&everything());
        let null = File::open("/dev/null").map(OwnedFd::from).map(Arc::new);
        out.attachments.into_iter().chain(null.ok()).collect()
    };
    OPEN.get_or_init(open).clone()
}

/// A message that is well.
fn written() -> Option<Message> {
    let mut out = Output::new(0);
    out.write(&everything()).ok()?;
    out.confirm_sent();
    Some(Message {
        head: std::mem::take(&mut out.head),
        splices: std::mem::take(&mut out.splices)
            .into_iter()
            .map(std::borrow::Cow::into_owned)
            .collect(),
        attachments: std::mem::take(&mut out.attachments),
    })
}

#[derive(Debug, Serialize, Deserialize)]
struct Everything {
    locks: Option<(Mutex<u64>, RwLock<[u8; 3]>, Mutex<[u32]>)>,
    signals: Option<(Event, Condvar, Semaphore, Barrier)>,
    shared: Option<(Shared<u8>, Shared<[f64]>)>,
    pieces: Vec<Chunk<u32>>,
    buffer: Option<Buffer<u8>>,
    ends: Option<(Sender<u8>, Receiver<Tree>, Duplex<u8, String>)>,
    queue: Option<Queue<u8>>,
    file: Option<Fd<File>>,
    data: Data,
}

fn everything() -> Everything {
    let locks = || {
        let numbers = Mutex::from_slice(&[1, 2]);
        Ok((Mutex::new(1)?, RwLock::new([2; 3])?, numbers?))
    };
    let signals = || {
        let semaphore = Semaphore::new(2);
        Ok((Event::new()?, Condvar::new()?, semaphore?, Barrier::new(2)?))
    };
    let shared = || Ok((Shared::new(1)?, Shared::from_slice(&[1.0])?));
    let ends = || Ok((channel()?.0, channel()?.1, duplex()?.0));
    Everything {
        locks: here(locks),
        signals: here(signals),
        shared: here(shared),
        pieces: here(|| Buffer::new(4)).map_or_else(Vec::new, |buffer| buffer.split(2)),
        buffer: here(|| Buffer::new(4)),
        ends: here(ends),
        queue: here(|| Queue::bounded(1)),
        file: File::open("/dev/null").ok().map(Fd::new),
        data: Data {
            run: vec![Numbers::default(); 20],
            ..Data::default()
        },
    }
}

fn here<T>(make: impl FnOnce() -> std::io::Result<T>) -> Option<T> {
    make().ok()
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Data {
    numbers: (u8, i16, u32, i64, u128, f64, char, bool),
    lists: (Vec<u8>, Vec<f64>, Vec<bool>, Vec<String>, [u16; 2]),
    map: BTreeMap<String, Option<Shape>>,
    hashed: HashMap<Option<u8>, Box<[i128]>>,
    long: (Vec<u8>, String),
    shapes: Vec<Shape>,
    /// Long enough to be a run.
    run: Vec<Numbers>,
    tree: Option<Box<Data>>,
    std: Option<(PathBuf, Duration, SystemTime, IpAddr, std::ffi::OsString)>,
    #[serde(flatten)]
    rest: BTreeMap<String, Tree>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Numbers {
    number: u8,
    pair: (bool, [i16; 2]),
    letter: char,
}

#[derive(Debug, Serialize, Deserialize)]
enum Shape {
    Nothing,
    One(u64),
    Two(i8, Option<()>),
    Fields { name: String, bytes: Vec<u8> },
    More(Box<Shape>),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Tree {
    Number(u64),
    Text(String),
    Handle(Sender<u8>),
    Piece(Chunk<u32>),
    List(Vec<Tree>),
    Map(BTreeMap<String, Tree>),
    Nothing,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Nothing,
    Fields {
        lock: Mutex<u64>,
        more: Option<Box<Tagged>>,
    },
    Shape(Named),
}

#[derive(Debug, Serialize, Deserialize)]
struct Named(Data);

/// A type that reads itself out of anything, without an end.
#[derive(Debug, Serialize, Deserialize)]
struct Endless(Option<Box<Endless>>);

fn read_all(message: &Message) {
    if let Some(everything) = read::<Everything>(message) {
        use_all(everything);
    }
    read::<IgnoredAny>(message);
    read::<Data>(message);
    read::<Tree>(message);
    read::<Vec<Tagged>>(message);
    read::<Vec<Numbers>>(message);
    read::<Vec<[f32; 3]>>(message);
    read::<Endless>(message);
    read::<Vec<Endless>>(message);
    read::<(String, Vec<u64>)>(message);
    read::<(Shape, Box<str>)>(message);
    read::<Vec<()>>(message);
    read::<HashMap<Tree0, u8>>(message);
    // What a parent reads of a child's, and a child of its parent's.
    read::<PanicInfo>(message);
    read::<Result<(), RemoteError>>(message);
    read::<(Header, Callee)>(message);
}

#[derive(Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
enum Tree0 {
    Number(i64),
    Bytes(Box<[u8]>),
    Text(String),
}

fn read<T: DeserializeOwned>(message: &Message) -> Option<T> {
    let mut message = Message {
        head: message.head.clone(),
        splices: message.splices.clone(),
        attachments: message.attachments.clone(),
    };
    let mut input = message.open();
    let value = input.read().ok();
    // What is left is no matter: a value is one without it.
    let _ = input.finish();
    value
}

/// What was made of a message can be used, whatever the message was.
fn use_all(everything: Everything) {
    if let Some((lock, _, numbers)) = &everything.locks {
        drop(lock.try_lock());
        drop(numbers.try_lock());
    }
    if let Some((event, condvar, semaphore, barrier)) = &everything.signals {
        condvar.notify_all();
        let _ = (event.is_set(), semaphore.available(), barrier.is_broken());
    }
    if let Some((number, numbers)) = &everything.shared {
        let _ = (**number, numbers.len());
    }
    if let Some((sender, receiver, end)) = &everything.ends {
        let _ = sender.send_timeout(1, Duration::ZERO);
        let _ = (receiver.try_recv().is_ok(), end.try_recv().is_ok());
    }
    if let Some(queue) = &everything.queue {
        let _ = queue.try_push(1).is_ok() && queue.try_pop().is_ok();
    }
    for mut piece in everything.pieces {
        piece.fill(1);
    }
    if let Some(mut buffer) = everything.buffer {
        buffer.fill(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::__fuzz::inputs::feed;

    #[test]
    fn whatever_arrives_does_no_damage() {
        feed("decode", 10_000, decode);
    }

    #[test]
    fn what_was_written_well_is_read() {
        let everything = read::<Everything>(&written().unwrap()).unwrap();
        assert!(everything.locks.is_some() && everything.signals.is_some());
        assert!(everything.ends.is_some() && everything.queue.is_some());
        assert_eq!(everything.pieces.len(), 2);
        use_all(everything);
        decode(&[1]);
    }
}
