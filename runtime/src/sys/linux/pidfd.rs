//! A child process by its pidfd: signals to it, and how it ended.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process, pidfd_open,
    pidfd_send_signal, waitid, waitpid,
};

use super::{exit_status, oom_kills, poll};
use crate::sys::refused::Naming as _;

/// What `waitid` said of a child that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Known(ExitStatus),
    /// Other code has reaped the child, or the kernel did because `SIGCHLD` is ignored.
    Lost,
}

impl Status {
    pub(crate) fn known(self) -> Option<ExitStatus> {
        match self {
            Status::Known(status) => Some(status),
            Status::Lost => None,
        }
    }
}

/// A child's pidfd. Signals through it reach this child or no process.
#[derive(Debug, Clone)]
pub(crate) struct Pidfd(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pid: Pid,
    descriptor: OwnedFd,
    is_reaped: AtomicBool,
    /// Whether this process has sent `SIGKILL`.
    is_killed: AtomicBool,
    /// How many processes had died for want of memory when this was made.
    oom_kills: Option<u64>,
    /// Whether this is one more, probably.
    is_out_of_memory: AtomicBool,
}

impl Pidfd {
    /// Takes over the pidfd of the child with this pid.
    pub(crate) fn new(pid: Pid, descriptor: OwnedFd) -> Pidfd {
        Pidfd(Arc::new(Inner {
            pid,
            descriptor,
            is_reaped: AtomicBool::new(false),
            is_killed: AtomicBool::new(false),
            oom_kills: oom_kills::count(),
            is_out_of_memory: AtomicBool::new(false),
        }))
    }

    /// Opens the pidfd of a child that is not reaped before this returns.
    pub(crate) fn open(pid: Pid) -> io::Result<Pidfd> {
        let descriptor = pidfd_open(pid, PidfdFlags::empty()).naming("pidfd_open")?;
        Ok(Pidfd::new(pid, descriptor))
    }

    /// Duplicates the descriptor: the child can be reaped through either.
    pub(crate) fn duplicate(&self) -> io::Result<Pidfd> {
        let descriptor = self.0.descriptor.try_clone()?;
        Ok(Pidfd::new(self.0.pid, descriptor))
    }

    pub(super) fn pid(&self) -> Pid {
        self.0.pid
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.0.pid.as_raw_nonzero().get().cast_unsigned()
    }

    /// Kills the child, if it has not ended.
    pub(crate) fn kill(&self) {
        self.0.is_killed.store(true, Ordering::Relaxed);
        self.signal(Signal::KILL);
    }

    /// Asks the child to end, if it has not.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Asks the child where it is, if it has not ended. It is to be killed then, see
    /// [`crash`](super::crash).
    pub(crate) fn inquire(&self) {
        self.signal(Signal::STKFLT);
    }

    fn signal(&self, signal: Signal) {
        match pidfd_send_signal(&self.0.descriptor, signal) {
            // A filter forbids it. The number is the child's for as long as that is not reaped,
            // which nothing does before it has ended.
            Err(Errno::PERM | Errno::ACCESS | Errno::NOSYS) if !self.has_ended() => {
                let _ = kill_process(self.0.pid, signal);
            }
            // Otherwise it fails when the child has ended, which is what is wanted.
            _ => {}
        }
    }

    /// Whether the child is stopped (`SIGSTOP`).
    pub(crate) fn is_stopped(&self) -> bool {
        let stops = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::PidFd(self.as_fd()), stops);
        status.is_ok_and(|status| status.is_some())
    }

    /// How much of the child's memory is in memory, in bytes.
    pub(crate) fn resident_memory(&self) -> Option<u64> {
        let statm = std::fs::read_to_string(format!("/proc/{}/statm", self.id())).ok()?;
        let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
        Some(pages * rustix::param::page_size() as u64)
    }

    /// Whether the child has ended and could be reaped, or was.
    pub(crate) fn has_ended(&self) -> bool {
        poll::is_readable(self.as_fd())
    }

    /// Whether [`reap`](Pidfd::reap) has told how the child ended.
    pub(crate) fn is_reaped(&self) -> bool {
        self.0.is_reaped.load(Ordering::Relaxed)
    }

    /// Reaps the child if it has ended.
    pub(crate) fn reap(&self) -> Option<Status> {
        let status = self.wait()?;
        self.0.is_reaped.store(true, Ordering::Relaxed);
        let signal = status.known().and_then(exit_status::signal);
        if signal == Some(libc::SIGKILL)
            && !self.0.is_killed.load(Ordering::Relaxed)
            && oom_kills::explains(self.0.oom_kills)
        {
            self.0.is_out_of_memory.store(true, Ordering::Relaxed);
        }
        Some(status)
    }

    /// Whether the child, which is reaped, was killed by the kernel because there was no memory, as far as
    /// that can be told.
    pub(crate) fn is_out_of_memory(&self) -> bool {
        self.0.is_out_of_memory.load(Ordering::Relaxed)
    }

    fn wait(&self) -> Option<Status> {
        loop {
            return match waitid(
                WaitId::PidFd(self.as_fd()),
                WaitIdOptions::EXITED | WaitIdOptions::NOHANG,
            ) {
                Ok(None) => None,
                Ok(Some(status)) => {
                    let raw = match (status.exit_status(), status.terminating_signal()) {
                        (Some(code), _) => (code & 0xff) << 8,
                        (None, Some(signal)) => signal | if status.dumped() { 0x80 } else { 0 },
                        (None, None) => return Some(Status::Lost),
                    };
                    Some(Status::Known(ExitStatus::from_raw(raw)))
                }
                Err(Errno::INTR) => continue,
                // A filter forbids it, or the kernel does not know that it can be asked so.
                Err(Errno::PERM | Errno::ACCESS | Errno::NOSYS | Errno::INVAL) => {
                    self.wait_by_number()
                }
                Err(_) => Some(Status::Lost),
            };
        }
    }

    fn wait_by_number(&self) -> Option<Status> {
        if !self.has_ended() {
            return None;
        }
        loop {
            return match waitpid(Some(self.0.pid), WaitOptions::NOHANG) {
                Ok(None) => None,
                Ok(Some((_, status))) => Some(Status::Known(ExitStatus::from_raw(status.as_raw()))),
                Err(Errno::INTR) => continue,
                Err(_) => Some(Status::Lost),
            };
        }
    }
}

impl AsFd for Pidfd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.descriptor.as_fd()
    }
}
