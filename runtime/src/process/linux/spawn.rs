//! Starting a child by executing the program's own image again.
//!
//! The child gets its end of the connection as standard input, the real one comes over it: so
//! std's `Command` needs no hook between fork and exec, can use `posix_spawn`, and costs the same
//! whatever the size of the parent. Only a `std::process::Stdio`, which cannot be turned into a
//! descriptor, makes a hook necessary: it leaves the connection open across `exec`.

#![expect(
    unsafe_code,
    reason = "a hook between fork and exec, where a std Stdio leaves no other way"
)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::Pid;

use super::streams::{into_std, open_stdin};
use crate::process::launched::{LaunchOptions, Launched};
use crate::process::monitor::{Child, ProcessMonitor};
use crate::process::origin::{MARKER, WORKER};
use crate::process::start_method::StartMethod;
use crate::process::stdio::ParentEnds;
use crate::process::watch::Watch;
use crate::sys::pidfd::Pidfd;
use crate::sys::refused::{Naming as _, without_proc};
use crate::sys::{descriptors, image};
use crate::transport;

/// Starts a child with these options.
pub(super) fn launch(options: LaunchOptions) -> io::Result<Launched> {
    let monitor = ProcessMonitor::get()?;
    let (ours, theirs) = transport::pair()?;
    let (sender, inbox) = transport::open_polled(ours)?;
    let timeout = options.timeout;
    let (child, streams) = execute(options, inbox.connection(), theirs)?;
    let child = Child::new(child);
    // From here on the child is reaped whatever happens.
    monitor.watch(
        &child,
        Watch::re_executed(child.pidfd.clone(), Some(inbox), timeout),
    )?;
    Ok(Launched {
        child,
        sender,
        streams,
        start_method: StartMethod::Spawn,
    })
}

/// The program's own image as a command, with the program's arguments.
pub(super) fn command() -> Command {
    let mut command = Command::new(image::EXECUTABLE);
    let mut arguments = std::env::args_os();
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    command.args(arguments);
    command
}

/// Executes a command, which is dropped with all that it holds.
pub(super) fn start(mut command: Command) -> io::Result<(Pidfd, ParentEnds)> {
    let mut child = command
        .spawn()
        .map_err(without_proc)
        .naming("clone or execve")?;
    match Pidfd::open(Pid::from_child(&child)) {
        Ok(pidfd) => {
            let streams = ParentEnds {
                stdin: child.stdin.take(),
                stdout: child.stdout.take(),
                stderr: child.stderr.take(),
            };
            Ok((pidfd, streams))
        }
        Err(error) => {
            // Not reaped yet by anyone, so the pid is still the child's.
            let _ = child.kill();
            let _ = child.wait();
            Err(error)
        }
    }
}

fn execute(
    options: LaunchOptions,
    ours: BorrowedFd<'_>,
    theirs: OwnedFd,
) -> io::Result<(Pidfd, ParentEnds)> {
    let LaunchOptions {
        environment,
        current_dir,
        streams,
        timeout: _,
    } = options;
    let mut command = command();
    environment.for_command(&mut command);
    if let Some(directory) = current_dir {
        command.current_dir(directory);
    }
    let opaque = streams.are_opaque();
    command
        .stdout(into_std(streams.stdout))
        .stderr(into_std(streams.stderr));
    if opaque {
        command
            .stdin(into_std(streams.stdin))
            .env(MARKER, format!("{WORKER}:{}", theirs.as_raw_fd()));
        let leave_open = move || Ok(fcntl_setfd(&theirs, FdFlags::empty())?);
        // SAFETY: between fork and exec the hook makes one system call on a descriptor it owns;
        // it does not allocate, lock or unwind.
        unsafe { command.pre_exec(leave_open) };
        start(command)
    } else {
        let (stdin, parent_end) = open_stdin(streams.stdin)?;
        descriptors::send(ours, &[0], &[stdin.as_fd()])?;
        command.stdin(theirs).env(MARKER, format!("{WORKER}:0"));
        let (started, streams) = start(command)?;
        Ok((
            started,
            ParentEnds {
                stdin: parent_end,
                ..streams
            },
        ))
    }
}
