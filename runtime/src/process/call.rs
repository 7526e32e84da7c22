use std::borrow::Cow;
use std::fmt;
use std::io;
use std::time::Duration;

use super::capture::Captured;
use super::family;
use super::handle::Process;
use super::launch::Launching;
use super::launched::{LaunchOptions, Launched, function, lineage};
use super::memory_limit::MemoryLimit;
use super::relay::Relayed;
use super::start_method::StartMethod;
use super::stdio::OutputOptions;
use super::watch::TimeLimit;
use super::{fork_server, spawn_refusal};
use crate::codec::{self, Output};
use crate::dispatch::{Argument, ArgumentList, Callee, Defaults, Entry, EntryId, ResultCodec};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::protocol::{Header, Request};
use crate::records::{self, Audience};
use crate::sys::fd::AsFd;
use crate::sys::lineage::Lineage;
use crate::sys::{deadline, image};
use crate::trace;
use crate::transport::{Limit, is_gone};

/// A worker bound to its arguments, not yet started.
///
/// Returned by the `call` function beside each [`worker`](macro@crate::worker). The methods
/// configure the process, as those of [`std::process::Command`] do; [`spawn`](Call::spawn)
/// and [`run`](Call::run) start it.
///
/// # Examples
///
/// ```
/// use multiproc::worker;
/// use std::time::Duration;
///
/// #[worker]
/// fn language() -> Option<String> {
///     std::env::var("LANG").ok()
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let language = language::call()
///     .name("translator")
///     .env("LANG", "eo")
///     .timeout(Duration::from_secs(10))
///     .run()?;
/// assert_eq!(language.as_deref(), Some("eo"));
/// # Ok(())
/// # }
/// ```
///
/// # Caveats
///
/// * Arguments are encoded when the call is started, not when it is made.
/// * The parent enforces timeouts: while it is stopped (`SIGSTOP`), nothing is killed.
/// * The kernel enforces a memory limit for a single process: each process that the worker starts
///   has the same limit for itself.
/// * [`uid`](Call::uid), [`gid`](Call::gid) and [`groups`](Call::groups) take effect after the
///   child's constructors have run. Descriptors that the child has stay open.
#[must_use = "a call does nothing until it is started"]
pub struct Call<'a, R> {
    pub(super) entry: &'static Entry,
    pub(super) arguments: ArgumentList<'a>,
    pub(super) result: ResultCodec<R>,
    pub(super) timeout: Option<Duration>,
    /// Of the many small calls that a pool is given, none has any.
    pub(super) options: Option<Box<Options>>,
}

/// What a call says about its process.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) name: Option<String>,
    pub(super) start_method: Option<StartMethod>,
    pub(super) launch: LaunchOptions,
    pub(super) limits: Limits,
    pub(super) before_worker: Option<fn()>,
    pub(super) kill_descendants: bool,
    /// How long it may take to stop when its timeout is over.
    pub(super) grace: Option<Duration>,
    pub(super) kill_on_drop: bool,
    pub(super) ignore_interrupts: bool,
    /// How often it may be tried again, as a task.
    pub(super) retries: Option<u32>,
    /// Its place among tasks that wait.
    pub(super) priority: Option<i32>,
    pub(super) output: OutputOptions,
    /// Why it cannot run in any process.
    pub(super) impossible: Option<Cow<'static, str>>,
}

impl Options {
    /// Refuses what is said of a task, where there is none.
    pub(super) fn check_no_task(&self, worker: &str) -> Result<()> {
        let what = match (self.retries, self.priority) {
            (Some(_), _) => "retries",
            (None, Some(_)) => "priority",
            (None, None) => return Ok(()),
        };
        let text = format!(
            "worker `{worker}` cannot have the option `{what}` here: it is one of tasks, which are submitted to a `Pool`"
        );
        Err(Error::new(ErrorKind::Unsupported, text).with_worker(worker))
    }

    /// Refuses what no process can run.
    pub(super) fn check_possible(&self, worker: &str) -> Result<()> {
        match &self.impossible {
            Some(reason) => Err(impossible(worker, reason).with_worker(worker)),
            None => Ok(()),
        }
    }
}

/// What generated code calls.
#[inline]
pub fn bind<'a, R, const N: usize>(
    entry: &'static Entry,
    arguments: [Argument<'a>; N],
    result: ResultCodec<R>,
) -> Call<'a, R> {
    let defaults = entry.defaults();
    Call {
        entry,
        arguments: arguments.into(),
        result,
        timeout: defaults.timeout,
        options: (!defaults.are_plain()).then(|| own_options(defaults)),
    }
}

