//! Processes that a worker starts by all means there are.

#![expect(unsafe_code, reason = "processes are forked behind the library's back")]

use std::io::{Read, pipe};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// Starts a program; a daemon, which has left its parent, session and process group; a copy of this
/// process; and a program in the background of a shell that is gone. None of them ends by itself. Gives
/// their ids.
///
/// They have the standard output of this process.
///
/// # Panics
///
/// One of them cannot be started.
pub fn start_by_all_means() -> Vec<u32> {
    let program = sleep().spawn().unwrap().id();
    vec![program, daemon(), copy(), background()]
}

fn sleep() -> Command {
    let mut command = Command::new("sleep");
    command.arg("1000").stdin(Stdio::null());
    command
}

/// A process that has nothing to do with its parent any more.
fn daemon() -> u32 {
    let mut shell = Command::new("sh");
    shell.args(["-c", "sleep 1000 & echo $!"]);
    // SAFETY: it makes system calls only.
    unsafe {
        shell.pre_exec(|| match libc::setsid() {
            -1 => Err(std::io::Error::last_os_error()),
            _ => Ok(()),
        })
    };
    told_by(&mut shell)
}

/// The process that a shell has started, and told the number of.
fn background() -> u32 {
    let mut shell = Command::new("sh");
    shell.args(["-c", "(sleep 1000 & echo $!)"]);
    told_by(&mut shell)
}

fn told_by(shell: &mut Command) -> u32 {
    let (mut reader, writer) = pipe().unwrap();
    let mut child = shell.stdin(Stdio::null()).stdout(writer).spawn().unwrap();
    shell.stdout(Stdio::null());
    let mut line = Vec::new();
    // It is not read to its end, which comes with that of the process.
    while line.last() != Some(&b'\n') {
        let mut byte = [0];
        reader.read_exact(&mut byte).unwrap();
        line.push(byte[0]);
    }
    assert!(child.wait().unwrap().success());
    String::from_utf8(line).unwrap().trim().parse().unwrap()
}

fn copy() -> u32 {
    // SAFETY: the copy makes system calls only.
    let copy = unsafe { libc::fork() };
    if copy == 0 {
        loop {
            // SAFETY: a system call.
            unsafe { libc::pause() };
        }
    }
    u32::try_from(copy).unwrap()
}
