//! Handles inside of types of the users': each arrives as itself or not at all.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use multiproc::channel::{Duplex, Queue, Receiver, RecvError, Sender, channel, duplex, wait};
use multiproc::shm::{Buffer, Chunk, Shared};
use multiproc::sync::Mutex;
use multiproc::{Fd, worker};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::support::{in_time, open_descriptors};

/// Much that is no handle is asked first whether it is what has come.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Any {
    Number(u64),
    Negative(i64),
    Text(String),
    Bytes(Vec<u8>),
    Numbers((u32, Option<u64>)),
    Map(BTreeMap<String, u8>),
    OfNumbers(Sender<u64>),
    Sender(Sender<String>),
    Receiver(Receiver<String>),
    Duplex(Duplex<String, u8>),
    Queue(Queue<String>),
    Lock(Mutex<u32>),
    Wide(Mutex<u64>),
    Chunk(Chunk<u8>),
    Buffer(Buffer<u8>),
    File(Fd<File>),
}

#[worker]
fn use_all(all: Vec<Any>) -> Vec<Any> {
    let mut seen = Vec::new();
    let back = all
        .into_iter()
        .map(|mut any| {
            seen.push(match &mut any {
                Any::OfNumbers(sender) => {
                    sender.send(7).unwrap();
                    "sender of numbers"
                }
                Any::Sender(sender) => {
                    sender.send("from a sender".to_owned()).unwrap();
                    "sender"
                }
                Any::Receiver(receiver) => {
                    assert_eq!(receiver.recv().unwrap(), "to a receiver");
                    "receiver"
                }
                Any::Duplex(end) => {
                    end.send("from an end".to_owned()).unwrap();
                    "duplex"
                }
                Any::Queue(queue) => {
                    queue.push("into a queue".to_owned()).unwrap();
                    "queue"
                }
                Any::Wide(lock) => {
                    *lock.lock().unwrap() += 1;
                    "lock"
                }
                Any::Chunk(chunk) => {
                    chunk.fill(3);
                    "chunk"
                }
                Any::Buffer(buffer) => {
                    buffer.fill(4);
                    "buffer"
                }
                Any::File(_) => "file",
                _ => "data",
            });
            any
        })
        .collect();
    assert_eq!(
        seen,
        [
            "sender of numbers",
            "sender",
            "receiver",
            "duplex",
            "queue",
            "lock",
            "chunk",
            "buffer",
            "file"
        ]
    );
    back
}

#[test]
fn no_handle_is_taken_for_another_or_for_data() {
    in_time(|| {
        let (numbers, at_numbers) = channel().unwrap();
        let (texts, at_texts) = channel().unwrap();
        let (to_receiver, receiver) = channel().unwrap();
        let (end, other_end) = duplex().unwrap();
        let queue = Queue::bounded(1).unwrap();
        let lock = Mutex::new(1_u64).unwrap();
        let mut chunks = Buffer::new(4).unwrap().split(2);
        to_receiver.send("to a receiver".to_owned()).unwrap();
        let all = vec![
            Any::OfNumbers(numbers),
            Any::Sender(texts),
            Any::Receiver(receiver),
            Any::Duplex(end),
            Any::Queue(queue.clone()),
            Any::Wide(lock.clone()),
            Any::Chunk(chunks.pop().unwrap()),
            Any::Buffer(Buffer::new(3).unwrap()),
            Any::File(File::open("/dev/zero").unwrap().into()),
        ];
        let back = use_all::run(all).unwrap();
        assert_eq!(at_numbers.recv(), Ok(7));
        assert_eq!(at_texts.recv().unwrap(), "from a sender");
        assert_eq!(other_end.recv().unwrap(), "from an end");
        assert_eq!(queue.pop().unwrap(), "into a queue");
        assert_eq!(*lock.lock().unwrap(), 2);
        for any in back {
            match any {
                Any::Chunk(chunk) => assert_eq!(*chunk, [3; 2]),
                Any::Buffer(buffer) => assert_eq!(*buffer, [4; 3]),
                Any::File(mut file) => file.read_exact(&mut [1; 4]).unwrap(),
                _ => {}
            }
        }
    });
}

/// Writes a value of one type where another is read.
enum Confused<T, U> {
    Written(T),
    Read(U),
}

