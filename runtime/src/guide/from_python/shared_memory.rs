//! Python's `multiprocessing.shared_memory`.
//!
//! The table is followed by a program in which its rows occur. What Python's managers serve is on
//! [another page](super::managers).
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