/// What a worker's own options say of its process.
#[cold]
fn own_options(defaults: &Defaults) -> Box<Options> {
    let Defaults {
        timeout: _,
        memory,
        stack,
        nice,
        before_worker,
    } = *defaults;
    Box::new(Options {
        limits: Limits {
            memory,
            stack,
            nice,
            ..Limits::default()
        },
        before_worker,
        ..Options::default()
    })
}

impl<R> Call<'_, R> {
    /// Starts the process.
    ///
    /// Returns when the process has been started and its arguments are on their way: short ones
    /// wait in the connection, and of long ones (above 128 KiB or so) the process has received nearly
    /// all.
    ///
    /// # Errors
    ///
    /// * [`Encode`](ErrorKind::Encode): an argument cannot be turned into a message. Nothing was
    ///   started.
    /// * [`Spawn`](ErrorKind::Spawn): the operating system refused, for example because the
    ///   working directory does not exist or the process has too many open files; or the call asks
    ///   for something impossible, such as the user `u32::MAX`.
    /// * [`Unsupported`](ErrorKind::Unsupported): this code is in a shared library, or runs
    ///   before `main`; or the call has options of tasks: [`retries`](Call::retries),
    ///   [`priority`](Call::priority).
    ///
    /// Failures of the worker are reported by the [`Process`], even if it dies before it has
    /// received its arguments.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    ///
    /// #[worker]
    /// fn square(x: u64) -> u64 {
    ///     x * x
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let process = square::call(7).name("squarer").spawn()?;
    /// println!("{} has the id {}", process.name(), process.id());
    /// assert_eq!(process.join()?, 49);
    /// # Ok(())
    /// # }
    /// ```
    pub fn spawn(self) -> Result<Process<R>> {
        let Call {
            entry,
            arguments,
            result,
            timeout,
            options,
        } = self;
        let options = *options.unwrap_or_default();
        options.check_no_task(entry.name())?;
        options.check_possible(entry.name())?;
        let Options {
            name,
            start_method,
            mut launch,
            limits,
            before_worker,
            kill_descendants,
            grace,
            kill_on_drop,
            ignore_interrupts,
            retries: _,
            priority: _,
            output,
            impossible: _,
        } = options;
        let worker = entry.name();
        let about_worker = |error: Error| error.with_worker(worker);
        let place = place(entry).map_err(about_worker)?;
        let start_method = match start_method {
            Some(start_method) => start_method,
            None => StartMethod::by_environment().map_err(about_worker)?,
        };
        let at = timeout.and_then(deadline::after);
        launch.timeout = at.map(|at| TimeLimit {
            at,
            grace: grace.unwrap_or_default(),
        });
        let name = name.unwrap_or_else(|| entry.process_name());
        let before_worker = before_worker.map(function).transpose();
        let before_worker = before_worker.map_err(about_worker)?;
        let lineage = kill_descendants.then(lineage).transpose();
        let lineage = lineage.map_err(about_worker)?;
        let environment = match start_method {
            StartMethod::ForkServer => launch.environment.for_clone(),
            StartMethod::Spawn => None,
        };
        let failed = |error| {
            let text = format!("cannot start a process for worker `{worker}`");
            Error::not_started(&text, error).with_worker(worker)
        };
        let captured = if output.is_captured {
            Captured::begin(&mut launch.streams).map_err(failed)?
        } else {
            None
        };
        let (stderr_tail, parent_end) = match output.stderr_tail {
            Some(_) if launch.streams.stderr.is_opaque() => return Err(not_kept(worker)),
            Some(bytes) => {
                let (relayed, parent_end) =
                    Relayed::new(&mut launch.streams, bytes, None, captured.is_some())
                        .map_err(failed)?;
                (Some(relayed), parent_end)
            }
            None => (None, None),
        };
        let launching = Launching::begin(start_method, launch, &limits).map_err(failed)?;
        let (memory_limit, exhaustion) = MemoryLimit::of(&limits).unzip();
        let (logs, invitation) = records::invite(Audience::default()).map_err(failed)?;
        let header = Header {
            name: name.clone(),
            parent: std::process::id(),
            environment,
            inheritance: launching.differences(),
            before_worker,
            limits,
            exhaustion,
            worker_index: None,
            lineage,
            ignore_interrupts,
            logs: invitation,
            family: family::for_child(),
        };
        let callee = Callee::new(entry, place);
        let request =
            request(&header, &callee, &arguments).map_err(|error| not_encoded(entry, &error))?;
        let mut launched =
            start(worker, request, launching, lineage, stderr_tail).map_err(failed)?;
        launched.streams.stderr = parent_end.or(launched.streams.stderr);
        // What was handed over is gone from here, and some receivers wait for that.
        drop(arguments);
        launched
            .child
            .set_logs(logs.start(&name, launched.child.id()));
        launched
            .child
            .assign(name, worker, entry.is_service(), memory_limit);
        fork_server::replenish();
        Ok(Process::launched(launched, result, kill_on_drop, captured))
    }
    /// Starts the process and waits for its result, as [`spawn`](Call::spawn) and
    /// [`join`](Process::join) do.
    ///
    /// # Errors
    ///
    /// As [`spawn`](Call::spawn) and [`join`](Process::join).
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    ///
    /// #[worker]
    /// fn square(x: u64) -> u64 {
    ///     x * x
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// assert_eq!(square::call(7).nice(1).run()?, 49);
    /// # Ok(())
    /// # }
    /// ```
    pub fn run(self) -> Result<R> {
        self.spawn()?.join()
    }

    /// The name of the worker.
    pub(crate) fn worker_name(&self) -> &'static str {
        self.entry.name()
    }

    /// Notes that the function is part of a library that was loaded: no other process has it.
    pub(crate) fn of_a_library(mut self) -> Self {
        self.options().impossible = Some(Cow::Borrowed(OF_A_LIBRARY));
        self
    }

    /// Notes that no process can run it, for this reason.
    pub(crate) fn impossible(mut self, reason: String) -> Self {
        self.options().impossible = Some(Cow::Owned(reason));
        self
    }
}

