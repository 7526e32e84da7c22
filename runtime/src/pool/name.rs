//! Which worker a task is for, and under which limits it runs, as it stands in messages.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex};

use crate::codec::Output;
use crate::dispatch::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::lock;
use crate::process::{TaskLimits, callee};

/// The name of a worker in messages, and behind it the limits of its tasks if they have any.
#[derive(Debug, Clone)]
#[cfg_attr(test, derive(Default))]
pub(super) struct Name(Arc<[u8]>);

impl Name {
    /// Makes the name of a worker whose tasks have these limits, which takes about as long as to send a
    /// short task.
    pub(super) fn new(entry: &'static Entry, limits: &TaskLimits) -> Result<Name> {
        let about_worker = |error: Error| error.with_worker(entry.name());
        let callee = callee(entry).map_err(about_worker)?;
        let mut out = Output::default();
        out.write(&callee)
            .map_err(|error| about_worker(Error::new(ErrorKind::Encode, error.to_string())))?;
        if !limits.are_none() {
            limits.write(&mut out).map_err(about_worker)?;
        }
        Ok(Name(out.head.into()))
    }

    /// Whether it is the same. Two that were made for the same worker need not be.
    pub(super) fn is(&self, other: &Name) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The names that a pool has made, which are made once for each worker.
///
/// An entry cannot keep its own: that of an instance of a generic worker is a constant.
#[derive(Debug, Default)]
pub(super) struct NameCache {
    without_limits: Mutex<HashMap<usize, Name>>,
    with_limits: Mutex<HashMap<(usize, TaskLimits), Name>>,
}

/// How many names with limits are kept: each call may come with another one.
pub(super) const NAMES: usize = 1000;

impl NameCache {
    pub(super) fn of(&self, entry: &'static Entry, limits: &TaskLimits) -> Result<Name> {
        let key = std::ptr::from_ref(entry).addr();
        if limits.are_none() {
            find_or_make(&self.without_limits, key, || Name::new(entry, limits))
        } else {
            let key = (key, *limits);
            find_or_make(&self.with_limits, key, || Name::new(entry, limits))
        }
    }
}

fn find_or_make<K: Eq + Hash>(
    names: &Mutex<HashMap<K, Name>>,
    key: K,
    make: impl FnOnce() -> Result<Name>,
) -> Result<Name> {
    if let Some(name) = lock(names).get(&key) {
        return Ok(name.clone());
    }
    let name = make()?;
    let mut names = lock(names);
    if names.len() >= NAMES {
        names.clear();
    }
    names.insert(key, name.clone());
    Ok(name)
}
