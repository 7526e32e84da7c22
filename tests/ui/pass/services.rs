#![deny(warnings, missing_docs)]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::Path;

use multiproc::RemoteError;
use serde::{Serialize, de::DeserializeOwned};

/// An index of words.
#[derive(Debug)]
pub struct Index {
    places: BTreeMap<String, Vec<u64>>,
}

#[multiproc::service(timeout = "1min")]
impl Index {
    /// Opens an index.
    ///
    /// # Errors
    ///
    /// When there is no such file.
    pub fn open(path: &Path) -> Result<Self, RemoteError> {
        let text = std::fs::read_to_string(path)?;
        let mut index = Index::empty();
        for (place, word) in (0..).zip(text.split_whitespace()) {
            index.add(word, place);
        }
        Ok(index)
    }

    fn empty() -> Self {
        Index {
            places: BTreeMap::new(),
        }
    }

    pub(crate) fn unless(is_refused: bool) -> Option<Index> {
        (!is_refused).then(Index::empty)
    }

    fn find(&self, word: &str) -> Vec<u64> {
        self.places.get(word).cloned().unwrap_or_default()
    }

    #[request(timeout = "5s")]
    fn add(self: &mut Self, word: &str, place: u64) {
        self.places.entry(word.to_owned()).or_default().push(place);
    }

    fn with_patterns(&mut self, (a, b): (u8, u8), mut argument0: u8, _: &[u8]) -> u8 {
        argument0 += a;
        argument0 + b
    }

    fn crash(&self) -> ! {
        std::process::exit(3)
    }

    fn close(self) -> usize {
        self.places.len()
    }
}

#[derive(Debug)]
struct Sorted<T, const N: usize> {
    values: Vec<T>,
}

#[multiproc::service(client = Numbers, queue = 1)]
impl<T: Ord + Clone, const N: usize> Sorted<T, N>
where
    Self: Debug,
{
    fn new(values: Vec<T>) -> Self {
        Sorted { values }
    }

    fn largest(&mut self) -> Vec<T> {
        self.values.sort();
        self.values.iter().rev().take(N).cloned().collect()
    }
}

fn largest_apart<T: Ord + Clone + Debug + Serialize + DeserializeOwned + 'static>(
    values: Vec<T>,
) -> Vec<T> {
    let numbers = Numbers::<T, 2>::new(values).spawn().unwrap();
    numbers.largest().run().unwrap()
}

struct Counter<T: ?Sized> {
    count: u64,
    #[expect(dead_code)]
    label: Box<T>,
}

#[multiproc::service(threads = 4)]
impl<T: ?Sized + Sync + Send> Counter<T>
where
    Box<T>: Default,
{
    fn new() -> Self {
        Counter {
            count: 0,
            label: Box::default(),
        }
    }

    fn get(&self) -> u64 {
        self.count
    }

    fn set(&mut self, count: u64) {
        self.count = count;
    }
}

mod conditions {
    pub(super) struct Site;

    #[cfg_attr(all(), multiproc::service(runtime = super::block_on, client = Web))]
    #[cfg(unix)]
    impl Site {
        async fn connect(host: String) -> std::io::Result<Site> {
            drop(host);
            Ok(Site)
        }

        pub(super) async fn fresh() -> Site {
            Site::connect(String::new()).await.unwrap()
        }

        #[cfg(unix)]
        pub(super) async fn fetch(&self, path: &str) -> usize {
            path.len()
        }

        #[cfg(not(unix))]
        pub(super) fn fetch(&self, path: NoSuchType) -> NoSuchType {
            path
        }

        #[deprecated]
        pub(super) async fn old(&self) {}

        fn r#async(&self, r#type: u8) -> u8 {
            r#type
        }
    }
}

fn block_on<F: Future>(future: F) -> F::Output {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(output) => output,
        std::task::Poll::Pending => unreachable!("it waits for nothing"),
    }
}
