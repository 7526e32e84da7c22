//! How a child ended: the one place that decides.

use std::fmt;
use std::io;

use super::origin::{EXIT_IO, EXIT_SOFTWARE};
use super::relay::Relayed;
use crate::codec::Message;
use crate::crash::{Crash, CrashReport, Hang};
use crate::dispatch::ResultCodec;
use crate::error::{Error, ErrorKind, PanicInfo, Result};
use crate::protocol::Reply;
use crate::sys::pidfd::Status;
use crate::sys::{exit_status, signal};
use crate::transport::is_nonsense;
use crate::usage::Usage;

/// All that is known of a child that ended.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) reply: Option<Message>,
    /// Why a reply that was on its way could not be taken.
    pub(crate) broken: Option<io::Error>,
    /// What it said of a crash, or when it was asked where it is.
    pub(crate) crash: CrashReport,
    pub(crate) status: Status,
    /// What it had used up, where that is known.
    pub(crate) usage: Option<Usage>,
    /// The last of what it wrote to its standard error, if that is wanted.
    pub(crate) stderr_tail: Option<Relayed>,
    /// Whether the parent asked it to stop before, and why.
    pub(crate) asked: Option<Killed>,
    /// Whether and why the parent killed it.
    pub(crate) killed: Option<Killed>,
    /// Whether it ever reached its dispatch.
    pub(crate) greeted: bool,
}

/// Why the parent killed a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Killed {
    /// Its timeout was over.
    TimedOut,
    /// It ran a task that was cancelled, or its pool was dropped.
    Cancelled,
    /// It was a process of its own and asked to stop, and had not when its time was over.
    Stopped,
    /// It did not reach its dispatch in time.
    NoHandshake,
    /// What it wrote to its connection was no message.
    Nonsense,
    /// It did not begin its task in time, and others before it had not either.
    NotBegun,
    /// It had written over the memory by which its pool knows what it has done.
    OverwroteMemory,
    /// It sent a reply that no task of its own was waiting for.
    UnexpectedReply,
}

/// What to call a child that has ended, in the text of an error.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Subject<'a> {
    /// The worker of this name.
    Worker(&'a str),
    /// The process of a service, by the name of the type that is served.
    Service(&'a str),
    /// A request to a service, in words.
    Request(&'a str),
    /// A process without a task of a caller's, in the user's words.
    Other(&'a str),
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Worker(name) => write!(f, "worker `{name}`"),
            Subject::Service(name) => write!(f, "service `{name}`"),
            Subject::Request(words) | Subject::Other(words) => f.write_str(words),
        }
    }
}

/// Who ended, for the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Who<'a> {
    pub(crate) subject: Subject<'a>,
    pub(crate) id: u32,
    /// The limit on its memory, if it was refused some before it crashed.
    pub(crate) memory_limit: Option<u64>,
    /// Whether the kernel has killed it because there was no memory, probably.
    pub(crate) is_out_of_memory: bool,
}

impl End {
    /// Waits until what the child wrote to its standard error has arrived, if it goes through this process.
    pub(super) fn settle(&self) {
        if let Some(relayed) = &self.stderr_tail {
            relayed.end();
            relayed.settle();
        }
    }

    /// The worker's value, or why there is none.
    ///
    /// A complete reply is what happened, whatever the process did after it; without one, what
    /// the kernel says happened, and why the parent killed it explains that.
    pub(crate) fn resolve<R>(self, who: Who<'_>, codec: &ResultCodec<R>) -> Result<R> {
        let status = self.status.known();
        // As without it, all that the child has written has arrived.
        self.settle();
        let stderr_tail = self.stderr_tail.and_then(|relayed| relayed.text(0));
        let error = match self.reply {
            Some(mut reply) => match read(&mut reply, codec) {
                Ok(Content::Returned(value)) => return Ok(value),
                Ok(Content::Panicked(panic)) => Error::new(
                    ErrorKind::Panicked,
                    format!("{} panicked: {panic}", who.subject),
                )
                .with_panic(panic),
                Ok(Content::Failed(kind, reason)) => failed(kind, who, &reason),
                Err(reason) => failed(
                    ErrorKind::Decode,
                    who,
                    &format!("its result cannot be decoded: {reason}"),
                ),
            },
            None => without_reply(
                self.status,
                self.killed,
                self.broken,
                self.greeted,
                self.crash,
                who,
            ),
        };
        let error = about(who.subject, error)
            .with_exit_status(status)
            .with_usage(self.usage)
            .with_stderr_tail(stderr_tail);
        Err(match self.asked {
            Some(why) => stopped(who.subject, why, error),
            None => error,
        })
    }
}

