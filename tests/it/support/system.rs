//! The operating system's view.

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufRead, BufReader, PipeReader, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;

use multiproc::{Process, StartMethod};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// How many descriptors this process has open.
pub(crate) fn descriptors() -> usize {
    // One of them is the directory's own.
    fs::read_dir("/proc/self/fd").unwrap().count() - 1
}

/// How many threads this process has.
pub(crate) fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

/// All processes that there are.
pub(crate) fn processes() -> impl Iterator<Item = Pid> {
    fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
}

/// The children of this process, alive or not reaped.
pub(crate) fn children() -> BTreeSet<u32> {
    let own = std::process::id();
    processes()
        .map(|pid| pid.as_raw_nonzero().get().cast_unsigned())
        .filter(|id| parent(*id) == Some(own))
        .collect()
}

fn parent(id: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name, in parentheses, may itself have some.
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// A process that need not be a child of this one.
pub(crate) struct Pidfd(OwnedFd);

impl Pidfd {
    /// The process with this id, which is there for certain.
    pub(crate) fn of(id: u32) -> Pidfd {
        let pid = Pid::from_raw(id.cast_signed()).unwrap();
        Pidfd(pidfd_open(pid, PidfdFlags::empty()).unwrap())
    }

    /// Another descriptor for the same child.
    pub(crate) fn of_child<R>(process: &Process<R>) -> Pidfd {
        Pidfd(process.as_fd().try_clone_to_owned().unwrap())
    }

    /// Sends a signal to the process if it is still there.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = pidfd_send_signal(&self.0, signal);
    }

    /// Whether the process has ended.
    pub(crate) fn has_ended(&self) -> bool {
        let mut source = [PollFd::new(&self.0, PollFlags::IN)];
        poll(&mut source, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
    }

    /// Waits until the process has ended.
    pub(crate) fn wait(&self) {
        while poll(&mut [PollFd::new(&self.0, PollFlags::IN)], None).is_err() {}
    }
}

/// A program of this package: `deeds`, `quiet`, `early`, `late` or `program`.
pub(crate) fn program(name: &str) -> Command {
    Command::new(match name {
        "quiet" => env!("CARGO_BIN_EXE_quiet"),
        "deeds" => env!("CARGO_BIN_EXE_deeds"),
        "late" => env!("CARGO_BIN_EXE_late"),
        "early" => env!("CARGO_BIN_EXE_early"),
        "program" => env!("CARGO_BIN_EXE_program"),
        other => panic!("there is no program {other}"),
    })
}

/// Lets the program start its workers in this way.
pub(crate) fn with_method(command: &mut Command, method: StartMethod) -> &mut Command {
    let name = match method {
        StartMethod::Spawn => "spawn",
        StartMethod::ForkServer => "forkserver",
        other => panic!("{other:?} has no name"),
    };
    command.env("MULTIPROC_START_METHOD", name)
}

/// A program that is running, and tells something line by line.
pub(crate) struct Running {
    pub(crate) child: Child,
    lines: BufReader<PipeReader>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Running {
        let (reader, writer) = io::pipe().unwrap();
        let child = command
            .stdin(Stdio::piped())
            .stdout(writer)
            .spawn()
            .unwrap();
        // The command holds the writing end.
        command.stdout(Stdio::null());
        Running {
            child,
            lines: BufReader::new(reader),
        }
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The next line as a process that is there.
    pub(crate) fn process(&mut self) -> Pidfd {
        Pidfd::of(self.line().parse().unwrap())
    }

    /// All that is still to come. It comes when everybody who holds the pipe is gone.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        rest
    }

    /// All that is still to come, and how the program ended. Who it leaves may look for its end.
    pub(crate) fn finish(self) -> (String, ExitStatus) {
        let Running {
            mut child,
            mut lines,
        } = self;
        let ended = thread::spawn(move || child.wait().unwrap());
        let mut rest = String::new();
        lines.read_to_string(&mut rest).unwrap();
        (rest, ended.join().unwrap())
    }

    /// Kills the program itself.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
