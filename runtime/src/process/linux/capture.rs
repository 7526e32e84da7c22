//! What a process writes, written again by this one through `print!` and `eprint!`.
//!
//! The two pipes say nothing of the order of what is in them. A panic is told on the standard error
//! after what led to it was printed, so that order is kept: what is read of the errors is passed on
//! after all that the other pipe has then.

use std::io::{ErrorKind, Read};

use crate::process::Process;
use crate::sys::fd::{AsFd, BorrowedFd};
use crate::sys::poll;

/// As much as a pipe can hold for a user without privileges, by default. More is not taken at once,
/// nor from a pipe whose process has ended: then others are writing into it.
const MOST: usize = 1 << 20;

/// Passes on what the process writes, until it has ended.
pub(super) fn pass_on<R>(process: &mut Process<R>) {
    let mut stdout = Stream::new(process.take_stdout());
    let mut stderr = Stream::new(process.take_stderr());
    loop {
        let mut descriptors = vec![process.as_fd()];
        descriptors.extend(stdout.descriptor());
        descriptors.extend(stderr.descriptor());
        // Without the means to wait, there is its end to wait for, and what it has written by then.
        let Ok(readable) = poll::wait_any_of(&descriptors, None) else {
            break;
        };
        let errors = stderr.read();
        print(&stdout.read());
        eprint(&errors);
        if readable[0] {
            break;
        }
    }
    let errors = stderr.finish();
    print(&stdout.finish());
    eprint(&errors);
}

#[expect(clippy::print_stdout, reason = "it is for the test harness to capture")]
fn print(text: &str) {
    print!("{text}");
}

#[expect(clippy::print_stderr, reason = "it is for the test harness to capture")]
fn eprint(text: &str) {
    eprint!("{text}");
}

trait Pipe: Read + AsFd {}

impl<P: Read + AsFd> Pipe for P {}

/// A pipe from the process.
struct Stream {
    /// Missing when it has ended.
    pipe: Option<Box<dyn Pipe>>,
    text: Text,
}

impl Stream {
    fn new<P: Pipe + 'static>(pipe: Option<P>) -> Stream {
        Stream {
            pipe: pipe.map(|pipe| Box::new(pipe) as Box<dyn Pipe>),
            text: Text::default(),
        }
    }

    fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(|pipe| pipe.as_fd())
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
                Ok(0) | Err(_) => self.pipe = None,
            }
        }
        text
    }

    /// What is left in the pipe of a process that has ended.
    fn finish(&mut self) -> String {
        self.read() + &self.text.finish()
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
