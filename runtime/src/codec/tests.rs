//! What is written can be read back, and nothing else can be made of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::fmt::Debug;
use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU64;
use std::ops::{Bound, Range};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::de::{DeserializeOwned, IgnoredAny, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq, SerializeTuple};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use super::{Error, Message, Output, SPLICE_MINIMUM};
use crate::random::Random;

mod damage;
mod depth;
mod handles;
mod runs;

/// Writes a value and reads it back as another type, which must take all of it.
fn read_as<T: DeserializeOwned>(written: &(impl Serialize + ?Sized)) -> Result<T, Error> {
    let mut out = Output::new(0);
    out.write(written)?;
    decode(&mut sent(out))
}

fn decode<T: DeserializeOwned>(message: &mut Message) -> Result<T, Error> {
    let mut input = message.open();
    let value = input.read()?;
    input.finish()?;
    Ok(value)
}

/// What the transport makes of an output.
fn sent(out: Output<'_>) -> Message {
    Message {
        head: out.head,
        splices: out.splices.into_iter().map(Cow::into_owned).collect(),
        attachments: out
            .attachments
            .iter()
            .map(|descriptor| std::sync::Arc::new(descriptor.try_clone().unwrap()))
            .collect(),
    }
}

/// The value arrives as itself, by each of the two ways it can be written.
#[track_caller]
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) {
    let mut borrowed = Output::new(0);
    borrowed.write_borrowed(&value).unwrap();
    assert_eq!(decode(&mut sent(borrowed)).as_ref(), Ok(&value));
    check_as(&value, &value);
}

/// What is written is read as `expected`.
#[track_caller]
fn check_as<T>(written: &(impl Serialize + ?Sized), expected: &T)
where
    T: DeserializeOwned + PartialEq + Debug,
{
    assert_eq!(read_as(written).as_ref(), Ok(expected));
}

/// A slice is read as a `Vec` whichever way it was written.
#[track_caller]
fn check_lent<B, T>(lent: &B, expected: &T)
where
    B: Serialize + ?Sized,
    T: DeserializeOwned + PartialEq + Debug,
{
    let mut borrowed = Output::new(0);
    borrowed.write_borrowed(lent).unwrap();
    assert_eq!(decode(&mut sent(borrowed)).as_ref(), Ok(expected));
    check_as(lent, expected);
}

#[track_caller]
fn refuse<T: DeserializeOwned + Debug>(written: &(impl Serialize + ?Sized), reason: &str) {
    match read_as::<T>(written) {
        Ok(value) => panic!("{value:?} was made of something else"),
        Err(error) => assert_eq!(error.to_string(), reason),
    }
}

#[test]
fn integers_keep_their_value_at_every_limit() {
    macro_rules! limits {
        ($($type:ident)*) => {$(
            for value in [$type::MIN, $type::MIN + 1, 0, 1, 42, 100, $type::MAX - 1, $type::MAX] {
                check(value);
            }
        )*};
    }
    limits!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);
    for shift in 0..127 {
        let power = 1_u128 << shift;
        check((power - 1, power, power + 1));
        let power = 1_i128 << shift.min(125);
        check((-power - 1, -power, -power + 1, power));
    }
}

#[test]
fn floats_keep_their_bits() {
    for value in [
        0.0,
        -0.0,
        1.5,
        f64::MIN,
        f64::MAX,
        f64::EPSILON,
        f64::INFINITY,
    ] {
        check(value);
    }
    for bits in [
        f64::NAN.to_bits(),
        0x7ff8_dead_beef_0001,
        0xfff0_0000_0000_0001,
        1,
    ] {
        let read: f64 = read_as(&f64::from_bits(bits)).unwrap();
        assert_eq!(read.to_bits(), bits);
    }
    for bits in [f32::NAN.to_bits(), 0x7fc0_1234, 0x8000_0000] {
        let read: f32 = read_as(&f32::from_bits(bits)).unwrap();
        assert_eq!(read.to_bits(), bits);
    }
}

#[test]
fn the_rest_of_the_primitives() {
    check(());
    check((true, false));
    for char in ['\0', 'a', 'ß', '€', '🦀', char::MAX] {
        check(char);
    }
    check(String::new());
    check("Grüße, 世界\0".to_owned());
    check(Box::new(7));
    check(NonZeroU64::MAX);
}

