//! The standard streams of a child.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{ChildStderr, ChildStdin, ChildStdout};

use rustix::io::{FdFlags, fcntl_getfd};
use rustix::stdio;

/// The target of a standard stream of a worker's process, as [`std::process::Stdio`] is for
/// programs: with the same three constructors, and made from the same types.
///
/// A [`std::process::Stdio`] is accepted as well. Its content cannot be inspected, so a call that is
/// given one is started by [re-execution](crate::StartMethod::Spawn).
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
pub struct Stdio(Kind);

#[derive(Debug)]
enum Kind {
    Inherit,
    Null,
    Piped,
    Descriptor(OwnedFd),
    Opaque(std::process::Stdio),
}

impl Stdio {
    /// Connects the stream to the parent's own. This is the default.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Stdio, worker};
    ///
    /// #[worker]
    /// fn greet(name: &str) {
    ///     println!("Hello, {name}!");
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// greet::call("Alice").stdout(Stdio::inherit()).run()
    /// # }
    /// ```
    #[must_use]
    pub fn inherit() -> Stdio {
        Stdio(Kind::Inherit)
    }

    /// Connects the stream to `/dev/null`.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Stdio, worker};
    ///
    /// #[worker]
    /// fn talk() {
    ///     println!("a lot of text");
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// talk::call().stdout(Stdio::null()).run()
    /// # }
    /// ```
    #[must_use]
    pub fn null() -> Stdio {
        Stdio(Kind::Null)
    }

    /// Connects the stream to a new pipe, whose other end the [`Process`](crate::Process) gives
    /// out.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Stdio, worker};
    ///
    /// #[worker]
    /// fn greet(name: &str) {
    ///     println!("Hello, {name}!");
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut process = greet::call("Alice").stdout(Stdio::piped()).spawn()?;
    /// let text = std::io::read_to_string(process.take_stdout().unwrap())?;
    /// assert_eq!(text, "Hello, Alice!\n");
    /// process.join()?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn piped() -> Stdio {
        Stdio(Kind::Piped)
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
    /// Connects a stream of the child to the parent's standard output.
    fn from(stdout: io::Stdout) -> Stdio {
        Stdio(Kind::Opaque(stdout.into()))
    }
}

impl From<io::Stderr> for Stdio {
    /// Connects a stream of the child to the parent's standard error.
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

impl Streams {
    /// Whether a stream is a `std::process::Stdio`, the inside of which cannot be seen.
    pub(super) fn are_opaque(&self) -> bool {
        [&self.stdin, &self.stdout, &self.stderr]
            .into_iter()
            .any(|stream| matches!(stream.0, Kind::Opaque(_)))
    }

    /// Whether they are all the parent's own.
    pub(super) fn are_inherited(&self) -> bool {
        [&self.stdin, &self.stdout, &self.stderr]
            .into_iter()
            .all(|stream| matches!(stream.0, Kind::Inherit))
    }

    /// The child's ends, in the order of their numbers, and the parent's.
    pub(super) fn open(self) -> io::Result<([End; 3], ParentEnds)> {
        let (stdin, parent_stdin) = open_stdin(self.stdin)?;
        let (stdout, parent_stdout) = open_output(self.stdout, stdio::stdout())?;
        let (stderr, parent_stderr) = open_output(self.stderr, stdio::stderr())?;
        let parent_ends = ParentEnds {
            stdin: parent_stdin,
            stdout: parent_stdout.map(ChildStdout::from),
            stderr: parent_stderr.map(ChildStderr::from),
        };
        Ok(([stdin, stdout, stderr], parent_ends))
    }
}

/// A child's end of a stream.
#[derive(Debug)]
pub(super) enum End {
    /// This process's own stream.
    Inherited(BorrowedFd<'static>),
    Opened(OwnedFd),
}

impl AsFd for End {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            End::Inherited(own) => *own,
            End::Opened(opened) => opened.as_fd(),
        }
    }
}

/// A child's end of its standard input, and the parent's end if it is a pipe.
pub(super) fn open_stdin(stdin: Stdio) -> io::Result<(End, Option<ChildStdin>)> {
    if let Kind::Piped = stdin.0 {
        let (reader, writer) = io::pipe()?;
        return Ok((
            End::Opened(reader.into()),
            Some(OwnedFd::from(writer).into()),
        ));
    }
    Ok((open(stdin, stdio::stdin())?, None))
}

/// A child's end of an output, and the parent's end if it is a pipe.
fn open_output(output: Stdio, own: BorrowedFd<'static>) -> io::Result<(End, Option<OwnedFd>)> {
    if let Kind::Piped = output.0 {
        let (reader, writer) = io::pipe()?;
        return Ok((End::Opened(writer.into()), Some(reader.into())));
    }
    Ok((open(output, own)?, None))
}

fn open(stream: Stdio, own: BorrowedFd<'static>) -> io::Result<End> {
    match stream.0 {
        Kind::Inherit => inherit(own),
        Kind::Null => open_null(),
        Kind::Descriptor(descriptor) => Ok(End::Opened(descriptor)),
        Kind::Piped | Kind::Opaque(_) => Err(io::Error::other("the stream is no descriptor")),
    }
}

/// A stream of this process's own; `/dev/null` if it has been closed.
fn inherit(own: BorrowedFd<'static>) -> io::Result<End> {
    match fcntl_getfd(own) {
        // Something else was opened in its place: standard streams survive `exec`.
        Ok(flags) if flags.contains(FdFlags::CLOEXEC) => open_null(),
        Ok(_) => Ok(End::Inherited(own)),
        Err(_) => open_null(),
    }
}

fn open_null() -> io::Result<End> {
    let null = File::options().read(true).write(true).open("/dev/null")?;
    Ok(End::Opened(null.into()))
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
