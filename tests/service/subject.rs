//! The object that the tests have served, and ways to have it busy and to have it die.

#![expect(unsafe_code, reason = "it crashes")]

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use multiproc::channel::{Receiver, RecvTimeoutError, Sender, channel};
use multiproc::shm::Shared;
use multiproc::{Error, ErrorKind, Pending, service};
use rustix::process::{Pid, Signal, getpid, kill_process};
use serde::{Deserialize, Serialize};

/// How long something may take that takes no time.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// How many restarts no test needs.
pub(crate) const MANY: (usize, Duration) = (1000, Duration::from_hours(1));

/// What an object tells of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Told {
    /// It was made in this process.
    Made(u32),
    /// It was dropped after so many notes.
    Dropped(usize),
}

/// Ways for a process to die.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Death {
    Panic,
    Abort,
    Crash,
    Exit,
    Kill,
}

impl Death {
    pub(crate) const ALL: [Death; 5] = [
        Death::Panic,
        Death::Abort,
        Death::Crash,
        Death::Exit,
        Death::Kill,
    ];

    fn strike(self) -> ! {
        match self {
            Death::Panic => panic!("as it should"),
            Death::Abort => std::process::abort(),
            Death::Crash => stumble(),
            Death::Exit => std::process::exit(3),
            Death::Kill => {
                let _ = kill_process(getpid(), Signal::KILL);
                loop {
                    std::thread::park();
                }
            }
        }
    }

    /// The error of a request that this death has ended.
    #[track_caller]
    pub(crate) fn check(self, error: &Error) {
        let text = error.to_string();
        assert!(!text.contains('\n'), "{text}");
        match self {
            Death::Panic => {
                assert_eq!(error.kind(), ErrorKind::Panicked, "{text}");
                assert_eq!(error.panic().unwrap().message(), "as it should");
                assert!(text.contains("as it should"), "{text}");
            }
            Death::Abort | Death::Crash => {
                let (signal, place) = if self == Death::Abort {
                    (libc::SIGABRT, "strike")
                } else {
                    (libc::SIGSEGV, "stumble")
                };
                assert_eq!(error.kind(), ErrorKind::Signaled, "{text}");
                assert_eq!(error.signal(), Some(signal), "{text}");
                assert!(text.contains(", in `"), "{text}");
                let crash = error.crash().expect("a crash");
                assert!(crash.backtrace().unwrap().contains(place), "{crash}");
            }
            Death::Exit => {
                assert_eq!(error.kind(), ErrorKind::Exited, "{text}");
                assert_eq!(error.exit_status().unwrap().code(), Some(3), "{text}");
            }
            Death::Kill => {
                assert_eq!(error.kind(), ErrorKind::Signaled, "{text}");
                assert_eq!(error.signal(), Some(libc::SIGKILL), "{text}");
            }
        }
    }

    /// What the words of this death have in them, whatever the error is about.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Death::Panic => "panicked",
            Death::Abort => "SIGABRT",
            Death::Crash => "SIGSEGV",
            Death::Exit => "exited with code 3",
            Death::Kill => "SIGKILL",
        }
    }
}

#[inline(never)]
fn stumble() -> ! {
    let nowhere = std::hint::black_box(std::ptr::without_provenance_mut::<u8>(8));
    // SAFETY: it ends the process, which is the point.
    unsafe { nowhere.write_volatile(1) };
    std::process::abort()
}

/// How a constructor ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Start {
    Well,
    Refuse,
    Die(Death),
    Hang,
}

/// What one constructor after the other does; the last one stands for those that follow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Plan {
    attempts: Shared<AtomicUsize>,
    starts: Vec<Start>,
}

impl Plan {
    pub(crate) fn new(starts: &[Start]) -> Plan {
        Plan {
            attempts: Shared::new(AtomicUsize::new(0)).unwrap(),
            starts: starts.to_vec(),
        }
    }

    pub(crate) fn attempts(&self) -> usize {
        self.attempts.load(SeqCst)
    }

    /// Whether there is to be an object.
    fn follow(&self) -> bool {
        let attempt = self.attempts.fetch_add(1, SeqCst);
        match self.starts[attempt.min(self.starts.len() - 1)] {
            Start::Well => true,
            Start::Refuse => false,
            Start::Die(death) => death.strike(),
            Start::Hang => loop {
                std::thread::park();
            },
        }
    }
}

