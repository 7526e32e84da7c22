//! What a pool's processes find around them: environment, streams, CPUs.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::builder::PoolBuilder;
use crate::process::Stdio;

impl PoolBuilder {
    /// Sets an environment variable of all processes.
    ///
    /// The processes inherit the environment that the program has when they are started. These
    /// variables go over those, and over those of the [initializer](PoolBuilder::initializer)'s call. Of
    /// variables that are read when a program is executed, [`Call::env`](crate::Call::env) tells.
    ///
    /// # Errors
    ///
    /// A name that is empty or contains `=`, and a zero byte in the name or the value, are an error of
    /// [`build`](PoolBuilder::build).
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    ///
    /// #[worker]
    /// fn language() -> Option<String> {
    ///     std::env::var("LANG").ok()
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(1).env("LANG", "eo").build()?;
    /// assert_eq!(pool.submit(language::call()).wait()?.as_deref(), Some("eo"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let (key, value) = (key.as_ref().to_owned(), value.as_ref().to_owned());
        self.recipe.variables.push((key, value));
        self
    }

    /// Sets environment variables of each process by its
    /// [index](crate::Current::worker_index). They go over those of [`env`](PoolBuilder::env).
    ///
    /// The function is called each time that a process is started, by any thread. If it panics, that
    /// process cannot be started.
    ///
    /// # Errors
    ///
    /// As [`env`](PoolBuilder::env), for the processes that [`build`](PoolBuilder::build) starts.
    ///
    /// # Examples
    ///
    /// A device for each worker:
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    ///
    /// #[worker]
    /// fn device() -> (Option<usize>, String) {
    ///     let index = multiproc::current().unwrap().worker_index();
    ///     (index, std::env::var("CUDA_VISIBLE_DEVICES").unwrap())
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder()
    ///     .workers(2)
    ///     .worker_env(|index| [("CUDA_VISIBLE_DEVICES", index)])
    ///     .build()?;
    /// let (index, device) = pool.submit(device::call()).wait()?;
    /// assert_eq!(device, index.unwrap().to_string());
    /// # Ok(())
    /// # }
    /// ```
    pub fn worker_env<I, K, V, F>(mut self, variables: F) -> Self
    where
        F: Fn(usize) -> I + Send + Sync + 'static,
        I: IntoIterator<Item = (K, V)>,
        K: AsRef<OsStr>,
        V: EnvValue,
    {
        self.recipe.worker_variables = Some(Box::new(move |index| {
            let variables = variables(index).into_iter();
            let own = |(key, value): (K, V)| (key.as_ref().to_owned(), value.into_os_string());
            variables.map(own).collect()
        }));
        self
    }

    /// Connects the standard output of all processes. The default is the program's own.
    ///
    /// Each process gets a duplicate, also one that replaces another. The pool keeps its own until it is
    /// over: who reads the other end of a pipe sees its end then. What several workers write at once can
    /// be mixed, as that of threads can; up to 4096 bytes written at once to a pipe stay together.
    ///
    /// # Errors
    ///
    /// [`Stdio::piped`] and a [`std::process::Stdio`] are an error of [`build`](PoolBuilder::build):
    /// they are for one process.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    ///
    /// #[worker]
    /// fn greet(name: &str) {
    ///     println!("Hello, {name}!");
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (reader, writer) = std::io::pipe()?;
    /// let pool = Pool::builder().workers(2).stdout(writer).build()?;
    /// pool.submit(greet::call("Alice")).wait()?;
    /// pool.submit(greet::call("Bob")).wait()?;
    /// pool.shutdown()?;
    /// assert_eq!(std::io::read_to_string(reader)?, "Hello, Alice!\nHello, Bob!\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.recipe.stdout = Some(Arc::new(stdout.into()));
        self
    }

    /// Connects the standard error of all processes, as [`stdout`](PoolBuilder::stdout) does the
    /// standard output.
    ///
    /// # Errors
    ///
    /// As [`stdout`](PoolBuilder::stdout).
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, Stdio, worker};
    ///
    /// #[worker]
    /// fn fail() {
    ///     panic!("the message is in the error");
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(1).stderr(Stdio::null()).build()?;
    /// let error = pool.submit(fail::call()).wait().unwrap_err();
    /// assert_eq!(error.panic().unwrap().message(), "the message is in the error");
    /// # Ok(())
    /// # }
    /// ```
    pub fn stderr(mut self, stderr: impl Into<Stdio>) -> Self {
        self.recipe.stderr = Some(Arc::new(stderr.into()));
        self
    }

    /// Keeps the last of what each process writes to its standard error, so many bytes of it, as
    /// [`Call::stderr_tail`](crate::Call::stderr_tail) does. A task whose process dies has it in its error, without what was
    /// written before that task began.
    ///
    /// That is exact for what the tasks write themselves. What threads or processes write that an earlier
    /// task has left behind counts for the task that runs meanwhile. A task that panics or returns an error
    /// leaves its process alive, and has no such text. 0 keeps nothing, which is the default.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    ///
    /// #[worker]
    /// fn decode(frame: u32) -> u32 {
    ///     eprintln!("frame {frame}");
    ///     if frame == 2 {
    ///         std::process::abort();
    ///     }
    ///     frame
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(1).stderr_tail(1000).build()?;
    /// let results: Vec<_> = pool.map(decode::call, 1..4).collect();
    /// let error = results[1].as_ref().unwrap_err();
    /// assert_eq!(error.stderr_tail(), Some("frame 2\n"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn stderr_tail(mut self, bytes: usize) -> Self {
        self.recipe.stderr_tail = (bytes > 0).then_some(bytes);
        self
    }

    /// Kills all that a worker has started when its process ends, as [`Call::kill_descendants`](crate::Call::kill_descendants) does for a
    /// process of its own.
    ///
    /// What a task starts lives as long as its worker, which runs other tasks: it is not killed when the
    /// task is done, but when the worker dies, is replaced or leaves. The end of the pool waits for that.
    ///
    /// # Errors
    ///
    /// As [`Call::kill_descendants`](crate::Call::kill_descendants), of [`build`](PoolBuilder::build).
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{ErrorKind, Pool, worker};
    /// use std::process::Command;
    /// use std::time::Duration;
    ///
    /// #[worker]
    /// fn convert(program: &str) -> bool {
    ///     let status = Command::new(program).arg("1000").status();
    ///     status.is_ok_and(|status| status.success())
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().workers(1).kill_descendants().build()?;
    /// let task = pool.submit(convert::call("sleep").timeout(Duration::from_millis(100)));
    /// assert_eq!(task.wait().unwrap_err().kind(), ErrorKind::TimedOut);
    /// drop(pool);
    /// // No `sleep` is left.
    /// # Ok(())
    /// # }
    /// ```
    pub fn kill_descendants(mut self) -> Self {
        self.recipe.kill_descendants = true;
        self
    }

    /// Pins each process to one CPU: the worker with index `i` to the `i`th of those that the calling
    /// thread of [`build`](PoolBuilder::build) may use, or that the initializer's call
    /// [names](crate::Call::cpu_affinity).
    ///
    /// If there are fewer CPUs than workers, it begins again with the first, and workers share CPUs.
    ///
    /// # Examples
    ///
    /// ```
    /// use multiproc::{Pool, worker};
    ///
    /// #[worker]
    /// fn cpus() -> usize {
    ///     std::thread::available_parallelism().unwrap().into()
    /// }
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let pool = Pool::builder().pin_to_cpus().build()?;
    /// assert_eq!(pool.submit(cpus::call()).wait()?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn pin_to_cpus(mut self) -> Self {
        self.pin_to_cpus = true;
        self
    }
}

