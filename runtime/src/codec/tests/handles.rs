//! Handles go through all that carries serde's data model, and nothing can be made of them but
//! themselves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::de::value::BytesDeserializer;
use serde::de::{DeserializeOwned, Visitor};

use super::*;
use crate::codec::handle::{self, Depart, HandleKind, Identity};
use crate::sys::fd::{AsFd, OwnedFd};

/// Two of it can be had.
struct Handle(Arc<OwnedFd>);

impl Handle {
    const IDENTITY: Identity = Identity::of_kind(HandleKind::Descriptor);

    fn open(path: &str) -> Handle {
        Handle(Arc::new(File::open(path).unwrap().into()))
    }
}

impl Serialize for Handle {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        handle::serialize(serializer, Handle::IDENTITY, |parts| {
            parts.attach(&self.0);
            Ok(())
        })
    }
}

impl<'de> Deserialize<'de> for Handle {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Handle, D::Error> {
        handle::deserialize(deserializer, Handle::IDENTITY, |parts| {
            let ([], [descriptor]) = parts.exactly()?;
            Ok(Handle(Arc::clone(descriptor)))
        })
    }
}

impl Debug for Handle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Handle")
    }
}

impl Debug for Only {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Only")
    }
}

/// There is one, which knows how often its departure was settled, and how.
#[derive(Default)]
struct Only(Arc<Departures>);

#[derive(Debug, Default)]
struct Departures {
    sent: AtomicU32,
    not_sent: AtomicU32,
}

impl Depart for Departures {
    fn settle(&self, sent: bool) {
        let count = if sent { &self.sent } else { &self.not_sent };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

impl Only {
    const NUMBER: u64 = u64::MAX - 1;

    fn settled(&self) -> (u32, u32) {
        let Departures { sent, not_sent } = &*self.0;
        (
            sent.load(Ordering::Relaxed),
            not_sent.load(Ordering::Relaxed),
        )
    }
}

impl Serialize for Only {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        handle::serialize(
            serializer,
            Identity::new::<Only>(HandleKind::Receiver),
            |parts| {
                parts.numbers.push(Only::NUMBER);
                parts.bytes.push(b"moves along".to_vec());
                parts.depart(Arc::clone(&self.0) as Arc<dyn Depart>);
                Ok(())
            },
        )
    }
}

impl<'de> Deserialize<'de> for Only {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Only, D::Error> {
        handle::deserialize(
            deserializer,
            Identity::new::<Only>(HandleKind::Receiver),
            |parts| {
                assert_eq!(parts.numbers, [Only::NUMBER]);
                assert_eq!(parts.bytes, [b"moves along"]);
                Ok(Only::default())
            },
        )
    }
}

fn null() -> Handle {
    Handle::open("/dev/null")
}

fn same_file(a: impl AsFd, b: impl AsFd) -> bool {
    let identity = |file: rustix::fs::Stat| (file.st_dev, file.st_ino);
    identity(rustix::fs::fstat(a).unwrap()) == identity(rustix::fs::fstat(b).unwrap())
}

const OUTSIDE: &str = "a handle to something shared between processes can only be written into a \
                       message to another process: an argument, a result or an item of a channel";
const STRANGE: &str = "a handle is of another message: it was kept, copied or made up";
const ELSEWHERE: &str = "a descriptor was written into something else than the message, another \
                         format or a value that was thrown away: it can only be a value in the \
                         message itself";

/// What a user's `Serialize` does while a message is written.
struct Writing<F>(F);

impl<F: Fn() -> Result<(), String>> Serialize for Writing<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.0)().map_err(serde::ser::Error::custom)?;
        serializer.serialize_unit()
    }
}

#[track_caller]
fn refuse_to_write(value: &(impl Serialize + ?Sized), reason: &str) {
    let error = Output::new(0).write(value).unwrap_err();
    assert_eq!(error.to_string(), reason);
}

/// What stands for a handle where it is written: what JSON shows of it.
fn token_of(handle: &impl Serialize) -> Vec<u8> {
    serde_json::from_value(serde_json::to_value(handle).unwrap()).unwrap()
}

/// Writes a token as a handle does.
struct Replayed(Vec<u8>);

