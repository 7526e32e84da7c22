//! Waking tasks when a descriptor becomes readable.
//!
//! One thread serves the whole process. It is started by the first task that has to wait, and
//! waits for descriptors only.
//!
//! A copy of the process made by `fork` has not got that thread, but the same epoll instance: what is
//! registered there is the original's, and is left alone.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::thread;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

use crate::foreign;
use crate::sys::copy::Home;
use crate::sys::refused::Naming as _;

/// A descriptor that tasks wait for.
///
/// It is a duplicate: what it was made from may be closed at any time.
#[derive(Debug)]
pub(crate) struct Readiness {
    service: &'static Service,
    descriptor: OwnedFd,
    key: u64,
}

#[derive(Debug)]
struct Service {
    epoll: OwnedFd,
    wakers: Mutex<HashMap<u64, Waker>>,
    /// The process that has the thread.
    home: Home,
}

impl Readiness {
    /// Begins to watch a descriptor, without a waker yet.
    pub(crate) fn new(descriptor: BorrowedFd<'_>) -> io::Result<Readiness> {
        static KEYS: AtomicU64 = AtomicU64::new(0);
        let service = Service::get()?;
        let descriptor = descriptor.try_clone_to_owned()?;
        let key = KEYS.fetch_add(1, Ordering::Relaxed);
        // Told once, and that only after `wake`.
        let flags = EventFlags::ONESHOT;
        epoll::add(&service.epoll, &descriptor, EventData::new_u64(key), flags)?;
        Ok(Readiness {
            service,
            descriptor,
            key,
        })
    }

    /// Wakes this task, instead of the one before it, as soon as the descriptor is readable or
    /// hung up; at once if it is already.
    pub(crate) fn wake(&self, waker: &Waker) -> io::Result<()> {
        self.service.check_here()?;
        // Wakers are cloned and dropped by user code: not under the lock.
        let waker = waker.clone();
        let before = self.service.wakers().insert(self.key, waker);
        drop(before);
        let flags = EventFlags::IN | EventFlags::ONESHOT;
        let data = EventData::new_u64(self.key);
        Ok(epoll::modify(
            &self.service.epoll,
            &self.descriptor,
            data,
            flags,
        )?)
    }
}

impl Drop for Readiness {
    fn drop(&mut self) {
        if self.service.check_here().is_err() {
            return;
        }
        // Closing alone would not do: others hold the same open file.
        let _ = epoll::delete(&self.service.epoll, &self.descriptor);
        let waker = self.service.wakers().remove(&self.key);
        drop(waker);
    }
}

impl Service {
    fn get() -> io::Result<&'static Service> {
        static SERVICE: OnceLock<Service> = OnceLock::new();
        static STARTING: Mutex<()> = Mutex::new(());
        if let Some(service) = SERVICE.get() {
            return service.check_here().map(|()| service);
        }
        let _starting = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(service) = SERVICE.get() {
            return Ok(service);
        }
        let service = Service {
            epoll: epoll::create(CreateFlags::CLOEXEC).naming("epoll_create1")?,
            wakers: Mutex::default(),
            home: Home::here(),
        };
        // The thread finds the service where it is about to be put.
        let thread = thread::Builder::new().name("multiproc-wakers".to_owned());
        thread.spawn(|| SERVICE.wait().run()).naming("clone")?;
        Ok(SERVICE.get_or_init(|| service))
    }

    fn run(&self) {
        let mut events: [MaybeUninit<Event>; 64] = [MaybeUninit::uninit(); 64];
        loop {
            // An error is a signal that came in between.
            let Ok((happened, _)) = epoll::wait(&self.epoll, &mut events, None) else {
                continue;
            };
            for event in happened {
                // Taken first: a waker is user code.
                let waker = self.wakers().remove(&event.data.u64());
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
        self.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
