//! Process-based parallelism: one attribute turns a function into a process entry point.
//!
//! It is for work that must not take the program down with it: a C library that crashes on one
//! file in a hundred, a computation that may never end, a leak, code that is not thread-safe. A
//! worker runs in a process of its own, and its caller learns how that process ended.
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
//! | to | read |
//! |---|---|
//! | learn the library | the tutorial, which begins below: [hello](#hello), [arguments](#arguments), [results and errors](#results-and-errors), [locks](#locks), [channels](#channels), [a pool](#a-pool), [services](#services), [when things die](#when-things-die), [testing](#testing), [async](#async) |
//! | know its limits | the [caveats](#caveats), here and at the end of each module |
//! | call a closure, as [`std::thread::spawn`] does | [`guide::closures`] |
//! | let an object live in a process, for others to use | [`guide::objects`] |
//! | translate a Python program | [`guide::from_python`] |
//! | choose between processes and threads | [`guide::processes_or_threads`] |
//! | run tests in processes of their own | [`guide::isolated_tests`] |
//! | know what happens inside | [`guide::how_it_works`] |
//!
//! # Hello
//!
//! The attribute [`worker`] leaves the function as it is, and adds three others beside it:
//! `spawn` starts a process and returns a [`Process`], `run` also waits for its result, and
//! `call` binds the arguments and returns a [`Call`], which configures the process.
//!
//! ```
//! use multiproc::worker;
//! use std::time::Duration;
//!
//! #[worker]
//! fn count_words(text: &str) -> usize {
//!     text.split_whitespace().count()
//! }
//!
//! # fn main() -> multiproc::Result<()> {
//! // Two processes, which run at the same time.
//! let one = count_words::spawn("It is a truth")?;
//! let other = count_words::spawn("universally acknowledged")?;
//! assert_ne!(one.id(), other.id());
//! assert_eq!(one.join()? + other.join()?, 6);
//!
//! // One process, and its result.
//! assert_eq!(count_words::run("that a single man")?, 4);
//!
//! // The same, with options.
//! let call = count_words::call("in possession of a good fortune")
//!     .name("counter")
//!     .env("LANG", "C")
//!     .timeout(Duration::from_secs(10));
//! assert_eq!(call.run()?, 6);
//! # Ok(())
//! # }
//! ```
//!
//! A [`Call`] sets the environment, the directory, the standard streams, limits of memory and time,
//! and the user, with the names of [`std::process::Command`] where it has them.
//!
//! What is short needs no attribute: [`multiproc::spawn`](spawn), [`run`] and [`call`](call()) take a
//! [closure](guide::closures) and its argument.
//!
//! ```
//! # fn main() -> multiproc::Result<()> {
//! let process = multiproc::spawn("for an old maid".to_owned(), |text| text.len())?;
//! assert_eq!(process.join()?, 15);
//! # Ok(())
//! # }
//! ```
//!
//! # Arguments
//!
//! Every type that serde can write and read back can be an argument or a result, by value or by
//! reference: `&str`, `&[f64]`, `&Path`, `&MyStruct` are encoded from the borrow and lent to the
//! worker on the other side. Bytes, numbers and text move at the speed of a copy. Open files and
//! sockets are sent as [`Fd`]. Types of your own derive serde's traits:
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
//! Arguments and results are copies, and each process has its own memory. When a worker changes
//! its copy, or a `static`, no other process sees that:
//!
//! ```
//! use multiproc::worker;
//! use std::sync::atomic::{AtomicU32, Ordering};
//!
//! static CALLS: AtomicU32 = AtomicU32::new(0);
//!
//! #[worker]
//! fn count_calls() -> u32 {
//!     CALLS.fetch_add(1, Ordering::Relaxed) + 1
//! }
//!
//! # fn main() -> multiproc::Result<()> {
//! assert_eq!(count_calls::run()?, 1);
//! assert_eq!(count_calls::run()?, 1); // another process, another static
//! # Ok(())
//! # }
//! ```
//!
//! [`sync`] and [`shm`] have what several processes can change and see.
//!
//! Values can be nested 128 levels deep: a list, map, struct or variant is one level, an option or
//! newtype a quarter of one. A deeper value could overflow the stack of its reader, and is an
//! [`Encode`](ErrorKind::Encode) error for its writer. Send a long chain as a list.
//!
//! # Results and errors
//!
//! A worker's own `Result` is a value like any other, so there are two results: the outer one is
//! that of the process, the inner one that of the worker. `f::run(..)??` takes both. For errors that
//! serde cannot carry there is [`RemoteError`], to which `?` converts all of them.
//!
//! ```
//! use multiproc::{ErrorKind, RemoteError, worker};
//!
//! #[worker]
//! fn parse(text: &str) -> Result<u32, RemoteError> {
//!     assert!(!text.is_empty(), "there is nothing to parse");
//!     Ok(text.trim().parse()?)
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! assert_eq!(parse::run(" 7 ")??, 7);
//!
//! // The worker returned an error: that is a value, and the process succeeded.
//! let error: RemoteError = parse::run("seven")?.unwrap_err();
//! assert_eq!(error.to_string(), "invalid digit found in string");
//!
//! // The worker panicked: there is no value.
//! let error: multiproc::Error = parse::run("").unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::Panicked);
//! assert_eq!(error.panic().unwrap().message(), "there is nothing to parse");
//! # Ok(())
//! # }
//! ```
//!
//! An [`Error`] has one line of text for people, and an [`ErrorKind`] for code to match on.
//!
//! In a worker that returns a [`RemoteError`], `?` also takes an `anyhow::Error` with its context,
//! and `Err("no header")?` is an error of that text. Around it, `f::run(..)??` works in functions that
//! return
//!
//! | | |
//! |---|---|
//! | `Result<T, RemoteError>` | as it is, so a worker can call others |
//! | `Result<T, Box<dyn Error>>` | as it is |
//! | [`multiproc::Result<T>`](Result) | as it is: the worker's error becomes one of the kind [`Returned`](ErrorKind::Returned) |
//! | `anyhow::Result<T>` | with the [feature](#features) `anyhow` of this crate |
//! | `Result<T, Box<dyn Error + Send + Sync>>`, other crates' results | as `f::run(..)?.map_err(RemoteError::into_error)?` |
//!
//! A worker itself cannot return an `anyhow::Result` or a `Box<dyn Error>`, which serde cannot carry:
//! let it return a [`RemoteError`], or put its body into a function that it calls with `?`. A
//! `Box<dyn Error>` is not known to be [`Send`], so there `?` needs the help of
//! [`RemoteError::new`].
//!
//! # Locks
//!
//! Handles to shared objects can be arguments and fields of your types. The locks of [`sync`] have
//! the names and shapes of std's:
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
//! A counter needs no lock: [`shm`] has [`Shared<AtomicU64>`](shm::Shared). For large data that is
//! read or written in place it has `Shared<[f64]>` and [`Buffer`](shm::Buffer), and for a large value of any type
//! that many tasks use [`Frozen`](shm::Frozen), which is sent once.
//!
//! # Channels
//!
//! A [`channel`](mod@channel) carries items while the work is going on. It ends for the receiver when
//! the last sender is gone, even if that was killed.
//!
//! ```
//! use multiproc::channel::{Sender, channel};
//! use multiproc::worker;
//!
//! #[worker]
//! fn find_divisors(number: u64, found: Sender<u64>) {
//!     for candidate in 1..=number {
//!         if number % candidate == 0 && found.send(candidate).is_err() {
//!             return; // the receiver is gone
//!         }
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (sender, receiver) = channel()?;
//! let process = find_divisors::spawn(28, sender)?;
//! assert_eq!(receiver.iter().collect::<Vec<_>>(), [1, 2, 4, 7, 14, 28]);
//! process.join()?;
//! # Ok(())
//! # }
//! ```
//!
//! [`duplex`](channel::duplex) is a connection with two ends, [`Queue`](channel::Queue) has many
//! producers and many consumers, and [`wait`](channel::wait) waits for several of these at once.
//!
//! # A pool
//!
//! A [`Pool`] runs many tasks on a few processes. A task that crashes fails alone; its process is
//! replaced.
//!
//! ```
//! use multiproc::{ErrorKind, Pool, worker};
//!
//! #[worker]
//! fn square(x: u64) -> u64 {
//!     x * x
//! }
//!
//! #[worker]
//! fn crash() {
//!     std::process::abort();
//! }
//!
//! # fn main() -> multiproc::Result<()> {
//! let pool = Pool::builder().workers(2).build()?;
//!
//! // Single tasks, whose results are waited for in any order.
//! let crash = pool.submit(crash::call());
//! let task = pool.submit(square::call(7));
//! assert_eq!(task.wait()?, 49);
//! assert_eq!(crash.wait().unwrap_err().kind(), ErrorKind::Signaled);
//!
//! // Many tasks: an iterator of their results.
//! let squares = pool.map(square::call, 0..10).collect::<multiproc::Result<Vec<_>>>()?;
//! assert_eq!(squares[9], 81);
//! # Ok(())
//! # }
//! ```
//!
//! # Services
//!
//! A worker starts with nothing but its arguments, and ends with its result. What has to stay, a loaded model
//! or a C library with global state, is an object with a process of its own. The attribute
//! [`service`](macro@service) stands on an `impl`, and adds a client whose methods are requests to that process:
//!
//! ```
//! use multiproc::{RemoteError, service, worker};
//! use std::collections::HashMap;
//!
//! struct Counts(HashMap<String, u64>);
//!
//! #[service]
//! impl Counts {
//!     fn new() -> Self {
//!         Counts(HashMap::new())
//!     }
//!
//!     fn add(&mut self, word: &str) {
//!         *self.0.entry(word.to_owned()).or_default() += 1;
//!     }
//!
//!     fn get(&self, word: &str) -> u64 {
//!         self.0.get(word).copied().unwrap_or(0)
//!     }
//! }
//!
//! #[worker]
//! fn count(text: &str, counts: CountsClient) -> Result<(), RemoteError> {
//!     for word in text.split(' ') {
//!         counts.add(word).run()?;
//!     }
//!     Ok(())
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let counts = CountsClient::new().spawn()?; // a process, and the object in it
//! let processes = ["to be or not to be", "let it be"]
//!     .map(|text| count::spawn(text, counts.client()));
//! for process in processes {
//!     process?.join()??;
//! }
//! assert_eq!(counts.get("be").run()?, 3);
//! # Ok(())
//! # }
//! ```
//!
//! One request runs at a time. If it crashes, it fails as a call does, and with
//! [`restarts`](Launch::restarts) the object is made anew for the others. [`guide::objects`] has the rest.
//!
//! # When things die
//!
//! Joining a process tells how it ended, and never waits for a process that is dead:
//!
//! | the worker | [`Error::kind`] |
//! |---|---|
//! | panics (also with `panic = "abort"`) | [`Panicked`](ErrorKind::Panicked), with message and place |
//! | calls `exit`, with any code | [`Exited`](ErrorKind::Exited) |
//! | aborts, crashes, overflows its stack, is killed | [`Signaled`](ErrorKind::Signaled), with the signal, and where it [crashed](Error::crash) |
//! | runs longer than its [`timeout`](Call::timeout) | [`TimedOut`](ErrorKind::TimedOut), with [where it was](Error::backtrace) |
//! | returns a value that cannot be sent | [`Encode`](ErrorKind::Encode) or [`Decode`](ErrorKind::Decode) |
//! | writes into the connection to its parent, by a stray `write` | [`Decode`](ErrorKind::Decode): it is killed |
//!
//! What a C library says before it aborts, it writes to the standard error:
//! [`stderr_tail`](Call::stderr_tail) keeps the last of that for the error.
//!
//! ```
//! use multiproc::sync::Mutex;
//! use multiproc::{ErrorKind, worker};
//! use std::time::Duration;
//!
//! #[worker]
//! fn think_for_ever() -> u64 {
//!     loop {
//!         std::thread::sleep(Duration::from_secs(1));
//!     }
//! }
//!
//! #[worker]
//! fn die_with_the_lock(total: Mutex<u64>) {
//!     let _guard = total.lock();
//!     std::process::abort();
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let call = think_for_ever::call().timeout(Duration::from_millis(50));
//! assert_eq!(call.run().unwrap_err().kind(), ErrorKind::TimedOut);
//!
//! let process = think_for_ever::spawn()?;
//! process.kill();
//! assert_eq!(process.join().unwrap_err().signal(), Some(9));
//!
//! // A lock does not die with its holder: the next one gets it, together with an error.
//! let total = Mutex::new(0)?;
//! let error = die_with_the_lock::run(total.clone()).unwrap_err();
//! assert!(error.to_string().contains("was killed by SIGABRT"));
//! assert!(total.lock().is_err_and(|poisoned| *poisoned.into_inner() == 0));
//! # Ok(())
//! # }
//! ```
//!
//! In the other direction, a child never outlives its parent, even if that is ended by `SIGKILL`, and
//! neither do the children of the child. So processes that are still running when `main` returns are
//! killed: [`join`](Process::join) those that must finish. Dropping a [`Process`] detaches it, but
//! does not let it outlive the program. There are no zombies, and nothing is left behind on disk.
//!
//! # Testing
//!
//! A worker is an ordinary function, so most of its tests just call it and start no process. Other
//! tests start processes as programs do, under `cargo test`, nextest, and in doctests, without any
//! preparation. Give such a test a timeout, so that it cannot hang:
//!
//! ```
//! use multiproc::{Stdio, worker};
//! use std::io::Read;
//! use std::time::Duration;
//!
//! #[worker(timeout = "60s")]
//! fn convert(celsius: f64) -> f64 {
//!     println!("converting {celsius}");
//!     celsius * 9.0 / 5.0 + 32.0
//! }
//!
//! // Each of these with `#[test]` before it:
//! fn boiling_water() {
//!     assert_eq!(convert(100.0), 212.0);
//! }
//!
//! fn boiling_water_in_a_process() {
//!     assert_eq!(convert::run(100.0).unwrap(), 212.0);
//! }
//!
//! fn says_what_it_does() {
//!     let mut process = convert::call(100.0).stdout(Stdio::piped()).spawn().unwrap();
//!     let mut text = String::new();
//!     process.take_stdout().unwrap().read_to_string(&mut text).unwrap();
//!     assert_eq!(text, "converting 100\n");
//!     process.join().unwrap();
//! }
//! # boiling_water();
//! # boiling_water_in_a_process();
//! # says_what_it_does();
//! ```
//!
//! A test that needs a process of its own, because it changes the environment, or may or has to crash, has
//! [`#[multiproc::test]`](macro@test) in the place of `#[test]`: see [`guide::isolated_tests`].
//!
//! The test harness captures what its own threads print, and not what processes do. With
//! [`capture_output(true)`](Call::capture_output) a call has its output printed, and so captured, by the test; a test that looks at
//! it has a pipe. An assertion that fails in a worker is a panic, and `unwrap` shows it with its place.
//! `MULTIPROC_START_METHOD=spawn cargo test` runs everything with the other [`StartMethod`].
//!
//! # Async
//!
//! [`Process`], [`Call`], [`Task`] and [`Request`] can be awaited, on any executor; so can
//! [`recv_async`](channel::Receiver::recv_async). An `async fn` can be a worker if the attribute names
//! a function that [runs its future](macro@worker#async-workers).
//!
//! ```
//! use multiproc::worker;
//! use std::time::Duration;
//!
//! #[worker(runtime = smol::block_on)]
//! async fn measure_later(text: &str) -> usize {
//!     smol::Timer::after(Duration::from_millis(10)).await;
//!     text.len()
//! }
//!
//! # fn main() -> multiproc::Result<()> {
//! smol::block_on(async {
//!     let one = measure_later::spawn("one")?;
//!     let other = measure_later::spawn("other")?;
//!     assert_eq!(one.await? + other.await?, 8);
//!     assert_eq!(measure_later::call("both").timeout(Duration::from_secs(10)).await?, 4);
//!     Ok(())
//! })
//! # }
//! ```
//!
//! With the [feature](#features) `stream`, a [`channel::Receiver`] is a `Stream`, and the results of a
//! [`Pool::map`] become one.
//!
//! # Logs
//!
//! `main` does not run in a worker's process, and so neither does what it sets up, such as a logger. With the
//! [features](#features) `log` and `tracing`, what workers log arrives at the logger of the
//! program, and their spans and events at its subscriber: [how](guide::logging).
//!
//! # Features
//!
//! None of these is on by default:
//!
//! | feature | what there is with it |
//! |---|---|
//! | `stream` | A [`channel::Receiver`] is a `Stream` of futures-core, and so is what `into_stream` makes of a [`Map`]. |
//! | `log` | What workers log through the crate log arrives at the logger of the program: see [`guide::logging`]. |
//! | `tracing` | The spans and events of workers arrive at the subscriber of the program: see [`guide::logging`]. |
//! | `anyhow` | `?` makes an `anyhow::Error` of a [`RemoteError`]. |
//!
//! # What it does not do
//!
//! * Isolate from malice: a worker is the same program with the same rights, unless its call
//!   takes some away ([`Call::before_worker`], [`Call::uid`]).
//! * Send what a closure captures. A worker is a function, which is given all it needs as arguments; so is
//!   a [closure](guide::closures).
//! * Start processes on systems other than Linux, on x86-64 and aarch64. There it compiles, and a worker
//!   is an ordinary function; what needs a process is [`Unsupported`](ErrorKind::Unsupported).
//!
//! # Caveats
//!
//! What a child is:
//!
//! * It is the program, stopped before `main`. Globals, a logger, signal handlers, libraries
//!   loaded with `dlopen` that `main` sets up are missing in it. A function with
//!   [`startup`](macro@startup) sets them up. Code that runs *before* `main`, such as C++'s static
//!   initialisers, runs in children too: in each one, or once for all that are cloned from the
//!   [fork server](StartMethod::ForkServer).
//! * [`std::env::args`] returns the program's arguments there too.
//! * The standard streams are the parent's. Input goes to the first process that reads it. The
//!   output of several processes is mixed, and if a process is killed, a line that it has not
//!   finished is lost.
//! * A descriptor that is not close-on-exec is inherited. Rust opens none, some C libraries do;
//!   the children of the fork server have those that were open at the first call.
//!
//! What a program with children should know:
//!
//! * Ctrl-C goes to all processes in the foreground of the terminal. If the program handles it, its
//!   workers still die of it, unless they [ignore](PoolBuilder::ignore_interrupts) it: see
//!   [the page on stopping](guide::stopping#ctrl-c).
//! * Where `SIGCHLD` is ignored, or other code waits for any child that ends (`waitpid(-1)`),
//!   results arrive, but how a worker died cannot be known.
//! * In a process that was made by `fork`, starting a worker is
//!   [`Unsupported`](ErrorKind::Unsupported). The same holds in a shared library, an extension of
//!   Python for example, whose workers the program does not know.
//! * It is `Unsupported`, too, in a program that has more rights than the user who executed it
//!   (set-user-ID, file capabilities). Executing the program again would give children those
//!   rights even if their parent has given them up, and a child trusts the process that executed it.
//!
//! What the library needs:
//!
//! * Linux 5.4 or newer, with `/proc` mounted. Containers and sandboxes have to allow `clone`,
//!   `pidfd_open`, `waitid` and `memfd_create`; where `clone` with `CLONE_PARENT` is forbidden,
//!   children are executed and not cloned.
//! * The program has to be executed directly, and not by an interpreter: for
//!   `ld-linux.so ./program`, the kernel would execute `ld-linux.so` again.
//!
//! Tools:
//!
//! * Debuggers stay with the parent. In gdb, use `set follow-fork-mode child` and a breakpoint in
//!   the worker; or attach to its process, which has the worker's name in `ps`.
//! * valgrind has to know `pidfd_open`: 3.19 does not, and no process can be started under it.
//! * Coverage is written when a process ends, unless it is killed. Clones write to one file: let
//!   `LLVM_PROFILE_FILE` contain `%m`, so that they add up.

