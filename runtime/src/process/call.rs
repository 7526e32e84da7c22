use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use super::environment::Change;
use super::handle::Process;
use super::launch::Launching;
use super::launched::{LaunchOptions, Launched, function};
use super::member::Setup;
use super::memory_limit::MemoryLimit;
use super::start_method::StartMethod;
use super::stdio::Stdio;
use super::{fork_server, spawn_refusal};
use crate::codec::{self, Output};
use crate::dispatch::{Argument, Callee, Defaults, Entry, EntryId, ResultCodec};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::protocol::{Header, Request};
use crate::sys::fd::AsFd;
use crate::sys::image;
use crate::transport::{EncodedMessage, Limit, is_gone};

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
    entry: &'static Entry,
    arguments: Vec<Argument<'a>>,
    result: ResultCodec<R>,
    timeout: Option<Duration>,
    /// Of the many small calls that a pool is given, none has any.
    options: Option<Box<Options>>,
}

/// What a call says about its process.
#[derive(Debug, Default)]
struct Options {
    name: Option<String>,
    start_method: Option<StartMethod>,
    launch: LaunchOptions,
    limits: Limits,
    before_worker: Option<fn()>,
}

/// What generated code calls.
pub fn bind<'a, R>(
    entry: &'static Entry,
    arguments: Vec<Argument<'a>>,
    result: ResultCodec<R>,
) -> Call<'a, R> {
    let Defaults {
        timeout,
        memory,
        stack,
        nice,
        before_worker,
    } = entry.defaults();
    let is_plain = memory.is_none() && stack.is_none() && nice.is_none() && before_worker.is_none();
    let options = || Options {
        limits: Limits {
            memory,
            stack,
            nice,
            ..Limits::default()
        },
        before_worker,
        ..Options::default()
    };
    Call {
        entry,
        arguments,
        result,
        timeout,
        options: (!is_plain).then(|| Box::new(options())),
    }
}

