//! Workers in a crate that asks everything of its code: `cargo clippy` finds nothing to say about
//! what the attributes generate.

#![forbid(unsafe_code, missing_docs, missing_debug_implementations)]
#![deny(
    warnings,
    future_incompatible,
    let_underscore,
    nonstandard_style,
    rust_2018_idioms,
    unused,
    missing_copy_implementations,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unnameable_types,
    unreachable_pub,
    unused_lifetimes,
    unused_qualifications,
    unused_results,
    clippy::all,
    clippy::cargo,
    clippy::nursery,
    clippy::pedantic,
    clippy::absolute_paths,
    clippy::allow_attributes,
    clippy::arbitrary_source_item_ordering,
    clippy::expect_used,
    clippy::let_underscore_must_use,
    clippy::let_underscore_untyped,
    clippy::missing_docs_in_private_items,
    clippy::missing_inline_in_public_items,
    clippy::multiple_inherent_impl,
    clippy::panic,
    clippy::pattern_type_mismatch,
    clippy::renamed_function_params,
    clippy::shadow_unrelated,
    clippy::similar_names,
    clippy::unreachable,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm
)]
#![allow(clippy::cargo_common_metadata, clippy::multiple_crate_versions)]

use std::fs;
use std::future::ready;
use std::path::Path;
use std::pin::pin;
use std::process;
use std::task::{Context, Poll, Waker};

use multiproc::{RemoteError, startup, worker};
use serde::{Deserialize, Serialize};

/// A point.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Point {
    /// To the right.
    pub x: i32,
    /// Upwards.
    pub y: i32,
}

/// Is served.
#[derive(Debug)]
pub struct Index {
    /// Where it is.
    places: Vec<u64>,
}

#[multiproc::service(
    runtime = block_on,
    queue = 8,
    threads = 4,
    timeout = "30s",
    memory = "512MiB",
    stack = "64MiB",
    nice = 10,
    before_worker = lock_down
)]
impl Index {
    /// Has parameters of every kind.
    ///
    /// # Errors
    ///
    /// Never.
    #[inline]
    #[request(timeout = "5s")]
    pub fn add(
        &mut self,
        (width, height): (u64, u64),
        Point { x, y }: Point,
        mut scale: u64,
        _unused: u8,
        _: &str,
    ) -> Result<f64, RemoteError> {
        scale *= width + height;
        self.places.push(scale);
        Ok(f64::from(x + y))
    }

    /// Is the last request.
    #[inline]
    #[must_use]
    pub fn close(self) -> usize {
        self.places.len()
    }

    /// What the user accepts in the method is accepted in what is generated from it.
    #[inline]
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        clippy::ptr_arg,
        clippy::too_many_arguments,
        clippy::type_complexity,
        reason = "a request can have reasons for its signature"
    )]
    pub fn complicated(
        &self,
        bytes: &Vec<u8>,
        number: &u32,
        third: Vec<Option<Result<(String, Vec<u8>), (u8, Option<Vec<String>>)>>>,
        fourth: u8,
        fifth: u8,
        sixth: u8,
        seventh: u8,
        eighth: u8,
    ) -> usize {
        let numbers = [fourth, fifth, sixth, seventh, eighth];
        let places = self.places.len();
        bytes.len() + third.len() + numbers.len() + usize::from(*number == 0) + places
    }

    /// Makes a small one.
    #[inline]
    #[must_use]
    pub const fn empty() -> Self {
        Self { places: Vec::new() }
    }

    /// Does not return.
    #[inline]
    pub fn exit(&self, code: i32) -> ! {
        process::exit(code)
    }

    /// Is there on conditions.
    #[inline]
    #[must_use]
    #[cfg(target_os = "linux")]
    pub fn first(&self) -> Option<Point> {
        let place = self.places.first()?;
        let x = i32::try_from(*place).ok()?;
        Some(Point { x, y: 0 })
    }

    /// Makes none.
    #[inline]
    #[must_use]
    pub const fn never(_unused: u8) -> Option<Self> {
        None
    }

    /// Opens it.
    ///
    /// # Errors
    ///
    /// When there is no such file.
    #[inline]
    pub async fn open(path: &Path, mut places: Vec<u64>) -> Result<Self, RemoteError> {
        let length = fs::metadata(path)?.len();
        places.push(ready(length).await);
        Ok(Self { places })
    }

    /// Is on its way out.
    #[inline]
    #[deprecated(note = "an example")]
    pub fn outdated(&self, text: &str) {
        drop((text.to_owned(), self.places.clone()));
    }

    /// Has a future.
    #[inline]
    pub async fn wait(&self) {
        ready(()).await;
    }
}

/// Is served for many types.
#[derive(Debug)]
pub struct Sorted<T, const COUNT: usize> {
    /// What is sorted.
    values: Vec<T>,
}

