//! The functions that were running, as users want to see them.

use std::env;
use std::fmt::Write;
use std::path::Path;

use super::frame::Frame;
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
use super::functions;
use super::report::{CrashReport, Event};
use crate::backtrace::is_machinery;

/// What is shown of a crash's place.
#[derive(Debug)]
pub(super) struct Stack {
    text: Option<String>,
    place: Option<String>,
}

impl Stack {
    /// Looks up the functions that are noted in the report of a crash.
    pub(super) fn of_crash(event: &Event, report: &CrashReport) -> Stack {
        let frames = find(event, report);
        let telling = frames.iter().find(|frame| is_telling(frame));
        Stack::new(&frames, telling, report)
    }

    /// Looks up those of a process that was asked where it is, without the way from the user's code to
    /// where it waits.
    pub(super) fn of_hang(event: &Event, report: &CrashReport) -> Stack {
        let mut frames = find(event, report);
        let shown = first_shown(&frames);
        frames.drain(..shown.unwrap_or(0));
        Stack::new(&frames, shown.map(|_| &frames[0]), report)
    }

    fn new(frames: &[Frame], telling: Option<&Frame>, report: &CrashReport) -> Stack {
        let is_whole = report.places().is_some();
        Stack {
            text: is_whole.then(|| text(frames)),
            place: telling.map(place),
        }
    }

    /// All of them, in the format of std's backtraces.
    pub(super) fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// The one to look at first.
    pub(super) fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }
}

/// The functions that are noted in a report, but for those below the worker.
fn find(event: &Event, report: &CrashReport) -> Vec<Frame> {
    // What was sent from elsewhere has no place.
    let is_caused = event.code != 0;
    let places = match report.places() {
        None if is_caused => event.instruction_only(),
        places => places.unwrap_or_default(),
    };
    #[cfg(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))]
    let frames = functions::find(event, &places);
    #[cfg(not(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )))]
    let frames: Vec<Frame> = {
        let _ = places;
        Vec::new()
    };
    without_machinery(frames)
}

/// Leaves out what is below the worker: it is the same for all.
fn without_machinery(mut frames: Vec<Frame>) -> Vec<Frame> {
    let is_below = |frame: &Frame| frame.function.as_deref().is_some_and(is_machinery);
    if let Some(below) = frames.iter().position(is_below) {
        frames.truncate(below);
    }
    frames
}

/// Whether a function says more than that something went wrong in it: it is not part of the way from
/// `abort` to the kernel, nor of std's from a panic.
fn is_telling(frame: &Frame) -> bool {
    let Some(function) = frame.function.as_deref() else {
        return false;
    };
    let is_of_libc = frame.module.as_deref().is_some_and(|module| {
        [
            "libc.",
            "libc-",
            "libpthread",
            "ld-",
            "linux-vdso",
            "[vdso]",
        ]
        .iter()
        .any(|name| module.starts_with(name))
    });
    // Inlined functions may have no more than their last name.
    let is_of_std = frame
        .file
        .as_deref()
        .is_some_and(|file| file.starts_with("/rustc/"));
    let function = function.trim_start_matches(['<', '&']);
    let is_of_std = is_of_std
        || ["std::", "core::", "alloc::", "__rust", "rust_", "_Unwind"]
            .iter()
            .any(|start| function.starts_with(start));
    !is_of_libc && !is_of_std
}

/// Whether a function is one of those in which workers wait: of this library, of those that it uses, or
/// of one that runs futures. What a future awaits is not on the stack.
fn is_waiting(frame: &Frame) -> bool {
    let function = frame.function.as_deref().unwrap_or_default();
    let function = function.trim_start_matches(['<', '&']);
    let is_of_this = |file: &str| file.starts_with(concat!(env!("CARGO_MANIFEST_DIR"), "/src/"));
    frame.file.as_deref().is_some_and(is_of_this)
        || [
            "multiproc::",
            "rustix::",
            "ipc_channel::",
            "libc::",
            "tokio::",
            "mio::",
            "smol::",
            "async_io::",
            "polling::",
            "parking::",
            "futures_lite::",
            "futures_executor::",
            "pollster::",
        ]
        .iter()
        .any(|start| function.starts_with(start))
}

