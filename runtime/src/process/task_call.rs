//! A call for a process that exists already: a task of a pool.

use std::sync::Arc;
use std::time::Duration;

use super::call::{Call, Options, not_encoded, place};
use super::launched::LaunchOptions;
use super::member::Setup;
use super::start_method::StartMethod;
use super::task_limits::{Hook, TaskLimits};
use crate::codec::{Content, Output};
use crate::dispatch::{Callee, Entry, ResultCodec};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::Limits;
use crate::sys::fd::OwnedFd;
use crate::transport::EncodedMessage;

/// A [`Call`] for a process that exists already.
#[derive(Debug)]
pub(crate) struct TaskCall<R> {
    pub(crate) entry: &'static Entry,
    pub(crate) arguments: EncodedMessage,
    pub(crate) result: ResultCodec<R>,
    pub(crate) options: TaskOptions,
}

/// What a call says about its run in a pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TaskOptions {
    /// From the task's beginning.
    pub(crate) timeout: Option<Duration>,
    /// How long it may take to stop from then on.
    pub(crate) grace: Option<Duration>,
    /// Whether dropping its handle cancels it.
    pub(crate) kill_on_drop: bool,
    /// How often it is tried again if it is lost.
    pub(crate) retries: Option<u32>,
    /// Its place among those that wait.
    pub(crate) priority: Option<i32>,
    pub(crate) limits: TaskLimits,
}

impl TaskOptions {
    /// These, and the others where these say nothing.
    #[inline]
    pub(crate) fn or(self, others: TaskOptions) -> TaskOptions {
        TaskOptions {
            timeout: self.timeout.or(others.timeout),
            grace: self.grace.or(others.grace),
            kill_on_drop: self.kill_on_drop || others.kill_on_drop,
            retries: self.retries.or(others.retries),
            priority: self.priority.or(others.priority),
            limits: self.limits.or(others.limits),
        }
    }
}

impl<R> Call<'_, R> {
    /// The call that prepares each process of a pool: what it says about the process, and the
    /// task that it is.
    pub(crate) fn into_setup(mut self) -> Result<(Setup, TaskCall<R>)> {
        let task_options = self.task_options();
        let options = *self.options.take().unwrap_or_default();
        options.check_no_task(self.entry.name())?;
        let Options {
            name,
            start_method,
            launch,
            limits,
            before_worker,
            kill_descendants,
            grace: _,
            kill_on_drop: _,
            ignore_interrupts,
            retries: _,
            priority: _,
            output,
            impossible: _,
        } = options;
        if !launch.streams.are_inherited() || output.is_captured {
            let text = "the initializer's call sets standard streams, which would be those of one process: use `PoolBuilder::stdout` and `PoolBuilder::stderr`";
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
            kill_descendants,
            ignore_interrupts,
            stderr_tail: output.stderr_tail,
            ..Setup::default()
        };
        let task = TaskCall {
            options: task_options,
            ..self.into_task()?
        };
        Ok((setup, task))
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
    Ok(Callee::new(entry, place(entry)?))
}

