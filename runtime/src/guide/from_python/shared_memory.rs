//! Python's `multiprocessing.shared_memory` and `multiprocessing.managers`.
//!
//! Each table is followed by a program in which its rows occur.
//!
//! # `multiprocessing.shared_memory`
//!
//! | Python | here |
//! |---|---|
//! | `SharedMemory(create=True, size=n)` | [`Buffer`](crate::shm::Buffer) to write, [`Shared<[T]>`](crate::shm::Shared::from_slice) to read |
//! | `SharedMemory.buf` | both deref to a slice |
//! | `SharedMemory(name)` | the handle is an argument |
//! | `SharedMemory.close()`, `SharedMemory.unlink()` | dropping the last handle |
//! | `ShareableList` | [`Mutex`](crate::sync::Mutex) or [`Shared`](crate::shm::Shared) of a [`Shareable`](trait@crate::Shareable) type |
//!
//! ```
//! use multiproc::shm::{Buffer, Shared};
//! use multiproc::sync::Mutex;
//! use multiproc::{Pool, worker};
//!
//! const SIZE: usize = 16 << 20;
//!
//! // `SharedMemory(name)`
//! #[worker]
//! fn fill(mut memory: Buffer<u8>, byte: u8) -> Buffer<u8> {
//!     // `SharedMemory.buf`
//!     memory.fill(byte);
//!     memory
//! }
//!
//! #[worker]
//! fn count(memory: Shared<[u8]>, byte: u8) -> usize {
//!     memory.iter().filter(|it| **it == byte).count()
//! }
//!
//! #[worker]
//! fn grow(list: Mutex<(u32, f64, bool)>) {
//!     list.lock().unwrap().0 += 1;
//! }
//!
//! /// Returns how many bytes of shared memory this process has.
//! fn shared_memory() -> std::io::Result<usize> {
//!     let status = std::fs::read_to_string("/proc/self/status")?;
//!     let line = status.lines().find_map(|line| line.strip_prefix("RssShmem:"));
//!     let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
//!     Ok(kibibytes.map_or(0, |number| number.parse::<usize>().unwrap()) << 10)
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // `SharedMemory(create=True, size=n)`
//!     let memory = fill::run(Buffer::new(SIZE)?, 7)?;
//!     assert!(memory.iter().all(|byte| *byte == 7));
//!     let pool = Pool::builder().workers(2).build()?;
//!     let shared = Shared::from_slice(&memory)?;
//!     let counts = pool.map(|byte| count::call(shared.clone(), byte), [6, 7]);
//!     assert_eq!(counts.collect::<Result<Vec<_>, _>>()?, [0, SIZE]);
//!
//!     // `SharedMemory.close()`, `SharedMemory.unlink()`
//!     let before = shared_memory()?;
//!     drop(memory);
//!     drop(shared);
//!     assert!(shared_memory()? < before - SIZE);
//!
//!     // `ShareableList`
//!     let list = Mutex::new((1, 0.5, true))?;
//!     grow::run(list.clone())?;
//!     assert_eq!(*list.lock().unwrap(), (2, 0.5, true));
//!     Ok(())
//! }
//! ```
//!
//! # `multiprocessing.managers`
//!
//! | Python | here |
//! |---|---|
//! | `SyncManager.Lock()`, `SyncManager.Queue()`, .. | those of [`sync`](crate::sync) and [`channel`](mod@crate::channel): they can be sent anywhere, and no process serves them |
//! | `SyncManager.Value(..)`, `SyncManager.Array(..)` | [`Mutex<T>`](crate::sync::Mutex), [`Mutex<[T]>`](crate::sync::Mutex::from_slice) |
//! | `SyncManager.Namespace()` | a type with [`#[derive(Shareable)]`](derive@crate::Shareable) in a [`Mutex`](crate::sync::Mutex) |
//! | `SyncManager.dict()`, `SyncManager.list()` | absent: see [what is absent](super#what-is-absent-and-why) |
//! | `SharedMemoryManager` | not needed: memory goes with its last holder |
//!
//! ```
//! use multiproc::channel::Queue;
//! use multiproc::sync::Mutex;
//! use multiproc::{Pool, Shareable, worker};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Copy, Shareable)]
//! struct Settings {
//!     limit: u32,
//!     steps: u32,
//! }
//!
//! /// What all tasks work with. Handles are fields like others.
//! #[derive(Clone, Serialize, Deserialize)]
//! struct Common {
//!     lock: Mutex<()>,
//!     found: Queue<u32>,
//!     sum: Mutex<u32>,
//!     seen: Mutex<[bool]>,
//!     settings: Mutex<Settings>,
//! }
//!
//! #[worker]
//! fn step(common: Common, number: u32) {
//!     let _guard = common.lock.lock().unwrap();
//!     *common.sum.lock().unwrap() += number;
//!     common.seen.lock().unwrap()[number as usize] = true;
//!     let mut settings = common.settings.lock().unwrap();
//!     settings.steps += 1;
//!     if number > settings.limit {
//!         common.found.push(number).unwrap();
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let pool = Pool::builder().workers(2).build()?;
//!     let common = Common {
//!         // `SyncManager.Lock()`
//!         lock: Mutex::new(())?,
//!         // `SyncManager.Queue()`
//!         found: Queue::bounded(8)?,
//!         // `SyncManager.Value(..)`
//!         sum: Mutex::new(0)?,
//!         // `SyncManager.Array(..)`
//!         seen: Mutex::from_elem(false, 4)?,
//!         // `SyncManager.Namespace()`
//!         settings: Mutex::new(Settings { limit: 2, steps: 0 })?,
//!     };
//!     let steps = pool.map(|number| step::call(common.clone(), number), 0..4);
//!     steps.collect::<Result<(), _>>()?;
//!     assert_eq!(common.found.try_pop()?, 3);
//!     assert_eq!(*common.sum.lock().unwrap(), 6);
//!     assert_eq!(*common.seen.lock().unwrap(), [true; 4]);
//!     assert_eq!(common.settings.lock().unwrap().steps, 4);
//!     Ok(())
//! }
//! ```
