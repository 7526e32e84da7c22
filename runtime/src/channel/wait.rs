//! Waiting for several things at once.

use std::io;
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::{Duration, Instant};

use crate::completion::{Ending, Listening};
use crate::descriptor::Fd;
use crate::process::Process;
use crate::sys::fd::{AsFd, BorrowedFd, OwnedFd};
use crate::sys::notify_fd::NotifyFd;
use crate::sys::{deadline, poll};

/// A source of events that [`wait`] can wait for.
///
/// | source | ready when |
/// |---|---|
/// | [`Receiver`](super::Receiver), [`Duplex`](super::Duplex) | an item is there, or none will come: `try_recv` says which |
/// | [`Queue`](super::Queue) | an item is there, or none will come; another process may pop it first |
/// | [`Process`] | it ended: `try_join` has the result |
/// | [`Task`](crate::Task) | it is finished: `wait` returns at once |
/// | [`Fd`] | there is something to read, or its other end is closed |
///
/// A reference to a source is one, too. The trait cannot be implemented by hand.
///
/// # Examples
///
/// ```
/// use multiproc::channel::{Source, channel, wait};
/// use multiproc::worker;
///
/// #[worker]
/// fn work() {}
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (_sender, receiver) = channel::<String>()?;
/// let process = work::spawn()?;
/// let sources: [&dyn Source; 2] = [&receiver, &process];
/// assert_eq!(wait(&sources, None)?, [1]); // the process has ended
/// process.join()?;
/// # Ok(())
/// # }
/// ```
pub trait Source {
    #[doc(hidden)]
    fn watch(&self) -> WaitFor<'_>;

    /// Whether the source is ready, when its descriptor says so.
    #[doc(hidden)]
    fn confirm(&self) -> bool {
        true
    }
}

/// How to learn whether a source is ready.
#[doc(hidden)]
#[derive(Debug)]
pub enum WaitFor<'a> {
    /// It is.
    Ready,
    /// When this is readable, it may be.
    Borrowed(BorrowedFd<'a>),
    Shared(Arc<OwnedFd>),
    /// Likewise, but it is to be watched anew after this time.
    Polling(BorrowedFd<'a>, Duration),
    /// It has no descriptor, and wakes those who listen.
    Ending(Arc<dyn Ending>),
}

/// Waits until at least one of the sources is ready, and returns the indices of those that are:
/// Python's `connection.wait`.
///
/// It receives nothing from them: a source that is ready stays so until a thread receives. With a
/// `timeout`, the result is empty when the time is over; a timeout of zero only checks.
///
/// # Errors
///
/// The operating system refuses, for lack of memory, or of descriptors: to wait for tasks takes one,
/// however many they are.
///
/// # Examples
///
/// ```
/// use multiproc::channel::{channel, wait};
/// use std::time::Duration;
///
/// # fn main() -> std::io::Result<()> {
/// let (one_sender, one) = channel::<u32>()?;
/// let (other_sender, other) = channel::<String>()?;
/// assert!(wait(&[&one, &other], Some(Duration::ZERO))?.is_empty());
///
/// other_sender.send("hello".to_owned()).unwrap();
/// assert_eq!(wait(&[&one, &other], None)?, [1]);
/// assert_eq!(other.recv().unwrap(), "hello");
///
/// drop((one_sender, other_sender));
/// assert_eq!(wait(&[&one, &other], None)?, [0, 1]);
/// # Ok(())
/// # }
/// ```
pub fn wait(sources: &[&dyn Source], timeout: Option<Duration>) -> io::Result<Vec<usize>> {
    let deadline = timeout.and_then(deadline::after);
    loop {
        let watched: Vec<WaitFor<'_>> = sources.iter().map(|source| source.watch()).collect();
        let any_ready = watched.iter().any(|it| matches!(it, WaitFor::Ready));
        let endings = watched.iter().filter_map(|watched| match watched {
            WaitFor::Ending(ending) => Some(Arc::clone(ending)),
            _ => None,
        });
        let endings = Endings::listen_to(endings.collect())?;
        let (places, descriptors): (Vec<usize>, Vec<BorrowedFd<'_>>) = watched
            .iter()
            .enumerate()
            .filter_map(|(place, watched)| {
                let descriptor = match watched {
                    WaitFor::Ready => return None,
                    WaitFor::Borrowed(descriptor) | WaitFor::Polling(descriptor, _) => *descriptor,
                    WaitFor::Shared(descriptor) => descriptor.as_fd(),
                    // Which of them it is, each says itself.
                    WaitFor::Ending(_) => endings.as_ref()?.notify_fd.as_fd(),
                };
                Some((place, descriptor))
            })
            .unzip();
        let again = watched.iter().filter_map(|watched| match watched {
            WaitFor::Polling(_, again) => deadline::after(*again),
            _ => None,
        });
        let now = any_ready.then(Instant::now);
        let until = now.or_else(|| again.chain(deadline).min());
        let readable = poll::wait_any_of(&descriptors, until)?;
        let told: Vec<usize> = places
            .into_iter()
            .zip(readable)
            .filter_map(|(place, is_readable)| is_readable.then_some(place))
            .collect();
        let ready: Vec<usize> = sources
            .iter()
            .enumerate()
            .filter(|(place, source)| {
                matches!(watched[*place], WaitFor::Ready)
                    || (told.contains(place) && source.confirm())
            })
            .map(|(place, _)| place)
            .collect();
        if !ready.is_empty() || deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Ok(ready);
        }
    }
}

/// Endings that notify a descriptor, as long as this is there.
struct Endings {
    notify_fd: NotifyFd,
    _listening: Listening,
}

impl Endings {
    fn listen_to(endings: Vec<Arc<dyn Ending>>) -> io::Result<Option<Endings>> {
        if endings.is_empty() {
            return Ok(None);
        }
        let notify_fd = NotifyFd::new()?;
        let waker = Waker::from(Arc::new(Notifier(notify_fd.clone())));
        let mut listening = Listening::new();
        for ending in endings {
            listening.listen(ending, waker.clone());
        }
        Ok(Some(Endings {
            notify_fd,
            _listening: listening,
        }))
    }
}

struct Notifier(NotifyFd);

impl Wake for Notifier {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

impl<S: Source + ?Sized> Source for &S {
    fn watch(&self) -> WaitFor<'_> {
        (**self).watch()
    }

    fn confirm(&self) -> bool {
        (**self).confirm()
    }
}

impl<R> Source for Process<R> {
    fn watch(&self) -> WaitFor<'_> {
        WaitFor::Borrowed(self.as_fd())
    }
}

impl<T: AsFd> Source for Fd<T> {
    fn watch(&self) -> WaitFor<'_> {
        WaitFor::Borrowed(self.as_fd())
    }
}
