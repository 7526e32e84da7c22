//! The memory that a family of processes shares: one that was not started by the library, and all that
//! descend from it through the library.
//!
//! It is made when the first of them starts another, and each child is handed it with its request; in a
//! program without services there is none. What stands in it the graph of the services says
//! (`service/graph`), for which it is there; zeros are where that begins.
//!
//! | what happens | then |
//! |---|---|
//! | there is no memory for it, or no descriptor | the child is started without; it makes one for itself and its own children if they need it |
//! | a child is handed another file by a parent that is sick | it finds that out when it opens it, and goes without |

use std::io;
use std::sync::{Arc, OnceLock};

use crate::descriptor::Fd;
use crate::dispatch;
use crate::sys::fd::OwnedFd;
use crate::sys::memory;

/// How many bytes of memory a family shares.
pub(crate) const LENGTH: usize = 4096 + 4096 * 128;

static FILE: OnceLock<Arc<OwnedFd>> = OnceLock::new();

/// The memory of this process's family.
pub(crate) fn file() -> io::Result<Arc<OwnedFd>> {
    if let Some(file) = FILE.get() {
        return Ok(Arc::clone(file));
    }
    // Of two threads that make one, the later takes that of the other.
    let file = Arc::new(memory::create(LENGTH)?);
    Ok(Arc::clone(FILE.get_or_init(|| file)))
}

/// What a child is handed, if there are services in the program.
pub(super) fn for_child() -> Option<Fd<Arc<OwnedFd>>> {
    let is_needed = FILE.get().is_some() || dispatch::has_services();
    // Without it, services work, and circles in which they wait for one another are not seen.
    is_needed.then(file)?.ok().map(Fd::new)
}

/// Takes on what the parent has handed over.
pub(super) fn adopt(file: Fd<Arc<OwnedFd>>) {
    let _ = FILE.set(file.into_inner());
}