impl Serialize for Replayed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Bytes<'a>(&'a [u8]);
        impl Serialize for Bytes<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_bytes(self.0)
            }
        }
        serializer.serialize_newtype_struct("$multiproc::handle", &Bytes(&self.0))
    }
}

/// Reads what stands for a handle, as the handle would.
struct Captured(Vec<u8>);

impl<'de> Deserialize<'de> for Captured {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Captured, D::Error> {
        struct Capturing;
        impl<'de> Visitor<'de> for Capturing {
            type Value = Captured;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("anything")
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Captured, D::Error> {
                deserializer.deserialize_any(Capturing)
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Captured, E> {
                Ok(Captured(bytes.to_vec()))
            }
        }
        deserializer.deserialize_newtype_struct("$multiproc::handle", Capturing)
    }
}

impl Captured {
    fn replay<T: DeserializeOwned>(&self) -> Result<T, Error> {
        T::deserialize(BytesDeserializer::new(&self.0))
    }
}

#[test]
fn handles_travel_beside_the_values() {
    let (null, zero) = (null(), Handle::open("/dev/zero"));
    let mut out = Output::new(0);
    out.write(&[&null, &zero, &null]).unwrap();
    out.write_borrowed(&zero).unwrap();
    assert_eq!(out.attachments.len(), 2);
    let mut message = sent(out);
    let mut input = message.open();
    let read: Vec<Handle> = input.read().unwrap();
    let more: Handle = input.read().unwrap();
    assert_eq!(input.finish(), Ok(()));
    assert!(same_file(&*read[0].0, &*null.0));
    assert!(same_file(&*read[1].0, &*zero.0));
    assert!(Arc::ptr_eq(&read[0].0, &read[2].0));
    assert!(Arc::ptr_eq(&read[1].0, &more.0));
}

/// It is tried whether a handle is of the shape of the numbers before it.
#[test]
fn handles_go_behind_numbers() {
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Mixed {
        Number(u64),
        Named { only: Only },
        Bare(Handle),
    }
    let mut items: Vec<_> = (0..40).map(Mixed::Number).collect();
    items[20] = Mixed::Bare(Handle::open("/dev/null"));
    items[21] = Mixed::Named {
        only: Only::default(),
    };
    items[39] = Mixed::Bare(Handle::open("/dev/zero"));
    let mut out = Output::new(0);
    out.write(&items).unwrap();
    assert_eq!(out.attachments.len(), 2);
    let read: Vec<Mixed> = decode(&mut sent(out)).unwrap();
    assert!(matches!(read[19], Mixed::Number(19)) && matches!(read[22], Mixed::Number(22)));
    assert!(matches!(read[20], Mixed::Bare(_)) && matches!(read[39], Mixed::Bare(_)));
    assert!(matches!(read[21], Mixed::Named { .. }));
}

#[test]
fn handles_go_wherever_values_go() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Plain {
        first: Handle,
        rest: Vec<Option<(Wrapped, Only)>>,
        named: BTreeMap<String, Twice>,
    }
    #[derive(Debug, Serialize, Deserialize)]
    struct Wrapped(Handle);
    #[derive(Debug, Serialize, Deserialize)]
    struct Twice(Wrapped);
    #[derive(Debug, Serialize, Deserialize)]
    struct Flat {
        id: u8,
        #[serde(flatten)]
        inner: Plain,
        #[serde(flatten)]
        more: BTreeMap<String, Twice>,
    }
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(u64),
        Plain(Plain),
        Flat(Flat),
        List(Vec<Untagged>),
        Bare(Handle),
        Only(Only),
    }
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Internal {
        Fields { handle: Handle, only: Only },
        Newtype(Plain),
        Flat(Flat),
    }
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(tag = "kind", content = "content")]
    enum Adjacent {
        One(Wrapped),
        Two(u8, Only),
        Fields {
            internal: Internal,
            untagged: Untagged,
        },
    }

    let wrapped = || Wrapped(null());
    let plain = || Plain {
        first: null(),
        rest: vec![None, Some((wrapped(), Only::default()))],
        named: BTreeMap::from([("a".to_owned(), Twice(wrapped()))]),
    };
    let flat = || Flat {
        id: 1,
        inner: plain(),
        more: BTreeMap::from([("b".to_owned(), Twice(wrapped()))]),
    };
    #[track_caller]
    fn check<T: Serialize + DeserializeOwned + Debug>(value: T) {
        let mut out = Output::new(0);
        out.write(&value).unwrap();
        let mut message = sent(out);
        let read: T = decode(&mut message).unwrap();
        assert_eq!(format!("{read:?}"), format!("{value:?}"));
    }
    check(plain());
    check(flat());
    check(Some(wrapped()));
    check(Twice(wrapped()));
    check([Untagged::Bare(null()), Untagged::Number(3)]);
    check(vec![
        Untagged::Plain(plain()),
        Untagged::List(vec![
            Untagged::Only(Only::default()),
            Untagged::Plain(plain()),
        ]),
    ]);
    check(Internal::Fields {
        handle: null(),
        only: Only::default(),
    });
    check(Internal::Newtype(plain()));
    check(Internal::Flat(flat()));
    check([Adjacent::One(wrapped()), Adjacent::Two(1, Only::default())]);
    check(Adjacent::Fields {
        internal: Internal::Flat(flat()),
        untagged: Untagged::Bare(null()),
    });
    check(BTreeMap::from([
        (1, Ok::<_, Only>(null())),
        (2, Err(Only::default())),
    ]));
}

