//! Children that are dead and cannot be reaped.
//!
//! A process can be reaped when all its threads but the first are gone. One that is traced goes
//! when its tracer has waited for it, and until then the kernel says nothing of the end of the
//! process: its pidfd is silent.
//!
//! | the tracer | then |
//! |---|---|
//! | is this program: the worker has called `ptrace(PTRACE_TRACEME)`, as a library does that wants no debugger | it waits for the threads, and the process can be reaped |
//! | is another, a debugger | how the process ended stands in `/proc`; it is reaped when the other lets go of it |
//!
//! There is no event to wait for. So when a child should end, because it has said all that it can
//! say or was killed, it is looked at from time to time.

use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitOptions, waitpid};

use super::end::Status;
use super::monitor;
use super::watch::Pidfd;

/// The first pause between two looks; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(20);

/// The longest one.
const LONGEST: Duration = Duration::from_secs(1);

/// Waiting for the end of a child that should end.
#[derive(Debug)]
pub(super) struct Vigil {
    next: Instant,
    pause: Duration,
    /// Whether it was dead and could not be reaped at the last look.
    held: bool,
}

impl Default for Vigil {
    fn default() -> Vigil {
        Vigil {
            next: Instant::now() + FIRST,
            pause: FIRST,
            held: false,
        }
    }
}

impl Vigil {
    /// When to look.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// How the child ended, if it has and the kernel does not tell.
    ///
    /// To be asked after [`Pidfd::reap`]: the child is not reaped, so its number is its own.
    pub(super) fn look(&mut self, pidfd: &Pidfd) -> Option<Status> {
        let now = Instant::now();
        if now < self.next {
            return None;
        }
        self.pause = (self.pause * 2).min(LONGEST);
        self.next = now + self.pause;
        let was_held = std::mem::replace(&mut self.held, false);
        let threads = dead_threads(pidfd.pid())?;
        for thread in threads {
            // An error: this program is not its tracer.
            let _ = waitpid(Some(thread), WaitOptions::NOHANG | ALL);
        }
        if let Some(status) = pidfd.reap() {
            return Some(status);
        }
        // A thread that has just died is there for a moment without any tracer.
        self.held = true;
        if !was_held {
            return None;
        }
        let status = exit_status(pidfd.pid());
        monitor::reap_later(pidfd);
        Some(status.map_or(Status::Lost, Status::Known))
    }
}

/// Threads of other processes too, which is what those of a child are.
const ALL: WaitOptions = WaitOptions::from_bits_retain(0x4000_0000);

/// The threads of a process, but for the first, if all of them and the first are dead.
fn dead_threads(pid: Pid) -> Option<Vec<Pid>> {
    let read = |path: &str| fs::read_to_string(path).ok();
    let is_dead = |stat: &str| matches!(fields(stat).next(), Some("Z" | "X"));
    let process = format!("/proc/{}", pid.as_raw_nonzero());
    if !is_dead(&read(&format!("{process}/stat"))?) {
        return None;
    }
    let mut threads = Vec::new();
    for entry in fs::read_dir(format!("{process}/task")).ok()? {
        let name = entry.ok()?.file_name();
        let name = name.to_str()?;
        // One that is gone meanwhile is dead, too.
        let stat = read(&format!("{process}/task/{name}/stat"));
        if stat.is_some_and(|stat| !is_dead(&stat)) {
            return None;
        }
        let thread = Pid::from_raw(name.parse().ok()?)?;
        if thread != pid {
            threads.push(thread);
        }
    }
    Some(threads)
}

/// How a dead process ended, if `/proc` tells.
fn exit_status(pid: Pid) -> Option<ExitStatus> {
    let process = format!("/proc/{}", pid.as_raw_nonzero());
    // To those who may not know, as when it has become another user, the status is shown as 0. The
    // same right is asked for to see its image, which a dead process has none of.
    let image = fs::read_link(format!("{process}/exe"));
    if image.is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
        return None;
    }
    let stat = fs::read_to_string(format!("{process}/stat")).ok()?;
    // `exit_code`, the 52nd field, of which the name is the second.
    let code = fields(&stat).nth(49)?.parse().ok()?;
    Some(ExitStatus::from_raw(code))
}

/// The fields after the name, which is in parentheses and may itself have some.
fn fields(stat: &str) -> impl Iterator<Item = &str> {
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    rest.split_ascii_whitespace()
}
