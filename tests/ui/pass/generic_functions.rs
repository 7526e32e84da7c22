#![deny(warnings)]

use std::any::type_name;
use std::collections::BTreeMap;
use std::iter::Sum;

use multiproc::{Call, ErrorKind, Process, worker};
use serde::{Serialize, de::DeserializeOwned};

#[worker]
fn sum<T: Copy + Sum<T>>(numbers: &[T]) -> T {
    numbers.iter().copied().sum()
}

#[worker]
fn largest<T: Ord + Clone, const N: usize>(values: [T; N]) -> Option<T>
where
    T: Send,
{
    values.iter().max().cloned()
}

// Not every array of any length can be written by serde; a `Vec` can.
#[worker]
fn rows<const WIDTH: usize>(numbers: &[u8]) -> Vec<Vec<u8>> {
    numbers.chunks(WIDTH).map(<[u8]>::to_vec).collect()
}

#[worker]
fn flags<const YES: bool, const LETTER: char>() -> String {
    format!("{YES} {LETTER}")
}

// Parameters that are in no argument and in no result.
#[worker]
fn name<T: ?Sized>() -> String {
    type_name::<T>().to_owned()
}

#[worker]
fn count<K: Ord, V>(map: BTreeMap<K, Vec<V>>, (_, more): (K, V), times: u8) -> Vec<(K, usize)> {
    let _ = more;
    let counts = map.into_iter();
    counts
        .map(|(key, values)| (key, values.len() * usize::from(times)))
        .collect()
}

#[worker]
fn exit<T: Into<i32>>(code: T) -> ! {
    std::process::exit(code.into())
}

#[worker]
fn nothing<T>(_: T) {}

mod outer {
    pub(crate) mod inner {
        use multiproc::worker;

        #[worker]
        pub(crate) fn twice<T: Clone>(value: T) -> (T, T) {
            (value.clone(), value)
        }

        // It starts itself, with other types.
        #[worker]
        pub(super) fn depth<T>(value: T) -> usize {
            drop(value);
            match size_of::<T>() {
                0..=2 => 1 + depth::run(0_u32).unwrap(),
                3..=4 => 1 + depth::run(String::new()).unwrap(),
                _ => 1,
            }
        }
    }

    pub(crate) fn depth() -> usize {
        inner::depth::run(0_u16).unwrap()
    }
}

fn in_generics<T: Serialize + DeserializeOwned + Clone + 'static>(value: T) -> (T, T) {
    #[worker]
    fn local<U: Default>() -> U {
        U::default()
    }

    assert_eq!(local::run::<u8>().unwrap(), 0);
    outer::inner::twice::run(value).unwrap()
}

#[test]
fn it_runs() {
    // Each instance is a worker of its own.
    assert_eq!(sum::run(&[1_u8, 2]).unwrap(), 3);
    assert_eq!(sum::run(&[1.5, 2.0]).unwrap(), 3.5);
    assert_eq!(sum::run::<i64>(&[-1, -2]).unwrap(), -3);
    assert_eq!(sum(&[1_u8, 2]), 3);
    let processes: [Process<u64>; 2] = [sum::spawn(&[1, 2]).unwrap(), sum::spawn(&[3]).unwrap()];
    assert_eq!(processes.map(|process| process.join().unwrap()), [3, 3]);
    let texts = vec!["a".to_owned(), "b".to_owned()];
    assert_eq!(largest::run([1, 3, 2]).unwrap(), Some(3));
    assert_eq!(
        largest::run(["a".to_owned()]).unwrap(),
        Some("a".to_owned())
    );
    assert_eq!(largest::run::<u8, 0>([]).unwrap(), None);
    assert_eq!(
        outer::inner::twice::run(texts.clone()).unwrap(),
        (texts.clone(), texts)
    );

    assert_eq!(rows::run::<2>(&[1, 2, 3]).unwrap(), [vec![1, 2], vec![3]]);
    assert_eq!(rows::run::<3>(&[1, 2, 3]).unwrap(), [vec![1, 2, 3]]);
    assert_eq!(flags::run::<true, 'x'>().unwrap(), "true x");
    assert_eq!(flags::run::<false, 'y'>().unwrap(), "false y");
    assert_eq!(name::run::<u8>().unwrap(), "u8");
    assert_eq!(name::run::<&str>().unwrap(), "&str");
    assert_eq!(name::run::<[u8]>().unwrap(), "[u8]");

    let map = BTreeMap::from([('a', vec![1, 2]), ('b', vec![])]);
    assert_eq!(count::run(map, ('c', 1), 2).unwrap(), [('a', 4), ('b', 0)]);

    let error = exit::run(3_u8).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Exited);
    assert_eq!(error.exit_status().unwrap().code(), Some(3));
    nothing::run(1).unwrap();
    nothing::run("text".to_owned()).unwrap();

    assert_eq!(outer::depth(), 3);
    assert_eq!(in_generics('x'), ('x', 'x'));

    // The functions are values.
    let call: fn(u8) -> Call<'static, (u8, u8)> = outer::inner::twice::call;
    let process = call(5).name("renamed").spawn().unwrap();
    assert_eq!(process.name(), "renamed");
    assert_eq!(process.join().unwrap(), (5, 5));
    let results = [1, 2].map(outer::inner::twice::run::<u16>);
    assert_eq!(results.map(Result::unwrap), [(1, 1), (2, 2)]);
}
