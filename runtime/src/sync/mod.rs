//! Locks and signals between processes, with the names and shapes of [`std::sync`].
//!
//! | type | what it is | in Python |
//! |---|---|---|
//! | [`Mutex<T>`] | a value and its lock: one holder at a time | `Lock`, `Value`, `Array` with their lock |
//! | [`RwLock<T>`] | the same for many readers or one writer | |
//! | [`ReentrantLock<T>`] | a lock that its holder can take again | `RLock` |
//! | [`Condvar`] | waits for a change of what a mutex protects | `Condition` |
//! | [`Semaphore`] | a limited number of permits | `Semaphore` |
//! | [`Event`] | a flag to wait for | `Event` |
//! | [`Barrier`] | a point where several threads wait for each other | `Barrier` |
//!
//! The constructors return [`io::Result`](std::io::Result), because they take shared memory. What
//! they return is a handle: `clone` it for every process and thread that needs it, and pass it as
//! an argument, in a result, or as a field of your types. The memory is freed when the last holder
//! in any process is gone.
//!
//! # Examples
//!
//! ```
//! use multiproc::sync::Mutex;
//! use multiproc::worker;
//!
//! #[worker]
//! fn count(counter: Mutex<u64>) {
//!     for _ in 0..1000 {
//!         *counter.lock().unwrap() += 1;
//!     }
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let counter = Mutex::new(0)?;
//! let workers = [count::spawn(counter.clone())?, count::spawn(counter.clone())?];
//! for worker in workers {
//!     worker.join()?;
//! }
//! assert_eq!(*counter.lock().unwrap(), 2000);
//! # Ok(())
//! # }
//! ```
//!
//! # When a process dies
//!
//! | the process that died | the others |
//! |---|---|
//! | held a mutex, or an `RwLock` for writing | get the lock, in a [`PoisonError`](std::sync::PoisonError) |
//! | held an `RwLock` for reading, or permits | get the lock, the permits |
//! | waited at a barrier | find the barrier broken |
//! | waited for anything else | do not notice; its notification, if it had one, goes to another waiter |
//! | was about to wake another | wake up by themselves |
//!
//! The end of a *thread* changes nothing, as with std: what a leaked or forgotten guard has locked
//! stays locked until its process is gone.
//!
//! All of this takes less than a second: a waiting thread checks by itself, first after a
//! millisecond and then less often, but at least every 200 milliseconds. No operation waits for an
//! answer of another process, and no process serves the others.
//!
//! # What it costs
//!
//! Uncontended locks and permits are taken and given back without a system call, in about the time
//! of a [`std::sync::Mutex`]; setting and clearing an event that no thread waits for costs as
//! little. A thread that has to wait first spins for up to ten microseconds, which is as long as
//! being woken would take, if spinning has paid off for this thread lately, and then sleeps. So
//! processes that take turns mostly hand each other a lock, an event or a notification without a
//! system call, as long as each has a core to itself.
//!
//! # Caveats
//!
//! * **The data of a killed holder** are as it left them, between any two instructions. A panic
//!   leaves whole values; a kill may leave half an assignment: some fields new, others old; of an
//!   `enum`, the new variant with a part of the old content. If the bytes are still a value of the
//!   type, the `PoisonError` gives access to it. If they are not, because a `bool`, a `char`, a
//!   `NonZero` or an `enum` in it has bits that it cannot have, no code may look at it: the next
//!   lock panics, and so do all after it. The variant of an `enum` with content is assumed to be
//!   whole, since it is written with one instruction.
//! * **A process that writes to wrong addresses** can damage everything it shares, since that lies
//!   in memory that it has mapped. If it hits the lock itself, the others find a poisoned lock, and
//!   its value is lost if it has an `enum` with content in it; a broken barrier; a condition
//!   variable whose waits end now and again; a semaphore without permits, which panics where a
//!   caller would wait without end; an event that is set or not. A value that was damaged beside an
//!   intact lock is taken for good.
//! * A process that is stopped (`SIGSTOP`) is alive, and keeps what it holds.
//! * A process that was made by `fork` must not use the handles it finds there. To the others it is
//!   its parent: what it holds when it ends, the parent holds.
//! * As in `std`, threads are not served in the order of their arrival, except by [`Condvar`], and
//!   two threads that wait for each other's locks wait for ever.
//! * A handle takes room in shared memory: [those caveats](crate::shm#caveats) apply.

mod barrier;
mod condvar;
mod event;
mod mutex;
mod reentrant;
mod rwlock;
mod semaphore;

pub use barrier::{Barrier, BarrierWaitResult, BrokenBarrier};
pub use condvar::{Condvar, WaitTimeoutResult};
pub use event::Event;
pub use mutex::{Mutex, MutexGuard};
pub use reentrant::{ReentrantLock, ReentrantLockGuard};
pub use rwlock::{RwLock, RwLockReadGuard, RwLockWriteGuard};
pub use semaphore::{Permit, Semaphore};

use std::fmt;

/// What a lock shows of itself: its value, if it could be locked and there is one, and whether it is
/// poisoned.
fn debug_lock(
    f: &mut fmt::Formatter<'_>,
    name: &str,
    data: Option<(&dyn fmt::Debug, bool)>,
    is_poisoned: bool,
) -> fmt::Result {
    let data: &dyn fmt::Debug = match &data {
        Some((data, true)) => *data,
        Some((_, false)) => &format_args!("<invalid>"),
        None => &format_args!("<locked>"),
    };
    f.debug_struct(name)
        .field("data", data)
        .field("poisoned", &is_poisoned)
        .finish_non_exhaustive()
}

/// What a lock does that cannot even give its value in a `PoisonError`.
#[track_caller]
#[cold]
fn is_in_pieces(lock: &str) -> ! {
    panic!(
        "the value of this {lock} is lost: a process was killed while writing it, or overwrote it, \
         and its bytes are not a value of its type; share a new {lock}"
    )
}

/// What waits without a timeout does when what it waits for cannot be known any more.
#[track_caller]
#[cold]
fn is_overwritten(what: &str) -> ! {
    panic!("a process overwrote the memory of this {what}; share a new {what}")
}

/// What a lock does when its own thread would wait for itself: std leaves that open, we tell.
#[track_caller]
#[cold]
fn waits_for_itself() -> ! {
    panic!("this thread holds the lock already and would wait for itself")
}
