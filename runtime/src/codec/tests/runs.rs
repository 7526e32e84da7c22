//! Items that are nothing but numbers are written without tags, and no reader notices.

use std::cell::Cell;
use std::num::{NonZeroU8, NonZeroU32};

use super::*;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Point {
    x: f32,
    y: f32,
    z: f32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Step {
    #[serde(rename = "type")]
    kind: u8,
    from: Point,
    turn: Newtype<[i16; 3]>,
    to: (Point, bool, char),
    count: NonZeroU32,
    wide: (u128, i128),
    time: Duration,
}

fn point(number: u16) -> Point {
    Point {
        x: number.into(),
        y: 0.5,
        z: -f32::from(number),
    }
}

fn step(number: u16) -> Step {
    Step {
        kind: number.to_le_bytes()[0],
        from: point(number),
        turn: Newtype([-1, 0, number.cast_signed()]),
        to: (point(number + 1), number.is_multiple_of(2), '€'),
        count: NonZeroU32::new(u32::from(number) + 1).unwrap(),
        wide: (u128::MAX - u128::from(number), i128::MIN),
        time: Duration::new(number.into(), 7),
    }
}

fn head(value: &impl Serialize) -> Vec<u8> {
    let mut out = Output::new(0);
    out.write(value).unwrap();
    out.head
}

/// That there are any, and how long they are.
#[test]
fn numbers_take_the_bytes_that_they_have_in_memory() {
    let overhead = |value: Vec<u8>, width: usize| value.len().checked_sub(1000 * width).unwrap();
    let points: Vec<_> = (0..1000).map(point).collect();
    assert!(overhead(head(&points), 12) < 60);
    assert!(overhead(head(&vec![(1.5_f64, true, 'x', 1_u8); 1000]), 14) < 60);
    assert!(overhead(head(&vec![[[1_i32; 3]; 3]; 1000]), 36) < 60);
    assert!(overhead(head(&vec![Newtype(Newtype(u64::MAX)); 1000]), 8) < 60);
    assert!(overhead(head(&vec![[7_u8; 32]; 1000]), 32) < 60);
    assert!(overhead(head(&vec![([0.5_f32; 15], 'x'); 1000]), 64) < 60);
    assert!(overhead(head(&VecDeque::from(vec![false; 1000])), 1) < 60);
}

#[test]
fn as_many_as_there_are() {
    for length in (0..40).chain([341, 342, 343, 682, 683, 684, 2000]) {
        check((0..length).map(point).collect::<Vec<_>>());
        check((0..length).map(step).collect::<VecDeque<_>>());
        check((0..length).map(|it| (it, 'x')).collect::<BTreeSet<_>>());
        let inner: Vec<_> = (0..length).map(|it| [it; 2]).collect();
        check(vec![Some((inner, point(length))); 3]);
    }
}

#[test]
fn numbers_of_all_kinds() {
    macro_rules! numbers {
        ($($type:ident)*) => {$(
            let few = [$type::MIN, 0 as $type, 1 as $type, $type::MAX];
            let many = || few.iter().cycle().copied().take(50);
            check(many().map(|it| (it, [it; 2])).collect::<Vec<_>>());
            check(many().map(Newtype).collect::<Vec<_>>());
        )*};
    }
    numbers!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 f64);
    let nan = [(f64::from_bits(0x7ff8_dead_beef_0001), f32::NAN); 20];
    let read: Vec<(f64, f32)> = read_as(&nan.to_vec()).unwrap();
    let bits = |it: &(f64, f32)| (it.0.to_bits(), it.1.to_bits());
    assert!(read.iter().all(|it| bits(it) == bits(&nan[0])));
}

/// They are copied at once if they are a slice, and no reader can tell.
#[test]
fn arrays_of_numbers() {
    macro_rules! arrays {
        ($($length:literal)*) => {$(
            for count in [0, 1, 15, 16, 17, 300, 6_000] {
                let floats: Vec<_> = (0..count).map(|it: u16| [f32::from(it); $length]).collect();
                check_as(&floats, &floats.iter().map(|it| it.to_vec()).collect::<Vec<_>>());
                check_as(&&*floats, &floats);
                check_as(&floats.iter().copied().collect::<VecDeque<_>>(), &floats);
                check(floats);
                check((0..count).map(|it| [usize::from(it); $length]).collect::<Vec<_>>());
            }
        )*};
    }
    arrays!(1 2 3 4 15 16 31 32);
    let floats: Vec<_> = (0..100_u8).map(|it| [f32::from(it), 0.5, -1.5]).collect();
    check_as(&floats, &serde_json::to_value(&floats).unwrap());
    check_as(
        &floats,
        &floats
            .iter()
            .map(|&[x, y, z]| (x, y, z))
            .collect::<Vec<_>>(),
    );
    refuse::<Vec<[f32; 2]>>(&floats, "1 items more than were expected");
    refuse::<Vec<[f32; 4]>>(&floats, "invalid length 3, expected an array of length 4");
    refuse::<Vec<[u32; 3]>>(&floats, "invalid type: floating point `0.0`, expected u32");
}

