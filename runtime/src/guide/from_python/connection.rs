//! Python's `multiprocessing.connection`: connections, and waiting for several.
//!
//! | Python | here |
//! |---|---|
//! | `Connection` | [`Duplex`](crate::channel::Duplex), [`Sender`](crate::channel::Sender), [`Receiver`](crate::channel::Receiver) |
//! | `Connection.send(..)`, `Connection.recv()` | `send`, `recv` |
//! | `Connection.send_bytes(..)` | [`send_ref`](crate::channel::Duplex::send_ref) of a `&[u8]`, or `send` of a `Vec<u8>`, which are as cheap |
//! | `Connection.recv_bytes()` | items of type `Vec<u8>` |
//! | `Connection.poll()`, `Connection.poll(timeout)` | [`wait`](crate::channel::wait()) with one source: it takes no item, and the end of the channel counts |
//! | `Connection.fileno()` | a source of [`wait`](crate::channel::wait()); a socket of your own as [`Fd`](crate::Fd) |
//! | `Connection.close()` | dropping it |
//! | `EOFError` | [`RecvError::Disconnected`](crate::channel::RecvError::Disconnected) |
//! | `wait(list, timeout)` | [`wait`](crate::channel::wait()) |
//! | `Listener`, `Client` | absent: see [what is absent](super#what-is-absent-and-why) |
//!
//! In this program each of the rows occurs:
//!
//! ```
//! use multiproc::channel::{Duplex, RecvError, channel, duplex, wait};
//! use multiproc::{Fd, worker};
//! use std::io::Write;
//! use std::os::unix::net::UnixStream;
//! use std::time::Duration;
//!
//! #[worker(timeout = "60s")]
//! fn reverse(connection: Duplex<Vec<u8>, Vec<u8>>) {
//!     for mut bytes in &connection {
//!         bytes.reverse();
//!         connection.send(bytes).unwrap();
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let long = Some(Duration::from_secs(60));
//!     // `Connection`
//!     let (here, there) = duplex::<Vec<u8>, Vec<u8>>()?;
//!     let process = reverse::spawn(there)?;
//!     // `Connection.poll()`
//!     assert!(wait(&[&here], Some(Duration::ZERO))?.is_empty());
//!     // `Connection.send(..)`
//!     here.send(vec![1, 2, 3])?;
//!     // `Connection.poll(timeout)`
//!     assert_eq!(wait(&[&here], long)?, [0]);
//!     // `Connection.recv()`
//!     assert_eq!(here.recv()?, [3, 2, 1]);
//!     // `Connection.send_bytes(..)`
//!     here.send_ref(&[4_u8, 5][..])?;
//!     // `wait(list, timeout)`
//!     assert_eq!(wait(&[&process, &here], long)?, [1]);
//!     // `Connection.recv_bytes()`
//!     assert_eq!(here.recv()?, [5, 4]);
//!     // `Connection.close()`, which ends the loop of the worker
//!     drop(here);
//!     assert_eq!(wait(&[&process], long)?, [0]);
//!     process.join()?;
//!
//!     let (sender, receiver) = channel::<String>()?;
//!     drop(sender);
//!     // `EOFError`, for which `poll()` returns true
//!     assert_eq!(wait(&[&receiver], long)?, [0]);
//!     assert_eq!(receiver.recv(), Err(RecvError::Disconnected));
//!
//!     // `Connection.fileno()`, for what is no channel
//!     let (mut near, far) = UnixStream::pair()?;
//!     let far = Fd::new(far);
//!     assert!(wait(&[&far], Some(Duration::ZERO))?.is_empty());
//!     near.write_all(b"!")?;
//!     assert_eq!(wait(&[&far], long)?, [0]);
//!     Ok(())
//! }
//! ```
