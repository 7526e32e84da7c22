//! The life of a child: one request, one reply; or a [`Role`](crate::process::role::Role), which goes on until it is done.
//!
//! # Threads
//!
//! The first thread receives the request and then waits for the end of the parent. The worker runs
//! on a thread of its own that is named after it; when it has replied, it ends the process, as
//! returning from `main` does: buffers are flushed, exit handlers run. Should that thread end in
//! another way (a filter on system calls kills threads, C code ends them by `pthread_exit`), the
//! first one ends the process.
//!
//! A copy of the child that its worker makes by `fork` has neither the first thread nor anything
//! to say: when it comes back from the user's code it ends at once ([`copy`]).

use std::convert::Infallible;
use std::ffi::CString;
use std::io;
use std::os::fd::OwnedFd;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;

use super::lifeline::{Lifeline, die};
use super::limits;
use crate::codec::{Input, Output};
use crate::dispatch::{self, Callee, Ended, Entry, ReplyBuffer, STARTUPS, Startup};
use crate::error::PanicInfo;
use crate::process::current::{self, Current};
use crate::process::environment;
use crate::process::family;
use crate::process::origin::{self, EXIT_SOFTWARE};
use crate::process::role::{self, ROLES, Replies, Serve};
use crate::protocol::{Header, Reply, Request};
use crate::records;
use crate::sys::copy;
use crate::sys::crash::{self, Kinds, WorkerThread};
use crate::sys::exhaustion;
use crate::sys::function::Function;
use crate::sys::refused::named;
use crate::sys::runner::{self, Runner};
use crate::sys::scarcity;
use crate::sys::signal;
use crate::transport::{self, Received, Receiver, Sender};

/// The status of a child whose worker panicked, as Rust's programs have it.
const EXIT_PANIC: i32 = 101;

/// The life of a child that was re-executed: its parent does not know yet that it got here.
pub(super) fn greet_and_serve(connection: OwnedFd) -> io::Result<Infallible> {
    let connection = Arc::new(connection);
    let (sender, receiver) = transport::open(Arc::clone(&connection))?;
    // From then on it may be asked where it is.
    crash::install();
    // A parent that is gone shows in the receive.
    let _ = sender.send(dispatch::message(Reply::Hello, &()));
    serve(sender, receiver, &Lifeline::new(connection))
}

/// The life of a child.
pub(super) fn serve(
    sender: Sender,
    receiver: Receiver,
    lifeline: &Lifeline,
) -> io::Result<Infallible> {
    lifeline.listen();
    let Received::Message(mut request) = receiver.receive()? else {
        die()
    };
    // Before any user code runs here that could fork.
    copy::set_original();
    let sender = REPLIES.get_or_init(|| sender);
    dispatch::install_panic_hook(last_words);
    let serves = request.kind() == Some(Request::Serve as u8);
    let mut input = request.open();
    let begun = understand(&mut input, serves).and_then(|(header, task)| {
        let worker = match &task {
            Occupation::Worker(entry) => entry.name(),
            Occupation::Role(_) => "",
        };
        if let Some(lineage) = header.lineage {
            lineage
                .begin()
                .map_err(|error| format!("its descendants cannot be marked: {error}"))?;
        }
        if let Some(environment) = header.environment {
            environment::replace(&environment);
        }
        if let Some(differences) = &header.inheritance {
            differences.apply()?;
            if differences.change_signals() {
                crash::install_again();
            }
        }
        let name = header.name.clone();
        Current::set(header.name, worker, header.parent, header.worker_index);
        name_process();
        crash::tell(
            lifeline.connection(),
            transport::preface,
            Kinds {
                event: Reply::Event as u8,
                places: Reply::Places as u8,
            },
        );
        if let Some(file) = &header.exhaustion {
            // Without it, a crash is told as it is.
            let _ = exhaustion::note_in(file);
        }
        if let Some(invitation) = header.logs {
            records::accept(invitation);
        }
        if let Some(file) = header.family {
            family::adopt(file);
        }
        if header.ignore_interrupts {
            signal::take_interrupts();
        }
        limits::apply(&header.limits).map_err(|refusal| refusal.to_string())?;
        prepare(header.before_worker.as_ref(), lifeline)?;
        let stack = header.limits.stack.unwrap_or_else(default_stack_size);
        role::set_worker_stack_size(stack);
        match task {
            Occupation::Worker(entry) => {
                drop(receiver);
                begin(entry.name(), stack, lifeline, move || {
                    let mut replies = Replies::new(sender);
                    let send = &mut |out: &mut Output<'_>| {
                        let sent = replies.send(std::mem::take(out));
                        REPLIED.store(sent.is_ok(), Ordering::Relaxed);
                        sent
                    };
                    let ended = dispatch::run(entry, || input, &ReplyBuffer::default(), send);
                    match (ended, replies.finish(entry.name())) {
                        (Ended::Panicking, _) => EXIT_PANIC,
                        (Ended::Well, Err(status)) => status,
                        (Ended::Well, Ok(())) => 0,
                    }
                })
            }
            Occupation::Role(serve) => begin(&name, stack, lifeline, move || {
                // The receiver is not dropped: if a task has closed all descriptors, that would be
                // a crash, for which the task would be blamed.
                process::exit(serve(&receiver, sender))
            }),
        }
    });
    let Err(refusal) = begun;
    refuse(sender, &refusal)
}