/// A user's buffer for anything, as serde has one.
#[derive(Debug, Clone)]
enum Content {
    Number(u64),
    Bytes(Vec<u8>),
    Newtype(Box<Content>),
    Seq(Vec<Content>),
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Content, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Content;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("anything")
            }

            fn visit_u64<E>(self, number: u64) -> Result<Content, E> {
                Ok(Content::Number(number))
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Content, E> {
                Ok(Content::Bytes(bytes.to_vec()))
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(
                self,
                deserializer: D,
            ) -> Result<Content, D::Error> {
                let inner = Content::deserialize(deserializer)?;
                Ok(Content::Newtype(Box::new(inner)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Content, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Content::Seq(items))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

impl<'de> Deserializer<'de> for Content {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Content::Number(number) => visitor.visit_u64(number),
            Content::Bytes(bytes) => visitor.visit_byte_buf(bytes),
            Content::Newtype(inner) => visitor.visit_newtype_struct(*inner),
            Content::Seq(items) => {
                visitor.visit_seq(serde::de::value::SeqDeserializer::new(items.into_iter()))
            }
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier
        ignored_any
    }
}

impl serde::de::IntoDeserializer<'_, Error> for Content {
    type Deserializer = Content;

    fn into_deserializer(self) -> Content {
        self
    }
}

#[test]
fn handles_go_through_buffers_of_the_users() {
    struct Buffered(Vec<Handle>, Vec<Only>);

    impl<'de> Deserialize<'de> for Buffered {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Buffered, D::Error> {
            let content = Content::deserialize(deserializer)?;
            let error = serde::de::Error::custom::<Error>;
            // What is of another type is no less there for it.
            assert!(<(u8, u64, u64)>::deserialize(content.clone()).is_err());
            assert!(<(u8, Only, Handle)>::deserialize(content.clone()).is_err());
            let (one, two, only) = Deserialize::deserialize(content.clone()).map_err(error)?;
            // There is one only.
            let refusal = <(u8, Handle, Only)>::deserialize(content.clone()).unwrap_err();
            assert_eq!(
                refusal.to_string(),
                "a receiver can only be received once, and a `Deserialize` has received it already"
            );
            let (three, four, IgnoredAny) = Deserialize::deserialize(content).map_err(error)?;
            assert_eq!((one, three), (7_u8, 7_u8));
            Ok(Buffered(vec![two, four], vec![only]))
        }
    }

    let zero = Handle::open("/dev/zero");
    let Buffered(handles, only) = read_as(&(7, &zero, Only::default())).unwrap();
    assert_eq!(only.len(), 1);
    assert!(handles.iter().all(|read| same_file(&*read.0, &*zero.0)));
}

#[test]
fn a_handle_is_never_taken_for_data() {
    #[derive(Debug, Deserialize)]
    struct Wrapped<T>(T);
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "it cannot be made")]
    struct Blob(#[serde(with = "serde_bytes_like")] Vec<u8>);
    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    enum Either<T> {
        Data(T),
        Handle(#[expect(dead_code, reason = "it is there")] Handle),
    }

    type Nothing = ();

    fn check<T: DeserializeOwned + Debug>() {
        assert!(read_as::<T>(&null()).is_err());
        for written in [&null() as &dyn ErasedHandle, &Some(null())] {
            let mut out = Output::new(0);
            written.write(&mut out);
            match decode::<Option<Either<T>>>(&mut sent(out))
                .unwrap()
                .unwrap()
            {
                Either::Handle(_) => {}
                Either::Data(data) => panic!("a handle was taken for {data:?}"),
            }
        }
    }

    trait ErasedHandle {
        fn write(&self, out: &mut Output<'_>);
    }
    impl<T: Serialize> ErasedHandle for T {
        fn write(&self, out: &mut Output<'_>) {
            out.write(self).unwrap();
        }
    }

    macro_rules! check_all {
        ($($type:ty)*) => {$(
            check::<$type>();
            check::<Wrapped<$type>>();
        )*};
    }
    check_all! {
        u8 i64 f64 bool char Nothing String Vec<u8> [u8; 16] PathBuf OsString std::ffi::CString
        BTreeMap<String, u8> Value Shape IpAddr Pair Only Blob Option<u8> Vec<Vec<u8>>
    }
    refuse::<u64>(&null(), "invalid type: a descriptor, expected u64");
    refuse::<Vec<u8>>(
        &Only::default(),
        "invalid type: a receiver, expected a sequence",
    );
    refuse::<Handle>(&5, "invalid type: integer `5`, expected a descriptor");
    refuse::<Handle>(
        &Only::default(),
        "invalid type: a receiver, expected a descriptor",
    );
    let text = "x".repeat(16);
    refuse::<Handle>(
        &text,
        &format!("invalid type: string \"{text}\", expected a descriptor"),
    );
    assert!(read_as::<Handle>(&Vec::<u8>::new()).is_err());
    assert!(read_as::<IgnoredAny>(&(null(), Only::default())).is_ok());
}

#[test]
fn the_same_kind_for_another_type_is_refused() {
    #[derive(Debug)]
    struct Typed<T>(std::marker::PhantomData<T>);
    impl<T> Serialize for Typed<T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            handle::serialize(serializer, Identity::new::<T>(HandleKind::Sender), |_| {
                Ok(())
            })
        }
    }
    impl<'de, T> Deserialize<'de> for Typed<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            handle::deserialize(deserializer, Identity::new::<T>(HandleKind::Sender), |_| {
                Ok(Typed(std::marker::PhantomData))
            })
        }
    }
    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Number(Typed<u32>),
        Text(Typed<String>),
    }
    let of_text = Typed::<String>(std::marker::PhantomData);
    refuse::<Typed<u32>>(
        &of_text,
        "invalid type: a sender of another type than a sender that is expected",
    );
    assert!(matches!(read_as(&of_text), Ok(Either::Text(_))));
    let of_numbers = Typed::<u32>(std::marker::PhantomData);
    assert!(matches!(read_as(&of_numbers), Ok(Either::Number(_))));
}

