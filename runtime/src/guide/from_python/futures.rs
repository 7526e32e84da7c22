//! Python's `concurrent.futures`: executors and futures.
//!
//! Each table is followed by a program in which its rows occur.
//!
//! # Executors
//!
//! | Python | here |
//! |---|---|
//! | `Executor` | [`Executor`](crate::Executor), a trait |
//! | `ProcessPoolExecutor(max_workers)` | [`Pool::builder`], [`PoolBuilder::workers`] |
//! | `ProcessPoolExecutor(mp_context=..)` | [`PoolBuilder::start_method`] |
//! | `ProcessPoolExecutor(initializer=.., initargs=..)` | [`PoolBuilder::initializer`], with its arguments |
//! | `ProcessPoolExecutor(max_tasks_per_child=..)` | [`PoolBuilder::max_tasks_per_worker`] |
//! | `Executor.submit(..)` | [`Pool::submit`] |
//! | `Executor.map(..)` | [`Pool::map`] |
//! | `map(.., timeout)` | [`Map::timeout`](crate::Map::timeout), which is each task's, and ends it |
//! | `map(.., chunksize)` | [`Map::chunk_size`](crate::Map::chunk_size) |
//! | `map(.., buffersize)` | [`Map::buffered`](crate::Map::buffered); it is limited by default. For `submit`, [`PoolBuilder::queue_limit`] |
//! | `BrokenProcessPool` | only if an initializer fails, or processes die one after the other before their first task; if none can be started, only tasks fail that wait just then |
//!
//! ```
//! use multiproc::{ErrorKind, Executor, ExecutorTask, Pool, Result, StartMethod, worker};
//! use std::cell::Cell;
//! use std::sync::OnceLock;
//! use std::time::Duration;
//!
//! static UNIT: OnceLock<String> = OnceLock::new();
//!
//! #[worker]
//! fn set_unit(unit: &str) {
//!     UNIT.set(unit.to_owned()).unwrap();
//! }
//!
//! /// Returns a text, and the worker's process id.
//! #[worker]
//! fn label(number: u64) -> (String, u32) {
//!     (format!("{number} {}", UNIT.get().unwrap()), std::process::id())
//! }
//!
//! #[worker]
//! fn doze(millis: u64) -> u64 {
//!     std::thread::sleep(Duration::from_millis(millis));
//!     millis
//! }
//!
//! #[worker]
//! fn fail() {
//!     panic!("no unit");
//! }
//!
//! // `Executor`
//! fn label_one(executor: &impl Executor) -> Result<(String, u32)> {
//!     // `Executor.submit(..)`
//!     executor.submit(label::call(1)).wait()
//! }
//!
//! fn main() -> Result<()> {
//!     let pool = Pool::builder()
//!         // `ProcessPoolExecutor(max_workers)`
//!         .workers(1)
//!         // `ProcessPoolExecutor(mp_context=..)`
//!         .start_method(StartMethod::Spawn)
//!         // `ProcessPoolExecutor(initializer=.., initargs=..)`
//!         .initializer(set_unit::call("km"))
//!         // `ProcessPoolExecutor(max_tasks_per_child=..)`
//!         .max_tasks_per_worker(1)
//!         .build()?;
//!     let [one, other] = [label_one(&pool)?, label_one(&pool)?];
//!     assert_eq!([one.0, other.0], ["1 km", "1 km"]);
//!     assert_ne!(one.1, other.1); // each process has done one task
//!
//!     let pool = Pool::builder().workers(2).build()?;
//!     // `Executor.map(..)`, `map(.., chunksize)`
//!     let dozes = pool.map(doze::call, [2, 1, 0]).chunk_size(2);
//!     assert_eq!(dozes.collect::<Result<Vec<_>>>()?, [2, 1, 0]);
//!     // `map(.., timeout)`
//!     let mut dozes = pool.map(doze::call, [60_000]).timeout(Duration::from_millis(50));
//!     assert_eq!(dozes.next().unwrap().unwrap_err().kind(), ErrorKind::TimedOut);
//!     // `map(.., buffersize)`
//!     let taken = Cell::new(0);
//!     let inputs = (0..).inspect(|_| taken.set(taken.get() + 1)).map(|_| 0);
//!     assert_eq!(pool.map(doze::call, inputs).buffered(10).nth(49).unwrap()?, 0);
//!     assert!(taken.get() <= 60);
//!
//!     // `BrokenProcessPool`
//!     let pool = Pool::builder().workers(1).initializer(fail::call()).build()?;
//!     let error = pool.submit(doze::call(1)).wait().unwrap_err();
//!     assert_eq!(error.kind(), ErrorKind::Panicked);
//!     Ok(())
//! }
//! ```
//!
//! # The end of an executor
//!
//! | Python | here |
//! |---|---|
//! | `shutdown()` | [`Pool::shutdown`]; tasks that are submitted later are [`ErrorKind::Closed`] |
//! | `shutdown(wait=False)` | [`Pool::shutdown_timeout`] without any time; what runs goes on |
//! | `shutdown(cancel_futures=True)` | [`Pool::cancel_queued`], then [`Pool::shutdown`]: the running task finishes |
//! | `terminate_workers()`, `kill_workers()` | dropping the pool |
//!
//! ```
//! use multiproc::sync::Event;
//! use multiproc::{ErrorKind, Pool, worker};
//! use std::time::Duration;
//!
//! #[worker]
//! fn pass(gate: Event) -> bool {
//!     gate.wait_timeout(Duration::from_secs(60))
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let gate = Event::new()?;
//!     let pool = Pool::builder().workers(1).build()?;
//!     let running = pool.submit(pass::call(gate.clone()));
//!     while pool.active() == 0 {
//!         std::thread::yield_now();
//!     }
//!     let pending = pool.submit(pass::call(gate.clone()));
//!     // `shutdown(cancel_futures=True)`
//!     assert_eq!(pool.cancel_queued(), 1);
//!     gate.set();
//!     pool.shutdown()?;
//!     assert_eq!(pending.wait().unwrap_err().kind(), ErrorKind::Cancelled);
//!     assert!(running.wait()?);
//!
//!     gate.clear();
//!     let pool = Pool::builder().workers(1).build()?;
//!     let running = pool.submit(pass::call(gate.clone()));
//!     // `shutdown(wait=False)`
//!     assert!(!pool.shutdown_timeout(Duration::ZERO)?);
//!     assert!(!running.is_finished());
//!     gate.set();
//!     // `shutdown()`
//!     pool.shutdown()?;
//!     assert!(running.is_finished());
//!     assert!(running.wait()?);
//!     let late = pool.submit(pass::call(gate.clone()));
//!     assert_eq!(late.wait().unwrap_err().kind(), ErrorKind::Closed);
//!
//!     gate.clear();
//!     let pool = Pool::builder().workers(1).build()?;
//!     let running = pool.submit(pass::call(gate));
//!     // `terminate_workers()`, `kill_workers()`
//!     drop(pool);
//!     assert_eq!(running.wait().unwrap_err().kind(), ErrorKind::Cancelled);
//!     Ok(())
//! }
//! ```
//!
//! # Futures
//!
//! | Python | here |
//! |---|---|
//! | `Future` | [`Task`] |
//! | `Future.running()`, `Future.done()` | [`Task::state`], [`Task::is_finished`] |
//! | `Future.result(timeout)` | [`Task::wait_timeout`] |
//! | `Future.result()` | [`Task::wait`], which takes the result out |
//! | `Future.exception()` | the error of that `Result` |
//! | `Future.cancel()` | [`Task::cancel`], also when it runs; [`Task::cancel_within`] asks first |
//! | `Future.cancelled()`, `CancelledError` | [`ErrorKind::Cancelled`] |
//! | `Future.add_done_callback(..)` | [`Task::on_done`] |
//! | `TimeoutError` | `None`; [`ErrorKind::TimedOut`] is the end of a task that has a limit |
//! | `InvalidStateError` | a result is given out once; then it is [`ErrorKind::Closed`] |
//!
//! ```
//! use multiproc::{ErrorKind, Pool, Task, TaskState, worker};
//! use std::sync::mpsc;
//! use std::time::Duration;
//!
//! const LONG: Duration = Duration::from_secs(60);
//! const SHORT: Duration = Duration::from_millis(10);
//!
//! #[worker]
//! fn divide(a: u32, b: u32) -> u32 {
//!     a / b
//! }
//!
//! #[worker]
//! fn doze(time: Duration) {
//!     std::thread::sleep(time);
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let pool = Pool::builder().workers(1).build()?;
//!     // `Future`
//!     let task: Task<u32> = pool.submit(divide::call(6, 2));
//!     // `Future.result(timeout)`
//!     assert_eq!(task.wait_timeout(LONG)?, Some(3));
//!     // `InvalidStateError`
//!     assert_eq!(task.wait_timeout(LONG).unwrap_err().kind(), ErrorKind::Closed);
//!     // `Future.result()`
//!     assert_eq!(pool.submit(divide::call(9, 3)).wait()?, 3);
//!     // `Future.exception()`
//!     let error = pool.submit(divide::call(1, 0)).wait().unwrap_err();
//!     assert_eq!(error.panic().unwrap().message(), "attempt to divide by zero");
//!
//!     let task = pool.submit(doze::call(LONG));
//!     while pool.active() == 0 {
//!         std::thread::yield_now();
//!     }
//!     // `Future.running()`, `Future.done()`
//!     assert_eq!((task.state(), task.is_finished()), (TaskState::Running, false));
//!     // `TimeoutError`
//!     assert_eq!(task.wait_timeout(SHORT)?, None);
//!     let (sender, receiver) = mpsc::channel();
//!     // `Future.add_done_callback(..)`
//!     task.on_done(move |result| sender.send(result).unwrap());
//!     // `Future.cancel()`
//!     assert!(task.cancel());
//!     assert!(task.is_finished());
//!     // `Future.cancelled()`
//!     let told = receiver.recv_timeout(LONG)?.unwrap_err();
//!     assert_eq!(told.kind(), ErrorKind::Cancelled);
//!     // `CancelledError`
//!     assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Cancelled);
//!
//!     let error = pool.submit(doze::call(LONG).timeout(SHORT)).wait().unwrap_err();
//!     assert_eq!(error.kind(), ErrorKind::TimedOut);
//!     Ok(())
//! }
//! ```
//!
//! # Several futures, and `asyncio`
//!
//! | Python | here |
//! |---|---|
//! | `as_completed(..)` | [`as_completed`](crate::as_completed()) |
//! | `wait(.., FIRST_COMPLETED)` | [`wait_any`](crate::wait_any()) |
//! | `wait(.., ALL_COMPLETED)` | [`wait_all`](crate::wait_all()) |
//! | `wait(.., FIRST_EXCEPTION)` | [`as_completed`](crate::as_completed()), up to the first error |
//! | `asyncio.wrap_future(..)`, `loop.run_in_executor(..)` | [`Task`] is a [`Future`] |
//! | `Executor.map(..)` in `async` code | with the feature `stream`, `into_stream` makes a `Stream` of a [`Map`](crate::Map) |
//!
//! ```
//! use multiproc::sync::Event;
//! use multiproc::{Completion, Pool, as_completed, wait_all, wait_any, worker};
//! use std::time::Duration;
//!
//! const LONG: Duration = Duration::from_secs(60);
//!
//! #[worker]
//! fn pass(gate: Event) -> bool {
//!     gate.wait_timeout(LONG)
//! }
//!
//! #[worker]
//! fn greet(name: &str) -> String {
//!     format!("Hello, {name}!")
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let (open, closed) = (Event::new()?, Event::new()?);
//!     open.set();
//!     let pool = Pool::builder().workers(2).build()?;
//!     // `as_completed(..)`
//!     let mut results =
//!         as_completed([&closed, &open].map(|gate| pool.submit(pass::call(gate.clone()))));
//!     assert!(matches!(results.next(), Some((1, Ok(true)))));
//!     closed.set();
//!     assert!(matches!(results.next(), Some((0, Ok(true)))));
//!
//!     closed.clear();
//!     let gate = pool.submit(pass::call(closed.clone()));
//!     let greeting = pool.submit(greet::call("Alice"));
//!     let both: [&dyn Completion; 2] = [&gate, &greeting];
//!     // `wait(.., FIRST_COMPLETED)`
//!     assert_eq!(wait_any(&both, LONG), Some(1));
//!     closed.set();
//!     // `wait(.., ALL_COMPLETED)`
//!     assert!(wait_all(&both, LONG) && gate.is_finished());
//!
//!     closed.clear();
//!     let calls = [pass::call(open), pass::call(closed).timeout(Duration::from_millis(50))];
//!     // `wait(.., FIRST_EXCEPTION)`
//!     let failed = as_completed(calls.map(|call| pool.submit(call))).find(|(_, it)| it.is_err());
//!     assert_eq!(failed.unwrap().0, 1);
//!
//!     smol::block_on(async {
//!         let greeting = pool.submit(greet::call("Bob"));
//!         // `asyncio.wrap_future(..)`
//!         assert_eq!(greeting.await?, "Hello, Bob!");
//!         // `loop.run_in_executor(..)`
//!         assert_eq!(pool.submit(greet::call("Carol")).await?, "Hello, Carol!");
//!         # #[cfg(feature = "stream")] {
//!         // `Executor.map(..)` in `async` code
//!         use smol::stream::StreamExt;
//!         let mut greetings = pool.map(greet::call, ["Dave"]).into_stream();
//!         assert_eq!(greetings.next().await.unwrap()?, "Hello, Dave!");
//!         assert!(greetings.next().await.is_none());
//!         # }
//!         Ok(())
//!     })
//! }
//! ```
//!
//! [`ErrorKind::Cancelled`]: crate::ErrorKind::Cancelled
//! [`ErrorKind::Closed`]: crate::ErrorKind::Closed
//! [`ErrorKind::TimedOut`]: crate::ErrorKind::TimedOut
//! [`Pool::builder`]: crate::Pool::builder
//! [`Pool::cancel_queued`]: crate::Pool::cancel_queued
//! [`Pool::map`]: crate::Pool::map
//! [`Pool::shutdown_timeout`]: crate::Pool::shutdown_timeout
//! [`Pool::shutdown`]: crate::Pool::shutdown
//! [`Pool::submit`]: crate::Pool::submit
//! [`PoolBuilder::initializer`]: crate::PoolBuilder::initializer
//! [`PoolBuilder::max_tasks_per_worker`]: crate::PoolBuilder::max_tasks_per_worker
//! [`PoolBuilder::queue_limit`]: crate::PoolBuilder::queue_limit
//! [`PoolBuilder::start_method`]: crate::PoolBuilder::start_method
//! [`PoolBuilder::workers`]: crate::PoolBuilder::workers
//! [`Task::cancel_within`]: crate::Task::cancel_within
//! [`Task::cancel`]: crate::Task::cancel
//! [`Task::is_finished`]: crate::Task::is_finished
//! [`Task::on_done`]: crate::Task::on_done
//! [`Task::state`]: crate::Task::state
//! [`Task::wait_timeout`]: crate::Task::wait_timeout
//! [`Task::wait`]: crate::Task::wait
//! [`Task`]: crate::Task
