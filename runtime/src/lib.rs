//! Process-based parallelism: one attribute turns a function into a process entry point.
//!
//! It is for work that must not take the program down with it: a C library that crashes on one
//! file in a hundred, a computation that may never end, a leak, code that is not thread-safe. A
//! worker runs in a process of its own; what becomes of it, its caller is told.
//!
//! ```
//! use multiproc::worker;
//!
//! #[worker]
//! fn greet(name: &str) -> usize {
//!     println!("Worker process: Hello, {name}!");
//!     name.len()
//! }
//!
//! fn main() -> multiproc::Result<()> {
//!     let process = greet::spawn("Alice")?; // a new process runs greet("Alice")
//!     assert_eq!(process.join()?, 5); // its return value comes back
//!     assert_eq!(greet("Bob"), 3); // and it is still an ordinary function
//!     Ok(())
//! }
//! ```
//!
//! There is nothing to initialise. It works in binaries, examples, tests, benches and doctests,
//! and in a library whose application has never heard of it.
//!
//! # Arguments and results
//!
//! Everything that serde can write and read back is an argument or a result, by value or by
//! reference: `&str`, `&[f64]`, `&Path`, `&MyStruct` are encoded from the borrow and lent to the
//! worker on the other side. Bytes, numbers and text move at the speed of a copy. Open files and
//! sockets go along as [`Fd`].
//!
//! ```
//! use multiproc::worker;
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Summary {
//!     mean: f64,
//!     largest: f64,
//! }
//!
//! #[worker]
//! fn summarize(numbers: &[f64]) -> Option<Summary> {
//!     let largest = numbers.iter().copied().reduce(f64::max)?;
//!     let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
//!     Some(Summary { mean, largest })
//! }
//!
//! # fn main() -> multiproc::Result<()> {
//! let numbers = vec![1.0, 2.0, 6.0];
//! let summary = summarize::run(&numbers)?.unwrap();
//! assert_eq!((summary.mean, summary.largest), (3.0, 6.0));
//! # Ok(())
//! # }
//! ```
//!
//! # When things go wrong
//!
//! A worker's own `Result` is a value like any other: `f::run(..)??`. For errors that serde
//! cannot carry there is [`RemoteError`], which `?` makes out of all of them.
//!
//! How the *process* fared is [`Error`]. Whatever happens to it, joining it says so, and never
//! hangs:
//!
//! | the worker | [`Error::kind`] |
//! |---|---|
//! | panics (also with `panic = "abort"`) | [`Panicked`](ErrorKind::Panicked), with message and place |
//! | calls `exit`, with whatever code | [`Exited`](ErrorKind::Exited) |
//! | aborts, crashes, overflows its stack, is killed | [`Signaled`](ErrorKind::Signaled), with the signal |
//! | runs longer than its [`timeout`](Call::timeout) | [`TimedOut`](ErrorKind::TimedOut) |
//! | returns what cannot be sent | [`Encode`](ErrorKind::Encode) or [`Decode`](ErrorKind::Decode) |
//!
//! ```
//! use multiproc::{ErrorKind, worker};
//! use std::time::Duration;
//!
//! #[worker]
//! fn think() -> u64 {
//!     loop {
//!         std::thread::sleep(Duration::from_secs(1));
//!     }
//! }
//!
//! let error = think::call().timeout(Duration::from_millis(50)).run().unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::TimedOut);
//! ```
//!
//! # Processes
//!
//! [`worker`] puts three functions beside the function: `spawn`, which gives a [`Process`];
//! `run`, which waits for it; and `call`, which gives a [`Call`] to be configured first
//! (environment, directory, streams, limits). A [`Process`] is a [`Future`] too.
//!
//! A child never outlives its parent, however that ends. Dropping a [`Process`] detaches it. There
//! are no zombies, and nothing is left behind on disk.
//!
//! Processes are cloned from one that was prepared once, which takes a fraction of the time of
//! starting a program: see [`StartMethod`].
//!
//! # Sharing
//!
//! Handles to what several processes share are arguments like any other, and fields of your
//! types:
//!
//! * [`sync`]: locks with std's shapes, which survive their holders.
//! * [`shm`]: memory that several processes read or write where it lies.
//! * [`channel`]: channels, two-way connections and queues.
//!
//! ```
//! use multiproc::sync::Mutex;
//! use multiproc::worker;
//!
//! #[worker]
//! fn add(total: Mutex<u64>, number: u64) {
//!     *total.lock().unwrap() += number;
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let total = Mutex::new(0)?;
//! let processes = [1, 2, 3].map(|number| add::spawn(total.clone(), number));
//! for process in processes {
//!     process?.join()?;
//! }
//! assert_eq!(*total.lock().unwrap(), 6);
//! # Ok(())
//! # }
//! ```
//!
//! # Many tasks
//!
//! A [`Pool`] keeps processes for many tasks. A task that crashes fails alone; its process is
//! replaced.
//!
//! ```
//! use multiproc::{Pool, worker};
//!
//! #[worker]
//! fn square(x: u64) -> u64 {
//!     x * x
//! }
//!
//! # fn main() -> multiproc::Result<()> {
//! let pool = Pool::builder().workers(2).build()?;
//! let squares = pool.map(square::call, 0..10).collect::<multiproc::Result<Vec<_>>>()?;
//! assert_eq!(squares[9], 81);
//! # Ok(())
//! # }
//! ```
//!
//! # What it does not do
//!
//! * Isolate from malice: a worker is the same program with the same rights, unless its call
//!   takes some away ([`Call::before_worker`], [`Call::uid`]).
//! * Send closures. A worker is a function; what it needs, it is given.
//! * Run on anything but Linux, on x86-64 and aarch64.

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
compile_error!("multiproc runs on Linux (x86-64 and aarch64) only");

pub mod channel;
mod codec;
mod descriptor;
mod dispatch;
mod error;
mod limits;
mod payload;
mod pool;
#[cfg(test)]
mod probe;
mod process;
mod protocol;
mod readiness;
mod remote_error;
pub mod shm;
pub mod sync;
mod sys;
mod transport;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use descriptor::Fd;
pub use error::{Error, ErrorKind, Location, PanicInfo, Result};
pub use payload::{Payload, PayloadRef};
pub use pool::{
    AsCompleted, Initialized, Map, Pool, PoolBuilder, PoolStats, Task, TaskState, WorkerStats,
    as_completed, wait_all, wait_any,
};
pub use process::{
    Call, CallFuture, ChildInfo, Current, Process, StartMethod, Stdio, active_children, current,
    set_spare_processes,
};
pub use remote_error::RemoteError;
pub use shm::Shareable;

pub use multiproc_macros::Shareable;
/// Runs a function in every child process before its worker.
///
/// `main` does not run in children, and neither does what it sets up: logging, signal handlers,
/// allocator options. A function with this attribute, anywhere in the program or its libraries,
/// sets it up there. It takes no arguments and returns nothing; with several, the order is
/// unspecified. Its panic is the worker's.
///
/// # Examples
///
/// ```
/// use multiproc::worker;
/// use std::sync::atomic::{AtomicBool, Ordering};
///
/// static LOGGING: AtomicBool = AtomicBool::new(false);
///
/// #[multiproc::startup]
/// fn start_logging() {
///     LOGGING.store(true, Ordering::Relaxed);
/// }
///
/// #[worker]
/// fn is_logging() -> bool {
///     LOGGING.load(Ordering::Relaxed)
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// assert_eq!(is_logging::run()?, true);
/// assert_eq!(is_logging(), false); // this process never ran it
/// # Ok(())
/// # }
/// ```
pub use multiproc_macros::startup;

/// Makes a function the entry point of a process.
///
/// The function stays as it is and can be called as ever. Beside it stands a type of the same
/// name (functions and types do not share their names) with three functions:
///
/// | | |
/// |---|---|
/// | `f::spawn(args..)` | starts a process that runs `f(args..)` and gives its [`Process`] |
/// | `f::run(args..)` | starts it and waits for its result |
/// | `f::call(args..)` | binds the arguments and gives a [`Call`], to be configured and then started |
///
/// One `use module::f;` imports both.
///
/// # Parameters and results
///
/// * Owned types that are [`Payload`]: whatever serde can write and read.
/// * References `&T` to types that are [`PayloadRef`]: `&str`, `&[f64]`, `&Path`, `&MyStruct`.
/// * Results that are [`Payload`]; a function that never returns (`-> !`) has the result
///   [`Infallible`](std::convert::Infallible).
///
/// Patterns and `mut` are fine. The compiler explains what is not: `self`, `&mut T`, `dyn` and
/// `impl` types, raw pointers, borrowed results, `unsafe` and `extern` functions.
///
/// # Options
///
/// | | |
/// |---|---|
/// | `timeout = "30s"` | How long a process may run: [`Call::timeout`]. Units are `ms`, `s`, `m` or `min`, `h`. |
/// | `memory = "512MiB"` | How much memory it may take: [`Call::memory_limit`]. Units are `B`, `KiB`, `MiB`, `GiB`, `KB`, `MB`, `GB`. |
/// | `stack = "64MiB"` | How large its stack is: [`Call::stack_size`]. Units as of `memory`. |
/// | `nice = 10` | How far it stands back behind other processes, from -20 to 19: [`Call::nice`]. |
/// | `before_worker = path` | A `fn()` that runs in it before the arguments are decoded: [`Call::before_worker`]. |
/// | `runtime = path` | What runs the future of an `async fn`: see below. |
/// | `crate = path` | Names this crate where it is not `::multiproc`, because it was renamed or is re-exported by another. |
///
/// They are what calls start from; the methods of a [`Call`] override them.
///
/// ```
/// use multiproc::{ErrorKind, worker};
/// use std::time::Duration;
///
/// #[worker(timeout = "50ms", memory = "512MiB", nice = 10)]
/// fn doze(pause: Duration) {
///     std::thread::sleep(pause);
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let pause = Duration::from_millis(200);
/// assert_eq!(doze::run(pause).unwrap_err().kind(), ErrorKind::TimedOut);
/// doze::call(pause).timeout(Duration::from_secs(60)).run()?;
/// # Ok(())
/// # }
/// ```
///
/// # Async workers
///
/// An `async fn` is a worker with the option `runtime`. It names a function that runs a future to
/// its end and gives its output. The worker's process calls that function, so each process has a
/// runtime of its own; the function itself stays an ordinary `async fn`.
///
/// With tokio, it takes three lines:
///
/// ```
/// use multiproc::worker;
/// use std::time::Duration;
///
/// fn block_on<F: Future>(future: F) -> F::Output {
///     let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
///     runtime.unwrap().block_on(future)
/// }
///
/// #[worker(runtime = block_on)]
/// async fn length_later(text: &str) -> usize {
///     tokio::time::sleep(Duration::from_millis(10)).await;
///     text.len()
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// assert_eq!(length_later::run("text")?, 4);
/// # Ok(())
/// # }
/// ```
///
/// smol has it ready-made:
///
/// ```
/// use multiproc::worker;
/// use std::time::Duration;
///
/// #[worker(runtime = smol::block_on)]
/// async fn length_later(text: &str) -> usize {
///     smol::Timer::after(Duration::from_millis(10)).await;
///     text.len()
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// assert_eq!(length_later::run("text")?, 4);
/// # Ok(())
/// # }
/// ```
///
/// To await a process is another matter, and needs no option: a [`Process`] is a [`Future`].
///
/// # Generic workers
///
/// A worker can have type and const parameters, with bounds and a `where` clause. The functions
/// beside it have the same ones. What they mean follows from the arguments, or is written out.
///
/// ```
/// use multiproc::worker;
/// use std::iter::Sum;
///
/// #[worker]
/// fn sum<T: Copy + Sum<T>>(numbers: &[T]) -> T {
///     numbers.iter().copied().sum()
/// }
///
/// #[worker]
/// fn rows<const WIDTH: usize>(numbers: &[u8]) -> Vec<Vec<u8>> {
///     numbers.chunks(WIDTH).map(<[u8]>::to_vec).collect()
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// assert_eq!(sum::run(&[0.5, 1.0])?, 1.5);
/// assert_eq!(sum::run::<u64>(&[1, 2])?, 3);
/// assert_eq!(rows::run::<2>(&[1, 2, 3])?, [vec![1, 2], vec![3]]);
/// # Ok(())
/// # }
/// ```
///
/// That arguments and result can be sent need not be written: the compiler says so where a call
/// has one that cannot. A generic function that calls a generic worker has to promise it, best in
/// serde's words:
///
/// ```
/// use multiproc::worker;
/// use serde::{Serialize, de::DeserializeOwned};
///
/// #[worker]
/// fn sort<T: Ord>(mut values: Vec<T>) -> Vec<T> {
///     values.sort();
///     values
/// }
///
/// fn sort_apart<T: Ord + Serialize + DeserializeOwned + 'static>(values: Vec<T>) -> Vec<T> {
///     sort::run(values).unwrap()
/// }
///
/// assert_eq!(sort_apart(vec!['b', 'a']), ['a', 'b']);
/// ```
///
/// Lifetimes are left out: write `&[T]` for `&'a [T]`. For `impl Trait`, name a type parameter.
///
/// # Examples
///
/// ```
/// use multiproc::worker;
/// use std::time::Duration;
///
/// /// The number of primes below `limit`.
/// #[worker]
/// pub fn count_primes(limit: u32) -> usize {
///     (2..limit).filter(|n| (2..*n).all(|d| n % d != 0)).count()
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let processes = [100, 1000].map(count_primes::spawn);
/// let counts = processes.map(|process| process?.join());
/// assert!(matches!(counts, [Ok(25), Ok(168)]));
///
/// let count = count_primes::call(10).timeout(Duration::from_secs(5)).run()?;
/// assert_eq!(count, count_primes(10));
/// # Ok(())
/// # }
/// ```
pub use multiproc_macros::worker;
