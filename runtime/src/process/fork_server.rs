//! The fork server, seen from the program: starting it, asking it for clones, keeping spares.
//!
//! A spare is a clone that has been asked for in advance: it waits for its surroundings and its
//! request, so that starting a worker is two messages and no fork. Each call that takes a spare
//! asks for the next one once its own request is out, and does not wait for the answer; the next
//! call finds it.
//!
//! The state is one mutex's. It is held while a clone is waited for, which is the time of a fork.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::net::RecvFlags;
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, waitpid};

use super::end::Status;
use super::environment;
use super::launch::Launching;
use super::launched::{Launched, Surroundings};
use super::monitor::{Child, Monitor};
use super::origin::{EXIT_SOFTWARE, FORK_SERVER, MARKER};
use super::spawn;
use super::start_method::StartMethod;
use super::stdio::ParentEnds;
use super::watch::{Pidfd, Started, Watch};
use super::zygote::{self, Answer};
use crate::inheritance::{Differences, Inheritance, Reach, Standing};
use crate::sys::clone_pids::{self, ClonePids};
use crate::sys::refused::is_refusal;
use crate::sys::{deadline, descriptors};
use crate::transport::{self, Inbox, Sender, is_gone};

/// How long the fork server may take to answer. Far more than a loaded machine needs.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often to look meanwhile whether it can answer at all.
const GLANCE: Duration = Duration::from_millis(300);

/// How often a call tries another fork server when the one it has is gone.
const TRIES: usize = 3;

/// How many clones are kept waiting. See [`set_spare_processes`].
static SPARES: AtomicUsize = AtomicUsize::new(1);

static SERVER: Mutex<State> = Mutex::new(State::NotStarted);

#[derive(Debug)]
enum State {
    NotStarted,
    Running(Box<Server>),
    /// It cannot clone here: calls re-execute instead.
    Unusable,
}

/// Sets how many idle processes the fork server keeps ready, so that starting a worker need not
/// wait for a clone. The default is 1; 0 turns it off.
///
/// An idle process costs no time and little memory. More than one helps a program that starts
/// several workers at once; a program that starts few may save the one. The calls that follow
/// start missing processes and end surplus ones.
///
/// # Examples
///
/// ```
/// use multiproc::worker;
///
/// #[worker]
/// fn square(x: u64) -> u64 {
///     x * x
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// multiproc::set_spare_processes(4); // for the processes that are started together
/// let processes = [1, 2, 3, 4].map(square::spawn);
/// for process in processes {
///     process?.join()?;
/// }
/// # Ok(())
/// # }
/// ```
pub fn set_spare_processes(count: usize) {
    SPARES.store(count, Ordering::Relaxed);
}

/// Begins to start a child in these surroundings; by re-execution where there can be no fork server.
pub(super) fn launch(surroundings: Surroundings) -> io::Result<Launching> {
    for _ in 0..TRIES {
        let spare = {
            let mut state = lock();
            let Some(server) = state.server()? else {
                break;
            };
            match server.take_spare() {
                Ok(spare) => spare,
                Err(Trouble::Gone) if !server.gave_up() => {
                    *state = State::NotStarted;
                    continue;
                }
                Err(Trouble::Gone | Trouble::CannotClone) => {
                    *state = State::Unusable;
                    break;
                }
                Err(Trouble::Io(error)) => return Err(error),
            }
        };
        return Ok(Launching::Clone(spare.wake(surroundings)?));
    }
    Ok(Launching::Execution(surroundings))
}

/// Asks for the spares that are missing, without waiting for them.
pub(super) fn replenish() {
    if let State::Running(server) = &mut *lock() {
        // Trouble is the next call's, which can tell of it.
        let _ = server.replenish();
    }
}

/// No user code runs under this lock, so a poisoned one is as good as any.
fn lock() -> MutexGuard<'static, State> {
    SERVER.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// The server, started if need be; `None` if there can be none.
    fn server(&mut self) -> io::Result<Option<&mut Server>> {
        if let State::Running(server) = self {
            if server.standing == Standing::current() {
                match server.inheritance.reach() {
                    Reach::Clone => {}
                    Reach::OtherServer => *self = State::NotStarted,
                    Reach::Execution => return Ok(None),
                }
            } else {
                // Its clones would have rights that this process has given up, or lack its new ones.
                *self = State::NotStarted;
            }
        }
        if let State::NotStarted = self {
            *self = match Server::start() {
                Ok(server) => State::Running(Box::new(server)),
                // A filter on system calls.
                Err(error) if is_refusal(&error) => State::Unusable,
                // A limit that leaves no room for what the two share. It may be raised again.
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => return Ok(None),
                Err(error) => return Err(error),
            };
        }
        match self {
            State::Running(server) => Ok(Some(server)),
            State::NotStarted | State::Unusable => Ok(None),
        }
    }
}

