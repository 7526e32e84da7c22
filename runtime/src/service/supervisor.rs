//! The parent's side of a service: a thread that starts its processes, tells clients of their ends, and
//! lets new clients in.
//!
//! ```text
//!  Service ── commands ──▶ supervisor ── Construct, Register, Forget ──▶ process of the service
//!                          ▲   │   ◀── Ready, Unbuilt, its end ─────────────────┘
//!  client's process ─ door ┘   └── Welcome, Died, Over ──▶ client's process
//! ```
//!
//! # States
//!
//! ```text
//!  Up (constructing) ──Ready──▶ Up (ready)
//!    │    ▲                        │
//!    │    └── after a pause ── Down ◀── died, may be restarted
//!    ▼                             ▼
//!   Over ◀── died and may not be restarted, ended in good order
//! ```
//!
//! # What if a process dies
//!
//! | | |
//! |---|---|
//! | the service | it is reaped; the queue's head says which requests were lost with it, and clients are told before another process is started |
//! | it, before it has told that it is ready | [`Launch::spawn`](crate::Launch::spawn) fails; a restart is tried again |
//! | a client's process, at any time | its reply socket ends here, and the service is told to forget it |
//! | a client's process, between coming through the door and being welcomed | likewise |
//! | one of these, about to tell of room in the queue, or told of it | futures that wait for room are told again, and look |
//! | the parent | the service is killed, as all children are; reply sockets end, so clients hear of it |
//!
//! A client is made known to the service before it is welcomed, so a request never comes from a client
//! that the service will not hear of. A process that is started later is told of all clients first.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::board::Board;
use super::graph::{Graph, Node};
use super::host::Setup;
use super::incarnation::{Control, Incarnation, Progress, encode, forget, know};
use super::mailer::Mailer;
use super::supervised::{ProcessEnded, Supervised};
use super::wire::{self, Died, Notice, REGISTER, Requests, Welcome};
use crate::channel::{Popped, Queue};
use crate::completion::Completion;
use crate::descriptor::Fd;
use crate::dispatch::{owned, result};
use crate::error::{Error, Result};
use crate::process::CallTemplate;
use crate::sys::descriptors;
use crate::sys::fd::{AsFd, OwnedFd};
use crate::sys::poller::{Interest, Poller};
use crate::transport::{self, EncodedMessage};

/// The first pause before a constructor that failed is run again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// How often a client is looked after that does not take in what it is sent.
const TICK: Duration = Duration::from_millis(20);

/// How many deaths wait for a client that does not take in what it is sent.
const NOTICES: usize = 256;

/// How long the end waits for clients that do not take in why.
const FAREWELL: Duration = Duration::from_millis(500);

/// How often a process may be started anew.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Restarts {
    pub(super) count: usize,
    pub(super) window: Duration,
}

/// How each process of a service is made.
pub(super) struct Recipe {
    pub(super) template: CallTemplate,
    /// The name of the type.
    pub(super) service: &'static str,
    /// The first order.
    pub(super) construct: EncodedMessage,
    /// How many requests may wait.
    pub(super) queue: usize,
    pub(super) restarts: Restarts,
    pub(super) startup_timeout: Option<Duration>,
}

/// The keys of what is waited for; those of clients follow.
const DOOR: u64 = 0;
const CONTROL: u64 = 1;
const FIRST_CLIENT: u64 = 2;

pub(super) struct Supervisor {
    recipe: Recipe,
    shared: Arc<Supervised>,
    /// The receiving end. `None`: the other is closed everywhere.
    door: Option<OwnedFd>,
    queue: Queue<Requests>,
    board: Board,
    /// Without it, circles through the service are not seen.
    node: Option<Node>,
    clients: HashMap<u32, Mailer>,
    last_client: u32,
    stage: Stage,
    /// When processes were started anew.
    restarts: VecDeque<Instant>,
    /// How many constructors have failed in a row.
    failures: u32,
    is_ending: bool,
    is_killed: bool,
}

