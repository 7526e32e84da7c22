//! The fork server, seen from the program: starting it, asking it for clones, keeping spares.
//!
//! A spare is a clone that has been asked for in advance: it waits for its launch options and its
//! request, so that starting a worker is two messages and no fork. Each call that takes a spare
//! asks for the next one once its own request is out, and does not wait for the answer; the next
//! call finds it.
//!
//! The state is one mutex's. It is held while a clone is waited for, which is the time of a fork.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use rustix::process::{Pid, WaitOptions, waitpid};

use super::zygote::{self, Answer};
use super::{spawn, streams};
use crate::lock::lock;
use crate::process::launched::{LaunchOptions, Launched};
use crate::process::monitor::{Child, ProcessMonitor};
use crate::process::origin::{EXIT_SOFTWARE, FORK_SERVER, MARKER};
use crate::process::start_method::StartMethod;
use crate::process::stdio::ParentEnds;
use crate::process::watch::Watch;
use crate::process::{environment, spares};
use crate::sys::clone_pids::{self, ClonePids};
use crate::sys::inheritance::{Differences, Inheritance, Reach, Standing};
use crate::sys::pidfd::{Pidfd, Status};
use crate::sys::refused::is_refusal;
use crate::sys::{descriptors, poll};
use crate::transport::{self, Inbox, Sender, is_gone};

/// How long the fork server may take to answer. Far more than a loaded machine needs.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// How often to look meanwhile whether it can answer at all.
const POLL_INTERVAL: Duration = Duration::from_millis(300);

/// How often a call tries another fork server when the one it has is gone.
const TRIES: usize = 3;

static SERVER: Mutex<ServerState> = Mutex::new(ServerState::NotStarted);

#[derive(Debug)]
enum ServerState {
    NotStarted,
    Running(Box<Server>),
    /// It cannot clone here: calls re-execute instead.
    Unusable,
}

/// A clone that waits for its launch options; `None` where there can be no fork server.
pub(super) fn take_spare() -> io::Result<Option<Spare>> {
    for _ in 0..TRIES {
        let mut state = lock(&SERVER);
        let Some(server) = state.server()? else {
            break;
        };
        match server.take_spare() {
            Ok(spare) => return Ok(Some(spare)),
            Err(CloneError::Gone) if !server.gave_up() => *state = ServerState::NotStarted,
            Err(CloneError::Gone | CloneError::CannotClone) => {
                *state = ServerState::Unusable;
                break;
            }
            Err(CloneError::Io(error)) => return Err(error),
        }
    }
    Ok(None)
}

/// Asks for the spares that are missing, without waiting for them.
pub(in crate::process) fn replenish() {
    if let ServerState::Running(server) = &mut *lock(&SERVER) {
        // CloneError is the next call's, which can tell of it.
        let _ = server.replenish();
    }
}

impl ServerState {
    /// The server, started if need be; `None` if there can be none.
    fn server(&mut self) -> io::Result<Option<&mut Server>> {
        if let ServerState::Running(server) = self {
            if server.standing == Standing::current() {
                match server.inheritance.reach() {
                    Reach::Clone => {}
                    Reach::OtherServer => *self = ServerState::NotStarted,
                    Reach::Execution => return Ok(None),
                }
            } else {
                // Its clones would have rights that this process has given up, or lack its new ones.
                *self = ServerState::NotStarted;
            }
        }
        if let ServerState::NotStarted = self {
            *self = match Server::start() {
                Ok(server) => ServerState::Running(Box::new(server)),
                // A filter on system calls.
                Err(error) if is_refusal(&error) => ServerState::Unusable,
                // A limit that leaves no room for what the two share. It may be raised again.
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => return Ok(None),
                Err(error) => return Err(error),
            };
        }
        match self {
            ServerState::Running(server) => Ok(Some(server)),
            ServerState::NotStarted | ServerState::Unusable => Ok(None),
        }
    }
}

/// Why there is no clone.
#[derive(Debug)]
enum CloneError {
    /// The server has ended.
    Gone,
    /// The kernel, or a filter on system calls, does not let it.
    CannotClone,
    Io(io::Error),
}

impl From<io::Error> for CloneError {
    fn from(error: io::Error) -> CloneError {
        match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => CloneError::Gone,
            _ => CloneError::Io(error),
        }
    }
}

/// A running fork server. It ends when this is dropped.
#[derive(Debug)]
struct Server {
    control: OwnedFd,
    process: Arc<Child>,
    standing: Standing,
    /// What it has, and so its clones.
    inheritance: Arc<Inheritance>,
    clone_pids: ClonePids,
    /// How many clones have been asked for.
    requests: usize,
    /// The parent's ends of the connections of clones asked for, in order.
    asked: VecDeque<ParentEnd>,
    spares: VecDeque<Spare>,
}

