//! The program in a terminal, whose user presses Ctrl-C.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write, stdin};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, id};
use std::time::Duration;

use multiproc::{Pool, Process, worker};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, ioctl_tiocsctty, pidfd_open, setsid};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::{INTERRUPTED, load};

/// Until then a test is done, or has failed.
const DEADLINE: Duration = Duration::from_mins(3);

/// Limits that take a moment. Below each of them, there are 25,997 primes.
const MOMENTS: std::ops::Range<u32> = 300_000..300_008;
/// Limits that take longer than any of these tests waits.
const ENDLESS: std::ops::Range<u32> = 4_000_000_000..4_000_000_002;

/// The program itself, as a process. Returns whether it says that it was interrupted.
#[worker]
fn program(limits: std::ops::Range<u32>, path: &Path, ignore_interrupts: bool) -> bool {
    let pool = Pool::builder().workers(2);
    let pool = if ignore_interrupts {
        pool.ignore_interrupts()
    } else {
        pool
    };
    let code = super::count(pool.build().unwrap(), limits, path).unwrap();
    assert!([ExitCode::SUCCESS, ExitCode::from(INTERRUPTED)].contains(&code));
    code != ExitCode::SUCCESS
}

/// Makes this process the leader of a session, whose terminal is its standard input.
fn enter_terminal() {
    // What a shell runs in the background, these tests perhaps, ignores Ctrl-C, and so do its children.
    #[expect(unsafe_code, reason = "there is no safe way back to the default")]
    // SAFETY: the default is no handler, so that no code of this program runs in a signal.
    unsafe {
        libc::signal(libc::SIGINT, libc::SIG_DFL);
    }
    setsid().unwrap();
    ioctl_tiocsctty(stdin()).unwrap();
}

/// A terminal in which the program runs. The program ends with this.
struct Terminal {
    program: Process<bool>,
    screen: BufReader<File>,
    keyboard: File,
}

impl Terminal {
    fn run(limits: std::ops::Range<u32>, path: &Path, ignore_interrupts: bool) -> Terminal {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let terminal = openpt(flags).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        // Ctrl-C is not to discard lines that have not been read yet.
        let mut modes = tcgetattr(&terminal).unwrap();
        modes.local_modes |= LocalModes::NOFLSH;
        tcsetattr(&terminal, OptionalActions::Now, &modes).unwrap();
        let stream = || ioctl_tiocgptpeer(&terminal, flags).unwrap();
        let program = program::call(limits, path, ignore_interrupts)
            .stdin(stream())
            .stdout(stream())
            .stderr(stream())
            .before_worker(enter_terminal)
            .timeout(DEADLINE)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let terminal = File::from(terminal);
        Terminal {
            program,
            screen: BufReader::new(terminal.try_clone().unwrap()),
            keyboard: terminal,
        }
    }

    fn press_ctrl_c(&mut self) {
        self.keyboard.write_all(&[0x03]).unwrap();
    }

    /// The next line on the screen. There is none when all processes in the terminal have ended.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        // At the end, a terminal fails to be read.
        let length = self.screen.read_line(&mut line).unwrap_or(0);
        let line = line.trim_end();
        // The echo of Ctrl-C stands before what is printed next.
        let line = line.trim_start_matches("^C").to_owned();
        (length > 0).then_some(line)
    }

    /// The tasks that have begun when each worker has one, and the program minds Ctrl-C.
    fn begun(&mut self) -> Vec<Begun> {
        let (mut begun, mut ready) = (Vec::new(), false);
        while begun.len() < 2 || !ready {
            let line = self.line().unwrap();
            match Begun::read(&line) {
                Some(task) => begun.push(task),
                None => ready = line.ends_with("tasks; Ctrl-C finishes those that run"),
            }
        }
        begun
    }

    fn rest(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.line()).collect()
    }
}

/// A task, and the process that runs it.
struct Begun {
    process: Pid,
    limit: u32,
}