enum Stage {
    Up(Box<Incarnation>),
    /// Until another process is started.
    Down(Instant),
    Over,
}

impl Supervisor {
    /// Starts a service behind this door, and waits until it is ready.
    pub(super) fn start(
        recipe: Recipe,
        door: OwnedFd,
    ) -> Result<(Arc<Supervised>, JoinHandle<()>)> {
        let service = recipe.service;
        let failed = |error: io::Error| {
            let text = format!("cannot start service `{service}`");
            Error::not_started(&text, error).with_worker(service)
        };
        let poller = Poller::new().map_err(failed)?;
        let shared = Arc::new(Supervised::new(service, poller));
        let poller = &shared.poller;
        poller
            .add(&door, DOOR, Interest::READABLE)
            .map_err(failed)?;
        let mut supervisor = Supervisor {
            queue: Queue::bounded(recipe.queue).map_err(failed)?,
            board: Board::new(recipe.queue).map_err(failed)?,
            recipe,
            shared: Arc::clone(&shared),
            door: Some(door),
            node: Graph::of_family()
                .ok()
                .and_then(|graph| Node::settle(&graph, service)),
            clients: HashMap::new(),
            last_client: 0,
            stage: Stage::Over,
            restarts: VecDeque::new(),
            failures: 0,
            is_ending: false,
            is_killed: false,
        };
        // The first one on this thread: what it inherits is this thread's.
        supervisor.stage = Stage::Up(Box::new(supervisor.launch()?));
        let thread = thread::Builder::new().name("multiproc-service".to_owned());
        let thread = thread.spawn(move || supervisor.run()).map_err(failed)?;
        match shared.wait_ready() {
            Ok(()) => Ok((shared, thread)),
            Err(error) => {
                let _ = thread.join();
                Err(error)
            }
        }
    }

    /// Starts a process.
    fn launch(&self) -> Result<Incarnation> {
        let Recipe {
            template,
            service,
            construct,
            startup_timeout,
            ..
        } = &self.recipe;
        let failed = |error: io::Error| {
            let text = format!("cannot start a process for service `{service}`");
            Error::not_started(&text, error).with_worker(*service)
        };
        let (ours, theirs) = transport::nonblocking_pair().map_err(failed)?;
        let setup = Setup {
            service: (*service).to_owned(),
            control: Fd::new(theirs),
            queue: self.queue.clone(),
            board: self.board_file().map_err(failed)?,
            node: self.node.as_ref().map(Node::place),
        };
        let mut control = Control::new(ours).map_err(failed)?;
        control.order(construct.clone()).map_err(failed)?;
        // In their order, so that one that is not known after another is gone; the last one may be.
        let mut clients: Vec<_> = self.clients.iter().collect();
        clients.sort_unstable_by_key(|(client, _)| **client);
        for (client, mailer) in clients {
            let order = know(*client, mailer.connection());
            control.order(order).map_err(failed)?;
        }
        if !self.clients.contains_key(&self.last_client) {
            control.order(forget(self.last_client)).map_err(failed)?;
        }
        let arguments = vec![owned::<Setup>().own(setup)];
        let call = template.call(arguments, result::<()>()).map_err(failed)?;
        let process = call.spawn()?;
        if let Some(ending) = process.ending() {
            let ended = ProcessEnded(Arc::clone(&self.shared));
            ending.listen(Waker::from(Arc::new(ended)));
        }
        let incarnation = Incarnation::new(service, process, control, *startup_timeout);
        let poller = &self.shared.poller;
        poller
            .add(incarnation.connection(), CONTROL, Interest::READABLE)
            .map_err(|error| {
                incarnation.kill();
                failed(error)
            })?;
        self.shared.launched(incarnation.id());
        Ok(incarnation)
    }

    fn board_file(&self) -> io::Result<Fd<OwnedFd>> {
        self.board.file().try_clone_to_owned().map(Fd::new)
    }

