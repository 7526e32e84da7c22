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

#[test]
fn it_runs() {
    let path = std::env::temp_dir().join(format!("multiproc_services_{}", std::process::id()));
    std::fs::write(&path, "the dog and the cat").unwrap();
    let index = IndexClient::open(&path).spawn().unwrap();
    assert_eq!(index.find("the").run().unwrap(), [0, 3]);
    std::fs::remove_file(&path).unwrap();
    index.add("the", 7).run().unwrap();
    assert_eq!(index.find("the").run().unwrap(), [0, 3, 7]);
    assert_eq!(
        index.with_patterns((1, 2), 3, &[]).run().unwrap(),
        Index::empty().with_patterns((1, 2), 3, &[])
    );
    assert_eq!(index.close().run().unwrap(), 4);
    let refused = IndexClient::unless(true).spawn().unwrap_err();
    assert!(refused.to_string().contains("unless"), "{refused}");
    let missing = IndexClient::open(&path).spawn().unwrap_err();
    assert!(missing.to_string().contains("No such file"), "{missing}");
    let index = IndexClient::empty().spawn().unwrap();
    assert!(index.crash().run().is_err());
}

#[test]
fn a_generic_one_runs() {
    assert_eq!(largest_apart(vec![2, 1, 3]), [3, 2]);
    assert_eq!(largest_apart(vec!["a".to_owned()]), ["a"]);
    let counter = CounterClient::<[u8]>::new().spawn().unwrap();
    counter.set(3).run().unwrap();
    let client: CounterClient<[u8]> = counter.client();
    assert_eq!(client.get().run().unwrap(), 3);
}

#[test]
fn conditions_and_futures_are_followed() {
    let site = conditions::Web::fresh().spawn().unwrap();
    assert_eq!(site.fetch("index").run().unwrap(), 5);
    #[allow(deprecated)]
    site.old().run().unwrap();
}

macro_rules! holder {
    ($(#[$attr:meta])* $vis:vis $name:ident: $ty:ty, $set:ident $body:block) => {
        $(#[$attr])*
        $vis struct $name {
            value: $ty,
        }

        #[multiproc::service]
        impl $name {
            $vis fn new(value: $ty) -> $name {
                $name { value }
            }

            $vis fn get(&self) -> $ty {
                self.value.clone()
            }

            $vis fn $set(&mut self) -> bool $body
        }
    };
}

holder!(
    /// Is made by a macro.
    pub(crate) Text: String, change { true }
);

#[derive(Clone, Serialize, serde::Deserialize)]
struct Place {
    index: IndexClient,
    others: Vec<IndexClient>,
}

#[multiproc::worker]
fn find_elsewhere(client: IndexClient, place: &Place, word: &str) -> (Vec<u64>, IndexClient) {
    assert_eq!(place.others.len(), 1);
    place.index.add(word, 3).run().unwrap();
    (client.find(word).run().unwrap(), client)
}

#[test]
fn one_from_a_macro_runs() {
    let text = TextClient::new("text".to_owned()).spawn().unwrap();
    assert_eq!(text.get().run().unwrap(), "text");
    assert!(text.change().run().unwrap());
}

#[test]
fn one_in_a_function_runs() {
    struct Local(u8);

    #[multiproc::service]
    impl Local {
        fn new(value: u8) -> Self {
            Local(value)
        }

        fn get(&self) -> u8 {
            self.0
        }
    }

    let local = LocalClient::new(3).spawn().unwrap();
    assert_eq!(local.get().run().unwrap(), 3);
}

#[test]
fn clients_are_sent() {
    let index = IndexClient::empty().spawn().unwrap();
    let place = Place {
        index: index.client(),
        others: vec![index.client()],
    };
    let (found, client) = find_elsewhere::run(index.client(), &place, "dog").unwrap();
    assert_eq!(found, [3]);
    assert_eq!(client.find("dog").run().unwrap(), [3]);
}
