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
//! | the parent | the service is killed, as all children are; reply sockets end, so clients hear of it |
//!
//! A client is made known to the service before it is welcomed, so a request never comes from a client
//! that the service will not hear of. A process that is started later is told of all clients first.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Wake, Waker};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::event::{Listeners, ServiceEvents};
use super::mailer::Mailer;
use super::serve::Setup;
use super::wire::{self, Died, NodeId, Notice, Order, REGISTER, Report, Requests, Welcome};
use super::withdrawals::Withdrawals;
use crate::channel::{Popped, Queue};
use crate::codec;
use crate::completion::Completion;
use crate::descriptor::Fd;
use crate::dispatch::{owned, result};
use crate::error::{Error, ErrorKind, Result};
use crate::lock::{lock, wait, wait_until};
use crate::process::{CallTemplate, Process};
use crate::sys::copy::Home;
use crate::sys::deadline;
use crate::sys::descriptors;
use crate::sys::fd::{AsFd, OwnedFd};
use crate::sys::poller::{Interest, Poller};
use crate::transport::{self, EncodedMessage, Inbox, Received};

/// The first pause before a constructor that failed is run again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// How often a client is looked after that does not take in what it is sent.
const TICK: Duration = Duration::from_millis(20);

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

/// A service as its parent's other threads see it.
#[derive(Debug)]
pub(super) struct Supervised {
    pub(super) service: &'static str,
    pub(super) home: Home,
    poller: Poller,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    /// The process that serves, or the last one that did.
    id: u32,
    wants_end: bool,
    wants_kill: bool,
    /// Whether the door was looked at since the handle was dropped.
    owner: Owner,
    listeners: Listeners,
}

/// What has become of the handle.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Owner {
    #[default]
    There,
    Gone,
    /// And the supervisor has seen that there are clients.
    Outlived,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Starting,
    Running,
    Over(Option<Error>),
}

impl Supervised {
    /// Waits until the first process is ready.
    fn wait_ready(&self) -> Result<()> {
        let mut state = lock(&self.state);
        loop {
            match &state.phase {
                Phase::Starting => state = wait(&self.changed, state),
                Phase::Running => return Ok(()),
                Phase::Over(error) => {
                    let ended = || Error::new(ErrorKind::Closed, "the service has ended");
                    return Err(error.as_ref().map_or_else(ended, Error::duplicate));
                }
            }
        }
    }

    /// Waits until there is no process any more. `None`: not within this time.
    pub(super) fn wait_over(&self, limit: Option<Instant>) -> Option<Result<()>> {
        let mut state = lock(&self.state);
        loop {
            if let Phase::Over(error) = &state.phase {
                return Some(
                    error
                        .as_ref()
                        .map_or(Ok(()), |error| Err(error.duplicate())),
                );
            }
            let (guard, in_time) = wait_until(&self.changed, state, limit);
            state = guard;
            if !in_time {
                return None;
            }
        }
    }

    /// Has the service end when its queue is empty.
    pub(super) fn shut_down(&self) {
        lock(&self.state).wants_end = true;
        self.poller.wake();
    }

    /// Has the process killed, and none started any more.
    pub(super) fn kill(&self) {
        lock(&self.state).wants_kill = true;
        self.poller.wake();
    }

    /// The handle is gone; waits for the end if it was the last client.
    pub(super) fn leave(&self) {
        let mut state = lock(&self.state);
        state.owner = Owner::Gone;
        self.poller.wake();
        while state.owner == Owner::Gone && !matches!(state.phase, Phase::Over(_)) {
            state = wait(&self.changed, state);
        }
    }

    pub(super) fn id(&self) -> u32 {
        lock(&self.state).id
    }

    pub(super) fn events(&self) -> ServiceEvents {
        lock(&self.state).listeners.listen()
    }
}

/// Tells the supervisor that a process has ended.
struct Ended(Arc<Supervised>);

impl Wake for Ended {
    fn wake(self: Arc<Self>) {
        self.0.poller.wake();
    }
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
    withdrawals: Withdrawals,
    node: Option<NodeId>,
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
    Up(Incarnation),
    /// Until another process is started.
    Down(Instant),
    Over,
}

