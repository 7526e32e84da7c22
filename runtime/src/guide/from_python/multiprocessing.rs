//! Python's `multiprocessing`: processes, locks, values, pipes and queues.
//!
//! Each table is followed by a program in which each of its rows occurs. There are other pages for
//! [pools](super::pool), [connections](super::connection), [shared memory](super::shared_memory) and
//! [managers](super::managers).
//!
//! # A process
//!
//! | Python | here |
//! |---|---|
//! | `Process(target=f, args=(..))` | `f::call(..)`, a [`Call`] |
//! | `Process(name=..)`, `Process.name` | [`Call::name`], [`Process::name`] |
//! | `Process.start()` | [`Call::spawn`]; `f::spawn(..)` does both |
//! | `Process.run()`, in subclasses, too | the worker is the function |
//! | `Process.join()` | [`Process::join`], which gives the result |
//! | `Process.join(timeout)` | [`Process::join_timeout`] |
//! | `Process.is_alive()` | [`Process::is_running`] |
//! | `Process.exitcode` | [`Process::exit_status`], [`Error::exit_status`], [`Error::signal`] |
//! | `Process.pid` | [`Process::id`] |
//! | `Process.sentinel` | [`Process`] is `AsFd`, a source of [`wait`](crate::channel::wait()), and a [`Future`] |
//! | `Process.terminate()`, `Process.kill()` | [`Process::terminate`], [`Process::kill`] |
//! | `Process.interrupt()`, other signals | `pidfd_send_signal` with the [`Process`] as descriptor |
//!
//! ```
//! use multiproc::channel::wait;
//! use multiproc::worker;
//! use std::os::unix::process::ExitStatusExt;
//! use std::time::Duration;
//!
//! const LONG: Duration = Duration::from_secs(60);
//!
//! #[worker]
//! fn square(x: u64) -> u64 {
//!     x * x
//! }
//!
//! #[worker]
//! fn doze(time: Duration) {
//!     std::thread::sleep(time);
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // `Process(target=f, args=(..))`, `Process(name=..)`
//!     let call = square::call(3).name("squarer");
//!     // `Process.start()`
//!     let process = call.spawn()?;
//!     // `Process.name`
//!     assert_eq!(process.name(), "squarer");
//!     // `Process.join()`
//!     assert_eq!(process.join()?, 9);
//!     // `Process.run()`, which starts nothing
//!     assert_eq!(square(3), 9);
//!
//!     let mut process = doze::spawn(LONG)?;
//!     // `Process.pid`
//!     assert_eq!(process.id(), multiproc::active_children()[0].id());
//!     // `Process.is_alive()`, `Process.exitcode`
//!     assert!(process.is_running() && process.exit_status().is_none());
//!     // `Process.join(timeout)`
//!     assert_eq!(process.join_timeout(Duration::from_millis(10))?, None);
//!     // `Process.terminate()`
//!     process.terminate();
//!     // `Process.sentinel`
//!     assert_eq!(wait(&[&process], Some(LONG))?, [0]);
//!     assert_eq!(process.exit_status().unwrap().signal(), Some(15));
//!     assert_eq!(process.join().unwrap_err().signal(), Some(15)); // -15 in Python
//!
//!     let process = doze::spawn(LONG)?;
//!     // `Process.kill()`
//!     process.kill();
//!     assert_eq!(process.join().unwrap_err().signal(), Some(9));
//!
//!     let process = doze::spawn(LONG)?;
//!     // `Process.interrupt()`: any signal, with the crate rustix. (What shells start in the background,
//!     // ignores `INT`.)
//!     rustix::process::pidfd_send_signal(&process, rustix::process::Signal::USR1)?;
//!     assert_eq!(process.join().unwrap_err().signal(), Some(10));
//!     Ok(())
//! }
//! ```
//!
//! # Parents and children
//!
//! | Python | here |
//! |---|---|
//! | `current_process()` | [`current`](crate::current()): `None` in the main process |
//! | `parent_process()` | [`Current::parent_id`](crate::Current::parent_id) |
//! | `active_children()` | [`active_children`](crate::active_children()) |
//! | `Process.close()` | dropping it, also while it runs |
//! | `Process(daemon=True)` | true of all children; they may have children of their own |
//! | `cpu_count()` | [`std::thread::available_parallelism`], which counts those that this process may use |
//!
//! ```
//! use multiproc::channel::{RecvTimeoutError, Sender, channel};
//! use multiproc::{Pool, active_children, current, worker};
//! use std::time::Duration;
//!
//! /// Returns its name, and its parent's process id.
//! #[worker]
//! fn introduce() -> (String, u32) {
//!     // `current_process()`
//!     let current = current().unwrap();
//!     // `parent_process()`
//!     (current.name().to_owned(), current.parent_id())
//! }
//!
//! #[worker]
//! fn never_return(_sender: Sender<()>) {
//!     loop {
//!         std::thread::park();
//!     }
//! }
//!
//! #[worker(timeout = "60s")]
//! fn start_another(sender: Sender<()>) {
//!     let _running = never_return::spawn(sender).unwrap();
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     assert!(current().is_none());
//!     let names = introduce::call().name("Alice").run()?;
//!     assert_eq!(names, ("Alice".to_owned(), std::process::id()));
//!
//!     // `Process(daemon=True)`: the inner process ends with the outer one.
//!     let (sender, receiver) = channel()?;
//!     start_another::run(sender)?;
//!     let end = receiver.recv_timeout(Duration::from_secs(60));
//!     assert_eq!(end, Err(RecvTimeoutError::Disconnected));
//!
//!     let (sender, _receiver) = channel()?;
//!     let process = never_return::spawn(sender)?;
//!     // `active_children()`
//!     let children = active_children();
//!     assert_eq!(children[0].id(), process.id());
//!     assert_eq!(children[0].name(), "never_return");
//!     // `Process.close()`: it runs on.
//!     drop(process);
//!     assert_eq!(active_children(), children);
//!
//!     // `cpu_count()`
//!     let cpus = std::thread::available_parallelism()?.get();
//!     assert_eq!(Pool::new()?.workers(), cpus);
//!     Ok(())
//! }
//! ```
//!
//! # Start methods
//!
//! | Python | here |
//! |---|---|
//! | `set_start_method(..)` | the environment variable `MULTIPROC_START_METHOD` |
//! | `get_context(..)` | [`Call::start_method`], [`PoolBuilder::start_method`] |
//! | `get_all_start_methods()` | [`StartMethod`](crate::StartMethod) |
//! | `get_start_method()` | [`Process::start_method`] |
//! | `set_forkserver_preload(..)` | not needed: the server is the program itself; [`set_spare_processes`](crate::set_spare_processes()) keeps clones ready |
//!
//! ```
//! use multiproc::{StartMethod, worker};
//!
//! #[worker]
//! fn answer() -> u32 {
//!     42
//! }
//!
//! /// Returns how its own children are started.
//! #[worker]
//! fn usual_method() -> String {
//!     format!("{:?}", answer::spawn().unwrap().start_method())
//! }
//!
//! fn main() -> multiproc::Result<()> {
//!     // `set_start_method(..)`
//!     let call = usual_method::call().env("MULTIPROC_START_METHOD", "spawn");
//!     assert_eq!(call.run()?, "Spawn");
//!
//!     // `get_all_start_methods()`
//!     for method in [StartMethod::ForkServer, StartMethod::Spawn] {
//!         // `get_context(..)`
//!         let process = answer::call().start_method(method).spawn()?;
//!         // `get_start_method()`
//!         assert_eq!(process.start_method(), method);
//!         assert_eq!(process.join()?, 42);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! # Locks and signals
//!
//! | Python | here |
//! |---|---|
//! | `Lock` | [`Mutex<()>`](crate::sync::Mutex) |
//! | `RLock` | [`ReentrantLock`](crate::sync::ReentrantLock) |
//! | `Semaphore` | [`Semaphore`](crate::sync::Semaphore) |
//! | `BoundedSemaphore` | the same: a [`Permit`](crate::sync::Permit) goes back once |
//! | `Event` | [`Event`](crate::sync::Event) |
//! | `Condition` | [`Condvar`](crate::sync::Condvar) |
//! | `Condition.wait_for(..)` | [`wait_while`](crate::sync::Condvar::wait_while), [`wait_timeout_while`](crate::sync::Condvar::wait_timeout_while), with the opposite condition |
//! | `Barrier` | [`Barrier`](crate::sync::Barrier) |
//! | `Barrier(action=..)` | what the [leader](crate::sync::BarrierWaitResult::is_leader) does; the others go on meanwhile, unless they wait once more |
//!
//! ```
//! use multiproc::sync::{Barrier, Condvar, Event, Mutex, ReentrantLock, Semaphore};
//! use multiproc::worker;
//! use std::time::Duration;
//!
//! const LONG: Duration = Duration::from_secs(60);
//!
//! /// Returns which of the three it gets.
//! #[worker]
//! fn try_all(lock: Mutex<()>, reentrant: ReentrantLock<()>, semaphore: Semaphore) -> [bool; 3] {
//!     let (lock, reentrant) = (lock.try_lock(), reentrant.try_lock());
//!     [lock.is_ok(), reentrant.is_ok(), semaphore.try_acquire().is_some()]
//! }
//!
//! #[worker]
//! fn wait_for_event(event: Event) -> bool {
//!     event.wait_timeout(LONG)
//! }
//!
//! #[worker]
//! fn wait_for_number(number: Mutex<u32>, changed: Condvar) -> u32 {
//!     let number = number.lock().unwrap();
//!     // `Condition.wait_for(..)`
//!     let (number, _) = changed.wait_timeout_while(number, LONG, |it| *it == 0).unwrap();
//!     *number
//! }
//!
//! #[worker]
//! fn meet(barrier: Barrier) -> bool {
//!     barrier.wait_timeout(LONG).unwrap().is_leader()
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let (lock, reentrant, semaphore) =
//!         (Mutex::new(())?, ReentrantLock::new(())?, Semaphore::new(1)?);
//!     let attempt = || try_all::run(lock.clone(), reentrant.clone(), semaphore.clone());
//!     // `Lock`, `RLock`, which can be taken again, and `Semaphore`
//!     let held = (lock.lock(), reentrant.lock(), reentrant.lock(), semaphore.acquire());
//!     assert_eq!(attempt()?, [false; 3]);
//!     drop(held);
//!     assert_eq!(attempt()?, [true; 3]);
//!     // `BoundedSemaphore`
//!     assert_eq!(semaphore.available(), 1);
//!
//!     // `Event`
//!     let event = Event::new()?;
//!     let process = wait_for_event::spawn(event.clone())?;
//!     event.set();
//!     assert!(process.join()?);
//!
//!     // `Condition`
//!     let (number, changed) = (Mutex::new(0)?, Condvar::new()?);
//!     let process = wait_for_number::spawn(number.clone(), changed.clone())?;
//!     *number.lock().unwrap() = 7;
//!     changed.notify_all();
//!     assert_eq!(process.join()?, 7);
//!
//!     // `Barrier`, `Barrier(action=..)`
//!     let barrier = Barrier::new(2)?;
//!     let process = meet::spawn(barrier.clone())?;
//!     let leads = meet(barrier);
//!     assert_ne!(leads, process.join()?); // one of both
//!     Ok(())
//! }
//! ```
//!
//! # Values and arrays
//!
//! | Python | here |
//! |---|---|
//! | `Value` | [`Mutex<T>`](crate::sync::Mutex) |
//! | `Value.get_lock()`, `Value.get_obj()` | the lock contains the value: [`lock`](crate::sync::Mutex::lock) gives access |
//! | `Array` | [`Mutex<[T]>`](crate::sync::Mutex::from_slice) |
//! | `RawValue` | [`Shared<AtomicU64>`](crate::shm::Shared) and the like |
//! | `RawArray` | [`Shared`](crate::shm::Shared::from_fn) of atomics, or a [`Buffer`](crate::shm::Buffer), which one process has at a time |
//! | `ctypes.Structure` | types with [`#[derive(Shareable)]`](derive@crate::Shareable) |
//!
//! ```
//! use multiproc::shm::{Buffer, Shared};
//! use multiproc::sync::Mutex;
//! use multiproc::{Shareable, worker};
//! use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
//!
//! // `ctypes.Structure`
//! #[derive(Clone, Copy, Shareable)]
//! struct Point {
//!     x: f64,
//!     y: f64,
//! }
//!
//! #[worker]
//! fn change(value: Mutex<f64>, array: Mutex<[i32]>, point: Mutex<Point>) {
//!     *value.lock().unwrap() += 1.0;
//!     array.lock().unwrap()[2] = 7;
//!     point.lock().unwrap().y = 3.0;
//! }
//!
//! #[worker]
//! fn change_raw(value: Shared<AtomicU64>, flags: Shared<[AtomicBool]>) {
//!     value.fetch_add(1, Relaxed);
//!     flags[1].store(true, Relaxed);
//! }
//!
//! #[worker]
//! fn double(mut numbers: Buffer<f64>) -> Buffer<f64> {
//!     numbers.iter_mut().for_each(|number| *number *= 2.0);
//!     numbers
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // `Value`, `Array`
//!     let (value, array) = (Mutex::new(0.5)?, Mutex::from_elem(0, 3)?);
//!     let point = Mutex::new(Point { x: 0.0, y: 0.0 })?;
//!     change::run(value.clone(), array.clone(), point.clone())?;
//!     // `Value.get_lock()`
//!     let value = value.lock().unwrap();
//!     // `Value.get_obj()`
//!     assert_eq!(*value, 1.5);
//!     assert_eq!(*array.lock().unwrap(), [0, 0, 7]);
//!     let point = *point.lock().unwrap();
//!     assert_eq!((point.x, point.y), (0.0, 3.0));
//!
//!     // `RawValue`
//!     let value = Shared::new(AtomicU64::new(0))?;
//!     // `RawArray`
//!     let flags = Shared::from_fn(3, |_| AtomicBool::new(false))?;
//!     change_raw::run(value.clone(), flags.clone())?;
//!     assert_eq!(value.load(Relaxed), 1);
//!     assert_eq!([0, 1, 2].map(|place| flags[place].load(Relaxed)), [false, true, false]);
//!     let numbers = double::run(Buffer::from_slice(&[1.0, 2.0])?)?;
//!     assert_eq!(*numbers, [2.0, 4.0]);
//!     Ok(())
//! }
//! ```
//!
//! # Pipes and queues
//!
//! | Python | here |
//! |---|---|
//! | `Pipe()` | [`duplex`](crate::channel::duplex()) |
//! | `Pipe(duplex=False)` | [`channel`](crate::channel::channel()), with many senders and one receiver |
//! | `Queue`, `SimpleQueue` | [`Queue`](crate::channel::Queue), which is always bounded |
//! | `Queue.put(..)`, `Queue.get()` | [`push`](crate::channel::Queue::push), [`pop`](crate::channel::Queue::pop) |
//! | `queue.Full` | [`TrySendError::Full`](crate::channel::TrySendError::Full), [`SendTimeoutError::Timeout`](crate::channel::SendTimeoutError::Timeout) |
//! | `queue.Empty` | [`TryRecvError::Empty`](crate::channel::TryRecvError::Empty), [`RecvTimeoutError::Timeout`](crate::channel::RecvTimeoutError::Timeout) |
//! | `JoinableQueue` | the same type |
//! | `JoinableQueue.task_done()` | [`task_done`](crate::channel::Queue::task_done) |
//! | `JoinableQueue.join()` | [`join`](crate::channel::Queue::join), [`join_timeout`](crate::channel::Queue::join_timeout) |
//!
//! ```
//! use multiproc::channel::{Duplex, Queue, RecvTimeoutError, Sender, SendTimeoutError};
//! use multiproc::channel::{TryRecvError, TrySendError, channel, duplex};
//! use multiproc::worker;
//! use std::time::Duration;
//!
//! const LONG: Duration = Duration::from_secs(60);
//! const SHORT: Duration = Duration::from_millis(1);
//!
//! #[worker(timeout = "60s")]
//! fn shout(connection: Duplex<String, String>) {
//!     for word in &connection {
//!         connection.send(word.to_uppercase()).unwrap();
//!     }
//! }
//!
//! #[worker]
//! fn report(sender: Sender<u32>, number: u32) {
//!     sender.send(number).unwrap();
//! }
//!
//! #[worker(timeout = "60s")]
//! fn double(jobs: Queue<u32>, results: Queue<u32>) {
//!     for job in &jobs {
//!         results.push(2 * job).unwrap();
//!         // `JoinableQueue.task_done()`
//!         jobs.task_done();
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // `Pipe()`
//!     let (here, there) = duplex::<String, String>()?;
//!     let process = shout::spawn(there)?;
//!     here.send("hot".to_owned())?;
//!     assert_eq!(here.recv_timeout(LONG)?, "HOT");
//!     drop(here);
//!     process.join()?;
//!
//!     // `Pipe(duplex=False)`
//!     let (sender, receiver) = channel()?;
//!     report::run(sender.clone(), 1)?;
//!     report::run(sender, 2)?;
//!     assert_eq!([receiver.recv_timeout(LONG)?, receiver.recv_timeout(LONG)?], [1, 2]);
//!     assert_eq!(receiver.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
//!
//!     // `Queue`, `JoinableQueue`
//!     let (jobs, results) = (Queue::bounded(2)?, Queue::bounded(8)?);
//!     // `Queue.put(..)`
//!     jobs.push(1)?;
//!     jobs.push(2)?;
//!     // `queue.Full`
//!     assert_eq!(jobs.try_push(3), Err(TrySendError::Full(3)));
//!     assert_eq!(jobs.push_timeout(3, SHORT), Err(SendTimeoutError::Timeout(3)));
//!     let process = double::spawn(jobs.clone(), results.clone())?;
//!     // `JoinableQueue.join()`
//!     assert!(jobs.join_timeout(LONG));
//!     // `SimpleQueue`, with many consumers, and `Queue.get()`
//!     let other = results.clone();
//!     assert_eq!([results.pop()?, other.pop()?], [2, 4]);
//!     // `queue.Empty`
//!     assert_eq!(results.try_pop(), Err(TryRecvError::Empty));
//!     assert_eq!(results.pop_timeout(SHORT), Err(RecvTimeoutError::Timeout));
//!     jobs.close();
//!     process.join()?;
//!     Ok(())
//! }
//! ```
//!
//! # Errors, descriptors, setting up and tearing down
//!
//! | Python | here |
//! |---|---|
//! | `ProcessError` | [`Error`], [`ErrorKind`] |
//! | `TimeoutError` | `None`, `false` or an error `Timeout` of the method that has waited; nothing is ended |
//! | `reduction.DupFd`, `reduction.send_handle` | [`Fd`](crate::Fd) |
//! | `util.Finalize` | `Drop` |
//! | `util.register_after_fork` | [`startup`](macro@crate::startup) |
//!
//! ```standalone_crate
//! use multiproc::channel::{Receiver, Sender, channel};
//! use multiproc::{ErrorKind, Fd, worker};
//! use std::io::{PipeWriter, Read, Write};
//! use std::sync::atomic::{AtomicBool, Ordering};
//! use std::time::Duration;
//!
//! static READY: AtomicBool = AtomicBool::new(false);
//!
//! // `util.register_after_fork`
//! #[multiproc::startup]
//! fn set_up() {
//!     READY.store(true, Ordering::Relaxed);
//! }
//!
//! struct Farewell(Sender<String>);
//!
//! // `util.Finalize`
//! impl Drop for Farewell {
//!     fn drop(&mut self) {
//!         self.0.send("farewell".to_owned()).unwrap();
//!     }
//! }
//!
//! #[worker]
//! fn write(mut pipe: Fd<PipeWriter>, sender: Sender<String>) -> bool {
//!     let _farewell = Farewell(sender);
//!     pipe.write_all(b"hello").unwrap();
//!     READY.load(Ordering::Relaxed)
//! }
//!
//! #[worker(timeout = "60s")]
//! fn serve(requests: Receiver<Fd<PipeWriter>>) {
//!     for mut pipe in &requests {
//!         pipe.write_all(b" and goodbye").unwrap();
//!     }
//!     panic!("no more requests");
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let (mut reader, writer) = std::io::pipe()?;
//!     let (sender, receiver) = channel()?;
//!     // `reduction.DupFd`
//!     assert!(write::run(Fd::new(writer.try_clone()?), sender)?);
//!     assert_eq!(receiver.recv_timeout(Duration::from_secs(60))?, "farewell");
//!
//!     let (requests, receiver) = channel()?;
//!     let mut process = serve::spawn(receiver)?;
//!     // `reduction.send_handle`
//!     requests.send(Fd::new(writer))?;
//!     let mut text = [0; 17];
//!     reader.read_exact(&mut text)?;
//!     assert_eq!(&text, b"hello and goodbye");
//!
//!     // `TimeoutError`
//!     assert_eq!(process.join_timeout(Duration::from_millis(10))?, None);
//!     drop(requests);
//!     // `ProcessError`
//!     let error = process.join().unwrap_err();
//!     assert_eq!(error.kind(), ErrorKind::Panicked);
//!     assert_eq!(error.panic().unwrap().message(), "no more requests");
//!     Ok(())
//! }
//! ```
//!
//! [`Call::name`]: crate::Call::name
//! [`Call::spawn`]: crate::Call::spawn
//! [`Call::start_method`]: crate::Call::start_method
//! [`Call`]: crate::Call
//! [`Error::exit_status`]: crate::Error::exit_status
//! [`Error::signal`]: crate::Error::signal
//! [`ErrorKind`]: crate::ErrorKind
//! [`Error`]: crate::Error
//! [`PoolBuilder::start_method`]: crate::PoolBuilder::start_method
//! [`Process::exit_status`]: crate::Process::exit_status
//! [`Process::id`]: crate::Process::id
//! [`Process::is_running`]: crate::Process::is_running
//! [`Process::join_timeout`]: crate::Process::join_timeout
//! [`Process::join`]: crate::Process::join
//! [`Process::kill`]: crate::Process::kill
//! [`Process::name`]: crate::Process::name
//! [`Process::start_method`]: crate::Process::start_method
//! [`Process::terminate`]: crate::Process::terminate
//! [`Process`]: crate::Process