impl<R> Call<'_, R> {
    /// Names the process, for [`Process::name`], [`current`](crate::current) and tools such as
    /// `ps`. The default is the worker's name.
    ///
    /// # Examples
    ///
    /// ```
    /// # use multiproc::worker;
    /// # #[worker]
    /// # fn work() {}
    /// # fn main() -> multiproc::Result<()> {
    /// let process = work::call().name("converter").spawn()?;
    /// assert_eq!(process.name(), "converter");
    /// # process.join()
    /// # }
    /// ```
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.options().name = Some(name.into());
        self
    }

    /// Sets an environment variable of the process.
    ///
    /// The process inherits the environment that the parent has when it is started.
    ///
    /// Some variables are read when a program is executed, before any of its code runs: the dynamic
    /// loader reads those that begin with `LD_`, glibc's allocator reads `GLIBC_TUNABLES` and those
    /// that begin with `MALLOC_`, and constructors of C and C++ libraries read others, such as
    /// `OMP_NUM_THREADS`. A process of the [fork server](StartMethod::ForkServer) was executed before
    /// it had this call's environment: set such variables together with [`StartMethod::Spawn`].
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    ///
    /// #[worker]
    /// fn language() -> Option<String> {
    ///     std::env::var("LANG").ok()
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// assert_eq!(language::call().env("LANG", "eo").run()?.as_deref(), Some("eo"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let change = Change::Set(key.as_ref().to_owned(), value.as_ref().to_owned());
        self.options().launch.environment.push(change);
        self
    }

    /// Removes an environment variable that the process would inherit or that was set before.
    ///
    /// # Examples
    ///
    /// ```
    /// # use multiproc::worker;
    /// # #[worker]
    /// # fn path() -> Option<String> {
    /// #     std::env::var("PATH").ok()
    /// # }
    /// # fn main() -> multiproc::Result<()> {
    /// assert_eq!(path::call().env_remove("PATH").run()?, None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn env_remove(mut self, key: impl AsRef<OsStr>) -> Self {
        self.options()
            .launch
            .environment
            .push(Change::Remove(key.as_ref().to_owned()));
        self
    }

    /// Removes all environment variables, inherited ones and those set before.
    ///
    /// This does not keep secrets from the worker, which may still find them in its memory: see
    /// [`StartMethod::ForkServer`].
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    ///
    /// #[worker]
    /// fn variable(name: &str) -> Option<String> {
    ///     std::env::var(name).ok()
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// assert_eq!(variable::call("PATH").env_clear().run()?, None);
    /// let call = variable::call("LANG").env_clear().env("LANG", "C");
    /// assert_eq!(call.run()?.as_deref(), Some("C"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn env_clear(mut self) -> Self {
        self.options().launch.environment.push(Change::Clear);
        self
    }

    /// Sets the directory that the process starts in. The default is the parent's.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    /// use std::path::{Path, PathBuf};
    ///
    /// #[worker]
    /// fn directory() -> PathBuf {
    ///     std::env::current_dir().unwrap()
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// assert_eq!(directory::call().current_dir("/").run()?, Path::new("/"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn current_dir(mut self, directory: impl AsRef<Path>) -> Self {
        self.options().launch.current_dir = Some(directory.as_ref().to_owned());
        self
    }

    /// Connects the standard input. The default is the parent's own.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Stdio, worker};
    ///
    /// #[worker]
    /// fn read_all() -> String {
    ///     std::io::read_to_string(std::io::stdin()).unwrap()
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// assert_eq!(read_all::call().stdin(Stdio::null()).run()?, "");
    /// # Ok(())
    /// # }
    /// ```
    pub fn stdin(mut self, stdin: impl Into<Stdio>) -> Self {
        self.options().launch.streams.stdin = stdin.into();
        self
    }

    /// Connects the standard output. The default is the parent's own.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    /// use std::fs::{self, File};
    ///
    /// #[worker]
    /// fn greet(name: &str) {
    ///     println!("Hello, {name}!");
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let path = std::env::temp_dir().join(format!("greeting-{}", std::process::id()));
    /// greet::call("Alice").stdout(File::create(&path)?).run()?;
    /// assert_eq!(fs::read_to_string(&path)?, "Hello, Alice!\n");
    /// # fs::remove_file(&path)?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.options().launch.streams.stdout = stdout.into();
        self
    }

    /// Connects the standard error. The default is the parent's own.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Stdio, worker};
    ///
    /// #[worker]
    /// fn fail() {
    ///     panic!("the message is in the error");
    /// }
    ///
    /// # fn main() {
    /// let error = fail::call().stderr(Stdio::null()).run().unwrap_err();
    /// assert_eq!(error.panic().unwrap().message(), "the message is in the error");
    /// # }
    /// ```
    pub fn stderr(mut self, stderr: impl Into<Stdio>) -> Self {
        self.options().launch.streams.stderr = stderr.into();
        self
    }

    /// Kills the process if it has not ended after this time, counted from its start. Joining it
    /// then gives [`TimedOut`](ErrorKind::TimedOut).
    ///
    /// The time includes sending the arguments and starting the process.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{ErrorKind, worker};
    /// use std::time::Duration;
    ///
    /// #[worker]
    /// fn search_for_ever() {
    ///     loop {
    ///         std::thread::park();
    ///     }
    /// }
    ///
    /// # fn main() {
    /// let call = search_for_ever::call().timeout(Duration::from_millis(50));
    /// assert_eq!(call.run().unwrap_err().kind(), ErrorKind::TimedOut);
    /// # }
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Limits the private memory of the process, in bytes: what it allocates, its stacks, the
    /// program's own writable data (`RLIMIT_DATA`). Memory shared with other processes does not
    /// count.
    ///
    /// When a worker asks for more, the allocation fails, and most code aborts, as Rust's does: the
    /// error is [`Signaled`](ErrorKind::Signaled). Its text mentions the limit if the thread that
    /// crashed had just been refused memory. A handler for the signals of a crash (such as `SIGSEGV`)
    /// finds that out; where the worker installs its own, the limit is not mentioned. The arguments
    /// count, since they are decoded under the limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{ErrorKind, worker};
    ///
    /// #[worker]
    /// fn allocate(bytes: usize) -> usize {
    ///     vec![1_u8; bytes].len()
    /// }
    ///
    /// # fn main() {
    /// let error = allocate::call(1 << 30).memory_limit(256 << 20).run().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Signaled);
    /// # }
    /// ```
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.options().limits.memory = Some(bytes);
        self
    }

    /// Sets the size of the worker's stack in bytes. The default is 8 MiB, or the value of the
    /// environment variable `RUST_MIN_STACK`.
    ///
    /// The arguments are read on it, too. The most deeply nested ones can take a megabyte, in debug
    /// builds.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    ///
    /// #[worker]
    /// fn depth(levels: u32) -> u32 {
    ///     if levels == 0 { 0 } else { 1 + std::hint::black_box(depth(levels - 1)) }
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// assert_eq!(depth::call(100_000).stack_size(128 << 20).run()?, 100_000);
    /// # Ok(())
    /// # }
    /// ```
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.options().limits.stack = Some(bytes);
        self
    }

    /// Adds to the niceness of the process: from 1, for a little less CPU time than others, to 19,
    /// for only the time that no other process wants. A negative value requires a privilege
    /// (`CAP_SYS_NICE`).
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    ///
    /// #[worker]
    /// fn compress(data: &[u8]) -> Vec<u8> {
    ///     data.to_vec() // for lack of a library
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let compressed = compress::call(b"text").nice(10).run()?;
    /// assert_eq!(compressed, b"text");
    /// # Ok(())
    /// # }
    /// ```
    pub fn nice(mut self, increment: i32) -> Self {
        self.options().limits.nice = Some(increment);
        self
    }

    /// Restricts the process to these CPUs, by number.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    ///
    /// #[worker]
    /// fn cpus() -> usize {
    ///     std::thread::available_parallelism().unwrap().into()
    /// }
    ///
    /// # fn main() {
    /// match cpus::call().cpu_affinity([0]).run() {
    ///     Ok(cpus) => assert_eq!(cpus, 1),
    ///     // A container may not have the CPU.
    ///     Err(error) => println!("{error}"),
    /// }
    /// # }
    /// ```
    pub fn cpu_affinity(mut self, cpus: impl IntoIterator<Item = usize>) -> Self {
        self.options().limits.cpus = Some(cpus.into_iter().collect());
        self
    }

    /// Lets the process act as this user. Requires root or `CAP_SETUID`.
    ///
    /// A process that thereby stops being root has no supplementary groups, unless
    /// [`groups`](Call::groups) names some. Its group stays what it is unless [`gid`](Call::gid)
    /// changes it.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    /// use std::os::unix::fs::MetadataExt;
    ///
    /// #[worker]
    /// fn user() -> u32 {
    ///     std::fs::metadata("/proc/self").unwrap().uid()
    /// }
    ///
    /// # fn main() {
    /// match user::call().uid(65534).gid(65534).run() {
    ///     Ok(id) => assert_eq!(id, 65534),
    ///     Err(error) => println!("{error}"), // not root
    /// }
    /// # }
    /// ```
    pub fn uid(mut self, id: u32) -> Self {
        self.options().limits.uid = Some(id);
        self
    }

    /// Lets the process act as this group. Requires root or `CAP_SETGID`.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    /// use std::os::unix::fs::MetadataExt;
    ///
    /// #[worker]
    /// fn group() -> u32 {
    ///     std::fs::metadata("/proc/self").unwrap().gid()
    /// }
    ///
    /// # fn main() {
    /// match group::call().gid(65534).run() {
    ///     Ok(id) => assert_eq!(id, 65534),
    ///     Err(error) => println!("{error}"), // not root
    /// }
    /// # }
    /// ```
    pub fn gid(mut self, id: u32) -> Self {
        self.options().limits.gid = Some(id);
        self
    }

    /// Sets the supplementary groups of the process. Requires root or `CAP_SETGID`.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    ///
    /// #[worker]
    /// fn status() -> String {
    ///     std::fs::read_to_string("/proc/self/status").unwrap()
    /// }
    ///
    /// # fn main() {
    /// match status::call().groups([7, 8]).run() {
    ///     Ok(status) => assert!(status.contains("Groups:\t7 8")),
    ///     Err(error) => println!("{error}"), // not root
    /// }
    /// # }
    /// ```
    pub fn groups(mut self, ids: impl IntoIterator<Item = u32>) -> Self {
        self.options().limits.groups = Some(ids.into_iter().collect());
        self
    }

    /// Runs a function in the process before the arguments are decoded, after the
    /// [start-up functions](macro@crate::startup): to sandbox the process (Landlock, seccomp)
    /// before it sees data from outside. If the function panics, the worker counts as panicked.
    ///
    /// It runs on the first thread of the process, before the worker's is started, and both keep
    /// what it sets.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::worker;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    ///
    /// static SANDBOXED: AtomicBool = AtomicBool::new(false);
    ///
    /// fn enter_sandbox() {
    ///     SANDBOXED.store(true, Ordering::Relaxed); // and system calls that restrict the process
    /// }
    ///
    /// #[worker]
    /// fn parse(text: &str) -> usize {
    ///     assert!(SANDBOXED.load(Ordering::Relaxed));
    ///     text.len()
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// assert_eq!(parse::call("from outside").before_worker(enter_sandbox).run()?, 12);
    /// # Ok(())
    /// # }
    /// ```
    pub fn before_worker(mut self, hook: fn()) -> Self {
        self.options().before_worker = Some(hook);
        self
    }

    /// Sets how the process is created.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{StartMethod, worker};
    ///
    /// #[worker]
    /// fn work() {}
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let process = work::call().start_method(StartMethod::Spawn).spawn()?;
    /// assert_eq!(process.start_method(), StartMethod::Spawn);
    /// # process.join()
    /// # }
    /// ```
    pub fn start_method(mut self, start_method: StartMethod) -> Self {
        self.options().start_method = Some(start_method);
        self
    }

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
    ///   before `main`.
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
        let Options {
            name,
            start_method,
            mut launch,
            limits,
            before_worker,
        } = *options.unwrap_or_default();
        let worker = entry.name();
        let about_worker = |error: Error| error.with_worker(worker);
        let place = place(entry).map_err(about_worker)?;
        let start_method = match start_method {
            Some(start_method) => start_method,
            None => StartMethod::by_environment().map_err(about_worker)?,
        };
        launch.timeout = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let name = name.unwrap_or_else(|| worker.to_owned());
        let before_worker = before_worker.map(function).transpose();
        let before_worker = before_worker.map_err(about_worker)?;
        let environment = match start_method {
            StartMethod::ForkServer => launch.environment.for_clone(),
            StartMethod::Spawn => None,
        };
        let failed = |error| {
            let text = format!("cannot start a process for worker `{worker}`");
            Error::not_started(&text, error).with_worker(worker)
        };
        let launching = Launching::begin(start_method, launch, &limits).map_err(failed)?;
        let (memory_limit, exhaustion) = MemoryLimit::of(&limits).unzip();
        let header = Header {
            name: name.clone(),
            parent: std::process::id(),
            environment,
            inheritance: launching.differences(),
            before_worker,
            limits,
            exhaustion,
        };
        let callee = Callee {
            place,
            path: entry.path(),
        };
        let request =
            request(&header, &callee, &arguments).map_err(|error| not_encoded(entry, &error))?;
        let launched = start(request, launching).map_err(failed)?;
        // What was handed over is gone from here, and some receivers wait for that.
        drop(arguments);
        launched.child.assign(name, worker, memory_limit);
        fork_server::replenish();
        Ok(Process::new(launched, result))
    }

    /// The call as a task of a pool, which has its processes already.
    pub(crate) fn into_task(self) -> Result<TaskCall<R>> {
        let entry = self.entry;
        if let Some(what) = self.wants_own_process() {
            return Err(self.refusal(what));
        }
        let mut output = Output::default();
        self.arguments
            .iter()
            .try_for_each(|argument| argument.write(&mut output))
            .map_err(|error| not_encoded(entry, &error))?;
        Ok(TaskCall {
            entry,
            arguments: EncodedMessage::new(output).map_err(|error| not_encoded(entry, &error))?,
            result: self.result,
            timeout: self.timeout,
        })
    }

    /// The call as a task among others: appends its arguments to `head`. What does not fit in
    /// there is a message of its own.
    pub(crate) fn write_task(&self, head: &mut Vec<u8>) -> Result<Option<EncodedMessage>> {
        if let Some(what) = self.wants_own_process() {
            return Err(self.refusal(what));
        }
        let start = head.len();
        let mut output = Output::after(std::mem::take(head));
        let arguments = &self.arguments;
        let write = AssertUnwindSafe(|| arguments.iter().try_for_each(|it| it.write(&mut output)));
        let written = catch_unwind(write).unwrap_or_else(|panic| {
            // What stood there is another task's.
            output.head.truncate(start);
            *head = std::mem::take(&mut output.head);
            resume_unwind(panic)
        });
        if written.is_err() || !output.splices.is_empty() || !output.attachments.is_empty() {
            let arguments = output.head.split_off(start);
            *head = std::mem::take(&mut output.head);
            written.map_err(|error| not_encoded(self.entry, &error))?;
            output.head = arguments;
            let message =
                EncodedMessage::new(output).map_err(|error| not_encoded(self.entry, &error))?;
            return Ok(Some(message));
        }
        *head = output.head;
        Ok(None)
    }

    pub(crate) fn entry(&self) -> &'static Entry {
        self.entry
    }

    pub(crate) fn task_timeout(&self) -> Option<Duration> {
        self.timeout
    }

    pub(crate) fn result(&self) -> ResultCodec<R> {
        self.result
    }

    fn options(&mut self) -> &mut Options {
        self.options.get_or_insert_default()
    }

    fn refusal(&self, what: &str) -> Error {
        let worker = self.entry.name();
        let text = format!(
            "worker `{worker}` cannot run in a pool: its call asks for {what}, which can only be chosen for a process of its own, or for all processes of a pool"
        );
        Error::new(ErrorKind::Unsupported, text).with_worker(worker)
    }

    /// What the call asks for that a process which exists already cannot have.
    fn wants_own_process(&self) -> Option<&'static str> {
        let options = self.options.as_ref()?;
        let LaunchOptions {
            environment,
            current_dir,
            streams,
            timeout: _,
        } = &options.launch;
        let Limits {
            memory,
            stack,
            nice,
            cpus,
            groups,
            gid,
            uid,
        } = &options.limits;
        [
            (!environment.is_empty(), "an environment"),
            (current_dir.is_some(), "a working directory"),
            (!streams.are_inherited(), "standard streams"),
            (memory.is_some(), "a memory limit"),
            (stack.is_some(), "a stack size"),
            (nice.is_some(), "a niceness"),
            (cpus.is_some(), "a CPU affinity"),
            (
                groups.is_some() || gid.is_some() || uid.is_some(),
                "a user or group",
            ),
            (
                options.before_worker.is_some(),
                "a function to run before the worker",
            ),
            (options.start_method.is_some(), "a start method"),
        ]
        .into_iter()
        .find_map(|(wanted, what)| wanted.then_some(what))
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
}