    fn run(mut self) {
        loop {
            self.obey();
            self.watch_door();
            self.watch_process();
            if let Stage::Over = self.stage {
                break;
            }
            if self.is_ending {
                self.queue.close();
            }
            let is_all_sent = self.advance_mail();
            for key in self.shared.poller.wait(self.next_look(is_all_sent)) {
                if let Some(client) = key.checked_sub(FIRST_CLIENT) {
                    self.watch_client(u32::try_from(client).unwrap_or(0));
                }
            }
        }
    }

    /// When to look again even if nothing happens.
    fn next_look(&self, is_all_sent: bool) -> Option<Instant> {
        let stage = match &self.stage {
            Stage::Up(incarnation) => incarnation.deadline(),
            Stage::Down(until) => Some(*until),
            Stage::Over => None,
        };
        if is_all_sent {
            return stage;
        }
        let tick = Instant::now() + TICK;
        Some(stage.map_or(tick, |stage| stage.min(tick)))
    }

    /// Sends what there was no room for; false if there is none for some.
    fn advance_mail(&mut self) -> bool {
        let mut is_all_sent = match &mut self.stage {
            Stage::Up(incarnation) => incarnation.advance(),
            Stage::Down(_) | Stage::Over => true,
        };
        for mailer in self.clients.values_mut() {
            // An error means that the client is gone, which is heard of otherwise.
            is_all_sent &= mailer.advance().is_err() || mailer.blocked_on().is_none();
        }
        is_all_sent
    }

    /// Does what the handle wants.
    fn obey(&mut self) {
        let wants = self.shared.wants();
        self.is_ending |= wants.end;
        if wants.kill && !self.is_killed {
            self.is_killed = true;
            if let Stage::Up(incarnation) = &self.stage {
                incarnation.kill();
            }
        }
    }