/// At each place, the item there is of another shape.
#[test]
fn items_of_another_shape_end_a_run() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Sparse {
        #[serde(skip_serializing_if = "Option::is_none", default)]
        first: Option<u8>,
        inner: Inner,
        #[serde(skip_serializing_if = "is_zero", default)]
        y: u32,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Inner {
        x: u32,
        #[serde(skip_serializing_if = "is_zero", default)]
        y: u32,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Mixed {
        Pair(u8, f32),
        Triple(u8, f32, bool),
        Named { a: u8 },
        Text(String),
        Nothing,
        More(Vec<Mixed>),
    }
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it")]
    fn is_zero(number: &u32) -> bool {
        *number == 0
    }
    let sparse = |first, x, inner_y, y| Sparse {
        first,
        inner: Inner { x, y: inner_y },
        y,
    };
    let others = [
        sparse(Some(1), 1, 2, 3),
        sparse(None, 1, 0, 3),
        sparse(None, 1, 2, 0),
        sparse(None, 1, 0, 0),
    ];
    for usual in [sparse(None, 1, 2, 3), sparse(None, 1, 2, 0)] {
        for other in &others {
            for place in 0..25 {
                let mut items = vec![usual.clone(); 25];
                items[place] = other.clone();
                check(items);
            }
        }
    }
    let others = [
        Mixed::Triple(1, 1.0, true),
        Mixed::Named { a: 1 },
        Mixed::Text("x".to_owned()),
        Mixed::Nothing,
        Mixed::More(vec![Mixed::Pair(2, 2.0); 20]),
    ];
    for other in others {
        for place in 0..25 {
            let mut items = vec![Mixed::Pair(0, 0.5); 25];
            items[place] = other.clone();
            check(items);
        }
    }
}

#[test]
fn what_asks_for_anything_gets_names_and_numbers() {
    let steps: Vec<_> = (0..20)
        .map(|number| (point(number), Newtype(number), 'c', true))
        .collect();
    check_as(&steps, &serde_json::to_value(&steps).unwrap());
    read_as::<IgnoredAny>(&steps).unwrap();
    check_as(&vec![(1_u8, -1_i16); 20], &vec![(Some(1_u64), -1_i128); 20]);
    check_as(&vec![[1_u64; 2]; 20], &vec![vec![1_i8; 2]; 20]);
    check_as(
        &vec![point(1); 20],
        &vec![
            BTreeMap::from([("x", 1.0), ("y", 0.5), ("z", -1.0)].map(|(k, v)| (k.to_owned(), v)));
            20
        ],
    );
}

/// Which values are whose is told by the names alone.
#[test]
fn readers_may_have_other_fields() {
    #[derive(Debug, Clone, PartialEq, Deserialize)]
    struct Turned {
        z: f32,
        x: f32,
        y: f32,
    }
    #[derive(Debug, Clone, PartialEq, Deserialize)]
    struct Less {
        y: f64,
    }
    #[derive(Debug, Clone, PartialEq, Deserialize)]
    struct More {
        x: f32,
        y: f32,
        z: f32,
        #[serde(default)]
        w: f32,
    }
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "it cannot be made")]
    struct Missing {
        x: f32,
        w: f32,
    }
    #[derive(Debug, Clone, PartialEq, Deserialize)]
    struct Skipping {
        x: f32,
        #[serde(skip)]
        between: u8,
        y: f32,
        z: f32,
    }
    let points = vec![point(1); 20];
    let (x, y, z) = (1.0, 0.5, -1.0);
    check_as(&points, &vec![Turned { z, x, y }; 20]);
    check_as(&points, &vec![Less { y: 0.5 }; 20]);
    check_as(&points, &vec![More { x, y, z, w: 0.0 }; 20]);
    check_as(
        &points,
        &vec![
            Skipping {
                x,
                between: 0,
                y,
                z
            };
            20
        ],
    );
    refuse::<Vec<Missing>>(&points, "missing field `w`");
    refuse::<Vec<(f32, f32)>>(&points, "invalid type: map, expected a tuple of size 2");
    refuse::<Vec<(u8, u8)>>(
        &vec![(1_u16, 256_u16); 20],
        "invalid value: integer `256`, expected u8",
    );
    refuse::<Vec<(u8,)>>(&vec![(1_u8, 2_u8); 20], "1 items more than were expected");
    refuse::<Vec<(u8, u8)>>(
        &vec![[1_u8]; 20],
        "invalid length 1, expected a tuple of size 2",
    );
    refuse::<Vec<Newtype<String>>>(
        &vec![Newtype(1_u8); 20],
        "invalid type: integer `1`, expected a string",
    );
}