#[test]
fn handles_outside_of_a_message_are_an_error() {
    let error = serde_json::to_string(&null()).unwrap_err();
    assert_eq!(error.to_string(), OUTSIDE);
    let error = serde_json::from_str::<Handle>("0").unwrap_err();
    assert_eq!(error.to_string(), OUTSIDE);
    // A message before leaves nothing behind.
    let mut out = Output::new(0);
    out.write(&null()).unwrap();
    assert!(serde_json::to_string(&null()).is_err());
    decode::<Handle>(&mut sent(out)).unwrap();
    assert!(serde_json::from_str::<Handle>("0").is_err());
    // Another thread writes no message.
    let writing = Writing(|| {
        std::thread::scope(|scope| scope.spawn(|| serde_json::to_string(&null())).join())
            .unwrap()
            .map(drop)
            .map_err(|error| error.to_string())
    });
    refuse_to_write(&writing, OUTSIDE);
}

#[test]
fn handles_in_another_format_or_thrown_away_are_an_error() {
    struct Json(Handle);
    impl Serialize for Json {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let text = serde_json::to_string(&self.0).map_err(serde::ser::Error::custom)?;
            serializer.serialize_str(&text)
        }
    }
    struct AsValue(Handle);
    impl Serialize for AsValue {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let value = serde_json::to_value(&self.0).map_err(serde::ser::Error::custom)?;
            // It is there, too: that does not help the other.
            (value, &self.0).serialize(serializer)
        }
    }
    refuse_to_write(&Json(null()), ELSEWHERE);
    refuse_to_write(&AsValue(null()), ELSEWHERE);
    let thrown_away = Writing(|| {
        let _ = serde_json::to_vec(&null());
        Ok(())
    });
    refuse_to_write(&thrown_away, ELSEWHERE);
    // The next value is another matter.
    let mut out = Output::new(0);
    assert!(out.write(&thrown_away).is_err());
    out.write(&null()).unwrap();

    // Nor can one be read out of JSON that is in a message.
    struct FromJson;
    impl<'de> Deserialize<'de> for FromJson {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FromJson, D::Error> {
            let (handle, text) = <(Captured, String)>::deserialize(deserializer)?;
            assert!(serde_json::from_str::<Handle>(&text).is_err());
            assert!(serde_json::from_value::<Handle>(json!(handle.0)).is_err());
            assert!(serde_json::from_value::<Handle>(json!([[handle.0]])).is_err());
            Ok(FromJson)
        }
    }
    for text in ["0", "null", "[255]", "\"\\ud800\"", "{}"] {
        assert!(read_as::<FromJson>(&(null(), text)).is_ok());
    }
}

