use crate::error::{Error, ErrorKind, Result};

/// The way in which child processes are created.
///
/// The default is the fork server, unless the environment variable `MULTIPROC_START_METHOD` is
/// `spawn`. [`Call::start_method`](crate::Call::start_method) overrides it for one call, and
/// [`Process::start_method`](crate::Process::start_method) returns the method that was used.
///
/// # Examples
///
/// ```
/// use multiproc::{StartMethod, worker};
///
/// #[worker]
/// fn preloaded() -> Option<String> {
///     std::env::var("LD_BIND_NOW").ok()
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// // The dynamic loader reads this variable when a program is executed.
/// let call = preloaded::call().env("LD_BIND_NOW", "1").start_method(StartMethod::Spawn);
/// assert_eq!(call.run()?.as_deref(), Some("1"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum StartMethod {
    /// Clones a process that was prepared once, which is several times faster than executing a
    /// program.
    ///
    /// The first such call starts the *fork server*: the program's own image, executed again and
    /// stopped before `main`. It has one thread and has run none of the program's code but its
    /// constructors, so its clones start clean. They are children of this process, not of the
    /// server, and have this process's current environment, working directory and standard streams.
    ///
    /// Like children that are executed, clones inherit from the thread that starts them: CPU
    /// affinity, priority, blocked and ignored signals, file mode mask, resource limits, timer slack.
    /// When this process changes its user, groups, capabilities, session, process group or root
    /// directory, and when a thread has a higher priority than the server, a new server is started,
    /// which takes as long as executing the image.
    ///
    /// Other properties cannot be compared with each call, and are as they were at the first:
    /// control group, namespaces, filters on system calls and other sandboxes, `securebits`, memory
    /// policy, `oom_score_adj`, descriptors that are not close-on-exec. A process that restricts
    /// itself in these ways after its first call should use [`Spawn`](StartMethod::Spawn).
    ///
    /// The environment that this process had at the first call stays readable in the memory of all
    /// clones, and so in `/proc/PID/environ`, including variables that a call or this process has
    /// removed since. To keep a secret from a worker that acts as another user, use `Spawn`.
    ///
    /// Children of one server share their address space layout.
    ///
    /// The image is executed again instead where processes cannot be cloned (a filter on system
    /// calls, a limit on the size of files that leaves no room for a page, a constructor that started
    /// threads), for a thread with a real-time policy, and for a call with a
    /// [`std::process::Stdio`].
    #[default]
    ForkServer,
    /// Executes the program's own image again for each call.
    ///
    /// The image is the one that this process runs, even if its file has been replaced
    /// meanwhile. It costs as much as starting a program, a millisecond or so.
    Spawn,
}

impl StartMethod {
    /// What calls use that do not choose.
    pub(super) fn by_environment() -> Result<StartMethod> {
        match std::env::var_os("MULTIPROC_START_METHOD") {
            None => Ok(StartMethod::default()),
            Some(name) if name == "forkserver" => Ok(StartMethod::ForkServer),
            Some(name) if name == "spawn" => Ok(StartMethod::Spawn),
            Some(other) => Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "the environment variable MULTIPROC_START_METHOD is `{}`, but must be `forkserver` or `spawn`",
                    other.display()
                ),
            )),
        }
    }
}
