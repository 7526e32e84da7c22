//! The thread that minds the children that are not being joined.
//!
//! It takes in their replies, reaps them when they end and kills those whose deadline has come.
//! It waits for descriptors only, each a child's own: the children that `std::process` or other
//! code starts are none of its business, and a handler for `SIGCHLD` none of its.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Waker;
use std::thread;
use std::time::Instant;

use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::process::{Pid, Signal};

use super::end::{Status, Who};
use super::memory_limit::MemoryLimit;
use super::watch::{Pidfd, Started, Watch};
use crate::foreign;
use crate::sys::copy::Home;
use crate::sys::refused::Naming as _;
use crate::usage::Usage;

/// A child, as the handle and the monitor share it.
#[derive(Debug)]
pub(super) struct Child {
    pub(super) pid: Pid,
    pub(super) pidfd: Pidfd,
    /// Empty while the child has no request, and for the fork server.
    role: OnceLock<Role>,
    /// Identifies the child for the life of this process; pids come again.
    key: u64,
    /// The process whose child it is.
    pub(super) home: Home,
    /// Empty while a joining thread minds the child.
    minded: Mutex<Option<Minded>>,
}

#[derive(Debug)]
struct Minded {
    watch: Watch,
    /// The entry in the monitor's deadlines.
    armed: Option<Instant>,
    /// The task to wake when the child has ended.
    waker: Option<Waker>,
}

impl Child {
    pub(super) fn new(started: Started) -> Arc<Child> {
        static KEYS: AtomicU64 = AtomicU64::new(1);
        let Started { pid, pidfd } = started;
        let key = KEYS.fetch_add(1, Ordering::Relaxed);
        Arc::new(Child {
            pid,
            pidfd,
            role: OnceLock::new(),
            key,
            home: Home::here(),
            minded: Mutex::new(None),
        })
    }

    pub(super) fn id(&self) -> u32 {
        self.pid.as_raw_nonzero().get().cast_unsigned()
    }

    /// Sends it a signal, unless this process is a copy of the one whose child it is.
    pub(super) fn signal(&self, signal: Signal) {
        if self.home.is_here() {
            self.pidfd.signal(signal);
        }
    }

    /// Gives the child its role, once.
    pub(super) fn assign(
        &self,
        name: String,
        worker: &'static str,
        memory_limit: Option<MemoryLimit>,
    ) {
        let role = Role {
            name,
            worker,
            memory_limit,
        };
        let _ = self.role.set(role);
    }

    /// Who ended, for the text of an error.
    pub(super) fn who(&self) -> Who<'_> {
        Who {
            worker: self.worker(),
            id: self.id(),
            memory_limit: self.met_memory_limit(),
        }
    }

    /// The child's memory limit, if it crashed at that.
    pub(super) fn met_memory_limit(&self) -> Option<u64> {
        self.role.get()?.memory_limit.as_ref()?.met()
    }

    /// The name of the process.
    pub(super) fn name(&self) -> &str {
        self.role.get().map_or("", |role| &role.name)
    }

    /// The name of its worker.
    pub(super) fn worker(&self) -> &'static str {
        self.role.get().map_or("", |role| role.worker)
    }

    /// Whether the child has ended; if not, `waker` is woken when it has.
    pub(super) fn poll_ended(&self, waker: &Waker) -> bool {
        // Wakers are cloned and dropped by user code: not under the lock.
        let mut waker = Some(waker.clone());
        let ended = self.look(|minded| {
            let ended = minded.watch.status().is_some();
            if !ended {
                std::mem::swap(&mut minded.waker, &mut waker);
            }
            ended
        });
        ended.unwrap_or(true)
    }

    /// Whether the child has ended; `None` while a joining thread minds it.
    pub(super) fn has_ended(&self) -> Option<bool> {
        self.look(|minded| minded.watch.status().is_some())
    }

    /// How the child ended, if it has; `None` also while a joining thread minds it.
    pub(super) fn status(&self) -> Option<Status> {
        self.look(|minded| minded.watch.status()).flatten()
    }

    /// What the child had used up, as far as [`status`](Child::status) tells how it ended.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.look(|minded| minded.watch.usage()).flatten()
    }

    /// Looks at what is minded, after all that has happened is taken in.
    fn look<R>(&self, look: impl FnOnce(&mut Minded) -> R) -> Option<R> {
        let mut place = lock(&self.minded);
        let minded = place.as_mut()?;
        // There is a monitor, else nothing would be minded.
        let woken = Monitor::get().ok()?.advance(self, minded);
        let seen = look(minded);
        drop(place);
        if let Some(waker) = woken {
            foreign::call(|| waker.wake());
        }
        Some(seen)
    }
}

