//! Values that are nested deeply are errors before they are the end of the stack.

use super::*;
use crate::codec::depth::DEEPEST;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Node(Option<Box<Node>>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum List {
    Nil,
    Cons(u8, Box<List>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Tree {
    Leaf(u64),
    Inner { more: Vec<Tree>, text: String },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Wide {
    texts: [Option<String>; 3],
    number: u128,
    map: BTreeMap<String, Wide>,
    next: Option<Box<Wide>>,
}

fn node(depth: usize) -> Node {
    (0..depth).fold(Node(None), |inner, _| Node(Some(Box::new(inner))))
}

fn list(depth: usize) -> List {
    (0..depth).fold(List::Nil, |inner, _| List::Cons(1, Box::new(inner)))
}

fn tree(depth: usize) -> Tree {
    (0..depth).fold(Tree::Leaf(1), |inner, _| Tree::Inner {
        more: vec![inner],
        text: "x".to_owned(),
    })
}

fn wide(depth: usize) -> Wide {
    let wide = |next| Wide {
        texts: [None, Some("x".to_owned()), None],
        number: u128::MAX,
        map: BTreeMap::new(),
        next,
    };
    (0..depth).fold(wide(None), |inner, _| wide(Some(Box::new(inner))))
}

fn wide_map(depth: usize) -> Wide {
    let wide = |map| Wide {
        texts: [None, None, None],
        number: 0,
        map,
        next: None,
    };
    (0..depth).fold(wide(BTreeMap::new()), |inner, _| {
        wide(BTreeMap::from([("key".to_owned(), inner)]))
    })
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Fat {
    a: (String, u64, f32),
    b: Option<String>,
    c: Vec<u8>,
    d: BTreeMap<u8, u8>,
    e: [u64; 8],
    f: Duration,
    g: PathBuf,
    h: Result<u8, String>,
    i: Vec<Shape>,
    j: Option<IpAddr>,
    k: char,
    l: Box<[String]>,
    next: Vec<Fat>,
}

fn fat(depth: usize) -> Fat {
    let fat = |next| Fat {
        a: (String::new(), 1, 1.0),
        b: None,
        c: vec![1],
        d: BTreeMap::new(),
        e: [1; 8],
        f: Duration::ZERO,
        g: PathBuf::new(),
        h: Ok(1),
        i: shapes(),
        j: None,
        k: 'k',
        l: Box::default(),
        next,
    };
    (0..depth).fold(fat(vec![]), |inner, _| fat(vec![inner]))
}

fn json(depth: usize) -> Value {
    (0..depth).fold(Value::Null, |inner, _| match inner {
        Value::Array(_) => json!({ "key": inner }),
        _ => Value::Array(vec![inner]),
    })
}

/// The deepest value of such a kind that can be written, and one level more.
fn deepest<T: Serialize>(make: fn(usize) -> T) -> usize {
    let is_fine = |depth: &usize| Output::new(0).write(&make(*depth)).is_ok();
    (1..).take_while(is_fine).last().unwrap()
}

/// What can be written can be read; says how deep that was.
fn check_deepest<T>(make: fn(usize) -> T) -> usize
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let depth = deepest(make);
    let refusal = "a value is nested more than 128 levels deep: send it in another form, for \
                   example as a list";
    let error = Output::new(0).write(&make(depth + 1)).unwrap_err();
    assert_eq!(error.to_string(), refusal);
    check(make(depth));
    depth
}

/// Half of what threads of std have. An overflow ends the tests.
#[test]
fn the_deepest_values_fit_into_half_a_stack() {
    let work = || {
        assert_eq!(check_deepest(list), 128);
        assert_eq!(check_deepest(json), 128);
        // Each is an option in a newtype.
        assert_eq!(check_deepest(node), 255);
        // A list in a struct.
        assert_eq!(check_deepest(tree), 64);
        assert!(check_deepest(wide) > 64);
        assert!(check_deepest(wide_map) > 60);
        assert!(check_deepest(fat) > 60);
    };
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(work);
    thread.unwrap().join().unwrap();
}

/// A message of so many levels that was not written by us.
fn forged(levels: usize, one: &[u8], last: &[u8]) -> Message {
    let mut head = vec![0];
    head.extend(one.repeat(levels));
    head.extend(last);
    Message {
        head,
        ..Message::default()
    }
}

#[test]
fn messages_that_are_nested_deeper_are_errors() {
    use crate::codec::tag;
    #[track_caller]
    fn refuse<T: DeserializeOwned + Debug>(one: &[u8], last: &[u8]) {
        for levels in [DEEPEST as usize * 4 + 1, 100_000] {
            let error = decode::<T>(&mut forged(levels, one, last)).unwrap_err();
            assert!(error.to_string().contains("levels deep"), "{error}");
        }
    }
    let name = [&[tag::STRUCT, 1, 1], &b"k"[..]].concat();
    let variant = [&[tag::VARIANT, 1, 1], &b"k"[..]].concat();
    for one in [
        &[tag::SOME][..],
        &[tag::SEQ, 1],
        &[tag::MAP, 1, tag::UNIT],
        &name,
        &variant,
    ] {
        refuse::<IgnoredAny>(one, &[tag::UNIT]);
    }
    refuse::<Value>(&[tag::SEQ, 1], &[tag::UNIT]);
    refuse::<Value>(&[tag::MAP, 1, tag::STR, 0], &[tag::UNIT]);
    refuse::<Node>(&[tag::SOME], &[tag::NONE]);
    refuse::<Tree>(&[tag::SEQ, 1], &[tag::UNIT]);
}

/// Such a type reads itself out of anything, without an end.
#[test]
fn options_and_newtypes_of_themselves_are_errors() {
    let reason = "levels deep";
    let error = read_as::<Node>(&5).unwrap_err().to_string();
    assert!(error.contains(reason), "{error}");
    let error = read_as::<Vec<Node>>(&vec![5_u8]).unwrap_err().to_string();
    assert!(error.contains(reason), "{error}");
    let error = read_as::<Node>("text").unwrap_err().to_string();
    assert!(error.contains(reason), "{error}");
}

/// A value after one that was given up half-way begins anew.
#[test]
fn each_value_has_all_levels() {
    let mut out = Output::new(0);
    assert!(out.write(&list(200)).is_err());
    assert!(out.write(&list(128)).is_ok());
    struct Given(u8);
    impl<'de> Deserialize<'de> for Given {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Given, D::Error> {
            Ok(Given(u8::from(List::deserialize(deserializer).is_err())))
        }
    }
    let mut out = Output::new(0);
    out.write(&7).unwrap();
    out.write(&list(128)).unwrap();
    let mut message = sent(out);
    let mut input = message.open();
    assert_eq!(input.read::<Given>().unwrap().0, 1);
    assert_eq!(input.read::<List>(), Ok(list(128)));
}