/// An object that takes notes.
#[derive(Default)]
pub(crate) struct Subject {
    notes: Vec<u64>,
    told: Option<Sender<Told>>,
}

#[service]
impl Subject {
    pub(crate) fn new() -> Self {
        Subject::default()
    }

    /// Tells when it is made and when it is dropped.
    pub(crate) fn telling(told: Sender<Told>) -> Self {
        told.send(Told::Made(std::process::id())).unwrap();
        Subject {
            notes: Vec::new(),
            told: Some(told),
        }
    }

    pub(crate) fn planned(plan: &Plan) -> Result<Self, String> {
        if plan.follow() {
            Ok(Subject::default())
        } else {
            Err("it is not to be".to_owned())
        }
    }

    pub(crate) fn planned_or_none(plan: &Plan) -> Option<Self> {
        plan.follow().then(Subject::default)
    }

    pub(crate) fn identify(&self) -> u32 {
        std::process::id()
    }

    pub(crate) fn echo(&self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    pub(crate) fn length(&self, bytes: &[u8]) -> usize {
        bytes.len()
    }

    pub(crate) fn fill(&self, length: usize, byte: u8) -> Vec<u8> {
        vec![byte; length]
    }

    /// Takes a note, and says how many there are.
    pub(crate) fn note(&mut self, note: u64) -> usize {
        self.notes.push(note);
        self.notes.len()
    }

    pub(crate) fn notes(&self) -> Vec<u64> {
        self.notes.clone()
    }

    /// Tells that it is begun, and lasts until it is let go.
    pub(crate) fn hold(&mut self, begun: Sender<u32>, go: Receiver<()>) {
        let _ = begun.send(std::process::id());
        let _ = go.recv();
        self.notes.push(HELD);
    }

    pub(crate) fn nap(&self, millis: u64) {
        std::thread::sleep(Duration::from_millis(millis));
    }

    pub(crate) fn die(&mut self, death: Death) -> usize {
        death.strike()
    }

    pub(crate) fn close(self) -> usize {
        self.notes.len()
    }
}

/// The note of a request that was held.
pub(crate) const HELD: u64 = u64::MAX;

impl Drop for Subject {
    fn drop(&mut self) {
        if let Some(told) = &self.told {
            let _ = told.send(Told::Dropped(self.notes.len()));
        }
    }
}

/// A request that is begun, and lasts until this is dropped or let go.
pub(crate) struct Held {
    pub(crate) pending: Pending<()>,
    /// Where it runs.
    pub(crate) process: u32,
    go: Sender<()>,
}

/// Has the object busy.
pub(crate) fn hold(client: &SubjectClient) -> Held {
    let (begun, told) = channel().unwrap();
    let (go, going) = channel().unwrap();
    let pending = client.hold(begun, going).start();
    Held {
        process: told.recv().unwrap(),
        pending,
        go,
    }
}

impl Held {
    /// Lets it go.
    pub(crate) fn let_go(&self) {
        self.go.send(()).unwrap();
    }

    /// Lets it go, to be waited for.
    pub(crate) fn release(self) -> Pending<()> {
        self.let_go();
        self.pending
    }
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(
            begin.elapsed() < LONG,
            "it does not come to pass that {what}"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What comes within a long time.
#[track_caller]
pub(crate) fn next<T: serde::de::DeserializeOwned + std::fmt::Debug>(from: &Receiver<T>) -> T {
    from.recv_timeout(LONG).expect("it comes")
}

/// That nothing will come any more.
#[track_caller]
pub(crate) fn is_over<T: serde::de::DeserializeOwned + std::fmt::Debug>(from: &Receiver<T>) {
    let end = from.recv_timeout(LONG);
    assert!(
        matches!(end, Err(RecvTimeoutError::Disconnected)),
        "{end:?}"
    );
}

pub(crate) fn signal(id: u32, signal: Signal) {
    let pid = Pid::from_raw(id.cast_signed()).expect("a process id");
    let _ = kill_process(pid, signal);
}

#[track_caller]
pub(crate) fn is_closed<R: std::fmt::Debug>(result: Result<R, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    error.to_string()
}