/// Why there is no clone.
#[derive(Debug)]
enum Trouble {
    /// The server has ended.
    Gone,
    /// The kernel, or a filter on system calls, does not let it.
    CannotClone,
    Io(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        match error.kind() {
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Trouble::Gone,
            _ => Trouble::Io(error),
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
    /// Our ends of the connections of clones asked for, in order.
    asked: VecDeque<End>,
    spares: VecDeque<Spare>,
}

impl Server {
    fn start() -> io::Result<Server> {
        let monitor = Monitor::get()?;
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
        // Minded, so that it is reaped whenever it ends.
        monitor.mind(&process, Watch::cloned(process.pidfd.clone(), None))?;
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

    /// A clone that waits for its surroundings.
    fn take_spare(&mut self) -> Result<Spare, Trouble> {
        self.collect(None)?;
        while let Some(spare) = self.spares.pop_front() {
            if spare.is_alive() {
                return Ok(spare);
            }
        }
        if self.asked.is_empty() {
            self.ask()?;
        }
        self.collect(Some(PATIENCE))?;
        self.spares.pop_front().ok_or(Trouble::Gone)
    }

    /// Asks for as many spares as are missing.
    fn replenish(&mut self) -> Result<(), Trouble> {
        let wanted = SPARES.load(Ordering::Relaxed);
        // Those that are let go see their connection end.
        self.spares.truncate(wanted);
        while self.asked.len() + self.spares.len() < wanted && self.asked.len() < clone_pids::SLOTS
        {
            self.ask()?;
        }
        Ok(())
    }

    /// Asks for a clone.
    fn ask(&mut self) -> Result<(), Trouble> {
        let (ours, theirs) = transport::pair()?;
        let ours = End::open(ours)?;
        self.clone_pids.expect(self.requests);
        // One that does not answer is not waited for here.
        descriptors::try_send(self.control.as_fd(), &[0], &[theirs.as_fd()])?;
        self.asked.push_back(ours);
        self.requests += 1;
        Ok(())
    }

    /// Takes in the answers that are there; with `patience`, waits for one.
    fn collect(&mut self, mut patience: Option<Duration>) -> Result<(), Trouble> {
        while !self.asked.is_empty() {
            if !self.has_answer(patience.take())? {
                break;
            }
            let mut bytes = Answer::default();
            let control = self.control.as_fd();
            let mut heard = descriptors::receive_any(control, &mut bytes, RecvFlags::DONTWAIT)?;
            if heard.bytes == 0 {
                return Err(Trouble::Gone);
            }
            let answer = zygote::read_answer(bytes);
            // A pid comes with a pidfd, and nothing else does.
            let carries = heard.truncated || heard.descriptors.len() == 1;
            if heard.bytes != bytes.len() || answer.is_ok() != carries {
                // It is sick: something in it writes what it does not own.
                self.process.pidfd.signal(Signal::KILL);
                return Err(Trouble::Gone);
            }
            let ours = self.asked.pop_front().ok_or(Trouble::Gone)?;
            let pid = answer.map_err(refusal)?;
            let pidfd = heard.descriptors.pop();
            let pidfd = pidfd.ok_or_else(|| Trouble::Io(Errno::MFILE.into()));
            let has = Arc::clone(&self.inheritance);
            match pidfd.and_then(move |pidfd| Ok(Spare::new(pid, pidfd, ours, has)?)) {
                Ok(spare) => self.spares.push_back(spare),
                Err(trouble) => {
                    // It has no connection any more, and ends.
                    while waitpid(Some(pid), WaitOptions::empty()).err() == Some(Errno::INTR) {}
                    return Err(trouble);
                }
            }
        }
        Ok(())
    }

    /// Whether the server, which is gone, ended of its own accord: the program cannot be one, and
    /// another would end likewise.
    fn gave_up(&self) -> bool {
        let mut pidfd = [PollFd::new(&self.process.pidfd, PollFlags::IN)];
        let moment = deadline::until(Instant::now() + Duration::from_secs(1));
        while poll(&mut pidfd, Some(&moment)) == Err(Errno::INTR) {}
        let status = self.process.status().and_then(Status::known);
        status.and_then(|status| status.code()) == Some(EXIT_SOFTWARE)
    }

    /// Whether an answer is there, or comes within `patience`.
    fn has_answer(&self, patience: Option<Duration>) -> Result<bool, Trouble> {
        let begin = Instant::now();
        loop {
            let timeout = deadline::until(match patience {
                Some(_) => Instant::now() + GLANCE,
                None => begin,
            });
            let mut source = [PollFd::new(&self.control, PollFlags::IN)];
            match poll(&mut source, Some(&timeout)) {
                Ok(0) if patience.is_some_and(|patience| begin.elapsed() >= patience) => {
                    self.process.pidfd.signal(Signal::KILL);
                    return Err(Trouble::CannotClone);
                }
                // It does not answer before it is continued.
                Ok(0) if patience.is_some() && self.process.pidfd.is_stopped() => {
                    self.process.pidfd.signal(Signal::KILL);
                    return Err(Trouble::Gone);
                }
                Ok(0) if patience.is_some() => {}
                Ok(ready) => return Ok(ready > 0),
                Err(Errno::INTR) => {}
                Err(error) => return Err(Trouble::Io(error.into())),
            }
        }
    }
}

/// The spares end with it.
impl Drop for Server {
    fn drop(&mut self) {
        self.process.pidfd.signal(Signal::KILL);
        let first = self.requests - self.asked.len();
        for (request, ours) in (first..).zip(&self.asked) {
            // An error is the end of the connection: the clone has ended, if there was one.
            let pid = ask_who(&ours.connection).ok();
            if let Some(pid) = pid.or_else(|| self.clone_pids.of(request)) {
                // An error means that it was reaped already.
                let _ = reap(pid);
            }
        }
    }
}

/// What a refusal to clone means: limits pass, the rest stays.
fn refusal(error: io::Error) -> Trouble {
    match error.raw_os_error() {
        Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE) => Trouble::Io(error),
        _ => Trouble::CannotClone,
    }
}

/// Our end of a clone's connection.
#[derive(Debug)]
struct End {
    connection: Arc<OwnedFd>,
    sender: Sender,
    inbox: Inbox,
}

impl End {
    fn open(connection: OwnedFd) -> io::Result<End> {
        let connection = Arc::new(connection);
        let (sender, inbox) = transport::open_polled(Arc::clone(&connection))?;
        Ok(End {
            connection,
            sender,
            inbox,
        })
    }
}

/// A clone that waits for its surroundings. It ends when this is dropped before it is launched.
#[derive(Debug)]
struct Spare {
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
        ours: End,
        inheritance: Arc<Inheritance>,
    ) -> io::Result<Spare> {
        let child = Child::new(Started {
            pid,
            pidfd: Pidfd::new(pid, pidfd),
        });
        let End {
            connection,
            sender,
            inbox,
        } = ours;
        let watch = Watch::cloned(child.pidfd.clone(), Some(inbox));
        Monitor::get()?.mind(&child, watch)?;
        Ok(Spare {
            child,
            sender,
            connection,
            inheritance,
            launched: false,
        })
    }

    fn is_alive(&self) -> bool {
        let mut pidfd = [PollFd::new(&self.child.pidfd, PollFlags::IN)];
        poll(&mut pidfd, Some(&Timespec::default())) == Ok(0)
    }

    /// Hands the clone its surroundings, but for what goes with the request.
    fn wake(self, surroundings: Surroundings) -> io::Result<Woken> {
        let Surroundings {
            environment: _,
            current_dir,
            streams,
            timeout,
        } = surroundings;
        let directory = openat(
            CWD,
            current_dir.as_deref().unwrap_or(".".as_ref()),
            OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        )?;
        let (ends, parent_ends) = streams.open()?;
        if let Some(timeout) = timeout {
            Monitor::get()?.set_timeout(&self.child, timeout);
        }
        let [stdin, stdout, stderr] = ends.each_ref().map(AsFd::as_fd);
        let descriptors = [stdin, stdout, stderr, directory.as_fd()];
        match descriptors::send(
            self.connection.as_fd(),
            &[zygote::SURROUNDINGS],
            &descriptors,
        ) {
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
pub(super) struct Woken {
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
            self.child.pidfd.signal(Signal::KILL);
        }
    }
}

/// Asks a clone that was never answered for who it is, and to end.
///
/// # Errors
///
/// The end of the connection, of which `ours` is our end: there is no such clone (any more).
fn ask_who(ours: &OwnedFd) -> io::Result<Pid> {
    descriptors::send(ours.as_fd(), &[zygote::WHO], &[])?;
    let mut source = [PollFd::new(ours, PollFlags::IN)];
    let patience = deadline::until(Instant::now() + PATIENCE);
    while poll(&mut source, Some(&patience)) == Err(Errno::INTR) {}
    let mut answer = Answer::default();
    match descriptors::receive(ours.as_fd(), &mut answer, 0, RecvFlags::DONTWAIT)? {
        Some(_) => zygote::read_answer(answer),
        None => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

/// Has a clone that ends, or has ended, reaped.
fn reap(pid: Pid) -> io::Result<()> {
    let pidfd = Pidfd::new(pid, pidfd_open(pid, PidfdFlags::empty())?);
    let child = Child::new(Started {
        pid,
        pidfd: pidfd.clone(),
    });
    Monitor::get()?.mind(&child, Watch::cloned(pidfd, None))
}
