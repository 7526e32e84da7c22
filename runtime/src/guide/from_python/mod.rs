//! Coming from Python: the names of `multiprocessing` and `concurrent.futures`, and their
//! counterparts here.
//!
//! A function with [`#[worker]`](macro@crate::worker) corresponds to a `target` in Python: a function
//! at the top of a module, whose arguments and result can be sent. It needs no main guard, since
//! `main` does not run in children.
//!
//! # Names
//!
//! Each page has tables of names, and programs in which each of their rows occurs:
//!
//! | names of | such as |
//! |---|---|
//! | [`multiprocessing`] | `Process`, `Lock`, `Event`, `Value`, `Array`, `Pipe`, `Queue` |
//! | [`multiprocessing.pool`](pool) | `Pool`, `AsyncResult` |
//! | [`multiprocessing.connection`](connection) | `Connection`, `wait` |
//! | [`multiprocessing.shared_memory`](shared_memory) | `SharedMemory`, `ShareableList` |
//! | [`multiprocessing.managers`](managers) | `Manager`, `BaseManager`, `SyncManager`, proxies |
//! | [`concurrent.futures`](futures) | `ProcessPoolExecutor`, `Future`, `as_completed` |
//!
//! # Three programs
//!
//! ## A pool, and results as they come
//!
//! In Python:
//!
//! ```python
//! from concurrent.futures import ProcessPoolExecutor, as_completed
//!
//! def shout(word, times):
//!     return word.upper() + "!" * times
//!
//! if __name__ == "__main__":
//!     with ProcessPoolExecutor(max_workers=2) as pool:
//!         tasks = [pool.submit(shout, word, 2) for word in ["hot", "cold"]]
//!         results = {task.result() for task in as_completed(tasks)}
//!         assert results == {"HOT!!", "COLD!!"}
//!         lengths = list(pool.map(len, ["one", "three"]))
//!         assert lengths == [3, 5]
//! ```
//!
//! Here:
//!
//! ```
//! use multiproc::{Pool, as_completed, worker};
//! use std::collections::BTreeSet;
//!
//! #[worker]
//! fn shout(word: &str, times: usize) -> String {
//!     word.to_uppercase() + &"!".repeat(times)
//! }
//!
//! #[worker]
//! fn len(word: &str) -> usize {
//!     word.len()
//! }
//!
//! fn main() -> multiproc::Result<()> {
//!     let pool = Pool::builder().workers(2).build()?;
//!     let tasks = ["hot", "cold"].map(|word| pool.submit(shout::call(word, 2)));
//!     let results: BTreeSet<String> =
//!         as_completed(tasks).map(|(_, result)| result).collect::<multiproc::Result<_>>()?;
//!     assert_eq!(results, BTreeSet::from(["HOT!!".into(), "COLD!!".into()]));
//!     let lengths: Vec<usize> =
//!         pool.map(len::call, ["one", "three"]).collect::<multiproc::Result<_>>()?;
//!     assert_eq!(lengths, [3, 5]);
//!     pool.shutdown()
//! }
//! ```
//!
//! ## A value and its lock
//!
//! In Python:
//!
//! ```python
//! from multiprocessing import Process, Value
//!
//! def deposit(balance, amount):
//!     for _ in range(100):
//!         with balance.get_lock():
//!             balance.value += amount
//!
//! if __name__ == "__main__":
//!     balance = Value("q", 0)
//!     processes = [Process(target=deposit, args=(balance, n)) for n in (1, 2)]
//!     for process in processes:
//!         process.start()
//!     for process in processes:
//!         process.join()
//!         assert process.exitcode == 0
//!     assert balance.value == 300
//! ```
//!
//! Here:
//!
//! ```
//! use multiproc::sync::Mutex;
//! use multiproc::worker;
//!
//! #[worker]
//! fn deposit(balance: Mutex<i64>, amount: i64) {
//!     for _ in 0..100 {
//!         *balance.lock().unwrap() += amount;
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let balance = Mutex::new(0)?;
//!     let processes = [1, 2].map(|amount| deposit::spawn(balance.clone(), amount));
//!     for process in processes {
//!         process?.join()?;
//!     }
//!     assert_eq!(*balance.lock().unwrap(), 300);
//!     Ok(())
//! }
//! ```
//!
//! ## Queues, and a worker that fails
//!
//! In Python:
//!
//! ```python
//! from multiprocessing import Process, Queue
//!
//! def invert(inputs, outputs):
//!     while (number := inputs.get()) is not None:
//!         outputs.put(1 / number)
//!
//! if __name__ == "__main__":
//!     inputs, outputs = Queue(), Queue()
//!     process = Process(target=invert, args=(inputs, outputs))
//!     process.start()
//!     for number in (2, 4, 0):
//!         inputs.put(number)
//!     inputs.put(None)
//!     assert [outputs.get(), outputs.get()] == [0.5, 0.25]
//!     process.join()
//!     assert process.exitcode == 1  # and a traceback was printed
//! ```
//!
//! Here:
//!
//! ```
//! use multiproc::channel::Queue;
//! use multiproc::{ErrorKind, worker};
//!
//! #[worker]
//! fn invert(inputs: Queue<u32>, outputs: Queue<f64>) {
//!     for number in &inputs {
//!         assert_ne!(number, 0, "division by zero");
//!         outputs.push(1.0 / f64::from(number)).unwrap();
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let (inputs, outputs) = (Queue::bounded(8)?, Queue::bounded(8)?);
//!     let process = invert::spawn(inputs.clone(), outputs.clone())?;
//!     for number in [2, 4, 0] {
//!         inputs.push(number)?;
//!     }
//!     inputs.close(); // instead of `None` for each consumer
//!     assert_eq!([outputs.pop()?, outputs.pop()?], [0.5, 0.25]);
//!     let error = process.join().unwrap_err();
//!     assert_eq!(error.kind(), ErrorKind::Panicked);
//!     assert!(error.panic().unwrap().message().contains("division by zero"));
//!     Ok(())
//! }
//! ```
//!
//! # What is different
//!
//! | | Python | here |
//! |---|---|---|
//! | the program ends | waits for children that are not daemons | ends them: [`join`](crate::Process::join) those that must finish |
//! | the program is killed | children run on | children end |
//! | a worker raises, or panics | text on the standard error, and an exit code | an [`Error`] with the message and the place |
//! | a pool's worker is killed | `Pool`: the result never comes. `ProcessPoolExecutor`: all tasks fail | its own task fails, with the signal |
//! | a manager is killed | its objects are lost, and proxies raise errors | requests fail, with the signal; [restarts](crate::Launch::restarts) make the object anew |
//! | a holder of a lock is killed | the lock stays locked | the next one gets it, in a [`PoisonError`](std::sync::PoisonError) |
//! | a running task | cannot be cancelled | can be: [`Task::cancel`], [`Call::timeout`] |
//! | `Pool.map`, one task fails | raises when all are done | the iterator goes on; collecting into a `Result` stops there |
//! | `map` begins | when it is called | when its first result is asked for |
//! | the input of `map` | taken as a whole | taken as results are asked for |
//! | leaving `with Pool()` | terminates the pool | dropping the pool does the same; [`Pool::shutdown`] waits |
//! | leaving `with ProcessPoolExecutor()` | waits | call [`Pool::shutdown`] |
//! | values that cannot be sent | are found when they are sent | are mostly found by the compiler |
//! | errors | arrive with their type | arrive with their type in a worker's `Result`, if serde can carry it, or as [`RemoteError`] |
//! | standard input of a child | `/dev/null` | the parent's: see [`Call::stdin`] |
//! | start methods | `fork`, `spawn`, `forkserver` | the last two |
//!
//! # What is absent, and why
//!
//! * **`set_start_method("fork")`.** A copy of a process with threads inherits locks that are held by
//!   threads that the copy does not have. Children are made from the program as it is before `main`.
//! * **Closures with what they have captured, bound methods.** A process can be told *which* function to
//!   run, since both have the same code: a [closure](crate::guide::closures) that captures nothing can be
//!   called in a process. A library cannot see what a closure has captured. Pass it as arguments.
//! * **`pickle`, `ForkingPickler`, `copyreg`.** serde's derive determines how a type is sent.
//! * **A manager's process for many objects, and its `address`, `connect()`, `get_server()`.** Each object is
//!   a [service](managers) with a process of its own, and a client is handed to others, on the same machine.
//! * **`Listener` and `Client`, `authkey`, `AuthenticationError`.** They connect unrelated processes
//!   by a name. Use a socket of [`std::os::unix::net`] or [`std::net`], which can be an argument and
//!   an item, as [`Fd`](crate::Fd).
//! * **Names of shared memory, the resource tracker.** Memory without a name cannot be left behind.
//! * **`freeze_support`, `set_executable`, `if __name__ == "__main__"`.** Children never reach
//!   `main`.
//! * **`get_logger`, `log_to_stderr`.** The library prints nothing. Set up a logger in children
//!   with [`startup`](macro@crate::startup).
//! * **`set_result`, `set_exception`, `set_running_or_notify_cancel`.** Only pools make a
//!   [`Task`]. To hand over a value of your own, use a channel.
//! * **`n_waiting` of a barrier, `locked()` of a lock.** Their answers may be outdated when they are
//!   read.
//! * **`ThreadPool`, `multiprocessing.dummy`, `ThreadPoolExecutor`.** This library does not deal with
//!   threads: see [`processes_or_threads`](super::processes_or_threads).
//! * **`InterpreterPoolExecutor`.** Rust has no interpreter.
//!
//! [`Call::stdin`]: crate::Call::stdin
//! [`Call::timeout`]: crate::Call::timeout
//! [`Error`]: crate::Error
//! [`Pool::shutdown`]: crate::Pool::shutdown
//! [`RemoteError`]: crate::RemoteError
//! [`Task::cancel`]: crate::Task::cancel
//! [`Task`]: crate::Task

pub mod connection;
pub mod futures;
pub mod managers;
pub mod multiprocessing;
pub mod pool;
pub mod shared_memory;