/// Which function of a process that waits is the first one to show: the innermost that does something
/// itself.
fn first_shown(frames: &[Frame]) -> Option<usize> {
    let is_shown = |frame: &Frame| is_telling(frame) && !is_waiting(frame);
    frames.iter().position(is_shown)
}

/// The function and its place, in one line.
fn place(frame: &Frame) -> String {
    let function = frame.function.as_deref().unwrap_or_default();
    let mut place = format!("`{function}`");
    match (&frame.file, frame.line) {
        (Some(file), Some(line)) => {
            let _ = write!(place, " ({}:{line})", short(file));
        }
        _ => {
            if let Some(module) = &frame.module {
                let _ = write!(place, " ({module})");
            }
        }
    }
    place
}

/// The path of a source file from the current directory, if it is there, or else its name.
fn short(file: &str) -> &str {
    let path = Path::new(file);
    if path.is_relative() {
        return file;
    }
    let current = env::current_dir().ok();
    current
        .and_then(|current| path.strip_prefix(current).ok())
        .or_else(|| path.file_name().map(Path::new))
        .and_then(Path::to_str)
        .unwrap_or(file)
}

fn text(frames: &[Frame]) -> String {
    let mut text = String::new();
    let mut frames = frames.iter().enumerate().peekable();
    while let Some((depth, frame)) = frames.next() {
        // Writing into a string cannot fail.
        let _ = match &frame.function {
            Some(function) => writeln!(text, "{depth:4}: {function}"),
            None => writeln!(text, "{depth:4}: {:#x}", frame.address),
        };
        let _ = match (&frame.file, frame.line, &frame.module) {
            (Some(file), Some(line), _) => writeln!(text, "             at {file}:{line}"),
            (_, _, Some(module)) => writeln!(text, "             in {module}"),
            _ => Ok(()),
        };
        // A recursion.
        let same = std::iter::from_fn(|| frames.next_if(|(_, next)| *next == frame)).count();
        if same > 0 {
            let _ = writeln!(text, "             (and the same {same} times more)");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(functions: &[(&str, Option<&str>)]) -> Vec<Frame> {
        let frame = |(function, module): &(&str, Option<&str>)| Frame {
            function: Some((*function).to_owned()),
            ..Frame::unknown(0, *module)
        };
        functions.iter().map(frame).collect()
    }

    #[test]
    fn the_way_to_where_a_worker_waits_is_not_shown() {
        let libc = Some("libc.so.6");
        for (way, function) in [
            (
                &[("clock_nanosleep", libc), ("std::thread::sleep", None)][..],
                "decode",
            ),
            (&[("pause", libc)], "crash::hangs"),
            (
                &[("<multiproc::sync::Mutex<T>>::lock", None)],
                "multiproc_user::wait",
            ),
            (
                &[("syscall", libc), ("tokio::runtime::park", None)],
                "decode::{{closure}}",
            ),
            (&[], "<decode::Decoder as core::iter::Iterator>::next"),
            (&[("read", libc)], "png_read_row"),
        ] {
            let all = [way, &[(function, None)]].concat();
            assert_eq!(first_shown(&frames(&all)), Some(way.len()), "{function}");
        }
        // A future that awaits something is not on the stack.
        let awaits = [
            ("syscall", libc),
            ("parking::Inner::park", None),
            ("smol::block_on", None),
        ];
        assert_eq!(first_shown(&frames(&awaits)), None);
    }

    #[test]
    fn what_is_below_the_worker_is_left_out() {
        let all = frames(&[
            ("decode", None),
            ("decode::__dispatch", None),
            ("multiproc::dispatch::run::run", None),
        ]);
        assert_eq!(without_machinery(all), frames(&[("decode", None)]));
    }
}