    /// Lets clients in, and sees whether there can be none any more.
    fn watch_door(&mut self) {
        while let Some(door) = &self.door {
            let mut packet = [0];
            match descriptors::try_receive(door.as_fd(), &mut packet) {
                Ok(mut received) if received.bytes == 1 => {
                    let socket = received.descriptors.pop();
                    if let Some(socket) = socket
                        && packet == [REGISTER]
                        && transport::is_end(&socket)
                    {
                        self.register(socket);
                    }
                }
                Ok(_) if descriptors::is_over(door.as_fd()).unwrap_or(true) => {
                    self.shared.poller.remove(door);
                    self.door = None;
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.is_ending |= self.shared.has_looked_at_door(self.door.is_none());
    }

    /// Lets a client in. One for which descriptors are missing sees its socket end.
    fn register(&mut self, socket: OwnedFd) {
        let Ok(mut mailer) = Mailer::new(Arc::new(socket)) else {
            return;
        };
        self.last_client += 1;
        let client = self.last_client;
        if let Stage::Up(incarnation) = &mut self.stage {
            // Before it is welcomed.
            incarnation.order(know(client, mailer.connection()));
        }
        let welcome = || -> io::Result<EncodedMessage> {
            let welcome = Welcome {
                client,
                service: self.recipe.service.to_owned(),
                queue: self.queue.clone(),
                board: self.board_file()?,
                node: self.node.as_ref().map(Node::place),
            };
            encode(Notice::Welcome as u8, &welcome).map_err(io::Error::other)
        };
        let key = FIRST_CLIENT + u64::from(client);
        let poller = &self.shared.poller;
        let welcomed = welcome().and_then(|welcome| {
            poller.add(mailer.connection(), key, Interest::HANG_UP)?;
            mailer.post(welcome)
        });
        if welcomed.is_ok() {
            self.clients.insert(client, mailer);
        } else {
            poller.remove(mailer.connection());
            self.forget(client);
        }
    }

    fn watch_client(&mut self, client: u32) {
        let Some(mailer) = self.clients.get(&client) else {
            return;
        };
        let connection = mailer.connection();
        if descriptors::is_over(connection.as_fd()).unwrap_or(true) {
            self.shared.poller.remove(connection);
            self.clients.remove(&client);
            self.forget(client);
            self.queue.retell_room();
        }
    }

    fn forget(&mut self, client: u32) {
        if let Stage::Up(incarnation) = &mut self.stage {
            incarnation.order(forget(client));
        }
    }

    /// Sees what has become of the process, and starts another if it is time.
    fn watch_process(&mut self) {
        let incarnation = match &mut self.stage {
            Stage::Up(incarnation) => incarnation,
            Stage::Down(_) if self.is_ending || self.is_killed => return self.end(None),
            Stage::Down(until) if *until <= Instant::now() => {
                return match self.launch() {
                    Ok(incarnation) => self.stage = Stage::Up(Box::new(incarnation)),
                    Err(error) => {
                        self.shared.died(&error);
                        self.go_on(error, false);
                    }
                };
            }
            Stage::Down(_) | Stage::Over => return,
        };
        let mut progress = incarnation.look();
        if let Progress::Ready = progress {
            self.failures = 0;
            self.shared.ready(incarnation.id());
            progress = incarnation.look();
        }
        let Progress::Ended(error) = progress else {
            return;
        };
        let was_ready = incarnation.is_ready();
        if let Some(node) = &self.node {
            node.after_death(self.queue.head());
        }
        self.shared.poller.remove(incarnation.connection());
        self.stage = Stage::Over;
        let Some(error) = error else {
            return self.end(None);
        };
        self.shared.died(&error);
        self.tell_died(&error);
        if self.shared.is_starting() {
            self.end(Some(error));
        } else {
            self.go_on(error, was_ready);
        }
    }

    /// After the end of a process: another one, or none.
    fn go_on(&mut self, error: Error, was_ready: bool) {
        let Restarts { count, window } = self.recipe.restarts;
        let now = Instant::now();
        let is_old = |at: &Instant| now.saturating_duration_since(*at) > window;
        while self.restarts.front().is_some_and(is_old) {
            self.restarts.pop_front();
        }
        if self.is_ending || self.is_killed || self.restarts.len() >= count {
            return self.end(Some(error));
        }
        self.restarts.push_back(now);
        let pause = if was_ready {
            Duration::ZERO
        } else {
            let (first, longest) = PAUSES;
            let pause = first.saturating_mul(1 << self.failures.min(10));
            self.failures += 1;
            pause.min(longest)
        };
        self.stage = Stage::Down(now + pause);
        // The next look is at that time, and not before that something has happened.
        self.shared.poller.wake();
    }

    /// Tells clients which requests were lost with a process.
    fn tell_died(&mut self, error: &Error) {
        self.queue.retell_room();
        let died = Died {
            below: self.queue.head(),
            error: error.to_wire(),
        };
        let Ok(notice) = encode(Notice::Died as u8, &died) else {
            return;
        };
        for mailer in self.clients.values_mut() {
            // It stands for the one before it as well, whose words are lost: a client that is stopped
            // does not take memory without end.
            mailer.drop_last_beyond(NOTICES);
            let _ = mailer.post(notice.clone());
        }
    }

    /// There is no process, and there will be none.
    fn end(&mut self, error: Option<Error>) {
        self.stage = Stage::Over;
        let words = error.as_ref().map_or_else(wire::ended, Error::duplicate);
        if let Ok(notice) = encode(Notice::Over as u8, &words.to_wire()) {
            for mailer in self.clients.values_mut() {
                let _ = mailer.post(notice.clone());
            }
        }
        // Later: a client that finds the queue closed has been told why.
        self.queue.close();
        // What they hold open is closed with them.
        while let Popped::Item(..) | Popped::Failed(..) = self.queue.try_pop_message() {}
        let until = Instant::now() + FAREWELL;
        while !self.advance_mail() && Instant::now() < until {
            thread::sleep(TICK);
        }
        self.shared.over(error);
    }
}