#[test]
fn options_nest() {
    check(None::<u8>);
    check(Some(0_u8));
    check::<[Option<Option<()>>; 3]>([None, Some(None), Some(Some(()))]);
    check(vec![Some(None), Some(Some(Some("x".to_owned()))), None]);
    check([Some(Unit), None]);
}

#[test]
fn collections() {
    check(Vec::<String>::new());
    check(vec![String::from("a"), String::new()]);
    check([[1_u8; 3]; 2]);
    check(vec![(1, 'a', "x".to_owned()), (2, 'b', "y".to_owned())]);
    check(vec![true, false]);
    check(VecDeque::from([1_u8, 2, 3]));
    check(BTreeSet::from([3, 1, 2]));
    check(HashSet::from(["a".to_owned(), "b".to_owned()]));
    check(BTreeMap::from([((1, 2), vec![3]), ((4, 5), vec![])]));
    check(HashMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]));
    check(HashMap::from([(None, 'n'), (Some(-1_i128), 's')]));
    check(vec![(); 1000]);
    check(Vec::<()>::new());
}

#[test]
fn types_of_std() {
    check(Ok::<u8, String>(1));
    check(Err::<u8, String>("no".to_owned()));
    check(PathBuf::from("/tmp/a b"));
    check(OsString::from("x"));
    check(os_string_that_is_no_text());
    check(Duration::new(u64::MAX, 999_999_999));
    check(SystemTime::UNIX_EPOCH + Duration::new(1_700_000_000, 1));
    check(IpAddr::V4(Ipv4Addr::LOCALHOST));
    check(IpAddr::V6(Ipv6Addr::LOCALHOST));
    check(SocketAddr::from(([192, 0, 2, 1], 65535)));
    check(Range { start: 1, end: 5 });
    check((Bound::Included(1), Bound::<u8>::Unbounded));
    check(Cow::<'static, str>::Borrowed("borrowed"));
    check(Cow::<'static, [u32]>::Owned(vec![1, 2]));
    check(std::num::Wrapping(3_u8));
    check(std::cmp::Reverse("x".to_owned()));
    check(std::marker::PhantomData::<File>);
    check(std::ffi::CString::new("c").unwrap());
}

fn os_string_that_is_no_text() -> OsString {
    std::os::unix::ffi::OsStringExt::from_vec(vec![b'/', 0xff, 0xfe])
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Newtype<T>(T);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pair(u8, String);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Named<T> {
    first: T,
    second: Option<Box<Named<T>>>,
    third: Vec<Shape>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    One(Newtype<u64>),
    Two(i8, Option<Unit>),
    Fields { name: String, bytes: Vec<u8> },
    Empty {},
    None(),
}

fn shapes() -> Vec<Shape> {
    vec![
        Shape::Nothing,
        Shape::One(Newtype(u64::MAX)),
        Shape::Two(-1, Some(Unit)),
        Shape::Fields {
            name: "n".to_owned(),
            bytes: vec![1, 2, 3],
        },
        Shape::Empty {},
        Shape::None(),
        Shape::Nothing,
    ]
}

fn nested() -> Named<f32> {
    Named {
        first: 1.5,
        second: Some(Box::new(Named {
            first: -2.5,
            second: None,
            third: shapes(),
        })),
        third: shapes(),
    }
}

#[test]
fn structs_and_enums_of_all_shapes() {
    check(Unit);
    check(Newtype(Newtype("x".to_owned())));
    check(Newtype(vec![1_u8; 10]));
    check(Pair(1, "y".to_owned()));
    for shape in shapes() {
        check(Some(shape));
    }
    check(nested());
    check(vec![nested(); 100]);
    check(HashMap::from([(Unit, shapes())]));
}

#[test]
fn names_are_told_apart_across_types() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct A {
        x: u8,
        y: u8,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct B {
        y: String,
        x: String,
        z: Option<A>,
    }
    let b = || B {
        y: "y".to_owned(),
        x: "x".to_owned(),
        z: Some(A { x: 3, y: 4 }),
    };
    check((A { x: 1, y: 2 }, b(), A { x: 5, y: 6 }, b()));
}

#[test]
fn more_names_than_a_byte_can_number() {
    macro_rules! many {
        ($($field:ident)*) => {
            #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
            struct Many { $($field: Vec<u8>,)* }
        };
    }
    many! {
        a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 c0 c1 c2 c3 c4 c5 c6 c7 c8 c9
        d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 e0 e1 e2 e3 e4 e5 e6 e7 e8 e9 f0 f1 f2 f3 f4 f5 f6 f7 f8 f9
        g0 g1 g2 g3 g4 g5 g6 g7 g8 g9 h0 h1 h2 h3 h4 h5 h6 h7 h8 h9 i0 i1 i2 i3 i4 i5 i6 i7 i8 i9
        j0 j1 j2 j3 j4 j5 j6 j7 j8 j9 k0 k1 k2 k3 k4 k5 k6 k7 k8 k9 l0 l1 l2 l3 l4 l5 l6 l7 l8 l9
        m0 m1 m2 m3 m4 m5 m6 m7 m8 m9 n0 n1 n2 n3 n4 n5 n6 n7 n8 n9 o0 o1 o2 o3 o4 o5 o6 o7 o8 o9
    }
    check([Many::default(), Many::default()]);
}

#[test]
fn flatten() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Outer {
        id: u64,
        #[serde(flatten)]
        inner: Inner,
        #[serde(flatten)]
        rest: BTreeMap<String, Value>,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        shapes: Vec<Shape>,
        letter: char,
        ratio: f32,
        bytes: Vec<u8>,
        none: Option<u8>,
        some: Option<Option<u8>>,
        at: IpAddr,
        when: SystemTime,
        path: PathBuf,
    }
    check(Outer {
        id: 7,
        inner: Inner {
            shapes: shapes(),
            letter: '€',
            ratio: 0.1,
            bytes: vec![1, 2, 3],
            none: None,
            some: Some(Some(1)),
            at: IpAddr::V4(Ipv4Addr::LOCALHOST),
            when: SystemTime::UNIX_EPOCH,
            path: "/a".into(),
        },
        rest: BTreeMap::from([("more".to_owned(), json!({"a": [1, null, "x"]}))]),
    });
}

#[test]
fn tagging_of_all_kinds() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Untagged {
        Number(u64),
        Negative(i64),
        Text(String),
        Address { at: IpAddr, port: u16 },
        Struct { list: Vec<f64>, shape: Shape },
        Sequence(Vec<Untagged>),
        Nothing,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind")]
    enum Internal {
        Nothing,
        Fields { a: u8, b: Option<String> },
        Newtype(Named<u8>),
        Map(BTreeMap<String, u8>),
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "kind", content = "content")]
    enum Adjacent {
        Nothing,
        One(SocketAddr),
        Two(u8, Vec<u16>),
        Fields { a: u8 },
    }
    check(vec![
        Untagged::Number(300),
        Untagged::Negative(-300),
        Untagged::Text("t".to_owned()),
        Untagged::Address {
            at: Ipv6Addr::UNSPECIFIED.into(),
            port: 80,
        },
        Untagged::Struct {
            list: vec![1.0, 2.0],
            shape: Shape::Two(1, None),
        },
        Untagged::Sequence(vec![Untagged::Nothing, Untagged::Number(0)]),
        Untagged::Nothing,
    ]);
    check(vec![
        Internal::Nothing,
        Internal::Fields {
            a: 1,
            b: Some("b".to_owned()),
        },
        Internal::Newtype(Named {
            first: 1,
            second: None,
            third: shapes(),
        }),
        Internal::Map(BTreeMap::from([("x".to_owned(), 1)])),
    ]);
    check(vec![
        Adjacent::Nothing,
        Adjacent::One(([127, 0, 0, 1], 1).into()),
        Adjacent::Two(1, vec![2, 3]),
        Adjacent::Fields { a: 1 },
    ]);
}

#[test]
fn fields_may_be_left_out_renamed_and_unknown() {
    #[derive(Debug, PartialEq, Serialize)]
    struct Writer {
        #[serde(skip_serializing_if = "Option::is_none")]
        absent: Option<u8>,
        old_name: u8,
        #[serde(rename = "type")]
        kind: String,
        unknown: Named<Vec<u8>>,
        #[serde(skip)]
        never: u8,
        last: i128,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Reader {
        last: i128,
        absent: Option<u8>,
        #[serde(alias = "old_name")]
        new_name: u8,
        r#type: String,
        #[serde(default = "seven")]
        defaulted: u8,
    }
    fn seven() -> u8 {
        7
    }
    let writer = Writer {
        absent: None,
        old_name: 1,
        kind: "k".to_owned(),
        unknown: Named {
            first: vec![0; SPLICE_MINIMUM],
            second: None,
            third: shapes(),
        },
        never: 9,
        last: i128::MIN,
    };
    let reader = Reader {
        last: i128::MIN,
        absent: None,
        new_name: 1,
        r#type: "k".to_owned(),
        defaulted: 7,
    };
    check_as(&writer, &reader);

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "it cannot be made")]
    struct Strict {
        last: i128,
    }
    refuse::<Strict>(&writer, "unknown field `old_name`, expected `last`");
}

