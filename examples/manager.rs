//! What is there in the place of the `dict`, `list`, `Namespace` and `Value` of Python's `Manager`?
//!
//! A few lines each. The objects live in processes of their own, and others use them through clients, which
//! correspond to proxies. Unlike proxies they are typed, and what is one request nothing comes in between
//! of: adding to a number is exact.
//!
//! ```text
//! cargo run --example manager
//! ```

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{self, Write};
use std::ops::AddAssign;
use std::process::ExitCode;

use multiproc::{RemoteError, service, worker};
use serde::{Deserialize, Serialize};

/// `manager.dict()`
struct Dict<K, V>(BTreeMap<K, V>);

#[service]
impl<K: Ord + Clone, V: Clone> Dict<K, V> {
    fn new() -> Self {
        Dict(BTreeMap::new())
    }

    fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.0.insert(key, value)
    }

    fn get(&self, key: &K) -> Option<V> {
        self.0.get(key).cloned()
    }

    fn copy(&self) -> BTreeMap<K, V> {
        self.0.clone()
    }
}

/// `manager.list(..)`
struct List<T>(Vec<T>);

#[service]
impl<T: Clone> List<T> {
    fn new(items: Vec<T>) -> Self {
        List(items)
    }

    fn append(&mut self, item: T) {
        self.0.push(item);
    }

    fn reverse(&mut self) {
        self.0.reverse();
    }

    fn copy(&self) -> Vec<T> {
        self.0.clone()
    }
}

/// `manager.Value(..)`
struct Value<T>(T);

#[service]
impl<T: Clone + AddAssign> Value<T> {
    fn new(value: T) -> Self {
        Value(value)
    }

    fn get(&self) -> T {
        self.0.clone()
    }

    /// As `value.value += more`, but no other process comes in between.
    fn add(&mut self, more: T) {
        self.0 += more;
    }
}

/// `manager.Namespace()`: its attributes are fields.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Namespace {
    x: i32,
    y: String,
}

#[service]
impl Namespace {
    fn new(x: i32, y: &str) -> Self {
        Namespace { x, y: y.to_owned() }
    }

    fn set_x(&mut self, x: i32) {
        self.x = x;
    }

    fn copy(&self) -> Namespace {
        self.clone()
    }
}

#[worker]
fn work(
    dict: &DictClient<String, f64>,
    list: &ListClient<u32>,
    namespace: &NamespaceClient,
    value: &ValueClient<u64>,
) -> Result<(), RemoteError> {
    dict.insert("quarter".to_owned(), 0.25).run()?;
    list.reverse().run()?;
    list.append(10).run()?;
    namespace.set_x(11).run()?;
    for _ in 0..1000 {
        value.add(1).run()?;
    }
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Who reads may have seen enough, as `head` has.
            let error_kind = error.downcast_ref().map(io::Error::kind);
            if error_kind == Some(io::ErrorKind::BrokenPipe) {
                return ExitCode::SUCCESS;
            }
            eprintln!("manager: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let dict = DictClient::new().spawn()?;
    let list = ListClient::new((0..10).collect()).spawn()?;
    let namespace = NamespaceClient::new(10, "hello").spawn()?;
    let value = ValueClient::new(0).spawn()?;

    dict.insert("half".to_owned(), 0.5).run()?;
    let workers = (0..2)
        .map(|_| work::spawn(&dict, &list, &namespace, &value))
        .collect::<Result<Vec<_>, _>>()?;
    for worker in workers {
        worker.join()??;
    }

    let mut out = io::stdout().lock();
    writeln!(out, "dict       {:?}", dict.copy().run()?)?;
    writeln!(out, "its half   {:?}", dict.get(&"half".to_owned()).run()?)?;
    writeln!(out, "list       {:?}", list.copy().run()?)?;
    writeln!(out, "namespace  {:?}", namespace.copy().run()?)?;
    writeln!(out, "value      {}", value.get().run()?)?;
    Ok(())
}
