//! A process's connection to a service: where its requests go, and where replies come from.
//!
//! # Who reads
//!
//! Replies of all requests of the process come through one socket. A thread that waits for its own reply
//! reads, if no other thread does, and hands over what is for others; waking a thread of the library
//! for each would cost more than the request. A thread that stops reading while others wait, and a wait
//! without a thread (a future, [`wait_any`](crate::wait_any())), leave it to the thread that waits for descriptors
//! ([`readiness`](crate::readiness)): so while a request is waited for, something reads.
//!
//! # What if a process dies
//!
//! | | |
//! |---|---|
//! | the service | the parent says which requests were lost with it ([`Died`]); the rest stays in the queue for the next process |
//! | the service, for good | the parent says so ([`Notice::Over`]), after what was lost |
//! | the parent | the socket ends: all that was not answered never will be, and the service is killed |
//! | this process | the parent sees the socket end, and tells the service: requests whose replies it wants are passed over |
//!
//! A request has the number of its item in the queue. It is begun if the queue's first item has a higher
//! one: taking an item and beginning it are one step. That is why the parent can tell which requests were
//! lost: those below the head of the queue that were not answered before.

use std::collections::HashMap;
use std::io;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, TryLockError, Weak};
use std::task::{Wake, Waker};
use std::time::Instant;

use super::board::Board;
use super::graph::Place;
use super::wire::{Address, Died, Notice, REGISTER, Requests, Welcome, ended};
use crate::channel::Queue;
use crate::codec::Message;
use crate::error::{Error, ErrorKind, Result, WireError};
use crate::lock::lock;
use crate::pool::{Callbacks, Outcome, Pause, Ran, Slot};
use crate::readiness::Readiness;
use crate::sys::deadline;
use crate::sys::descriptors;
use crate::sys::fd::{AsFd, OwnedFd};
use crate::sys::poll::{self, Writable};
use crate::transport::{self, Inbox, Received};

/// A process's connection to a service.
#[derive(Debug)]
pub(super) struct Connection {
    welcome: Welcome,
    board: Board,
    reading: Mutex<Reading>,
    state: Mutex<State>,
    pause: Pause,
    /// Told when there is something to read, if no thread waits for that.
    background: OnceLock<Readiness>,
}

#[derive(Debug, Default)]
struct State {
    /// The number of the request before.
    last: u64,
    waiting: HashMap<u64, Waiting>,
    /// The ends of processes, as long as a request is in the queue whose item is not known yet.
    deaths: Vec<Died>,
    /// Why there is no service any more.
    over: Option<WireError>,
}

/// Where replies are read.
#[derive(Debug)]
struct Reading {
    inbox: Inbox,
    /// How many replies have been taken in: if as many are counted on the [board](Board), there is none.
    /// That can be wrong for a moment, see there.
    taken: u64,
}

/// A request that is not answered.
#[derive(Debug)]
struct Waiting {
    slot: Arc<Slot>,
    what: What,
    /// The number of its item in the queue, once that is known.
    item: Option<u64>,
    deadline: Option<Instant>,
}

impl Waiting {
    /// Whether it was lost with a process. One that is late may not have been begun, for that reason: its
    /// end is that it is late.
    fn is_lost_with(&self, died: &Died) -> bool {
        self.item.is_some_and(|item| item < died.below) && !deadline::is_past(self.deadline)
    }
}

/// What an error is about: a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct What {
    pub(super) request: &'static str,
    pub(super) service: &'static str,
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "request `{}` of service `{}`",
            self.request, self.service
        )
    }
}