#[test]
fn other_representations() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(transparent)]
    struct Transparent {
        inner: Vec<u32>,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(into = "String", try_from = "String")]
    struct Even(u32);
    impl From<Even> for String {
        fn from(even: Even) -> String {
            even.0.to_string()
        }
    }
    impl TryFrom<String> for Even {
        type Error = String;

        fn try_from(text: String) -> Result<Even, String> {
            match text.parse() {
                Ok(number) if number % 2 == 0 => Ok(Even(number)),
                _ => Err(format!("{text} is not even")),
            }
        }
    }
    check(Transparent { inner: vec![1, 2] });
    check(Even(2));
    refuse::<Even>("3", "3 is not even");
}

#[test]
fn self_describing_values() {
    check(Value::Null);
    check(Some(Value::Null));
    check(json!({
        "number": 1, "negative": -1, "big": u64::MAX, "float": 1.5, "text": "x", "list": [[], {}],
        "nested": {"null": null, "bool": true}
    }));
    check_as(&vec![1_u8, 2], &json!([1, 2]));
    check_as(&vec![0.5_f64; 3], &json!([0.5, 0.5, 0.5]));
    check_as(&vec![7_u8; SPLICE_MINIMUM], &json!(vec![7; SPLICE_MINIMUM]));
    check_as(&nested(), &serde_json::to_value(nested()).unwrap());
    check_as(&json!({"a": 1}), &BTreeMap::from([("a".to_owned(), 1)]));
}

