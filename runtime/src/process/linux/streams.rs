//! Opening the standard streams of a child.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{ChildStderr, ChildStdin, ChildStdout};

use rustix::io::{FdFlags, fcntl_getfd};
use rustix::stdio;

use crate::process::stdio::{Kind, ParentEnds, Stdio, Streams};

/// The child's ends, in the order of their numbers, and the parent's.
pub(super) fn open_all(streams: Streams) -> io::Result<([ChildStream; 3], ParentEnds)> {
    let (stdin, parent_stdin) = open_stdin(streams.stdin)?;
    let (stdout, parent_stdout) = open_output(streams.stdout, stdio::stdout())?;
    let (stderr, parent_stderr) = open_output(streams.stderr, stdio::stderr())?;
    let parent_ends = ParentEnds {
        stdin: parent_stdin,
        stdout: parent_stdout.map(ChildStdout::from),
        stderr: parent_stderr.map(ChildStderr::from),
    };
    Ok(([stdin, stdout, stderr], parent_ends))
}
/// A child's end of a stream.
#[derive(Debug)]
pub(super) enum ChildStream {
    /// This process's own stream.
    Inherited(BorrowedFd<'static>),
    Opened(OwnedFd),
}

impl AsFd for ChildStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            ChildStream::Inherited(own) => *own,
            ChildStream::Opened(opened) => opened.as_fd(),
        }
    }
}

/// A child's end of its standard input, and the parent's end if it is a pipe.
pub(super) fn open_stdin(stdin: Stdio) -> io::Result<(ChildStream, Option<ChildStdin>)> {
    if let Kind::Piped = stdin.0 {
        let (reader, writer) = io::pipe()?;
        return Ok((
            ChildStream::Opened(reader.into()),
            Some(OwnedFd::from(writer).into()),
        ));
    }
    Ok((open(stdin, stdio::stdin())?, None))
}

/// A child's end of an output, and the parent's end if it is a pipe.
pub(super) fn open_output(
    output: Stdio,
    own: BorrowedFd<'static>,
) -> io::Result<(ChildStream, Option<OwnedFd>)> {
    if let Kind::Piped = output.0 {
        let (reader, writer) = io::pipe()?;
        return Ok((ChildStream::Opened(writer.into()), Some(reader.into())));
    }
    Ok((open(output, own)?, None))
}

fn open(stream: Stdio, own: BorrowedFd<'static>) -> io::Result<ChildStream> {
    match stream.0 {
        Kind::Inherit => inherit(own),
        Kind::Null => open_null(),
        Kind::Descriptor(descriptor) => Ok(ChildStream::Opened(descriptor)),
        Kind::Stdout => inherit(stdio::stdout()),
        Kind::Stderr => inherit(stdio::stderr()),
        Kind::Piped | Kind::Opaque(_) => Err(io::Error::other("the stream is no descriptor")),
    }
}

/// A stream of this process's own; `/dev/null` if it has been closed.
fn inherit(own: BorrowedFd<'static>) -> io::Result<ChildStream> {
    match fcntl_getfd(own) {
        // Something else was opened in its place: standard streams survive `exec`.
        Ok(flags) if flags.contains(FdFlags::CLOEXEC) => open_null(),
        Ok(_) => Ok(ChildStream::Inherited(own)),
        Err(_) => open_null(),
    }
}

fn open_null() -> io::Result<ChildStream> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    Ok(ChildStream::Opened(null.into()))
}

/// The stream as std knows it.
pub(super) fn into_std(stdio: Stdio) -> std::process::Stdio {
    match stdio.0 {
        Kind::Inherit => std::process::Stdio::inherit(),
        Kind::Null => std::process::Stdio::null(),
        Kind::Piped => std::process::Stdio::piped(),
        Kind::Descriptor(descriptor) => descriptor.into(),
        Kind::Stdout => std::io::stdout().into(),
        Kind::Stderr => std::io::stderr().into(),
        Kind::Opaque(stdio) => stdio,
    }
}