/// A [`Call`] for a process that exists already.
#[derive(Debug)]
pub(crate) struct TaskCall<R> {
    pub(crate) entry: &'static Entry,
    pub(crate) arguments: EncodedMessage,
    pub(crate) result: ResultCodec<R>,
    pub(crate) timeout: Option<Duration>,
}

impl<R> Call<'static, R> {
    /// The call that prepares each process of a pool: what it says about the process, and the
    /// task that it is.
    pub(crate) fn into_setup(mut self) -> Result<(Setup, TaskCall<R>)> {
        let Options {
            name,
            start_method,
            launch,
            limits,
            before_worker,
        } = *self.options.take().unwrap_or_default();
        if !launch.streams.are_inherited() {
            let text = "the initializer's call sets standard streams, which the processes of a pool cannot share";
            return Err(Error::new(ErrorKind::Unsupported, text).with_worker(self.entry.name()));
        }
        let setup = Setup {
            name: name.unwrap_or_default(),
            start_method: match start_method {
                Some(start_method) => start_method,
                None => StartMethod::by_environment()?,
            },
            limits,
            environment: launch.environment,
            current_dir: launch.current_dir,
            before_worker,
        };
        Ok((setup, self.into_task()?))
    }
}

impl Setup {
    /// What there is without a call.
    pub(crate) fn new() -> Result<Setup> {
        Ok(Setup {
            start_method: StartMethod::by_environment()?,
            ..Setup::default()
        })
    }
}