#[test]
fn what_is_lent_arrives_owned() {
    check_lent("text", &"text".to_owned());
    check_lent(&[1.0, f64::MAX][..], &vec![1.0, f64::MAX]);
    check_lent(&[1_u8, 2, 3][..], &vec![1_u8, 2, 3]);
    check_lent(&["a", "b"][..], &vec!["a".to_owned(), "b".to_owned()]);
    check_lent(Path::new("/a/b"), &PathBuf::from("/a/b"));
    check_lent(&nested(), &nested());
    check_lent(c"c", &c"c".to_owned());
    check_lent(&[&[1, 2][..], &[]][..], &vec![vec![1, 2], vec![]]);
    check_lent(std::ffi::OsStr::new("x"), &OsString::from("x"));
}

#[test]
fn numbers_of_every_kind_are_packed() {
    macro_rules! packed {
        ($($type:ident)*) => {$(
            for length in [0, 1, 2, 1000, SPLICE_MINIMUM] {
                let numbers: Vec<$type> = (0..length).map(|i| (i % 127) as $type).collect();
                check_lent(&numbers[..], &numbers);
                let mut out = Output::new(0);
                out.write(&numbers).unwrap();
                let length = size_of_val(&numbers[..]);
                if length >= SPLICE_MINIMUM {
                    assert_eq!(out.splices.len(), 1);
                    assert_eq!(out.head.len(), 3);
                } else {
                    assert!(out.splices.is_empty());
                    assert!(out.head.len() <= length + 6);
                }
                check(Newtype(Some(numbers)));
            }
        )*};
    }
    packed!(u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f32 f64);
}

#[test]
fn long_runs_leave_the_head_at_any_depth() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Blob {
        #[serde(with = "serde_bytes_like")]
        bytes: Vec<u8>,
        text: String,
        numbers: Vec<u16>,
        rest: Option<Box<Blob>>,
    }
    for length in [
        SPLICE_MINIMUM - 1,
        SPLICE_MINIMUM,
        SPLICE_MINIMUM + 1,
        3 * SPLICE_MINIMUM,
    ] {
        let blob = |rest| Blob {
            bytes: vec![1; length],
            text: "x".repeat(length),
            numbers: vec![2; length / 2],
            rest,
        };
        let outer = blob(Some(Box::new(blob(None))));
        let mut out = Output::new(0);
        out.write(&outer).unwrap();
        if length > SPLICE_MINIMUM {
            assert_eq!(out.splices.len(), 6);
            assert!(out.head.len() < 100);
        }
        check(vec![outer]);
        check(HashMap::from([("k".repeat(length), "v".repeat(length))]));
        check(Cow::<'static, str>::Owned("x".repeat(length)));
        check(json!({ "long": "x".repeat(length) }));
    }
}

