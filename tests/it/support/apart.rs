//! Each test in a process of its own, with a deadline.
//!
//! The test executes this program again for itself alone, and reads what that process and all its
//! descendants write. They all hold the pipe, so its end means that all of them are gone: a child
//! that outlives the test is found out, as is one that hangs. Then those who hold the pipe are
//! told, killed one by one, and the test fails.
//!
//! In its own process a test may do what it likes: change the environment, use up descriptors,
//! count threads.

use std::fmt::Write as _;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, fs, thread};

use super::system::processes;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, setrlimit};

/// How long a test may take until all its processes are gone. None needs a tenth of it.
const DEADLINE: Duration = Duration::from_secs(100);

/// Tells a process which test it is to run.
const APART: &str = "MULTIPROC_TEST";

/// Runs the body of this test in a process of its own.
pub(crate) fn run_apart(module: &str, case: &str, body: impl FnOnce()) {
    let (_, module) = module.split_once("::").expect("a test is in a module");
    let test = format!("{module}::{case}");
    if env::var_os(APART).is_some_and(|running| running == *test) {
        // Crashes are what is tested here: their images are of no use to anybody.
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        setrlimit(Resource::Core, none).unwrap();
        heed_signals();
        return body();
    }
    let mut command = Command::new(env::current_exe().unwrap());
    command
        .args(["--exact", &test, "--nocapture"])
        .env(APART, &test);
    let (output, ended) = watch(&mut command, DEADLINE);
    match ended {
        Ok(true) if output.contains("1 passed") => {}
        Ok(_) => panic!("{test} failed in a process of its own:\n{output}"),
        Err(hanging) => panic!(
            "{test}: not all is over after {DEADLINE:?}, these were there and have been killed:\n{hanging}\n{output}"
        ),
    }
}

/// Undoes what `nohup` and shells do for what runs in the background.
#[expect(unsafe_code, reason = "a system call")]
fn heed_signals() {
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
        // SAFETY: no handler is set, so no code has to suit one.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// Runs the command until it and all its descendants are gone. Gives what they wrote, and whether
/// the command succeeded, or who was not gone at the deadline.
fn watch(command: &mut Command, deadline: Duration) -> (String, Result<bool, String>) {
    let (mut reader, writer) = io::pipe().unwrap();
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone().unwrap())
        .stderr(writer)
        // Backtraces cost more time than all the rest.
        .env_remove("RUST_BACKTRACE")
        .env_remove("RUST_LIB_BACKTRACE")
        .env_remove("MULTIPROC_START_METHOD");
    let mut child = command.spawn().unwrap();
    // The command holds the writing end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let pipe = fs::read_link(format!(
        "/proc/self/fd/{}",
        std::os::fd::AsRawFd::as_raw_fd(&reader)
    ));
    let pipe = pipe.unwrap();
    let (written, output) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = reader.read_to_end(&mut bytes);
        let _ = written.send(read.map(|_| String::from_utf8_lossy(&bytes).into_owned()));
    });
    let mut hanging = String::new();
    let output = output.recv_timeout(deadline).unwrap_or_else(|_| {
        // A process can start another while we look.
        while let holders = holders(&pipe)
            && !holders.is_empty()
        {
            for pid in holders {
                hanging += &describe(pid);
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        output.recv().unwrap()
    });
    let status = child.wait().unwrap();
    let ended = if hanging.is_empty() {
        Ok(status.success())
    } else {
        Err(hanging)
    };
    (output.unwrap(), ended)
}

/// The processes that have this pipe open, apart from this one.
fn holders(pipe: &Path) -> Vec<Pid> {
    processes()
        .filter(|pid| *pid != rustix::process::getpid())
        .filter(|pid| {
            let descriptors = fs::read_dir(place(*pid).join("fd"));
            descriptors
                .into_iter()
                .flatten()
                .flatten()
                .any(|descriptor| fs::read_link(descriptor.path()).is_ok_and(|link| link == pipe))
        })
        .collect()
}

fn place(pid: Pid) -> PathBuf {
    PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()))
}

/// What a process and its threads are doing.
fn describe(pid: Pid) -> String {
    let read = |file: &str| fs::read_to_string(place(pid).join(file)).unwrap_or_default();
    let stat = read("stat");
    let mut text = format!("  {}\n", stat.get(..60).unwrap_or(&stat));
    for task in fs::read_dir(place(pid).join("task"))
        .into_iter()
        .flatten()
        .flatten()
    {
        let read = |file: &str| fs::read_to_string(task.path().join(file)).unwrap_or_default();
        let _ = writeln!(
            text,
            "    {} waits in {} ({})",
            read("comm").trim(),
            read("wchan"),
            read("syscall").trim()
        );
    }
    text
}