impl Connection {
    /// Registers this process with the parent of the service behind a door.
    pub(super) fn open(door: &Arc<OwnedFd>, deadline: Option<Instant>) -> Result<Arc<Connection>> {
        let closed = |error: io::Error| {
            if transport::is_gone(&error) {
                return ended();
            }
            let text = "the service cannot be reached";
            Error::new(ErrorKind::Closed, text).with_source(error)
        };
        transport::warm_up().map_err(closed)?;
        let (ours, theirs) = transport::nonblocking_pair().map_err(closed)?;
        loop {
            match descriptors::try_send(door.as_fd(), &[REGISTER], &[theirs.as_fd()]) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if poll::wait_writable(door.as_fd(), None, deadline) == Writable::NotInTime {
                        return Err(not_in_time());
                    }
                }
                Err(error) => return Err(closed(error)),
            }
        }
        drop(theirs);
        let mut inbox = Inbox::new(Arc::new(ours));
        let mut message = loop {
            match inbox.receive().map_err(closed)? {
                Received::Message(message) => break message,
                Received::Nothing => {
                    if !poll::wait_readable(inbox.source(), deadline) && deadline::is_past(deadline)
                    {
                        return Err(not_in_time());
                    }
                }
                Received::Closed => return Err(ended()),
            }
        };
        let damaged = |error: String| closed(io::Error::other(error));
        match message.kind().and_then(Notice::from_wire) {
            Some(Notice::Welcome) => {}
            Some(Notice::Over) => {
                let error = message.open().read::<WireError>();
                return Err(error.map_or_else(|_| ended(), |error| over(&error)));
            }
            Some(Notice::Died) | None => {
                return Err(damaged("it was not welcomed".to_owned()));
            }
        }
        let welcome: Welcome = message
            .open()
            .read()
            .map_err(|error| damaged(error.to_string()))?;
        let board = welcome.board.try_clone().and_then(Board::map);
        Ok(Arc::new(Connection {
            welcome,
            board: board.map_err(closed)?,
            reading: Mutex::new(Reading { inbox, taken: 0 }),
            state: Mutex::default(),
            pause: Pause::new(),
            background: OnceLock::new(),
        }))
    }

    /// The number of this process among the clients of the service.
    pub(super) fn client(&self) -> u32 {
        self.welcome.client
    }

    pub(super) fn queue(&self) -> &Queue<Requests> {
        &self.welcome.queue
    }

    pub(super) fn node(&self) -> Option<Place> {
        self.welcome.node
    }

    /// Gives a request a number, and a place for its reply.
    pub(super) fn begin(&self, what: What, deadline: Option<Instant>) -> Result<(u64, Arc<Slot>)> {
        let mut state = lock(&self.state);
        if let Some(error) = &state.over {
            return Err(over(error));
        }
        state.last += 1;
        let (number, slot) = (state.last, Arc::<Slot>::default());
        let waiting = Waiting {
            slot: Arc::clone(&slot),
            what,
            item: None,
            deadline,
        };
        state.waiting.insert(number, waiting);
        Ok((number, slot))
    }

    /// Whether there is no service any more, and why.
    pub(super) fn check(&self) -> Result<()> {
        match &lock(&self.state).over {
            Some(error) => Err(over(error)),
            None => Ok(()),
        }
    }

    /// Takes in what has come, if no other thread is about to.
    pub(super) fn listen(self: &Arc<Self>) {
        if let Some(mut reading) = self.try_read() {
            let finished = self.take_in(&mut reading, None);
            drop(reading);
            finish(finished);
        }
        self.read_in_background();
    }

    /// The request is in the queue.
    pub(super) fn sent(&self, request: u64, item: u64) {
        let mut state = lock(&self.state);
        let State {
            waiting, deaths, ..
        } = &mut *state;
        let Some(entry) = waiting.get_mut(&request) else {
            return;
        };
        entry.item = Some(item);
        if let Some(died) = deaths.iter().find(|died| entry.is_lost_with(died)) {
            // It was taken out and lost before this thread came to say so.
            let outcome = lost(died, entry.what);
            let entry = waiting.remove(&request);
            drop(state);
            finish(
                entry
                    .map(|entry| (entry.slot, outcome))
                    .into_iter()
                    .collect(),
            );
        }
    }

    /// The reply is not wanted any more; the request is not begun, if it has not been.
    pub(super) fn withdraw(&self, request: u64) {
        let entry = lock(&self.state).waiting.remove(&request);
        if let Some(item) = entry.and_then(|entry| entry.item) {
            self.board.withdraw(item);
        }
    }

    /// Whether an item is in the queue and not begun.
    pub(super) fn is_queued(&self, item: u64) -> bool {
        self.queue().head() <= item
    }

    /// Waits for the reply to a request; false if the deadline came first.
    pub(super) fn wait(
        self: &Arc<Self>,
        request: u64,
        slot: &Slot,
        deadline: Option<Instant>,
    ) -> bool {
        // Whether the socket is to be looked at, whatever is counted.
        let mut must_look = deadline::is_past(deadline);
        while !slot.is_finished() {
            let Some(mut reading) = self.try_read() else {
                return slot.wait(deadline);
            };
            let has_come = |taken| self.board.replies(self.client()) != taken;
            if must_look || has_come(reading.taken) {
                let finished = self.take_in(&mut reading, Some(slot));
                if !finished.is_empty() {
                    drop(reading);
                    finish(finished);
                    continue;
                }
            }
            if deadline::is_past(deadline) {
                break;
            }
            // Asked while no other thread reads: one that has taken the reply in is about to give it out.
            if !lock(&self.state).waiting.contains_key(&request) {
                drop(reading);
                self.read_in_background();
                return slot.wait(deadline);
            }
            let (source, taken) = (reading.inbox.source(), reading.taken);
            let sleep = || !has_come(taken) && poll::wait_readable(source, deadline);
            must_look = self.pause.wait(|| has_come(taken), sleep);
        }
        self.read_in_background();
        slot.is_finished()
    }

    /// Has replies read as they come, without a thread that waits for them, as long as a request waits.
    pub(super) fn read_in_background(self: &Arc<Self>) {
        // A reader that is in the way does this itself when it stops.
        while !self.is_idle()
            && let Some(mut reading) = self.try_read()
        {
            let finished = self.take_in(&mut reading, None);
            if !finished.is_empty() {
                drop(reading);
                finish(finished);
                continue;
            }
            let alarm = self.alarm(&reading.inbox);
            // Given back first. When it rings, a reader that is in the way then is another one, which sets
            // the alarm when it stops.
            drop(reading);
            if let Err(error) = alarm.and_then(|alarm| alarm.set(self)) {
                let text = "replies of the service cannot be waited for";
                let error = Error::new(ErrorKind::Closed, text).with_source(error);
                finish(self.end(&error));
            }
            return;
        }
    }

    /// What tells when there is something to read.
    fn alarm(&self, inbox: &Inbox) -> io::Result<Alarm<'_>> {
        if inbox.is_assembling() {
            // Of a long message the rest comes through a socket of its own.
            return Readiness::new(inbox.source()).map(Alarm::Assembly);
        }
        if let Some(background) = self.background.get() {
            return Ok(Alarm::Connection(background));
        }
        let readiness = Readiness::new(inbox.connection())?;
        Ok(Alarm::Connection(self.background.get_or_init(|| readiness)))
    }

    fn is_idle(&self) -> bool {
        lock(&self.state).waiting.is_empty()
    }

    fn try_read(&self) -> Option<MutexGuard<'_, Reading>> {
        match self.reading.try_lock() {
            Ok(reading) => Some(reading),
            Err(TryLockError::Poisoned(reading)) => Some(reading.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Takes in what has come, all or up to a reply that is `wanted`, and gives the requests that are
    /// finished by it: to be [finished](finish) when the socket is free, since wakers are called then.
    fn take_in(&self, reading: &mut Reading, wanted: Option<&Slot>) -> Vec<Finished> {
        let counted = self.board.replies(self.client());
        let mut finished = Vec::new();
        loop {
            match reading.inbox.receive() {
                Ok(Received::Message(message)) => {
                    if message.kind().and_then(Notice::from_wire).is_none() {
                        reading.taken = reading.taken.wrapping_add(1);
                    }
                    let new = self.handle(message);
                    let is_wanted = |it: &Finished| {
                        wanted.is_some_and(|slot| ptr::eq(Arc::as_ptr(&it.0), slot))
                    };
                    let has_wanted = new.iter().any(is_wanted);
                    finished.extend(new);
                    if has_wanted {
                        return finished;
                    }
                }
                Ok(Received::Nothing) => {
                    // Those that were counted before this was known have come.
                    reading.taken = counted;
                    return finished;
                }
                Ok(Received::Closed) => {
                    finished.extend(self.end(&ended()));
                    return finished;
                }
                // The service died in the middle of a reply, which the parent will tell.
                Err(error) if transport::is_gone(&error) => {}
                Err(error) => {
                    let text = "the replies of the service cannot be read";
                    let error = Error::new(ErrorKind::Closed, text).with_source(error);
                    finished.extend(self.end(&error));
                    return finished;
                }
            }
        }
    }

    fn handle(&self, mut message: Message) -> Vec<Finished> {
        match message.kind().and_then(Notice::from_wire) {
            None => {
                let address = Address::take(&mut message);
                let entry = |address: Address| {
                    let entry = lock(&self.state).waiting.remove(&address.request)?;
                    Some((
                        entry.slot,
                        Outcome::Reply(message, Ran::in_process(address.process)),
                    ))
                };
                address.and_then(entry).into_iter().collect()
            }
            Some(Notice::Died) => match message.open().read::<Died>() {
                Ok(died) => self.died(died),
                Err(_) => Vec::new(),
            },
            Some(Notice::Over) => {
                let error = message.open().read::<WireError>();
                self.end(&error.map_or_else(|_| ended(), WireError::into_error))
            }
            Some(Notice::Welcome) => Vec::new(),
        }
    }

    fn died(&self, died: Died) -> Vec<Finished> {
        let mut state = lock(&self.state);
        let lost_ones = state
            .waiting
            .extract_if(|_, entry| entry.is_lost_with(&died));
        let lost_ones = lost_ones.map(|(_, entry)| (entry.slot, lost(&died, entry.what)));
        let lost_ones = lost_ones.collect();
        if state.waiting.values().any(|entry| entry.item.is_none()) {
            state.deaths.push(died);
        } else {
            state.deaths.clear();
        }
        lost_ones
    }

    /// There is no service any more.
    fn end(&self, error: &Error) -> Vec<Finished> {
        let mut state = lock(&self.state);
        let error = state.over.get_or_insert_with(|| error.to_wire()).clone();
        let waiting = std::mem::take(&mut state.waiting).into_values();
        let outcome = || Outcome::Failed(over(&error));
        waiting.map(|entry| (entry.slot, outcome())).collect()
    }
}

/// A request that has ended, and how.
type Finished = (Arc<Slot>, Outcome);

/// Gives outcomes out, which wakes those who wait.
fn finish(finished: Vec<Finished>) {
    for (slot, outcome) in finished {
        slot.finish(outcome, &Callbacks::default());
    }
}

/// How a request ended that was begun when a process of the service died.
fn lost(died: &Died, what: What) -> Outcome {
    let words = format!("{what} was lost with its process");
    Outcome::Failed(died.error.clone().about(&words).into_error())
}

/// How a request ends for which there is no service any more.
fn over(error: &WireError) -> Error {
    error.clone().into_closed().into_error()
}

fn not_in_time() -> Error {
    let text = "the parent of the service has not answered in time";
    Error::new(ErrorKind::TimedOut, text)
}

/// Has the thread that waits for descriptors read when there is something.
enum Alarm<'a> {
    Connection(&'a Readiness),
    Assembly(Readiness),
}

impl Alarm<'_> {
    fn set(self, connection: &Arc<Connection>) -> io::Result<()> {
        let background = Arc::new(Background {
            connection: Arc::downgrade(connection),
            assembly: Mutex::new(None),
        });
        let waker = Waker::from(Arc::clone(&background));
        match self {
            Alarm::Connection(readiness) => readiness.wake(&waker),
            Alarm::Assembly(readiness) => {
                let mut assembly = lock(&background.assembly);
                readiness.wake(&waker)?;
                *assembly = Some(readiness);
                Ok(())
            }
        }
    }
}

/// Reads when there is something, on the thread that waits for descriptors.
struct Background {
    connection: Weak<Connection>,
    /// What tells of the rest of a long message.
    assembly: Mutex<Option<Readiness>>,
}

impl Wake for Background {
    fn wake(self: Arc<Self>) {
        drop(lock(&self.assembly).take());
        if let Some(connection) = self.connection.upgrade() {
            connection.read_in_background();
        }
    }
}
