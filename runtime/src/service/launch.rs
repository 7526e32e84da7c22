//! A service that was not started yet.

use std::ffi::OsStr;
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::client::{Client, ServiceClient};
use super::handle::Service;
use super::supervisor::{Recipe, Restarts, Supervisor};
use super::wire::Order;
use crate::codec::Output;
use crate::dispatch::{Argument, Entry, result};
use crate::error::{Error, ErrorKind, Result};
use crate::process::{Call, CallTemplate, StartMethod, Stdio, bind};
use crate::transport::{self, EncodedMessage};

/// How long a constructor may take, unless [`Launch::startup_timeout`] says otherwise.
const STARTUP: Duration = Duration::from_secs(60);

/// A service bound to the arguments of its constructor, not started yet. Returned by the constructors of
/// a client, which [`service`](macro@crate::service) makes.
///
/// The options are those of a [`Call`], and say what each process of the service is like.
///
/// # Examples
///
/// ```
/// use multiproc::service;
/// use std::time::Duration;
///
/// struct Index(Vec<String>);
///
/// #[service]
/// impl Index {
///     fn open(words: &[String]) -> Self {
///         Index(words.to_vec())
///     }
///
///     fn contains(&self, word: &str) -> bool {
///         self.0.iter().any(|known| known == word)
///     }
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let index = IndexClient::open(&["cat".into(), "dog".into()])
///     .memory_limit(1 << 30)
///     .restarts(3, Duration::from_secs(60))
///     .spawn()?;
/// assert!(index.contains("dog").run()?);
/// # Ok(())
/// # }
/// ```
#[must_use = "a service does nothing until it is spawned"]
pub struct Launch<'a, C> {
    /// The options. Its arguments come when there is a process.
    call: Call<'static, ()>,
    constructor: u16,
    arguments: Vec<Argument<'a>>,
    queue: usize,
    restarts: Restarts,
    startup_timeout: Option<Duration>,
    client: PhantomData<fn() -> C>,
}

/// Binds a constructor to its arguments.
pub fn launch<'call, C: ServiceClient>(
    entry: &'static Entry,
    constructor: u16,
    queue: u32,
    arguments: Vec<Argument<'call>>,
) -> Launch<'call, C> {
    Launch {
        call: bind(entry, [], result::<()>()),
        constructor,
        arguments,
        queue: usize::try_from(queue).unwrap_or(usize::MAX),
        restarts: Restarts::default(),
        startup_timeout: Some(STARTUP),
        client: PhantomData,
    }
}

impl<C: ServiceClient> Launch<'_, C> {
    /// Starts a process, has the object made in it, and waits for that.
    ///
    /// # Errors
    ///
    /// No process could be started, an argument of the constructor could not be encoded, the constructor
    /// returned an error ([`Returned`](ErrorKind::Returned)) or `None`, the process died in it, or it took
    /// longer than the [startup timeout](Launch::startup_timeout).
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::path::Path;
    /// # struct Journal(String);
    /// # #[multiproc::service]
    /// # impl Journal {
    /// #     fn open(path: &Path) -> std::io::Result<Self> { std::fs::read_to_string(path).map(Journal) }
    /// #     fn text(&self) -> String { self.0.clone() }
    /// # }
    /// use multiproc::ErrorKind;
    ///
    /// let error = JournalClient::open(Path::new("/no such file")).spawn().unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Returned);
    /// assert!(error.to_string().contains("No such file or directory"));
    /// ```
    pub fn spawn(self) -> Result<Service<C>> {
        let service = self.call.worker_name();
        let template = CallTemplate::of(self.call);
        template.check_repeatable(&format!("service `{service}`"))?;
        let mut order = Output::after(vec![Order::Construct as u8]);
        order.head.extend(self.constructor.to_ne_bytes());
        let mut arguments = self.arguments.iter();
        let written = arguments.try_for_each(|argument| argument.write(&mut order));
        let order = written.and_then(|()| EncodedMessage::new(order));
        let order = order.map_err(|error| {
            let text =
                format!("cannot encode an argument of the constructor of service `{service}`");
            Error::new(ErrorKind::Encode, text).with_source(error)
        })?;
        let recipe = Recipe {
            template,
            service,
            construct: order,
            queue: self.queue,
            restarts: self.restarts,
            startup_timeout: self.startup_timeout,
        };
        let failed = |error| {
            let text = format!("cannot start service `{service}`");
            Error::not_started(&text, error).with_worker(service)
        };
        transport::warm_up().map_err(failed)?;
        let (door, inside) = transport::nonblocking_pair().map_err(failed)?;
        let client = Client::behind(Arc::new(door)).map_err(failed)?;
        Ok(Service::new(client, Supervisor::start(recipe, inside)?))
    }
}

