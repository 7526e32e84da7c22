//! The environment of a child: what its call changes, and how a clone comes by the rest.
//!
//! A re-executed child inherits its parent's environment as any program does. A clone has that of
//! the fork server, which was started with the environment that this process had [then](base) and
//! never changes it: only what differs has to be sent.

#![expect(
    unsafe_code,
    reason = "the environment is replaced while there is one thread"
)]

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::process::Command;
use std::sync::OnceLock;

use super::origin::MARKER;
use serde::{Deserialize, Serialize};

use crate::sys::image;

/// Variables and their values.
pub(crate) type Environment = BTreeMap<OsString, OsString>;

/// A change to the environment that the child inherits.
#[derive(Debug, Clone, Hash, Serialize, Deserialize)]
pub(crate) enum Change {
    Set(OsString, OsString),
    Remove(OsString),
    Clear,
}

/// The changes of a call, in the order they were asked for.
#[derive(Debug, Clone, Default, Hash, Serialize, Deserialize)]
pub(crate) struct Changes(Vec<Change>);

impl Changes {
    pub(super) fn push(&mut self, change: Change) {
        self.0.push(change);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What they make of an empty environment.
    pub(super) fn set(&self) -> Environment {
        let mut set = Environment::new();
        self.apply_to(&mut set);
        set
    }

    /// Refuses what no process can have in its environment.
    pub(super) fn check(&self) -> io::Result<()> {
        let set = self.set();
        let wrong = set
            .iter()
            .find(|(key, value)| !is_variable(key) || value.as_encoded_bytes().contains(&0));
        match wrong {
            None => Ok(()),
            Some((key, _)) => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "the environment variable `{}` is not valid: its name must not be empty or contain `=`, and neither its name nor its value may contain a zero byte",
                    key.display()
                ),
            )),
        }
    }

    /// The environment of a clone, unless it is just the one that clones have.
    pub(super) fn for_clone(&self) -> Option<Environment> {
        if self.is_empty() && is_base() {
            return None;
        }
        let mut environment = own();
        self.apply_to(&mut environment);
        environment.remove(OsStr::new(MARKER));
        Some(environment)
    }

    pub(super) fn for_command(self, command: &mut Command) {
        for change in self.0 {
            match change {
                Change::Set(key, value) => command.env(key, value),
                Change::Remove(key) => command.env_remove(key),
                Change::Clear => command.env_clear(),
            };
        }
    }

    fn apply_to(&self, environment: &mut Environment) {
        for change in &self.0 {
            match change {
                Change::Set(key, value) => {
                    environment.insert(key.clone(), value.clone());
                }
                Change::Remove(key) => {
                    environment.remove(key);
                }
                Change::Clear => environment.clear(),
            }
        }
    }
}

/// What every fork server of this process is started with, and so all its clones have: the
/// environment at the first need of one.
pub(super) fn base() -> &'static Environment {
    static BASE: OnceLock<Environment> = OnceLock::new();
    BASE.get_or_init(own)
}

/// Whether the environment of this process is still that.
fn is_base() -> bool {
    let base = base();
    let mut same = 0;
    for (key, value) in std::env::vars_os() {
        if base.get(&key) == Some(&value) {
            same += 1;
        } else if key != MARKER {
            return false;
        }
    }
    // A name that is there twice makes it look changed, which costs time only.
    same == base.len()
}

/// The environment of this process.
fn own() -> Environment {
    let mut environment: Environment = std::env::vars_os().collect();
    // The programs that a child starts must not find it.
    environment.remove(OsStr::new(MARKER));
    environment
}

/// The environment that this process was executed with, whatever became of it since.
pub(super) fn executed_with() -> std::io::Result<Environment> {
    let mut environment: Environment = image::environment()?.into_iter().collect();
    environment.remove(OsStr::new(MARKER));
    Ok(environment)
}

/// Makes this process's environment a given one, but for entries that libc neither sets nor
/// removes, such as one without a name.
///
/// To be called in a process that has one thread; or with the environment that it has already,
/// which changes nothing.
pub(super) fn replace(environment: &Environment) {
    for (key, _) in std::env::vars_os() {
        if !environment.contains_key(&key) && is_variable(&key) {
            // SAFETY: a clone and its fork server have one thread. A re-executed child may have
            // more, which its constructors started, but it does not come here: its environment
            // is the right one.
            unsafe { std::env::remove_var(key) };
        }
    }
    for (key, value) in environment {
        if is_variable(key) && std::env::var_os(key).as_ref() != Some(value) {
            // SAFETY: as above.
            unsafe { std::env::set_var(key, value) };
        }
    }
}

/// Whether this can be the name of a variable.
fn is_variable(key: &OsStr) -> bool {
    !key.is_empty()
        && !key
            .as_encoded_bytes()
            .iter()
            .any(|byte| matches!(byte, b'=' | 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_apply_in_order() {
        let mut changes = Changes::default();
        let set = |value: &str| Change::Set("A".into(), value.into());
        for change in [set("1"), Change::Clear, set("2"), set("3")] {
            changes.push(change);
        }
        let expected = Environment::from([("A".into(), "3".into())]);
        assert_eq!(changes.for_clone(), Some(expected));
        changes.push(Change::Remove("A".into()));
        assert_eq!(changes.for_clone(), Some(Environment::new()));
    }

    #[test]
    fn what_clones_have_is_not_sent() {
        assert_eq!(Changes::default().for_clone(), None);
        assert_eq!(executed_with().unwrap(), *base());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (key, value) in [("", "x"), ("A=B", "x"), ("A\0B", "x"), ("A", "x\0")] {
            let mut changes = Changes::default();
            changes.push(Change::Set(key.into(), value.into()));
            assert!(changes.check().is_err(), "{key:?} {value:?}");
            changes.push(Change::Remove(key.into()));
            assert!(changes.check().is_ok(), "{key:?} {value:?}");
        }
    }
}