#[multiproc::service(client = Numbers)]
impl<T: Ord + Clone, const COUNT: usize> Sorted<T, COUNT> {
    /// The largest.
    #[inline]
    #[must_use]
    pub fn largest(&self) -> Vec<T> {
        self.values.iter().rev().take(COUNT).cloned().collect()
    }

    /// Sorts.
    #[inline]
    #[must_use]
    pub fn new(mut values: Vec<T>) -> Self {
        values.sort();
        Self { values }
    }
}

/// Has parameters of every kind.
///
/// # Errors
///
/// When there is no such file.
#[worker]
#[inline]
pub fn measure(
    path: &Path,
    (width, height): (u64, u64),
    Point { x, y }: Point,
    mut scale: f64,
    _unused: u8,
    _: &str,
) -> Result<f64, RemoteError> {
    scale *= f64::from(x + y);
    let length = fs::metadata(path)?.len();
    if length < width * height {
        scale = -scale;
    }
    Ok(scale)
}

/// What the user accepts in the function is accepted in what is generated from it.
#[worker]
#[inline]
#[must_use]
#[expect(
    clippy::needless_pass_by_value,
    clippy::ptr_arg,
    clippy::too_many_arguments,
    clippy::type_complexity,
    reason = "a worker can have reasons for its signature"
)]
pub fn complicated(
    bytes: &Vec<u8>,
    number: &u32,
    third: Vec<Option<Result<(String, Vec<u8>), (u8, Option<Vec<String>>)>>>,
    fourth: u8,
    fifth: u8,
    sixth: u8,
    seventh: u8,
    eighth: u8,
) -> usize {
    let numbers = [fourth, fifth, sixth, seventh, eighth];
    bytes.len() + third.len() + numbers.len() + usize::from(*number == 0)
}

/// Is reported at the function, and nowhere else: the attribute does not see what is accepted inside.
#[worker]
#[inline]
#[must_use]
pub fn many(
    first: u8,
    second: u8,
    third: u8,
    fourth: u8,
    fifth: u8,
    sixth: u8,
    seventh: u8,
    eighth: u8,
) -> u8 {
    #![expect(clippy::too_many_arguments, reason = "it is what is tested")]
    let numbers = [first, second, third, fourth, fifth, sixth, seventh, eighth];
    numbers.iter().fold(0, |sum, number| sum ^ number)
}

/// Is generic, in every way.
#[worker]
#[inline]
pub fn largest<T: Ord + Clone, U, const COUNT: usize>(
    values: &[T],
    more: [T; COUNT],
    other: &U,
    default: T,
) -> T
where
    U: Into<Option<T>> + Clone,
{
    let all = values
        .iter()
        .cloned()
        .chain(more)
        .chain(other.clone().into());
    all.max().unwrap_or(default)
}

/// Has parameters that no argument tells.
#[worker]
#[inline]
#[must_use]
pub fn size<T, const COUNT: usize>() -> usize {
    size_of::<[T; COUNT]>()
}

/// Runs a future to its end.
fn block_on<F: Future>(future: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    let mut pinned = pin!(future);
    loop {
        if let Poll::Ready(output) = pinned.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// Has a future and all options.
#[worker(
    runtime = block_on,
    timeout = "30s",
    memory = "512MiB",
    stack = "64MiB",
    nice = 10,
    before_worker = lock_down
)]
#[inline]
pub async fn fetch(path: &Path, (left, right): (u8, u8), mut count: u64) -> Option<u64> {
    count += u64::from(left) + u64::from(right);
    ready(path.is_absolute()).await.then_some(count)
}

/// Has a future without a value.
#[worker(runtime = block_on)]
#[inline]
pub async fn wait<T: Send + Sync>(value: T) {
    drop(value);
    ready(()).await;
}

/// Runs before a worker.
const fn lock_down() {}

/// Is on its way out.
#[worker]
#[inline]
#[deprecated(note = "an example")]
pub fn outdated(text: &str) {
    drop(text.to_owned());
}

/// Does not return.
#[worker]
#[inline]
pub fn exit(code: i32) -> ! {
    process::exit(code)
}

/// Is never started.
#[worker]
#[expect(dead_code, reason = "it is not called")]
fn private(text: String) {
    drop(text);
}

/// Is not even used, and reported once.
#[worker]
fn unused<T>(value: T) {
    #![expect(dead_code, reason = "it is what is tested")]
    drop(value);
}

/// Is not used either, as its author knows.
#[worker]
#[expect(dead_code, reason = "it is what is tested")]
fn unused_as_expected<T>(value: T) {
    drop(value);
}

/// Runs first.
#[startup]
fn start() {
    drop(String::new());
}
