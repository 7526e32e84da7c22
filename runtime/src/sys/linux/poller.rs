//! Waiting for many descriptors at once, and being woken by other threads meanwhile.
//!
//! Each source is registered under a key of the caller's, a number that [`Poller::wait`] returns
//! when something has happened to it. What that was, the caller asks the source itself: an event
//! may be about something that was dealt with meanwhile, and the same key may be that of several
//! sources.
//!
//! A source that is closed leaves the set only when no other descriptor of the same open file is
//! left, in this process or another: it is to be removed before.
//!
//! A copy of the process made by `fork` shares the set with the original, and must not change it.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::io::Errno;

use super::notify_fd::NotifyFd;
use super::poll::until;
use crate::sys::refused::Naming as _;

/// How many events one [`Poller::wait`] returns at most.
const BATCH: usize = 64;

/// The key of the descriptor that [`Poller::wake`] writes to.
const WAKE: u64 = u64::MAX;

/// A set of descriptors, and a thread that waits for them.
#[derive(Debug)]
pub(crate) struct Poller {
    epoll: OwnedFd,
    wake: NotifyFd,
}

/// What to be told of a source. That it is hung up, or has failed, is told in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interest(EventFlags);

impl Interest {
    /// Nothing but that it is hung up.
    pub(crate) const HANG_UP: Interest = Interest(EventFlags::empty());
    pub(crate) const READABLE: Interest = Interest(EventFlags::IN);
    pub(crate) const WRITABLE: Interest = Interest(EventFlags::OUT);

    /// To be told once, and nothing more, hang-ups included, until [`Poller::modify`].
    pub(crate) fn once(self) -> Interest {
        Interest(self.0.union(EventFlags::ONESHOT))
    }
}

impl Poller {
    pub(crate) fn new() -> io::Result<Poller> {
        let epoll = epoll::create(CreateFlags::CLOEXEC).naming("epoll_create1")?;
        let wake = NotifyFd::new()?;
        epoll::add(&epoll, &wake, EventData::new_u64(WAKE), EventFlags::IN).naming("epoll_ctl")?;
        Ok(Poller { epoll, wake })
    }