impl<R> Call<'_, R> {
    /// The call as a task of a pool, which has its processes already.
    pub(crate) fn into_task(self) -> Result<TaskCall<R>> {
        let entry = self.entry;
        self.check_for_task()?;
        let mut output = Output::default();
        self.arguments
            .iter()
            .try_for_each(|argument| argument.write(&mut output))
            .map_err(|error| not_encoded(entry, &error))?;
        Ok(TaskCall {
            entry,
            options: self.task_options(),
            arguments: EncodedMessage::new(output).map_err(|error| not_encoded(entry, &error))?,
            result: self.result,
        })
    }

    /// The call as a task among others: appends its arguments to `head`, and to `files`, of which there may be
    /// so many, those that it has in common with others. What does not fit in there is a message of its own.
    #[inline]
    pub(crate) fn write_task(
        &self,
        head: &mut Vec<u8>,
        files: &mut Vec<Arc<OwnedFd>>,
        most_files: usize,
    ) -> Result<Option<EncodedMessage>> {
        self.check_for_task()?;
        let arguments = &self.arguments;
        let mut draft = Draft::new(head, files);
        let written = arguments
            .iter()
            .try_for_each(|it| it.write(&mut draft.output));
        let output = &draft.output;
        if written.is_ok()
            && output.splices.is_empty()
            && output.content() != Content::Handles
            && output.attachments.len() <= most_files
        {
            draft.keep();
            return Ok(None);
        }
        let output = draft.split_off();
        written
            .and_then(|()| EncodedMessage::new(output))
            .map(Some)
            .map_err(|error| not_encoded(self.entry, &error))
    }

    /// Likewise if its arguments are numbers or the like, and nothing is said of it that a task cannot have.
    /// Otherwise it says so, and has written nothing or some of them.
    #[inline]
    pub(crate) fn write_words(&self, head: &mut Vec<u8>) -> bool {
        self.is_plain()
            && self
                .arguments
                .iter()
                .all(|it| it.word().map(|it| it.append_to(head)).is_some())
    }

    /// Whether nothing is to be said of it as a task, but when its time is over.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.options.is_none()
    }

    #[inline]
    pub(crate) fn timeout_of_task(&self) -> Option<Duration> {
        self.timeout
    }

    #[inline]
    pub(crate) fn entry(&self) -> &'static Entry {
        self.entry
    }

    pub(crate) fn task_options(&self) -> TaskOptions {
        let options = self.options.as_deref();
        let limits = |options: &Options| TaskLimits {
            memory: options.limits.memory,
            stack: options.limits.stack,
            nice: options.limits.nice,
            before_worker: options.before_worker.map(Hook),
        };
        TaskOptions {
            timeout: self.timeout,
            grace: options.and_then(|options| options.grace),
            kill_on_drop: options.is_some_and(|options| options.kill_on_drop),
            retries: options.and_then(|options| options.retries),
            priority: options.and_then(|options| options.priority),
            limits: options.map(limits).unwrap_or_default(),
        }
    }

    pub(crate) fn result(&self) -> ResultCodec<R> {
        self.result
    }

    /// Refuses what a process which exists already cannot have.
    pub(super) fn check_for_task(&self) -> Result<()> {
        if let Some(options) = &self.options {
            options.check_possible(self.entry.name())?;
        }
        let Some((what, instead)) = self.wants_own_process() else {
            return Ok(());
        };
        let worker = self.entry.name();
        let text = format!(
            "worker `{worker}` cannot run in a pool: its call asks for {what}, which the processes of a pool have or lack from their start on; use {instead} instead"
        );
        Err(Error::new(ErrorKind::Unsupported, text).with_worker(worker))
    }

    /// What the call asks for that a process which exists already cannot have, and what to use.
    fn wants_own_process(&self) -> Option<(&'static str, &'static str)> {
        let options = self.options.as_ref()?;
        let LaunchOptions {
            environment,
            current_dir,
            streams,
            timeout: _,
        } = &options.launch;
        let Limits {
            memory: _,
            stack: _,
            nice: _,
            cpus,
            groups,
            gid,
            uid,
        } = &options.limits;
        let initializer = "an initializer (`PoolBuilder::initializer`) whose call asks for it";
        [
            (
                !environment.is_empty(),
                "an environment",
                "`PoolBuilder::env` or `PoolBuilder::worker_env`",
            ),
            (current_dir.is_some(), "a working directory", initializer),
            (
                !streams.are_inherited(),
                "standard streams",
                "`PoolBuilder::stdout` and `PoolBuilder::stderr`",
            ),
            (
                cpus.is_some(),
                "a CPU affinity",
                "`PoolBuilder::pin_to_cpus`, or an initializer (`PoolBuilder::initializer`) whose call asks for it,",
            ),
            (
                groups.is_some() || gid.is_some() || uid.is_some(),
                "a user or group",
                initializer,
            ),
            (
                options.start_method.is_some(),
                "a start method",
                "`PoolBuilder::start_method`",
            ),
            (
                options.kill_descendants,
                "the end of what its process starts",
                "`PoolBuilder::kill_descendants`",
            ),
            (
                options.ignore_interrupts,
                "interrupts to be ignored",
                "`PoolBuilder::ignore_interrupts`",
            ),
            (
                options.output.stderr_tail.is_some(),
                "the last of its standard error",
                "`PoolBuilder::stderr_tail`",
            ),
            (
                options.output.is_captured,
                "its output to be captured",
                "`PoolBuilder::stdout` and `PoolBuilder::stderr`",
            ),
        ]
        .into_iter()
        .find_map(|(is_wanted, what, instead)| is_wanted.then_some((what, instead)))
    }
}

/// Arguments that are being written behind those of other tasks, which get their buffers back in any case.
struct Draft<'b, 'e> {
    output: Output<'e>,
    head: &'b mut Vec<u8>,
    files: &'b mut Vec<Arc<OwnedFd>>,
    /// How much of both is to stay.
    kept: (usize, usize),
}

impl<'b, 'e> Draft<'b, 'e> {
    #[inline]
    fn new(head: &'b mut Vec<u8>, files: &'b mut Vec<Arc<OwnedFd>>) -> Draft<'b, 'e> {
        Draft {
            kept: (head.len(), files.len()),
            output: Output::among(std::mem::take(head), std::mem::take(files)),
            head,
            files,
        }
    }

    /// Leaves what was written where it is.
    fn keep(&mut self) {
        self.kept = (self.output.head.len(), self.output.attachments.len());
    }

    /// Takes what was written out again. Attachments are counted as they were.
    fn split_off(mut self) -> Output<'e> {
        let (head, files) = self.kept;
        let arguments = self.output.head.split_off(head);
        let others = self.output.attachments[..files].to_vec();
        let mut output = std::mem::take(&mut self.output);
        self.output.head = std::mem::replace(&mut output.head, arguments);
        self.output.attachments = others;
        if output.content() == Content::Data {
            output.attachments.clear();
        }
        output
    }
}

impl Drop for Draft<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        let (head, files) = self.kept;
        self.output.head.truncate(head);
        self.output.attachments.truncate(files);
        *self.head = std::mem::take(&mut self.output.head);
        *self.files = std::mem::take(&mut self.output.attachments);
    }
}