#![cfg_attr(docsrs, feature(doc_cfg))]
// Where no process can be started, what starts them and what they do is not called.
#![cfg_attr(
    not(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )),
    allow(dead_code, unreachable_code, unused_imports, unused_variables)
)]

#[cfg(any(test, fuzzing))]
#[doc(hidden)]
#[path = "fuzz/mod.rs"]
pub mod __fuzz;
mod backtrace;
pub mod channel;
mod codec;
mod completion;
mod crash;
mod descriptor;
mod dispatch;
mod error;
mod foreign;
mod function;
pub mod guide;
mod halves;
mod hints;
mod limits;
mod lock;
#[cfg(any(feature = "log", feature = "tracing"))]
#[cfg_attr(docsrs, doc(cfg(any(feature = "log", feature = "tracing"))))]
pub mod logging;
mod payload;
mod pool;
#[cfg(test)]
mod probe;
mod process;
mod protocol;
#[cfg(test)]
mod random;
mod raw;
mod readiness;
mod records;
mod remote_error;
mod service;
pub mod shm;
mod spin;
pub mod sync;
mod sys;
mod testing;
mod trace;
mod transport;
mod usage;
mod verdict;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

#[doc(hidden)]
pub use completion::Ending;

pub use completion::Completion;
pub use crash::Crash;
pub use descriptor::Fd;
pub use error::{Error, ErrorKind, Location, PanicInfo, Result};
pub use function::{Function, call, run, spawn};
#[doc(hidden)] // rustc says their names as they are here.
pub use hints::{
    PayloadArray, PayloadChannel, PayloadHandle, PayloadPointer, PayloadRefArray, PayloadRefHandle,
    PayloadResult,
};
pub use payload::{Payload, PayloadRef};
pub use pool::{
    AsCompleted, Distribution, EnvValue, Executor, ExecutorMap, ExecutorTask, Indexed, Initialized,
    Inputs, IntoCall, Map, Pool, PoolBuilder, PoolStats, ShutdownFuture, SlowTask, SubmitFuture,
    Task, TaskState, TrySubmitError, WaitTimeoutError, WorkerStats, as_completed, is_cancelled,
    retire, wait_all, wait_any,
};
#[cfg(feature = "stream")]
#[cfg_attr(docsrs, doc(cfg(feature = "stream")))]
pub use pool::{IndexedStream, MapStream};
pub use process::{
    Call, CallFuture, ChildInfo, Current, Killer, PortableCall, Process, StartMethod, Stdio,
    active_children, current, set_spare_processes,
};
pub use remote_error::RemoteError;
pub use service::{Launch, Pending, Request, RequestFuture, Service, ServiceEvent, ServiceEvents};
pub use shm::Shareable;
pub use usage::Usage;

