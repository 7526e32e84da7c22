//! Running tasks under limits of their own, in a process that runs others without them.
//!
//! | limit | how it holds for these tasks only |
//! |---|---|
//! | memory | the limit of the process is lowered meanwhile: to the kernel there are two, and up to the other it can be raised again |
//! | stack | they run on a thread of their own |
//! | niceness | likewise: Linux has one for each thread, and it cannot be lowered again |
//! | a function to run before | what it does cannot be undone. It runs once in each process, when the first task comes that asks for it |
//!
//! Tasks that come in one message have the same limits, and so one thread.

use std::cell::RefCell;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use crate::codec::{Output, spare};
use crate::dispatch::{catch, message};
use crate::error::PanicInfo;
use crate::process::{Hook, TaskLimits, current, worker_stack_size};
use crate::protocol::Reply;
use crate::sys::crash::WorkerThread;
use crate::sys::memory_limit::SoftLimit;
use crate::sys::runner::{self, Runner};
use crate::sys::{copy, scheduling};

/// The status of a process whose task's thread is gone without a trace, from `sysexits.h`: software
/// error.
const EXIT_SOFTWARE: i32 = 70;

/// How often to look whether the thread of a task is still there.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// What came of running tasks.
pub(super) struct Ran {
    pub(super) result: Result<(), NotRun>,
    pub(super) fitness: Fitness,
}

/// Why tasks were not run.
pub(super) enum NotRun {
    /// They cannot have these limits.
    Refused(String),
    /// The function that is to run before them panicked. What of its work it has done is not known.
    Panicked(PanicInfo),
}

/// Whether others can run in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fitness {
    AsBefore,
    /// A limit could not be taken back.
    None,
}

impl Ran {
    pub(super) const WELL: Ran = Ran {
        result: Ok(()),
        fitness: Fitness::AsBefore,
    };
}

impl NotRun {
    /// The reply for each of the tasks.
    pub(super) fn message(&self) -> Output<'static> {
        match self {
            NotRun::Refused(reason) => message(Reply::Refused, reason),
            NotRun::Panicked(panic) => message(Reply::Panicked, panic),
        }
    }
}

impl Fitness {
    /// The status for a process to end with that is not to run others.
    pub(super) fn check(self) -> Result<(), i32> {
        match self {
            Fitness::AsBefore => Ok(()),
            Fitness::None => Err(EXIT_SOFTWARE),
        }
    }
}

/// Runs tasks under limits, which hold for them only.
pub(super) fn run(limits: &TaskLimits, work: impl FnOnce() + Send) -> Ran {
    if limits.memory.is_some() {
        spare::give_back();
    }
    let lowered = match limits.memory.map(SoftLimit::lower).transpose() {
        Ok(lowered) => lowered,
        Err(error) => {
            let reason = format!("its memory limit cannot be set: {error}");
            return Ran {
                result: Err(NotRun::Refused(reason)),
                fitness: Fitness::AsBefore,
            };
        }
    };
    let result = match limits.before_worker.map_or(Ok(()), run_once) {
        Ok(()) if limits.stack.is_none() && limits.nice.is_none() => {
            work();
            Ok(())
        }
        Ok(()) => run_apart(limits, work).map_err(NotRun::Refused),
        Err(panic) => Err(NotRun::Panicked(panic)),
    };
    // A task may have taken from its process what that takes.
    let is_restored = lowered.is_none_or(|lowered| lowered.restore().is_ok());
    let fitness = if is_restored {
        Fitness::AsBefore
    } else {
        Fitness::None
    };
    Ran { result, fitness }
}

/// Runs a function if it has not run in this process.
fn run_once(hook: Hook) -> Result<(), PanicInfo> {
    thread_local! {
        /// One thread takes all the tasks of a process.
        static DONE: RefCell<Vec<Hook>> = const { RefCell::new(Vec::new()) };
    }
    if DONE.with_borrow(|done| done.contains(&hook)) {
        return Ok(());
    }
    let result = catch(hook.0);
    copy::leave_if_copy();
    result?;
    DONE.with_borrow_mut(|done| done.push(hook));
    Ok(())
}

/// Runs tasks on a thread of their own.
fn run_apart(limits: &TaskLimits, work: impl FnOnce() + Send) -> Result<(), String> {
    let name = current().map_or("", |current| current.name());
    let stack = limits.stack.unwrap_or_else(worker_stack_size);
    let runner = Runner::default();
    let (sender, receiver) = channel();
    thread::scope(|scope| {
        let run = || {
            runner.begin();
            let _thread = WorkerThread::begin();
            let made_nice = limits.nice.map_or(Ok(()), scheduling::add_nice);
            let result = made_nice
                .map_err(|error| format!("its niceness cannot be set: {error}"))
                .map(|()| work());
            // The receiver waits for nothing else.
            let _ = sender.send(result);
        };
        let thread = thread::Builder::new().name(name.to_owned());
        thread
            .stack_size(stack)
            .spawn_scoped(scope, run)
            .map_err(|error| format!("it cannot start a thread: {error}"))?;
        loop {
            match receiver.recv_timeout(POLL_INTERVAL) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Timeout) if !runner.is_gone() => {}
                Err(_) => vanish(),
            }
        }
    })
}

/// Ends this process: the thread of a task is gone, and may have held any lock.
fn vanish() -> ! {
    #[expect(clippy::print_stderr, reason = "there is no other way to tell")]
    {
        eprintln!(
            "multiproc: the thread of a task has ended without returning: by `pthread_exit`, or killed by a filter on system calls"
        );
    }
    runner::quit(EXIT_SOFTWARE)
}
