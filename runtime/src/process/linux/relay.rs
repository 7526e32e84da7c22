//! What children write to their standard error, on its way, so that the last of it is known.
//!
//! ```text
//!  child: 2 ──▶ pipe ──▶ take in ──▶ queue ──▶ relay thread ──▶ terminal, file, pipe
//!                          │
//!                          ▼
//!                         tail: the last bytes
//! ```
//!
//! One thread serves all children whose tail is wanted. It is started by the first, and waits for
//! descriptors only. The pipe is the only thing the child has of all this: who writes to it does not
//! matter, Rust, C, or a process that the child has started.
//!
//! # What waits for what
//!
//! The thread never waits for a destination. If one takes no more (a pager, a terminal that is held), what
//! was read for it stays in the queue, and its pipe is left alone until there is room: the pipe fills,
//! and the child waits, as it would have without the relay.
//!
//! When a child has ended, what is left in its pipe is taken in by the thread that has seen it end,
//! without waiting and up to a limit ([`MOST`]): the pipe may be held open, and written to, by what the
//! child has started. What comes then is passed on all the same, until the last of these is gone, but is
//! no part of the tail.
//!
//! # What if something goes away
//!
//! | | |
//! |---|---|
//! | the destination (a terminal, the reader of a pipe) | what comes is thrown away; the tail is kept. The child does not notice |
//! | the child | see above |
//! | the program | the pipe has no reader: the child, which dies with it, has errors when it writes in that moment. A process that the child has started and that lives on has them for ever |
//!
//! Only the thread writes, and it has all signals blocked: a broken pipe is an error for it, whatever the
//! program does with `SIGPIPE`.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::process::ChildStderr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread;
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::io::Errno;

use super::destination::Destination;
use super::streams::{self, ChildStream};
use crate::lock::{lock, wait_until};
use crate::process::stderr_tail::{Gauge, Tail};
use crate::process::stdio::{Kind, Stdio, Streams};
use crate::sys::copy::Home;
use crate::sys::deadline;
use crate::sys::poller::{Interest, Poller};
use crate::sys::refused::Naming as _;
use crate::sys::signal::Blocked;

/// How much is read at once, and how much is on its way at most while the child lives.
const CHUNK: usize = 64 << 10;

/// How much is taken in of the pipe of a child that has ended. It is as much as a pipe can hold for a user
/// without privileges, by default; if there is more, others are writing.
const MOST: usize = 1 << 20;

/// How long to wait until what a child has written is passed on.
const PATIENCE: Duration = Duration::from_secs(1);

/// The standard error of a child, which is passed on.
#[derive(Debug, Clone)]
pub(crate) struct Relayed(Arc<Source>);

impl Relayed {
    /// Passes on what the child will write to its standard error, and keeps the last of it. `streams` are
    /// those of the child, whose standard error is a pipe from now on.
    ///
    /// Also gives the parent's end of the standard error, if that is piped. `is_awaited` says that what
    /// is passed on is taken out soon at the other end.
    pub(in crate::process) fn new(
        streams: &mut Streams,
        bytes: usize,
        gauge: Option<Arc<dyn Gauge>>,
        is_awaited: bool,
    ) -> io::Result<(Relayed, Option<ChildStderr>)> {
        let relay = Relay::get()?;
        let (reader, writer) = io::pipe().naming("pipe2")?;
        let reader = OwnedFd::from(reader);
        fcntl_setfl(&reader, OFlags::NONBLOCK)?;
        let stderr = std::mem::replace(&mut streams.stderr, writer.into());
        let destination = match stderr {
            Stdio(Kind::Null) => None,
            stderr => Some(streams::open_output(stderr, rustix::stdio::stderr())?),
        };
        let (destination, parent_end) = match destination {
            Some((ChildStream::Inherited(own), _)) => (Some(own.try_clone_to_owned()?), None),
            Some((ChildStream::Opened(opened), parent_end)) => (Some(opened), parent_end),
            None => (None, None),
        };
        let source = Arc::new(Source {
            key: relay.keys.fetch_add(1, Ordering::Relaxed),
            relay,
            is_awaited,
            input: Mutex::new(SourceInput {
                pipe: Some(reader),
                tail: Tail::new(bytes),
                gauge,
                has_destination: destination.is_some(),
                queue: Vec::new(),
                flow: Flow::Done,
            }),
            progress: Condvar::new(),
        });
        let stream = Arc::new(Stream {
            source: Arc::clone(&source),
            destination: destination.map(Destination::new),
        });
        lock(&relay.streams).insert(source.key, Arc::clone(&stream));
        if let Err(error) = relay.watch(&stream, Flow::Done) {
            relay.forget(&stream);
            return Err(error);
        }
        Ok((Relayed(source), parent_end.map(ChildStderr::from)))
    }

