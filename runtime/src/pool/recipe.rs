//! How each worker of a pool is made.

use std::any::Any;
use std::ffi::OsString;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::settings::Initializer;
use crate::error::{Error, ErrorKind, Result};
use crate::foreign::forget_panic;
use crate::process::{Setup, StartMethod, Stdio};
use crate::records::Audience;

/// How each worker of a pool is made: what its processes are to be like, and what they run first.
///
/// It is kept until the pool is over and not longer: arguments, streams and what functions capture
/// may hold something open for which other code waits.
#[derive(Default)]
pub(super) struct Recipe {
    pub(super) name: Option<String>,
    pub(super) start_method: Option<StartMethod>,
    pub(super) memory_limit: Option<u64>,
    pub(super) ignore_interrupts: bool,
    /// Variables of all workers, in the order in which they were set.
    pub(super) variables: Vec<(OsString, OsString)>,
    pub(super) worker_variables: Option<WorkerVariables>,
    pub(super) stdout: Option<Arc<Stdio>>,
    pub(super) stderr: Option<Arc<Stdio>>,
    pub(super) kill_descendants: bool,
    /// How much is kept of what each writes to its standard error.
    pub(super) stderr_tail: Option<usize>,
    /// The CPUs that are shared out, by number.
    pub(super) cpus: Option<Vec<usize>>,
    pub(super) initializer: InitializerSource,
    /// Who is told of what they log: the one of who makes the pool.
    pub(super) audience: Audience,
}

/// The variables of the worker with this index.
pub(super) type WorkerVariables = Box<dyn Fn(usize) -> Vec<(OsString, OsString)> + Send + Sync>;

/// The initializer of the worker with this index.
pub(super) type BindInitializer = dyn Fn(usize) -> Result<(Setup, Initializer)> + Send + Sync;

/// Where the initializer of a worker is from.
#[derive(Default)]
pub(super) enum InitializerSource {
    #[default]
    None,
    /// All workers have this one.
    Same(Box<Setup>, Arc<Initializer>),
    Each(Box<BindInitializer>),
}

impl Recipe {
    /// What the worker with this index is to be like, and its initializer. User code runs.
    pub(super) fn of(&self, index: usize) -> Result<(Setup, Option<Arc<Initializer>>)> {
        let (mut setup, initializer) = match &self.initializer {
            InitializerSource::None => (Setup::new()?, None),
            InitializerSource::Same(setup, initializer) => {
                (Setup::clone(setup), Some(Arc::clone(initializer)))
            }
            InitializerSource::Each(bind) => {
                let bound = call("initializer_with", index, || bind(index))?;
                let (setup, initializer) = bound?;
                (setup, Some(Arc::new(initializer)))
            }
        };
        if let Some(start_method) = self.start_method {
            setup.start_method = start_method;
        }
        match &self.name {
            Some(name) => setup.name.clone_from(name),
            None if setup.name.is_empty() => "pool".clone_into(&mut setup.name),
            None => {}
        }
        setup.ignore_interrupts |= self.ignore_interrupts;
        setup.limits.memory = self.memory_limit.or(setup.limits.memory);
        setup.stdout.clone_from(&self.stdout);
        setup.stderr.clone_from(&self.stderr);
        setup.kill_descendants |= self.kill_descendants;
        setup.stderr_tail = self.stderr_tail.or(setup.stderr_tail);
        setup.audience.clone_from(&self.audience);
        if let Some(cpus) = &self.cpus {
            let cpus = setup.limits.cpus.as_ref().unwrap_or(cpus);
            let cpu = cpus.get(index % cpus.len().max(1)).copied();
            setup.limits.cpus = cpu.map(|cpu| vec![cpu]).or(setup.limits.cpus);
        }
        let worker_variables = match &self.worker_variables {
            Some(variables) => call("worker_env", index, || variables(index))?,
            None => Vec::new(),
        };
        for (name, value) in self.variables.iter().cloned().chain(worker_variables) {
            setup.set_variable(name, value);
        }
        setup.check()?;
        Ok((setup, initializer))
    }

    /// The name of the processes, as far as it does not depend on the worker.
    pub(super) fn name(&self) -> &str {
        match (&self.name, &self.initializer) {
            (Some(name), _) => name,
            (None, InitializerSource::Same(setup, _)) if !setup.name.is_empty() => &setup.name,
            _ => "pool",
        }
    }