/// A type that can be the value of an environment variable: a string, a path, or an integer, which is
/// written in decimal.
///
/// # Examples
///
/// ```
/// use multiproc::Pool;
///
/// let pool = Pool::builder()
///     .workers(1)
///     .worker_env(|index| [("SHARD", index)])
///     .build()?;
/// # drop(pool);
/// let pool = Pool::builder()
///     .workers(1)
///     .worker_env(|index| [("SHARD", format!("shard-{index}"))])
///     .build()?;
/// # drop(pool);
/// # Ok::<(), multiproc::Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of an environment variable",
    note = "use a string, a path or an integer"
)]
pub trait EnvValue {
    /// The value.
    #[doc(hidden)]
    fn into_os_string(self) -> OsString;
}

macro_rules! text {
    ($($type:ty)*) => {$(
        impl EnvValue for $type {
            fn into_os_string(self) -> OsString {
                self.into()
            }
        }
    )*};
}

text! { &str String &String OsString &OsStr &OsString PathBuf &Path &PathBuf }

impl EnvValue for Cow<'_, str> {
    fn into_os_string(self) -> OsString {
        self.into_owned().into()
    }
}

macro_rules! number {
    ($($type:ty)*) => {$(
        impl EnvValue for $type {
            fn into_os_string(self) -> OsString {
                self.to_string().into()
            }
        }
    )*};
}

number! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }
