//! Coming from Python: the names of `multiprocessing` and `concurrent.futures`, and their
//! counterparts here.
//!
//! A function with [`#[worker]`](macro@crate::worker) corresponds to a `target` in Python: a function
//! at the top of a module, whose arguments and result can be sent. It needs no main guard, since
//! `main` does not run in children.
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
//! # Rows that are easily mistaken
//!
//! Some names in the tables below stand for more than one thing in Python. What they do here:
//!
//! ```
//! use multiproc::channel::{Queue, channel, wait};
//! use multiproc::{ErrorKind, Pool, wait_any, worker};
//! use std::time::Duration;
//!
//! #[worker]
//! fn doze(millis: u64) -> u64 {
//!     std::thread::sleep(Duration::from_millis(millis));
//!     millis
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let pool = Pool::builder().workers(1).build()?;
//!     let long = Duration::from_secs(60);
//!
//!     // `AsyncResult.wait(timeout)` takes no result, `AsyncResult.get(timeout)` does.
//!     let task = pool.submit(doze::call(1));
//!     assert_eq!(wait_any(&[&task], long), Some(0));
//!     assert_eq!(task.wait_timeout(long)?, Some(1));
//!
//!     // `Connection.poll(timeout)` takes no item, and is true at the end of the channel, too.
//!     let (sender, receiver) = channel::<String>()?;
//!     assert!(wait(&[&receiver], Some(Duration::ZERO))?.is_empty());
//!     sender.send("hello".into())?;
//!     assert_eq!(wait(&[&receiver], Some(long))?, [0]);
//!     assert_eq!(receiver.recv()?, "hello");
//!     drop(sender);
//!     assert_eq!(wait(&[&receiver], None)?, [0]);
//!     assert!(receiver.recv().is_err());
//!
//!     // `SimpleQueue` has many consumers.
//!     let queue = Queue::bounded(8)?;
//!     let other = queue.clone();
//!     queue.push(1)?;
//!     queue.push(2)?;
//!     assert_eq!((queue.pop()?, other.pop()?), (1, 2));
//!
//!     // `shutdown(cancel_futures=True)` lets the running task finish.
//!     let running = pool.submit(doze::call(300));
//!     while pool.active() == 0 {
//!         std::thread::yield_now();
//!     }
//!     let pending = pool.submit(doze::call(1));
//!     pool.cancel_queued();
//!     pool.shutdown()?;
//!     assert_eq!(running.wait()?, 300);
//!     assert_eq!(pending.wait().unwrap_err().kind(), ErrorKind::Cancelled);
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
//! | a holder of a lock is killed | the lock stays locked | the next one gets it, in a [`PoisonError`](std::sync::PoisonError) |
//! | a running task | cannot be cancelled | can be: [`Task::cancel`], [`Call::timeout`] |
//! | `Pool.map`, one task fails | raises when all are done | the iterator goes on; collecting into a `Result` stops there |
//! | the input of `map` | taken as a whole | taken as results are asked for |
//! | leaving `with Pool()` | terminates the pool | dropping the pool does the same; [`Pool::shutdown`] waits |
//! | leaving `with ProcessPoolExecutor()` | waits | call [`Pool::shutdown`] |
//! | values that cannot be sent | are found when they are sent | are mostly found by the compiler |
//! | errors | arrive with their type | arrive with their type in a worker's `Result`, if serde can carry it, or as [`RemoteError`] |
//! | standard input of a child | `/dev/null` | the parent's: see [`Call::stdin`] |
//! | start methods | `fork`, `spawn`, `forkserver` | the last two |
//!
//! # `multiprocessing`
//!
//! | Python | here |
//! |---|---|
//! | `Process(target=f, args=(..))`, `start()` | `f::spawn(..)`, or `f::call(..)` and [`Call::spawn`] |
//! | `Process(name=..)`, `name` | [`Call::name`], [`Process::name`] |
//! | `daemon=True` | true of all children; they may have children of their own |
//! | `join()` | [`Process::join`], which gives the result |
//! | `join(timeout)` | [`Process::join_timeout`] |
//! | `is_alive()` | [`Process::is_running`] |
//! | `exitcode` | [`Process::exit_status`], [`Error::exit_status`], [`Error::signal`] |
//! | `pid` | [`Process::id`] |
//! | `sentinel` | [`Process`] is `AsFd`, a source of [`wait`](crate::channel::wait()), and a [`Future`] |
//! | `terminate()`, `kill()` | [`Process::terminate`], [`Process::kill`] |
//! | `interrupt()`, other signals | `pidfd_send_signal` with the [`Process`] as descriptor |
//! | `close()` | dropping it |
//! | `run()`, subclasses of `Process` | the worker is the function |
//! | `current_process()` | [`current`](crate::current()): `None` in the main process |
//! | `parent_process()` | [`Current::parent_id`](crate::Current::parent_id) |
//! | `active_children()` | [`active_children`](crate::active_children()) |
//! | `cpu_count()` | [`std::thread::available_parallelism`] |
//! | `get_context(..)`, `set_start_method(..)` | [`Call::start_method`], [`PoolBuilder::start_method`], `MULTIPROC_START_METHOD` |
//! | `get_all_start_methods()` | [`StartMethod`](crate::StartMethod) |
//! | `get_start_method()` | [`Process::start_method`] |
//! | `set_forkserver_preload(..)` | not needed: the server is the program itself; [`set_spare_processes`](crate::set_spare_processes()) keeps clones ready |
//! | `Lock` | [`Mutex<()>`](crate::sync::Mutex) |
//! | `RLock` | [`ReentrantLock`](crate::sync::ReentrantLock) |
//! | `Condition` | [`Condvar`](crate::sync::Condvar); `wait_for` is [`wait_while`](crate::sync::Condvar::wait_while) |
//! | `Semaphore` | [`Semaphore`](crate::sync::Semaphore) |
//! | `BoundedSemaphore` | the same: a [`Permit`](crate::sync::Permit) goes back once |
//! | `Event` | [`Event`](crate::sync::Event) |
//! | `Barrier` | [`Barrier`](crate::sync::Barrier); the `action` is the [leader](crate::sync::BarrierWaitResult::is_leader)'s |
//! | `Value` | [`Shared<AtomicU64>`](crate::shm::Shared) and the like, or [`Mutex<T>`](crate::sync::Mutex) |
//! | `Array` | [`Mutex<[T]>`](crate::sync::Mutex::from_slice) |
//! | `get_lock()`, `get_obj()` | the lock contains the value: [`lock`](crate::sync::Mutex::lock) gives access |
//! | `RawValue`, `RawArray` | [`Shared`](crate::shm::Shared) of atomics, [`Buffer`](crate::shm::Buffer) |
//! | `sharedctypes` structures | types with [`#[derive(Shareable)]`](derive@crate::Shareable) |
//! | `Pipe()` | [`duplex`](crate::channel::duplex()) |
//! | `Pipe(duplex=False)` | [`channel`](crate::channel::channel()), with many senders and one receiver |
//! | `Queue`, `SimpleQueue` | [`Queue`](crate::channel::Queue): `put` is [`push`](crate::channel::Queue::push), `get` is [`pop`](crate::channel::Queue::pop) |
//! | `JoinableQueue` | the same: [`task_done`](crate::channel::Queue::task_done), [`join`](crate::channel::Queue::join) |
//! | `queue.Full`, `queue.Empty` | [`TrySendError::Full`](crate::channel::TrySendError::Full), [`TryRecvError::Empty`](crate::channel::TryRecvError::Empty), and `Timeout` of the others |
//! | `ProcessError`, `TimeoutError` | [`Error`], [`ErrorKind`] |
//! | `reduction.DupFd`, `send_handle` | [`Fd`](crate::Fd) |
//! | `util.Finalize` | `Drop` |
//! | `util.register_after_fork` | [`startup`](macro@crate::startup) |
//!
//! # `multiprocessing.pool`
//!
//! | Python | here |
//! |---|---|
//! | `Pool(processes)` | [`Pool::builder`], [`PoolBuilder::workers`] |
//! | `initializer`, `initargs` | [`PoolBuilder::initializer`], with its arguments |
//! | `maxtasksperchild` | [`PoolBuilder::max_tasks_per_worker`] |
//! | `apply` | [`Pool::submit`] and [`Task::wait`] |
//! | `apply_async`, `callback`, `error_callback` | [`Pool::submit`], [`Task::on_done`] |
//! | `map`, `map_async` | [`Pool::map`] and `collect` |
//! | `imap`, `imap_unordered` | [`Pool::map`], [`Pool::map_unordered`] |
//! | `starmap`, `starmap_async` | `pool.map(\|(a, b)\| f::call(a, b), ..)` |
//! | `chunksize` | [`Map::chunk_size`](crate::Map::chunk_size); by default it adapts |
//! | `close()`, `join()` | [`Pool::shutdown`] |
//! | `terminate()` | dropping the pool |
//! | `AsyncResult.get()` | [`Task::wait`] |
//! | `AsyncResult.get(timeout)` | [`Task::wait_timeout`] |
//! | `AsyncResult.wait(timeout)` | [`wait_any`](crate::wait_any()), which takes no result |
//! | `AsyncResult.ready()` | [`Task::is_finished`] |
//! | `AsyncResult.successful()` | the result is a `Result` |
//! | `ThreadPool` | rayon, or [`std::thread::scope`] |
//!
//! # `multiprocessing.connection`
//!
//! | Python | here |
//! |---|---|
//! | `Connection` | [`Duplex`](crate::channel::Duplex), [`Sender`](crate::channel::Sender), [`Receiver`](crate::channel::Receiver) |
//! | `send`, `recv` | the same |
//! | `poll()`, `poll(timeout)` | [`wait`](crate::channel::wait()) with one source: it takes no item, and the end of the channel counts |
//! | `send_bytes`, `recv_bytes` | items of type `Vec<u8>`, which are as cheap |
//! | `fileno()` | a source of [`wait`](crate::channel::wait()); a socket of your own as [`Fd`](crate::Fd) |
//! | `close()` | dropping it |
//! | `EOFError` | [`RecvError::Disconnected`](crate::channel::RecvError::Disconnected) |
//! | `wait(list, timeout)` | [`wait`](crate::channel::wait()) |
//! | `Listener`, `Client` | absent: see below |
//!
//! # `multiprocessing.shared_memory`
//!
//! | Python | here |
//! |---|---|
//! | `SharedMemory(create=True, size=n)`, `buf` | [`Buffer`](crate::shm::Buffer) to write, [`Shared<[T]>`](crate::shm::Shared::from_slice) to read |
//! | `SharedMemory(name)` | the handle is an argument |
//! | `close()`, `unlink()` | dropping the last handle |
//! | `ShareableList` | [`Mutex`](crate::sync::Mutex) or [`Shared`](crate::shm::Shared) of a [`Shareable`](trait@crate::Shareable) type |
//!
//! # `multiprocessing.managers`
//!
//! | Python | here |
//! |---|---|
//! | `SyncManager().Lock()`, `Queue()`, .. | those of [`sync`](crate::sync) and [`channel`](mod@crate::channel): they can be sent anywhere, and no process serves them |
//! | `Namespace`, `Value`, `Array` | a type with [`#[derive(Shareable)]`](derive@crate::Shareable) in a [`Mutex`](crate::sync::Mutex) |
//! | `dict`, `list` | absent: see below |
//! | `SharedMemoryManager` | not needed: memory goes with its last holder |
//!
//! # `concurrent.futures`
//!
//! | Python | here |
//! |---|---|
//! | `ProcessPoolExecutor(max_workers)` | [`Pool::builder`], [`PoolBuilder::workers`] |
//! | `max_tasks_per_child` | [`PoolBuilder::max_tasks_per_worker`] |
//! | `mp_context` | [`PoolBuilder::start_method`] |
//! | `initializer`, `initargs` | [`PoolBuilder::initializer`], with its arguments |
//! | `submit` | [`Pool::submit`] |
//! | `map(.., timeout, chunksize)` | [`Pool::map`] with [`Map::chunk_size`](crate::Map::chunk_size); [`Map::timeout`](crate::Map::timeout) is each task's |
//! | `map(.., buffersize)` | not needed: inputs are taken as results are asked for. For `submit`, [`PoolBuilder::queue_limit`] |
//! | `shutdown()` | [`Pool::shutdown`]; tasks that are submitted later are [`ErrorKind::Closed`] |
//! | `shutdown(wait=False)` | [`Pool::shutdown_timeout`] with no time; what runs goes on |
//! | `shutdown(cancel_futures=True)` | [`Pool::cancel_queued`], then [`Pool::shutdown`] |
//! | `terminate_workers()`, `kill_workers()` | dropping the pool |
//! | `Future` | [`Task`] |
//! | `result()`, `result(timeout)` | [`Task::wait`], [`Task::wait_timeout`] |
//! | `exception()` | the error of that `Result` |
//! | `done()`, `running()`, `cancelled()` | [`Task::state`], [`Task::is_finished`], [`ErrorKind::Cancelled`] |
//! | `cancel()` | [`Task::cancel`], also when it runs; [`Task::cancel_within`] asks first |
//! | `add_done_callback` | [`Task::on_done`] |
//! | `as_completed` | [`as_completed`](crate::as_completed()) |
//! | `wait(.., FIRST_COMPLETED)` | [`wait_any`](crate::wait_any()) |
//! | `wait(.., ALL_COMPLETED)` | [`wait_all`](crate::wait_all()) |
//! | `CancelledError`, `TimeoutError` | [`ErrorKind::Cancelled`], [`ErrorKind::TimedOut`] |
//! | `BrokenProcessPool` | only if an initializer fails, or processes die one after the other before their first task; if none can be started, only tasks fail that wait just then |
//! | `InvalidStateError` | a result is given out once; then it is [`ErrorKind::Closed`] |
//! | `asyncio.wrap_future` | [`Task`] is a [`Future`] |
//!
//! # What is absent, and why
//!
//! * **`set_start_method("fork")`.** A copy of a process with threads inherits locks that are held by
//!   threads that the copy does not have. Children are made from the program as it is before `main`.
//! * **Closures, lambdas, bound methods.** A process can be told *which* function to run, since
//!   both have the same code. A library cannot see what a closure has captured. Pass it as
//!   arguments.
//! * **`pickle`, `reduction`, `copyreg`.** serde's derive determines how a type is sent.
//! * **`Manager`, `BaseManager.register`, `dict`, `list` and proxies.** All other processes would
//!   wait for the one that serves them, and each access would be a message. Values that can lie in
//!   shared memory do not need such a process. For the rest, let a worker own the map and answer
//!   questions, over a [`duplex`](crate::channel::duplex()) or with
//!   [`Sender`](crate::channel::Sender)s for the answers in the questions.
//! * **`Listener` and `Client`, `authkey`, `AuthenticationError`.** They connect unrelated processes
//!   by a name. Use a socket of [`std::os::unix::net`] or [`std::net`], which can be an argument and
//!   an item, as [`Fd`](crate::Fd).
//! * **Names of shared memory, the resource tracker.** Memory without a name cannot be left behind.
//! * **`freeze_support`, `set_executable`, `if __name__ == "__main__"`.** Children never reach
//!   `main`.
//! * **`get_logger`, `log_to_stderr`.** The library prints nothing. Set up a logger in children
//!   with [`startup`](macro@crate::startup).
//! * **`FIRST_EXCEPTION`.** [`as_completed`](crate::as_completed()), and stop at the first error.
//! * **`set_result`, `set_exception`, `set_running_or_notify_cancel`.** Only pools make a
//!   [`Task`]. To hand over a value of your own, use a channel.
//! * **`n_waiting` of a barrier, `locked()` of a lock.** Their answers may be outdated when they are
//!   read.
//! * **`ThreadPool`, `multiprocessing.dummy`, `ThreadPoolExecutor`.** This library does not deal with
//!   threads: see [`processes_or_threads`](super::processes_or_threads).
//! * **`InterpreterPoolExecutor`.** Rust has no interpreter.
//!
//! [`Call`]: crate::Call
//! [`Call::name`]: crate::Call::name
//! [`Call::spawn`]: crate::Call::spawn
//! [`Call::start_method`]: crate::Call::start_method
//! [`Call::stdin`]: crate::Call::stdin
//! [`Call::timeout`]: crate::Call::timeout
//! [`Error`]: crate::Error
//! [`Error::exit_status`]: crate::Error::exit_status
//! [`Error::signal`]: crate::Error::signal
//! [`ErrorKind`]: crate::ErrorKind
//! [`ErrorKind::Closed`]: crate::ErrorKind::Closed
//! [`ErrorKind::Cancelled`]: crate::ErrorKind::Cancelled
//! [`ErrorKind::TimedOut`]: crate::ErrorKind::TimedOut
//! [`Pool::builder`]: crate::Pool::builder
//! [`Pool::cancel_queued`]: crate::Pool::cancel_queued
//! [`Pool::map`]: crate::Pool::map
//! [`Pool::map_unordered`]: crate::Pool::map_unordered
//! [`Pool::shutdown`]: crate::Pool::shutdown
//! [`Pool::shutdown_timeout`]: crate::Pool::shutdown_timeout
//! [`Pool::submit`]: crate::Pool::submit
//! [`PoolBuilder::initializer`]: crate::PoolBuilder::initializer
//! [`PoolBuilder::max_tasks_per_worker`]: crate::PoolBuilder::max_tasks_per_worker
//! [`PoolBuilder::queue_limit`]: crate::PoolBuilder::queue_limit
//! [`PoolBuilder::start_method`]: crate::PoolBuilder::start_method
//! [`PoolBuilder::workers`]: crate::PoolBuilder::workers
//! [`Process`]: crate::Process
//! [`Process::exit_status`]: crate::Process::exit_status
//! [`Process::id`]: crate::Process::id
//! [`Process::is_running`]: crate::Process::is_running
//! [`Process::join`]: crate::Process::join
//! [`Process::join_timeout`]: crate::Process::join_timeout
//! [`Process::kill`]: crate::Process::kill
//! [`Process::name`]: crate::Process::name
//! [`Process::start_method`]: crate::Process::start_method
//! [`Process::terminate`]: crate::Process::terminate
//! [`RemoteError`]: crate::RemoteError
//! [`Task`]: crate::Task
//! [`Task::cancel`]: crate::Task::cancel
//! [`Task::cancel_within`]: crate::Task::cancel_within
//! [`Task::is_finished`]: crate::Task::is_finished
//! [`Task::on_done`]: crate::Task::on_done
//! [`Task::state`]: crate::Task::state
//! [`Task::wait`]: crate::Task::wait
//! [`Task::wait_timeout`]: crate::Task::wait_timeout