enum Content<R> {
    Returned(R),
    Panicked(PanicInfo),
    Failed(ErrorKind, String),
}

fn read<R>(
    reply: &mut Message,
    codec: &ResultCodec<R>,
) -> std::result::Result<Content<R>, crate::codec::Error> {
    let kind = reply.kind().and_then(Reply::from_wire);
    let mut input = reply.open();
    Ok(match kind {
        Some(Reply::Returned) => {
            let value = codec.read(&mut input)?;
            input.finish()?;
            Content::Returned(value)
        }
        Some(Reply::Panicked) => Content::Panicked(input.read()?),
        Some(Reply::NotDecoded) => Content::Failed(
            ErrorKind::Decode,
            format!(
                "its arguments cannot be decoded: {}",
                input.read::<String>()?
            ),
        ),
        Some(Reply::NotEncoded) => Content::Failed(
            ErrorKind::Encode,
            format!("its result cannot be encoded: {}", input.read::<String>()?),
        ),
        Some(Reply::Refused) => Content::Failed(ErrorKind::Spawn, input.read()?),
        Some(Reply::Hello | Reply::Ready | Reply::Results | Reply::Event | Reply::Places)
        | None => Content::Failed(ErrorKind::Decode, "unexpected reply".to_owned()),
    })
}

fn failed(kind: ErrorKind, who: Who<'_>, reason: &str) -> Error {
    match who.subject {
        Subject::Worker(_) | Subject::Service(_) | Subject::Request(_) => {
            Error::new(kind, format!("{}: {reason}", who.subject))
        }
        Subject::Other(_) => Error::new(kind, reason),
    }
}

/// The error of a task that was cancelled while this child ran it.
pub(crate) fn cancelled(subject: Subject<'_>, id: u32) -> Error {
    let text = format!("{subject} was killed because its task was cancelled (pid {id})");
    about(subject, Error::new(ErrorKind::Cancelled, text))
}

/// The error of a worker that was asked to stop, and came to this instead of giving a value.
pub(crate) fn stopped(subject: Subject<'_>, asked: Killed, error: Error) -> Error {
    if matches!(error.kind(), ErrorKind::Cancelled | ErrorKind::TimedOut) {
        // It was killed for that.
        return error;
    }
    let (kind, why) = match asked {
        Killed::TimedOut => (ErrorKind::TimedOut, " because it exceeded its timeout"),
        Killed::Cancelled => (ErrorKind::Cancelled, " because its task was cancelled"),
        _ => (ErrorKind::Cancelled, ""),
    };
    let text = format!("{subject} was asked to stop{why}, and gave no value");
    about(subject, Error::new(kind, text))
        .with_exit_status(error.exit_status())
        .with_usage(error.usage())
        .with_stderr_tail(error.stderr_tail().map(Box::from))
        .with_source(error)
}

/// The error with the name of the worker, if it is about one.
fn about(subject: Subject<'_>, error: Error) -> Error {
    match subject {
        Subject::Worker(name) | Subject::Service(name) => error.with_worker(name),
        Subject::Request(_) | Subject::Other(_) => error,
    }
}