    /// Begins to watch a source. One that is watched already stays as it is.
    ///
    /// The key is any number but [`u64::MAX`].
    pub(crate) fn add(&self, source: impl AsFd, key: u64, interest: Interest) -> io::Result<()> {
        debug_assert_ne!(key, WAKE, "the key is taken");
        match epoll::add(&self.epoll, source, EventData::new_u64(key), interest.0) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Changes the key of a source that is watched, and what to be told of it.
    pub(crate) fn modify(&self, source: impl AsFd, key: u64, interest: Interest) -> io::Result<()> {
        debug_assert_ne!(key, WAKE, "the key is taken");
        let data = EventData::new_u64(key);
        Ok(epoll::modify(&self.epoll, source, data, interest.0)?)
    }

    /// Watches a source no longer. It need not have been watched.
    pub(crate) fn remove(&self, source: impl AsFd) {
        let _ = epoll::delete(&self.epoll, source);
    }

    /// Ends a [`wait`](Poller::wait): the one under way, or else the next one.
    pub(crate) fn wake(&self) {
        self.wake.notify();
    }

    /// Waits until something happens to a source, and returns the keys of those to which something
    /// did, in no order. Returns earlier, and perhaps without a key, when the deadline has come, when
    /// another thread calls [`wake`](Poller::wake), or after a signal.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> Vec<u64> {
        let mut buffer: [MaybeUninit<Event>; BATCH] = [MaybeUninit::uninit(); BATCH];
        let timeout = deadline.map(until);
        let Ok((events, _)) = epoll::wait(&self.epoll, &mut buffer, timeout.as_ref()) else {
            return Vec::new();
        };
        let mut keys: Vec<u64> = events.iter().map(|event| event.data.u64()).collect();
        if let Some(place) = keys.iter().position(|key| *key == WAKE) {
            keys.swap_remove(place);
            self.wake.clear();
        }
        keys
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::sys::deadline;

    /// What is told already.
    fn told(poller: &Poller) -> Vec<u64> {
        poller.wait(Some(Instant::now()))
    }

    /// What is told in time.
    fn wait(poller: &Poller) -> Vec<u64> {
        poller.wait(Some(Instant::now() + Duration::from_mins(1)))
    }

    #[test]
    fn a_source_is_told_by_its_key_while_it_is_ready() {
        let poller = Poller::new().unwrap();
        let (mut near, mut far) = UnixStream::pair().unwrap();
        let (_other, silent) = UnixStream::pair().unwrap();
        poller.add(&near, 7, Interest::READABLE).unwrap();
        poller.add(&silent, 8, Interest::READABLE).unwrap();
        assert!(told(&poller).is_empty());
        far.write_all(b"x").unwrap();
        assert_eq!(wait(&poller), [7]);
        assert_eq!(wait(&poller), [7]);
        near.read_exact(&mut [0]).unwrap();
        assert!(told(&poller).is_empty());
    }

    #[test]
    fn a_source_that_is_watched_already_stays_as_it_is() {
        let poller = Poller::new().unwrap();
        let (near, _far) = UnixStream::pair().unwrap();
        poller.add(&near, 7, Interest::WRITABLE).unwrap();
        poller.add(&near, 8, Interest::READABLE).unwrap();
        assert_eq!(wait(&poller), [7]);
        poller.modify(&near, 8, Interest::WRITABLE).unwrap();
        assert_eq!(wait(&poller), [8]);
        poller.remove(&near);
        poller.remove(&near);
        assert!(told(&poller).is_empty());
        assert!(poller.modify(&near, 8, Interest::READABLE).is_err());
    }

    #[test]
    fn once_is_once_until_it_is_asked_again() {
        let poller = Poller::new().unwrap();
        let (near, mut far) = UnixStream::pair().unwrap();
        poller.add(&near, 7, Interest::HANG_UP.once()).unwrap();
        far.write_all(b"x").unwrap();
        assert!(told(&poller).is_empty());
        for _ in 0..2 {
            poller.modify(&near, 7, Interest::READABLE.once()).unwrap();
            assert_eq!(wait(&poller), [7]);
            drop(told(&poller));
            assert!(told(&poller).is_empty());
        }
    }

    #[test]
    fn a_hang_up_is_told_to_who_asked_for_nothing_else() {
        let poller = Poller::new().unwrap();
        let (near, far) = UnixStream::pair().unwrap();
        poller.add(&near, 7, Interest::HANG_UP).unwrap();
        (&far).write_all(b"x").unwrap();
        assert!(told(&poller).is_empty());
        drop(far);
        assert_eq!(wait(&poller), [7]);
    }

    #[test]
    fn a_wake_up_call_before_the_wait_is_not_lost() {
        let poller = Poller::new().unwrap();
        poller.wake();
        poller.wake();
        assert!(poller.wait(None).is_empty());
        // Both were one.
        let begin = Instant::now();
        assert!(
            poller
                .wait(Some(begin + Duration::from_millis(20)))
                .is_empty()
        );
        assert!(begin.elapsed() >= Duration::from_millis(20));
    }

    #[test]
    fn a_wake_up_call_ends_a_wait_and_comes_beside_what_happened() {
        let poller = Poller::new().unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| poller.wait(None));
            poller.wake();
            assert!(waiting.join().unwrap().is_empty());
        });
        let (near, _far) = UnixStream::pair().unwrap();
        poller.add(&near, 7, Interest::WRITABLE).unwrap();
        poller.wake();
        assert_eq!(wait(&poller), [7]);
    }

    #[test]
    fn no_deadline_is_too_late() {
        let poller = Poller::new().unwrap();
        poller.wake();
        let far = deadline::after(Duration::from_secs(u64::from(u32::MAX)));
        assert!(poller.wait(far).is_empty());
        assert!(until(Instant::now()).tv_nsec == 0);
    }
}
