//! Objects in processes: services.
//!
//! A [`service`](macro@crate::service) is an object with a process of its own: a loaded model, the handle of
//! a database, a C library with global state. It is made there, stays there, and is dropped there; others
//! have clients, and send it requests. So it can be of any type, with pointers and open files in it. What
//! is sent are only the arguments and results of its methods.
//!
//! # When
//!
//! | to share | use | because |
//! |---|---|---|
//! | numbers, arrays, small structs that several processes change | [`sync::Mutex<T>`](crate::sync::Mutex), [`Shared`](crate::shm::Shared) | they lie in shared memory: an access is no message, and no process is waited for but the holder of the lock |
//! | a map that grows, a file, a connection, whatever is of use in one process only | a service | it needs to be nowhere else |
//! | a large value that tasks need, and that is only read | [`shm::Frozen`](crate::shm::Frozen) | it is sent once, and decoded once in each process: using it is no message |
//! | what takes long to load or much memory, and is only read | a service with `threads = n`, or a [pool](crate::Pool) whose [initializer](crate::PoolBuilder::initializer) loads it | the service loads it once; each worker of a pool has its own, without a way to go |
//! | a library that crashes now and then | a service with [restarts](crate::Launch::restarts), or a pool if each task stands for itself | requests that wait survive the crash |
//! | items that are handed on, and not answered | a [channel](mod@crate::channel) or [`Queue`](crate::channel::Queue) | neither side waits for the other |
//!
//! A service does one thing after the other, for all. That makes it simple: a method has the object to
//! itself from its beginning to its end. It also makes it the place where others wait, so a request should
//! be a whole step (`transfer(from, to, amount)`) and not an access (`get`, then `set`).
//!
//! # Writing one
//!
//! The attribute stands on an `impl`, which it leaves as it is.
//!
//! ```
//! use multiproc::{RemoteError, service, worker};
//! use std::collections::BTreeMap;
//!
//! #[derive(Default)]
//! struct Bank {
//!     accounts: BTreeMap<String, i64>,
//! }
//!
//! #[service]
//! impl Bank {
//!     /// Gives `Self`: a constructor, which is called in the new process.
//!     fn new() -> Self {
//!         Bank::default()
//!     }
//!
//!     /// Has a receiver: a request. Nothing comes in between.
//!     fn transfer(&mut self, from: &str, to: &str, amount: i64) -> Result<(), RemoteError> {
//!         if self.balance(from) < amount {
//!             Err(format!("there is not as much in the account of {from}"))?;
//!         }
//!         self.deposit(from, -amount);
//!         self.deposit(to, amount);
//!         Ok(())
//!     }
//!
//!     fn deposit(&mut self, name: &str, amount: i64) {
//!         *self.accounts.entry(name.to_owned()).or_default() += amount;
//!     }
//!
//!     fn balance(&self, name: &str) -> i64 {
//!         self.accounts.get(name).copied().unwrap_or(0)
//!     }
//!
//!     /// Takes `self`: the last request.
//!     fn close(self) -> usize {
//!         self.accounts.len()
//!     }
//! }
//!
//! #[worker]
//! fn pay(bank: BankClient) -> Result<(), RemoteError> {
//!     bank.transfer("Alice", "Bob", 30).run()??;
//!     Ok(())
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bank = BankClient::new().spawn()?; // a `Service<BankClient>`
//! bank.deposit("Alice", 50).run()?;
//! let processes = [pay::spawn(bank.client())?, pay::spawn(bank.client())?];
//! // One of them finds less than it needs.
//! let paid = processes.map(|process| process.join().unwrap().is_ok());
//! assert_eq!(paid.iter().filter(|paid| **paid).count(), 1);
//! assert_eq!(bank.balance("Bob").run()?, 30);
//! assert_eq!(bank.close().run()?, 2);
//!
//! // It is an ordinary type, too, which can be tested without a process.
//! let mut bank = Bank::new();
//! bank.deposit("Alice", 50);
//! assert_eq!(bank.balance("Alice"), 50);
//! # Ok(())
//! # }
//! ```
//!
//! A method's own `Result` is a value, as that of a worker is: `run()??` takes both. It does not end the
//! service. The attribute's [options](macro@crate::service#options) say how the type is served.
//!
//! # Starting it, and its clients
//!
//! A constructor of the client gives a [`Launch`], which has the options of a [`Call`](crate::Call) for the
//! process (memory, environment, streams, user), and those of a service: [`restarts`](crate::Launch::restarts)
//! and [`startup_timeout`](crate::Launch::startup_timeout). [`spawn`](crate::Launch::spawn) waits until the
//! object is made; if the constructor gives an error, that is the error of `spawn`.
//!
//! The [`Service`] that it returns is the owner: it can [end](crate::Service::shutdown) the service, and tells
//! what [happens](crate::Service::events) to it. It derefs to a client.
//! [`client`](crate::Service::client) gives another, for a thread or process. Clients are cloned and sent as
//! any handle: as an argument, in a result, as an item of a channel, as a field. All clients in a process
//! share one connection, and any number of processes can have some.
//!
//! When the owner and all clients are gone, the service does what is in its queue, drops its object, and
//! ends. A process that only ever lent it to others can therefore drop the owner.
//!
//! | | sends the request | waits for the result |
//! |---|---|---|
//! | [`request.run()`](crate::Request::run) | yes, and blocks while the queue is full | yes |
//! | `request.await` | yes, and is suspended while the queue is full | yes, on any executor |
//! | [`request.start()`](crate::Request::start) | as `run` | with the [`Pending`] that it returns: later, for some time, with others ([`wait_any`](crate::wait_any()), [`as_completed`](crate::as_completed())), or as a future |
//! | [`request.notify()`](crate::Request::notify) | as `run` | no, and what becomes of it is not told |
//!
//! # Order, back-pressure, deadlines
//!
//! * **Order.** Requests of one client are begun in the order in which they were sent; those of several
//!   clients are in some order. By default each is done before the next is begun. With `threads = n`
//!   requests that take `&self` run at the same time; one that takes `&mut self` waits for those before it,
//!   and has the object to itself.
//! * **Back-pressure.** The queue is bounded (`queue = 64`). Clients that send more than is done wait when they
//!   send, also with `notify`.
//! * **Deadlines.** [`timeout`](crate::Request::timeout), or the option `timeout` of the type or the method, is
//!   the time from sending to the answer. A request that is late before it begins is never begun. One that has
//!   begun runs on, because the object is the others', too: its client is told
//!   [`TimedOut`](crate::ErrorKind::TimedOut), and its result is dropped. To end what hangs, kill the process
//!   ([`Service::kill`](crate::Service::kill)).
//! * **Deadlines travel.** What a method asks of other services on its thread has to be answered in
//!   what is left of the time of the request that it serves.
//! * **Taking back.** A [`Pending`], or a future of a request, that is dropped before the request has begun
//!   withdraws it.
//!
//! # Death and restarts
//!
//! A request is begun when the service takes it out of the queue. The queue does not die with the process, so
//! what was not begun is lost only if no other process follows.
//!
//! | what happened | the request that runs | those in the queue | later ones |
//! |---|---|---|---|
//! | a method panics, crashes, exits, or the process is killed; there may be another | fails, with the kind, the words and the place that a worker's error has | are for the next process, in their order | as well |
//! | the same, but there were too many [restarts](crate::Launch::restarts), or there are none (the default) | the same | [`Closed`](crate::ErrorKind::Closed), with the words of that error | the same |
//! | the constructor fails when it is run again | | wait for the next attempt, after a pause that grows | as well |
//! | a request exceeds its timeout | is told `TimedOut`, and runs on | are done after it | as well |
//! | a client's process dies, or drops what it waits for | runs on, and its result is dropped | its own are passed over | |
//! | [`Service::shutdown`](crate::Service::shutdown), or the owner and all clients are gone | is done | are done | `Closed` |
//! | a request that takes `self` | is done | those after it are `Closed` | `Closed` |
//! | [`Service::kill`](crate::Service::kill) | fails | `Closed` | `Closed` |
//! | the process that started the service ends | `Closed` | `Closed` | `Closed` |
//!
//! A panic ends the process, even though it could be caught: the method was in the middle of changing
//! something. The next object is made by the same constructor with the same arguments, and knows nothing of
//! what the one before was told: state that has to last belongs into a file. [`Service::events`](crate::Service::events)
//! tells of each death and start.
//!
//! A request that failed may have been done in part, or done and not answered. Whether it can be sent again
//! only its author knows, so it never is.
//!
//! ```
//! use multiproc::{ErrorKind, ServiceEvent, service};
//! use std::time::Duration;
//!
//! struct Divider;
//!
//! #[service]
//! impl Divider {
//!     fn new() -> Self {
//!         Divider
//!     }
//!
//!     fn divide(&self, number: i32, by: i32) -> i32 {
//!         number / by
//!     }
//! }
//!
//! # fn main() -> multiproc::Result<()> {
//! let divider = DividerClient::new().restarts(3, Duration::from_secs(60)).spawn()?;
//! let mut events = divider.events();
//! let [one, other] = [0, 4].map(|by| divider.divide(12, by).start());
//! let error = one.wait().unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::Panicked);
//! assert!(error.to_string().contains("request `divide` of service `Divider` was lost with its process"));
//! assert_eq!(other.wait()?, 3); // it waited, and the next process has done it
//! assert!(matches!(events.next(), Some(ServiceEvent::Died(_))));
//! assert!(matches!(events.next(), Some(ServiceEvent::Started { .. })));
//! # Ok(())
//! # }
//! ```
//!
//! # Services that wait for one another
//!
//! A method can send requests to other services: a client is a field like others. If that leads back to a
//! service that is busy with the request it all began with, the answer would never come. That is an error at
//! once, [`Deadlock`](crate::ErrorKind::Deadlock), which names the services of the circle; a service that asks
//! itself is the shortest one. It is found among methods that wait on their own thread, with `run` and
//! [`Pending::wait`](crate::Pending::wait), for a reply or for room in a queue. What is not found:
//!
//! * a service with `threads` greater than 1, which may go on while one of its threads waits;
//! * `await`, unless it is of a service for itself, since an executor may have other things to do meanwhile;
//! * a wait on a thread that the method has started;
//! * a wait for something else: a lock, a channel, a process, the result of a task.
//!
//! Give requests a timeout where these can form a circle. `notify` waits for no answer, so services that only
//! notify one another form none, unless their queues are full.
//!
//! # For those who know Python's `Manager`
//!
//! | with `multiprocessing.Manager` | here |
//! |---|---|
//! | one process has all objects of the manager | each service has a process; for two objects in one, write a type that has both |
//! | proxies of `dict`, `list`, `Namespace`, `Value` are there | they are [a few lines each](super::from_python::managers) |
//! | `BaseManager.register("Maths", Maths)` | [`#[service]`](macro@crate::service) on `impl Maths` |
//! | a proxy has the methods of its class, found when they are called | a client has requests, checked by the compiler |
//! | `d["n"] += 1` is two messages, and updates of others are lost in between | a method that does it is one request |
//! | `d["list"].append(1)` changes a copy | `get` returns a copy, and its type says so |
//! | an object has a thread for each client, and needs locks of its own | one request at a time, unless `threads` says otherwise |
//! | an exception of a method is raised in the caller, and the manager goes on | a method's `Result` is a value; a panic ends the process, and restarts make another |
//! | if the manager is killed, proxies raise `EOFError`, `BrokenPipeError` or `ConnectionRefusedError` | errors say how it died, and restarts make another |
//! | calls have no timeout | [`Request::timeout`](crate::Request::timeout) |
//! | `address`, `authkey`, `connect()`: over a network, too | clients are handed from process to process, on one machine |
//!
//! # What it costs
//!
//! A request is a message to another process and one back, and the two processes wake each other, as for a
//! task of a pool. `notify`, and several requests that are started before the first is waited for, save most
//! of the waking. Arguments and results are copied; long ones take longer than in a channel, since the
//! service reads them when it is their turn, and not while they are written. A number that is only counted
//! needs no message if it is an atomic in [shared memory](crate::shm::Shared). And each service is a process,
//! with what [a process costs](super::processes_or_threads).
//!
//! # Caveats
//!
//! * A service belongs to the process that has started it, and is killed when that ends, even if others have
//!   clients. A worker that starts one for its caller would take it away when it returns.
//! * Ctrl-C goes to the process of a service, too, unless it is started with
//!   [`ignore_interrupts`](crate::Launch::ignore_interrupts).
//! * A client in a copy of the process made by `fork` is [`Unsupported`](crate::ErrorKind::Unsupported).
//! * A client that does not take in its replies, because its process is stopped, say, does not stop the
//!   service, which keeps them for it in its memory.
//! * `static`s of the program have the values in the process of the service that they have at the start of the
//!   program, as in any worker.
//!
//! [`Launch`]: crate::Launch
//! [`Pending`]: crate::Pending
//! [`Service`]: crate::Service