/// The name of a worker for a process of a pool.
pub(crate) fn callee(entry: &'static Entry) -> Result<Callee> {
    Ok(Callee {
        place: place(entry)?,
        path: entry.path(),
    })
}

fn not_encoded(entry: &Entry, error: &codec::Error) -> Error {
    let worker = entry.name();
    let text = format!("worker `{worker}`: its arguments cannot be encoded: {error}");
    Error::new(ErrorKind::Encode, text).with_worker(worker)
}

/// The entry's place, if the program can be executed again to run it.
fn place(entry: &'static Entry) -> Result<EntryId> {
    let reason = if !image::contains(std::ptr::from_ref(entry).cast()) {
        "it is part of a shared library, and a new process runs the program, which may not have the library"
    } else if let Some(reason) = spawn_refusal() {
        reason
    } else {
        match entry.place() {
            Some(place) => return Ok(place),
            None => "it is not in the program's registry",
        }
    };
    Err(Error::new(
        ErrorKind::Unsupported,
        format!(
            "worker `{}` cannot run in a process: {reason}",
            entry.name()
        ),
    ))
}

fn request<'e>(
    header: &Header,
    callee: &Callee,
    arguments: &'e [Argument<'_>],
) -> Result<Output<'e>, codec::Error> {
    let mut out = Output::new(Request::Call as u8);
    out.write(header)?;
    out.write(callee)?;
    arguments
        .iter()
        .try_for_each(|argument| argument.write(&mut out))?;
    Ok(out)
}

/// Launches a child and sends it the request.
fn start(request: Output<'_>, launching: Launching) -> io::Result<Launched> {
    let launched = launching.finish()?;
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