impl Begun {
    fn read(line: &str) -> Option<Begun> {
        let rest = line.strip_prefix("process ")?;
        let (id, limit) = rest.split_once(" counts the primes below ")?;
        Some(Begun {
            process: Pid::from_raw(id.parse().ok()?)?,
            limit: limit.parse().ok()?,
        })
    }

    fn open(&self) -> OwnedFd {
        pidfd_open(self.process, PidfdFlags::empty()).unwrap()
    }
}

/// The name of a file that is not there, and is removed at the end of the test.
struct Results(PathBuf);

impl Results {
    fn new(test: &str) -> Results {
        Results(std::env::temp_dir().join(format!("interrupt-{test}-{}.txt", id())))
    }

    /// The limits that have been saved, with right results.
    fn saved(&self) -> BTreeSet<u32> {
        let done = load(&self.0).unwrap();
        assert!(done.values().all(|count| *count == 25_997), "{done:?}");
        done.into_keys().collect()
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn what_has_begun_is_finished_and_saved() {
    let results = Results::new("first");
    let mut terminal = Terminal::run(MOMENTS, &results.0, true);
    let begun = terminal.begun().into_iter();
    let mut begun: BTreeSet<u32> = begun.map(|it| it.limit).collect();
    terminal.press_ctrl_c();
    let rest = terminal.rest();
    begun.extend(
        rest.iter()
            .filter_map(|line| Begun::read(line))
            .map(|it| it.limit),
    );
    let interrupted = terminal.program.join().unwrap();
    assert!(interrupted, "{rest:?}");
    assert!(begun.len() < MOMENTS.len(), "{rest:?}");
    assert_eq!(results.saved(), begun, "{rest:?}");

    // The program goes on from there.
    let mut terminal = Terminal::run(MOMENTS, &results.0, true);
    let rest = terminal.rest();
    let others = rest
        .iter()
        .filter_map(|line| Begun::read(line))
        .map(|it| it.limit);
    assert_eq!(others.count(), MOMENTS.len() - begun.len(), "{rest:?}");
    assert!(!terminal.program.join().unwrap());
    assert_eq!(results.saved(), MOMENTS.collect());
}

#[test]
fn a_second_ctrl_c_stops_at_once() {
    let results = Results::new("second");
    let mut terminal = Terminal::run(ENDLESS, &results.0, true);
    let workers = terminal.begun().into_iter().map(|it| it.open());
    let workers: Vec<_> = workers.collect();
    terminal.press_ctrl_c();
    let line = terminal.line().unwrap();
    assert_eq!(line, "finishing 2 tasks; Ctrl-C stops them");
    terminal.press_ctrl_c();
    let error = terminal.program.join().unwrap_err();
    let code = error.exit_status().and_then(|status| status.code());
    assert_eq!(code, Some(INTERRUPTED.into()), "{error}");
    let limit = Timespec::try_from(DEADLINE).unwrap();
    for worker in &workers {
        let ended = poll(&mut [PollFd::new(worker, PollFlags::IN)], Some(&limit)).unwrap();
        assert_eq!(ended, 1, "a worker runs on");
    }
    assert!(!results.0.exists());
}

/// What would happen otherwise: this is how the tests above can fail.
#[test]
fn workers_that_do_not_ignore_it_die() {
    let results = Results::new("otherwise");
    let mut terminal = Terminal::run(ENDLESS, &results.0, false);
    let workers = terminal.begun();
    terminal.press_ctrl_c();
    let rest = terminal.rest();
    for Begun { process, limit } in workers {
        let text = format!("{limit}: worker `count_primes` was killed by SIGINT (pid {process})");
        assert!(rest.contains(&text), "{text} {rest:?}");
    }
    // Whether it learns of Ctrl-C before it has nothing left to wait for is a matter of luck.
    terminal.program.join().unwrap();
    assert!(results.saved().is_empty());
}