    /// The child has ended: what it has written is known from now on.
    pub(crate) fn end(&self) {
        let mut input = lock(&self.0.input);
        input.take_in(&self.0, MOST);
        input.tail.complete();
        input.gauge = None;
        let is_work = input.pipe.is_none() || !input.queue.is_empty();
        drop(input);
        if is_work {
            lock(&self.0.relay.urgent).push(self.0.key);
            self.0.relay.poller.wake();
        }
    }

    /// Waits until what was taken in is passed on, unless its destination takes no more.
    pub(crate) fn settle(&self) {
        let limit = deadline::after(PATIENCE);
        let mut input = lock(&self.0.input);
        while input.is_under_way() || (self.0.is_awaited && input.flow == Flow::Blocked) {
            let (guard, is_in_time) = wait_until(&self.0.progress, input, limit);
            input = guard;
            if !is_in_time {
                return;
            }
        }
    }

    /// The last of what the child has written, without the first `from` bytes of all that it has.
    pub(crate) fn text(&self, from: u64) -> Option<Box<str>> {
        lock(&self.0.input).tail.text(from)
    }
}

/// A pipe, and where what comes out of it goes. The thread alone has it: the destination is closed when
/// the pipe has ended.
#[derive(Debug)]
struct Stream {
    source: Arc<Source>,
    destination: Option<Destination>,
}

/// A pipe, as the thread and those who look after the child share it.
#[derive(Debug)]
struct Source {
    key: u64,
    relay: &'static Relay,
    /// Whether to wait for a destination that takes no more just now.
    is_awaited: bool,
    input: Mutex<SourceInput>,
    /// Told when something has been passed on, or cannot be.
    progress: Condvar,
}

#[derive(Debug)]
struct SourceInput {
    /// Missing when the last writer is gone.
    pipe: Option<OwnedFd>,
    tail: Tail,
    gauge: Option<Arc<dyn Gauge>>,
    /// Whether there is a destination, and it is not gone.
    has_destination: bool,
    /// What the thread is to pass on.
    queue: Vec<u8>,
    flow: Flow,
}

/// What becomes of what was in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Done,
    /// The thread is writing it.
    Writing,
    /// The destination takes no more just now.
    Blocked,
}

impl SourceInput {
    /// Takes in what is in the pipe now, but not much more than this.
    fn take_in(&mut self, source: &Source, most: usize) {
        let mut buffer = [0; 16 << 10];
        let mut count = 0;
        while let Some(pipe) = &self.pipe
            && count < most
        {
            if let Some(gauge) = &self.gauge {
                gauge.begin();
            }
            let read = rustix::io::read(pipe, &mut buffer);
            if let Ok(length) = read {
                let bytes = &buffer[..length];
                self.tail.add(bytes);
                if self.has_destination {
                    self.queue.extend_from_slice(bytes);
                }
                count += length;
            }
            if let Some(gauge) = &self.gauge {
                gauge.taken(self.tail.count());
            }
            match read {
                Ok(1..) | Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Ok(0) | Err(_) => {
                    source.relay.poller.remove(pipe);
                    self.pipe = None;
                }
            }
        }
    }

    fn is_under_way(&self) -> bool {
        self.flow == Flow::Writing || (self.flow == Flow::Done && !self.queue.is_empty())
    }
}