pub(super) fn not_encoded(entry: &Entry, error: &codec::Error) -> Error {
    let worker = entry.name();
    let text = format!("worker `{worker}`: its arguments cannot be encoded: {error}");
    Error::new(ErrorKind::Encode, text).with_worker(worker)
}

fn not_kept(worker: &str) -> Error {
    let text = format!(
        "worker `{worker}` cannot have the option `stderr_tail` with this standard error: it is a `std::process::Stdio`, which cannot be looked into; use `multiproc::Stdio`, a file or the end of a pipe"
    );
    Error::new(ErrorKind::Unsupported, text).with_worker(worker)
}

const OF_A_LIBRARY: &str = "it is part of a shared library, and a new process runs the program, which may not have the library";

/// The entry's place, if the program can be executed again to run it.
pub(super) fn place(entry: &'static Entry) -> Result<EntryId> {
    let reason = if !image::contains(std::ptr::from_ref(entry.base()).cast()) {
        OF_A_LIBRARY
    } else if let Some(reason) = spawn_refusal() {
        reason
    } else {
        match entry.place() {
            Some(place) => return Ok(place),
            None => "it is not in the program's registry",
        }
    };
    Err(impossible(entry.name(), reason))
}

fn impossible(worker: &str, reason: &str) -> Error {
    let text = format!("worker `{worker}` cannot run in a process: {reason}");
    Error::new(ErrorKind::Unsupported, text)
}

fn request<'e>(
    header: &Header,
    callee: &Callee,
    arguments: &'e [Argument<'_>],
) -> Result<Output<'e>, codec::Error> {
    let mut out = Output::new(Request::Call as u8);
    out.write(header)?;
    out.write(callee)?;
    // The arguments may have been written before.
    out.begin_anew();
    arguments
        .iter()
        .try_for_each(|argument| argument.write(&mut out))?;
    Ok(out)
}

/// Launches a child and sends it the request.
fn start(
    worker: &str,
    request: Output<'_>,
    launching: Launching,
    lineage: Option<Lineage>,
    stderr_tail: Option<Relayed>,
) -> io::Result<Launched> {
    let launched = launching.finish()?;
    if let Some(stderr_tail) = stderr_tail {
        launched.child.set_stderr_tail(stderr_tail);
    }
    if let Some(lineage) = lineage {
        launched.child.set_lineage(lineage);
    }
    let pidfd = &launched.child.pidfd;
    trace::process_started(pidfd.id(), worker);
    if pidfd.is_reaped() {
        // Its end came before.
        trace::process_ended(pidfd.id(), None);
    }
    let limit = Limit::until(None).while_alive(launched.child.pidfd.as_fd());
    match launched.sender.send_within(request, limit) {
        Ok(()) => Ok(launched),
        // The child is gone already: how, its end will tell.
        Err(error) if is_gone(&error) => Ok(launched),
        Err(error) => {
            launched.child.pidfd.kill();
            Err(error)
        }
    }
}

impl<R> fmt::Debug for Call<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Call {
            entry,
            arguments,
            result: _,
            timeout,
            options,
        } = self;
        f.debug_struct("Call")
            .field("worker", &entry.name())
            .field("arguments", &arguments.len())
            .field("timeout", timeout)
            .field("options", options)
            .finish()
    }
}