/// One process of the service.
struct Incarnation {
    process: Process<()>,
    control: Mailer,
    inbox: Inbox,
    is_ready: bool,
    /// Why there is no object.
    unbuilt: Option<String>,
    /// When it has to be ready.
    deadline: Option<Instant>,
    is_late: bool,
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
        let shared = Arc::new(Supervised {
            service,
            home: Home::here(),
            poller: Poller::new().map_err(failed)?,
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let mut supervisor = Supervisor {
            queue: Queue::bounded(recipe.queue).map_err(failed)?,
            withdrawals: Withdrawals::new(recipe.queue).map_err(failed)?,
            recipe,
            shared: Arc::clone(&shared),
            door: Some(door),
            node: None,
            clients: HashMap::new(),
            last_client: 0,
            stage: Stage::Over,
            restarts: VecDeque::new(),
            failures: 0,
            is_ending: false,
            is_killed: false,
        };
        if let Some(door) = &supervisor.door {
            let poller = &shared.poller;
            poller.add(door, DOOR, Interest::READABLE).map_err(failed)?;
        }
        // The first one on this thread: what it inherits is this thread's.
        supervisor.stage = Stage::Up(supervisor.launch()?);
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
            withdrawals: self.withdrawals_file().map_err(failed)?,
            node: self.node,
        };
        let ours = Arc::new(ours);
        let mut control = Mailer::new(Arc::clone(&ours)).map_err(failed)?;
        let inbox = Inbox::new(Arc::clone(&ours)).map_err(failed)?;
        control.post(construct.clone()).map_err(failed)?;
        for (client, mailer) in &self.clients {
            control
                .post(register(*client, mailer.connection()))
                .map_err(failed)?;
        }
        let arguments = vec![owned::<Setup>().own(setup)];
        let call = template.call(arguments, result::<()>()).map_err(failed)?;
        let process = call.spawn()?;
        let poller = &self.shared.poller;
        poller
            .add(ours.as_fd(), CONTROL, Interest::READABLE)
            .map_err(failed)?;
        if let Some(ending) = process.ending() {
            let waker = Waker::from(Arc::new(Ended(Arc::clone(&self.shared))));
            ending.listen(waker);
        }
        lock(&self.shared.state).id = process.id();
        Ok(Incarnation {
            process,
            control,
            inbox,
            is_ready: false,
            unbuilt: None,
            deadline: self.recipe.startup_timeout.and_then(deadline::after),
            is_late: false,
        })
    }

