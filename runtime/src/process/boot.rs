//! The child's side, before `main`.
//!
//! A constructor runs in every process of the program. Where the environment has no marker, it
//! notes that it has run (a program without it could not be re-executed safely) and returns. In
//! a child it never returns: `main` does not run a second time.
//!
//! # Threads of a child
//!
//! The first thread receives the request and then waits for one thing only, the end of the
//! parent. The worker runs on a thread of its own that is named after it; when it has replied, it
//! ends the process, as returning from `main` does: buffers are flushed, exit handlers run.
//!
//! # What std has not set up before `main`
//!
//! | | |
//! |---|---|
//! | ignored `SIGPIPE`, open standard descriptors | done here |
//! | the handler that reports a stack overflow | left out: the parent is told of the signal |
//! | the name of the first thread | runs no code of the user's |

#![expect(
    unsafe_code,
    reason = "the environment is changed and a descriptor taken over, before `main`"
)]

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::net::RecvFlags;
use rustix::net::sockopt::socket_peercred;
use rustix::process::{PidfdFlags, Signal, getpid, getppid, kill_process, pidfd_open};

use super::current::Current;
use super::spawn::MARKER;
use crate::codec::Input;
use crate::dispatch::{self, Ended, Entry, STARTUPS, Startup};
use crate::error::PanicInfo;
use crate::protocol::{Header, Reply};
use crate::sys::{descriptors, signal, stdio};
use crate::transport::{Received, Receiver, Sender};

/// The status of a child that could not become one, from `sysexits.h`: software error.
const EXIT_NO_CHILD: i32 = 70;

/// The status of a child whose worker panicked, as Rust's programs have it.
const EXIT_PANIC: i32 = 101;

static HOOK_HAS_RUN: AtomicBool = AtomicBool::new(false);

/// Whether the constructor ran when this process started.
pub(super) fn hook_has_run() -> bool {
    HOOK_HAS_RUN.load(Ordering::Relaxed)
}

#[ctor::ctor(unsafe)]
fn hook() {
    HOOK_HAS_RUN.store(true, Ordering::Relaxed);
    if let Some(marker) = std::env::var_os(MARKER) {
        let Err(error) = connect(&marker.to_string_lossy()).and_then(serve);
        #[expect(clippy::print_stderr, reason = "there is nobody else to tell")]
        {
            eprintln!(
                "multiproc: this process was started as a worker's ({MARKER} is set), but it cannot be one: {error}"
            );
        }
        process::exit(EXIT_NO_CHILD);
    }
}

/// What is never returned.
#[derive(Debug)]
enum Never {}

/// Finds the connection that the marker speaks of.
fn connect(marker: &str) -> io::Result<OwnedFd> {
    // SAFETY: this runs before `main`, in a process whose environment nobody else reads or
    // writes yet: no thread of Rust's has been started.
    unsafe { std::env::remove_var(MARKER) };
    let number = marker
        .parse()
        .map_err(|_| io::Error::other("the marker is not a number"))?;
    let connection = match number {
        0 => stdio::take_stdin()?,
        // SAFETY: the parent left this descriptor open for this very line; should the marker
        // come from elsewhere, no code of ours or the program's has opened anything yet.
        _ => unsafe { stdio::take(number)? },
    };
    let peer = socket_peercred(&connection)?;
    if Some(peer.pid) != getppid() {
        return Err(io::Error::other("the connection is not the parent's"));
    }
    if number == 0 {
        match descriptors::receive(&connection, 1, RecvFlags::empty())?
            .and_then(|mut batch| batch.pop())
        {
            Some(stdin) => stdio::set_stdin(stdin)?,
            None => return Err(io::Error::other("the parent is gone")),
        }
    }
    Ok(connection)
}

