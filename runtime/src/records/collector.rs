//! The parent's side: the thread that hands what children log to the logger.
//!
//! A logger is user code, which may take long, panic, wait for ever, or use the pool that it is told
//! of. So it is called on this thread only, without a lock. What it has no time for stays in the
//! connections, and is dropped by the children when these are full.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::emit::{Emitter, Origin};
use super::packet::BUFFER;
use crate::foreign;
use crate::lock::{lock, wait_until};
use crate::sys::copy::Home;
use crate::sys::fd::{AsFd, OwnedFd};
use crate::sys::packets::{self, Received};
use crate::sys::poll;
use crate::sys::poller::{Interest, Poller};
use crate::sys::refused::Naming as _;

/// How long a thread that wants a result waits for what was logged before it.
const CATCH_UP: Duration = Duration::from_secs(1);

/// How many packets of one child are taken in before those of others.
const TURN: usize = 32;

/// How many are taken in to catch up: more than a connection holds.
const ALL: usize = 4096;

/// How many children that have ended may wait for the logger. What others have logged is dropped: each has
/// a descriptor.
const MOST_ENDED: usize = 256;

/// How many children are heard. While there are none, no other thing is looked at.
static HEARD: AtomicUsize = AtomicUsize::new(0);

/// The state of the thread that others reach.
#[derive(Debug)]
pub(super) struct Collector {
    poller: Poller,
    state: Mutex<State>,
    /// Told when requests have been met.
    met: Condvar,
    /// How many packets were handed on.
    handed_on: AtomicU64,
    thread: OnceLock<ThreadId>,
    /// The process that has the thread.
    home: Home,
}

#[derive(Debug, Default)]
struct State {
    feeds: HashMap<u64, Arc<Feed>>,
    /// The keys of the latest children with these process ids.
    keys: HashMap<u32, u64>,
    next: u64,
    /// Children that are not heard any more, of which something may be open.
    removed: Vec<u64>,
    requests: Vec<Request>,
    /// How many requests to end a feed are not met.
    ending: usize,
    /// How many packets had been handed on when a thread gave up waiting: until it is more, the logger
    /// is stuck, and no thread waits for it.
    gave_up: Option<u64>,
}

/// A child that is heard.
#[derive(Debug)]
struct Feed {
    key: u64,
    socket: OwnedFd,
    origin: Origin,
    /// Set before anything is received, until that is handed on.
    is_busy: AtomicBool,
}

/// A wish that all that a child has sent be handed on.
#[derive(Debug)]
struct Request {
    key: u64,
    /// Whether nothing more will come.
    ends: bool,
    is_met: Arc<AtomicBool>,
}