/// What a child was started for.
#[derive(Debug)]
struct Role {
    name: String,
    worker: &'static str,
    memory_limit: Option<MemoryLimit>,
}

/// The state of the monitor's thread that others reach.
#[derive(Debug)]
pub(super) struct Monitor {
    epoll: OwnedFd,
    /// Written to when the thread has to look at its deadlines anew.
    wake: OwnedFd,
    children: Mutex<HashMap<u64, Arc<Child>>>,
    deadlines: Mutex<Deadlines>,
    /// The process that has the thread.
    home: Home,
}

#[derive(Debug, Default)]
struct Deadlines {
    set: BTreeSet<(Instant, u64)>,
    /// Until when the thread sleeps if nothing happens.
    sleeping_until: Option<Instant>,
}

/// The key of [`Monitor::wake`].
const WAKE: u64 = 0;

impl Monitor {
    /// The monitor of this process, started at the first call.
    pub(super) fn get() -> io::Result<&'static Monitor> {
        static MONITOR: OnceLock<Monitor> = OnceLock::new();
        static STARTING: Mutex<()> = Mutex::new(());
        if let Some(monitor) = MONITOR.get() {
            return Ok(monitor);
        }
        let _starting = lock(&STARTING);
        if let Some(monitor) = MONITOR.get() {
            return Ok(monitor);
        }
        let epoll = epoll::create(CreateFlags::CLOEXEC).naming("epoll_create1")?;
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).naming("eventfd2")?;
        epoll::add(&epoll, &wake, EventData::new_u64(WAKE), EventFlags::IN)?;
        let monitor = Monitor {
            epoll,
            wake,
            children: Mutex::default(),
            deadlines: Mutex::default(),
            home: Home::here(),
        };
        // The thread finds the monitor where it is about to be put.
        let thread = thread::Builder::new().name("multiproc-monitor".to_owned());
        thread.spawn(|| MONITOR.wait().run()).naming("clone")?;
        Ok(MONITOR.get_or_init(|| monitor))
    }

    /// The children that have not been seen to end, oldest first.
    pub(super) fn children() -> Vec<Arc<Child>> {
        let mut children: Vec<_> = match Monitor::get() {
            Ok(monitor) if !monitor.home.is_here() => Vec::new(),
            Ok(monitor) => {
                let children = lock(&monitor.children);
                let with_role = children.values().filter(|child| child.role.get().is_some());
                with_role.cloned().collect()
            }
            Err(_) => Vec::new(),
        };
        children.sort_by_key(|child| child.key);
        children
    }

    /// Begins to mind a child.
    pub(super) fn mind(&self, child: &Arc<Child>, watch: Watch) -> io::Result<()> {
        // Locked before the thread can hear of the child.
        let mut minded = lock(&child.minded);
        lock(&self.children).insert(child.key, Arc::clone(child));
        let minded = minded.insert(Minded {
            watch,
            armed: None,
            waker: None,
        });
        let data = EventData::new_u64(child.key);
        let added = epoll::add(&self.epoll, &child.pidfd, data, EventFlags::IN).and_then(|()| {
            minded.watch.connection().map_or(Ok(()), |it| {
                epoll::add(&self.epoll, it, data, EventFlags::IN)
            })
        });
        self.arm(child.key, minded);
        Ok(added?)
    }

    /// Hands the watch to a thread that waits for this child. `None` if another has it.
    pub(super) fn release(&self, child: &Child) -> Option<Watch> {
        let mut minded = lock(&child.minded).take()?;
        self.disarm(child.key, &mut minded);
        // What is not registered (any more) need not be removed.
        let _ = epoll::delete(&self.epoll, &child.pidfd);
        if let Some(connection) = minded.watch.connection() {
            let _ = epoll::delete(&self.epoll, connection);
        }
        if minded.watch.is_assembling()
            && let Some(source) = minded.watch.source()
        {
            let _ = epoll::delete(&self.epoll, source);
        }
        Some(minded.watch)
    }

    /// Sets when to kill a child that the monitor minds.
    pub(super) fn set_timeout(&self, child: &Child, timeout: Instant) {
        if let Some(minded) = lock(&child.minded).as_mut() {
            minded.watch.set_timeout(timeout);
            self.arm(child.key, minded);
        }
    }

    /// Forgets a child that has ended.
    pub(super) fn forget(&self, child: &Child) {
        if !self.home.is_here() {
            return;
        }
        lock(&self.children).remove(&child.key);
    }

    fn run(&self) {
        let mut events: [MaybeUninit<Event>; 64] = [MaybeUninit::uninit(); 64];
        loop {
            let timeout = self.until_next_deadline();
            let keys: Vec<u64> = match epoll::wait(&self.epoll, &mut events, timeout.as_ref()) {
                Ok((happened, _)) => happened.iter().map(|event| event.data.u64()).collect(),
                Err(_) => Vec::new(),
            };
            for key in keys {
                if key == WAKE {
                    let _ = rustix::io::read(&self.wake, &mut [0; 8]);
                } else {
                    self.look_after(key);
                }
            }
            for key in self.overdue() {
                self.look_after(key);
            }
        }
    }

    fn look_after(&self, key: u64) {
        let Some(child) = lock(&self.children).get(&key).cloned() else {
            return;
        };
        let _ = child.look(|_| ());
    }

    /// Takes in all that has happened to a child, and sees to it that what is to come is heard of.
    /// The task that has to be woken, if the child has ended.
    fn advance(&self, child: &Child, minded: &mut Minded) -> Option<Waker> {
        if minded.watch.advance() {
            self.disarm(child.key, minded);
            let _ = epoll::delete(&self.epoll, &child.pidfd);
            self.forget(child);
            return minded.waker.take();
        }
        let watch = &minded.watch;
        let data = EventData::new_u64(child.key);
        match (watch.source(), watch.connection()) {
            // Fails if it is registered already.
            (Some(source), _) if watch.is_assembling() => {
                let _ = epoll::add(&self.epoll, source, data, EventFlags::IN);
            }
            (None, Some(connection)) => {
                let _ = epoll::delete(&self.epoll, connection);
            }
            _ => {}
        }
        self.arm(child.key, minded);
        None
    }

    /// Brings the child's deadline up to date.
    fn arm(&self, key: u64, minded: &mut Minded) {
        let deadline = minded.watch.deadline();
        if minded.armed == deadline {
            return;
        }
        let mut deadlines = lock(&self.deadlines);
        if let Some(armed) = minded.armed.take() {
            deadlines.set.remove(&(armed, key));
        }
        if let Some(deadline) = deadline {
            deadlines.set.insert((deadline, key));
            minded.armed = Some(deadline);
            if deadlines
                .sleeping_until
                .is_none_or(|until| deadline < until)
            {
                deadlines.sleeping_until = Some(deadline);
                let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
            }
        }
    }

    fn disarm(&self, key: u64, minded: &mut Minded) {
        if let Some(armed) = minded.armed.take() {
            lock(&self.deadlines).set.remove(&(armed, key));
        }
    }

    fn until_next_deadline(&self) -> Option<Timespec> {
        let mut deadlines = lock(&self.deadlines);
        deadlines.sleeping_until = deadlines.set.first().map(|(deadline, _)| *deadline);
        deadlines.sleeping_until.map(crate::sys::deadline::until)
    }

    fn overdue(&self) -> Vec<u64> {
        let now = Instant::now();
        let deadlines = lock(&self.deadlines);
        deadlines
            .set
            .iter()
            .take_while(|(deadline, _)| *deadline <= now)
            .map(|(_, key)| *key)
            .collect()
    }
}

/// Has a child reaped that is of no more interest, whenever it can be.
pub(super) fn reap_later(pidfd: &Pidfd) {
    // An error leaves a zombie, which ends with this program. The descriptor is a duplicate, since
    // the child may be registered with its own.
    if let (Ok(monitor), Ok(descriptor)) = (Monitor::get(), pidfd.as_fd().try_clone_to_owned()) {
        let pid = pidfd.pid();
        let pidfd = Pidfd::new(pid, descriptor);
        let watch = Watch::cloned(pidfd.clone(), None);
        let _ = monitor.mind(&Child::new(Started { pid, pidfd }), watch);
    }
}

/// No user code runs under these locks, so a poisoned one is as good as any.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
