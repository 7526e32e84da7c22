//! Stopping: how work is ended, gently or at once, and what Ctrl-C does.
//!
//! A process can be stopped in any loop and at any instruction. What it was about to write is not
//! written then. So there are degrees, from leaving alone what runs to ending all at once:
//!
//! | | one process | a task of a pool | all tasks of a pool |
//! |---|---|---|---|
//! | not to begin what has not begun | | | [`Pool::cancel_queued`], or dropping a [`Map`] |
//! | to finish, and begin no more | [`Process::join`] | [`Task::wait`] | [`Pool::shutdown`], [`Pool::shutdown_async`] |
//! | to finish within some time | [`Process::join_timeout`] | [`Task::wait_timeout`] | [`Pool::shutdown_timeout`] |
//! | to ask, and kill after some time | [`Process::cancel_within`] | [`Task::cancel_within`] | |
//! | the same, of what runs too long | [`Call::timeout`] and [`Call::grace`] | the same | [`PoolBuilder::task_timeout`] and [`PoolBuilder::task_grace`] |
//! | to end what is not wanted any more | [`Call::kill_on_drop`] | the same | |
//! | to end at once | [`Process::kill`] | [`Task::cancel`] | dropping the [`Pool`] |
//!
//! These end the worker's process. Programs that it has started run on, unless
//! [`Call::kill_descendants`] or [`PoolBuilder::kill_descendants`] says that they end with it.
//!
//! Whichever it is, the result tells the truth: the value of what was finished, and otherwise
//! [`Cancelled`](crate::ErrorKind::Cancelled), [`TimedOut`](crate::ErrorKind::TimedOut) or, after
//! [`Process::kill`], [`Signaled`](crate::ErrorKind::Signaled). A worker of a pool that is killed is
//! replaced, and no other task notices.
//!
//! A worker that is killed because it takes too long, or does not stop when it is asked, is first asked
//! where it is. `Display` of the error names that function, and [`Error::backtrace`](crate::Error::backtrace)
//! those that have called it:
//!
//! ```text
//! worker `decode` was killed because it exceeded its timeout: it was in `decode` (src/lib.rs:12) (pid 4711)
//! ```
//!
//! # Asking first
//!
//! A worker that looks at [`is_cancelled`] now and then can return what it has. The look costs little
//! enough for an inner loop. A worker that does not look is killed when its grace is over, so this is
//! a courtesy to the result, and not a condition for stopping:
//!
//! ```
//! use multiproc::{ErrorKind, Pool, is_cancelled, worker};
//! use std::time::Duration;
//!
//! /// Returns how far it has come.
//! #[worker]
//! fn search(limit: u64) -> u64 {
//!     (0..limit).take_while(|_| !is_cancelled()).count() as u64
//! }
//!
//! #[worker]
//! fn never_looks() {
//!     loop {
//!         std::thread::park();
//!     }
//! }
//!
//! # fn main() -> multiproc::Result<()> {
//! let pool = Pool::builder().workers(1).build()?;
//!
//! // By the program, which has changed its mind:
//! let task = pool.submit(search::call(u64::MAX));
//! while pool.active() == 0 {
//!     std::thread::yield_now();
//! }
//! task.cancel_within(Duration::from_secs(10));
//! assert!(task.wait()? < u64::MAX);
//!
//! // By the clock:
//! let call = search::call(u64::MAX).timeout(Duration::from_millis(50));
//! assert!(pool.submit(call.grace(Duration::from_secs(10))).wait()? < u64::MAX);
//!
//! // And if it does not listen:
//! let call = never_looks::call().timeout(Duration::from_millis(50));
//! let error = pool.submit(call.grace(Duration::from_millis(50))).wait().unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::TimedOut);
//! # Ok(())
//! # }
//! ```
//!
//! # When the result is not wanted any more
//!
//! Dropping a [`Process`] or a [`Task`] lets it run on: most programs drop one because they do not
//! need its result, not because they want to undo it. A future is dropped for another reason: a
//! timeout or a client that has gone. [`Call::kill_on_drop`] makes that the end of the work. The
//! example `web` in the repository is a web service that relies on it.
//!
//! ```
//! use multiproc::{Pool, worker};
//! use std::time::Duration;
//!
//! #[worker]
//! fn render(page: u32) -> u32 {
//!     std::thread::sleep(Duration::from_secs(60));
//!     page
//! }
//!
//! # fn main() -> multiproc::Result<()> {
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let pool = Pool::builder().workers(1).build()?;
//! let page = pool.submit(render::call(7).kill_on_drop(true));
//! let client = tokio::time::sleep(Duration::from_millis(50));
//! tokio::select! {
//!     _ = page => unreachable!("that takes a minute"),
//!     () = client => {} // the client has gone, and `page` is dropped
//! }
//! pool.shutdown_async().await // takes no minute
//! # })
//! # }
//! ```
//!
//! # The end of a pool
//!
//! Dropping a pool kills what runs. [`Pool::shutdown`] waits until all that was submitted is done;
//! [`Pool::shutdown_timeout`] tells after some time whether it is, and can be called again. So a
//! program that has a minute to stop can use it like this:
//!
//! ```
//! use multiproc::{ErrorKind, Pool, Task, worker};
//! use std::time::Duration;
//!
//! #[worker]
//! fn doze(millis: u64) -> u64 {
//!     std::thread::sleep(Duration::from_millis(millis));
//!     millis
//! }
//!
//! fn stop(pool: &Pool, tasks: &[Task<u64>], patience: Duration) -> multiproc::Result<()> {
//!     // Accept no more, and finish all, also what is queued.
//!     if pool.shutdown_timeout(patience)? {
//!         return Ok(());
//!     }
//!     // Finish what has begun.
//!     pool.cancel_queued();
//!     if pool.shutdown_timeout(patience)? {
//!         return Ok(());
//!     }
//!     // Ask those that still run, and kill them if they do not return.
//!     for task in tasks {
//!         task.cancel_within(patience);
//!     }
//!     pool.shutdown()
//! }
//!
//! # fn main() -> multiproc::Result<()> {
//! let pool = Pool::builder().workers(1).build()?;
//! let tasks = [60_000, 1].map(|millis| pool.submit(doze::call(millis)));
//! stop(&pool, &tasks, Duration::from_millis(50))?;
//! for task in tasks {
//!     assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::Cancelled);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! In async code, [`Pool::shutdown_async`] waits without blocking the thread, and a timeout of the
//! executor around it does the rest.
//!
//! # Ctrl-C
//!
//! A terminal sends `SIGINT` to all processes in its foreground: to the program and to all workers.
//! Where the program does nothing about it, all end, which is mostly what the user wants.
//!
//! A program that handles the signal, to save what is done for example, finds its workers dead: each
//! running task has failed by `SIGINT`. With [`PoolBuilder::ignore_interrupts`], or
//! [`Call::ignore_interrupts`] for single processes, they go on, and the program decides. A good
//! rule is that the first Ctrl-C finishes what runs, and the second one stops at once. A handler of
//! the crate [`ctrlc`](https://docs.rs/ctrlc) runs on a thread of its own, so it can do all that this
//! page is about:
//!
//! ```
//! use multiproc::{ErrorKind, Pool, worker};
//! use std::process::exit;
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicBool, Ordering};
//! # mod ctrlc {
//! #     // In the place of the crate.
//! #     use std::sync::Mutex;
//! #     static HANDLER: Mutex<Option<Box<dyn FnMut() + Send>>> = Mutex::new(None);
//! #     pub fn set_handler(handler: impl FnMut() + Send + 'static) -> multiproc::Result<()> {
//! #         *HANDLER.lock().unwrap() = Some(Box::new(handler));
//! #         Ok(())
//! #     }
//! #     pub fn press() {
//! #         HANDLER.lock().unwrap().as_mut().unwrap()();
//! #     }
//! # }
//!
//! #[worker]
//! fn work(number: u64) -> u64 {
//!     std::thread::sleep(std::time::Duration::from_millis(500));
//!     number
//! }
//!
//! # fn main() -> multiproc::Result<()> {
//! let pool = Arc::new(Pool::builder().workers(1).ignore_interrupts().build()?);
//! let tasks = [1, 2, 3].map(|number| pool.submit(work::call(number)));
//! ctrlc::set_handler({
//!     let (pool, interrupted) = (Arc::clone(&pool), AtomicBool::new(false));
//!     move || {
//!         if interrupted.swap(true, Ordering::Relaxed) {
//!             exit(130); // the workers end with the program
//!         }
//!         pool.cancel_queued();
//!     }
//! })?;
//! # while pool.active() == 0 {
//! #     std::thread::yield_now();
//! # }
//! # ctrlc::press();
//! let mut done = Vec::new();
//! for task in tasks {
//!     match task.wait() {
//!         Ok(number) => done.push(number),
//!         Err(error) if error.kind() == ErrorKind::Cancelled => {} // not begun
//!         Err(error) => return Err(error),
//!     }
//! }
//! // Here is the place to save `done`.
//! # assert!(done.starts_with(&[1]));
//! # Ok(())
//! # }
//! ```
//!
//! The example `interrupt` in the repository is such a program, which goes on where it was
//! interrupted when it is run again.
//!
//! # The end of the program
//!
//! Workers never outlive the program, however it ends. So there is nothing to clean up in a handler,
//! and [`exit`](std::process::exit) is as good an end as any. What must be finished has to be
//! waited for before `main` returns.
//!
//! [`Call::grace`]: crate::Call::grace
//! [`Call::ignore_interrupts`]: crate::Call::ignore_interrupts
//! [`Call::kill_descendants`]: crate::Call::kill_descendants
//! [`Call::kill_on_drop`]: crate::Call::kill_on_drop
//! [`Call::timeout`]: crate::Call::timeout
//! [`Map`]: crate::Map
//! [`Pool`]: crate::Pool
//! [`Pool::cancel_queued`]: crate::Pool::cancel_queued
//! [`Pool::shutdown`]: crate::Pool::shutdown
//! [`Pool::shutdown_async`]: crate::Pool::shutdown_async
//! [`Pool::shutdown_timeout`]: crate::Pool::shutdown_timeout
//! [`PoolBuilder::ignore_interrupts`]: crate::PoolBuilder::ignore_interrupts
//! [`PoolBuilder::kill_descendants`]: crate::PoolBuilder::kill_descendants
//! [`PoolBuilder::task_grace`]: crate::PoolBuilder::task_grace
//! [`PoolBuilder::task_timeout`]: crate::PoolBuilder::task_timeout
//! [`Process`]: crate::Process
//! [`Process::cancel_within`]: crate::Process::cancel_within
//! [`Process::join`]: crate::Process::join
//! [`Process::join_timeout`]: crate::Process::join_timeout
//! [`Process::kill`]: crate::Process::kill
//! [`Task`]: crate::Task
//! [`Task::cancel`]: crate::Task::cancel
//! [`Task::cancel_within`]: crate::Task::cancel_within
//! [`Task::wait`]: crate::Task::wait
//! [`Task::wait_timeout`]: crate::Task::wait_timeout
//! [`is_cancelled`]: crate::is_cancelled()
