//! The least that a start by a fork server costs on this machine: a fork server that does nothing else.
//!
//! A process of this program forks once for each byte that it is sent. The copy starts a thread, as a
//! worker has one, and that thread ends the process; the server reaps it, and answers with a byte. There
//! is no function to find, no argument, no reply, no limit, no exit handler, and no parent that could tell
//! how the copy died. What a worker's start takes more than this is what these cost.

#![expect(
    unsafe_code,
    reason = "to fork, and to end a process without its exit handlers, are only to be had from libc"
)]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;

use multiproc::{Fd, Process, worker};
use rustix::process::{WaitOptions, wait};

use crate::measure::Failable;

/// How many copies can be asked for at once.
const MOST: usize = 64;

pub(super) struct BareForkServer {
    socket: UnixStream,
    _process: Process<()>,
}

impl BareForkServer {
    pub(super) fn start() -> Failable<BareForkServer> {
        let (socket, other) = UnixStream::pair()?;
        let call = serve::call(Fd::new(other)).kill_on_drop(true);
        Ok(BareForkServer {
            socket,
            _process: call.spawn()?,
        })
    }

    /// Has it start `count` processes at once, and waits until all are reaped.
    pub(super) fn run(&mut self, count: usize) -> Failable {
        let mut bytes = [0; MOST];
        let bytes = &mut bytes[..count];
        self.socket.write_all(bytes)?;
        Ok(self.socket.read_exact(bytes)?)
    }
}

#[worker]
fn serve(mut socket: Fd<UnixStream>) {
    let mut bytes = [0; MOST];
    // Whatever fails here, the other end is told by the end of the connection.
    while let Ok(count @ 1..) = socket.read(&mut bytes) {
        let forked = (0..count).filter(|_| fork()).count();
        let reaped = (0..forked).filter(|_| matches!(wait(WaitOptions::empty()), Ok(Some(_))));
        if reaped.count() < count || socket.write_all(&bytes[..count]).is_err() {
            return;
        }
    }
}

/// Makes a copy of this process that ends soon. Whether there is one.
fn fork() -> bool {
    // SAFETY: the copy has this thread only (fork(2)). The process's other thread sleeps in a system call and
    // holds no lock, so that the copy, which starts a thread and ends, waits for nothing that it lacks.
    match unsafe { libc::fork() } {
        0 => {
            thread::spawn(|| {
                // SAFETY: it ends this process without another step in it (_exit(2)).
                unsafe { libc::_exit(0) }
            });
            loop {
                thread::park();
            }
        }
        pid => pid > 0,
    }
}
