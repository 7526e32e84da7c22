//! Sending items between processes: channels, duplex connections, queues, and waiting for several.
//!
//! | | senders | receivers | Python |
//! |---|---|---|---|
//! | [`channel`](channel()) | many | one | `SimpleQueue` with one reader |
//! | [`duplex`](duplex()) | one on each side | one on each side | `Pipe` |
//! | [`Queue`] | many | many | `Queue`, `JoinableQueue` |
//!
//! Items are of any type that serde can write and read back, of any size, with any number of
//! handles inside: senders, receivers, locks, [`Fd`](crate::Fd)s. All ends are values that can be
//! sent themselves: as arguments, results, items.
//!
//! # Examples
//!
//! ```
//! use multiproc::channel::{Sender, channel};
//! use multiproc::worker;
//!
//! #[worker]
//! fn count_to(limit: u32, numbers: Sender<u32>) {
//!     for number in 0..limit {
//!         numbers.send(number).unwrap();
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (sender, receiver) = channel()?;
//! let one = count_to::spawn(10, sender.clone())?;
//! let other = count_to::spawn(20, sender)?;
//! // Ends when all senders are gone: those in the processes, with them.
//! assert_eq!(receiver.iter().sum::<u32>(), 45 + 190);
//! one.join()?;
//! other.join()?;
//! # Ok(())
//! # }
//! ```
//!
//! # When a process dies
//!
//! | the process died | then |
//! |---|---|
//! | holding the last sender | the receiver gets what was sent, then [`Disconnected`](RecvError::Disconnected) |
//! | while sending an item | that item counts as not sent; other senders go on |
//! | holding the receiver | sending fails at once, also in the middle of a long item |
//!
//! A process that writes into a channel behind this library's back, as a faulty C library may,
//! gives the receiver an item that [cannot be read](RecvError::Item). The next item may be fine.
//!
//! # Caveats
//!
//! * A process that holds a sender keeps the channel open, even if it only passed a clone on.
//!   Drop senders that are not needed.
//! * A process that is stopped (`SIGSTOP`) in the middle of sending a long item holds up the
//!   channel until it goes on or dies.
//! * An end inside a message that is still under way is alive.
//! * A process that was made by `fork` has all ends that its parent had, and keeps the channels
//!   open.
//! * Two processes that both send and do not receive wait for each other when there is no room
//!   left; [`Sender::send_timeout`] gives up.
//! * A sender of long items (above 64 KiB or so) shares up to 4 MiB of memory with the receiver, and the
//!   receiver with up to eight such senders; longer items and those of other senders take a slower way. A
//!   receiver that waits gives the memory of a sender back that sends none for a second.
//! * Each end costs a descriptor, and one that sends another from its first use on.
//! * An end can only be serialized into a message to another process; elsewhere that is an error.

mod duplex;
mod error;
mod future;
mod item;
mod queue;
mod receiver;
mod sender;
mod wait;

pub use duplex::{Duplex, duplex};
pub use error::{
    ItemError, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
};
pub use future::RecvFuture;
pub use queue::{Drain, Queue, QueueIter};
pub(crate) use queue::{Overflow, Popped, Pushed};
pub use receiver::{IntoIter, Iter, Receiver, TryIter};
pub use sender::Sender;
pub use wait::{Source, wait};

#[doc(hidden)]
pub use wait::WaitFor;

use std::io;
use std::sync::Arc;

use crate::transport;

/// Creates a channel with many senders and one receiver, as [`std::sync::mpsc::channel`] does for
/// threads.
///
/// # Errors
///
/// The process has too many open files.
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (sender, receiver) = multiproc::channel::channel()?;
/// sender.send(vec![1, 2, 3])?;
/// assert_eq!(receiver.recv()?, [1, 2, 3]);
/// # Ok(())
/// # }
/// ```
pub fn channel<T>() -> io::Result<(Sender<T>, Receiver<T>)> {
    transport::warm_up()?;
    let (to, from) = transport::pair()?;
    // A sender waits by other means, which know deadlines.
    transport::set_nonblocking(&to)?;
    Ok((Sender::new(Arc::new(to)), Receiver::new(Arc::new(from))))
}