fn serve(connection: OwnedFd) -> io::Result<Never> {
    stdio::open_missing()?;
    signal::ignore_broken_pipes();
    let sender = Sender::new(connection.as_fd())?;
    let receiver = Receiver::new(connection.as_fd())?;
    let lifeline = Lifeline::new(connection);
    // A parent that is gone shows in the receive.
    let _ = sender.send(dispatch::message(Reply::Hello, &()));
    let Received::Message(mut request) = receiver.receive()? else {
        die()
    };
    let sender = REPLIES.get_or_init(|| sender);
    dispatch::install_panic_hook(last_words);
    let mut input = request.open();
    let begun = understand(&mut input).and_then(|(entry, header)| {
        Current::set(header.name, entry.name(), header.parent);
        name_process();
        if let Err(panic) = dispatch::catch(|| STARTUPS.iter().for_each(Startup::run)) {
            last_words(&panic);
            process::exit(EXIT_PANIC);
        }
        begin(entry, input, sender, &lifeline)
    });
    let Err(refusal) = begun;
    sender.send(dispatch::message(Reply::Refused, &refusal))?;
    process::exit(EXIT_NO_CHILD);
}

/// The way to the parent, for the worker's thread and for [`last_words`].
static REPLIES: OnceLock<Sender> = OnceLock::new();

/// Tells the parent of a panic after which nothing else will be told.
fn last_words(panic: &PanicInfo) {
    if let Some(sender) = REPLIES.get() {
        let _ = sender.send(dispatch::message(Reply::Panicked, panic));
    }
}

fn understand(input: &mut Input<'_>) -> Result<(&'static Entry, Header), String> {
    let header: Header = input
        .read()
        .map_err(|error| format!("the request cannot be read: {error}"))?;
    match Entry::find(header.place, &header.worker) {
        Some(entry) => Ok((entry, header)),
        None => Err(format!(
            "the process runs another program, without the worker {}",
            header.worker
        )),
    }
}

/// Lets the worker run on a thread of its own and waits here for the end of the parent.
///
/// Returns only if there can be no thread.
fn begin(
    entry: &Entry,
    input: Input<'_>,
    sender: &Sender,
    lifeline: &Lifeline,
) -> Result<Never, String> {
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name(entry.name().to_owned())
            .stack_size(stack_size());
        let work = || {
            let ended = dispatch::run(entry, input, &mut |out| sender.send(out));
            process::exit(match ended {
                Ended::Well => 0,
                Ended::Panicking => EXIT_PANIC,
            })
        };
        match thread.spawn_scoped(scope, work) {
            Ok(_) => {
                lifeline.wait();
                die()
            }
            Err(error) => Err(format!("there can be no thread for it: {error}")),
        }
    })
}

/// As much as the first thread of a program has by default, four times as much as std's others:
/// the worker is this program's main function.
fn stack_size() -> usize {
    const DEFAULT: usize = 8 << 20;
    std::env::var("RUST_MIN_STACK")
        .ok()
        .and_then(|size| size.parse().ok())
        .unwrap_or(DEFAULT)
}

/// Shows tools the name of the process instead of `exe`, the last part of what was executed.
fn name_process() {
    let name = super::current::current()
        .map_or_else(String::new, |current| current.name().replace('\0', " "));
    if let Ok(name) = CString::new(name) {
        // The kernel keeps the first 15 bytes.
        let _ = rustix::thread::set_name(&name);
    }
}

/// How a child notices that its parent is gone.
struct Lifeline {
    /// Hung up when nobody holds the parent's end.
    connection: OwnedFd,
    /// Readable when the parent has ended, also if a process it forked still holds its end.
    parent: Option<OwnedFd>,
}

impl Lifeline {
    fn new(connection: OwnedFd) -> Lifeline {
        let parent = getppid();
        let pidfd = parent.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        // If the parent ended in between, the number may be another process's by now.
        Lifeline {
            connection,
            parent: pidfd.filter(|_| getppid() == parent),
        }
    }

    fn wait(&self) {
        let mut sources = vec![PollFd::new(&self.connection, PollFlags::empty())];
        sources.extend(
            self.parent
                .as_ref()
                .map(|parent| PollFd::new(parent, PollFlags::IN)),
        );
        // A signal that comes in between is an error: wait on.
        while poll(&mut sources, None).is_err() {}
    }
}

/// Ends this process at once, because its parent is gone. Nobody is left to see how.
fn die() -> ! {
    loop {
        let _ = kill_process(getpid(), Signal::KILL);
    }
}
