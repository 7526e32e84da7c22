//! Generated code gives no reason to complain, whatever is asked of the crate.
#![forbid(
    unsafe_code,
    missing_docs,
    missing_debug_implementations,
    missing_copy_implementations,
    non_camel_case_types,
    single_use_lifetimes,
    unnameable_types,
    unreachable_pub,
    unused,
    unused_lifetimes,
    unused_qualifications,
    unused_results
)]
#![deny(
    warnings,
    future_incompatible,
    let_underscore,
    nonstandard_style,
    rust_2018_idioms,
    rust_2021_compatibility,
    rust_2024_compatibility
)]

use std::num::NonZeroU16;
use std::ops::Range;
use std::path::Path;

use multiproc::{RemoteError, startup, worker};

/// Has parameters of every kind.
///
/// # Errors
///
/// When there is no file.
#[worker]
fn resize(path: &Path, (width, height): (u32, u32), mut quality: f32) -> Result<u64, RemoteError> {
    quality *= 2.0;
    assert!(quality > 0.0);
    let length = std::fs::metadata(path)?.len();
    Ok(length + u64::from(width * height))
}

/// Has parameters and a result of types that are asked about.
#[worker]
fn longest(
    range: Range<u32>,
    others: &[Range<u32>],
    port: Option<NonZeroU16>,
) -> Option<Range<u32>> {
    assert!(port.is_none());
    let ranges = others.iter().cloned().chain([range]);
    ranges.max_by_key(ExactSizeIterator::len)
}

#[worker]
fn exit(code: i32) -> ! {
    std::process::exit(code)
}

#[worker]
fn never_started(_unused: u8) {}

/// Is served.
#[derive(Debug, Default)]
struct Index {
    places: Vec<u64>,
}

#[multiproc::service(threads = 2, timeout = "1min")]
impl Index {
    fn open(path: &Path, places: Vec<u64>) -> Result<Self, RemoteError> {
        let _size = std::fs::metadata(path)?.len();
        Ok(Index { places })
    }

    fn empty() -> Self {
        Index::default()
    }

    fn refused() -> Option<Self> {
        None
    }

    /// Has parameters of every kind.
    #[request(timeout = "30s")]
    fn add(&mut self, (first, second): (u64, u64), mut third: u64, more: &[u64]) {
        third += 1;
        self.places.extend([first, second, third]);
        self.places.extend(more);
    }

    fn ranges(&self, range: Option<Range<u64>>) -> Vec<Range<u64>> {
        range.into_iter().collect()
    }

    fn exit(&self, code: i32) -> ! {
        std::process::exit(code)
    }

    fn close(self) -> usize {
        self.places.len()
    }
}

/// Is served for many types.
#[derive(Debug)]
struct Stack<T, const LIMIT: usize> {
    values: Vec<T>,
}

#[multiproc::service(client = StackUser)]
impl<T: Clone, const LIMIT: usize> Stack<T, LIMIT> {
    fn new(first: T) -> Self {
        Stack {
            values: vec![first],
        }
    }

    fn top(&self) -> Vec<T> {
        self.values.iter().rev().take(LIMIT).cloned().collect()
    }
}

#[startup]
fn start() {}

/// Is documented, and has a result.
///
/// # Errors
///
/// Never.
#[multiproc::test(timeout = "50s")]
fn test_returns() -> Result<(), RemoteError> {
    let _size = std::fs::metadata("/")?.len();
    Ok(())
}

#[multiproc::test(exits = 3)]
fn test_exits() -> ! {
    std::process::exit(3)
}

#[multiproc::test]
#[should_panic]
fn test_panics() {
    start();
    panic!();
}

#[test]
fn it_runs() {
    let size = resize::run(Path::new("/"), (2, 3), 0.5);
    assert!(size.unwrap().unwrap() >= 6);
    assert_eq!(longest::run(1..3, &[4..7], None).unwrap(), Some(4..7));
    assert!(exit::run(1).is_err());
    drop(never_started::call(0));
    let index = IndexClient::open(Path::new("/"), Vec::new())
        .spawn()
        .unwrap();
    index.add((1, 2), 3, &[5]).run().unwrap();
    assert!(index.ranges(None).run().unwrap().is_empty());
    assert_eq!(index.close().run().unwrap(), 4);
    assert!(IndexClient::refused().spawn().is_err());
    let index = IndexClient::empty().spawn().unwrap();
    assert!(index.exit(1).run().is_err());
    let stack = StackUser::<_, 2>::new('a').spawn().unwrap();
    assert_eq!(stack.top().run().unwrap(), ['a']);
}
