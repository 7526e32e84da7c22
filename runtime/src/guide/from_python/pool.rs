//! Python's `multiprocessing.pool`: `Pool` and `AsyncResult`.
//!
//! Each table is followed by a program in which each of its rows occurs.
//!
//! # The pool
//!
//! | Python | here |
//! |---|---|
//! | `Pool(processes)` | [`Pool::builder`], [`PoolBuilder::workers`] |
//! | `Pool(initializer=.., initargs=..)` | [`PoolBuilder::initializer`], with its arguments |
//! | `Pool(maxtasksperchild=..)` | [`PoolBuilder::max_tasks_per_worker`] |
//! | `Pool.apply(..)` | [`Pool::submit`] and [`Task::wait`] |
//! | `Pool.close()` | [`Pool::shutdown_timeout`] without any time |
//! | `Pool.join()` | [`Pool::shutdown`], which closes the pool, too |
//! | `Pool.terminate()` | dropping the pool |
//! | `ThreadPool` | rayon, or [`std::thread::scope`] |
//!
//! ```
//! use multiproc::sync::Event;
//! use multiproc::{ErrorKind, Pool, worker};
//! use std::sync::OnceLock;
//! use std::time::Duration;
//!
//! const LONG: Duration = Duration::from_secs(60);
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
//! fn pass(gate: Event) -> bool {
//!     gate.wait_timeout(LONG)
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let pool = Pool::builder()
//!         // `Pool(processes)`
//!         .workers(2)
//!         // `Pool(initializer=.., initargs=..)`
//!         .initializer(set_unit::call("km"))
//!         // `Pool(maxtasksperchild=..)`
//!         .max_tasks_per_worker(1)
//!         .build()?;
//!     assert_eq!(pool.workers(), 2);
//!     // `Pool.apply(..)`
//!     let (one, one_id) = pool.submit(label::call(1)).wait()?;
//!     let (two, two_id) = pool.submit(label::call(2)).wait()?;
//!     assert_eq!([one, two], ["1 km", "2 km"]);
//!     assert_ne!(one_id, two_id); // each has done one task
//!
//!     let gate = Event::new()?;
//!     let task = pool.submit(pass::call(gate.clone()));
//!     // `Pool.close()`
//!     assert!(!pool.shutdown_timeout(Duration::ZERO)?);
//!     let late = pool.submit(label::call(3));
//!     assert_eq!(late.wait().unwrap_err().kind(), ErrorKind::Closed);
//!     gate.set();
//!     // `Pool.join()`
//!     pool.shutdown()?;
//!     assert!(task.is_finished());
//!     assert!(task.wait()?);
//!
//!     let pool = Pool::builder().workers(1).build()?;
//!     let task = pool.submit(pass::call(Event::new()?));
//!     // `Pool.terminate()`
//!     drop(pool);
//!     assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Cancelled);
//!     Ok(())
//! }
//! ```
//!
//! # Maps
//!
//! | Python | here |
//! |---|---|
//! | `Pool.map(..)` | [`Pool::map`] and `collect` |
//! | `Pool.imap(..)` | [`Pool::map`] |
//! | `Pool.imap_unordered(..)` | [`Pool::map_unordered`] |
//! | `Pool.starmap(..)` | `pool.map(\|(a, b)\| f::call(a, b), ..)` |
//! | `Pool.map_async(..)`, `Pool.starmap_async(..)` | [`Pool::submit`] for each input: a map does nothing before it is asked for a result |
//! | `chunksize=..` | [`Map::chunk_size`](crate::Map::chunk_size); by default it adapts |
//!
//! ```
//! use multiproc::sync::Event;
//! use multiproc::{Pool, Task, worker};
//! use std::time::Duration;
//!
//! #[worker]
//! fn square(x: u64) -> u64 {
//!     x * x
//! }
//!
//! #[worker]
//! fn add(a: u64, b: u64) -> u64 {
//!     a + b
//! }
//!
//! #[worker]
//! fn pass(gate: Event) -> bool {
//!     gate.wait_timeout(Duration::from_secs(60))
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let pool = Pool::builder().workers(2).build()?;
//!     // `Pool.map(..)`
//!     let squares: Vec<u64> = pool.map(square::call, [3, 1, 2]).collect::<Result<_, _>>()?;
//!     assert_eq!(squares, [9, 1, 4]);
//!     // `Pool.imap(..)`, also of what has no end
//!     let mut squares = pool.map(square::call, 0..);
//!     assert_eq!(squares.nth(100).unwrap()?, 10_000);
//!     drop(squares);
//!     // `Pool.imap_unordered(..)`
//!     let (open, closed) = (Event::new()?, Event::new()?);
//!     open.set();
//!     let gates = pool.map_unordered(|gate| pass::call(gate.clone()), [&closed, &open]);
//!     let mut gates = gates.indexed();
//!     assert!(matches!(gates.next(), Some((1, Ok(true)))));
//!     closed.set();
//!     assert!(matches!(gates.next(), Some((0, Ok(true)))));
//!     // `Pool.starmap(..)`
//!     let sums: Vec<u64> =
//!         pool.map(|(a, b)| add::call(a, b), [(1, 2), (3, 4)]).collect::<Result<_, _>>()?;
//!     assert_eq!(sums, [3, 7]);
//!     // `chunksize=..`
//!     let squares = pool.map(square::call, 0..1000).chunk_size(100);
//!     assert_eq!(squares.map(Result::unwrap).sum::<u64>(), 332_833_500);
//!     // `Pool.map_async(..)`
//!     let tasks: Vec<_> = (0..4).map(|x| pool.submit(square::call(x))).collect();
//!     // `Pool.starmap_async(..)`
//!     let sums = [(1, 2), (3, 4)].map(|(a, b)| pool.submit(add::call(a, b)));
//!     let squares: Vec<u64> = tasks.into_iter().map(Task::wait).collect::<Result<_, _>>()?;
//!     assert_eq!(squares, [0, 1, 4, 9]);
//!     let sums: Vec<u64> = sums.into_iter().map(Task::wait).collect::<Result<_, _>>()?;
//!     assert_eq!(sums, [3, 7]);
//!     Ok(())
//! }
//! ```
//!
//! # Results
//!
//! | Python | here |
//! |---|---|
//! | `Pool.apply_async(..)` | [`Pool::submit`] |
//! | `apply_async(callback=..)`, `apply_async(error_callback=..)` | [`Task::on_done`] |
//! | `AsyncResult.get()` | [`Task::wait`] |
//! | `AsyncResult.get(timeout)` | [`Task::wait_timeout`] |
//! | `AsyncResult.wait(timeout)` | [`wait_any`](crate::wait_any()), which takes no result |
//! | `AsyncResult.ready()` | [`Task::is_finished`] |
//! | `AsyncResult.successful()` | the result is a `Result` |
//!
//! ```
//! use multiproc::{ErrorKind, Pool, wait_any, worker};
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
//!     let pool = Pool::builder().workers(2).build()?;
//!     // `Pool.apply_async(..)`
//!     let endless = pool.submit(doze::call(LONG));
//!     let task = pool.submit(divide::call(6, 2));
//!     // `AsyncResult.wait(timeout)`
//!     assert_eq!(wait_any(&[&endless], SHORT), None);
//!     assert_eq!(wait_any(&[&task], LONG), Some(0));
//!     // `AsyncResult.ready()`
//!     assert_eq!([endless.is_finished(), task.is_finished()], [false, true]);
//!     // `AsyncResult.get(timeout)`
//!     assert_eq!(endless.wait_timeout(SHORT)?, None);
//!     // `AsyncResult.get()`
//!     let result = task.wait();
//!     // `AsyncResult.successful()`
//!     assert!(result.is_ok());
//!     assert_eq!(result?, 3);
//!
//!     let (sender, results) = mpsc::channel();
//!     for divisor in [2, 0] {
//!         let sender = sender.clone();
//!         let task = pool.submit(divide::call(6, divisor));
//!         // `apply_async(callback=..)`, `apply_async(error_callback=..)`
//!         task.on_done(move |result| sender.send(result).unwrap());
//!     }
//!     assert_eq!(results.recv_timeout(LONG)??, 3);
//!     assert_eq!(results.recv_timeout(LONG)?.unwrap_err().kind(), ErrorKind::Panicked);
//!     Ok(())
//! }
//! ```
//!
//! [`Pool::builder`]: crate::Pool::builder
//! [`Pool::map_unordered`]: crate::Pool::map_unordered
//! [`Pool::map`]: crate::Pool::map
//! [`Pool::shutdown_timeout`]: crate::Pool::shutdown_timeout
//! [`Pool::shutdown`]: crate::Pool::shutdown
//! [`Pool::submit`]: crate::Pool::submit
//! [`PoolBuilder::initializer`]: crate::PoolBuilder::initializer
//! [`PoolBuilder::max_tasks_per_worker`]: crate::PoolBuilder::max_tasks_per_worker
//! [`PoolBuilder::workers`]: crate::PoolBuilder::workers
//! [`Task::is_finished`]: crate::Task::is_finished
//! [`Task::on_done`]: crate::Task::on_done
//! [`Task::wait_timeout`]: crate::Task::wait_timeout
//! [`Task::wait`]: crate::Task::wait