/// It is written twice, and is there once.
#[test]
fn the_first_item_leaves_nothing_behind() {
    let points = vec![point(1); 20];
    let steps = vec![step(2); 20];
    check((points.clone(), point(3), steps.clone()));
    check((steps.clone(), point(3), points.clone()));
    check((vec![points.clone(), points.clone()], steps, step(2)));
    check((vec![point(4); 3], points, point(5)));
}

/// What asks for another thing than a sequence of as many, too.
#[test]
fn a_sequence_that_is_a_run_is_a_sequence() {
    struct Three;
    impl<'de> Visitor<'de> for Three {
        type Value = Vec<Point>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("some points")
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(
            self,
            mut seq: A,
        ) -> Result<Self::Value, A::Error> {
            let point = std::iter::from_fn(|| seq.next_element().transpose());
            point.take(3).collect()
        }
    }
    #[derive(Debug)]
    struct Few;
    impl<'de> Deserialize<'de> for Few {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Few, D::Error> {
            deserializer.deserialize_seq(Three).map(|_| Few)
        }
    }
    #[derive(Debug)]
    struct Never;
    impl<'de> Visitor<'de> for Never {
        type Value = Never;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("nothing")
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Never, A::Error> {
            let hint = seq.size_hint();
            let first = seq.next_element::<Point>()?;
            let text = format!("{hint:?} and {:?}", first.map(|it| it.y));
            Err(serde::de::Error::custom(text))
        }
    }
    impl<'de> Deserialize<'de> for Never {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Never, D::Error> {
            deserializer.deserialize_seq(Never)
        }
    }
    let points = vec![point(1); 20];
    check_as(&points, &[(); 20].map(|()| point(1)));
    check_as(&points, &VecDeque::from(points.clone()));
    read_as::<IgnoredAny>(&(points.clone(), points.clone())).unwrap();
    refuse::<Few>(&points, "17 items more than were expected");
    refuse::<Never>(&points, "Some(20) and Some(0.5)");
    refuse::<[Point; 19]>(&points, "1 items more than were expected");
    refuse::<[Point; 21]>(&points, "invalid length 20, expected an array of length 21");
}

/// Who passes over what was refused gets what comes next, and not what is left of it.
#[test]
fn what_is_refused_may_be_passed_over() {
    #[derive(Debug, PartialEq)]
    struct Passing(Option<u8>, Option<u8>);
    impl<'de> Visitor<'de> for Passing {
        type Value = Passing;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("two numbers")
        }

        fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Passing, A::Error> {
            let first = seq.next_element().unwrap_or_default();
            Ok(Passing(first, seq.next_element().unwrap_or_default()))
        }
    }
    impl<'de> Deserialize<'de> for Passing {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Passing, D::Error> {
            deserializer.deserialize_tuple(2, Passing(None, None))
        }
    }
    let items: Vec<_> = (0..20_u8).map(|it| (300 + u16::from(it), it)).collect();
    let passing: Vec<_> = (0..20).map(|it| Passing(None, Some(it))).collect();
    check_as(&items, &passing);

    struct Insisting(bool);
    impl Serialize for Insisting {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeTuple;
            let mut tuple = serializer.serialize_tuple(2)?;
            if self.0 {
                let _ = tuple.serialize_element(&7_u8);
            } else {
                let _ = tuple.serialize_element(&[7_u16]);
            }
            tuple.serialize_element(&8_u8)?;
            tuple.end()
        }
    }
    let mixed: Vec<_> = (0..40).map(|it| Insisting(it != 20)).collect();
    let value: Vec<Value> = read_as(&mixed).unwrap();
    let expected = |it| {
        if it == 20 {
            serde_json::json!([[7], 8])
        } else {
            serde_json::json!([7, 8])
        }
    };
    assert_eq!(value, (0..40).map(expected).collect::<Vec<_>>());
}

