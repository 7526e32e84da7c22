//! Back-pressure: how what submits tasks is held to the pace of the workers.
//!
//! A pool accepts any number of tasks, and keeps the arguments of those that wait. Where tasks come
//! faster than they are done, memory fills up. There are two ways not to let them:
//!
//! * **An iterator of inputs: [`Pool::map`].** It takes inputs as results are asked for, and only
//!   as many ahead as keep the workers busy. Endless input needs no limit.
//! * **Tasks that come from anywhere: [`PoolBuilder::queue_limit`]**, the number of tasks that may
//!   wait, and [`PoolBuilder::queue_memory`], the bytes of their arguments. Both can be set.
//!
//! With a limit, the way of submitting says what happens when there is no room:
//!
//! | | when there is no room | for |
//! |---|---|---|
//! | [`Pool::submit`] | blocks the thread | programs that read, submit, and read on |
//! | [`Pool::submit_async`] | waits as a future | the same in async code |
//! | [`Pool::try_submit`] | gives the call back | servers, which rather say no than be late |
//! | [`Pool::map`] | takes no inputs | |
//!
//! Who waits first gets in first. A task waits from its submission until it is given to a worker; when
//! one is cancelled, there is room at once.
//!
//! # A producer that is slowed down
//!
//! This one could submit for ever. It is never far ahead of the workers, and each result is dealt with
//! as it comes: a [`Task`] that is kept keeps its result, which no limit of the queue counts.
//!
//! ```
//! use multiproc::{Pool, worker};
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU64, Ordering};
//!
//! #[worker]
//! fn count_spaces(page: &[u8]) -> usize {
//!     page.iter().filter(|byte| **byte == b' ').count()
//! }
//!
//! # fn main() -> multiproc::Result<()> {
//! let pool = Pool::builder().workers(2).queue_limit(64).queue_memory(1 << 20).build()?;
//! let spaces = Arc::new(AtomicU64::new(0));
//! let mut page = Vec::new();
//! for number in 0..500 {
//!     page.clear();
//!     page.resize(number * 100, b' ');
//!     let spaces = Arc::clone(&spaces);
//!     // Blocks while 64 pages or a mebibyte of them wait.
//!     pool.submit(count_spaces::call(&page)).on_done(move |count| {
//!         spaces.fetch_add(count.unwrap_or(0) as u64, Ordering::Relaxed);
//!     });
//! }
//! pool.shutdown()?;
//! assert_eq!(spaces.load(Ordering::Relaxed), 100 * (0..500).sum::<u64>());
//! # Ok(())
//! # }
//! ```
//!
//! # A server that says no
//!
//! A client that is told at once can come back later, or ask another server. The call comes back
//! unharmed, too, so it can be submitted elsewhere:
//!
//! ```
//! use multiproc::{Pool, TrySubmitError, worker};
//! use std::time::Duration;
//!
//! #[worker]
//! fn render(page: &str) -> String {
//!     std::thread::sleep(Duration::from_secs(1));
//!     format!("<p>{page}</p>")
//! }
//!
//! # fn main() -> multiproc::Result<()> {
//! let pool = Pool::builder().workers(1).queue_limit(1).build()?;
//! let spare = Pool::builder().workers(1).build()?;
//! let (mut tasks, mut refused) = (Vec::new(), 0);
//! for page in ["one", "two", "three", "four"] {
//!     tasks.push(match pool.try_submit(render::call(page)) {
//!         Ok(task) => task,
//!         Err(TrySubmitError::Full(call)) => {
//!             refused += 1;
//!             spare.submit(call)
//!         }
//!     });
//! }
//! assert!(refused >= 1);
//! assert_eq!(tasks.remove(3).wait()?, "<p>four</p>");
//! # Ok(())
//! # }
//! ```
//!
//! # Many futures
//!
//! A future that waits for room borrows nothing, but holds its encoded arguments: each of many such
//! futures has its own. What bounds their number is what makes them, the connections of a server
//! for example. One that is dropped submits nothing.
//!
//! ```
//! use multiproc::{Pool, worker};
//!
//! #[worker]
//! fn length(line: &str) -> usize {
//!     line.len()
//! }
//!
//! async fn client(pool: &Pool, name: &str) -> multiproc::Result<usize> {
//!     let mut sum = 0;
//!     for number in 0..10 {
//!         let line = format!("{name} {number}");
//!         // For room, and then for the result.
//!         sum += pool.submit_async(length::call(&line)).await.await?;
//!     }
//!     Ok(sum)
//! }
//!
//! # fn main() -> multiproc::Result<()> {
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let pool = Pool::builder().workers(2).queue_limit(4).build()?;
//! let sums = tokio::join!(client(&pool, "one"), client(&pool, "two"), client(&pool, "three"));
//! assert_eq!((sums.0?, sums.1?, sums.2?), (50, 50, 70));
//! # Ok(())
//! # })
//! # }
//! ```
//!
//! # How large a limit
//!
//! A limit is there for what waits, not for speed: as soon as a worker is idle, it is given the next
//! task, however short the queue is. A few tasks for each worker are enough where what submits is
//! woken at once. More make up for a producer that comes in bursts, and make each task wait longer:
//! with `n` tasks in the queue of `w` workers, a new one waits for `n / w` others. A server chooses
//! the limit by how late an answer may be. Where arguments are of very different sizes, the limit
//! that protects the machine is the one of bytes.
//!
//! [`Pool::map`]: crate::Pool::map
//! [`Pool::submit`]: crate::Pool::submit
//! [`Pool::submit_async`]: crate::Pool::submit_async
//! [`Pool::try_submit`]: crate::Pool::try_submit
//! [`PoolBuilder::queue_limit`]: crate::PoolBuilder::queue_limit
//! [`PoolBuilder::queue_memory`]: crate::PoolBuilder::queue_memory
//! [`Task`]: crate::Task
