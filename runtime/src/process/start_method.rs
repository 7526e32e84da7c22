use crate::error::{Error, ErrorKind, Result};

/// How a process comes to be.
///
/// The default is the fork server, unless the environment variable `MULTIPROC_START_METHOD` says
/// `spawn` (or `forkserver`). [`Call::start_method`](crate::Call::start_method) decides for one call,
/// [`Process::start_method`](crate::Process::start_method) tells what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum StartMethod {
    /// A process that was prepared once is cloned, which is several times faster than starting a
    /// program.
    ///
    /// The first such call starts the *fork server*: the program's own image, executed again and
    /// stopped before `main`. It has one thread and has run none of the program's code but its
    /// constructors, so its clones start clean. They are children of this process, not of the
    /// server, and have this process's current environment, working directory and standard streams.
    ///
    /// What else a process inherits they have from the thread that starts them, as children have that
    /// are executed: CPU affinity, priority, blocked and ignored signals, file mode mask, resource
    /// limits, timer slack. When this process changes its user, groups, capabilities, session,
    /// process group or root directory, and when a thread has a higher priority than the server, a
    /// new server is started, which takes as long as executing the image.
    ///
    /// Some things cannot be compared with each call, and are as they were at the first: control
    /// group, namespaces, filters on system calls and other sandboxes, `securebits`, memory policy,
    /// `oom_score_adj`, descriptors that are not close-on-exec. A process that restricts itself in these ways after its first call should use
    /// [`Spawn`](StartMethod::Spawn).
    ///
    /// The environment that this process had at the first call stays readable in the memory of all
    /// clones, and so in `/proc/PID/environ`, also what a call or this process has removed since. To
    /// keep a secret from a worker that acts as another user, use `Spawn`.
    ///
    /// Children of one server share their address space layout.
    ///
    /// Where processes cannot be cloned (a filter on system calls, a limit on the size of files that
    /// leaves no room for a page, a constructor that started threads), for a thread with a real-time
    /// policy, and for a call with a [`std::process::Stdio`], the image is executed again instead.
    #[default]
    ForkServer,
    /// The program's own image is executed again for each call.
    ///
    /// The image is the one that this process runs, also when its file has been replaced
    /// meanwhile. It costs what starting a program costs, a millisecond or so.
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