/// More structs in an item than it is remembered of who asks for them.
#[test]
fn items_of_many_structs() {
    #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
    struct One<T> {
        of: T,
    }
    let one = |of: u8| One {
        of: One { of: One { of } },
    };
    check(vec![(one(1), one(2), one(3), one(4)); 20]);
    check(vec![[(one(1), One { of: point(7) }); 2]; 20]);
}

/// Some visitors know names and no places, and others check what they are given.
#[test]
fn visitors_of_the_users_keep_their_say() {
    #[derive(Debug, Clone, PartialEq, Serialize)]
    struct Even {
        half: u8,
    }
    struct OnlyNames;
    impl<'de> Visitor<'de> for OnlyNames {
        type Value = Even;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a half")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Even, A::Error> {
            let mut half = 0;
            while let Some((name, number)) = map.next_entry::<String, u8>()? {
                assert_eq!(name, "half");
                half = number;
            }
            match half {
                0..=9 => Ok(Even { half }),
                _ => Err(serde::de::Error::custom("out of range")),
            }
        }
    }
    impl<'de> Deserialize<'de> for Even {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Even, D::Error> {
            deserializer.deserialize_struct("Even", &["half"], OnlyNames)
        }
    }
    let mut evens: Vec<_> = (0..30).map(|number| Even { half: number % 10 }).collect();
    check(evens.clone());
    check(
        evens
            .iter()
            .map(|even| (even.clone(), point(1)))
            .collect::<Vec<_>>(),
    );
    evens[20].half = 10;
    refuse::<Vec<Even>>(&evens, "out of range");
}

/// Though those before it were read without words.
#[test]
fn an_item_that_is_refused_is_refused_in_words() {
    let mut items = vec![(1_u8, 2_u32); 30];
    check_as(&items, &vec![(NonZeroU8::MIN, 2_u32); 30]);
    items[20].0 = 0;
    refuse::<Vec<(NonZeroU8, u32)>>(&items, "invalid value: integer `0`, expected a nonzero u8");
    let mut texts = vec![('x', true); 30];
    texts[7].0 = 'é';
    check(texts);
}

/// A reader may ask for something else each time.
#[test]
fn a_reader_that_changes_its_mind_gets_what_it_asks_for() {
    #[derive(Debug, Clone, PartialEq)]
    struct Fickle(u64);
    impl<'de> Deserialize<'de> for Fickle {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fickle, D::Error> {
            thread_local!(static TURN: Cell<u32> = const { Cell::new(0) });
            let turn = TURN.replace(TURN.get() + 1);
            if turn.is_multiple_of(3) {
                return u64::deserialize(deserializer).map(Fickle);
            }
            u16::deserialize(deserializer).map(|it| Fickle(it.into()))
        }
    }
    let items: Vec<_> = (0..100_u64).map(|it| (it, it)).collect();
    let read: Vec<_> = items.iter().map(|(a, b)| (Fickle(*a), *b)).collect();
    check_as(&items, &read);
}

/// Which names they are is told by what they say.
#[test]
fn the_same_names_may_lie_in_several_places() {
    static NAMES: [&str; 2] = ["xyxxy", "yxyy"];
    struct Placed<'a>(u16, &'a [usize; 2]);
    impl Serialize for Placed<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeStruct;
            let [x, y] = *self.1;
            let mut fields = serializer.serialize_struct("Placed", 2)?;
            fields.serialize_field(&NAMES[0][x..=x], &self.0)?;
            fields.serialize_field(&NAMES[1][y..=y], &[self.0])?;
            fields.end()
        }
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Read {
        x: u16,
        y: [u16; 1],
    }
    let expected: Vec<_> = (0..1000).map(|x| Read { x, y: [x] }).collect();
    let everywhere = [[0, 0], [2, 2], [3, 3], [0, 2]];
    for after in [0, 1, 2, 20, 999] {
        let placed = |at: u16| match at < after {
            true => Placed(at, &everywhere[0]),
            false => Placed(at, &everywhere[usize::from(at) % 4]),
        };
        let items: Vec<_> = (0..1000).map(placed).collect();
        check_as(&items, &expected);
        // All of it is one run.
        assert_eq!(head(&items), head(&expected));
    }
    // One has other names.
    let mut items: Vec<_> = (0..1000).map(|at| Placed(at, &everywhere[0])).collect();
    items[500].1 = &[1, 1];
    let read: Vec<BTreeMap<String, Value>> = read_as(&items).unwrap();
    for (at, item) in read.iter().enumerate() {
        let (x, y) = if at == 500 { ("y", "x") } else { ("x", "y") };
        assert_eq!(
            (&item[x], &item[y]),
            (&serde_json::json!(at), &serde_json::json!([at]))
        );
    }
}

