//! The standard streams of a child.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{ChildStderr, ChildStdin, ChildStdout};

/// What a standard stream of a worker's process is connected to: [`std::process::Stdio`] with the
/// same three words, made from the same types.
///
/// A [`std::process::Stdio`] does as well. Its inside cannot be seen, so a call that is given one
/// is started by [re-execution](crate::StartMethod::Spawn).
///
/// # Examples
///
/// ```
/// use multiproc::{Stdio, worker};
/// use std::io::Read;
///
/// #[worker]
/// fn greet(name: &str) {
///     println!("Hello, {name}!");
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut process = greet::call("Alice").stdout(Stdio::piped()).spawn()?;
/// let mut text = String::new();
/// process.take_stdout().unwrap().read_to_string(&mut text)?;
/// process.join()?;
/// assert_eq!(text, "Hello, Alice!\n");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Stdio(pub(super) Kind);

#[derive(Debug)]
pub(super) enum Kind {
    Inherit,
    Null,
    Piped,
    Descriptor(OwnedFd),
    Opaque(std::process::Stdio),
}

impl Stdio {
    /// The parent's own stream. This is the default.
    #[must_use]
    pub fn inherit() -> Stdio {
        Stdio(Kind::Inherit)
    }

    /// `/dev/null`.
    #[must_use]
    pub fn null() -> Stdio {
        Stdio(Kind::Null)
    }

    /// A new pipe, the other end of which the [`Process`](crate::Process) gives out.
    #[must_use]
    pub fn piped() -> Stdio {
        Stdio(Kind::Piped)
    }

    pub(super) fn is_opaque(&self) -> bool {
        matches!(self.0, Kind::Opaque(_))
    }
}

macro_rules! from_descriptor {
    ($($type:ty)*) => {$(
        impl From<$type> for Stdio {
            fn from(descriptor: $type) -> Stdio {
                Stdio(Kind::Descriptor(descriptor.into()))
            }
        }
    )*};
}

from_descriptor! {
    File OwnedFd ChildStdin ChildStdout ChildStderr io::PipeReader io::PipeWriter
    std::os::unix::net::UnixStream std::net::TcpStream
}

impl From<io::Stdout> for Stdio {
    /// The parent's standard output, whichever stream of the child it becomes.
    fn from(stdout: io::Stdout) -> Stdio {
        Stdio(Kind::Opaque(stdout.into()))
    }
}

impl From<io::Stderr> for Stdio {
    /// The parent's standard error, whichever stream of the child it becomes.
    fn from(stderr: io::Stderr) -> Stdio {
        Stdio(Kind::Opaque(stderr.into()))
    }
}

impl From<std::process::Stdio> for Stdio {
    fn from(stdio: std::process::Stdio) -> Stdio {
        Stdio(Kind::Opaque(stdio))
    }
}

/// The three streams of a call.
#[derive(Debug)]
pub(super) struct Streams {
    pub(super) stdin: Stdio,
    pub(super) stdout: Stdio,
    pub(super) stderr: Stdio,
}

impl Default for Streams {
    fn default() -> Streams {
        Streams {
            stdin: Stdio::inherit(),
            stdout: Stdio::inherit(),
            stderr: Stdio::inherit(),
        }
    }
}

/// The parent's ends of piped streams.
#[derive(Debug, Default)]
pub(super) struct ParentEnds {
    pub(super) stdin: Option<ChildStdin>,
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
}

/// A child's end of its standard input as a descriptor, and the parent's end if it is a pipe.
pub(super) fn open_stdin(stdin: Stdio) -> io::Result<(OwnedFd, Option<ChildStdin>)> {
    Ok(match stdin.0 {
        Kind::Inherit => match io::stdin().as_fd().try_clone_to_owned() {
            Ok(stdin) => (stdin, None),
            // The parent closed its own.
            Err(_) => (File::open("/dev/null")?.into(), None),
        },
        Kind::Null => (File::open("/dev/null")?.into(), None),
        Kind::Piped => {
            let (reader, writer) = io::pipe()?;
            (reader.into(), Some(OwnedFd::from(writer).into()))
        }
        Kind::Descriptor(descriptor) => (descriptor, None),
        Kind::Opaque(_) => return Err(io::Error::other("a std::process::Stdio cannot be opened")),
    })
}

/// The stream as std knows it.
pub(super) fn into_std(stdio: Stdio) -> std::process::Stdio {
    match stdio.0 {
        Kind::Inherit => std::process::Stdio::inherit(),
        Kind::Null => std::process::Stdio::null(),
        Kind::Piped => std::process::Stdio::piped(),
        Kind::Descriptor(descriptor) => descriptor.into(),
        Kind::Opaque(stdio) => stdio,
    }
}
