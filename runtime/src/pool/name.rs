//! Which worker a task is for, as it stands in messages.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::codec::Output;
use crate::dispatch::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::lock;
use crate::process::callee;

/// The name of a worker in messages.
#[derive(Debug, Clone)]
#[cfg_attr(test, derive(Default))]
pub(super) struct Name(Arc<[u8]>);

impl Name {
    /// Makes the name of a worker, which takes about as long as to send a short task.
    pub(super) fn new(entry: &'static Entry) -> Result<Name> {
        let about_worker = |error: Error| error.with_worker(entry.name());
        let callee = callee(entry).map_err(about_worker)?;
        let mut out = Output::default();
        out.write(&callee)
            .map_err(|error| about_worker(Error::new(ErrorKind::Encode, error.to_string())))?;
        Ok(Name(out.head.into()))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The names that a pool has made, which are made once for each worker.
///
/// An entry cannot keep its own: that of an instance of a generic worker is a constant.
#[derive(Debug, Default)]
pub(super) struct NameCache(Mutex<HashMap<usize, Name>>);

impl NameCache {
    pub(super) fn of(&self, entry: &'static Entry) -> Result<Name> {
        let key = std::ptr::from_ref(entry).addr();
        if let Some(name) = lock(&self.0).get(&key) {
            return Ok(name.clone());
        }
        let name = Name::new(entry)?;
        lock(&self.0).insert(key, name.clone());
        Ok(name)
    }
}
