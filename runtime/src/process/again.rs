//! A call that is made several times: the processes of a service.

use std::io;
use std::time::Duration;

use super::call::{Call, Options};
use super::launched::LaunchOptions;
use super::stdio::Streams;
use crate::dispatch::{Argument, Entry, ResultCodec};
use crate::error::{Error, ErrorKind, Result};

/// What calls of a worker say of their processes, without arguments.
#[derive(Debug)]
pub(crate) struct CallTemplate {
    entry: &'static Entry,
    timeout: Option<Duration>,
    options: Option<Box<Options>>,
}

impl CallTemplate {
    /// What this call says. Its arguments do not count.
    pub(crate) fn of<R>(call: Call<'_, R>) -> CallTemplate {
        CallTemplate {
            entry: call.entry,
            timeout: call.timeout,
            options: call.options,
        }
    }

    /// Refuses what only one process can have.
    pub(crate) fn check_repeatable(&self, what: &str) -> Result<()> {
        let Some(options) = &self.options else {
            return Ok(());
        };
        let Streams {
            stdin,
            stdout,
            stderr,
        } = &options.launch.streams;
        for (name, stream) in [("stdin", stdin), ("stdout", stdout), ("stderr", stderr)] {
            if let Some(reason) = stream.is_for_one() {
                let text = format!("the {name} of {what} cannot be {reason}");
                return Err(Error::new(ErrorKind::Unsupported, text));
            }
        }
        Ok(())
    }

    /// A call on these arguments, for one more process.
    ///
    /// # Errors
    ///
    /// Descriptors ran out.
    pub(crate) fn call<R>(
        &self,
        arguments: Vec<Argument<'static>>,
        result: ResultCodec<R>,
    ) -> io::Result<Call<'static, R>> {
        let options = match &self.options {
            Some(options) => Some(Box::new(options.duplicate()?)),
            None => None,
        };
        Ok(Call {
            entry: self.entry,
            arguments: arguments.into(),
            result,
            timeout: self.timeout,
            options,
        })
    }
}

impl Options {
    fn duplicate(&self) -> io::Result<Options> {
        let LaunchOptions {
            environment,
            current_dir,
            streams,
            timeout,
        } = &self.launch;
        Ok(Options {
            name: self.name.clone(),
            start_method: self.start_method,
            launch: LaunchOptions {
                environment: environment.clone(),
                current_dir: current_dir.clone(),
                streams: Streams {
                    stdin: streams.stdin.duplicate()?,
                    stdout: streams.stdout.duplicate()?,
                    stderr: streams.stderr.duplicate()?,
                },
                timeout: *timeout,
            },
            limits: self.limits.clone(),
            before_worker: self.before_worker,
            kill_descendants: self.kill_descendants,
            grace: self.grace,
            kill_on_drop: self.kill_on_drop,
            ignore_interrupts: self.ignore_interrupts,
            retries: self.retries,
            priority: self.priority,
            output: self.output,
            impossible: self.impossible.clone(),
        })
    }
}