    fn withdrawals_file(&self) -> io::Result<Fd<OwnedFd>> {
        self.withdrawals.file().try_clone_to_owned().map(Fd::new)
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
            for key in self.shared.poller.wait(self.next_look()) {
                if let Some(client) = key.checked_sub(FIRST_CLIENT) {
                    self.watch_client(u32::try_from(client).unwrap_or(0));
                }
            }
            self.advance_mail();
        }
    }

    /// When to look again even if nothing happens.
    fn next_look(&self) -> Option<Instant> {
        let is_blocked = |mailer: &Mailer| mailer.blocked_on().is_some();
        let (stage, control) = match &self.stage {
            Stage::Up(incarnation) => (
                incarnation
                    .deadline
                    .filter(|_| !incarnation.is_ready && !incarnation.is_late),
                is_blocked(&incarnation.control),
            ),
            Stage::Down(until) => (Some(*until), false),
            Stage::Over => (None, false),
        };
        let tick =
            (control || self.clients.values().any(is_blocked)).then(|| Instant::now() + TICK);
        match (stage, tick) {
            (Some(stage), Some(tick)) => Some(stage.min(tick)),
            (stage, tick) => stage.or(tick),
        }
    }

    fn advance_mail(&mut self) {
        // Errors mean that a receiver is gone, which is heard of otherwise.
        if let Stage::Up(incarnation) = &mut self.stage {
            let _ = incarnation.control.advance();
        }
        for mailer in self.clients.values_mut() {
            let _ = mailer.advance();
        }
    }

    /// Does what the handle wants.
    fn obey(&mut self) {
        let state = lock(&self.shared.state);
        let (wants_end, wants_kill) = (state.wants_end, state.wants_kill);
        drop(state);
        self.is_ending |= wants_end;
        if wants_kill && !self.is_killed {
            self.is_killed = true;
            if let Stage::Up(incarnation) = &self.stage {
                incarnation.process.kill();
            }
        }
    }

    /// Lets clients in, and sees whether there are none any more.
    fn watch_door(&mut self) {
        let mut is_closed = self.door.is_none();
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
                    is_closed = true;
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        let mut state = lock(&self.shared.state);
        if is_closed && state.owner != Owner::There {
            self.is_ending = true;
        }
        if !is_closed && state.owner == Owner::Gone {
            state.owner = Owner::Outlived;
            drop(state);
            self.shared.changed.notify_all();
        }
    }

    /// Lets a client in. One for which descriptors are missing sees its socket end.
    fn register(&mut self, socket: OwnedFd) {
        let Ok(mut mailer) = Mailer::new(Arc::new(socket)) else {
            return;
        };
        self.last_client += 1;
        let client = self.last_client;
        if let Stage::Up(incarnation) = &mut self.stage {
            // Before it is welcomed. An error means that the process has ended.
            let order = register(client, mailer.connection());
            let _ = incarnation.control.post(order);
        }
        let welcome = || -> io::Result<EncodedMessage> {
            let welcome = Welcome {
                client,
                service: self.recipe.service.to_owned(),
                queue: self.queue.clone(),
                withdrawals: self.withdrawals_file()?,
                node: self.node,
            };
            encode(Notice::Welcome as u8, &welcome).map_err(io::Error::other)
        };
        let key = FIRST_CLIENT + u64::from(client);
        let poller = &self.shared.poller;
        let welcomed = welcome().and_then(|welcome| {
            poller.add(mailer.connection().as_fd(), key, Interest::HANG_UP)?;
            mailer.post(welcome)
        });
        if welcomed.is_ok() {
            self.clients.insert(client, mailer);
        } else {
            poller.remove(mailer.connection().as_fd());
            self.forget(client);
        }
    }

    fn watch_client(&mut self, client: u32) {
        let Some(mailer) = self.clients.get(&client) else {
            return;
        };
        let connection = mailer.connection().as_fd();
        if descriptors::is_over(connection).unwrap_or(true) {
            self.shared.poller.remove(connection);
            self.clients.remove(&client);
            self.forget(client);
        }
    }

    /// Has the service forget a client.
    fn forget(&mut self, client: u32) {
        if let Stage::Up(incarnation) = &mut self.stage
            && let Ok(order) = encode(Order::Forget as u8, &client)
        {
            let _ = incarnation.control.post(order);
        }
    }

    /// Sees what has become of the process, and starts another if it is time.
    fn watch_process(&mut self) {
        let ended = match &mut self.stage {
            Stage::Up(incarnation) => {
                incarnation.take_in();
                if incarnation.is_ready {
                    self.failures = 0;
                    self.tell_ready();
                }
                let Stage::Up(incarnation) = &mut self.stage else {
                    return;
                };
                let Some(ended) = incarnation.look() else {
                    return;
                };
                incarnation.take_in();
                ended
            }
            Stage::Down(until) if *until <= Instant::now() || self.is_ending || self.is_killed => {
                if self.is_ending || self.is_killed {
                    return self.end(None);
                }
                match self.launch() {
                    Ok(incarnation) => {
                        self.stage = Stage::Up(incarnation);
                        return;
                    }
                    Err(error) => {
                        lock(&self.shared.state).listeners.died(&error);
                        return self.go_on(error, false);
                    }
                }
            }
            Stage::Down(_) | Stage::Over => return,
        };
        let Stage::Up(incarnation) = std::mem::replace(&mut self.stage, Stage::Over) else {
            return;
        };
        let poller = &self.shared.poller;
        poller.remove(incarnation.control.connection().as_fd());
        let service = self.recipe.service;
        let error = match (ended, &incarnation) {
            (Ok(()), Incarnation { unbuilt: None, .. }) => None,
            (
                _,
                Incarnation {
                    unbuilt: Some(reason),
                    ..
                },
            ) => {
                let text = format!("service `{service}` has no object: {reason}");
                Some(Error::new(ErrorKind::Returned, text).with_worker(service))
            }
            (Err(_), Incarnation { is_late: true, .. }) => {
                let time = self.recipe.startup_timeout.unwrap_or_default();
                let text = format!(
                    "service `{service}` has no object: its constructor took longer than {time:?}, the startup timeout"
                );
                Some(Error::new(ErrorKind::TimedOut, text).with_worker(service))
            }
            (Err(error), _) => Some(error),
        };
        let Some(error) = error else {
            return self.end(None);
        };
        lock(&self.shared.state).listeners.died(&error);
        self.tell_died(&error);
        if incarnation.is_ready || !self.is_first() {
            self.go_on(error, incarnation.is_ready);
        } else {
            self.end(Some(error));
        }
    }

    fn is_first(&self) -> bool {
        matches!(lock(&self.shared.state).phase, Phase::Starting)
    }

    /// After the end of a process: another one, or none.
    fn go_on(&mut self, error: Error, was_ready: bool) {
        let Restarts { count, window } = self.recipe.restarts;
        let now = Instant::now();
        while let Some(first) = self.restarts.front()
            && now.saturating_duration_since(*first) > window
        {
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
        // Not to wait: the next look is at that time.
        self.shared.poller.wake();
    }

    fn tell_ready(&mut self) {
        let Stage::Up(incarnation) = &mut self.stage else {
            return;
        };
        if incarnation.deadline.take().is_none() {
            return;
        }
        let id = incarnation.process.id();
        let mut state = lock(&self.shared.state);
        state.listeners.started(id);
        if let Phase::Starting = state.phase {
            state.phase = Phase::Running;
        }
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Tells clients which requests were lost with a process.
    fn tell_died(&mut self, error: &Error) {
        let died = Died {
            below: self.queue.head(),
            error: error.to_wire(),
        };
        let Ok(notice) = encode(Notice::Died as u8, &died) else {
            return;
        };
        for mailer in self.clients.values_mut() {
            // It says more than those that wait.
            if mailer.has_waiting() {
                mailer.drop_waiting();
            }
            let _ = mailer.post(notice.clone());
        }
    }

    /// There is no process, and there will be none.
    fn end(&mut self, error: Option<Error>) {
        self.stage = Stage::Over;
        self.queue.close();
        // What they hold open is closed with them.
        while let Popped::Item(..) | Popped::Failed(..) = self.queue.pop_message(None) {}
        let closed = || Error::new(ErrorKind::Closed, "the service has ended");
        let words = error
            .as_ref()
            .map_or_else(closed, Error::duplicate)
            .to_wire();
        if let Ok(notice) = encode(Notice::Over as u8, &words) {
            for mailer in self.clients.values_mut() {
                let _ = mailer.post(notice.clone());
            }
        }
        // Who comes to the door from now on is told the same.
        let mut state = lock(&self.shared.state);
        state.listeners.ended();
        state.phase = Phase::Over(error);
        drop(state);
        self.shared.changed.notify_all();
        let until = Instant::now() + FAREWELL;
        while self.clients.values().any(|it| it.blocked_on().is_some()) && Instant::now() < until {
            thread::sleep(TICK);
            self.advance_mail();
        }
    }
}

impl Incarnation {
    /// Takes in what the process says.
    fn take_in(&mut self) {
        while let Ok(Received::Message(mut report)) = self.inbox.receive() {
            match report.kind().and_then(Report::from_wire) {
                Some(Report::Ready) => self.is_ready = true,
                Some(Report::Unbuilt) => {
                    let reason = report.open().read::<String>();
                    self.unbuilt = Some(reason.unwrap_or_default());
                }
                None => {}
            }
        }
    }

    /// How the process ended, if it has. It is killed if it is late.
    fn look(&mut self) -> Option<Result<()>> {
        let is_over = |deadline: Instant| deadline <= Instant::now();
        if !self.is_ready && !self.is_late && self.deadline.is_some_and(is_over) {
            self.is_late = true;
            self.process.kill();
        }
        self.process.try_join().transpose()
    }
}

fn encode<T: serde::Serialize>(kind: u8, content: &T) -> Result<EncodedMessage, codec::Error> {
    wire::message(kind, content).and_then(EncodedMessage::new)
}

/// The order to know a client.
fn register(client: u32, socket: &Arc<OwnedFd>) -> EncodedMessage {
    let socket = socket.try_clone().map(Fd::new).ok();
    encode(Order::Register as u8, &(client, socket)).unwrap_or_default()
}