/// Implements the trait [`Shareable`](trait@Shareable) for a type that may live in memory shared
/// between processes.
///
/// All fields have to be `Shareable`, too; the type must not have a destructor.
///
/// # Examples
///
/// ```
/// use multiproc::Shareable;
/// use multiproc::sync::Mutex;
///
/// #[derive(Clone, Copy, Shareable)]
/// struct Position {
///     x: f64,
///     y: f64,
/// }
///
/// # fn main() -> std::io::Result<()> {
/// let position = Mutex::new(Position { x: 0.0, y: 0.0 })?;
/// position.lock().unwrap().x += 1.0;
/// # Ok(())
/// # }
/// ```
pub use multiproc_macros::Shareable;
/// Makes the type of an `impl` an object that lives in a process of its own.
///
/// A loaded model, a database handle, a C library with global state: it is made once, in its process,
/// and never leaves it. Other threads and processes have clients, and send it requests.
///
/// ```
/// use multiproc::RemoteError;
/// use std::collections::BTreeMap;
/// use std::path::Path;
///
/// struct Index {
///     places: BTreeMap<String, Vec<u64>>,
/// }
///
/// #[multiproc::service]
/// impl Index {
///     fn open(path: &Path) -> Result<Self, RemoteError> {
///         let text = std::fs::read_to_string(path)?;
///         let mut index = Index { places: BTreeMap::new() };
///         for (place, word) in (0..).zip(text.split_whitespace()) {
///             index.add(word, place);
///         }
///         Ok(index)
///     }
///
///     fn find(&self, word: &str) -> Vec<u64> {
///         self.places.get(word).cloned().unwrap_or_default()
///     }
///
///     fn add(&mut self, word: &str, place: u64) {
///         self.places.entry(word.to_owned()).or_default().push(place);
///     }
///
///     fn close(self) -> usize {
///         self.places.len()
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let path = std::env::temp_dir().join(format!("multiproc_service_{}", std::process::id()));
/// # std::fs::write(&path, "the dog and the cat")?;
/// let index = IndexClient::open(&path).spawn()?;
/// # let read = index.find("the").run();
/// # std::fs::remove_file(&path)?;
/// # assert_eq!(read?, [0, 3]);
/// assert_eq!(index.find("dog").run()?, [1]);
/// index.add("dog", 5).run()?;
/// assert_eq!(index.find("dog").run()?, [1, 5]);
/// index.shutdown()?;
/// # Ok(())
/// # }
/// ```
///
/// The `impl` stays as it is, and its functions can still be called. The attribute adds a type beside it,
/// `IndexClient` for `Index`:
///
/// | in the `impl` | for the client |
/// |---|---|
/// | a function that gives `Self`, `Result<Self, E>` or `Option<Self>` | a constructor: `IndexClient::open(path)` is a [`Launch`], whose `spawn` starts a [`Service`] |
/// | a method that takes `&self` or `&mut self` | a request: `client.find("dog")` is a [`Request`], which is then sent, and answered |
/// | a method that takes `self` | the last request: the service ends with it |
///
/// A constructor is called in the process of the service. If it gives an error or `None`, the service
/// cannot be started, and the error of that has the text of the constructor's: `E` can be any type with
/// [`Display`](std::fmt::Display).
///
/// A client is a handle, and cheap: it can be cloned, and sent to other processes as an argument, in a result,
/// in a channel, or as a field of something that is sent.
///
/// # Parameters and results
///
/// Methods and constructors take and give what a [`worker`](macro@worker#parameters-and-results) can: owned
/// types and references in, owned types out. They cannot be generic, but the `impl` can: then the client
/// has the same parameters.
///
/// Requests cannot be called `client`, `events`, `id`, `kill`, `shutdown` or `shutdown_timeout`, which are
/// what can be done with a [`Service`] itself. Helpers, constants and the `impl`s of traits stand in other `impl`s, which
/// have no attribute.
///
/// # Visibility
///
/// The function of a client is as visible as the method, and the type of the clients as the most visible
/// of the methods.
///
/// # Options
///
/// | | |
/// |---|---|
/// | `client = Name` | What the type of the clients is called. |
/// | `queue = 64` | How many requests can wait until it is their turn. If there are more, sending one waits. |
/// | `threads = 4` | How many requests run at the same time, if they take `&self`. The type has to be [`Send`] and [`Sync`]. |
/// | `timeout = "30s"` | The time that each request may take, unless it has `#[request(timeout = "5s")]` above it. |
/// | `memory`, `stack`, `nice`, `before_worker`, `runtime`, `crate` | As those of [`worker`](macro@worker#options). `async` methods need `runtime`. |
///
/// # Examples
///
/// A service with options, and with methods that are `async`:
///
/// ```
/// use std::collections::HashMap;
///
/// #[derive(Default)]
/// struct Pages {
///     texts: HashMap<String, String>,
/// }
///
/// #[multiproc::service(client = Browser, timeout = "30s", runtime = smol::block_on)]
/// impl Pages {
///     fn new() -> Self {
///         Self::default()
///     }
///
///     #[request(timeout = "2min")]
///     async fn load(&mut self, url: String) -> usize {
///         let text = fetch(&url).await;
///         self.texts.entry(url).or_insert(text).len()
///     }
/// }
///
/// async fn fetch(url: &str) -> String {
///     format!("what is at {url}")
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let browser = Browser::new().spawn()?;
/// assert_eq!(browser.load("a".to_owned()).run()?, 12);
/// # Ok(())
/// # }
/// ```
pub use multiproc_macros::service;

