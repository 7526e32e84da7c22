//! What a call says about its process.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use super::call::{Call, Options};
use super::environment::Change;
use super::start_method::StartMethod;
use super::stdio::Stdio;

impl<R> Call<'_, R> {
    /// Names the process, for [`Process::name`](crate::Process::name), [`current`](crate::current) and tools such as
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
    /// then gives [`TimedOut`](crate::ErrorKind::TimedOut). With a [`grace`](Call::grace) it is asked to stop
    /// first.
    ///
    /// The time includes sending the arguments and starting the process. A process whose time is over is
    /// first asked where it is, which the [error tells](crate::Error::backtrace), and killed when it has
    /// told, or a tenth of a second later.
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
    /// error is [`Signaled`](crate::ErrorKind::Signaled). Its text mentions the limit if the thread that
    /// crashed had just been refused memory. A handler for the signals of a crash (such as `SIGSEGV`)
    /// finds that out; where the worker installs its own, the limit is not mentioned. The arguments
    /// count, since they are decoded under the limit. In a pool, it holds for [one
    /// task](crate::Pool::submit).
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
    /// builds. In a pool, it is that of [one task](crate::Pool::submit).
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
    /// (`CAP_SYS_NICE`). In a pool, it is added for [one task](crate::Pool::submit).
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
    /// what it sets. For a task of a pool, it runs on the thread of the tasks, [once in each
    /// process](crate::Pool::submit).
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

    pub(super) fn options(&mut self) -> &mut Options {
        self.options.get_or_insert_default()
    }
}