fn without_reply(
    status: Status,
    killed: Option<Killed>,
    broken: Option<io::Error>,
    greeted: bool,
    crash: CrashReport,
    Who {
        subject,
        id,
        memory_limit,
        is_out_of_memory,
    }: Who<'_>,
) -> Error {
    // A child that ended in another way did so before the parent's signal reached it.
    let killed = killed.filter(|why| {
        let was_asked = matches!(why, Killed::TimedOut | Killed::Cancelled | Killed::Stopped);
        is_killed(status, was_asked, &crash)
    });
    let because = |kind, why: &str| {
        Error::new(
            kind,
            format!("{subject} was killed because {why} (pid {id})"),
        )
    };
    let hung = |kind, text: String| {
        let hang = Hang::new(crash.clone());
        Error::new(kind, text).with_hang(hang, format_args!(" (pid {id})"))
    };
    match killed {
        Some(Killed::TimedOut) => {
            let text = format!("{subject} was killed because it exceeded its timeout");
            return hung(ErrorKind::TimedOut, text);
        }
        Some(Killed::Cancelled) => {
            let text = format!("{subject} was killed because its task was cancelled");
            return hung(ErrorKind::Cancelled, text);
        }
        Some(Killed::Stopped) => {
            let text = format!("{subject} was killed because it was cancelled");
            return hung(ErrorKind::Cancelled, text);
        }
        Some(Killed::NoHandshake) => {
            return because(ErrorKind::Spawn, "its process did not start in time");
        }
        Some(Killed::NotBegun) => {
            let text = format!(
                "{subject} was not begun in time by several processes in a row, the last of which was killed (pid {id})"
            );
            return Error::new(ErrorKind::TimedOut, text);
        }
        Some(Killed::OverwroteMemory) => {
            let why = "it had overwritten memory that it shares with its pool";
            return because(ErrorKind::Decode, why);
        }
        Some(Killed::UnexpectedReply) => {
            return because(ErrorKind::Decode, "it sent an unexpected reply");
        }
        Some(Killed::Nonsense) | None => {}
    }
    // Its status says nothing of what failed to arrive: the process went on after that, or was
    // killed because of it.
    if let (Some(error), true) = (
        broken,
        killed.is_some() || matches!(status, Status::Known(status) if status.success()),
    ) {
        return unheard(subject, id, &error);
    }
    let before = if greeted {
        ""
    } else {
        " before it received its arguments"
    };
    match status {
        Status::Lost => Error::new(
            ErrorKind::Exited,
            format!(
                "{subject} ended{before}, but its exit status is not known: other code waited for it (pid {id})"
            ),
        ),
        Status::Known(status) => match (exit_status::signal(status), status.code()) {
            (Some(signal), _) => {
                let memory = for_memory(memory_limit, is_out_of_memory);
                let dumped = if exit_status::has_dumped_core(status) {
                    ", core dumped"
                } else {
                    ""
                };
                let text = format!(
                    "{subject} was killed by {}{before}{memory}",
                    signal::name(signal)
                );
                let error = Error::new(ErrorKind::Signaled, text);
                let crash = Crash::new(crash, signal);
                error.with_crash(crash, format_args!(" (pid {id}{dumped})"))
            }
            (None, Some(0)) => Error::new(
                ErrorKind::Exited,
                format!(
                    "{subject} exited with code 0{before} without returning a value (pid {id})"
                ),
            ),
            (None, code) => {
                let code = code.unwrap_or(-1);
                let hint = hint(code, greeted);
                Error::new(
                    ErrorKind::Exited,
                    format!("{subject} exited with code {code}{before}{hint} (pid {id})"),
                )
            }
        },
    }
}

/// What a signal has to do with memory, if anything.
fn for_memory(memory_limit: Option<u64>, is_out_of_memory: bool) -> String {
    match memory_limit {
        _ if is_out_of_memory => {
            ", probably because memory ran out: the kernel killed a process of its control group for that"
                .to_owned()
        }
        Some(limit) => format!(" after exceeding its memory limit of {} MiB", limit >> 20),
        None => String::new(),
    }
}

/// Whether a child may have ended because the parent killed it; perhaps after it was asked where it is.
pub(crate) fn is_killed(status: Status, was_asked: bool, crash: &CrashReport) -> bool {
    let Status::Known(status) = status else {
        return true;
    };
    // What a filter on system calls does with one that may not tell: it ends the process, or the thread,
    // and the first thread sees that.
    let is_silenced = || match exit_status::signal(status) {
        Some(signal) => signal == signal::FILTERED && !crash.is_of(signal),
        None => status.code() == Some(EXIT_SOFTWARE),
    };
    exit_status::is_killed(status) || (was_asked && is_silenced())
}

/// What a worker said could not be taken in, and why.
pub(crate) fn unheard(subject: Subject<'_>, id: u32, why: &io::Error) -> Error {
    let text = if is_nonsense(why) {
        format!("{subject} wrote unexpected bytes to its connection (pid {id})")
    } else {
        format!("the reply of {subject} could not be received: {why} (pid {id})")
    };
    about(subject, Error::new(ErrorKind::Decode, text))
}