/// Also behind others that are a run.
#[test]
fn an_item_that_fails_says_why() {
    struct Failing(u8);
    impl Serialize for Failing {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            match self.0 {
                0..20 => serializer.serialize_u8(self.0),
                _ => Err(serde::ser::Error::custom("it is a secret")),
            }
        }
    }
    let items: Vec<_> = (0..30).map(Failing).collect();
    refuse::<IgnoredAny>(&items, "it is a secret");
    check_as(&items[..20], &(0..20).collect::<Vec<u8>>());
}

#[test]
fn damaged_runs_do_no_damage() {
    let steps: Vec<_> = (0..20).map(step).collect();
    let good = head(&steps);
    let message = |head: &[u8]| Message {
        head: head.to_vec(),
        ..Message::default()
    };
    assert_eq!(decode(&mut message(&good)), Ok(steps));
    let survives = |head: &[u8]| {
        let _ = decode::<Vec<Step>>(&mut message(head));
        let _ = decode::<IgnoredAny>(&mut message(head));
        let _ = decode::<Value>(&mut message(head));
        let _ = decode::<Vec<Vec<u64>>>(&mut message(head));
    };
    for length in (0..good.len()).step_by(3) {
        assert!(decode::<Vec<Step>>(&mut message(&good[..length])).is_err());
        survives(&good[..length]);
    }
    // The shape, and some items.
    for place in 1..300 {
        for bit in 0..8 {
            let mut damaged = good.clone();
            damaged[place] ^= 1 << bit;
            survives(&damaged);
        }
        for byte in [
            0, 0x10, 0x11, 0x20, 0x21, 0x22, 0x23, 0x30, 0x35, 0x36, 0x37, 0x41, 0xff,
        ] {
            let mut damaged = good.clone();
            damaged[place] = byte;
            survives(&damaged);
        }
    }
}

/// Made up, none of them an announcement that is believed.
#[test]
fn runs_that_cannot_be_are_errors() {
    use crate::codec::tag;
    #[track_caller]
    fn refuse(count: u64, shape: &[u8], bytes: &[u8], reason: &str) {
        let count = count.to_le_bytes();
        for seq in [tag::SEQ, tag::SEQ_OF_RUN] {
            let head = [&[0, seq, 3, tag::RUN][..], &count, shape, bytes].concat();
            let mut message = Message {
                head,
                ..Message::default()
            };
            let error = decode::<Vec<IgnoredAny>>(&mut message).unwrap_err();
            let error = error.to_string();
            let is_short = seq == tag::SEQ_OF_RUN && error.contains("a run of fewer items");
            assert!(error.contains(reason) || is_short, "{error}");
        }
    }
    let (length, shape) = ("a run of no length that can be", "of a shape that none has");
    let early = "ends too early";
    refuse(4, &[0], &[1; 9], length);
    refuse(u64::MAX, &[0], &[1; 9], length);
    refuse(3, &[0x20, 0x40, 0x23], &[1; 9], length);
    refuse(3, &[0x21, 0x23], &[1; 9], length);
    refuse(3, &[4], &[1; 9], early);
    refuse(2, &[0], &[1; 2], early);
    refuse(3, &[0x10], &[1, 0, 2], "neither");
    refuse(1, &[0x11], &[0xff; 4], "no such character");
    refuse(3, &[0x22], &[1; 9], shape);
    refuse(3, &[0x23], &[1; 9], shape);
    refuse(3, &[0x0e], &[1; 9], shape);
    refuse(3, &[0x20, 0x42, 0, 0x23], &[1; 9], shape);
    refuse(3, &[0x20, 0x41, 0, 0], &[1; 9], shape);
    refuse(3, &[0x20, 1, 0, 0x23], &[1; 9], shape);
    refuse(3, &[0x20, 0x80, 0, 0x23], &[1; 9], shape);
    refuse(3, &[0x21, 0], &[1; 9], shape);
    refuse(3, &[0x21, 0x22, 9], &[1; 9], "a name that was never given");
    refuse(3, &[0x20, 0x41].repeat(40), &[1; 9], shape);
    refuse(3, &[], &[], early);
    refuse(0, &[0], &[], early);
}