/// Runs a function in every child process before its worker.
///
/// `main` does not run in children, so its setup is missing there: logging, signal handlers,
/// allocator options. A function with this attribute, anywhere in the program or its libraries,
/// makes up for that. It takes no arguments and returns nothing; if there are several, their order
/// is unspecified. If it panics, the worker counts as panicked.
///
/// # Examples
///
/// ```standalone_crate
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
///
/// # Caveats
///
/// * The function cannot start workers, which is [`Unsupported`](crate::ErrorKind::Unsupported): each
///   of them would run it first, and start another, without end.
/// * It runs on the first thread of the process, and the worker on another. The worker inherits the
///   restrictions of that thread (signals, CPUs, sandboxes), but not its thread-locals.
/// * It must not use locks and queues that are shared with other processes: see the
///   [caveats](sync#caveats) of [`sync`].
/// * Its time counts towards a [`timeout`](Call::timeout). In a [`Pool`] it runs once for each
///   process.
pub use multiproc_macros::startup;

/// Makes a function a test that runs in a process of its own.
///
/// It is used in the place of `#[test]`, and needs nothing else: `cargo test`, filters, `--test-threads`,
/// `--nocapture` and nextest see an ordinary test. What belongs to a whole process is the test's alone:
/// environment, working directory, signal handlers, loggers, panic hooks, `static`s. A test that
/// crashes or hangs fails alone.
///
/// ```
/// fn parse_port() -> Option<u16> {
///     std::env::var("PORT").ok()?.parse().ok()
/// }
///
/// #[multiproc::test]
/// fn the_port_is_taken_from_the_environment() {
///     // Safe with other tests running: this process has no other thread that reads it.
///     unsafe { std::env::set_var("PORT", "8080") };
///     assert_eq!(parse_port(), Some(8080));
/// }
///
/// #[multiproc::test(timeout = "5s", dies = "SIGABRT")]
/// fn a_broken_invariant_aborts() {
///     std::process::abort();
/// }
/// ```
///
/// # Options
///
/// | | |
/// |---|---|
/// | `dies = "SIGABRT"` | The process has to be killed by this signal. |
/// | `exits = 3` | The process has to exit with this code. |
/// | `timeout = "30s"` | The time that the test may take, a minute by default. |
/// | `memory`, `stack`, `nice`, `before_worker`, `runtime`, `crate` | As those of [`worker`](macro@worker#options). An `async` test needs `runtime`. |
///
/// # Outcomes
///
/// A panic, `#[should_panic]` with or without `expected`, `#[ignore]` and a returned `Result` mean what they
/// mean in an ordinary test, and a failure has the test's own message and place. In all other cases,
/// the failure says how the process ended. It is a failure, too, if a test with `#[should_panic]` ends
/// in another way than by a panic.
///
/// What the test prints is captured, also by code in other languages, and is shown while it is
/// printed with `--nocapture`.
///
/// # Examples
///
/// A test of a C function that is to crash, one with an executor, and one for several values: the
/// attributes of other crates that call a test with values, such as `#[rstest]` and `#[test_case]`, stand
/// above this one.
///
/// ```
/// use std::ffi::{CStr, c_char};
///
/// unsafe extern "C" {
///     fn strlen(text: *const c_char) -> usize;
/// }
///
/// #[multiproc::test(dies = "SIGSEGV")]
/// fn a_null_pointer_has_no_length() {
///     let length = unsafe { strlen(std::hint::black_box(std::ptr::null())) };
///     println!("{length}");
/// }
///
/// #[multiproc::test(runtime = smol::block_on)]
/// async fn time_passes() {
///     smol::Timer::after(std::time::Duration::from_millis(10)).await;
/// }
/// ```
///
/// # Caveats
///
/// * It starts a process, which takes longer than an ordinary test does.
/// * It runs on a thread whose name is the test's, as in an ordinary test, with a stack of 8 MiB.
/// * `main` and the test harness do not run in its process, but [start-up functions](macro@startup) do.
/// * A payload of a panic that is not a string arrives as a text that says so.
/// * Processes that the test has started and not waited for go on, unless they are workers.
pub use multiproc_macros::test;

