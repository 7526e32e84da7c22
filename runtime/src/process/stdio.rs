//! The standard streams of a child.

use std::fs::File;
use std::io;
use std::process::{ChildStderr, ChildStdin, ChildStdout};

use crate::sys::fd::OwnedFd;

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
pub struct Stdio(pub(super) Kind);

#[derive(Debug)]
pub(super) enum Kind {
    Inherit,
    Null,
    Piped,
    Descriptor(OwnedFd),
    /// The parent's own standard output, whichever stream it is for.
    Stdout,
    /// Likewise its standard error.
    Stderr,
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

    /// Why several processes cannot have it, if so.
    pub(crate) fn is_for_one(&self) -> Option<&'static str> {
        match self.0 {
            Kind::Piped => Some(
                "piped: each would have a pipe of its own, which nothing reads; make one with `std::io::pipe` for all of them",
            ),
            Kind::Opaque(_) => Some(
                "a `std::process::Stdio`, which cannot be duplicated: use `multiproc::Stdio`, a file or the end of a pipe",
            ),
            Kind::Inherit | Kind::Null | Kind::Descriptor(_) | Kind::Stdout | Kind::Stderr => None,
        }
    }

    /// Whether it is a `std::process::Stdio`, the inside of which cannot be seen.
    pub(super) fn is_opaque(&self) -> bool {
        matches!(self.0, Kind::Opaque(_))
    }

    /// The same target, for another process.
    pub(super) fn duplicate(&self) -> io::Result<Stdio> {
        Ok(Stdio(match &self.0 {
            Kind::Inherit => Kind::Inherit,
            Kind::Null => Kind::Null,
            Kind::Stdout => Kind::Stdout,
            Kind::Stderr => Kind::Stderr,
            Kind::Descriptor(descriptor) => Kind::Descriptor(descriptor.try_clone()?),
            Kind::Piped | Kind::Opaque(_) => {
                return Err(io::Error::other("the stream is for one process"));
            }
        }))
    }
}

macro_rules! from_descriptor {
    ($($type:ty)*) => {$(
        impl From<$type> for Stdio {
            #[cfg(unix)]
            fn from(descriptor: $type) -> Stdio {
                Stdio(Kind::Descriptor(descriptor.into()))
            }

            #[cfg(not(unix))]
            fn from(handle: $type) -> Stdio {
                Stdio(Kind::Opaque(handle.into()))
            }
        }
    )*};
}

from_descriptor! {
    File ChildStdin ChildStdout ChildStderr io::PipeReader io::PipeWriter
}

#[cfg(unix)]
from_descriptor! {
    OwnedFd std::os::unix::net::UnixStream std::net::TcpStream
}

impl From<io::Stdout> for Stdio {
    /// Connects a stream of the child to the parent's standard output.
    fn from(_: io::Stdout) -> Stdio {
        Stdio(Kind::Stdout)
    }
}

impl From<io::Stderr> for Stdio {
    /// Connects a stream of the child to the parent's standard error.
    fn from(_: io::Stderr) -> Stdio {
        Stdio(Kind::Stderr)
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

/// What becomes of the output of a process on its way.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
pub(super) struct OutputOptions {
    /// How much is kept of what it writes to its standard error.
    pub(super) stderr_tail: Option<usize>,
    /// Whether the parent prints it.
    pub(super) is_captured: bool,
}

/// The parent's ends of piped streams.
#[derive(Debug, Default)]
pub(super) struct ParentEnds {
    pub(super) stdin: Option<ChildStdin>,
    pub(super) stdout: Option<ChildStdout>,
    pub(super) stderr: Option<ChildStderr>,
}

impl Streams {
    /// Whether a stream is one that cannot be looked into.
    pub(super) fn are_opaque(&self) -> bool {
        [&self.stdin, &self.stdout, &self.stderr]
            .into_iter()
            .any(Stdio::is_opaque)
    }

    /// Another descriptor of the standard error, if that is given as one.
    pub(super) fn duplicate_stderr(&self) -> io::Result<Option<OwnedFd>> {
        match &self.stderr.0 {
            Kind::Descriptor(descriptor) => descriptor.try_clone().map(Some),
            _ => Ok(None),
        }
    }

    /// Whether they are all the parent's own.
    pub(super) fn are_inherited(&self) -> bool {
        [&self.stdin, &self.stdout, &self.stderr]
            .into_iter()
            .all(|stream| matches!(stream.0, Kind::Inherit))
    }
}
