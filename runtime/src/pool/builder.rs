//! What a pool is to be like.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::load::QueueLimits;
use super::recipe::Recipe;
use super::retry_delay::RetryDelay;
use super::scheduler::Policy;
use super::settings::{Settings, floor};
use crate::error::{Error, ErrorKind, Result};
use crate::process::TaskOptions;
use crate::sys::scheduling;
use crate::trace::Trace;

/// A configuration of a [`Pool`](crate::Pool), from which [`build`](PoolBuilder::build) creates
/// one. Returned by [`Pool::builder`](crate::Pool::builder).
///
/// # Examples
///
/// ```
/// use multiproc::{Pool, worker};
/// use std::time::Duration;
///
/// #[worker]
/// fn parse(text: &str) -> Option<u32> {
///     text.parse().ok()
/// }
///
/// # fn main() -> multiproc::Result<()> {
/// let pool = Pool::builder()
///     .workers(2)
///     .name("parser")
///     .task_timeout(Duration::from_secs(10))
///     .max_tasks_per_worker(1000)
///     .build()?;
/// assert_eq!(pool.submit(parse::call("7")).wait()?, Some(7));
/// # Ok(())
/// # }
/// ```
#[must_use = "a builder does nothing until it builds"]
pub struct PoolBuilder {
    pub(super) workers: Option<usize>,
    pub(super) min_workers: Option<usize>,
    pub(super) recipe: Recipe,
    /// Why the initializer's call cannot be one.
    pub(super) refusal: Option<Error>,
    pub(super) pin_to_cpus: bool,
    pub(super) max_tasks: Option<u64>,
    pub(super) max_memory: Option<u64>,
    pub(super) task_timeout: Option<Duration>,
    pub(super) idle_timeout: Option<Duration>,
    pub(super) retries: u32,
    pub(super) trace: Option<PathBuf>,
    pub(super) task_grace: Option<Duration>,
    pub(super) queue_limits: QueueLimits,
    pub(super) retry_delay: Option<Duration>,
}

impl PoolBuilder {
    pub(super) fn new() -> PoolBuilder {
        PoolBuilder {
            workers: None,
            min_workers: None,
            recipe: Recipe::default(),
            refusal: None,
            pin_to_cpus: false,
            max_tasks: None,
            max_memory: None,
            task_timeout: None,
            idle_timeout: None,
            retries: 0,
            trace: None,
            task_grace: None,
            queue_limits: QueueLimits::default(),
            retry_delay: None,
        }
    }

    /// What all this amounts to, and the trace file, which is made.
    pub(super) fn settings(mut self) -> Result<(Settings, Recipe, Option<Trace>)> {
        let unsupported = |text: &str| Error::new(ErrorKind::Unsupported, text);
        if self.workers == Some(0) {
            return Err(unsupported("a pool needs at least one worker, not 0"));
        }
        if self.max_tasks == Some(0) {
            return Err(unsupported(
                "a worker of a pool must do at least one task before it is replaced, not 0",
            ));
        }
        if self.queue_limits.tasks == Some(0) {
            return Err(unsupported(
                "a pool needs a queue in which at least one task can wait, not 0",
            ));
        }
        let workers = match self.workers {
            Some(workers) => workers,
            None => std::thread::available_parallelism().map_or(1, usize::from),
        };
        if let Some(refusal) = self.refusal {
            return Err(refusal);
        }
        if self.pin_to_cpus {
            let cpus = scheduling::cpus().map_err(|error| {
                Error::not_started("the CPUs that the program may use are not known", error)
            })?;
            self.recipe.cpus = Some(cpus);
        }
        self.recipe.check()?;
        let name = self.recipe.name();
        let trace = self.trace.map(|path| {
            Trace::create(&path, name).map_err(|error| {
                let text = format!("cannot write the trace {}", path.display());
                Error::new(ErrorKind::Spawn, text).with_source(error)
            })
        });
        let staying = self.idle_timeout.map(|_| self.min_workers.unwrap_or(1));
        let retry_delay = self.retry_delay.filter(|first| !first.is_zero());
        let retry_delay = retry_delay.map(RetryDelay::new);
        let settings = Settings {
            name: name.to_owned(),
            policy: Policy {
                workers,
                floor: floor(workers, staying),
                max_tasks: self.max_tasks,
                retries: self.retries,
                holds_back: retry_delay.is_some(),
            },
            max_memory: self.max_memory,
            task_options: TaskOptions {
                timeout: self.task_timeout,
                grace: self.task_grace,
                ..TaskOptions::default()
            },
            idle_timeout: self.idle_timeout,
            staying,
            retry_delay,
            queue_limits: self.queue_limits,
        };
        Ok((settings, self.recipe, trace.transpose()?))
    }
}

impl fmt::Debug for PoolBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PoolBuilder {
            workers,
            min_workers,
            recipe,
            refusal,
            pin_to_cpus,
            max_tasks,
            max_memory,
            task_timeout,
            idle_timeout,
            retries,
            trace,
            task_grace,
            queue_limits,
            retry_delay,
        } = self;
        f.debug_struct("PoolBuilder")
            .field("workers", workers)
            .field("min_workers", min_workers)
            .field("recipe", recipe)
            .field("refusal", refusal)
            .field("pin_to_cpus", pin_to_cpus)
            .field("max_tasks", max_tasks)
            .field("max_memory", max_memory)
            .field("task_timeout", task_timeout)
            .field("idle_timeout", idle_timeout)
            .field("retries", retries)
            .field("trace", trace)
            .field("task_grace", task_grace)
            .field("queue_limit", &queue_limits.tasks)
            .field("queue_memory", &queue_limits.bytes)
            .field("retry_delay", retry_delay)
            .finish()
    }
}