#[test]
fn what_is_lent_is_not_copied() {
    let numbers = vec![1.5_f64; SPLICE_MINIMUM];
    let mut out = Output::new(0);
    out.write_borrowed(&numbers).unwrap();
    out.write_borrowed(&numbers[1..]).unwrap();
    for splice in &out.splices {
        assert!(matches!(splice, Cow::Borrowed(_)));
    }
}

/// As the crate `serde_bytes` does it.
mod serde_bytes_like {
    use super::*;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
        }

        deserializer.deserialize_byte_buf(Bytes)
    }
}

#[test]
fn a_sequence_of_bytes_can_be_read_as_bytes() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Bytes(#[serde(with = "serde_bytes_like")] Vec<u8>);

    for length in [0, 10, SPLICE_MINIMUM] {
        check_as(&vec![1_u8; length], &Bytes(vec![1; length]));
    }
    refuse::<Bytes>(&vec![1_u16], "invalid type: sequence, expected bytes");
}

#[test]
fn a_visitor_of_the_users_keeps_its_say() {
    #[derive(Debug, PartialEq)]
    struct Doubled(Vec<u8>);

    struct Doubling;

    impl<'de> Visitor<'de> for Doubling {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a list")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<u8>, A::Error> {
            let mut doubled = Vec::new();
            while let Some(number) = seq.next_element::<u8>()? {
                doubled.push(number * 2);
            }
            Ok(doubled)
        }
    }

    impl<'de> Deserialize<'de> for Doubled {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Doubled, D::Error> {
            deserializer.deserialize_seq(Doubling).map(Doubled)
        }
    }

    for length in [3, SPLICE_MINIMUM] {
        check_as(&vec![1_u8; length], &Doubled(vec![2; length]));
    }
}

#[test]
fn elements_of_the_users_keep_their_say() {
    #[derive(Debug, PartialEq)]
    struct Limited(u8);

    impl<'de> Deserialize<'de> for Limited {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Limited, D::Error> {
            match u8::deserialize(deserializer)? {
                number @ 0..=9 => Ok(Limited(number)),
                _ => Err(serde::de::Error::custom("out of range")),
            }
        }
    }

    check_as(&vec![9_u8], &vec![Limited(9)]);
    refuse::<Vec<Limited>>(&vec![10_u8], "out of range");
}

#[test]
fn a_wrong_type_is_an_error() {
    refuse::<Vec<u64>>("abc", "invalid type: string \"abc\", expected a sequence");
    refuse::<String>(&vec![97_u64], "invalid type: sequence, expected a string");
    refuse::<u8>(&256, "invalid value: integer `256`, expected u8");
    refuse::<u64>(&-1, "invalid value: integer `-1`, expected u64");
    refuse::<u32>(&'a', "invalid type: string \"a\", expected u32");
    refuse::<bool>(&1, "invalid type: integer `1`, expected a boolean");
    refuse::<()>(&false, "invalid type: boolean `false`, expected unit");
    refuse::<[u8; 2]>(&[1_u8; 3], "1 items more than were expected");
    refuse::<(u8, u8)>(&(1,), "invalid length 1, expected a tuple of size 2");
    refuse::<Vec<u8>>(
        &vec![1_u16, 256],
        "invalid value: integer `256`, expected u8",
    );
    refuse::<Shape>(
        &Ok::<u8, u8>(1),
        "unknown variant `Ok`, expected one of `Nothing`, `One`, `Two`, `Fields`, `Empty`, `None`",
    );
    refuse::<Pair>(
        &Unit,
        "invalid type: unit value, expected tuple struct Pair",
    );
    refuse::<Newtype<u8>>(&Some(1), "invalid type: Option value, expected u8");
    refuse::<Named<u8>>(&BTreeMap::<String, u8>::new(), "missing field `first`");
}

#[test]
fn what_is_left_over_is_an_error() {
    let mut out = Output::new(0);
    out.write(&1).unwrap();
    out.write("rest").unwrap();
    assert_eq!(
        decode::<u8>(&mut sent(out)).unwrap_err().to_string(),
        "6 bytes are left over: a `Deserialize` read less than its `Serialize` wrote"
    );
}

