//! Waking tasks when a descriptor becomes readable.
//!
//! One thread serves the whole process. It is started by the first task that has to wait, and
//! waits for descriptors only.
//!
//! A copy of the process made by `fork` has not got that thread, but the same set of descriptors: what is
//! registered there is the original's, and is left alone.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::task::Waker;
use std::thread;
use std::time::Instant;

use crate::foreign;
use crate::lock::lock;
use crate::sys::copy::Home;
use crate::sys::fd::{BorrowedFd, OwnedFd};
use crate::sys::poller::{Interest, Poller};
use crate::sys::refused::Naming as _;
use crate::sys::timer_fd;

/// A descriptor that tasks wait for.
#[derive(Debug)]
pub(crate) struct Readiness {
    thread: &'static WakerThread,
    descriptor: OwnedFd,
    key: u64,
}

#[derive(Debug)]
struct WakerThread {
    poller: Poller,
    wakers: Mutex<HashMap<u64, Waker>>,
    /// The process that has the thread.
    home: Home,
}

impl Readiness {
    /// Begins to watch a descriptor, for no task yet. It may be closed at any time: a duplicate is watched.
    pub(crate) fn new(descriptor: BorrowedFd<'_>) -> io::Result<Readiness> {
        Readiness::of(descriptor.try_clone_to_owned()?)
    }

    /// Begins to watch the clock, for no task yet: readable from then on.
    pub(crate) fn at(deadline: Instant) -> io::Result<Readiness> {
        Readiness::of(timer_fd::readable_at(deadline)?)
    }

    fn of(descriptor: OwnedFd) -> io::Result<Readiness> {
        static KEYS: AtomicU64 = AtomicU64::new(0);
        let thread = WakerThread::get()?;
        let key = KEYS.fetch_add(1, Ordering::Relaxed);
        // Told once, and that only after `wake`.
        let nothing = Interest::HANG_UP.once();
        thread.poller.add(&descriptor, key, nothing)?;
        Ok(Readiness {
            thread,
            descriptor,
            key,
        })
    }

    /// Wakes this task, instead of the one before it, as soon as the descriptor is readable or
    /// hung up; at once if it is already.
    pub(crate) fn wake(&self, waker: &Waker) -> io::Result<()> {
        self.thread.check_here()?;
        // Wakers are cloned and dropped by user code: not under the lock.
        let waker = waker.clone();
        let before = self.thread.wakers().insert(self.key, waker);
        drop(before);
        let readable = Interest::READABLE.once();
        let poller = &self.thread.poller;
        poller.modify(&self.descriptor, self.key, readable)
    }
}

impl Drop for Readiness {
    fn drop(&mut self) {
        if self.thread.check_here().is_err() {
            return;
        }
        // Closing alone would not do: others hold the same open file.
        self.thread.poller.remove(&self.descriptor);
        let waker = self.thread.wakers().remove(&self.key);
        drop(waker);
    }
}

impl WakerThread {
    fn get() -> io::Result<&'static WakerThread> {
        static THREAD: OnceLock<WakerThread> = OnceLock::new();
        static STARTING: Mutex<()> = Mutex::new(());
        if let Some(thread) = THREAD.get() {
            return thread.check_here().map(|()| thread);
        }
        let _starting = lock(&STARTING);
        if let Some(thread) = THREAD.get() {
            return Ok(thread);
        }
        let waker_thread = WakerThread {
            poller: Poller::new()?,
            wakers: Mutex::default(),
            home: Home::here(),
        };
        // The new thread finds this where it is about to be put.
        let thread = thread::Builder::new().name("multiproc-wakers".to_owned());
        thread.spawn(|| THREAD.wait().run()).naming("clone")?;
        Ok(THREAD.get_or_init(|| waker_thread))
    }

    fn run(&self) {
        loop {
            for key in self.poller.wait(None) {
                // Taken first: a waker is code of another crate.
                let waker = self.wakers().remove(&key);
                if let Some(waker) = waker {
                    foreign::call(|| waker.wake());
                }
            }
        }
    }

    fn check_here(&self) -> io::Result<()> {
        if self.home.is_here() {
            return Ok(());
        }
        let text =
            "this process is a copy of another one, made by `fork`, in which no task can be woken";
        Err(io::Error::new(io::ErrorKind::Unsupported, text))
    }

    fn wakers(&self) -> MutexGuard<'_, HashMap<u64, Waker>> {
        lock(&self.wakers)
    }
}