impl<T: Serialize, U> Serialize for Confused<T, U> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Confused::Written(value) => value.serialize(serializer),
            Confused::Read(_) => unreachable!("it is only read"),
        }
    }
}

impl<'de, T, U: Deserialize<'de>> Deserialize<'de> for Confused<T, U> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        U::deserialize(deserializer).map(Confused::Read)
    }
}

/// Why a value cannot be read as one of another type.
fn confuse<T: Serialize, U: DeserializeOwned>(value: T) -> String {
    let (sender, receiver) = channel::<Confused<T, U>>().unwrap();
    sender.send(Confused::Written(value)).unwrap();
    match receiver.recv() {
        Ok(_) => panic!("something was made of something else"),
        Err(RecvError::Item(error)) => error.to_string(),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_handle_is_not_read_as_another() {
    in_time(|| {
        let shared = || Shared::new(true).unwrap();
        let lock = || Mutex::new(1_u64).unwrap();
        let file = || Fd::new(File::open("/dev/null").unwrap());
        let sender = || channel::<u32>().unwrap().0;
        let receiver = || channel::<u32>().unwrap().1;
        let end = || duplex::<u32, u32>().unwrap().0;
        let queue = || Queue::<u32>::bounded(1).unwrap();
        let chunk = || Buffer::<u64>::new(4).unwrap().split(1).remove(0);
        let memory = "invalid type: a handle to shared memory, expected ";
        // What writes into a lock, past it.
        assert_eq!(
            confuse::<_, Fd<File>>(lock()),
            format!("{memory}a descriptor")
        );
        assert_eq!(
            confuse::<_, Fd<File>>(shared()),
            format!("{memory}a descriptor")
        );
        assert_eq!(
            confuse::<_, (Fd<File>, serde::de::IgnoredAny)>(shared()),
            format!("{memory}a tuple of size 2")
        );
        assert_eq!(
            confuse::<_, u32>(file()),
            "invalid type: a descriptor, expected u32"
        );
        assert_eq!(
            confuse::<_, Sender<u32>>(file()),
            "invalid type: a descriptor, expected a sender"
        );
        assert_eq!(
            confuse::<_, Receiver<u32>>(sender()),
            "invalid type: a sender, expected a receiver"
        );
        assert_eq!(
            confuse::<_, Sender<String>>(sender()),
            "invalid type: a sender of another type than a sender that is expected"
        );
        let confusions = [
            confuse::<_, Receiver<i32>>(receiver()),
            confuse::<_, Duplex<u32, i32>>(end()),
            confuse::<_, (Sender<u32>, Receiver<u32>)>(end()),
            confuse::<_, Duplex<u32, u32>>((sender(), receiver())),
            confuse::<_, Queue<i32>>(queue()),
            confuse::<_, [u32; 4]>(queue()),
            confuse::<_, Fd<File>>(queue()),
            confuse::<_, Mutex<i64>>(lock()),
            confuse::<_, Shared<u64>>(lock()),
            confuse::<_, Shared<u8>>(shared()),
            confuse::<_, Chunk<i64>>(chunk()),
            confuse::<_, Buffer<u64>>(chunk()),
            confuse::<_, Mutex<u64>>(chunk()),
            confuse::<_, Fd<File>>(chunk()),
            confuse::<_, Chunk<u64>>(Buffer::<u64>::new(4).unwrap()),
            confuse::<_, BTreeMap<String, u8>>(chunk()),
        ];
        for confusion in confusions {
            assert!(confusion.starts_with("invalid type: "), "{confusion}");
        }
    });
}

/// A value behind which something cannot be written.
#[derive(Deserialize)]
struct Failing<T>(T);

impl<T: Serialize> Serialize for Failing<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Secret;
        impl Serialize for Secret {
            fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
                Err(serde::ser::Error::custom("it is a secret"))
            }
        }
        (&self.0, Secret).serialize(serializer)
    }
}