impl Collector {
    /// The collector of this process, started at the first call.
    pub(super) fn get() -> io::Result<&'static Collector> {
        static STARTING: Mutex<()> = Mutex::new(());
        if let Some(collector) = COLLECTOR.get() {
            return Ok(collector);
        }
        let _starting = lock(&STARTING);
        if let Some(collector) = COLLECTOR.get() {
            return Ok(collector);
        }
        let collector = Collector {
            poller: Poller::new()?,
            state: Mutex::default(),
            met: Condvar::new(),
            handed_on: AtomicU64::new(0),
            thread: OnceLock::new(),
            home: Home::here(),
        };
        let thread = thread::Builder::new().name("multiproc-logs".to_owned());
        // The thread finds the collector where it is about to be put.
        thread.spawn(|| COLLECTOR.wait().run()).naming("clone")?;
        Ok(COLLECTOR.get_or_init(|| collector))
    }

    /// Hears a child from now on.
    pub(super) fn add(&'static self, socket: OwnedFd, origin: Origin) -> io::Result<Source> {
        let mut state = lock(&self.state);
        let key = state.next;
        self.poller.add(&socket, key, Interest::READABLE)?;
        state.next += 1;
        let process = origin.process();
        let feed = Arc::new(Feed {
            key,
            socket,
            origin,
            is_busy: AtomicBool::new(false),
        });
        state.feeds.insert(key, feed);
        state.keys.insert(process, key);
        HEARD.fetch_add(1, Relaxed);
        Ok(Source(Some(key)))
    }

    /// Waits until all that a child has sent is handed on, but not for long.
    fn catch_up(&self, key: u64) {
        let mut state = lock(&self.state);
        if !state.feeds.contains_key(&key) || self.is_stuck(&state) {
            return;
        }
        let is_met = self.request(&mut state, key, false);
        self.wait_until(state, |_| is_met.load(Relaxed));
    }

    /// The same, without waiting at all if nothing has been sent.
    fn catch_up_if_behind(&self, process: u32) {
        let state = lock(&self.state);
        let key = state.keys.get(&process).copied();
        let Some(feed) = key.and_then(|key| state.feeds.get(&key)).cloned() else {
            return;
        };
        drop(state);
        // In this order: what is not there any more has been received, which is noted before.
        if poll::is_readable(feed.socket.as_fd()) || feed.is_busy.load(SeqCst) {
            self.catch_up(feed.key);
        }
    }

    /// Waits until nothing more is to be handed on of children that have ended, but not for long.
    fn catch_up_with_ended(&self) {
        let state = lock(&self.state);
        if !self.is_stuck(&state) {
            self.wait_until(state, |state| state.ending == 0);
        }
    }

    fn request(&self, state: &mut State, key: u64, ends: bool) -> Arc<AtomicBool> {
        let is_met = Arc::new(AtomicBool::new(false));
        state.ending += usize::from(ends);
        state.requests.push(Request {
            key,
            ends,
            is_met: Arc::clone(&is_met),
        });
        self.poller.wake();
        is_met
    }

    fn wait_until(
        &self,
        mut state: std::sync::MutexGuard<'_, State>,
        is_done: impl Fn(&State) -> bool,
    ) {
        let limit = Instant::now() + CATCH_UP;
        while !is_done(&state) {
            let (guard, in_time) = wait_until(&self.met, state, Some(limit));
            state = guard;
            if !in_time {
                state.gave_up = Some(self.handed_on.load(Relaxed));
                return;
            }
        }
    }

    /// Whether the logger has done nothing since a thread gave up waiting for it; or whether this
    /// thread is the one that calls it.
    fn is_stuck(&self, state: &State) -> bool {
        state.gave_up == Some(self.handed_on.load(Relaxed))
            || self.thread.get() == Some(&thread::current().id())
    }

    fn run(&self) {
        let _ = self.thread.set(thread::current().id());
        let mut buffer = vec![0; BUFFER];
        let mut emitter = Emitter::default();
        loop {
            for key in self.poller.wait(None) {
                let feed = lock(&self.state).feeds.get(&key).cloned();
                if let Some(feed) = feed {
                    self.take(&feed, &mut emitter, &mut buffer, TURN);
                }
            }
            self.end_removed(&mut emitter);
            let requests = std::mem::take(&mut lock(&self.state).requests);
            for request in &requests {
                let feed = lock(&self.state).feeds.get(&request.key).cloned();
                if let Some(feed) = feed {
                    self.take(&feed, &mut emitter, &mut buffer, ALL);
                    if request.ends {
                        self.remove(&feed);
                    }
                    self.end_removed(&mut emitter);
                }
                let mut state = lock(&self.state);
                state.ending -= usize::from(request.ends);
                request.is_met.store(true, Relaxed);
            }
            if !requests.is_empty() {
                self.met.notify_all();
            }
        }
    }

    /// Hands on what a child has sent, up to so many packets.
    fn take(&self, feed: &Feed, emitter: &mut Emitter, buffer: &mut [u8], most: usize) {
        feed.is_busy.store(true, SeqCst);
        for _ in 0..most {
            match packets::receive(feed.socket.as_fd(), buffer) {
                Received::Packet(packet) => {
                    foreign::call(|| emitter.emit(feed.key, &feed.origin, packet));
                    self.handed_on.fetch_add(1, Relaxed);
                }
                // It is not one that this library sends.
                Received::TooLong => foreign::call(|| emitter.lost(feed.key, &feed.origin, 1)),
                Received::Nothing => break,
                Received::End => {
                    // While the feed is there, threads wait for this, too.
                    foreign::call(|| emitter.end(feed.key));
                    self.remove(feed);
                    break;
                }
            }
        }
        let mut state = lock(&self.state);
        if !state.feeds.contains_key(&feed.key) {
            // It may have been removed by another thread before the last packets.
            state.removed.push(feed.key);
        }
        drop(state);
        feed.is_busy.store(false, SeqCst);
    }

    /// Closes what children have left open that are not heard any more.
    fn end_removed(&self, emitter: &mut Emitter) {
        let removed = std::mem::take(&mut lock(&self.state).removed);
        for key in removed {
            foreign::call(|| emitter.end(key));
        }
    }

    fn remove(&self, feed: &Feed) {
        self.remove_from(&mut lock(&self.state), feed);
    }

    fn remove_from(&self, state: &mut State, feed: &Feed) {
        if state.feeds.remove(&feed.key).is_none() {
            return;
        }
        HEARD.fetch_sub(1, Relaxed);
        state.removed.push(feed.key);
        let process = feed.origin.process();
        if state.keys.get(&process) == Some(&feed.key) {
            state.keys.remove(&process);
        }
        self.poller.remove(&feed.socket);
    }
}

static COLLECTOR: OnceLock<Collector> = OnceLock::new();

/// The collector, if it hears anything; `None` in a copy of this process made by `fork`.
fn hearing() -> Option<&'static Collector> {
    if HEARD.load(Relaxed) == 0 {
        return None;
    }
    COLLECTOR.get().filter(|it| it.home.is_here())
}

/// A child that is heard until this is dropped, which is to be after its end.
#[derive(Debug)]
pub(crate) struct Source(Option<u64>);

impl Source {
    /// A child that logs nothing.
    pub(super) fn none() -> Source {
        Source(None)
    }

    /// Waits until all that the child has logged is handed on, but not for long.
    pub(crate) fn catch_up(&self) {
        if let (Some(key), Some(collector)) = (self.0, hearing()) {
            collector.catch_up(key);
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let (Some(key), Some(collector)) = (self.0, hearing()) {
            let mut state = lock(&collector.state);
            match state.feeds.get(&key).cloned() {
                Some(feed) if state.ending >= MOST_ENDED => {
                    collector.remove_from(&mut state, &feed);
                }
                Some(_) => drop(collector.request(&mut state, key, true)),
                None => {}
            }
        }
    }
}

/// Waits until all that the child with this process id has logged so far is handed on, but not for
/// long.
pub(crate) fn catch_up(process: u32) {
    if let Some(collector) = hearing() {
        collector.catch_up_if_behind(process);
    }
}

/// The same for all children that have ended.
pub(crate) fn catch_up_with_ended() {
    if let Some(collector) = hearing() {
        collector.catch_up_with_ended();
    }
}
