//! Files that several messages have in common, and what was made of them.
//!
//! Nearly all descriptors mean something by being open: a process that has the writing end of a pipe keeps its
//! readers waiting. Those of [common](super::HandleKind::is_common) handles do not: they are memory that never changes.
//! So a process may have them before it needs them, and after, and one descriptor serves the messages of many
//! tasks, which say by a number which of the files that the process has they mean.
//!
//! To find what a process has of such a file takes system calls. So what was made of it can be left with it,
//! for the next message.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex};

use super::super::Error;
use crate::lock::lock;
use crate::sys::fd::OwnedFd;

/// The files that a message means, in the order in which it counts them.
pub(crate) type CommonFiles = Arc<[Arc<CommonFile>]>;

/// One of them.
pub(crate) struct CommonFile {
    descriptor: Arc<OwnedFd>,
    /// One for each type, as a rule of one.
    made: Mutex<Vec<Arc<dyn Any + Send + Sync>>>,
}

impl CommonFile {
    pub(crate) fn new(descriptor: Arc<OwnedFd>) -> CommonFile {
        CommonFile {
            descriptor,
            made: Mutex::default(),
        }
    }

    pub(super) fn descriptor(&self) -> &Arc<OwnedFd> {
        &self.descriptor
    }

    /// What was made of it, or is now. It is there as long as this is.
    pub(crate) fn find_or_make<T: Send + Sync + 'static>(
        &self,
        make: impl FnOnce(&Arc<OwnedFd>) -> Result<Arc<T>, Error>,
    ) -> Result<Arc<T>, Error> {
        let found = |made: &Arc<dyn Any + Send + Sync>| Arc::clone(made).downcast().ok();
        if let Some(made) = lock(&self.made).iter().find_map(found) {
            return Ok(made);
        }
        // It is user code that reads, and may take long.
        let made = make(&self.descriptor)?;
        lock(&self.made).push(Arc::clone(&made) as _);
        Ok(made)
    }
}

impl fmt::Debug for CommonFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommonFile")
            .field("descriptor", &self.descriptor)
            .finish_non_exhaustive()
    }
}
