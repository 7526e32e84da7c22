//! Starting a child by executing the program's own image again.
//!
//! The child gets its end of the connection as standard input, the real one comes over it: so
//! std's `Command` needs no hook between fork and exec, can use `posix_spawn`, and costs the same
//! whatever the size of the parent. Only a `std::process::Stdio`, which cannot be turned into a
//! descriptor, makes a hook necessary: it leaves the connection open across `exec`.
//!
//! `/proc/self/exe` is the image this process runs, also when its file has been replaced.

#![expect(
    unsafe_code,
    reason = "a hook between fork and exec, where a std Stdio leaves no other way"
)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::launch::{EnvironmentChange, Launched, Surroundings};
use super::stdio::{ParentEnds, into_std, open_stdin};
use crate::sys::descriptors;

/// Tells a process that it is a child: the number of the descriptor that is its connection.
///
/// With 0 the connection stands in place of the standard input, which comes over it.
pub(super) const MARKER: &str = "MULTIPROC_CHILD";

/// Starts a child that holds `theirs`; `ours` is the other end.
pub(super) fn spawn(
    surroundings: Surroundings,
    ours: BorrowedFd<'_>,
    theirs: OwnedFd,
) -> io::Result<Launched> {
    let Surroundings {
        environment,
        current_dir,
        streams,
    } = surroundings;
    let mut command = Command::new("/proc/self/exe");
    let mut arguments = std::env::args_os();
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    command.args(arguments);
    for change in environment {
        match change {
            EnvironmentChange::Set(key, value) => command.env(key, value),
            EnvironmentChange::Remove(key) => command.env_remove(key),
            EnvironmentChange::Clear => command.env_clear(),
        };
    }
    if let Some(directory) = current_dir {
        command.current_dir(directory);
    }
    let opaque =
        streams.stdin.is_opaque() || streams.stdout.is_opaque() || streams.stderr.is_opaque();
    command
        .stdout(into_std(streams.stdout))
        .stderr(into_std(streams.stderr));
    let mut parent_stdin = None;
    if opaque {
        command
            .stdin(into_std(streams.stdin))
            .env(MARKER, theirs.as_raw_fd().to_string());
        let leave_open = move || Ok(fcntl_setfd(&theirs, FdFlags::empty())?);
        // SAFETY: between fork and exec the hook makes one system call on a descriptor it owns;
        // it does not allocate, lock or unwind.
        unsafe { command.pre_exec(leave_open) };
    } else {
        let (stdin, parent_end) = open_stdin(streams.stdin)?;
        parent_stdin = parent_end;
        descriptors::send(ours, &[stdin.as_fd()])?;
        command.stdin(theirs).env(MARKER, "0");
    }
    // The command holds `theirs` and the child's streams: dropped with this statement.
    let child = command.spawn();
    drop(command);
    launched(child?, parent_stdin)
}

fn launched(mut child: Child, stdin: Option<std::process::ChildStdin>) -> io::Result<Launched> {
    let pid = Pid::from_child(&child);
    let pidfd = match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(pidfd) => pidfd,
        Err(error) => {
            // Not reaped yet by anyone, so the pid is still the child's.
            let _ = child.kill();
            let _ = child.wait();
            return Err(error.into());
        }
    };
    let streams = ParentEnds {
        stdin: stdin.or(child.stdin.take()),
        stdout: child.stdout.take(),
        stderr: child.stderr.take(),
    };
    Ok(Launched {
        pid,
        pidfd,
        streams,
    })
}