#[test]
fn arguments_are_read_in_the_order_they_were_written() {
    let long = vec![1_u8; SPLICE_MINIMUM];
    let mut out = Output::new(9);
    out.write_borrowed(&long).unwrap();
    out.write("x").unwrap();
    out.write_borrowed(&long[1..]).unwrap();
    out.write(&long).unwrap();
    let mut message = sent(out);
    assert_eq!(message.kind(), Some(9));
    let mut input = message.open();
    assert_eq!(input.read::<Vec<u8>>().unwrap(), long);
    assert_eq!(input.read::<String>().unwrap(), "x");
    assert_eq!(input.read::<Vec<u8>>().unwrap(), long[1..]);
    assert!(input.finish().is_err());
    assert_eq!(input.read::<Vec<u8>>().unwrap(), long);
    assert_eq!(input.finish(), Ok(()));
    assert!(input.read::<u8>().is_err());
}

#[test]
fn a_serialize_that_lies_about_its_length_is_found_out() {
    struct Liar {
        announced: Option<usize>,
        written: usize,
        shape: char,
    }
    impl Serialize for Liar {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.shape {
                's' => {
                    let mut seq = serializer.serialize_seq(self.announced)?;
                    (0..self.written).try_for_each(|item| seq.serialize_element(&item))?;
                    seq.end()
                }
                't' => {
                    let mut tuple = serializer.serialize_tuple(self.announced.unwrap())?;
                    (0..self.written).try_for_each(|item| tuple.serialize_element(&item))?;
                    tuple.end()
                }
                _ => {
                    let mut map = serializer.serialize_map(self.announced)?;
                    (0..self.written).try_for_each(|item| map.serialize_entry(&item, &item))?;
                    map.end()
                }
            }
        }
    }
    for shape in ['s', 't', 'm'] {
        for (announced, written) in [(0, 1), (1, 0), (2, 3), (usize::MAX, 2)] {
            let liar = Liar {
                announced: Some(announced),
                written,
                shape,
            };
            let error = read_as::<IgnoredAny>(&liar).unwrap_err();
            let told = format!("a `Serialize` announced {announced} items and wrote {written}");
            assert_eq!(error.to_string(), told);
        }
    }
    for written in [0, 1, 200, 20_000] {
        let silent = |shape| Liar {
            announced: None,
            written,
            shape,
        };
        check_as(&silent('s'), &(0..written).collect::<Vec<_>>());
        check_as(
            &silent('m'),
            &(0..written)
                .map(|item| (item, item))
                .collect::<BTreeMap<_, _>>(),
        );
    }
}

#[test]
fn a_serialize_that_fails_says_why() {
    struct Failing;
    impl Serialize for Failing {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("it is a secret"))
        }
    }
    refuse::<IgnoredAny>(&vec![Failing], "it is a secret");
    refuse::<IgnoredAny>(
        &PathBuf::from(os_string_that_is_no_text()),
        "path contains invalid UTF-8 characters",
    );
}

#[test]
fn random_values_arrive() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for _ in 0..2_000 {
        check(random.value(0));
    }
}

impl Random {
    /// Any byte, more often one that begins a value.
    fn byte(&mut self) -> u8 {
        const TAGS: [u8; 16] = [
            0x00, 0x03, 0x04, 0x05, 0x07, 0x13, 0x20, 0x21, 0x30, 0x31, 0x32, 0x33, 0x34, 0x40,
            0x41, 0x81,
        ];
        let any = self.next().to_le_bytes()[7];
        if any < 0x80 {
            TAGS[usize::from(any) % TAGS.len()]
        } else {
            self.next().to_le_bytes()[6]
        }
    }

    fn value(&mut self, depth: u64) -> Value {
        match self.below(if depth > 4 { 6 } else { 8 }) {
            0 => Value::Null,
            1 => json!(self.next() >> self.below(64)),
            2 => json!(-self.next().cast_signed().saturating_abs() >> self.below(63)),
            3 => json!(f64::from(self.next().to_le_bytes()[7]) / 3.0),
            4 => json!(self.below(2) == 0),
            5 => self.text().into(),
            6 => (0..self.below(6)).map(|_| self.value(depth + 1)).collect(),
            _ => (0..self.below(6))
                .map(|_| (self.text(), self.value(depth + 1)))
                .collect::<serde_json::Map<_, _>>()
                .into(),
        }
    }

    fn text(&mut self) -> String {
        (0..self.below(20))
            .filter_map(|_| char::from_u32(u32::try_from(self.below(0x500)).ok()?))
            .collect()
    }
}
