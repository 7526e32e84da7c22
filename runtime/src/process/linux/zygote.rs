//! The fork server's side: a process that clones itself on request.
//!
//! It is the program, re-executed and stopped before `main`: constructors have run, nothing else
//! has, and there is one thread. Each request is one packet with a connection's end; a clone
//! takes that end and lives as a child, the answer is one packet with its pid and pidfd. The
//! clone is a child of the *program's* process (`CLONE_PARENT`), so that this process has no part
//! in it from then on and may end at any time.
//!
//! # What if a process dies
//!
//! | | |
//! |---|---|
//! | this one, before it has cloned | the parent sees the control connection end, and starts another |
//! | this one, between clone and answer | likewise; it asks the clone for its pid, and reaps it |
//! | this one and the clone, then | the kernel has noted the clone's [pid](crate::sys::clone_pids); it is reaped |
//! | the clone, at any time | its parent learns it from the pidfd |
//! | this one is stopped, and a clone is waited for | it is killed, and another started |
//! | the parent | this process ends, as do clones that wait for a request |
//!
//! # What does not pay
//!
//! A clone enters each page of the program's code for the first time again: the kernel copies page tables only of
//! mappings that have a page of their own. With such a page in each mapping, a start takes 38 page faults in all
//! processes instead of 72, but 4 % more processor time, in which the pages are counted in and out.

#![expect(unsafe_code, reason = "this process is cloned while it has one thread")]

use std::convert::Infallible;
use std::hint::black_box;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread;

use rustix::fs::OFlags;
use rustix::net::RecvFlags;
use rustix::process::Pid;

use super::lifeline::{Lifeline, die};
use super::serve;
use crate::process::environment;
use crate::sys::clone::{self, Cloned, clone_sibling};
use crate::sys::clone_pids::ClonePids;
use crate::sys::copy;
use crate::sys::crash::{self, WorkerThread};
use crate::sys::signal::Blocked;
use crate::sys::{descriptors, stdio};
use crate::transport::{self, PlaceholderChannel};

/// First byte to a clone: its standard descriptors and its directory come along.
pub(super) const LAUNCH: u8 = 0;

/// First byte to a clone that its parent knows nothing of: it answers for itself, and ends.
pub(super) const WHO: u8 = 1;

/// The answer to a request: a pid, or 0 and why there is none, an `errno`.
pub(super) type Answer = [u8; 8];

fn answer(pid: i32, errno: i32) -> Answer {
    (i64::from(errno) << 32 | i64::from(pid)).to_ne_bytes()
}

/// The pid in an answer.
pub(super) fn read_answer(answer: Answer) -> io::Result<Pid> {
    let answer = i64::from_ne_bytes(answer);
    let [pid, errno] =
        [answer & 0xffff_ffff, answer >> 32].map(|half| i32::try_from(half).unwrap_or(0));
    Pid::from_raw(pid).ok_or_else(|| io::Error::from_raw_os_error(errno))
}

/// The life of a fork server.
pub(super) fn serve(lifeline: Lifeline) -> io::Result<Infallible> {
    transport::warm_up()?;
    let null = rustix::fs::open(
        "/dev/null",
        OFlags::RDWR | OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )?;
    stdio::set_all(null.as_fd(), null.as_fd(), null.as_fd())?;
    drop(null);
    // Constructors may have changed it. Where that cannot be seen, because the program's file may be
    // executed but not read, clones have it as they left it, as re-executed children do.
    if let Ok(environment) = environment::executed_with() {
        environment::replace(&environment);
    }
    rehearse();
    copy::prepare();
    // For its clones. One that is no child yet has nothing to tell.
    crash::install();
    // Ctrl-C is for the program; clones take no part in the blocking.
    let blocked = Blocked::all();
    let is_single_threaded = clone::is_single_threaded();
    let placeholder = PlaceholderChannel::new()?;
    let clone_pids = receive_clone_pids(&lifeline)?;
    for number in 0.. {
        lifeline.listen();
        let control = lifeline.connection();
        let connection = match descriptors::receive_one(control) {
            Ok(Some(connection)) => connection,
            Ok(None) => die(),
            Err(error) => {
                refuse(control, &error);
                continue;
            }
        };
        if !is_single_threaded {
            refuse(control, &io::Error::from_raw_os_error(libc::EDEADLK));
            continue;
        }
        // SAFETY: it was seen to have one thread, and that one starts none.
        match unsafe { clone_sibling(clone_pids.slot(number)) } {
            Ok(Cloned::Sibling) => {
                blocked.restore();
                drop(clone_pids);
                // The control connection is closed: its end is to be the fork server's.
                return become_child(&lifeline.of_clone(connection), placeholder);
            }
            Ok(Cloned::Caller(pid, pidfd)) => {
                let answer = answer(pid.as_raw_nonzero().get(), 0);
                // An error means that the parent is gone, which the next turn sees.
                let _ = descriptors::send(control, &answer, &[pidfd.as_fd()]);
            }
            Err(error) => refuse(control, &error),
        }
    }
    Err(io::Error::other("there were too many requests"))
}

/// What comes before all requests.
fn receive_clone_pids(lifeline: &Lifeline) -> io::Result<ClonePids> {
    lifeline.listen();
    match descriptors::receive_one(lifeline.connection())? {
        Some(file) => ClonePids::map(&file),
        None => die(),
    }
}

fn refuse(control: BorrowedFd<'_>, error: &io::Error) {
    let errno = error.raw_os_error().unwrap_or(libc::EIO);
    let _ = descriptors::send(control, &answer(0, errno), &[]);
}

/// Runs threads to their ends, as each clone will: they leave behind for theirs a stack, a heap, a stack
/// for signal handlers, and the addresses of what libc looks up when it first calls it. The second one
/// is given the stack of the first, which takes other functions than to make one.
fn rehearse() {
    for _ in 0..2 {
        let thread = thread::Builder::new().stack_size(serve::default_stack_size());
        let work = || {
            let _thread = WorkerThread::begin();
            drop(black_box(vec![0_u8; 4096]));
        };
        if let Ok(thread) = thread.spawn(work) {
            let _ = thread.join();
        }
    }
}

/// A clone waits for its launch options, takes them on and lives as a child.
fn become_child(lifeline: &Lifeline, placeholder: PlaceholderChannel) -> io::Result<Infallible> {
    let (sender, receiver) = transport::open_with(placeholder, lifeline.share())?;
    lifeline.listen();
    let mut kind = [LAUNCH];
    let launch = descriptors::receive(lifeline.connection(), &mut kind, 4, RecvFlags::empty());
    if kind == [WHO] {
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        descriptors::send(lifeline.connection(), &answer(pid, 0), &[])?;
        die();
    }
    let Some([stdin, stdout, stderr, directory]) =
        launch?.and_then(|batch| <[OwnedFd; 4]>::try_from(batch).ok())
    else {
        die()
    };
    stdio::set_all(stdin.as_fd(), stdout.as_fd(), stderr.as_fd())?;
    drop((stdin, stdout, stderr));
    if let Err(error) = rustix::process::fchdir(&directory) {
        let reason = format!("its working directory cannot be entered: {error}");
        serve::refuse(&sender, &reason);
    }
    drop(directory);
    serve::serve(sender, receiver, lifeline)
}