impl Stream {
    /// Passes on what is in the queue, as far as the destination takes it.
    fn pass_on(&self) -> Flow {
        loop {
            let mut input = lock(&self.source.input);
            if input.queue.is_empty() {
                return self.tell(&mut input, Flow::Done);
            }
            input.flow = Flow::Writing;
            let mut bytes = std::mem::take(&mut input.queue);
            drop(input);
            match self.write(&bytes) {
                Ok(()) => {}
                Err((written, error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    let mut input = lock(&self.source.input);
                    bytes.drain(..written);
                    bytes.append(&mut input.queue);
                    input.queue = bytes;
                    return self.tell(&mut input, Flow::Blocked);
                }
                Err(_) => {
                    let mut input = lock(&self.source.input);
                    input.has_destination = false;
                    input.queue = Vec::new();
                }
            }
        }
    }

    fn tell(&self, input: &mut SourceInput, flow: Flow) -> Flow {
        input.flow = flow;
        self.source.progress.notify_all();
        flow
    }

    /// Writes these bytes. An error comes with how many were written before.
    fn write(&self, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
        let mut written = 0;
        while let Some(destination) = &self.destination
            && written < bytes.len()
        {
            match destination.write(&bytes[written..]) {
                Ok(0) => return Err((written, io::ErrorKind::WriteZero.into())),
                Ok(length) => written += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err((written, error)),
            }
        }
        Ok(())
    }
}

/// The state of the thread that others reach.
#[derive(Debug)]
struct Relay {
    poller: Poller,
    streams: Mutex<HashMap<u64, Arc<Stream>>>,
    keys: AtomicU64,
    /// Those of children that have ended, whose last words are to be passed on.
    urgent: Mutex<Vec<u64>>,
    /// The process that has the thread.
    home: Home,
}

impl Relay {
    /// The relay of this process, started at the first call.
    fn get() -> io::Result<&'static Relay> {
        static RELAY: OnceLock<Relay> = OnceLock::new();
        static STARTING: Mutex<()> = Mutex::new(());
        if let Some(relay) = RELAY.get() {
            return relay.check_here().map(|()| relay);
        }
        let _starting = lock(&STARTING);
        if let Some(relay) = RELAY.get() {
            return Ok(relay);
        }
        let relay = Relay {
            poller: Poller::new()?,
            streams: Mutex::default(),
            keys: AtomicU64::new(0),
            urgent: Mutex::default(),
            home: Home::here(),
        };
        // The thread finds the relay where it is about to be put.
        let thread = thread::Builder::new().name("multiproc-relay".to_owned());
        let run = || {
            let _blocked = Blocked::all();
            RELAY.wait().run();
        };
        thread.spawn(run).naming("clone")?;
        Ok(RELAY.get_or_init(|| relay))
    }

    fn check_here(&self) -> io::Result<()> {
        if self.home.is_here() {
            return Ok(());
        }
        let text = "this process is a copy of another one, made by `fork`";
        Err(io::Error::new(io::ErrorKind::Unsupported, text))
    }

    fn run(&self) {
        loop {
            let keys = self.poller.wait(None).into_iter();
            let mut keys: Vec<u64> = keys.map(|key| key >> 1).collect();
            keys.append(&mut lock(&self.urgent));
            for key in keys {
                let stream = lock(&self.streams).get(&key).cloned();
                if let Some(stream) = stream {
                    self.look_after(&stream);
                }
            }
        }
    }

    fn look_after(&self, stream: &Stream) {
        // What is there goes first, so that the queue stays short.
        let mut flow = stream.pass_on();
        if flow == Flow::Done {
            let source = &stream.source;
            lock(&source.input).take_in(source, CHUNK);
            flow = stream.pass_on();
        }
        // Without the means to watch it, it is a pipe without a reader.
        if self.watch(stream, flow).is_err() {
            lock(&stream.source.input).pipe = None;
            self.forget(stream);
        }
    }

    /// Sees to it that what is to happen next to a stream is heard of.
    fn watch(&self, stream: &Stream, flow: Flow) -> io::Result<()> {
        let key = stream.source.key << 1;
        let input = lock(&stream.source.input);
        match (&input.pipe, &stream.destination) {
            (pipe, Some(destination)) if flow == Flow::Blocked => {
                if let Some(pipe) = pipe {
                    self.poller.remove(pipe);
                }
                let room = Interest::WRITABLE.once();
                match self.poller.modify(destination, key | 1, room) {
                    Ok(()) => Ok(()),
                    Err(_) => self.poller.add(destination, key | 1, room),
                }
            }
            (Some(pipe), _) => self.poller.add(pipe, key, Interest::READABLE),
            // More is on its way, which is said.
            (None, _) if !input.queue.is_empty() => Ok(()),
            (None, _) => {
                drop(input);
                self.forget(stream);
                Ok(())
            }
        }
    }

    fn forget(&self, stream: &Stream) {
        if let Some(destination) = &stream.destination {
            self.poller.remove(destination);
        }
        lock(&self.streams).remove(&stream.source.key);
    }
}