impl Server {
    fn start() -> io::Result<Server> {
        let monitor = ProcessMonitor::get()?;
        let (control, theirs) = transport::pair()?;
        let (clone_pids, file) = ClonePids::new()?;
        let standing = Standing::current();
        let inheritance = Arc::new(Inheritance::current());
        let mut command = spawn::command();
        command
            .stdin(theirs)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::inherit())
            .env_clear()
            .envs(environment::base())
            .env(MARKER, format!("{FORK_SERVER}:0"));
        let (started, _) = spawn::start(command)?;
        let process = Child::new(started);
        // Watched, so that it is reaped whenever it ends.
        monitor.watch(&process, Watch::cloned(process.pidfd.clone(), None))?;
        match descriptors::send(control.as_fd(), &[0], &[file.as_fd()]) {
            // The first request finds out the same.
            Err(error) if !is_gone(&error) => return Err(error),
            _ => {}
        }
        Ok(Server {
            control,
            process,
            standing,
            inheritance,
            clone_pids,
            requests: 0,
            asked: VecDeque::new(),
            spares: VecDeque::new(),
        })
    }

    /// A clone that waits for its launch options.
    fn take_spare(&mut self) -> Result<Spare, CloneError> {
        self.collect(None)?;
        while let Some(spare) = self.spares.pop_front() {
            if spare.is_alive() {
                return Ok(spare);
            }
        }
        if self.asked.is_empty() {
            self.ask()?;
        }
        self.collect(Some(ANSWER_TIMEOUT))?;
        self.spares.pop_front().ok_or(CloneError::Gone)
    }

    /// Asks for as many spares as are missing.
    fn replenish(&mut self) -> Result<(), CloneError> {
        let wanted = spares::wanted();
        // Those that are let go see their connection end.
        self.spares.truncate(wanted);
        while self.asked.len() + self.spares.len() < wanted && self.asked.len() < clone_pids::SLOTS
        {
            self.ask()?;
        }
        Ok(())
    }

    /// Asks for a clone.
    fn ask(&mut self) -> Result<(), CloneError> {
        let (ours, theirs) = transport::pair()?;
        let ours = ParentEnd::open(ours)?;
        self.clone_pids.expect(self.requests);
        // One that does not answer is not waited for here.
        descriptors::try_send(self.control.as_fd(), &[0], &[theirs.as_fd()])?;
        self.asked.push_back(ours);
        self.requests += 1;
        Ok(())
    }

    /// Takes in the answers that are there; with a timeout, waits for one.
    fn collect(&mut self, mut timeout: Option<Duration>) -> Result<(), CloneError> {
        while !self.asked.is_empty() {
            if !self.has_answer(timeout.take())? {
                break;
            }
            let mut bytes = Answer::default();
            let control = self.control.as_fd();
            let mut heard = descriptors::receive_any(control, &mut bytes, RecvFlags::DONTWAIT)?;
            if heard.bytes == 0 {
                return Err(CloneError::Gone);
            }
            let answer = zygote::read_answer(bytes);
            // A pid comes with a pidfd, and nothing else does.
            let carries = heard.truncated || heard.descriptors.len() == 1;
            if heard.bytes != bytes.len() || answer.is_ok() != carries {
                // It is sick: something in it writes what it does not own.
                self.process.pidfd.kill();
                return Err(CloneError::Gone);
            }
            let ours = self.asked.pop_front().ok_or(CloneError::Gone)?;
            let pid = answer.map_err(refusal)?;
            let pidfd = heard.descriptors.pop();
            let pidfd = pidfd.ok_or_else(|| CloneError::Io(Errno::MFILE.into()));
            let has = Arc::clone(&self.inheritance);
            match pidfd.and_then(move |pidfd| Ok(Spare::new(pid, pidfd, ours, has)?)) {
                Ok(spare) => self.spares.push_back(spare),
                Err(error) => {
                    // It has no connection any more, and ends.
                    while waitpid(Some(pid), WaitOptions::empty()).err() == Some(Errno::INTR) {}
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Whether the server, which is gone, ended of its own accord: the program cannot be one, and
    /// another would end likewise.
    fn gave_up(&self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(1);
        poll::wait_readable(self.process.pidfd.as_fd(), Some(deadline));
        let status = self.process.status().and_then(Status::known);
        status.and_then(|status| status.code()) == Some(EXIT_SOFTWARE)
    }

    /// Whether an answer is there, or comes before `timeout` is over.
    fn has_answer(&self, timeout: Option<Duration>) -> Result<bool, CloneError> {
        let control = self.control.as_fd();
        let Some(timeout) = timeout else {
            return Ok(poll::is_readable(control));
        };
        let begin = Instant::now();
        while !poll::wait_readable(control, Some(Instant::now() + POLL_INTERVAL)) {
            if begin.elapsed() >= timeout {
                self.process.pidfd.kill();
                return Err(CloneError::CannotClone);
            }
            // It does not answer before it is continued.
            if self.process.pidfd.is_stopped() {
                self.process.pidfd.kill();
                return Err(CloneError::Gone);
            }
        }
        Ok(true)
    }
}

/// The spares end with it.
impl Drop for Server {
    fn drop(&mut self) {
        self.process.pidfd.kill();
        let first = self.requests - self.asked.len();
        for (request, ours) in (first..).zip(&self.asked) {
            // An error is the end of the connection: the clone has ended, if there was one.
            let pid = ask_who(&ours.connection).ok();
            if let Some(pid) = pid.or_else(|| self.clone_pids.of(request)) {
                // An error means that it cannot be reaped any more.
                let _ = reap(pid);
            }
        }
    }
}

/// What a refusal to clone means: limits pass, the rest stays.
fn refusal(error: io::Error) -> CloneError {
    match error.raw_os_error() {
        Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE) => CloneError::Io(error),
        _ => CloneError::CannotClone,
    }
}

/// The parent's end of a clone's connection.
#[derive(Debug)]
struct ParentEnd {
    connection: Arc<OwnedFd>,
    sender: Sender,
    inbox: Inbox,
}

impl ParentEnd {
    fn open(connection: OwnedFd) -> io::Result<ParentEnd> {
        let connection = Arc::new(connection);
        let (sender, inbox) = transport::open_polled(Arc::clone(&connection))?;
        Ok(ParentEnd {
            connection,
            sender,
            inbox,
        })
    }
}

/// A clone that waits for its launch options. It ends when this is dropped before it is launched.
#[derive(Debug)]
pub(super) struct Spare {
    child: Arc<Child>,
    sender: Sender,
    connection: Arc<OwnedFd>,
    /// What it has from its server.
    inheritance: Arc<Inheritance>,
    launched: bool,
}

impl Spare {
    fn new(
        pid: Pid,
        pidfd: OwnedFd,
        ours: ParentEnd,
        inheritance: Arc<Inheritance>,
    ) -> io::Result<Spare> {
        let child = Child::new(Pidfd::new(pid, pidfd));
        let ParentEnd {
            connection,
            sender,
            inbox,
        } = ours;
        let watch = Watch::cloned(child.pidfd.clone(), Some(inbox));
        ProcessMonitor::get()?.watch(&child, watch)?;
        Ok(Spare {
            child,
            sender,
            connection,
            inheritance,
            launched: false,
        })
    }

    fn is_alive(&self) -> bool {
        !self.child.pidfd.has_ended()
    }

    /// Hands the clone its launch options, but for what goes with the request.
    pub(super) fn wake(self, options: LaunchOptions) -> io::Result<Woken> {
        let LaunchOptions {
            environment: _,
            current_dir,
            streams,
            timeout,
        } = options;
        let directory = openat(
            CWD,
            current_dir.as_deref().unwrap_or(".".as_ref()),
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let (ends, parent_ends) = streams::open_all(streams)?;
        if let Some(timeout) = timeout {
            ProcessMonitor::get()?.set_timeout(&self.child, timeout);
        }
        let [stdin, stdout, stderr] = ends.each_ref().map(AsFd::as_fd);
        let descriptors = [stdin, stdout, stderr, directory.as_fd()];
        match descriptors::send(self.connection.as_fd(), &[zygote::LAUNCH], &descriptors) {
            // One that has just died is like one that dies before its request.
            Err(error) if !is_gone(&error) => Err(error),
            _ => Ok(Woken {
                spare: self,
                streams: parent_ends,
            }),
        }
    }
}

/// A clone that wakes up. It ends when this is dropped before it is launched.
#[derive(Debug)]
pub(in crate::process) struct Woken {
    spare: Spare,
    streams: ParentEnds,
}

impl Woken {
    /// What the clone has to change, to have what this thread hands on.
    pub(super) fn differences(&self) -> Option<Differences> {
        let differences = Inheritance::current().beyond(&self.spare.inheritance);
        (!differences.are_none()).then_some(differences)
    }

    /// The clone as a child.
    pub(super) fn launched(mut self) -> Launched {
        self.spare.launched = true;
        Launched {
            child: Arc::clone(&self.spare.child),
            sender: self.spare.sender.clone(),
            streams: self.streams,
            start_method: StartMethod::ForkServer,
        }
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        if !self.launched {
            self.child.pidfd.kill();
        }
    }
}

/// Asks a clone that was never answered for who it is, and to end.
///
/// # Errors
///
/// The end of the connection, of which `ours` is the parent's end: there is no such clone (any more).
fn ask_who(ours: &OwnedFd) -> io::Result<Pid> {
    descriptors::send(ours.as_fd(), &[zygote::WHO], &[])?;
    poll::wait_readable(ours.as_fd(), Some(Instant::now() + ANSWER_TIMEOUT));
    let mut answer = Answer::default();
    match descriptors::receive(ours.as_fd(), &mut answer, 0, RecvFlags::DONTWAIT)? {
        Some(_) => zygote::read_answer(answer),
        None => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

/// Has a clone that ends, or has ended, reaped.
fn reap(pid: Pid) -> io::Result<()> {
    let pidfd = Pidfd::open(pid)?;
    let child = Child::new(pidfd.clone());
    ProcessMonitor::get()?.watch(&child, Watch::cloned(pidfd, None))
}
