//! What a process writes, written again by this one through `print!` and `eprint!`.
//!
//! The test harness captures what these write on its own threads and on those that they start. So the
//! process writes into pipes, and a thread that is started for it passes on what arrives, while it
//! arrives. Who waits for the process waits for that thread, too: not for the end of the pipes, which other
//! processes may have been given, but until all is printed that was in them when the process had ended.
//! What comes later is printed all the same, until the last of those others is gone.
//!
//! The two pipes say nothing of the order of what is in them. A panic is told on the standard error
//! after what led to it was printed, so that order is kept: what is read of the errors is passed on
//! after all that the other pipe has then.

use std::io::{self, ErrorKind, PipeReader, Read};
use std::panic::catch_unwind;
use std::sync::{Arc, OnceLock};
use std::thread;

use crate::process::stdio::{Kind, Stdio, Streams};
use crate::sys::fd::{AsFd, BorrowedFd};
use crate::sys::notify_fd::NotifyFd;
use crate::sys::poll;
use crate::sys::refused::Naming as _;

/// As much as a pipe can hold for a user without privileges, by default. More is not taken at once,
/// nor from a pipe whose process has ended: then others are writing into it.
const MOST: usize = 1 << 20;

/// The output of a process, which is printed by a thread of this one.
#[derive(Debug)]
pub(in crate::process) struct Captured {
    /// Tells the thread that the process has ended.
    ended: NotifyFd,
    /// Set when what the process wrote is printed.
    printed: Arc<OnceLock<()>>,
}

impl Captured {
    /// Prints what the process will write to those of its streams that are this process's own, and are
    /// pipes from now on. `None` if there are no such.
    pub(in crate::process) fn begin(streams: &mut Streams) -> io::Result<Option<Captured>> {
        let mut stdout = Stream::new(&mut streams.stdout, print)?;
        let mut stderr = Stream::new(&mut streams.stderr, eprint)?;
        if !stdout.is_open() && !stderr.is_open() {
            return Ok(None);
        }
        let captured = Captured {
            ended: NotifyFd::new()?,
            printed: Arc::default(),
        };
        let ended = captured.ended.clone();
        let printed = Printed(Arc::clone(&captured.printed));
        let thread = thread::Builder::new().name("multiproc-output".to_owned());
        let run = move || pass_on(&mut stdout, &mut stderr, &ended, printed);
        thread.spawn(run).naming("clone")?;
        Ok(Some(captured))
    }

    /// The process has ended: waits until what it wrote is printed.
    pub(in crate::process) fn finish(&self) {
        self.ended.notify();
        self.printed.wait();
    }
}

/// Tells that all is printed, also if the thread ends.
struct Printed(Arc<OnceLock<()>>);

impl Drop for Printed {
    fn drop(&mut self) {
        let _ = self.0.set(());
    }
}

/// Passes on what arrives, until no more will.
fn pass_on(stdout: &mut Stream, stderr: &mut Stream, ended: &NotifyFd, printed: Printed) {
    let mut printed = Some(printed);
    while stdout.is_open() || stderr.is_open() {
        let mut descriptors = Vec::with_capacity(3);
        descriptors.extend(stdout.descriptor());
        descriptors.extend(stderr.descriptor());
        if printed.is_some() {
            descriptors.push(ended.as_fd());
        }
        // Without the means to wait, there is nothing to be done.
        let Ok(readable) = poll::wait_any_of(&descriptors, None) else {
            break;
        };
        let has_ended = printed.is_some() && readable.last() == Some(&true);
        let errors = stderr.read();
        let text = stdout.read();
        stdout.print(&text);
        stderr.print(&errors);
        if has_ended {
            printed = None;
        }
    }
}

#[expect(clippy::print_stdout, reason = "it is for the test harness to capture")]
fn print(text: &str) {
    print!("{text}");
}

#[expect(clippy::print_stderr, reason = "it is for the test harness to capture")]
fn eprint(text: &str) {
    eprint!("{text}");
}

/// A pipe from the process.
struct Stream {
    /// Missing when it has ended.
    pipe: Option<PipeReader>,
    text: Text,
    /// Panics if the text cannot be printed.
    print: fn(&str),
}

impl Stream {
    /// The pipe that takes the place of a stream, if that is this process's own.
    fn new(stream: &mut Stdio, print: fn(&str)) -> io::Result<Stream> {
        let pipe = match stream.0 {
            Kind::Inherit => {
                let (reader, writer) = io::pipe().naming("pipe2")?;
                *stream = writer.into();
                Some(reader)
            }
            _ => None,
        };
        Ok(Stream {
            pipe,
            text: Text::default(),
            print,
        })
    }

    fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// What is in the pipe now.
    fn read(&mut self) -> String {
        let mut text = String::new();
        let mut bytes = [0; 1 << 13];
        while let Some(pipe) = &mut self.pipe
            && text.len() < MOST
            && poll::is_readable(pipe.as_fd())
        {
            match pipe.read(&mut bytes) {
                Ok(length @ 1..) => text += &self.text.add(&bytes[..length]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => {
                    text += &self.text.finish();
                    self.pipe = None;
                }
            }
        }
        text
    }

    /// Prints. If that is not possible, the process finds its pipe closed, as it would find the stream.
    fn print(&mut self, text: &str) {
        let print = self.print;
        if !text.is_empty() && catch_unwind(|| print(text)).is_err() {
            self.pipe = None;
        }
    }
}

/// Bytes that become text, whose characters may arrive in parts.
#[derive(Debug, Default)]
struct Text {
    /// The beginning of a character.
    begun: Vec<u8>,
}

impl Text {
    /// The characters that are complete with these bytes.
    fn add(&mut self, bytes: &[u8]) -> String {
        self.begun.extend_from_slice(bytes);
        let complete = self.begun.len() - unfinished(&self.begun);
        let rest = self.begun.split_off(complete);
        let text = String::from_utf8_lossy(&self.begun).into_owned();
        self.begun = rest;
        text
    }

    /// What is left when no more bytes come.
    fn finish(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.begun)).into_owned()
    }
}

/// How many bytes at the end are the beginning of a character.
fn unfinished(bytes: &[u8]) -> usize {
    let Some(last) = bytes.utf8_chunks().last() else {
        return 0;
    };
    match std::str::from_utf8(last.invalid()) {
        Err(error) if error.error_len().is_none() => last.invalid().len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_arrive_in_parts() {
        let mut text = Text::default();
        let bytes = "aé€😀".as_bytes();
        let parts = bytes
            .iter()
            .map(|byte| text.add(&[*byte]))
            .collect::<String>();
        assert_eq!(parts, "aé€😀");
        assert_eq!(text.finish(), "");
    }

    #[test]
    fn other_bytes_are_replaced() {
        let mut text = Text::default();
        assert_eq!(text.add(b"a\xffb\xf0\x9f"), "a\u{fffd}b");
        assert_eq!(text.add(b"c\xe2"), "\u{fffd}c");
        assert_eq!(text.finish(), "\u{fffd}");
    }
}