impl<C> Launch<'_, C> {
    /// Makes the object anew when its process has died: up to `count` times within any `window`. By default
    /// it is never.
    ///
    /// The constructor runs again, on the same arguments. Requests that were not begun go to the new
    /// object; the one that was begun has failed. A constructor that fails, again, is tried again after a
    /// pause that grows from a twentieth of a second to five seconds; each time counts. When there were
    /// too many, the service ends, with the error of the last process.
    ///
    /// A service that [ends in good order](Service::shutdown) is not started again.
    ///
    /// # Examples
    ///
    /// ```
    /// # struct Picky;
    /// # #[multiproc::service]
    /// # impl Picky {
    /// #     fn new() -> Self { Picky }
    /// #     fn check(&self, number: u8) -> u8 { assert!(number != 13, "unlucky"); number }
    /// # }
    /// use std::time::Duration;
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let picky = PickyClient::new().restarts(5, Duration::from_secs(60)).spawn()?;
    /// let error = picky.check(13).run().unwrap_err();
    /// assert_eq!(error.panic().unwrap().message(), "unlucky");
    /// assert_eq!(picky.check(14).run()?, 14);
    /// # Ok(())
    /// # }
    /// ```
    pub fn restarts(mut self, count: usize, window: Duration) -> Self {
        self.restarts = Restarts { count, window };
        self
    }

    /// Ends the process if its constructor has not made the object within this time. By default it is a
    /// minute.
    ///
    /// # Examples
    ///
    /// ```
    /// # struct Model;
    /// # #[multiproc::service]
    /// # impl Model {
    /// #     fn load() -> Self { Model }
    /// #     fn predict(&self, input: f64) -> f64 { input }
    /// # }
    /// use std::time::Duration;
    ///
    /// # fn main() -> multiproc::Result<()> {
    /// let model = ModelClient::load().startup_timeout(Duration::from_secs(600)).spawn()?;
    /// assert_eq!(model.predict(1.5).run()?, 1.5);
    /// # Ok(())
    /// # }
    /// ```
    pub fn startup_timeout(mut self, timeout: Duration) -> Self {
        self.startup_timeout = Some(timeout);
        self
    }
}

macro_rules! options_of_call {
    ($($(#[$attribute:meta])* $name:ident($($argument:ident: $type:ty),*);)*) => {
        impl<C> Launch<'_, C> {$(
            $(#[$attribute])*
            ///
            /// # Examples
            ///
            /// See [`Launch`].
            pub fn $name(mut self, $($argument: $type),*) -> Self {
                self.call = self.call.$name($($argument),*);
                self
            }
        )*}
    };
}

options_of_call! {
    /// Sets the name of the process: see [`Call::name`]. By default it is that of the type.
    name(name: impl Into<String>);
    /// Sets an environment variable: see [`Call::env`].
    env(key: impl AsRef<OsStr>, value: impl AsRef<OsStr>);
    /// Removes an environment variable: see [`Call::env_remove`].
    env_remove(key: impl AsRef<OsStr>);
    /// Removes all environment variables: see [`Call::env_clear`].
    env_clear();
    /// Sets the working directory: see [`Call::current_dir`].
    current_dir(directory: impl AsRef<Path>);
    /// Sets the standard input: see [`Call::stdin`]. It cannot be piped.
    stdin(stdin: impl Into<Stdio>);
    /// Sets the standard output: see [`Call::stdout`]. It cannot be piped.
    stdout(stdout: impl Into<Stdio>);
    /// Sets the standard error: see [`Call::stderr`]. It cannot be piped.
    stderr(stderr: impl Into<Stdio>);
    /// Limits the memory of the process: see [`Call::memory_limit`].
    memory_limit(bytes: u64);
    /// Sets the size of the stack on which requests run: see [`Call::stack_size`].
    stack_size(bytes: usize);
    /// Lowers the priority of the process: see [`Call::nice`].
    nice(increment: i32);
    /// Restricts the process to some CPUs: see [`Call::cpu_affinity`].
    cpu_affinity(cpus: impl IntoIterator<Item = usize>);
    /// Sets the user of the process: see [`Call::uid`].
    uid(id: u32);
    /// Sets the group of the process: see [`Call::gid`].
    gid(id: u32);
    /// Sets the supplementary groups of the process: see [`Call::groups`].
    groups(ids: impl IntoIterator<Item = u32>);
    /// Runs a function before the constructor: see [`Call::before_worker`].
    before_worker(hook: fn());
    /// Sets how the process is started: see [`Call::start_method`].
    start_method(start_method: StartMethod);
    /// Keeps Ctrl-C from the process: see [`Call::ignore_interrupts`].
    ignore_interrupts();
    /// Ends all that the process has started with it: see [`Call::kill_descendants`].
    kill_descendants();
    /// Keeps the last of what the process writes to its standard error, for errors: see
    /// [`Call::stderr_tail`].
    stderr_tail(bytes: usize);
    /// Has what the process prints captured by a test harness: see [`Call::capture_output`].
    capture_output(captures: bool);
}

impl<C> fmt::Debug for Launch<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Launch")
            .field("service", &self.call.worker_name())
            .field("arguments", &self.arguments.len())
            .field("restarts", &self.restarts)
            .field("startup_timeout", &self.startup_timeout)
            .finish_non_exhaustive()
    }
}