#[test]
fn what_stands_for_a_handle_is_written_once() {
    struct Recorded(Handle);
    impl Serialize for Recorded {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let token = token_of(&self.0);
            // The handle is written by the code that has the token.
            (Replayed(token.clone()), Replayed(token)).serialize(serializer)
        }
    }
    refuse_to_write(
        &Recorded(null()),
        "a handle was written into a message twice",
    );
    struct Once(Handle);
    impl Serialize for Once {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            Replayed(token_of(&self.0)).serialize(serializer)
        }
    }
    assert!(read_as::<Handle>(&Once(null())).is_ok());
}

#[test]
fn what_stands_for_a_handle_of_another_message_is_refused() {
    // Kept from a message before.
    let kept = std::sync::Mutex::new(Vec::new());
    let keeping = Writing(|| {
        *kept.lock().unwrap() = token_of(&null());
        Ok(())
    });
    assert!(Output::new(0).write(&keeping).is_err());
    let kept = kept.into_inner().unwrap();
    refuse_to_write(&Replayed(kept.clone()), STRANGE);
    refuse_to_write(&(null(), Replayed(kept.clone())), STRANGE);
    // Made up.
    for place in 4..kept.len() {
        let mut made_up = kept.clone();
        made_up[place] ^= 1;
        refuse_to_write(&(null(), Replayed(made_up)), STRANGE);
    }
    // Of the message around.
    struct Around(Handle);
    impl Serialize for Around {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let token = token_of(&self.0);
            refuse_to_write(&(null(), Replayed(token.clone())), STRANGE);
            Replayed(token).serialize(serializer)
        }
    }
    assert!(read_as::<Handle>(&Around(null())).is_ok());

    // The same where it is read.
    let mut out = Output::new(0);
    out.write(&null()).unwrap();
    let old: Captured = decode(&mut sent(out)).unwrap();
    assert_eq!(old.replay::<Handle>().unwrap_err().to_string(), OUTSIDE);
    struct Reading;
    thread_local! {
        static OLD: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    OLD.set(old.0);
    impl<'de> Deserialize<'de> for Reading {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Reading, D::Error> {
            let (_, current) = <(Handle, Captured)>::deserialize(deserializer)?;
            let old = Captured(OLD.take());
            assert_eq!(old.replay::<Handle>().unwrap_err().to_string(), STRANGE);
            for place in 4..current.0.len() {
                let mut made_up = current.0.clone();
                made_up[place] ^= 2;
                assert!(Captured(made_up).replay::<Handle>().is_err());
            }
            // Not by another thread.
            let replayed = std::thread::scope(|scope| {
                let replaying = scope.spawn(|| current.replay::<Handle>().map(drop));
                replaying.join().unwrap()
            });
            assert_eq!(replayed.unwrap_err().to_string(), OUTSIDE);
            // Nor inside of another message.
            let mut out = Output::new(0);
            out.write(&(null(), 1)).unwrap();
            OLD.set(current.0.clone());
            assert!(decode::<(Handle, Inner)>(&mut sent(out)).is_ok());
            assert!(current.replay::<Handle>().is_ok());
            Ok(Reading)
        }
    }
    struct Inner;
    impl<'de> Deserialize<'de> for Inner {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Inner, D::Error> {
            u8::deserialize(deserializer)?;
            let outer = Captured(OLD.take());
            assert_eq!(outer.replay::<Handle>().unwrap_err().to_string(), STRANGE);
            Ok(Inner)
        }
    }
    assert!(read_as::<Reading>(&(null(), null())).is_ok());
}