#[test]
fn what_could_not_be_sent_is_as_before() {
    in_time(|| {
        let (to, receiver) = channel().unwrap();
        to.send(5).unwrap();
        let mut chunk = Buffer::<u8>::new(4).unwrap().split(1).remove(0);
        chunk.fill(9);
        assert_eq!(*chunk, [9; 4]);
        let (end, other) = duplex::<u8, u8>().unwrap();
        let (sender, at) =
            channel::<Failing<(Receiver<i32>, Chunk<u8>, Duplex<u8, u8>)>>().unwrap();
        let error = sender.send(Failing((receiver, chunk, end))).unwrap_err();
        assert_eq!(error.to_string(), "the item cannot be sent: it is a secret");
        let Failing((receiver, chunk, end)) = error.into_inner();
        assert_eq!(receiver.recv(), Ok(5));
        assert_eq!(*chunk, [9; 4]);
        other.send(6).unwrap();
        assert_eq!(end.recv(), Ok(6));
        // And can be sent.
        drop(at);
        let (sender, at) = channel().unwrap();
        sender.send((receiver, chunk, end)).unwrap();
        let (receiver, chunk, end) = at.recv().unwrap();
        assert_eq!(*chunk, [9; 4]);
        assert_eq!(Buffer::join([chunk]).unwrap().len(), 4);
        to.send(7).unwrap();
        assert_eq!(receiver.recv(), Ok(7));
        end.send(8).unwrap();
        assert_eq!(other.recv(), Ok(8));
    });
}

/// A value that is written twice.
#[derive(Deserialize)]
struct Doubled<T>(T, T);

impl<T: Serialize> Serialize for Doubled<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (&self.0, &self.0).serialize(serializer)
    }
}

#[test]
fn what_there_is_one_of_is_not_sent_twice_in_an_item() {
    in_time(|| {
        let send = || channel::<u8>().unwrap();
        let (to, receiver) = send();
        let (sender, _at) = channel().unwrap();
        let error = sender.send(Doubled(receiver, send().1)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the item cannot be sent: this end was sent to another process"
        );
        let receiver = error.into_inner().0;
        to.send(1).unwrap();
        assert_eq!(receiver.recv(), Ok(1));

        let chunk = || Buffer::<u8>::new(4).unwrap().split(1).remove(0);
        let (sender, _at) = channel().unwrap();
        let error = sender.send(Doubled(chunk(), chunk())).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the item cannot be sent: this chunk has been sent to another process already"
        );
        assert_eq!(*error.into_inner().0, [0; 4]);

        let (sender, at) = channel().unwrap();
        let lock = || Mutex::new(1).unwrap();
        sender.send(Doubled(lock(), lock())).unwrap();
        let Doubled(one, two) = at.recv().unwrap();
        assert!(Mutex::ptr_eq(&one, &two));
    });
}

#[test]
fn an_item_that_cannot_be_read_leaves_nothing_open() {
    in_time(|| {
        type Item = (Receiver<u8>, Sender<u8>, Fd<File>, Queue<u8>, Mutex<u8>, u8);
        type ReadAs = (
            Receiver<u8>,
            Sender<u8>,
            Fd<File>,
            Queue<u8>,
            Mutex<u8>,
            String,
        );
        let (sender, receiver) = channel::<Confused<Item, ReadAs>>().unwrap();
        let once = || {
            let (to, at) = channel().unwrap();
            let file = Fd::new(File::open("/dev/null").unwrap());
            let queue = Queue::bounded(1).unwrap();
            let lock = Mutex::new(1).unwrap();
            let item = (at, to.clone(), file, queue, lock, 1);
            sender.send(Confused::Written(item)).unwrap();
            assert!(receiver.recv().is_err());
            // Its receiver is gone with it.
            assert!(to.send(1).unwrap_err().is_disconnected());
        };
        once();
        let before = open_descriptors();
        (0..10).for_each(|_| once());
        // Other tests of this process open some, too.
        assert!(open_descriptors() < before + 30);
    });
}

#[worker]
fn pass_on(item: (u8, Vec<u8>, Receiver<Vec<Sender<u8>>>)) -> Receiver<Vec<Sender<u8>>> {
    item.2
}

#[test]
fn a_receiver_takes_an_item_with_handles_along() {
    in_time(|| {
        for length in [0, 10, 1 << 20] {
            let (to, receiver) = channel().unwrap();
            let (one, at_one) = channel().unwrap();
            to.send(vec![one.clone(), one]).unwrap();
            // It is taken in here, and not asked for.
            assert_eq!(wait(&[&receiver], None).unwrap(), [0]);
            let receiver = pass_on::run((1, vec![1; length], receiver)).unwrap();
            for sender in receiver.recv().unwrap() {
                sender.send(3).unwrap();
            }
            assert_eq!(at_one.iter().collect::<Vec<_>>(), [3, 3]);
        }
    });
}
