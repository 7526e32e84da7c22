//! What does not change in the life of a pool.

use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::Duration;

use super::files::Lent;
use super::load::QueueLimits;
use super::name::Name;
use super::outcome::Outcome;
use super::retry_delay::RetryDelay;
use super::scheduler::Policy;
use super::wire::{Terms, task_message};
use crate::error::{Error, ErrorKind, Result};
use crate::process::{Call, Setup, Subject, TaskLimits, TaskOptions};
use crate::transport::EncodedMessage;

/// What does not change in the life of a pool, but for its size, and holds nothing open.
#[derive(Debug)]
pub(super) struct Settings {
    pub(super) name: String,
    pub(super) policy: Policy,
    pub(super) max_memory: Option<u64>,
    /// Where a task's call says nothing.
    pub(super) task_options: TaskOptions,
    pub(super) idle_timeout: Option<Duration>,
    /// How many workers stay when there is nothing to do; all, if it is not said.
    pub(super) staying: Option<usize>,
    /// How long a lost task waits before it is tried again.
    pub(super) retry_delay: Option<RetryDelay>,
    pub(super) queue_limits: QueueLimits,
}

/// How many of the workers of a pool stay when there is nothing to do.
pub(super) fn floor(workers: usize, staying: Option<usize>) -> usize {
    staying.map_or(workers, |staying| staying.min(workers))
}

/// A type that an initializer may return: `()`, or a `Result` whose error implements [`Display`].
///
/// # Examples
///
/// ```
/// use multiproc::{Pool, worker};
///
/// #[worker]
/// fn prepare() -> Result<(), String> {
///     Err("no licence".into())
/// }
///
/// #[worker]
/// fn work() {}
///
/// # fn main() -> multiproc::Result<()> {
/// let pool = Pool::builder().workers(1).initializer(prepare::call()).build()?;
/// let error = pool.submit(work::call()).wait().unwrap_err();
/// assert!(error.to_string().contains("no licence"));
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "an initializer cannot return `{Self}`",
    note = "let it return nothing, or a `Result` whose error implements `Display`, such as `multiproc::RemoteError`"
)]
pub trait Initialized {
    /// Why the worker is of no use.
    #[doc(hidden)]
    fn failure(&self) -> Option<String>;
}

impl Initialized for () {
    fn failure(&self) -> Option<String> {
        None
    }
}

impl<T, E: Display> Initialized for Result<T, E> {
    fn failure(&self) -> Option<String> {
        self.as_ref().err().map(ToString::to_string)
    }
}

/// The task that each worker runs first.
pub(super) struct Initializer {
    pub(super) worker: &'static str,
    name: Name,
    arguments: EncodedMessage,
    pub(super) timeout: Option<Duration>,
    pub(super) judge: Judge,
}

/// Whether an outcome is a success. User code is called.
pub(super) type Judge = Arc<dyn Fn(Outcome) -> Result<()> + Send + Sync>;

impl Initializer {
    /// The message for a worker that is to run it.
    pub(super) fn message(&self, round: u16, lent: &mut Lent) -> EncodedMessage {
        let terms = Terms {
            name: &self.name,
            round,
            is_timed: true,
        };
        task_message(terms, &self.arguments, lent)
    }
}

impl Initializer {
    pub(super) fn new<R: Initialized + 'static>(call: Call<'_, R>) -> Result<(Setup, Initializer)> {
        let (setup, task) = call.into_setup()?;
        let (entry, codec) = (task.entry, task.result);
        let judge = move |outcome: Outcome| {
            let judged = outcome
                .resolve(Subject::Worker(entry.name()), &codec)
                .and_then(|value| {
                    let Some(reason) = value.failure() else {
                        return Ok(());
                    };
                    let text = format!("worker `{}` returned an error: {reason}", entry.name());
                    Err(Error::new(ErrorKind::Spawn, text))
                });
            judged.map_err(|error| {
                let mut failure = Error::new(error.kind(), "the pool's initializer failed")
                    .with_worker(entry.name())
                    .with_exit_status(error.exit_status());
                if let Some(panic) = error.panic() {
                    failure = failure.with_panic(panic.clone());
                }
                failure.with_source(error)
            })
        };
        let initializer = Initializer {
            worker: entry.name(),
            name: Name::new(entry, &TaskLimits::default())?,
            arguments: task.arguments,
            timeout: task.options.timeout,
            judge: Arc::new(judge),
        };
        Ok((setup, initializer))
    }
}

impl fmt::Debug for Initializer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Initializer")
            .field("worker", &self.worker)
            .finish_non_exhaustive()
    }
}
