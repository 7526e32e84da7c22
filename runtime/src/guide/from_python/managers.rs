//! Python's `multiprocessing.managers`: `Manager`, `BaseManager`, proxies.
//!
//! A manager in Python is a process with objects in it, which others use through proxies. Here such an object
//! is a service, and a proxy a client of it: see [objects in processes](crate::guide::objects), also for what
//! is different. Each table is followed by a program in which its rows occur.
//!
//! # `Manager`
//!
//! Objects whose only purpose is to be shared need no service if they can lie in shared memory.
//!
//! | Python | here |
//! |---|---|
//! | `Manager()` | not needed: each object is a service, or lies in shared memory |
//! | `SyncManager.dict()`, `SyncManager.list(..)` | a [`service`](macro@crate::service) of a map or a [`Vec`], with the requests that the program needs |
//! | `SyncManager.Namespace()` | a service of a struct; or, of numbers, a type with [`#[derive(Shareable)]`](derive@crate::Shareable) in a [`Mutex`](crate::sync::Mutex) |
//! | `SyncManager.Value(..)`, `SyncManager.Array(..)` | [`Mutex<T>`](crate::sync::Mutex), [`Mutex<[T]>`](crate::sync::Mutex::from_slice) |
//! | `SyncManager.Lock()`, `SyncManager.Queue()`, .. | those of [`sync`](crate::sync) and [`channel`](mod@crate::channel): they can be sent anywhere, and no process serves them |
//! | `SharedMemoryManager` | not needed: memory goes with its last holder |
//!
//! In Python:
//!
//! ```python
//! from multiprocessing import Manager, Process
//!
//! def work(words, order, common, lock, total, seen, found, number):
//!     words[f"word {number}"] = number
//!     order.append(number)
//!     common.name = "changed"
//!     with lock:
//!         total.value += number
//!     seen[number] = True
//!     found.put(number)
//!
//! if __name__ == "__main__":
//!     with Manager() as manager:
//!         words = manager.dict()
//!         order = manager.list([0])
//!         common = manager.Namespace()
//!         common.name = "new"
//!         lock = manager.Lock()
//!         total = manager.Value("i", 0)
//!         seen = manager.Array("b", [False] * 3)
//!         found = manager.Queue()
//!         shared = (words, order, common, lock, total, seen, found)
//!         processes = [Process(target=work, args=(*shared, n)) for n in (1, 2)]
//!         for process in processes:
//!             process.start()
//!         for process in processes:
//!             process.join()
//!         assert words.copy() == {"word 1": 1, "word 2": 2}
//!         assert sorted(order) == [0, 1, 2]
//!         assert common.name == "changed"
//!         assert total.value == 3
//!         assert list(seen[:]) == [False, True, True]
//!         assert {found.get(), found.get()} == {1, 2}
//! ```
//!
//! Here:
//!
//! ```
//! use multiproc::channel::Queue;
//! use multiproc::sync::Mutex;
//! use multiproc::{RemoteError, service, worker};
//! use serde::{Deserialize, Serialize};
//! use std::collections::BTreeMap;
//!
//! struct Dict<V>(BTreeMap<String, V>);
//!
//! #[service]
//! impl<V: Clone> Dict<V> {
//!     fn new() -> Self {
//!         Dict(BTreeMap::new())
//!     }
//!
//!     fn insert(&mut self, key: &str, value: V) {
//!         self.0.insert(key.to_owned(), value);
//!     }
//!
//!     fn copy(&self) -> BTreeMap<String, V> {
//!         self.0.clone()
//!     }
//! }
//!
//! struct List<T>(Vec<T>);
//!
//! #[service]
//! impl<T: Clone> List<T> {
//!     fn new(items: Vec<T>) -> Self {
//!         List(items)
//!     }
//!
//!     fn append(&mut self, item: T) {
//!         self.0.push(item);
//!     }
//!
//!     fn copy(&self) -> Vec<T> {
//!         self.0.clone()
//!     }
//! }
//!
//! struct Common {
//!     name: String,
//! }
//!
//! #[service]
//! impl Common {
//!     fn new(name: &str) -> Self {
//!         Common { name: name.to_owned() }
//!     }
//!
//!     fn set_name(&mut self, name: &str) {
//!         self.name = name.to_owned();
//!     }
//!
//!     fn name(&self) -> String {
//!         self.name.clone()
//!     }
//! }
//!
//! /// What all processes work with. Handles are fields like others.
//! #[derive(Clone, Serialize, Deserialize)]
//! struct Shared {
//!     words: DictClient<u32>,
//!     order: ListClient<u32>,
//!     common: CommonClient,
//!     lock: Mutex<()>,
//!     total: Mutex<u32>,
//!     seen: Mutex<[bool]>,
//!     found: Queue<u32>,
//! }
//!
//! #[worker]
//! fn work(shared: Shared, number: u32) -> Result<(), RemoteError> {
//!     shared.words.insert(&format!("word {number}"), number).run()?;
//!     shared.order.append(number).run()?;
//!     shared.common.set_name("changed").run()?;
//!     let _guard = shared.lock.lock().unwrap();
//!     *shared.total.lock().unwrap() += number;
//!     shared.seen.lock().unwrap()[number as usize] = true;
//!     shared.found.push(number)?;
//!     Ok(())
//! }
//!
//! // `Manager()`
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // `SyncManager.dict()`
//!     let words = DictClient::new().spawn()?;
//!     // `SyncManager.list(..)`
//!     let order = ListClient::new(vec![0]).spawn()?;
//!     // `SyncManager.Namespace()`
//!     let common = CommonClient::new("new").spawn()?;
//!     let shared = Shared {
//!         words: words.client(),
//!         order: order.client(),
//!         common: common.client(),
//!         // `SyncManager.Lock()`
//!         lock: Mutex::new(())?,
//!         // `SyncManager.Value(..)`
//!         total: Mutex::new(0)?,
//!         // `SyncManager.Array(..)`
//!         seen: Mutex::from_elem(false, 3)?,
//!         // `SyncManager.Queue()`
//!         found: Queue::bounded(8)?,
//!     };
//!     let processes = [1, 2].map(|number| work::spawn(shared.clone(), number));
//!     for process in processes {
//!         process?.join()??;
//!     }
//!     assert_eq!(words.copy().run()?, BTreeMap::from([("word 1".into(), 1), ("word 2".into(), 2)]));
//!     let mut order = order.copy().run()?;
//!     order.sort();
//!     assert_eq!(order, [0, 1, 2]);
//!     assert_eq!(common.name().run()?, "changed");
//!     assert_eq!(*shared.total.lock().unwrap(), 3);
//!     assert_eq!(*shared.seen.lock().unwrap(), [false, true, true]);
//!     assert_eq!(shared.found.pop()? + shared.found.pop()?, 3);
//!     Ok(())
//! }
//! ```
//!
//! # `BaseManager`
//!
//! | Python | here |
//! |---|---|
//! | `BaseManager.register(..)` | [`#[service]`](macro@crate::service) on the `impl` of the type |
//! | `BaseManager.register(exposed=..)` | methods in that `impl` are requests, those in others are not |
//! | `BaseManager.start(..)` | [`Launch::spawn`](crate::Launch::spawn) |
//! | `BaseManager.start(initializer=..)` | [`Launch::before_worker`](crate::Launch::before_worker), or the constructor |
//! | `BaseManager.shutdown()` | [`Service::shutdown`](crate::Service::shutdown) |
//! | `BaseManager.join(..)` | [`Service::shutdown_timeout`](crate::Service::shutdown_timeout) |
//! | `BaseProxy` | a client: `MathsClient` for `Maths` |
//! | `BaseProxy._callmethod(..)` | [`Request::run`](crate::Request::run), or another way of sending a request |
//! | `BaseProxy._getvalue()` | a method that gives a clone |
//! | `RemoteError` | an [`Error`](crate::Error), of the kind `Panicked` |
//! | `BaseManager.address`, `BaseManager.connect()`, `BaseManager.get_server()` | absent: see [what is absent](super#what-is-absent-and-why) |
//!
//! In Python:
//!
//! ```python
//! from multiprocessing import Process
//! from multiprocessing.managers import BaseManager
//!
//! class Maths:
//!     def __init__(self, offset):
//!         self.offset = offset
//!     def add(self, x, y):
//!         return x + y + self.offset
//!     def divide(self, x, y):
//!         return x / y
//!
//! class MyManager(BaseManager):
//!     pass
//!
//! MyManager.register("Maths", Maths)
//!
//! def work(maths):
//!     assert maths.add(4, 3) == 8
//!
//! if __name__ == "__main__":
//!     with MyManager() as manager:
//!         maths = manager.Maths(1)
//!         process = Process(target=work, args=(maths,))
//!         process.start()
//!         process.join()
//!         assert process.exitcode == 0
//!         try:
//!             maths.divide(1, 0)
//!             assert False
//!         except ZeroDivisionError:
//!             pass
//! ```
//!
//! Here:
//!
//! ```
//! use multiproc::{ErrorKind, service, worker};
//! use std::time::Duration;
//!
//! #[derive(Clone, serde::Serialize, serde::Deserialize)]
//! struct Maths {
//!     offset: i64,
//! }
//!
//! // `BaseManager.register(..)`
//! #[service]
//! impl Maths {
//!     fn new(offset: i64) -> Self {
//!         Maths { offset }
//!     }
//!
//!     fn add(&self, x: i64, y: i64) -> i64 {
//!         self.with_offset(x + y)
//!     }
//!
//!     fn divide(&self, x: i64, y: i64) -> i64 {
//!         x / y
//!     }
//!
//!     fn value(&self) -> Maths {
//!         self.clone()
//!     }
//! }
//!
//! // `BaseManager.register(exposed=..)`
//! impl Maths {
//!     fn with_offset(&self, sum: i64) -> i64 {
//!         sum + self.offset
//!     }
//! }
//!
//! fn greet() {
//!     eprintln!("a process of Maths begins");
//! }
//!
//! // `BaseProxy`
//! #[worker]
//! fn work(maths: MathsClient) {
//!     // `BaseProxy._callmethod(..)`
//!     assert_eq!(maths.add(4, 3).run().unwrap(), 8);
//! }
//!
//! fn main() -> multiproc::Result<()> {
//!     // `BaseManager.start(initializer=..)`
//!     let launch = MathsClient::new(1).before_worker(greet);
//!     // `BaseManager.start(..)`
//!     let maths = launch.spawn()?;
//!     work::run(maths.client())?;
//!
//!     // `BaseProxy._getvalue()`
//!     assert_eq!(maths.value().run()?.offset, 1);
//!
//!     // `BaseManager.shutdown()`
//!     maths.shutdown()?;
//!
//!     // `RemoteError`
//!     let maths = MathsClient::new(1).restarts(1, Duration::from_secs(60)).spawn()?;
//!     assert_eq!(maths.divide(1, 0).run().unwrap_err().kind(), ErrorKind::Panicked);
//!     assert_eq!(maths.add(1, 1).run()?, 3); // of another object
//!
//!     // `BaseManager.join(..)`
//!     assert!(maths.shutdown_timeout(Duration::from_secs(10))?);
//!     Ok(())
//! }
//! ```