#[test]
fn what_is_read_twice_is_two_handles_or_an_error() {
    struct Shared;
    impl<'de> Deserialize<'de> for Shared {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Shared, D::Error> {
            let captured = Captured::deserialize(deserializer)?;
            let two = [captured.replay::<Handle>(), captured.replay::<Handle>()];
            assert!(two.iter().all(Result::is_ok));
            assert!(captured.replay::<Only>().is_err());
            Ok(Shared)
        }
    }
    struct Exclusive;
    impl<'de> Deserialize<'de> for Exclusive {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Exclusive, D::Error> {
            let captured = Captured::deserialize(deserializer)?;
            assert!(captured.replay::<Handle>().is_err());
            assert!(captured.replay::<Only>().is_ok());
            assert!(captured.replay::<Only>().is_err());
            Ok(Exclusive)
        }
    }
    assert!(read_as::<Shared>(&null()).is_ok());
    assert!(read_as::<Exclusive>(&Only::default()).is_ok());
}

#[test]
fn the_name_of_handles_is_of_no_use_to_others() {
    struct Impostor<T>(T);
    impl<T: Serialize> Serialize for Impostor<T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_newtype_struct("$multiproc::handle", &self.0)
        }
    }
    let refusal = "a newtype has the name $multiproc::handle, which is reserved for multiproc";
    refuse_to_write(&Impostor(1), refusal);
    refuse_to_write(&Impostor("text"), refusal);
    refuse_to_write(&Impostor(vec![1_u8; 16]), refusal);
    refuse_to_write(&Impostor((null(), null())), refusal);
    refuse_to_write(&Impostor(null()), refusal);
    refuse_to_write(&Replayed(vec![0; 16]), refusal);
    refuse_to_write(&Replayed(vec![0; SPLICE_MINIMUM]), refusal);
    // What reads a handle by that name sees nothing that is of use elsewhere.
    let captured: Captured = read_as(&null()).unwrap();
    refuse::<Handle>(&Replayed(captured.0.clone()), STRANGE);
    assert!(read_as::<Handle>(&captured.0).is_err());
}

#[test]
fn a_handle_that_was_not_sent_stays() {
    let only = Only::default();
    // Written, and sent.
    let mut out = Output::new(0);
    out.write(&only).unwrap();
    assert_eq!(only.settled(), (0, 0));
    out.confirm_sent();
    drop(out);
    assert_eq!(only.settled(), (1, 0));
    // Written, and not sent.
    let only = Only::default();
    let mut out = Output::new(0);
    out.write(&only).unwrap();
    drop(out);
    assert_eq!(only.settled(), (0, 1));
    // Not written: what comes after it fails.
    let only = Only::default();
    let failing = Writing(|| Err("it is a secret".to_owned()));
    refuse_to_write(&(&only, failing), "it is a secret");
    assert_eq!(only.settled(), (0, 1));
    // Nor where it is written into something else, or a panic comes in between.
    let only = Only::default();
    let json = Writing(|| {
        let _ = serde_json::to_string(&only);
        Ok(())
    });
    assert!(Output::new(0).write(&json).is_err());
    assert_eq!(only.settled(), (0, 1));
    let only = Only::default();
    let panicking = Writing(|| std::panic::resume_unwind(Box::new(())));
    let written = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        Output::new(0).write(&(&only, panicking))
    }));
    assert!(written.is_err());
    assert_eq!(only.settled(), (0, 1));
    // Outside of a message it does not even begin to leave.
    let only = Only::default();
    assert!(serde_json::to_string(&only).is_err());
    assert_eq!(only.settled(), (0, 0));
}