    /// Refuses what is wrong for each worker, as far as that can be told before one is started.
    pub(super) fn check(&self) -> Result<()> {
        for (what, stream) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if let Some(reason) = stream.as_ref().and_then(|stream| stream.is_for_one()) {
                let text = format!("the `{what}` of a pool's workers cannot be {reason}");
                return Err(Error::new(ErrorKind::Unsupported, text));
            }
        }
        if let InitializerSource::Each(_) = self.initializer {
            return Ok(());
        }
        let fixed = Recipe {
            worker_variables: None,
            initializer: InitializerSource::None,
            name: Some(self.name().to_owned()),
            start_method: self.start_method,
            variables: self.variables.clone(),
            ..Recipe::default()
        };
        fixed.of(0).map(drop)
    }
}

/// Calls a function that the builder was given.
fn call<T>(method: &str, index: usize, function: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(function)).map_err(|payload| {
        let said = message(&*payload).map_or_else(String::new, |message| format!(": {message}"));
        forget_panic(Err(payload));
        let text = format!(
            "the function given to `PoolBuilder::{method}` panicked for the worker with index {index}{said}"
        );
        Error::new(ErrorKind::Spawn, text)
    })
}

fn message(payload: &(dyn Any + Send)) -> Option<&str> {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied())
}

impl fmt::Debug for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipe")
            .field("name", &self.name)
            .field("start_method", &self.start_method)
            .field("memory_limit", &self.memory_limit)
            .field("ignore_interrupts", &self.ignore_interrupts)
            .field("variables", &self.variables)
            .field("stdout", &self.stdout)
            .field("stderr", &self.stderr)
            .field("kill_descendants", &self.kill_descendants)
            .field("stderr_tail", &self.stderr_tail)
            .field("cpus", &self.cpus)
            .field("initializer", &self.initializer)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for InitializerSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InitializerSource::None => f.write_str("None"),
            InitializerSource::Same(_, initializer) => initializer.fmt(f),
            InitializerSource::Each(_) => f.write_str("Each(..)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(setup: &Setup) -> Vec<(OsString, OsString)> {
        setup.variables().into_iter().collect()
    }

    #[test]
    fn each_worker_has_its_own_variables_and_those_of_all() {
        let recipe = Recipe {
            variables: vec![
                ("RECIPE_A".into(), "all".into()),
                ("RECIPE_B".into(), "all".into()),
            ],
            worker_variables: Some(Box::new(|index| {
                vec![("RECIPE_B".into(), index.to_string().into())]
            })),
            ..Recipe::default()
        };
        let expected = |index: &str| {
            vec![
                ("RECIPE_A".into(), "all".into()),
                ("RECIPE_B".into(), OsString::from(index)),
            ]
        };
        assert_eq!(variables(&recipe.of(0).unwrap().0), expected("0"));
        assert_eq!(variables(&recipe.of(7).unwrap().0), expected("7"));
    }

    #[test]
    fn cpus_are_shared_out_in_turn() {
        let recipe = Recipe {
            cpus: Some(vec![2, 5, 6]),
            ..Recipe::default()
        };
        let cpu = |index| recipe.of(index).unwrap().0.limits.cpus.unwrap();
        assert_eq!([0, 1, 2, 3, 4].map(cpu), [[2], [5], [6], [2], [5]]);
    }

    #[test]
    fn a_function_that_panics_is_an_error() {
        let recipe = Recipe {
            worker_variables: Some(Box::new(|index| {
                assert!(index != 1, "there is no such device");
                Vec::new()
            })),
            ..Recipe::default()
        };
        assert!(recipe.of(0).is_ok());
        let error = recipe.of(1).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Spawn);
        let expected = "the function given to `PoolBuilder::worker_env` panicked for the worker with index 1: there is no such device";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn what_no_worker_can_have_is_refused_before_one_is_started() {
        for (name, value) in [("", "x"), ("A=B", "x"), ("A", "x\0")] {
            let recipe = Recipe {
                variables: vec![(name.into(), value.into())],
                worker_variables: Some(Box::new(|_| panic!("it is not called"))),
                ..Recipe::default()
            };
            assert!(recipe.check().is_err(), "{name:?} {value:?}");
        }
        for stream in [Stdio::piped(), std::process::Stdio::null().into()] {
            let recipe = Recipe {
                stderr: Some(Arc::new(stream)),
                ..Recipe::default()
            };
            let error = recipe.check().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        }
    }
}