/// Makes a function the entry point of a process.
///
/// The function stays as it is and can still be called. The attribute adds a type of the same
/// name (functions and types have separate namespaces) with three functions:
///
/// | | |
/// |---|---|
/// | `f::spawn(args..)` | starts a process that runs `f(args..)`, and returns its [`Process`] |
/// | `f::run(args..)` | starts the process and waits for its result |
/// | `f::call(args..)` | binds the arguments and returns a [`Call`], to be configured and then started |
///
/// One `use module::f;` imports both.
///
/// # Parameters and results
///
/// * Parameters can be of owned types that are [`Payload`]: all that serde can write and read.
/// * They can be references `&T` to types that are [`PayloadRef`]: `&str`, `&[f64]`, `&Path`,
///   `&MyStruct`.
/// * Results are [`Payload`]; a function that never returns (`-> !`) has the result
///   [`Infallible`](std::convert::Infallible).
///
/// Patterns and `mut` are allowed. The compiler explains what is not: `self`, `&mut T`, `dyn` and
/// `impl` types, raw pointers, borrowed results, `unsafe` and `extern` functions. It also refuses the
/// types of std that mean something in one process only, such as `std::sync::Mutex`, `RefCell`, `File`
/// and `Instant`, alone or in a `Vec`, an `Arc` and the like: serde would copy some of them, and the
/// copies would have nothing to do with each other. And it refuses types with a lifetime, also where
/// that is left out, as in `MutexGuard<u64>` or `Cow<str>`; `Cow<'static, str>` owns its data.
///
/// The function stands in a module or in another function. In an `impl` or a `trait` there is no room
/// for the type beside it: move it out, and call it from there. (The compiler says so; of an `impl` that
/// a macro makes it says that a struct and an implementation are not supported there.) For a test that
/// runs in a process of its own there is `#[multiproc::test]`, in the place of `#[test]` and `#[worker]`.
///
/// # Options
///
/// | | |
/// |---|---|
/// | `timeout = "30s"` | The time that a process may run: [`Call::timeout`]. Units are `ms`, `s`, `m` or `min`, `h`. |
/// | `memory = "512MiB"` | The memory that it may take: [`Call::memory_limit`]. Units are `B`, `KiB`, `MiB`, `GiB`, `KB`, `MB`, `GB`. |
/// | `stack = "64MiB"` | The size of its stack: [`Call::stack_size`]. Units are those of `memory`. |
/// | `nice = 10` | The niceness that is added, from -20 to 19: [`Call::nice`]. |
/// | `before_worker = path` | A `fn()` that runs in the process before the arguments are decoded: [`Call::before_worker`]. |
/// | `runtime = path` | The function that runs the future of an `async fn`: see below. |
/// | `crate = path` | The path of this crate where it is not `::multiproc`, because it was renamed or is re-exported by another. |
///
/// They are the defaults of all calls; the methods of a [`Call`] override them. In a [`Pool`], they hold
/// for the [task](Pool::submit).
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
/// An `async fn` can be a worker with the option `runtime`. It names a function that runs a future
/// to its end and returns its output. The worker's process calls that function, so each process has
/// a runtime of its own; the worker itself stays an ordinary `async fn`.
///
/// With tokio, the function takes three lines:
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
/// smol has such a function:
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
/// Awaiting a process needs no option: a [`Process`] is a [`Future`].
///
/// # Generic workers
///
/// A worker can have type and const parameters, with bounds and a `where` clause. Its `spawn`, `run`
/// and `call` have the same ones, which are inferred from the arguments or written out.
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
/// There is no need for bounds that say that arguments and result can be sent: the compiler checks
/// this at each call. A generic function that calls a generic worker has to have such bounds, best
/// those of serde:
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
///
/// # Caveats
///
/// * Calling the function runs it here, in this process. Only `spawn`, `run` and `call` use
///   another.
/// * Beside a worker `f` there can be no type and no module `f`.
/// * In its process, the worker does not run on the first thread. Code that needs a process with one
///   thread, such as `unshare` of a user namespace, belongs into
///   [`before_worker`](Call::before_worker).
pub use multiproc_macros::worker;