/// When a process of this library's exits with such a code; the worker's own code may, too.
fn hint(code: i32, greeted: bool) -> &'static str {
    match (code, greeted) {
        (EXIT_SOFTWARE, false) => {
            ", as happens when the process cannot be set up: its standard error says why"
        }
        (EXIT_SOFTWARE, true) => ", as happens when the worker's thread ends without returning",
        (EXIT_IO, true) => ", as happens when the worker closes the connection for its result",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    use super::*;
    use crate::codec::Output;
    use crate::dispatch::result;

    fn exited(code: i32) -> Status {
        Status::Known(ExitStatus::from_raw(code << 8))
    }

    fn signaled(signal: i32) -> Status {
        Status::Known(ExitStatus::from_raw(signal))
    }

    fn end(status: Status) -> End {
        End {
            reply: None,
            broken: None,
            crash: CrashReport::default(),
            status,
            usage: None,
            stderr_tail: None,
            asked: None,
            killed: None,
            greeted: true,
        }
    }

    fn reply(kind: Reply, content: &(impl serde::Serialize + ?Sized)) -> Message {
        let mut out = Output::new(kind as u8);
        out.write(content).unwrap();
        Message {
            head: out.head,
            ..Message::default()
        }
    }

    #[track_caller]
    fn check(end: End, expected: std::result::Result<u32, (ErrorKind, &str)>) {
        let who = Who {
            subject: Subject::Worker("decode"),
            id: 4711,
            memory_limit: None,
            is_out_of_memory: false,
        };
        match (end.resolve(who, &result::<u32>()), expected) {
            (Ok(value), Ok(expected)) => assert_eq!(value, expected),
            (Err(error), Err((kind, text))) => {
                assert_eq!(error.to_string(), text);
                assert_eq!(error.kind(), kind);
                assert_eq!(error.worker(), Some("decode"));
            }
            (got, expected) => panic!("{got:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn a_complete_reply_is_what_happened() {
        for status in [exited(0), exited(3), signaled(libc::SIGKILL), Status::Lost] {
            check(
                End {
                    reply: Some(reply(Reply::Returned, &7_u32)),
                    ..end(status)
                },
                Ok(7),
            );
        }
        let late = End {
            reply: Some(reply(Reply::Returned, &7_u32)),
            killed: Some(Killed::TimedOut),
            ..end(signaled(9))
        };
        check(late, Ok(7));
    }

    #[test]
    fn a_panic_has_its_message_and_place() {
        let location = crate::error::Location {
            file: "src/a.rs".into(),
            line: 3,
            column: 5,
        };
        let panic = PanicInfo {
            message: "boom".into(),
            location: Some(location),
            backtrace: None,
        };
        check(
            End {
                reply: Some(reply(Reply::Panicked, &panic)),
                ..end(exited(101))
            },
            Err((
                ErrorKind::Panicked,
                "worker `decode` panicked: boom, at src/a.rs:3:5",
            )),
        );
    }

    #[test]
    fn a_kill_for_want_of_memory_is_told() {
        let told = |is_out_of_memory| {
            let who = Who {
                subject: Subject::Worker("decode"),
                id: 4711,
                memory_limit: None,
                is_out_of_memory,
            };
            let ended = end(signaled(libc::SIGKILL)).resolve(who, &result::<u32>());
            ended.unwrap_err().to_string()
        };
        assert_eq!(
            told(false),
            "worker `decode` was killed by SIGKILL (pid 4711)"
        );
        assert_eq!(
            told(true),
            "worker `decode` was killed by SIGKILL, probably because memory ran out: the kernel killed a process of its control group for that (pid 4711)"
        );
    }

    #[test]
    fn without_a_reply_the_status_speaks() {
        check(
            end(exited(3)),
            Err((
                ErrorKind::Exited,
                "worker `decode` exited with code 3 (pid 4711)",
            )),
        );
        check(
            end(exited(0)),
            Err((
                ErrorKind::Exited,
                "worker `decode` exited with code 0 without returning a value (pid 4711)",
            )),
        );
        check(
            end(signaled(libc::SIGSEGV)),
            Err((
                ErrorKind::Signaled,
                "worker `decode` was killed by SIGSEGV (pid 4711)",
            )),
        );
        check(
            End {
                greeted: false,
                ..end(signaled(libc::SIGKILL))
            },
            Err((
                ErrorKind::Signaled,
                "worker `decode` was killed by SIGKILL before it received its arguments (pid 4711)",
            )),
        );
    }

    #[test]
    fn our_own_kill_explains_the_signal() {
        check(
            End {
                killed: Some(Killed::TimedOut),
                ..end(signaled(libc::SIGKILL))
            },
            Err((
                ErrorKind::TimedOut,
                "worker `decode` was killed because it exceeded its timeout (pid 4711)",
            )),
        );
    }

    #[test]
    fn a_worker_that_was_asked_to_stop_gives_a_value_or_did_as_asked() {
        let asked = End {
            asked: Some(Killed::Stopped),
            ..end(signaled(libc::SIGKILL))
        };
        check(
            End {
                reply: Some(reply(Reply::Returned, &7_u32)),
                ..asked
            },
            Ok(7),
        );
        check(
            End {
                asked: Some(Killed::Stopped),
                killed: Some(Killed::Stopped),
                ..end(signaled(libc::SIGKILL))
            },
            Err((
                ErrorKind::Cancelled,
                "worker `decode` was killed because it was cancelled (pid 4711)",
            )),
        );
        check(
            End {
                asked: Some(Killed::TimedOut),
                ..end(exited(3))
            },
            Err((
                ErrorKind::TimedOut,
                "worker `decode` was asked to stop because it exceeded its timeout, and gave no value: worker `decode` exited with code 3 (pid 4711)",
            )),
        );
        check(
            End {
                asked: Some(Killed::Stopped),
                killed: Some(Killed::TimedOut),
                ..end(signaled(libc::SIGKILL))
            },
            Err((
                ErrorKind::TimedOut,
                "worker `decode` was killed because it exceeded its timeout (pid 4711)",
            )),
        );
    }

    fn nonsense() -> io::Error {
        io::ErrorKind::InvalidData.into()
    }

    #[test]
    fn what_is_no_message_is_told_unless_the_process_died_of_something_else() {
        for (killed, status) in [
            (Some(Killed::Nonsense), signaled(libc::SIGKILL)),
            (Some(Killed::Nonsense), exited(0)),
            (Some(Killed::Nonsense), Status::Lost),
            (None, exited(0)),
        ] {
            check(
                End {
                    broken: Some(nonsense()),
                    killed,
                    ..end(status)
                },
                Err((
                    ErrorKind::Decode,
                    "worker `decode` wrote unexpected bytes to its connection (pid 4711)",
                )),
            );
        }
        check(
            End {
                broken: Some(nonsense()),
                killed: Some(Killed::Nonsense),
                ..end(signaled(libc::SIGSEGV))
            },
            Err((
                ErrorKind::Signaled,
                "worker `decode` was killed by SIGSEGV (pid 4711)",
            )),
        );
    }

    #[test]
    fn what_there_is_no_memory_for_is_told() {
        let error = io::Error::new(io::ErrorKind::OutOfMemory, "there is no memory");
        check(
            End {
                broken: Some(error),
                ..end(exited(0))
            },
            Err((
                ErrorKind::Decode,
                "the reply of worker `decode` could not be received: there is no memory (pid 4711)",
            )),
        );
    }

    #[test]
    fn what_happened_before_our_kill_is_told() {
        check(
            End {
                killed: Some(Killed::TimedOut),
                ..end(signaled(libc::SIGSEGV))
            },
            Err((
                ErrorKind::Signaled,
                "worker `decode` was killed by SIGSEGV (pid 4711)",
            )),
        );
        check(
            End {
                killed: Some(Killed::TimedOut),
                ..end(exited(3))
            },
            Err((
                ErrorKind::Exited,
                "worker `decode` exited with code 3 (pid 4711)",
            )),
        );
    }

    #[test]
    fn what_cannot_be_read_or_written_is_told() {
        check(
            End {
                reply: Some(reply(Reply::NotEncoded, "no such thing")),
                ..end(exited(0))
            },
            Err((
                ErrorKind::Encode,
                "worker `decode`: its result cannot be encoded: no such thing",
            )),
        );
        check(
            End {
                reply: Some(reply(Reply::NotDecoded, "no such thing")),
                ..end(exited(0))
            },
            Err((
                ErrorKind::Decode,
                "worker `decode`: its arguments cannot be decoded: no such thing",
            )),
        );
        check(
            End {
                reply: Some(reply(Reply::Returned, "seven")),
                ..end(exited(0))
            },
            Err((
                ErrorKind::Decode,
                "worker `decode`: its result cannot be decoded: invalid type: string \"seven\", expected u32",
            )),
        );
    }
}