#[test]
fn a_message_that_cannot_be_read_leaves_nothing_open() {
    let (reader, writer) = std::io::pipe().unwrap();
    let writer = Handle(Arc::new(writer.into()));
    let mut out = Output::new(0);
    out.write(&(&writer, "text", &writer)).unwrap();
    let mut message = sent(out);
    drop(writer);
    let error = decode::<(Handle, u8, Handle)>(&mut message).unwrap_err();
    assert!(error.to_string().contains("expected u8"), "{error}");
    // The pipe ends: no process has its other end.
    assert_eq!(std::io::read_to_string(reader).unwrap(), "");
}

#[test]
fn messages_inside_of_messages_keep_their_own_handles() {
    /// Writes a message of its own while it is being written.
    struct Nesting(bool);

    impl Serialize for Nesting {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut inner = Output::new(0);
            inner.write(&[null(), null()]).unwrap();
            assert_eq!(inner.attachments.len(), 2);
            assert_eq!(decode::<Vec<Handle>>(&mut sent(inner)).unwrap().len(), 2);
            if self.0 {
                let _ = std::panic::catch_unwind(|| {
                    Output::new(0).write(&(null(), Panicking)).unwrap();
                });
            }
            Handle::open("/dev/zero").serialize(serializer)
        }
    }

    struct Panicking;

    impl Serialize for Panicking {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            std::panic::resume_unwind(Box::new(()));
        }
    }

    for panics in [false, true] {
        let mut out = Output::new(0);
        out.write(&(null(), Nesting(panics), null())).unwrap();
        assert_eq!(out.attachments.len(), 3);
        let read: [Handle; 3] = decode(&mut sent(out)).unwrap();
        assert!(same_file(&*read[1].0, &*Handle::open("/dev/zero").0));
        assert!(same_file(&*read[2].0, &*null().0));
    }
    let _ = std::panic::catch_unwind(|| Output::new(0).write(&(null(), Panicking)));
    assert!(serde_json::to_string(&null()).is_err());
}

#[test]
fn handles_are_written_and_read_while_a_thread_ends() {
    struct AtTheEnd;
    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            let read: Result<Vec<Handle>, Error> = read_as(&[null(), null()]);
            SEEN.fetch_add(u32::from(read.is_ok()), Ordering::Relaxed);
        }
    }
    static SEEN: AtomicU32 = AtomicU32::new(0);
    thread_local! {
        static EARLY: AtTheEnd = const { AtTheEnd };
    }
    let thread = std::thread::spawn(|| {
        EARLY.with(|_| {});
        let _: Vec<Handle> = read_as(&[null()]).unwrap();
    });
    thread.join().unwrap();
    assert_eq!(SEEN.load(Ordering::Relaxed), 1);
}

#[test]
fn handles_that_are_damaged_are_errors() {
    let mut out = Output::new(0);
    out.write(&(null(), Only::default())).unwrap();
    let whole = sent(out);
    let attempt = |head: Vec<u8>, splices: Vec<Vec<u8>>, attachments: Vec<Arc<OwnedFd>>| {
        let mut message = Message {
            head,
            splices,
            attachments,
        };
        decode::<(Handle, IgnoredAny)>(&mut message)
    };
    let whole = || whole.try_clone().unwrap();
    let Message {
        head,
        splices,
        attachments,
    } = whole();
    assert!(attempt(head.clone(), splices.clone(), attachments.clone()).is_ok());
    let error = attempt(head.clone(), splices.clone(), Vec::new()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "corrupt message: it has no descriptor of number 0"
    );
    assert!(attempt(head.clone(), Vec::new(), attachments.clone()).is_err());
    for length in 0..head.len() {
        let head = head[..length].to_vec();
        assert!(attempt(head, splices.clone(), attachments.clone()).is_err());
    }
    for bit in 0..head.len() * 8 {
        let mut head = head.clone();
        head[bit / 8] ^= 1 << (bit % 8);
        // Whatever comes of it, it comes.
        let _ = attempt(head, splices.clone(), attachments.clone());
    }
}