/// Runs what the program wants to have run before any worker, or before this one.
fn prepare(before_worker: Option<&Function>, lifeline: &Lifeline) -> Result<(), String> {
    let before_worker = match before_worker {
        Some(function) => Some(
            function
                .find()
                .ok_or("its `before_worker` function is missing")?,
        ),
        None if STARTUPS.is_empty() => {
            origin::set_hooked();
            return Ok(());
        }
        None => None,
    };
    let _thread = WorkerThread::begin();
    let prepare = || {
        STARTUPS.iter().for_each(Startup::run);
        // Not before: one that starts a worker would do so in that worker, and so on. The same
        // goes for constructors.
        origin::set_hooked();
        if let Some(before_worker) = before_worker {
            before_worker();
        }
    };
    let prepared = lifeline
        .meanwhile(|| dispatch::catch(prepare))
        .map_err(|error| format!("it cannot wait for the end of its parent: {error}"))?;
    copy::leave_if_copy();
    if let Err(panic) = prepared {
        last_words(&panic);
        process::exit(EXIT_PANIC);
    }
    Ok(())
}

/// Ends this process, whose worker has panicked on another thread than its own.
pub(crate) fn end_of_panic(panic: &PanicInfo) -> ! {
    last_words(panic);
    process::exit(EXIT_PANIC);
}

/// Tells the parent why this process cannot be what was asked for, and ends it.
pub(super) fn refuse(sender: &Sender, reason: &str) -> ! {
    // An error means that there is no parent any more.
    let _ = sender.send(dispatch::message(Reply::Refused, reason));
    process::exit(EXIT_SOFTWARE);
}

/// The way to the parent, for the worker's thread and for [`last_words`].
static REPLIES: OnceLock<Sender> = OnceLock::new();

/// Whether the worker has replied: after that, the parent does not listen any more.
static REPLIED: AtomicBool = AtomicBool::new(false);

/// Tells the parent of a panic after which nothing else will be told.
fn last_words(panic: &PanicInfo) {
    if let Some(sender) = REPLIES.get()
        && !REPLIED.load(Ordering::Relaxed)
        && !copy::is_copy()
    {
        let _ = sender.send(dispatch::message(Reply::Panicked, panic));
    }
}

/// What this process is to do.
enum Occupation {
    /// Run this worker on the rest of the request.
    Worker(&'static Entry),
    /// Do this.
    Role(Box<Serve>),
}

fn understand(input: &mut Input<'_>, serves: bool) -> Result<(Header, Occupation), String> {
    let unreadable = |error| format!("the request cannot be read: {error}");
    let header: Header = input.read().map_err(unreadable)?;
    if serves {
        let name: String = input.read().map_err(unreadable)?;
        let role = ROLES.iter().find(|role| role.name == name);
        let role = role.ok_or_else(|| format!("it has no role `{name}`"))?;
        return Ok((header, Occupation::Role((role.open)(input)?)));
    }
    let callee: Callee = input.read().map_err(unreadable)?;
    input.begin_anew();
    Ok((header, Occupation::Worker(callee.find()?)))
}

/// Lets the worker run on a thread of its own, which ends the process with the status it gives,
/// and waits here for the end of the parent.
///
/// Returns only if there can be no thread.
fn begin(
    name: &str,
    stack: usize,
    lifeline: &Lifeline,
    work: impl FnOnce() -> i32 + Send,
) -> Result<Infallible, String> {
    let runner = Runner::default();
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .stack_size(stack);
        let run = || {
            runner.begin();
            let _thread = WorkerThread::begin();
            process::exit(work())
        };
        match thread.spawn_scoped(scope, run) {
            Ok(_) => {
                lifeline.follow(&runner);
                vanish()
            }
            Err(error) => {
                let why = scarcity::hint(&error).unwrap_or_default();
                let error = named("clone", error);
                Err(format!("it cannot start a thread{why}: {error}"))
            }
        }
    })
}

/// Ends this process, whose worker's thread is gone. It may have held any lock, even the
/// allocator's, so that not much else can be done.
fn vanish() -> ! {
    let text = b"multiproc: the thread of a worker has ended without returning: by `pthread_exit`, or killed by a filter on system calls\n";
    let _ = rustix::io::write(rustix::stdio::stderr(), text);
    runner::quit(EXIT_SOFTWARE)
}

/// As much as the first thread of a program has by default, four times as much as std's others:
/// the worker is this program's main function.
pub(super) fn default_stack_size() -> usize {
    const DEFAULT: usize = 8 << 20;
    std::env::var("RUST_MIN_STACK")
        .ok()
        .and_then(|size| size.parse().ok())
        .unwrap_or(DEFAULT)
}

/// Shows tools the name of the process instead of `exe`, the last part of what was executed.
fn name_process() {
    let name = current::current().map_or_else(String::new, |it| it.name().replace('\0', " "));
    if let Ok(name) = CString::new(name) {
        // The kernel keeps the first 15 bytes.
        let _ = rustix::thread::set_name(&name);
    }
}