/// Beside the head, from where it is sent without another copy.
#[test]
fn a_long_run_is_a_splice() {
    let points: Vec<_> = (0..10_000).map(point).collect();
    let mut out = Output::new(0);
    out.write(&points).unwrap();
    assert!(out.head.len() < 100);
    let lengths: Vec<_> = out.splices.iter().map(|it| it.len()).collect();
    assert_eq!(lengths, [10_000 * 12]);
    check(points.clone());
    check_as(&points, &serde_json::to_value(&points).unwrap());
    read_as::<IgnoredAny>(&points).unwrap();
    let text = "x".repeat(SPLICE_MINIMUM);
    let bytes = vec![7_u8; SPLICE_MINIMUM];
    check((points.clone(), text, points.clone(), bytes, points));
    // About as long as the shortest.
    for length in 5_455..5_470 {
        check((0..length).map(point).collect::<Vec<_>>());
    }
}

#[test]
fn an_item_of_another_shape_ends_a_long_run() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Mixed {
        Pair(u8, f64),
        Text(String),
    }
    for place in [0, 1, 100, 7_000, 7_500, 9_999] {
        let mut items = vec![Mixed::Pair(1, 0.5); 10_000];
        items[place] = Mixed::Text("x".to_owned());
        check((items.clone(), 1_u8, items));
    }
}

#[test]
fn damaged_long_runs_do_no_damage() {
    let points: Vec<_> = (0..10_000).map(point).collect();
    let mut out = Output::new(0);
    out.write(&points).unwrap();
    let good = sent(out);
    let message = |head: &[u8], splices: &[Vec<u8>]| Message {
        head: head.to_vec(),
        splices: splices.to_vec(),
        ..Message::default()
    };
    let read = |head: &[u8], splices: &[Vec<u8>]| decode::<Vec<Point>>(&mut message(head, splices));
    assert_eq!(read(&good.head, &good.splices).as_ref(), Ok(&points));
    let bytes = &good.splices[0];
    let longer = [&bytes[..], &[0; 12]].concat();
    for splices in [
        vec![],
        vec![Vec::new()],
        vec![bytes[..bytes.len() - 12].to_vec()],
        vec![bytes[1..].to_vec()],
        vec![longer],
        vec![bytes.clone(), bytes.clone()],
    ] {
        assert!(read(&good.head, &splices).is_err());
    }
    for place in 1..good.head.len() {
        for bit in 0..8 {
            let mut damaged = good.head.clone();
            damaged[place] ^= 1 << bit;
            let _ = read(&damaged, &good.splices);
            let _ = decode::<IgnoredAny>(&mut message(&damaged, &good.splices));
        }
    }
    // More items than there are bytes in all.
    let many = [0, crate::codec::tag::SEQ, 0xff, 0xff, 0xff, 0x7f];
    assert!(read(&many, &good.splices).is_err());
}

/// Those that are copied at once.
#[test]
fn damaged_arrays_do_no_damage() {
    for count in [100, 6_000_u16] {
        let arrays: Vec<_> = (0..count).map(|it| [f32::from(it); 3]).collect();
        let mut out = Output::new(0);
        out.write(&arrays).unwrap();
        let good = sent(out);
        let read = |head: &[u8], splices: &[Vec<u8>]| {
            decode::<Vec<[f32; 3]>>(&mut Message {
                head: head.to_vec(),
                splices: splices.to_vec(),
                ..Message::default()
            })
        };
        assert_eq!(read(&good.head, &good.splices), Ok(arrays));
        for place in 1..good.head.len().min(40) {
            for bit in 0..8 {
                let mut damaged = good.head.clone();
                damaged[place] ^= 1 << bit;
                let _ = read(&damaged, &good.splices);
            }
        }
        for end in 1..good.head.len() {
            assert!(read(&good.head[..end], &good.splices).is_err());
        }
        for splice in &good.splices {
            assert!(read(&good.head, &[splice[1..].to_vec()]).is_err());
        }
    }
}
